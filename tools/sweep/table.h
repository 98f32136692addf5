// A table of configurations as its file describes it (docs/sweep.md): columns and rows, each with options of adaq-run,
// and what was published for their cells.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace adaq {

/// Options of adaq-run, and where they stand.
struct PlacedOptions {
    std::string text;
    std::string key;  // "rows[2].options"
    int line = 0;
};

struct PublishedNumber {
    std::string top1;               // percent, as it was written; empty: none
    std::optional<double> seconds;  // that it took there
    std::string note;
};

struct TableColumn {
    std::string title;
    PlacedOptions options;
};

struct TableRow {
    std::string title;
    int line = 0;  // of the title
    PlacedOptions options;
    std::vector<PublishedNumber> published;  // one a column
    std::vector<bool> has;                   // the columns in which it has a cell
};

struct Table {
    std::string file, title;
    std::string published_from;      // where the numbers are from, a sentence; empty: there are none
    std::vector<std::string> notes;  // sentences to print below
    PlacedOptions options;           // of every cell
    std::vector<TableColumn> columns;
    std::vector<TableRow> rows;
};

/// Throws DataError naming the file, the line and the key: a syntax error, an unknown or missing key, a wrong type,
/// as many published numbers as there are no columns, a title that is there already, more than any table needs (bytes,
/// cells, a title's or options' length).
Table read_table(const std::string& path);

}  // namespace adaq
