// What comments and documents refer to is there: files that comments name, and the targets of links in documents.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "support/places.h"

namespace fs = std::filesystem;
using adaq::test::source_folder;

namespace {

std::string text_of(const fs::path& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

bool ends_with_any(const std::string& name, const std::vector<std::string>& endings) {
    return std::any_of(endings.begin(), endings.end(), [&](const std::string& end) { return name.ends_with(end); });
}

/// The project's own files with such endings.
std::vector<fs::path> project_files(const std::vector<std::string>& endings) {
    std::vector<fs::path> found;
    for (fs::recursive_directory_iterator entry(source_folder()), end; entry != end; ++entry) {
        const std::string name = entry->path().filename().string();
        if (entry->is_directory()) {
            if ((name.starts_with(".") && name != ".github") || name.starts_with("build"))
                entry.disable_recursion_pending();
        } else if (ends_with_any(name, endings)) {
            found.push_back(entry->path());
        }
    }
    return found;
}

std::vector<std::string> all_matches(const std::string& text, const std::regex& pattern) {
    std::vector<std::string> found;
    for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match)
        found.push_back((*match)[1]);
    return found;
}

/// The anchors that a document's headings make: lower case, words joined by hyphens, other signs left out.
std::vector<std::string> anchors_of(const fs::path& document) {
    std::vector<std::string> anchors;
    for (const std::string& heading : all_matches(text_of(document), std::regex("(?:^|\n)#+ +([^\n]+)"))) {
        std::string anchor;
        for (const char c : heading) {
            const bool kept =
                std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || (c & 0x80) != 0;
            if (c == ' ') anchor += '-';
            if (kept) anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        }
        anchors.push_back(anchor);
    }
    return anchors;
}

}  // namespace

TEST_SUITE("references") {
    TEST_CASE("a file that a comment, a script or a document names by its folder is there") {
        const std::regex named(
            R"((?:^|[^\w/.-])((?:engine|kernels|loaders|tools|tests|docs|cmake)/[\w/.-]+\.(?:h|cpp|cu|py|sh|md))(?![\w*]))");
        const std::vector<fs::path> files = project_files({".h", ".cpp", ".cu", ".py", ".sh", ".md"});
        REQUIRE(files.size() > 400);
        size_t count = 0;
        for (const fs::path& file : files) {
            for (const std::string& name : all_matches(text_of(file), named)) {
                INFO(file.string() << " names " << name);
                CHECK((fs::exists(source_folder() / fs::path(name)) || fs::exists(file.parent_path() / name) ||
                       fs::exists(source_folder() / fs::path("tests") / name)));
                ++count;
            }
        }
        CHECK(count > 500);
    }

    TEST_CASE("links in documents lead to files and headings that are there") {
        const std::regex link(R"(\]\(([^)\s]+)\))");
        size_t count = 0;
        for (const fs::path& document : project_files({".md"})) {
            for (const std::string& target : all_matches(text_of(document), link)) {
                if (target.find("://") != std::string::npos) continue;
                INFO(document.string() << " links to " << target);
                const size_t hash = target.find('#');
                const std::string file = target.substr(0, hash);
                const fs::path path = file.empty() ? document : document.parent_path() / file;
                CHECK(fs::exists(path));
                if (hash != std::string::npos && path.extension() == ".md") {
                    const std::vector<std::string> anchors = anchors_of(path);
                    CHECK(std::find(anchors.begin(), anchors.end(), target.substr(hash + 1)) != anchors.end());
                }
                ++count;
            }
        }
        CHECK(count > 20);
    }

    TEST_CASE("a section of the arithmetic that a comment cites is there") {
        const std::string arithmetic = text_of(source_folder() + "/docs/arithmetic.md");
        const std::regex cited(R"(arithmetic\.md,?\s*(?://+)?\s*sections?\s*(?://+)?\s*(\d+))");
        size_t count = 0;
        for (const fs::path& file : project_files({".h", ".cpp", ".cu", ".py"})) {
            for (const std::string& section : all_matches(text_of(file), cited)) {
                INFO(file.string() << " cites section " << section);
                CHECK(arithmetic.find("\n## " + section + ". ") != std::string::npos);
                ++count;
            }
        }
        CHECK(count > 40);
    }
}
