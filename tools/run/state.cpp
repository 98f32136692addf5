#include "tools/run/state.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "loaders/atomic_file.h"
#include "tools/run/identity.h"
#include "tools/run/unit_file.h"

namespace adaq {
namespace {

std::string text_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    if (!file) data_error("{}: cannot be read", path);
    return text;
}

std::string run_file(const std::string& folder) { return folder + "/run.json"; }

std::string unit_file_of(const std::string& folder, const Stretch& unit, uint32_t phase) {
    const std::string pass = phase > 0 ? fmt::format("-{}", phase) : "";
    return fmt::format("{}/{:03}-{}{}.unit", folder, unit.number, unit.name, pass);
}

}  // namespace

RunState::RunState(const std::string& folder, bool resume, const std::string& identity)
    : folder_(folder), lock_(folder, "--state", "another run") {
    const std::string path = run_file(folder);
    if (!std::filesystem::exists(path)) {
        write_file_atomically(path, identity);
        return;
    }
    check_free(folder, resume);
    const nlohmann::json there = nlohmann::json::parse(text_of(path), nullptr, false);
    if (!there.is_object()) data_error("{}: damaged, expected a JSON object; remove the folder", path);
    const auto different = differences(nlohmann::json::parse(identity), there);
    if (!different.empty())
        usage_error("--resume {}: that run was another one: {}", folder, fmt::join(different, "; "));
}

void RunState::check_free(const std::string& folder, bool resume) {
    if (!resume && std::filesystem::exists(run_file(folder)))
        usage_error("--state {}: holds the state of an earlier run; go on with it by --resume, or name another folder",
                    folder);
}

bool RunState::finished(const std::string& folder, const Stretch& unit, uint32_t phase) {
    return std::filesystem::exists(unit_file_of(folder, unit, phase));
}

std::optional<UnitResult> RunState::find(const Stretch& unit, uint32_t phase) const {
    const std::string path = unit_file_of(folder_, unit, phase);
    if (!std::filesystem::exists(path)) return std::nullopt;
    return parse_unit_file(text_of(path), path);
}

void RunState::keep(const Stretch& unit, const UnitResult& result) {
    write_file_atomically(unit_file_of(folder_, unit, result.record.phase), unit_file(result));
}

}  // namespace adaq
