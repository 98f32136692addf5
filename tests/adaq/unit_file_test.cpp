// A finished unit's file: what is written is read, and nothing else is.
#include "adaq/learning/unit_file.h"

#include <doctest/doctest.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "loaders/weights/flat_header.h"

using namespace adaq;

namespace {

FinishedUnit sample() {
    FinishedUnit unit;
    unit.run = R"({"seed":5,"weights_crc32":"0badcafe"})";
    unit.name = "layer1.0.conv1";
    unit.number = 3;
    unit.result.layers = {{2, {-3.0f, 0.0f, 4.0f}, {0.5f}, {1.0f}, {}, {}}};
    unit.result.scales = {{7, 0.25f}};
    unit.result.record.name = unit.name;
    unit.result.record.phase = 1;
    return unit;
}

template <typename Number>
void put(std::string& file, size_t at, Number number) {
    std::memcpy(file.data() + at, &number, sizeof number);
}

uint32_t crc32(std::string_view text) { return crc32_of(std::as_bytes(std::span(text))); }

/// Contents with the checksum that belongs to them.
std::string signed_again(std::string file) {
    put(file, file.size() - 4, crc32(std::string_view(file).substr(0, file.size() - 4)));
    return file;
}

std::string file_around(const std::string& payload) {
    std::string file = "ADAQUNIT" + std::string(12, '\0') + payload + std::string(4, '\0');
    put(file, 8, uint32_t{2});
    put(file, 12, uint64_t{payload.size()});
    return signed_again(file);
}

void check_refused(const std::string& contents, const std::string& text) {
    CHECK_THROWS_WITH_AS(parse_unit_file(contents, "x.unit"), doctest::Contains(text.c_str()), DataError);
}

}  // namespace

TEST_SUITE("unit files") {
    TEST_CASE("what is written is read") {
        const FinishedUnit unit = sample(), read = parse_unit_file(unit_file(unit), "x.unit");
        CHECK(nlohmann::json::parse(read.run) == nlohmann::json::parse(unit.run));
        CHECK(read.name == "layer1.0.conv1");
        CHECK(read.number == 3);
        CHECK(read.file_name() == "003-layer1.0.conv1-1.unit");
        REQUIRE(read.result.layers.size() == 1);
        CHECK(read.result.layers[0].centred == unit.result.layers[0].centred);
        CHECK(read.result.layers[0].weight_scale == unit.result.layers[0].weight_scale);
        CHECK(read.result.scales == unit.result.scales);
        CHECK(read.result.record.phase == 1);
    }

    TEST_CASE("any bit of any byte that is another, and any cut, is refused by name") {
        const std::string file = unit_file(sample());
        for (size_t at = 0; at < file.size(); ++at) {
            std::string damaged = file;
            damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
            check_refused(damaged, "x.unit: ");
            check_refused(file.substr(0, at), "x.unit: ");
        }
        check_refused(file + "x", "x.unit: damaged");
    }

    TEST_CASE("another format is named, older and newer") {
        const std::string file = unit_file(sample()), payload = file.substr(20, file.size() - 24);
        std::string newer = file;
        put(newer, 8, uint32_t{3});
        check_refused(signed_again(newer), "x.unit: format 3, from another adaq; expected 2");
        std::string older = "ADAQUNIT" + std::string(12, '\0') + payload;
        put(older, 8, crc32(payload));
        put(older, 12, uint64_t{payload.size()});
        check_refused(older, "x.unit: format 1, from an older adaq; expected 2");
    }

    TEST_CASE("what has the right checksum and no unit in it is refused") {
        std::string file = unit_file(sample());
        put(file, 12, uint64_t{1} << 60);
        check_refused(signed_again(file), "its header tells of 1152921504606846976 bytes");
        check_refused(file_around(""), "x.unit: no CBOR");
        check_refused(file_around("\xa0"), "x.unit: not what this adaq writes");
        check_refused(file_around("\x80"), "x.unit: not what this adaq writes");
        const auto of = [](const nlohmann::json& json) {
            const auto bytes = nlohmann::json::to_cbor(json);
            return file_around({bytes.begin(), bytes.end()});
        };
        check_refused(of({{"run", 7}}), "\"run\" is no object");
        check_refused(of({{"run", nlohmann::json::object()}, {"unit", "x"}}), "x.unit: not what this adaq writes");
    }

    TEST_CASE("nesting is no way to the end of the stack") {
        check_refused(file_around(std::string(1'000'000, '\x81') + '\x01'), "nested more than");
        check_refused(file_around(std::string(1'000'000, '\x81')), "nested more than");
        // Texts and bytes of unknown length hold others: found by fuzzing.
        check_refused(file_around(std::string(1'000'000, '\x5f')), "nested more than");
        check_refused(file_around(std::string(1'000'000, '\x7f')), "nested more than");
        check_refused(file_around(std::string(32, '\x81') + '\x01'), "not what this adaq writes");
        check_refused(file_around(std::string(33, '\x81') + '\x01'), "nested more than");
    }
}
