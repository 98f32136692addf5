// See table.h.
#include "tools/sweep/table.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "engine/error.h"
#include "loaders/file_bytes.h"
#include "tools/sweep/located_json.h"

namespace adaq {
namespace {

using Kind = LocatedJson::Kind;

// No table that people write comes near these; what does is refused before it takes memory and time.
constexpr size_t kMostBytes = size_t{4} << 20, kLongestTitle = 1000, kLongestOptions = size_t{64} << 10;
constexpr size_t kMostCells = 2'000;

/// A value with its place in the file.
class Place {
  public:
    Place(const std::string& file, std::string key, const LocatedJson& value)
        : file_(file), key_(std::move(key)), value_(value) {}

    template <typename... Args>
    [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
        fail_at(value_.line, format, std::forward<Args>(args)...);
    }
    template <typename... Args>
    [[noreturn]] void fail_at(int line, fmt::format_string<Args...> format, Args&&... args) const {
        data_error("{}: line {}: {}{}", file_, line, key_.empty() ? "" : key_ + ": ",
                   fmt::format(format, std::forward<Args>(args)...));
    }

    const LocatedJson& value() const { return value_; }
    const std::string& key() const { return key_; }
    int line() const { return value_.line; }

    void expect(Kind kind, std::string_view what) const {
        if (value_.kind != kind) fail("{}, expected {}", kind_of(value_), what);
    }
    std::string text() const {
        expect(Kind::string, "a string");
        return value_.text;
    }
    std::string title() const {
        expect(Kind::string, "a string");
        if (value_.text.empty()) fail("is empty");
        if (value_.text.size() > kLongestTitle)
            fail("{} bytes long, expected {} at most", value_.text.size(), kLongestTitle);
        return value_.text;
    }

    void expect_keys(std::initializer_list<std::string_view> known) const {
        expect(Kind::object, "an object");
        for (const LocatedMember& member : value_.members) {
            if (std::find(known.begin(), known.end(), member.key) == known.end())
                fail_at(member.line, "unknown key \"{}\"; known are {}", excerpt(member.key), fmt::join(known, ", "));
        }
    }
    std::optional<Place> find(const std::string& key) const {
        for (const LocatedMember& member : value_.members)
            if (member.key == key) return Place(file_, key_.empty() ? key : key_ + "." + key, member.value);
        return std::nullopt;
    }
    Place at(const std::string& key) const {
        const auto found = find(key);
        if (!found) fail("\"{}\" is missing", key);
        return *found;
    }
    std::vector<Place> items() const {
        expect(Kind::array, "an array");
        std::vector<Place> places;
        for (const LocatedJson& item : value_.items)
            places.emplace_back(file_, fmt::format("{}[{}]", key_, places.size()), item);
        return places;
    }

  private:
    const std::string& file_;
    std::string key_;
    const LocatedJson& value_;
};

PlacedOptions options_of(const Place& holder) {
    const auto place = holder.find("options");
    if (!place) return {};
    PlacedOptions options{place->text(), place->key(), place->line()};
    if (options.text.size() > kLongestOptions)
        place->fail("{} bytes long, expected {} at most", options.text.size(), kLongestOptions);
    return options;
}

PublishedNumber read_published(const Place& place) {
    const auto top1_of = [](const Place& number) {
        number.expect(Kind::number, "a number, top-1 in percent");
        if (number.value().number < 0.0 || number.value().number > 100.0)
            number.fail("{} is no percentage", number.value().text);
        return number.value().text;
    };
    PublishedNumber published;
    if (place.value().kind == Kind::null) return published;
    if (place.value().kind == Kind::number) {
        published.top1 = top1_of(place);
        return published;
    }
    place.expect(Kind::object, "a number, null, or an object with top1");
    place.expect_keys({"top1", "seconds", "note"});
    published.top1 = top1_of(place.at("top1"));
    if (const auto seconds = place.find("seconds")) {
        seconds->expect(Kind::number, "a number of seconds");
        published.seconds = seconds->value().number;
    }
    if (const auto note = place.find("note")) published.note = note->text();
    return published;
}

/// Titles of columns or rows, with their positions: they name cells, and the files that keep them.
using Titles = std::map<std::string, size_t>;

void add_new(Titles& titles, const std::string& title, const Place& place) {
    if (!titles.emplace(title, titles.size()).second) place.fail("\"{}\" is there already", excerpt(title));
}

TableColumn read_column(const Place& place) {
    place.expect_keys({"title", "options"});
    return {place.at("title").title(), options_of(place)};
}

/// The columns that a row names as its own; all where it names none.
std::vector<bool> read_cells(const Place& row, const Titles& columns) {
    const auto list = row.find("columns");
    std::vector<bool> has(columns.size(), !list);
    if (!list) return has;
    for (const Place& item : list->items()) {
        const auto found = columns.find(item.text());
        if (found == columns.end()) item.fail("\"{}\" is no column's title", excerpt(item.text()));
        has[found->second] = true;
    }
    return has;
}

TableRow read_row(const Place& place, const Table& table, const Titles& columns) {
    place.expect_keys({"title", "options", "columns", "published"});
    TableRow row;
    const Place title = place.at("title");
    row.title = title.title();
    row.line = title.line();
    row.options = options_of(place);
    row.has = read_cells(place, columns);
    row.published.resize(table.columns.size());
    const auto published = place.find("published");
    if (!published) return row;
    const std::vector<Place> numbers = published->items();
    if (numbers.size() != table.columns.size())
        published->fail("{} numbers for {} columns; put null where there is none", numbers.size(),
                        table.columns.size());
    for (size_t i = 0; i < numbers.size(); ++i) {
        row.published[i] = read_published(numbers[i]);
        if (row.published[i].top1.empty()) continue;
        if (!row.has[i]) numbers[i].fail("the row has no cell in column \"{}\"", excerpt(table.columns[i].title));
        if (table.published_from.empty()) numbers[i].fail("\"published_from\" is to say where the numbers are from");
    }
    return row;
}

}  // namespace

Table read_table(const std::string& path) {
    const FileBytes file(path, kMostBytes);
    const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
    const LocatedJson json = parse_located_json(text, path);
    const Place root(path, "", json);
    root.expect_keys({"title", "published_from", "notes", "options", "columns", "rows"});
    Table table;
    table.file = path;
    table.title = root.at("title").title();
    if (const auto from = root.find("published_from")) table.published_from = from->title();
    if (const auto notes = root.find("notes"))
        for (const Place& note : notes->items()) table.notes.push_back(note.text());
    table.options = options_of(root);
    Titles columns, rows;
    for (const Place& place : root.at("columns").items()) {
        table.columns.push_back(read_column(place));
        add_new(columns, table.columns.back().title, place.at("title"));
    }
    if (columns.empty()) root.at("columns").fail("is empty");
    const std::vector<Place> places = root.at("rows").items();
    if (places.size() * columns.size() > kMostCells)
        root.at("rows").fail("{} rows of {} columns, expected {} cells at most", places.size(), columns.size(),
                             kMostCells);
    for (const Place& place : places) {
        table.rows.push_back(read_row(place, table, columns));
        add_new(rows, table.rows.back().title, place.at("title"));
    }
    if (rows.empty()) root.at("rows").fail("is empty");
    return table;
}

}  // namespace adaq
