// The house: which folder includes which, that no includes go in circles, and that no source file grows too long.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "support/places.h"

using namespace adaq::test;
namespace fs = std::filesystem;

namespace {

struct Source {
    size_t lines = 0;
    std::vector<std::string> includes;
};

/// By path within the repository.
std::map<std::string, Source> read_sources() {
    std::map<std::string, Source> sources;
    for (const char* top : {"adaq", "engine", "kernels", "loaders", "report", "tools"}) {
        for (const auto& entry : fs::recursive_directory_iterator(fs::path(source_folder()) / top)) {
            const std::string kind = entry.path().extension().string();
            if (kind != ".h" && kind != ".cpp" && kind != ".cu") continue;
            Source source;
            std::ifstream file(entry.path());
            for (std::string line; std::getline(file, line); ++source.lines) {
                if (line.rfind("#include ", 0) != 0 || line.size() < 12) continue;
                const size_t end = line.find_first_of("\">", 10);
                source.includes.push_back(line.substr(10, end - 10));
            }
            sources[fs::relative(entry.path(), source_folder()).string()] = std::move(source);
        }
    }
    return sources;
}

const std::map<std::string, Source>& sources() {
    static const std::map<std::string, Source> all = read_sources();
    return all;
}

/// Names of the constants that stand at the beginning of a line, in all files below `folder` whose names end in `end`.
std::set<std::string> constants_in(const fs::path& folder, const std::string& end = "") {
    static const std::regex constant(R"(^(inline |static )*const(expr)? .*)"), name(R"(\b(k[A-Z]\w*)(\{| = ))");
    std::set<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        const std::string path = entry.path().string();
        if (!entry.is_regular_file() || path.size() < end.size() || path.substr(path.size() - end.size()) != end)
            continue;
        std::ifstream file(entry.path());
        for (std::string line; std::getline(file, line);) {
            if (!std::regex_match(line, constant)) continue;
            for (std::sregex_iterator found(line.begin(), line.end(), name), none; found != none; ++found)
                names.insert((*found)[1]);
        }
    }
    return names;
}

bool below(const std::string& path, const std::string& folder) { return path.rfind(folder + "/", 0) == 0; }

/// "kernels/cpu" of "kernels/cpu/plan.h", "loaders" of "loaders/weights/weights.h".
std::string part_of(const std::string& path) {
    const size_t first = path.find('/');
    if (first == std::string::npos) return "";
    const std::string top = path.substr(0, first);
    const size_t second = path.find('/', first + 1);
    return top == "kernels" && second != std::string::npos ? path.substr(0, second) : top;
}

/// As it is installed: the headers of adaq/ itself, without those that only its sources need.
bool is_public(const std::string& path) {
    const std::string name = fs::path(path).filename().string();
    return path == "adaq/" + name && name.ends_with(".h");
}

}  // namespace

TEST_SUITE("structure") {
    TEST_CASE(
        "includes point one way: tools, adaq, then report and loaders, then the engine, and kernels see the engine "
        "alone") {
        // What the interface and all behind it speak of: plain data, which includes none of them.
        const std::set<std::string> words{"adaq/error.h",         "adaq/grid.h",   "adaq/learning.h",
                                          "adaq/preprocessing.h", "adaq/report.h", "adaq/statistics.h"};
        const std::map<std::string, std::set<std::string>> allowed{
            {"adaq", {"adaq", "engine", "loaders", "report"}},
            {"engine", {"engine"}},
            {"loaders", {"engine", "loaders"}},
            {"report", {"engine", "loaders", "report"}},
            {"kernels", {"engine", "kernels", "kernels/reference", "kernels/cpu", "kernels/cuda"}},
            {"kernels/reference", {"engine", "kernels", "kernels/reference"}},
            {"kernels/cpu", {"engine", "kernels", "kernels/cpu"}},
            {"kernels/cuda", {"engine", "kernels", "kernels/cuda", "kernels/emulator"}},
            {"kernels/emulator", {"engine", "kernels", "kernels/emulator", "kernels/cuda"}}};
        REQUIRE(sources().size() > 300);
        for (const auto& entry : sources()) {
            const std::string& path = entry.first;
            const Source& source = entry.second;
            const auto may = allowed.find(part_of(path));
            if (may == allowed.end()) continue;  // tools see all
            for (const std::string& include : source.includes) {
                if (sources().count(include) == 0) continue;
                INFO(path << " includes " << include);
                CHECK((may->second.count(part_of(include)) == 1 || words.count(include) == 1));
            }
        }
    }

    TEST_CASE("adaq's public headers include nothing but the standard library and each other") {
        size_t headers = 0;
        for (const auto& entry : sources()) {
            const std::string& path = entry.first;
            const Source& source = entry.second;
            if (!is_public(path)) continue;
            ++headers;
            for (const std::string& include : source.includes) {
                INFO(path << " includes " << include);
                const bool of_c = path == "adaq/c.h" && (include == "stddef.h" || include == "stdint.h");
                CHECK((is_public(include) || of_c || include.find_first_of("/.") == std::string::npos));
            }
        }
        CHECK(headers >= 10);
    }

    TEST_CASE("the engine includes no JSON, OpenMP, CUDA, oneDNN or command line") {
        for (const auto& entry : sources()) {
            const std::string& path = entry.first;
            const Source& source = entry.second;
            if (!below(path, "engine")) continue;
            for (const std::string& include : source.includes) {
                INFO(path << " includes " << include);
                for (const char* library : {"nlohmann", "omp.h", "cuda", "dnnl", "oneapi", "CLI"})
                    CHECK(include.rfind(library, 0) != 0);
            }
        }
    }

    TEST_CASE("no includes go in circles") {
        std::map<std::string, int> state;  // 1: being followed, 2: done
        const std::function<void(const std::string&)> follow = [&](const std::string& path) {
            state[path] = 1;
            for (const std::string& include : sources().at(path).includes) {
                if (sources().count(include) == 0 || state[include] == 2) continue;
                INFO(path << " includes " << include);
                const bool circle = state[include] == 1;
                CHECK_FALSE(circle);
                if (!circle) follow(include);
            }
            state[path] = 2;
        };
        for (const auto& entry : sources())
            if (state[entry.first] == 0) follow(entry.first);
    }

    // Files of tests are compiled in groups (cmake/unity.cmake): a test's own constant would be every other one's, too.
    TEST_CASE("no constant of a test is called as one that tests share") {
        const fs::path tests = fs::path(source_folder()) / "tests";
        const std::set<std::string> shared = constants_in(tests / "support");
        CHECK(shared.count("kOwnImages") == 1);
        for (const std::string& name : constants_in(tests, "_test.cpp")) CHECK_MESSAGE(shared.count(name) == 0, name);
    }

    TEST_CASE("no source file has more than 450 lines") {
        for (const auto& entry : sources()) {
            const std::string& path = entry.first;
            const Source& source = entry.second;
            INFO(path << " has " << source.lines);
            CHECK(source.lines <= 450);
        }
    }
}
