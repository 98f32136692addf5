// See control_groups.h. /proc/self/cgroup names the process's group in each hierarchy, /proc/self/mountinfo says where
// hierarchies are mounted and which group stands at a mount's top: in a container that is rarely the topmost one.
#include "kernels/control_groups.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

namespace adaq {
namespace {

namespace fs = std::filesystem;

enum class Version { v1, v2 };

struct Mount {
    Version version;
    std::string top;  // the group at its top
    fs::path place;
};

bool listed(std::string_view list, std::string_view word) {
    while (!list.empty()) {
        const size_t comma = std::min(list.find(','), list.size());
        if (list.substr(0, comma) == word) return true;
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return false;
}

/// Mountinfo writes blanks, tabs, newlines and backslashes in octal.
std::string unescaped(std::string_view text) {
    std::string plain;
    const auto octal = [&](size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '7'; };
    for (size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '\\' || !octal(at + 1) || !octal(at + 2) || !octal(at + 3)) {
            plain += text[at];
            continue;
        }
        plain += static_cast<char>((text[at + 1] - '0') * 64 + (text[at + 2] - '0') * 8 + (text[at + 3] - '0'));
        at += 3;
    }
    return plain;
}

/// "36 35 98:0 /top /place rw,noatime master:1 - cgroup2 source rw,memory"
std::optional<Mount> mount_of(const std::string& line, const fs::path& root) {
    const size_t middle = line.find(" - ");
    if (middle == std::string::npos) return std::nullopt;
    std::istringstream before(line.substr(0, middle)), behind(line.substr(middle + 3));
    std::string number, parent, device, top, place, kind, source, options;
    if (!(before >> number >> parent >> device >> top >> place) || !(behind >> kind >> source >> options))
        return std::nullopt;
    const bool v1 = kind == "cgroup" && listed(options, "memory");
    if (!v1 && kind != "cgroup2") return std::nullopt;
    return Mount{v1 ? Version::v1 : Version::v2, unescaped(top), root / fs::path(unescaped(place)).relative_path()};
}

std::vector<Mount> mounts(const fs::path& root) {
    std::vector<Mount> found;
    std::ifstream file(root / "proc/self/mountinfo");
    for (std::string line; std::getline(file, line);)
        if (const auto mount = mount_of(line, root)) found.push_back(*mount);
    return found;
}

/// The process's group in the hierarchy of a version: of the lines "4:memory:/group" and "0::/group".
std::optional<std::string> own_group(const fs::path& root, Version version) {
    std::ifstream file(root / "proc/self/cgroup");
    for (std::string line; std::getline(file, line);) {
        const size_t first = line.find(':'), second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const bool here = version == Version::v2 ? line.substr(0, first) == "0" && controllers.empty()
                                                 : listed(controllers, "memory");
        if (here) return line.substr(second + 1);
    }
    return std::nullopt;
}

/// Where a group lies below a mount's top: "" for the top itself; nothing where it is not below it.
std::optional<fs::path> below(const std::string& top, const std::string& group) {
    // A top above this process's namespace of groups: whatever the group is called, it lies below.
    if (top.rfind("/..", 0) == 0) return fs::path();
    const std::string prefix = top == "/" ? "" : top;
    if (group.rfind("/..", 0) == 0 || group.rfind(prefix, 0) != 0) return std::nullopt;
    if (group.size() > prefix.size() && group[prefix.size()] != '/') return std::nullopt;
    return fs::path(group.substr(prefix.size())).relative_path();
}

/// The only number of a file; nothing for "max", or no such file.
std::optional<int64_t> number_in(const fs::path& path) {
    std::ifstream file(path);
    int64_t number = 0;
    if (!(file >> number) || number < 0) return std::nullopt;
    return number;
}

/// The number behind a word of memory.stat.
std::optional<int64_t> statistic(const fs::path& group, std::string_view wanted) {
    std::ifstream file(group / "memory.stat");
    std::string word;
    for (int64_t number = 0; file >> word >> number;)
        if (word == wanted) return number;
    return std::nullopt;
}

int64_t left_in(const fs::path& group, Version version) {
    int64_t limit = kUnlimitedMemory;
    // The last of them knows the limits above a container, whose groups cannot be seen.
    const std::vector<std::optional<int64_t>> limits =
        version == Version::v2
            ? std::vector{number_in(group / "memory.max"), number_in(group / "memory.high")}
            : std::vector{number_in(group / "memory.limit_in_bytes"), statistic(group, "hierarchical_memory_limit")};
    for (const auto& each : limits) limit = std::min(limit, each.value_or(kUnlimitedMemory));
    if (limit == kUnlimitedMemory) return limit;
    const bool v2 = version == Version::v2;
    const int64_t used = number_in(group / (v2 ? "memory.current" : "memory.usage_in_bytes")).value_or(0),
                  cache = statistic(group, v2 ? "inactive_file" : "total_inactive_file").value_or(0);
    return std::max<int64_t>(limit - std::max<int64_t>(used - cache, 0), 0);
}

/// Of version 1: what a group's members take does not count in the groups above.
bool ends_accounting(const fs::path& group) { return number_in(group / "memory.use_hierarchy") == 0; }

int64_t left_in(const Mount& mount, fs::path group) {
    int64_t left = left_in(mount.place / group, mount.version);
    while (!group.empty()) {
        group = group.parent_path();
        const fs::path above = group.empty() ? mount.place : mount.place / group;
        if (mount.version == Version::v1 && ends_accounting(above)) break;
        left = std::min(left, left_in(above, mount.version));
    }
    return left;
}

}  // namespace

int64_t memory_left_by_groups(const std::string& root) {
    int64_t left = kUnlimitedMemory;
    for (const Mount& mount : mounts(root)) {
        const auto own = own_group(root, mount.version);
        if (!own) continue;
        if (const auto group = below(mount.top, *own)) left = std::min(left, left_in(mount, *group));
    }
    return left;
}

}  // namespace adaq
