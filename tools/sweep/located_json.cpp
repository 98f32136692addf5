// See located_json.h. nlohmann's parser tells its handler of every value as it goes, but not where; it reads through
// iterators, though, which can count.
#include "tools/sweep/located_json.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/printable.h"
#include "report/format.h"

namespace adaq {
namespace {

constexpr size_t kDeepest = 32;  // arrays and objects in one another

/// Walks over characters, and tells how far anyone has come.
class CountingIterator {
  public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    CountingIterator(const char* at, const char** furthest) : at_(at), furthest_(furthest) {}
    reference operator*() const { return *at_; }
    CountingIterator& operator++() {
        ++at_;
        *furthest_ = std::max(*furthest_, at_);
        return *this;
    }
    CountingIterator operator++(int) {
        CountingIterator before = *this;
        ++*this;
        return before;
    }
    bool operator==(const CountingIterator& other) const { return at_ == other.at_; }

  private:
    const char* at_;
    const char** furthest_;
};

/// Builds the tree; the functions' names and arguments are the parser's.
class Builder {
  public:
    using Kind = LocatedJson::Kind;

    Builder(std::string_view text, const std::string& file)
        : text_(text), file_(file), furthest_(text.data()), counted_(text.data()) {}

    LocatedJson parse() {
        nlohmann::json::sax_parse(CountingIterator(text_.data(), &furthest_),
                                  CountingIterator(text_.data() + text_.size(), &furthest_), this);
        return std::move(root_);
    }

    bool null() { return add(Kind::null), true; }
    bool boolean(bool) { return add(Kind::boolean), true; }
    bool number_integer(int64_t value) { return add_number(static_cast<double>(value), std::to_string(value)); }
    bool number_unsigned(uint64_t value) { return add_number(static_cast<double>(value), std::to_string(value)); }
    bool number_float(double value, const std::string& written) { return add_number(value, written); }
    bool string(std::string& value) {
        add(Kind::string).text = std::move(value);
        return true;
    }
    bool binary(std::vector<uint8_t>&) { return false; }  // no part of JSON text
    bool start_array(size_t) { return open(Kind::array); }
    bool end_array() { return close(); }
    bool start_object(size_t) { return open(Kind::object); }
    bool end_object() { return close(); }
    bool key(std::string& name) {
        const auto [there, added] = keys_.back().emplace(name, line());
        if (!added)
            data_error("{}: line {}: \"{}\": the key is there already, on line {}", file_, line(), excerpt(name),
                       there->second);
        open_.back()->members.push_back({std::move(name), line(), {}});
        return true;
    }
    bool parse_error(size_t position, const std::string& token, const nlohmann::json::exception& error) {
        size_t offset = std::min(position > 0 ? position - 1 : 0, text_.size());
        // Where the token starts that should not be there; the parser tells where it ends.
        if (position >= token.size() && text_.substr(position - token.size(), token.size()) == token && !token.empty())
            offset = position - token.size();
        const std::string_view before = text_.substr(0, offset);
        const size_t start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
        // "[json.exception.parse_error.101] parse error at line 3, column 5: what is wrong"
        std::string what = error.what();
        const size_t colon = what.find(": ");
        if (colon != std::string::npos) what = what.substr(colon + 2);
        data_error("{}: line {}, column {}: {}", file_, 1 + std::count(before.begin(), before.end(), '\n'),
                   offset - start + 1, excerpt(what));
    }

  private:
    /// Of the token that was just read. A number's end is seen at the character behind it, which is read as well.
    int line() {
        const char* last = std::max(counted_, furthest_ - 1);
        line_ += static_cast<int>(std::count(counted_, last, '\n'));
        counted_ = last;
        return line_;
    }

    LocatedJson& add(Kind kind) {
        LocatedJson* value = &root_;
        if (!open_.empty()) {
            LocatedJson& parent = *open_.back();
            value = parent.kind == Kind::array ? &parent.items.emplace_back() : &parent.members.back().value;
        }
        value->kind = kind;
        value->line = line();
        return *value;
    }
    bool add_number(double number, const std::string& written) {
        LocatedJson& value = add(Kind::number);
        value.number = number;
        value.text = written;
        return true;
    }
    bool open(Kind kind) {
        if (open_.size() == kDeepest) data_error("{}: line {}: is nested more than {} deep", file_, line(), kDeepest);
        open_.push_back(&add(kind));
        keys_.emplace_back();
        return true;
    }
    bool close() {
        open_.pop_back();
        keys_.pop_back();
        return true;
    }

    std::string_view text_;
    const std::string& file_;
    const char *furthest_, *counted_;  // as far as which lines are counted
    int line_ = 1;
    LocatedJson root_;
    std::vector<LocatedJson*> open_;                // arrays and objects around the place, the innermost last
    std::vector<std::map<std::string, int>> keys_;  // of each of them, with their lines
};

}  // namespace

std::string excerpt(std::string_view text) {
    constexpr int kMost = 200, kEnd = 60;
    if (report::width(text) <= kMost) return one_line(text);
    size_t end = text.size();
    for (int points = 0; points < kEnd;)
        if ((static_cast<unsigned char>(text[--end]) & 0xC0) != 0x80) ++points;
    return one_line(report::shortened(text, kMost - kEnd)) + " " + one_line(text.substr(end));
}

std::string_view kind_of(const LocatedJson& value) {
    switch (value.kind) {
        case LocatedJson::Kind::null:
            return "null";
        case LocatedJson::Kind::boolean:
            return "true or false";
        case LocatedJson::Kind::number:
            return "a number";
        case LocatedJson::Kind::string:
            return "a string";
        case LocatedJson::Kind::array:
            return "an array";
        case LocatedJson::Kind::object:
            return "an object";
    }
    return "";
}

LocatedJson parse_located_json(std::string_view text, const std::string& file) { return Builder(text, file).parse(); }

}  // namespace adaq
