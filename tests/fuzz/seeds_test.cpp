// Every seed of every fuzzing target once more: among them are the inputs that fuzzing found.
#include <doctest/doctest.h>

#include <filesystem>

#include "fuzz/targets.h"
#include "support/places.h"
#include "support/weight_files.h"

namespace fs = std::filesystem;
using namespace adaq;

namespace {

/// Whether the target took the file.
bool run_file(const fuzz::Target& target, const fs::path& file) {
    INFO(target.name << " takes " << file.string());
    const test::Bytes bytes = test::bytes_of_file(file.string());
    const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
    bool taken = false;
    CHECK_NOTHROW(taken = target.run({data, bytes.size()}));
    return taken;
}

/// How many of the files the target took.
size_t run_all(const fuzz::Target& target, const fs::path& file_or_folder) {
    if (!fs::is_directory(file_or_folder)) return run_file(target, file_or_folder) ? 1 : 0;
    size_t taken = 0;
    for (const auto& entry : fs::recursive_directory_iterator(file_or_folder))
        if (entry.is_regular_file() && run_file(target, entry.path())) ++taken;
    return taken;
}

}  // namespace

TEST_SUITE("fuzzing seeds") {
    TEST_CASE("no seed of any parser does more than being refused or read") {
        for (const fuzz::Target& target : fuzz::targets()) {
            CAPTURE(target.name);
            size_t taken = 0;
            const fs::path own = fs::path(test::source_folder()) / "tests/fuzz/seeds" / target.name;
            if (fs::exists(own)) taken += run_all(target, own);
            for (const std::string& fixture : target.fixtures) {
                const fs::path path = fs::path(test::fixtures_folder()) / fixture;
                REQUIRE(fs::exists(path));
                taken += run_all(target, path);
            }
            if (target.name != "webp" && target.name != "tiff") CHECK(taken >= 1);  // these need a library
        }
    }
}
