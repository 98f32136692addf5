// See cells.h.
#include "tools/sweep/cells.h"

#include <fnmatch.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "adaq/data/fingerprints.h"
#include "engine/error.h"
#include "tools/program/interrupt.h"
#include "tools/program/words.h"
#include "tools/run/output_files.h"
#include "tools/sweep/located_json.h"

namespace adaq {
namespace {

/// What the program does by itself, or what makes no sense for a cell.
const std::set<std::string> kNotInTables{"--help",  "--version", "--dry-run",
                                         "--state", "--resume",  "--compare-nearest"};

/// Where a message names an option; npos: nowhere.
size_t place_in(const std::string& message, const OptionWords& option) {
    const std::string name = option_name(option);
    size_t at = message.find(name);
    // "--val" is not meant by "--val-images", but "--w" by "--w9".
    while (at != std::string::npos && at + name.size() < message.size() &&
           (message[at + name.size()] == '-' || std::islower(static_cast<unsigned char>(message[at + name.size()]))))
        at = message.find(name, at + 1);
    return at;
}

/// Options in a table's place, apart.
std::vector<OptionWords> options_at(const Table& table, const PlacedOptions& placed) {
    try {
        std::vector<OptionWords> options = split_options(placed.text);
        for (const OptionWords& option : options) {
            if (kNotInTables.contains(option_name(option)))
                usage_error("{}: is no option of a cell", option_name(option));
            if (std::find(option.begin(), option.end(), "-h") != option.end())
                usage_error("-h: is no option of a cell");
        }
        return options;
    } catch (const UsageError& error) {
        data_error("{}: line {}: {}: {}", table.file, placed.line, placed.key, error.what());
    }
}

constexpr size_t kLongestPart = 80;  // of a file's name, for a row's or a column's title

/// A title as part of a file's name, and whether it tells all of the title that matters.
struct NamePart {
    std::string text;
    bool whole;
};

/// Lower-case letters, digits and full stops; a dash for whatever stands between them.
NamePart name_part(const std::string& title) {
    std::string name;
    bool whole = true;
    for (const char c : title) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.';
        whole &= static_cast<unsigned char>(c) < 0x80;
        if (plain)
            name += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        else if (!name.empty() && name.back() != '-')
            name += '-';
    }
    while (!name.empty() && name.back() == '-') name.pop_back();
    const std::string bounded = name.substr(0, kLongestPart);
    const bool hidden = bounded.empty() || bounded.front() == '.';
    return {hidden ? "_" + bounded : bounded, whole && !hidden && bounded == name};
}

/// Of every cell a name of its own: its titles', and a CRC-32 of them where that does not tell them apart.
void name_cells(const Table& table, std::vector<Cell>& cells) {
    const auto crc32 = [&](const Cell& cell) {
        return "-" + crc32_text(table.rows[cell.row].title + '\0' + table.columns[cell.column].title);
    };
    std::map<std::string, int> plain;
    std::vector<bool> whole;
    for (Cell& cell : cells) {
        const NamePart row = name_part(table.rows[cell.row].title),
                       column = name_part(table.columns[cell.column].title);
        cell.name = row.text + "." + column.text;
        whole.push_back(row.whole && column.whole);
        ++plain[cell.name];
    }
    std::map<std::string, std::string> titles;
    for (size_t i = 0; i < cells.size(); ++i) {
        Cell& cell = cells[i];
        if (!whole[i] || plain[cell.name] > 1) cell.name += crc32(cell);
        const auto [other, added] = titles.emplace(cell.name, cell.title);
        if (!added)
            data_error("{}: line {}: rows[{}].title: \"{}\" and \"{}\" are too alike: both would be kept as {}.json",
                       table.file, table.rows[cell.row].line, cell.row, excerpt(cell.title), excerpt(other->second),
                       cell.name);
    }
}

/// Two cells must not write the same file.
void check_outputs(const Table& table, const std::vector<Cell>& cells) {
    std::map<std::string, std::string> writers;
    for (const Cell& cell : cells) {
        for (const auto& [option, path] : outputs_of(cell.run)) {
            const auto [other, added] = writers.emplace(file_behind(path), cell.title);
            if (!added)
                data_error("{}: {} {}: is written by ({}) already", origin(table, cell, option), option, path,
                           excerpt(other->second));
        }
    }
}

RunOptions parsed(const std::vector<OptionWords>& options) {
    std::vector<std::string> words{"adaq-run"};
    for (const OptionWords& option : options) words.insert(words.end(), option.begin(), option.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    std::optional<RunOptions> run = parse_options(static_cast<int>(argv.size()), argv.data());
    require(run.has_value(), "a cell asks for help");
    // With the bundled data adaq-run evaluates it of itself; here it would cost time and be shown nowhere.
    run->quantise.compare_nearest = false;
    // A table tells how accurate networks are; the rest is computed for those who asked for a report.
    run->quantise.accuracy_alone = run->report_html.empty() && run->report_json.empty();
    return *run;
}

class CellMaker {
  public:
    CellMaker(const Table& table, const SweepOptions& options)
        : table_(table), passed_on_(options.passed_on), common_(options_at(table, table.options)) {
        for (const OptionWords& option : passed_on_)
            if (kNotInTables.contains(option_name(option)))
                usage_error("--with: {}: is no option of a cell", option_name(option));
        for (const TableColumn& column : table.columns) columns_.push_back(options_at(table, column.options));
        for (const TableRow& row : table.rows) rows_.push_back(options_at(table, row.options));
    }

    Cell make(size_t row, size_t column) const {
        const TableRow& r = table_.rows[row];
        const TableColumn& c = table_.columns[column];
        Cell cell{row, column, r.title + " / " + c.title, "", "", {}};
        const std::vector<OptionWords>&ours = rows_[row], &columns = columns_[column];
        for (const OptionWords& option : ours)
            for (const OptionWords& other : columns)
                if (option_name(option) == option_name(other))
                    data_error("{}: line {}: {}: {}: column \"{}\" says it too (line {})", table_.file, r.options.line,
                               r.options.key, option_name(option), excerpt(c.title), c.options.line);
        const std::vector<OptionWords> all = replaced(replaced(replaced(common_, columns), ours), passed_on_);
        cell.options = joined(table_part(all));
        try {
            cell.run = parsed(all);
        } catch (const UsageError& error) {
            const std::string message = with_option_names(error.what());
            for (const OptionWords& option : passed_on_)
                if (place_in(message, option) != std::string::npos)
                    usage_error("({}): {}", excerpt(cell.title), message);
            data_error("{}: {}", origin(table_, cell, message), message);
        }
        return cell;
    }

  private:
    /// Without what says which model, data and machine.
    std::vector<OptionWords> table_part(std::vector<OptionWords> options) const {
        static const std::set<std::string> kElsewhere{"--weights", "--checkpoint-key", "--arch",    "--calib",
                                                      "--val",     "--val-labels",     "--classes", "--device",
                                                      "--threads"};
        std::erase_if(options, [](const OptionWords& option) { return kElsewhere.contains(option_name(option)); });
        return options;
    }

    const Table& table_;
    const std::vector<OptionWords>& passed_on_;
    const std::vector<OptionWords> common_;
    std::vector<std::vector<OptionWords>> columns_, rows_;
};

}  // namespace

std::vector<Cell> make_cells(const Table& table, const SweepOptions& options) {
    const CellMaker maker(table, options);
    std::vector<Cell> cells;
    for (size_t row = 0; row < table.rows.size(); ++row)
        for (size_t column = 0; column < table.columns.size(); ++column)
            if (table.rows[row].has[column]) {
                stop_if_interrupted();
                cells.push_back(maker.make(row, column));
            }
    name_cells(table, cells);
    check_outputs(table, cells);
    return cells;
}

std::string origin(const Table& table, const Cell& cell, const std::string& message) {
    const TableRow& row = table.rows[cell.row];
    const PlacedOptions* culprit = row.options.line > 0 ? &row.options : nullptr;
    size_t earliest = std::string::npos;
    for (const PlacedOptions* placed : {&row.options, &table.columns[cell.column].options, &table.options}) {
        if (placed->line > 0 && !culprit) culprit = placed;
        for (const OptionWords& option : split_options(placed->text)) {
            const size_t at = place_in(message, option);
            if (at >= earliest) continue;
            earliest = at;
            culprit = placed;
        }
    }
    const std::string title = excerpt(cell.title);
    if (!culprit) return fmt::format("{}: line {}: rows[{}] ({})", table.file, row.line, cell.row, title);
    return fmt::format("{}: line {}: {} ({})", table.file, culprit->line, culprit->key, title);
}

bool matches(const Cell& cell, const std::string& pattern) {
    return fnmatch(("*" + pattern + "*").c_str(), cell.title.c_str(), FNM_CASEFOLD) == 0;
}

}  // namespace adaq
