// Numbers and texts of pickles, as bytes (protocols 1 to 5) and as lines (protocol 0); see pickle_constants.h.
#include "loaders/weights/pickle_constants.h"

#include <charconv>

namespace adaq {
namespace {

using Kind = PickleValue::Kind;

PickleId bytes(uint64_t length, ByteCursor& cursor, PickleObjects& objects) {
    cursor.take(length);
    return objects.constant(Kind::bytes);
}

/// Little-endian two's complement. Longer than 64 bits (torch's magic number): nothing that we look at.
PickleId long_integer(uint64_t length, ByteCursor& cursor, PickleObjects& objects) {
    const auto bytes = cursor.take(length);
    if (length > 8) return objects.constant(Kind::real);
    uint64_t number = 0;
    for (size_t i = 0; i < length; ++i) number |= static_cast<uint64_t>(bytes[i]) << (8 * i);
    const bool negative = length > 0 && (bytes.back() & std::byte{0x80}) != std::byte{0};
    if (negative && length < 8) number |= ~uint64_t{0} << (8 * length);
    return objects.integer(static_cast<int64_t>(number));
}

/// "12", or "12L" of Python 2; one beyond 64 bits is nothing that we look at.
PickleId decimal(std::string_view line, PickleObjects& objects) {
    if (line.ends_with('L')) line.remove_suffix(1);
    int64_t number = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
    if (line.empty() || end != line.data() + line.size()) objects.broken("a number that is none");
    return error == std::errc() ? objects.integer(number) : objects.constant(Kind::real);
}

PickleId decimal_or_boolean(std::string_view line, PickleObjects& objects) {
    return line == "00" || line == "01" ? objects.boolean(line == "01") : decimal(line, objects);
}

PickleId quoted(std::string_view line, PickleObjects& objects) {
    if (line.size() < 2 || line.front() != line.back() || (line[0] != '\'' && line[0] != '"'))
        objects.broken("a text without quotes");
    return objects.text(line.substr(1, line.size() - 2));
}

}  // namespace

std::optional<PickleId> read_pickle_constant(unsigned char opcode, ByteCursor& cursor, PickleObjects& objects) {
    switch (opcode) {
        case 'N':
            return objects.constant(Kind::none);
        case 0x88:
            return objects.boolean(true);
        case 0x89:
            return objects.boolean(false);
        case 'J':
            return objects.integer(cursor.number<int32_t>());
        case 'K':
            return objects.integer(cursor.number<uint8_t>());
        case 'M':
            return objects.integer(cursor.number<uint16_t>());
        case 0x8a:
            return long_integer(cursor.number<uint8_t>(), cursor, objects);
        case 0x8b:
            return long_integer(cursor.number<uint32_t>(), cursor, objects);
        case 'I':
            return decimal_or_boolean(cursor.line(), objects);
        case 'L':
            return decimal(cursor.line(), objects);
        case 'G':  // losses, learning rates: passed over
            cursor.take(8);
            return objects.constant(Kind::real);
        case 'F':
            (void)cursor.line();
            return objects.constant(Kind::real);
        case 'U':
        case 0x8c:
            return objects.text(cursor.text(cursor.number<uint8_t>()));
        case 'T':
        case 'X':
            return objects.text(cursor.text(cursor.number<uint32_t>()));
        case 0x8d:
            return objects.text(cursor.text(cursor.number<uint64_t>()));
        case 'S':
            return quoted(cursor.line(), objects);
        case 'V':
            return objects.text(cursor.line());
        case 'C':
            return bytes(cursor.number<uint8_t>(), cursor, objects);
        case 'B':
            return bytes(cursor.number<uint32_t>(), cursor, objects);
        case 0x8e:
        case 0x96:
            return bytes(cursor.number<uint64_t>(), cursor, objects);
        case 'P':  // a persistent id in words: torch writes tuples
            (void)cursor.line();
            return objects.object("a persistent id");
        default:
            return std::nullopt;
    }
}

}  // namespace adaq
