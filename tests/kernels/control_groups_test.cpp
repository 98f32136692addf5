// How much memory control groups leave, from made-up /proc and /sys: version 1 and 2, nested, seen from containers.
#include "kernels/control_groups.h"

#include <doctest/doctest.h>

#include <fstream>

#include "kernels/host_memory.h"
#include "support/temporary_folder.h"

using namespace adaq;
using adaq::test::TemporaryFolder;

namespace {

constexpr int64_t kMega = 1'000'000;
/// What version 1 writes where there is no limit.
const std::string kNoLimit = "9223372036854771712";

std::string text_of(int64_t number) { return std::to_string(number); }

/// A system as this process sees it.
class System {
  public:
    System& file(const std::string& path, const std::string& text) {
        const std::filesystem::path whole = folder_.path() / path;
        std::filesystem::create_directories(whole.parent_path());
        std::ofstream(whole) << text << "\n";
        return *this;
    }
    System& groups(const std::string& lines) { return file("proc/self/cgroup", lines); }
    System& mounts(const std::string& lines) { return file("proc/self/mountinfo", lines); }
    /// Version 2.
    System& group(const std::string& path, const std::string& max, int64_t used, const std::string& high = "max",
                  int64_t inactive_file = 0) {
        const std::string place = "sys/fs/cgroup" + path + "/memory.";
        return file(place + "max", max)
            .file(place + "high", high)
            .file(place + "current", text_of(used))
            .file(place + "stat", "anon 5\nfile 9\ninactive_file " + text_of(inactive_file) + "\nactive_file 3");
    }
    System& group_1(const std::string& path, const std::string& limit, int64_t used,
                    const std::string& above = kNoLimit, int64_t inactive_file = 0) {
        const std::string place = "sys/fs/cgroup/memory" + path + "/memory.";
        return file(place + "limit_in_bytes", limit)
            .file(place + "usage_in_bytes", text_of(used))
            .file(place + "use_hierarchy", "1")
            .file(place + "stat", "cache 7\ninactive_file 1\nhierarchical_memory_limit " + above +
                                      "\ntotal_inactive_file " + text_of(inactive_file));
    }
    int64_t left() const { return memory_left_by_groups(root()); }
    std::string root() const { return folder_.path().string(); }

  private:
    TemporaryFolder folder_;
};

const std::string kMountOf2 = "31 23 0:28 / /sys/fs/cgroup rw,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate",
                  kMountOf1 = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory";

}  // namespace

