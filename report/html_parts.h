// The parts that adaq's HTML pages are put together from. Titles and bodies are markup unless said otherwise; a part
// without a body is nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace adaq::report {

/// A whole page with its style inline: needs nothing beside itself, and has no script. `version`: of adaq, foreign
/// text.
std::string page(const std::string& title, const std::string& body, const std::string& version);

std::string section(std::string_view title, const std::string& body);
std::string block(std::string_view css_class, const std::string& body);
/// Opens with a click.
std::string folded(std::string_view title, const std::string& body);

/// One number with what it is above and what it means below, both numbers foreign text; for tile_row().
std::string tile(std::string_view what, const std::string& big, const std::string& small);
std::string tile_row(const std::string& tiles);

/// Foreign text, a point a sentence.
std::string list(const std::vector<std::string>& sentences);

}  // namespace adaq::report
