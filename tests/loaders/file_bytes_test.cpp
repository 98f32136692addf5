// Whole files in memory (loaders/file_bytes.h).
#include "loaders/file_bytes.h"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "support/temporary_folder.h"
#include "support/weight_files.h"

using namespace adaq;
using namespace adaq::test;

namespace {

std::string refused(const std::string& path) {
    try {
        const FileBytes file(path);
        return "";
    } catch (const DataError& error) {
        return error.what();
    }
}

}  // namespace

TEST_SUITE("file bytes") {
    TEST_CASE("the bytes are the file's") {
        const TemporaryFolder folder;
        std::ofstream(folder / "x") << "some bytes";
        const FileBytes file(folder / "x");
        CHECK(Bytes(file.bytes().begin(), file.bytes().end()) == bytes_of_text("some bytes"));
    }

    TEST_CASE("a file too large for any network is refused before memory is taken for it") {
        const TemporaryFolder folder;
        const std::string path = folder / "huge";
        std::ofstream(path).close();
        std::filesystem::resize_file(path, uint64_t{1} << 40);  // no blocks are written
        CHECK(refused(path) == path + ": 1099511627776 bytes, expected at most 4294967296");
    }

    TEST_CASE("what was read stays, and a file cut while it is read is an error and no signal") {
        const TemporaryFolder folder;
        const std::string path = folder / "x";
        constexpr size_t kSize = size_t{64} << 20;
        for (int attempt = 0; attempt < 10; ++attempt) {
            std::ofstream(path).close();
            std::filesystem::resize_file(path, kSize);
            std::thread cutter([&, attempt] {
                std::this_thread::sleep_for(std::chrono::microseconds(500 * attempt));
                std::filesystem::resize_file(path, 10000);
            });
            std::string message;
            size_t sum = 0;
            try {
                const FileBytes file(path);
                cutter.join();
                for (size_t i = 0; i < file.bytes().size(); i += 4096) sum += static_cast<size_t>(file.bytes()[i]);
            } catch (const DataError& error) {
                message = error.what();
                cutter.join();
            }
            CHECK(sum == 0);
            INFO(message);
            CHECK((message.empty() || message.starts_with(path + ": cut from 67108864 bytes to ")));
        }
    }
}
