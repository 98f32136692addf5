// A pass over JSON without making anything of it; see json_fault.h.
#include "loaders/json_fault.h"

#include <fmt/format.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "engine/printable.h"

namespace adaq {
namespace {

constexpr size_t kDeepest = 64;
constexpr size_t kMostValues = size_t{1} << 20;  // a header of 20,000 tensors has 240,000

/// The parser's handler: counts, and ends the parsing at the first fault. Names and arguments are the parser's.
class Inspector {
  public:
    std::optional<std::string> fault;

    bool null() { return count(); }
    bool boolean(bool) { return count(); }
    bool number_integer(int64_t) { return count(); }
    bool number_unsigned(uint64_t) { return count(); }
    bool number_float(double, const std::string&) { return count(); }
    bool string(std::string&) { return count(); }
    bool binary(std::vector<uint8_t>&) { return false; }  // no part of JSON text
    bool start_object(size_t) { return open(); }
    bool end_object() { return close(); }
    bool start_array(size_t) { return open(); }
    bool end_array() { return close(); }
    bool key(std::string& name) {
        if (keys_.back().insert(name).second) return true;
        return refuse(fmt::format("has the key \"{}\" twice", printable(name)));
    }
    bool parse_error(size_t position, const std::string&, const nlohmann::json::exception& error) {
        const bool syntax = dynamic_cast<const nlohmann::json::parse_error*>(&error) != nullptr;
        return refuse(syntax ? fmt::format("is not JSON (at byte {})", position)
                             : std::string("is not JSON (a number out of range)"));
    }

  private:
    bool refuse(std::string why) {
        fault = std::move(why);
        return false;
    }
    bool count() { return ++values_ <= kMostValues || refuse(fmt::format("has more than {} values", kMostValues)); }
    bool open() {
        if (keys_.size() == kDeepest) return refuse(fmt::format("nests deeper than {} levels", kDeepest));
        keys_.emplace_back();
        return count();
    }
    bool close() {
        keys_.pop_back();
        return true;
    }

    size_t values_ = 0;
    std::vector<std::set<std::string>> keys_;  // of the objects and arrays that are open
};

}  // namespace

std::optional<std::string> json_fault(std::string_view text) {
    Inspector inspector;
    const bool fine = nlohmann::json::sax_parse(text.begin(), text.end(), &inspector);
    if (!fine && !inspector.fault) inspector.fault = "is not JSON";
    return inspector.fault;
}

}  // namespace adaq
