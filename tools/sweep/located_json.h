// JSON that remembers where it stood: for errors that name the line of a key or a value, which nlohmann's values
// cannot.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace adaq {

struct LocatedMember;

struct LocatedJson {
    enum class Kind { null, boolean, number, string, array, object };
    Kind kind = Kind::null;
    int line = 0;      // from 1
    std::string text;  // of a string; a number as it was written (an integer: its digits)
    double number = 0.0;
    std::vector<LocatedJson> items;      // of an array
    std::vector<LocatedMember> members;  // of an object, in order
};

struct LocatedMember {
    std::string key;
    int line = 0;  // of the key
    LocatedJson value;
};

/// "a string", "an object": what stands there.
std::string_view kind_of(const LocatedJson& value);

/// Foreign text for an error's one line: without control characters, its middle left out where it is long.
std::string excerpt(std::string_view text);

/// Parses all of `text`, in time that grows with its length; `file` is for errors. Throws DataError: "FILE: line 3,
/// column 5: ..." for a syntax error, "FILE: line 3: ..." for a key that an object has already.
LocatedJson parse_located_json(std::string_view text, const std::string& file);

}  // namespace adaq
