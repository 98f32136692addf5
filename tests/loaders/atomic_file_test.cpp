// Output files are whole or not there (loaders/atomic_file.h).
#include "loaders/atomic_file.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "engine/error.h"
#include "support/temporary_folder.h"
#include "support/weight_files.h"

using namespace adaq;
using namespace adaq::test;
namespace fs = std::filesystem;

namespace {

/// Lets no file of this process grow beyond `bytes` while it lives: what a full disk looks like to a writer.
class FullDisk {
  public:
    explicit FullDisk(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
        getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{bytes, before_.rlim_max};
        setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FullDisk() {
        setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }

  private:
    rlimit before_{};
    void (*handler_)(int);
};

}  // namespace

TEST_SUITE("atomic file") {
    TEST_CASE("a file appears with all its bytes and nothing beside it") {
        const TemporaryFolder folder;
        write_file_atomically(folder / "out.txt", "first");
        write_file_atomically(folder / "out.txt", "second");
        CHECK(text_of_file(folder / "out.txt") == "second");
        CHECK(folder.count() == 1);
    }

    TEST_CASE("nothing is seen before commit, and nothing is left without it") {
        const TemporaryFolder folder;
        {
            AtomicFile file(folder / "out.txt");
            file.write(std::string_view("half"));
            CHECK_FALSE(fs::exists(folder / "out.txt"));
        }
        CHECK(folder.count() == 0);
    }

    TEST_CASE("a full disk is an error that names the file, keeps the old one and leaves no other") {
        const TemporaryFolder folder;
        write_file_atomically(folder / "out.txt", "old");
        const FullDisk disk(1000);
        const std::string path = folder / "out.txt";
        CHECK_THROWS_WITH_AS(write_file_atomically(path, std::string(5000, 'x')),
                             (path + ": cannot be written: File too large").c_str(), DataError);
        CHECK(text_of_file(path) == "old");
        CHECK(folder.count() == 1);
    }

    TEST_CASE("a symbolic link stays one and its target is replaced") {
        const TemporaryFolder folder;
        write_file_atomically(folder / "target.txt", "old");
        fs::create_symlink("target.txt", folder / "link.txt");
        write_file_atomically(folder / "link.txt", "new");
        CHECK(fs::is_symlink(folder / "link.txt"));
        CHECK(text_of_file(folder / "target.txt") == "new");
    }

    TEST_CASE("a dangling symbolic link is written through, as far as there is a folder") {
        const TemporaryFolder folder;
        fs::create_symlink("second.txt", folder / "first.txt");
        fs::create_symlink(folder / "target.txt", folder / "second.txt");
        write_file_atomically(folder / "first.txt", "new");
        CHECK(fs::is_symlink(folder / "first.txt"));
        CHECK(fs::is_symlink(folder / "second.txt"));
        CHECK(text_of_file(folder / "target.txt") == "new");
        const std::string lost = folder / "lost.txt", circle = folder / "circle.txt";
        fs::create_symlink("no/target.txt", lost);
        CHECK_THROWS_WITH_AS(write_file_atomically(lost, "x"),
                             (lost + ": cannot be written: there is no folder " + (folder / "no")).c_str(), DataError);
        fs::create_symlink("circle.txt", circle);
        CHECK_THROWS_WITH_AS(write_file_atomically(circle, "x"),
                             (circle + ": cannot be written: Too many levels of symbolic links").c_str(), DataError);
        CHECK(fs::is_symlink(circle));
        CHECK(folder.count() == 5);
    }

    TEST_CASE("folders, devices and folders that do not exist are refused") {
        const TemporaryFolder folder;
        CHECK_THROWS_AS(write_file_atomically(folder.path().string(), "x"), DataError);
        CHECK_THROWS_AS(write_file_atomically("/dev/null", "x"), DataError);
        CHECK_THROWS_AS(write_file_atomically(folder / "no/such/out.txt", "x"), DataError);
        CHECK(fs::is_character_file("/dev/null"));
    }

    TEST_CASE("what killed writers left of certain files is removed, and nothing else") {
        const TemporaryFolder folder;
        const std::vector<std::string> abandoned{".a.unit.123-0.tmp", ".run.json.9-12.tmp"},
            others{"a.unit", ".b.txt.123-0.tmp", ".a.unit.x-0.tmp", ".a.unit.123.tmp", ".a.unit", "a.unit.1-1.tmp"};
        for (const auto* names : {&abandoned, &others})
            for (const std::string& name : *names) std::ofstream(folder / name) << "x";
        std::filesystem::create_directory(folder / ".d.unit.1-1.tmp");
        remove_abandoned_files(folder.path().string(),
                               [](const std::string& name) { return name == "run.json" || name.ends_with(".unit"); });
        for (const std::string& name : abandoned) CHECK_FALSE(std::filesystem::exists(folder / name));
        for (const std::string& name : others) CHECK(std::filesystem::exists(folder / name));
        CHECK(std::filesystem::exists(folder / ".d.unit.1-1.tmp"));
        CHECK_NOTHROW(remove_abandoned_files(folder / "nowhere", [](const std::string&) { return true; }));
    }

    TEST_CASE("a new file gets the rights that the user's mask leaves") {
        const TemporaryFolder folder;
        const mode_t mask = umask(027);
        write_file_atomically(folder / "out.txt", "x");
        umask(mask);
        CHECK(fs::status(folder / "out.txt").permissions() == static_cast<fs::perms>(0640));
    }
}
