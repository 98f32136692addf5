#include "tools/run/state.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/error.h"
#include "loaders/atomic_file.h"
#include "tools/run/unit_file.h"

namespace adaq {
namespace {

std::string text_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    if (!file) data_error("{}: cannot be read", path);
    return text;
}

/// "lr 0.001, there 0.01" for each setting that differs.
std::vector<std::string> differences(const nlohmann::json& here, const nlohmann::json& there) {
    std::vector<std::string> found;
    nlohmann::json all = there;
    all.update(here);
    for (const auto& [key, ignored] : all.items()) {
        const auto a = here.find(key), b = there.find(key);
        const std::string ours = a == here.end() ? "not set" : a->dump();
        const std::string theirs = b == there.end() ? "not set" : b->dump();
        if (ours != theirs) found.push_back(fmt::format("{} {}, there {}", key, ours, theirs));
    }
    return found;
}

}  // namespace

RunState::RunState(const std::string& folder, bool resume, const std::string& identity) : folder_(folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) data_error("--state {}: {}", folder, error.message());
    lock();
    const std::string path = folder + "/run.json";
    if (!std::filesystem::exists(path)) {
        write_file_atomically(path, identity);
        return;
    }
    if (!resume)
        usage_error("--state {}: holds the state of an earlier run; go on with it by --resume, or name another folder",
                    folder);
    const nlohmann::json there = nlohmann::json::parse(text_of(path), nullptr, false);
    if (!there.is_object()) data_error("{}: damaged, expected a JSON object; remove the folder", path);
    const auto different = differences(nlohmann::json::parse(identity), there);
    if (!different.empty())
        usage_error("--resume {}: that run was another one: {}", folder, fmt::join(different, "; "));
}

RunState::~RunState() { close(lock_); }

void RunState::lock() {
    const std::string path = folder_ + "/lock";
    lock_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock_ < 0) data_error("--state {}: cannot be written to: {}", folder_, std::strerror(errno));
    if (flock(lock_, LOCK_EX | LOCK_NB) == 0) return;
    close(lock_);
    data_error("--state {}: another run is using it", folder_);
}

std::string RunState::path_of(const Stretch& unit, uint32_t phase) const {
    const std::string pass = phase > 0 ? fmt::format("-{}", phase) : "";
    return fmt::format("{}/{:03}-{}{}.unit", folder_, unit.number, unit.name, pass);
}

std::optional<UnitResult> RunState::find(const Stretch& unit, uint32_t phase) const {
    const std::string path = path_of(unit, phase);
    if (!std::filesystem::exists(path)) return std::nullopt;
    return parse_unit_file(text_of(path), path);
}

void RunState::keep(const Stretch& unit, const UnitResult& result) {
    write_file_atomically(path_of(unit, result.record.phase), unit_file(result));
}

}  // namespace adaq
