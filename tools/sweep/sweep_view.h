// A table with its results, as far as there are any, and its two renderings. Rendering is a pure function: equal
// views, equal bytes.
#pragma once

#include <string>
#include <vector>

#include "tools/sweep/cell_folder.h"
#include "tools/sweep/table.h"

namespace adaq {

struct CellView {
    enum class State { empty, waiting, done, failed };
    State state = State::empty;  // empty: the row has no such cell
    CellResult result;           // done
    std::string reason;          // failed
    std::string options;
};

struct SweepView {
    Table table;
    std::vector<CellView> cells;  // row after row, one a column
    bool imagenet = false;        // the validation set is ImageNet's, so that published numbers are of the same images
    bool several_networks = false;
    std::string model, calibration, validation;  // sentences
    std::string command, machine;
    std::string adaq_version;

    const CellView& at(size_t row, size_t column) const { return cells[row * table.columns.size() + column]; }
    int64_t count(CellView::State state) const;
    /// The first finished cell, which knows how good the float network is; null: none is.
    const CellResult* finished() const;
    /// The float network's top-1, "69.76", and its interval, where a cell is finished. Of several networks the lowest
    /// and the highest, "69.76 to 78.36", and that they are several.
    std::string float_share() const;
    std::string float_interval() const;
    /// Any row has a published number in the column.
    bool has_published(size_t column) const;
    bool has_published() const;
    /// What heads a published column.
    std::string published_heading() const { return imagenet ? "published" : "ImageNet*"; }
    /// What the heading means, and where the numbers are from; empty where there are none.
    std::string published_sentence() const;
    /// "54 of 56 cells are done, 2 have failed. The float network ..."
    std::string summary() const;
    /// Notes of published numbers and the table's own; failures with their reasons.
    std::vector<std::string> notes() const;
    std::vector<std::string> failures() const;
};

/// "56.65" and "[55.28, 58.01]", percent.
std::string share_text(int64_t correct, int64_t images);
std::string interval_text(int64_t correct, int64_t images);

/// Markdown whose tables are aligned, to be read as plain text too.
std::string render_markdown(const SweepView& view);

/// One self-contained page in the style of adaq's reports.
std::string render_sweep_html(const SweepView& view);

}  // namespace adaq
