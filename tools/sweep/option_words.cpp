// See option_words.h.
#include "tools/sweep/option_words.h"

#include <algorithm>
#include <set>

#include "engine/error.h"

namespace adaq {
namespace {

constexpr size_t kMostOptions = 256;  // adaq-run has fewer
constexpr std::string_view kBlanks = " \t\n\r";

std::vector<std::string> split_words(const std::string& text) {
    std::vector<std::string> words;
    bool inside = false;
    for (size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (kBlanks.find(c) != std::string_view::npos) {
            inside = false;
            continue;
        }
        if (!inside) words.emplace_back();
        inside = true;
        if (c != '"' && c != '\'') {
            words.back() += c;
            continue;
        }
        const size_t end = text.find(c, at + 1);
        if (end == std::string::npos) usage_error("a quote {} has no end", c);
        words.back() += text.substr(at + 1, end - at - 1);
        at = end;
    }
    return words;
}

}  // namespace

std::vector<OptionWords> split_options(const std::string& text) {
    std::vector<OptionWords> options;
    std::set<std::string> names;
    for (const std::string& word : split_words(text)) {
        if (word.rfind("--", 0) == 0) {
            options.push_back({word});
            if (const std::string name = option_name(options.back()); !names.insert(name).second)
                usage_error("{}: given twice", name);
            if (names.size() > kMostOptions) usage_error("more than {} options", kMostOptions);
        } else if (options.empty()) {
            usage_error("\"{}\": expected an option, such as --w4", word);
        } else {
            options.back().push_back(word);
        }
    }
    return options;
}

std::string option_name(const OptionWords& option) {
    std::string name = option.front().substr(0, option.front().find('='));
    if (name.rfind("--no-", 0) == 0) name.erase(2, 3);
    const bool bits = name.size() > 3 && (name.rfind("--w", 0) == 0 || name.rfind("--a", 0) == 0) &&
                      std::all_of(name.begin() + 3, name.end(), [](char c) { return c >= '0' && c <= '9'; });
    return bits ? name.substr(0, 3) : name;
}

std::vector<OptionWords> replaced(const std::vector<OptionWords>& base, const std::vector<OptionWords>& over) {
    std::vector<OptionWords> all;
    for (const OptionWords& option : base) {
        const bool stays = std::none_of(over.begin(), over.end(), [&](const OptionWords& other) {
            return option_name(other) == option_name(option);
        });
        if (stays) all.push_back(option);
    }
    all.insert(all.end(), over.begin(), over.end());
    return all;
}

std::string joined(const std::vector<OptionWords>& options) {
    std::string text;
    for (const OptionWords& option : options)
        for (const std::string& word : option) {
            const bool quotes = word.empty() || word.find_first_of(kBlanks) != std::string::npos;
            text += (text.empty() ? "" : " ") + (quotes ? "'" + word + "'" : word);
        }
    return text;
}

}  // namespace adaq