TEST_SUITE("control groups") {
    TEST_CASE("without groups or limits nothing is limited") {
        CHECK(System().left() == kUnlimitedMemory);
        System system;
        system.groups("0::/user.slice").mounts(kMountOf2);
        CHECK(system.left() == kUnlimitedMemory);
        system.group("/user.slice", "max", 7 * kMega).group("", "max", 9 * kMega);
        CHECK(system.left() == kUnlimitedMemory);
        system.groups("garbage\n:::\n0\n").mounts("garbage - \n1 2 3 - cgroup2 a b\n");
        CHECK(system.left() == kUnlimitedMemory);
    }

    TEST_CASE("version 2: the tightest of a group and of all above it counts") {
        System system;
        system.groups("0::/user.slice/job.scope").mounts("22 27 0:21 / /proc rw - proc proc rw\n" + kMountOf2);
        system.group("/user.slice/job.scope", text_of(1200 * kMega), 200 * kMega);
        CHECK(system.left() == 1000 * kMega);
        system.group("/user.slice", text_of(5000 * kMega), 4600 * kMega);
        CHECK(system.left() == 400 * kMega);
        system.group("", text_of(3000 * kMega), 2700 * kMega);
        CHECK(system.left() == 300 * kMega);
        system.group("/user.slice/job.scope", text_of(1200 * kMega), 200 * kMega, text_of(250 * kMega));
        CHECK(system.left() == 50 * kMega);
        system.group("/user.slice/job.scope", text_of(100 * kMega), 200 * kMega);
        CHECK(system.left() == 0);
    }

    TEST_CASE("version 2: another group's limit is none of ours") {
        System system;
        system.groups("0::/a/b").mounts(kMountOf2).group("/a/b", "max", 0).group("/a/bc", "0", 0).group("/c", "0", 0);
        CHECK(system.left() == kUnlimitedMemory);
    }

    TEST_CASE("version 2: file cache that the system would give up counts as free") {
        System system;
        system.groups("0::/job").mounts(kMountOf2);
        system.group("/job", text_of(1000 * kMega), 900 * kMega, "max", 700 * kMega);
        CHECK(system.left() == 800 * kMega);
        system.group("/job", text_of(1000 * kMega), 900 * kMega, "max", 950 * kMega);
        CHECK(system.left() == 1000 * kMega);
    }

    TEST_CASE("version 1: limits of the memory hierarchy, its own and those above") {
        System system;
        system.groups("9:name=systemd:/elsewhere\n4:cpu,memory:/batch/job:7\n0::/").mounts(kMountOf1);
        system.group_1("", kNoLimit, 9000 * kMega).group_1("/batch", kNoLimit, 8000 * kMega);
        system.group_1("/batch/job:7", text_of(1200 * kMega), 300 * kMega, text_of(1200 * kMega), 100 * kMega);
        CHECK(system.left() == 1000 * kMega);
        system.group_1("/batch", text_of(8500 * kMega), 8000 * kMega);
        CHECK(system.left() == 500 * kMega);
        // A group above that does not count what its members take.
        system.file("sys/fs/cgroup/memory/batch/memory.use_hierarchy", "0");
        CHECK(system.left() == 1000 * kMega);
    }

    TEST_CASE("version 1: a limit above a container, whose group cannot be seen, is known from statistics") {
        System system;
        system.groups("4:memory:/docker/77")
            .mounts("35 31 0:32 /docker/77 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory");
        system.group_1("", kNoLimit, 300 * kMega, text_of(1200 * kMega));
        CHECK(system.left() == 900 * kMega);
    }

    TEST_CASE("in containers the group stands at the mount's top, under whatever name") {
        struct Seen {
            std::string group, top;
        };
        for (const Seen& seen : {Seen{"/docker/77", "/docker/77"}, Seen{"/docker/77", "/"}, Seen{"/", "/"},
                                 Seen{"/", "/.."}, Seen{"/job", "/../.."}}) {
            INFO(seen.group << " below " << seen.top);
            System system;
            system.groups("0::" + seen.group);
            system.mounts("31 23 0:28 " + seen.top + " /sys/fs/cgroup ro - cgroup2 cgroup2 rw");
            system.group("", text_of(1000 * kMega), 400 * kMega);
            CHECK(system.left() == 600 * kMega);
        }
        System elsewhere;
        elsewhere.groups("0::/ours").mounts("31 23 0:28 /theirs /sys/fs/cgroup ro - cgroup2 cgroup2 rw");
        elsewhere.group("", "0", 0);
        CHECK(elsewhere.left() == kUnlimitedMemory);
    }

    TEST_CASE("both versions at once, and places with blanks in their names") {
        System system;
        system.groups("4:memory:/one\n0::/two")
            .mounts(kMountOf1 + "\n38 31 0:35 / /sys/fs/my\\040groups rw - cgroup2 cgroup2 rw");
        system.group_1("/one", text_of(1000 * kMega), 100 * kMega);
        CHECK(system.left() == 900 * kMega);
        system.file("sys/fs/my groups/two/memory.max", text_of(500 * kMega))
            .file("sys/fs/my groups/two/memory.current", text_of(100 * kMega));
        CHECK(system.left() == 400 * kMega);
    }

    TEST_CASE("free memory is what the system has, or what the groups leave, whichever is less") {
        System system;
        system.file("proc/meminfo", "MemTotal: 4000000 kB\nMemFree: 1 kB\nMemAvailable: 2000000 kB\nSwapFree: 1 kB");
        CHECK(free_host_memory(system.root()) == int64_t{2000000} * 1024);
        system.groups("0::/job").mounts(kMountOf2).group("/job", text_of(1200 * kMega), 200 * kMega);
        CHECK(free_host_memory(system.root()) == 1000 * kMega);
        CHECK(free_host_memory() > 0);
    }
}
