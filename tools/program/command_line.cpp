// See command_line.h. The words are looked through before CLI11 takes them, which forgets what they were: to it an
// empty value is none, and "--save --report" a file called "--report".
#include "tools/program/command_line.h"

#include "adaq/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <string_view>

#include "engine/error.h"
#include "tools/program/streams.h"

namespace adaq {
namespace {

/// The words of a command line, one after the other.
class Words {
  public:
    Words(const CLI::App& app, int argc, const char* const* argv) : app_(&app), words_(argv + 1, argv + argc) {}

    void check() {
        for (at_ = 0; at_ < words_.size() && words_[at_] != "--"; ++at_) {
            const std::string& word = words_[at_];
            if (!word.starts_with("--")) {
                check_plain(word);
                continue;
            }
            const std::string name = word.substr(0, word.find('='));
            const CLI::Option* option = find(name);
            if (option) check_option(*option, name);
        }
        for (; at_ < words_.size(); ++at_) check_plain(words_[at_]);
    }

  private:
    const CLI::Option* find(const std::string& word) const {
        return word.starts_with("--") ? app_->get_option_no_throw(word.substr(0, word.find('='))) : nullptr;
    }

    /// A value of the option before, a name of a subcommand, an argument of the program.
    void check_plain(const std::string& word) {
        if (word.empty()) usage_error("{}: an empty value", last_.empty() ? "\"\"" : last_);
        for (const CLI::App* command : app_->get_subcommands(nullptr))
            if (command->get_name() == word) app_ = command;
    }

    void check_option(const CLI::Option& option, const std::string& name) {
        const bool takes_values = option.get_items_expected_max() > 0;
        const auto [before, first] = given_.emplace(positive(name), name);
        if (!first && takes_values && option.get_items_expected_max() == 1) usage_error("{}: given twice", name);
        if (!first && before->second != name) usage_error("{}: {} is given, too", name, before->second);
        last_ = takes_values ? name : "";
        const std::string& word = words_[at_];
        if (word.size() > name.size()) return check_value(option, name, word.substr(name.size() + 1));
        if (!takes_values) return;
        if (at_ + 1 == words_.size()) usage_error("{}: a value is missing", name);
        const std::string& value = words_[++at_];
        if (find(value) && option.get_type_name() != kOptionsAsValue)
            usage_error("{}: a value is missing, {} follows", name, value);
        check_value(option, name, value);
    }

    static std::string positive(const std::string& name) {
        return name.starts_with("--no-") ? "--" + name.substr(5) : name;
    }

    static void check_value(const CLI::Option& option, const std::string& name, const std::string& value) {
        if (value.empty()) usage_error("{}: an empty value", name);
        const char comma = option.get_delimiter();
        if (comma == '\0') return;
        for (size_t start = 0, end = 0; end != std::string::npos; start = end + 1) {
            end = value.find(comma, start);
            if (start == std::min(end, value.size())) usage_error("{} {}: an empty value", name, value);
        }
    }

    const CLI::App* app_;
    std::vector<std::string> words_;
    size_t at_ = 0;
    std::string last_;                          // option whose values may go on
    std::map<std::string, std::string> given_;  // "--fold" and "--no-fold", by the first of them
};

struct Whole {
    bool negative;
    uint64_t size;

    bool within(int64_t least, uint64_t most) const {
        if (negative) return least < 0 && size <= static_cast<uint64_t>(-least);
        return size <= most && (least < 0 || size >= static_cast<uint64_t>(least));
    }
    std::string text() const { return (negative ? "-" : "") + std::to_string(size); }
};

std::optional<Whole> whole(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
    if (hexadecimal) text.remove_prefix(2);
    uint64_t size = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size, hexadecimal ? 16 : 10);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return Whole{negative && size > 0, size};
}

std::optional<double> finite(std::string_view text) {
    if (text.starts_with('+')) text.remove_prefix(1);
    double value = 0.0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool good = error == std::errc() && end == text.data() + text.size() && std::isfinite(value);
    return good ? std::optional(value) : std::nullopt;
}

}  // namespace

void add_version_flag(CLI::App& app) { app.set_version_flag("--version", std::string("adaq ") + ADAQ_VERSION); }

bool read_command_line(CLI::App& app, int argc, const char* const* argv) {
    Words(app, argc, argv).check();
    try {
        app.parse(argc, argv);
        return true;
    } catch (const CLI::CallForHelp&) {
        write_to_stdout(app.help());
    } catch (const CLI::CallForVersion& version) {
        print("{}\n", version.what());
    } catch (const CLI::ValidationError& error) {  // "--seed: -1: expected ..."
        const std::string text = error.what();
        const size_t colon = text.find(": ");
        usage_error("{}", colon == std::string::npos ? text : text.substr(0, colon) + text.substr(colon + 1));
    } catch (const CLI::ParseError& error) {
        usage_error("{}", error.what());
    }
    return false;
}

CLI::Validator whole_number(int64_t least, uint64_t most) {
    const auto check = [least, most](std::string& text) {
        const std::optional<Whole> value = whole(text);
        if (!value || !value->within(least, most))
            return fmt::format("{}: expected a whole number from {} to {}", text, least, most);
        text = value->text();  // CLI11 would take 010 for eight
        return std::string();
    };
    return {check, fmt::format("{}..{}", least, most)};
}

CLI::Validator bits_or_float() {
    const auto check = [](std::string& text) {
        const std::optional<Whole> value = whole(text);
        if (!value || (!value->within(32, 32) && !value->within(2, 8)))
            return fmt::format("{}: expected 2 to 8, or 32 for float", text);
        text = value->text();
        return std::string();
    };
    return {check, "2..8, 32"};
}

CLI::Validator number(double least, double most) {
    const auto check = [least, most](std::string& text) {
        const std::optional<double> value = finite(text);
        if (value && *value >= least && *value <= most) return std::string();
        return fmt::format("{}: expected a number from {:g} to {:g}", text, least, most);
    };
    return {check, fmt::format("{:g}..{:g}", least, most)};
}

CLI::Validator number_of(const std::string& field) {
    const Bounds bounds = bounds_of(field);
    return bounds.whole ? whole_number(static_cast<int64_t>(bounds.least), static_cast<uint64_t>(bounds.most))
                        : number(bounds.least, bounds.most);
}

CLI::Validator word_of(const std::string& field) { return one_of(words_of(field)); }

CLI::Validator one_of(const std::vector<std::string>& words) {
    const auto check = [words](std::string& text) {
        if (std::find(words.begin(), words.end(), text) != words.end()) return std::string();
        return fmt::format("{}: expected one of {}", text, fmt::join(words, ", "));
    };
    return {check, fmt::format("{{{}}}", fmt::join(words, ","))};
}

}  // namespace adaq
