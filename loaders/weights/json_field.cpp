// Careful access to JSON headers; see json_field.h.
#include "loaders/weights/json_field.h"

#include <cmath>
#include <limits>

#include "engine/error.h"
#include "engine/printable.h"
#include "loaders/json_fault.h"

namespace adaq {

using nlohmann::json;

json parse_json_object(const std::string& file, std::string_view what, std::string_view text) {
    if (const auto fault = json_fault(text)) data_error("{}: {} {}", file, what, *fault);
    json parsed = json::parse(text.begin(), text.end());
    if (!parsed.is_object()) data_error("{}: {} is not a JSON object", file, what);
    return parsed;
}

json parse_json_object(const std::string& file, std::string_view what, std::span<const std::byte> text) {
    return parse_json_object(file, what, std::string_view(reinterpret_cast<const char*>(text.data()), text.size()));
}

JsonField JsonField::operator[](const std::string& key) const {
    const auto found = object().find(key);
    if (found == value_.end()) data_error("{}: {} has no \"{}\"", file_, name_, key);
    return {file_, name_ + "." + key, *found};
}

std::vector<JsonField> JsonField::elements() const {
    if (!value_.is_array()) wrong("an array");
    std::vector<JsonField> list;
    list.reserve(value_.size());
    for (size_t i = 0; i < value_.size(); ++i) list.push_back({file_, fmt::format("{}[{}]", name_, i), value_[i]});
    return list;
}

std::vector<std::pair<std::string, JsonField>> JsonField::members() const {
    std::vector<std::pair<std::string, JsonField>> list;
    for (const auto& [key, value] : object().items())
        list.push_back({key, {file_, name_ + "." + printable(key), value}});
    return list;
}

int64_t JsonField::integer(int64_t lowest, int64_t highest) const {
    const std::string expected = fmt::format("a whole number of {} to {}", lowest, highest);
    if (!value_.is_number_integer()) wrong(expected);
    const bool fits = !value_.is_number_unsigned() ||
                      value_.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    if (!fits || value_.get<int64_t>() < lowest || value_.get<int64_t>() > highest) wrong(expected);
    return value_.get<int64_t>();
}

float JsonField::real() const {
    if (!value_.is_number() || !(std::abs(value_.get<double>()) <= std::numeric_limits<float>::max()))
        wrong("a number");
    return static_cast<float>(value_.get<double>());
}

bool JsonField::boolean() const {
    if (!value_.is_boolean()) wrong("true or false");
    return value_.get<bool>();
}

const std::string& JsonField::text() const {
    if (!value_.is_string()) wrong("a text");
    return value_.get_ref<const std::string&>();
}

const json& JsonField::object() const {
    if (!value_.is_object()) wrong("an object");
    return value_;
}

std::vector<int64_t> JsonField::extents() const {
    std::vector<int64_t> list;
    for (const JsonField& element : elements()) list.push_back(element.integer(0, int64_t{1} << 40));
    return list;
}

void JsonField::wrong(std::string_view expected) const {
    std::string found = value_.is_structured() ? std::string(value_.type_name()) : value_.dump();
    data_error("{}: {} is {}, expected {}", file_, name_, printable(found), expected);
}

}  // namespace adaq
