// See html_parts.h.
#include "report/html_parts.h"

#include <fmt/format.h>

#include "report/format.h"
#include "report/style.h"

namespace adaq::report {

std::string page(const std::string& title, const std::string& body, const std::string& version) {
    return fmt::format(
               "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
               "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
               "<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n<main>\n",
               title, kStyle) +
           body + fmt::format("<footer>Made by adaq {}.</footer>\n</main>\n</body>\n</html>\n", escaped(version));
}

std::string section(std::string_view title, const std::string& body) {
    return body.empty() ? "" : fmt::format("<section><h2>{}</h2>\n{}</section>\n", title, body);
}

std::string block(std::string_view css_class, const std::string& body) {
    return body.empty() ? "" : fmt::format("<div class=\"{}\">\n{}</div>\n", css_class, body);
}

std::string folded(std::string_view title, const std::string& body) {
    return body.empty() ? "" : fmt::format("<details><summary>{}</summary>\n{}</details>\n", title, body);
}

std::string tile(std::string_view what, const std::string& big, const std::string& small) {
    return fmt::format("<div class=\"tile\"><dt>{}</dt><dd class=\"big\">{}</dd><dd class=\"small\">{}</dd></div>\n",
                       what, escaped(big), escaped(small));
}

std::string tile_row(const std::string& tiles) {
    return tiles.empty() ? "" : "<dl class=\"tiles\">\n" + tiles + "</dl>\n";
}

std::string list(const std::vector<std::string>& sentences) {
    if (sentences.empty()) return "";
    std::string items;
    for (const std::string& sentence : sentences) items += "<li>" + escaped(sentence) + "</li>\n";
    return "<div class=\"card\"><ul>\n" + items + "</ul></div>\n";
}

}  // namespace adaq::report
