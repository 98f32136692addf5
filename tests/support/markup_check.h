// A small judge of HTML with inline SVG: every tag closed in order, every attribute quoted, no stray markup characters.
// Strict on purpose (XML's rules, but for the doctype and the void elements), so that it fails on what browsers
// forgive.
#pragma once

#include <cctype>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace adaq::test {

/// The first thing wrong with the page, or "" where nothing is.
inline std::string markup_problem(std::string_view page) {
    const std::set<std::string> void_elements{"meta", "br", "!DOCTYPE"};
    std::vector<std::string> open;
    for (size_t at = 0; at < page.size();) {
        if (page[at] == '&') {
            const size_t end = page.find(';', at);
            if (end == std::string_view::npos || end - at > 8) return "a bare & at " + std::string(page.substr(at, 20));
        }
        if (page[at] == '>') return "a bare > at " + std::string(page.substr(at, 20));
        if (page[at] != '<') {
            ++at;
            continue;
        }
        // The end of the tag, outside quoted attributes.
        size_t end = at + 1;
        for (bool quoted = false; end < page.size() && (quoted || page[end] != '>'); ++end) {
            if (page[end] == '"') quoted = !quoted;
            if (page[end] == '<') return "a < inside the tag " + std::string(page.substr(at, 40));
        }
        if (end == page.size()) return "a tag without end: " + std::string(page.substr(at, 40));
        const std::string tag(page.substr(at + 1, end - at - 1));
        at = end + 1;
        const bool closing = tag[0] == '/';
        const std::string name = tag.substr(closing ? 1 : 0, tag.find_first_of(" /", 1) - (closing ? 1 : 0));
        if (closing) {
            if (open.empty() || open.back() != name)
                return "</" + name + "> closes " + (open.empty() ? "nothing" : open.back());
            open.pop_back();
        } else if (tag.back() != '/' && !void_elements.contains(name)) {
            open.push_back(name);
        }
        // A style sheet's '>' and '&' are its own.
        if (name == "style" && !closing) at = page.find("</style>", at);
    }
    return open.empty() ? "" : "<" + open.back() + "> is never closed";
}

inline int occurrences(std::string_view text, std::string_view what) {
    int count = 0;
    for (size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + what.size())) ++count;
    return count;
}

}  // namespace adaq::test
