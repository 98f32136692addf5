#include "adaq/learning/run_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "adaq/data/fingerprints.h"
#include "adaq/learning/unit_file.h"
#include "engine/error.h"
#include "engine/printable.h"
#include "loaders/atomic_file.h"
#include "loaders/json_fault.h"
#include "report/format.h"

namespace adaq {
namespace {

namespace fs = std::filesystem;

bool is_there(const std::string& path) {
    std::error_code error;
    const bool there = fs::exists(path, error);
    if (error) data_error("{}: {}", path, error.message());
    return there;
}

std::string text_of(const std::string& path) {
    std::error_code error;
    if (!fs::is_regular_file(path, error)) data_error("{}: not a regular file", path);
    std::ifstream file(path, std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    if (!file) data_error("{}: cannot be read", path);
    return text;
}

std::string run_file(const std::string& folder) { return folder + "/run.json"; }

std::string unit_path(const std::string& folder, const Unit& unit, uint32_t phase) {
    return folder + "/" + FinishedUnit::unit_file_name(unit.name, unit.stream, phase);
}

bool is_unit_file(const std::string& name) { return name.ends_with(".unit"); }

/// In the order of their names.
std::vector<std::string> unit_files(const std::string& folder) {
    std::vector<std::string> paths;
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
        if (const std::string name = entry->path().filename(); is_unit_file(name))
            paths.push_back(fmt::format("{}/{}", folder, name));
    std::sort(paths.begin(), paths.end());
    return paths;
}

void check_same(const std::string& what, const std::string& here, const nlohmann::json& there) {
    const auto different = differences(nlohmann::json::parse(here), there);
    if (!different.empty()) usage_error("{}: {}", what, fmt::join(different, "; "));
}

}  // namespace

RunState::RunState(const std::string& folder, bool resume, const std::string& identity)
    : folder_(folder), identity_(identity), lock_(folder, "`state`", "another run") {
    check_free(folder, resume);
    remove_abandoned_files(folder, [](const std::string& name) { return name == "run.json" || is_unit_file(name); });
    const std::string path = run_file(folder);
    const bool known = is_there(path);
    if (known) {
        const std::string text = text_of(path);
        const auto fault = json_fault(text);
        const nlohmann::json there = fault ? nlohmann::json() : nlohmann::json::parse(text);
        if (!there.is_object())
            data_error("{}: damaged ({}), expected a JSON object; remove it: finished units know their run, too", path,
                       fault.value_or("is none"));
        check_same(fmt::format("`resume` {}: that run was another one", folder), identity, there);
    }
    // Now and not when their turn comes, which may be hours later.
    for (const std::string& unit : unit_files(folder)) load(unit);
    if (!known) write_file_atomically(path, identity);
}

void RunState::check_free(const std::string& folder, bool resume) {
    if (!resume && (is_there(run_file(folder)) || !unit_files(folder).empty()))
        usage_error("`state` {}: holds the state of an earlier run; go on with it by `resume`, or name another folder",
                    folder);
}

bool RunState::finished(const std::string& folder, const Unit& unit, uint32_t phase) {
    return is_there(unit_path(folder, unit, phase));
}

UnitResult RunState::load(const std::string& path) const {
    FinishedUnit unit = parse_unit_file(text_of(path), path);
    check_same(fmt::format("`resume` {}: {} is of another run", folder_, fs::path(path).filename().string()), identity_,
               nlohmann::json::parse(unit.run));
    if (path != folder_ + "/" + unit.file_name())
        data_error(
            "{}: holds what another unit has learned, whose file is {}; remove it, and the unit is learned again", path,
            one_line(unit.file_name()));
    return std::move(unit.result);
}

std::optional<UnitResult> RunState::find(const Unit& unit, uint32_t phase) const {
    const std::string path = unit_path(folder_, unit, phase);
    if (!is_there(path)) return std::nullopt;
    return load(path);
}

void RunState::keep(const Unit& unit, const UnitResult& result) {
    write_file_atomically(unit_path(folder_, unit, result.record.phase),
                          unit_file({identity_, unit.name, unit.stream, result}));
}

}  // namespace adaq
