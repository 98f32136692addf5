// JSON headers of weights files, read with suspicion: every access says what it wants, and a surprise is a DataError
// that names the file and the field.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

namespace adaq {

/// Of a header, in bytes: thousands of class names fit many times over.
inline constexpr uint64_t kLongestHeader = uint64_t{1} << 23;

/// Parses `text` as one JSON object. DataError if it is none or has a fault (loaders/json_fault.h).
nlohmann::json parse_json_object(const std::string& file, std::string_view what, std::string_view text);

/// The same from bytes of a file.
nlohmann::json parse_json_object(const std::string& file, std::string_view what, std::span<const std::byte> text);

/// A value within a parsed header, with the words that name it ("header: tensors[3].shape").
class JsonField {
  public:
    /// `file` and `value` outlive the field.
    JsonField(const std::string& file, std::string name, const nlohmann::json& value)
        : file_(file), name_(std::move(name)), value_(value) {}

    const nlohmann::json& json() const { return value_; }
    bool has(const std::string& key) const { return object().contains(key); }

    /// The member `key` of an object, which must be there.
    JsonField operator[](const std::string& key) const;
    /// The elements of an array.
    std::vector<JsonField> elements() const;
    /// The members of an object, by name.
    std::vector<std::pair<std::string, JsonField>> members() const;

    int64_t integer(int64_t lowest, int64_t highest) const;  // both allowed
    float real() const;                                      // finite in float32
    bool boolean() const;
    const std::string& text() const;
    const nlohmann::json& object() const;
    std::vector<int64_t> extents() const;  // an array of numbers >= 0

    /// Throws "FILE: NAME is FOUND, expected `expected`".
    [[noreturn]] void wrong(std::string_view expected) const;

  private:
    const std::string& file_;
    std::string name_;
    const nlohmann::json& value_;
};

}  // namespace adaq
