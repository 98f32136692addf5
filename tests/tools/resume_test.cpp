// --state and --resume: a run that is killed, at any moment and as often as may be, ends in the bits of one that is
// not.
#include <doctest/doctest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "loaders/weights/weights.h"
#include "support/adaq_run.h"
#include "support/weight_files.h"

using namespace adaq;
using namespace adaq::test;

namespace {

using Milliseconds = std::chrono::milliseconds;

/// A run that learns, with its results under `out`.
std::string learning(const Data& data, const TemporaryFolder& out, const std::string& more = "", int iterations = 60) {
    return quoted_weights() + data.both() +
           "--w3 --a4 --scheme minmax --method adaround --minibatch 8 --seed 5 --threads 1 --iters " +
           std::to_string(iterations) + " " + more + " --logits " + (out / "l.npy") + " --save " + (out / "q.bin");
}

/// Starts a shell command and kills it, and all that it started, after a while; whether it was killed.
bool run_and_kill(const std::string& arguments, Milliseconds after) {
    const std::string command = "exec '" + program_path("adaq-run") + "' " + arguments + " >/dev/null 2>&1";
    const char* argv[] = {"sh", "-c", command.c_str(), nullptr};
    pid_t child = 0;
    REQUIRE(posix_spawn(&child, "/bin/sh", nullptr, nullptr, const_cast<char**>(argv), environ) == 0);
    std::this_thread::sleep_for(after);
    kill(child, SIGKILL);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status)) return true;
    CHECK(WEXITSTATUS(status) == 0);
    return false;
}

std::string state_of(const TemporaryFolder& folder) { return "--state " + (folder / "state"); }

std::string line_of(const Outcome& outcome) {
    return outcome.output.substr(std::min(outcome.output.size(), outcome.output.rfind("adaq-run: ")));
}

}  // namespace

TEST_SUITE("resume") {
    TEST_CASE("killed at fifty random moments, a run ends in the bits of one that was never interrupted") {
        constexpr int kKills = 50;
        const Data data;
        const TemporaryFolder whole;
        const auto start = std::chrono::steady_clock::now();
        REQUIRE(run(learning(data, whole)).status == 0);
        const auto length = std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - start);
        const std::string expected = text_of_file(whole / "q.bin"), logits = text_of_file(whole / "l.npy");
        std::mt19937 random(20);
        int kills = 0, ends = 0;
        while (kills < kKills) {
            const TemporaryFolder out;
            const std::string command = learning(data, out, state_of(out) + " --resume");
            // Every few kills a run may go to its end, so that late moments are met as well: the save among them.
            for (bool killed = true; killed;) {
                const int64_t longest = length.count() * (kills % 4 == 3 ? 5 : 2) / 4;
                killed = run_and_kill(command, Milliseconds(random() % static_cast<uint64_t>(longest + 1)));
                kills += killed;
                if (std::filesystem::exists(out / "q.bin")) CHECK(text_of_file(out / "q.bin") == expected);
            }
            ++ends;
            CHECK(text_of_file(out / "q.bin") == expected);
            CHECK(text_of_file(out / "l.npy") == logits);
        }
        CHECK(ends >= 1);
    }

    TEST_CASE("a finished state gives the result again without learning") {
        const Data data;
        const TemporaryFolder out;
        REQUIRE(run(learning(data, out, state_of(out))).status == 0);
        const std::string first = text_of_file(out / "q.bin");
        const Outcome again = run(learning(data, out, state_of(out) + " --resume --report " + (out / "r.json")));
        INFO(again.output);
        REQUIRE(again.status == 0);
        CHECK(again.output.find("Going on from") != std::string::npos);
        CHECK(text_of_file(out / "q.bin") == first);
    }

    TEST_CASE("Ctrl-C keeps the finished layers and says how to go on") {
        const Data data;
        const TemporaryFolder out;
        const std::string command = learning(data, out, state_of(out), 20000);
        const Outcome stopped = run_shell("timeout --foreground --preserve-status -s INT 2 '" +
                                          program_path("adaq-run") + "' " + command + " 2>&1");
        INFO(stopped.output);
        CHECK(stopped.status == 130);
        CHECK(line_of(stopped).find("13 layers are kept in") != std::string::npos);
        CHECK(line_of(stopped).find("--resume") != std::string::npos);
        CHECK(!std::filesystem::exists(out / "q.bin"));
        const Outcome careless = run_shell("timeout --foreground --preserve-status -s INT 2 '" +
                                           program_path("adaq-run") + "' " + learning(data, out, "", 100000) + " 2>&1");
        CHECK(careless.status == 130);
        CHECK(line_of(careless).find("nothing was saved; with --state DIR") != std::string::npos);
    }

    TEST_CASE("a different run is refused, naming what differs") {
        const Data data, others;
        std::string pixels = text_of_file(others.folder / "train-images-idx3-ubyte");
        pixels[100] = static_cast<char>(pixels[100] ^ 1);
        others.write("train-images-idx3-ubyte", pixels);
        const TemporaryFolder out;
        REQUIRE(run(learning(data, out, state_of(out))).status == 0);
        const auto refused = [&](const Data& images, const std::string& more, const std::string& text) {
            check_refused(learning(images, out, state_of(out) + " " + more), 2, text);
        };
        refused(data, "", "holds the state of an earlier run");
        refused(data, "--resume --lr 0.5", "lr 0.5, there 0.01");
        refused(data, "--resume --lambda 2 --loss channel-sum",
                "lambda 2.0, there 1.0; loss \"channel-sum\", there \"mean\"");
        refused(data, "--resume --fold", "fold true, there false");
        refused(others, "--resume", "calibration_images_crc32");
        StoredModel model = load_weights(kNetwork);
        model.tensors.at("conv1.weight").values[0] += 1.0f;
        save_bin(out / "other.bin", model);
        check_refused("--weights " + (out / "other.bin") +
                          learning(data, out, state_of(out) + " --resume").substr(quoted_weights().size() - 1),
                      2, "weights_crc32");
    }

    TEST_CASE("a damaged file of a layer, and a folder in use or out of reach, are named") {
        const Data data;
        const TemporaryFolder out;
        const std::string command = learning(data, out, state_of(out) + " --resume");
        REQUIRE(run(command).status == 0);
        const std::string file = out / "state/004-layer2.0.conv2.unit", whole = text_of_file(file);
        for (size_t at : {size_t{0}, size_t{9}, size_t{13}, whole.size() / 2, whole.size() - 1}) {
            std::string damaged = whole;
            damaged[at] = static_cast<char>(damaged[at] ^ 4);
            std::ofstream(file, std::ios::binary) << damaged;
            check_refused(command, 1, "004-layer2.0.conv2.unit");
        }
        std::ofstream(file, std::ios::binary) << whole.substr(0, whole.size() - 7);
        check_refused(command, 1, "004-layer2.0.conv2.unit");
        std::ofstream(file, std::ios::binary) << whole;
        std::ofstream(out / "state/run.json") << "{\"method\":";
        check_refused(command, 1, "run.json: damaged");
        std::ofstream(out / "state/run.json")
            << "{\"x\":" << std::string(300000, '[') << std::string(300000, ']') << "}";
        check_refused(command, 1, "run.json: damaged (nests deeper than 64 levels)");
        std::filesystem::remove(out / "state/run.json");
        CHECK(run(command).status == 0);
        check_refused(learning(data, out, "--state /proc/nowhere"), 1, "--state /proc/nowhere");
        check_refused(learning(data, out, "--resume"), 2, "--resume: needs --state DIR");
        const Outcome busy =
            run_shell("flock '" + (out / "state/lock") + "' '" + program_path("adaq-run") + "' " + command + " 2>&1");
        CHECK(busy.status == 1);
        CHECK(line_of(busy).find("another run is using it") != std::string::npos);
    }

    TEST_CASE("with run.json gone finished layers tell whose they are: their run goes on, another is refused") {
        const Data data;
        const TemporaryFolder out;
        REQUIRE(run(learning(data, out, state_of(out))).status == 0);
        const std::string expected = text_of_file(out / "q.bin"), file = out / "state/run.json",
                          identity = text_of_file(file);
        const auto refused = [&](const std::string& command, const std::string& text) {
            std::filesystem::remove(file);
            check_refused(command, 2, text);
            CHECK_FALSE(std::filesystem::exists(file));
        };
        const std::string again = learning(data, out, state_of(out) + " --resume");
        const auto with = [&](const std::string& from, const std::string& to) {
            REQUIRE(again.find(from) != std::string::npos);
            return std::string(again).replace(again.find(from), from.size(), to);
        };
        refused(learning(data, out, state_of(out)), "holds the state of an earlier run");
        refused(with("--seed 5", "--seed 6"), "000-conv1.unit is of another run: seed 6, there 5");
        refused(with("--w3", "--w4"), "000-conv1.unit is of another run: weight_bits 4, there 3");
        refused(with("--images 16", "--images 12"), "calibration_images_crc32");
        const Outcome whole = run(again);
        INFO(whole.output);
        REQUIRE(whole.status == 0);
        CHECK(whole.output.find("Going on from") != std::string::npos);
        CHECK(text_of_file(out / "q.bin") == expected);
        CHECK(text_of_file(file) == identity);
    }

    TEST_CASE("a layer's file under another's name, or of another run among this one's, is refused") {
        const Data data;
        const TemporaryFolder out, other;
        const std::string command = learning(data, out, state_of(out) + " --resume");
        REQUIRE(run(command).status == 0);
        REQUIRE(run(learning(data, other, state_of(other) + " --lr 0.5")).status == 0);
        const std::string name = "004-layer2.0.conv2.unit", file = out / ("state/" + name), whole = text_of_file(file);
        const auto overwrite = std::filesystem::copy_options::overwrite_existing;
        std::filesystem::copy_file(out / "state/003-layer2.0.conv1.unit", file, overwrite);
        check_refused(command, 1,
                      name + ": holds what another unit has learned, whose file is 003-layer2.0.conv1.unit");
        std::filesystem::copy_file(other / ("state/" + name), file, overwrite);
        check_refused(command, 2, name + " is of another run: lr 0.01, there 0.5");
        std::ofstream(file, std::ios::binary) << whole;
        CHECK(run(command).status == 0);
        std::filesystem::remove(file);
        std::filesystem::create_directory(file);
        check_refused(command, 1, name + ": not a regular file");
    }

    TEST_CASE("what a killed writer left in the state folder is removed, other files stay") {
        const Data data;
        const TemporaryFolder out;
        std::filesystem::create_directory(out / "state");
        for (const std::string name : {".004-x.unit.77-3.tmp", ".run.json.77-0.tmp", "notes.txt", ".mine.tmp"})
            std::ofstream(out / ("state/" + name)) << "x";
        REQUIRE(run(learning(data, out, state_of(out))).status == 0);
        CHECK_FALSE(std::filesystem::exists(out / "state/.004-x.unit.77-3.tmp"));
        CHECK_FALSE(std::filesystem::exists(out / "state/.run.json.77-0.tmp"));
        CHECK(std::filesystem::exists(out / "state/notes.txt"));
        CHECK(std::filesystem::exists(out / "state/.mine.tmp"));
    }

    TEST_CASE("the instruction set in force is recorded, and --resume under another is refused naming both") {
        const Data data;
        const TemporaryFolder out;
        const auto processor = [&](const std::string& before) {
            const Outcome outcome = run(learning(data, out, "--report " + (out / "r.json")), "2>&1", before);
            INFO(outcome.output);
            REQUIRE(outcome.status == 0);
            const auto report = nlohmann::json::parse(text_of_file(out / "r.json"));
            const std::string there = report["environment"]["processor"];
            CHECK(report["settings"]["processor"] == there);
            CHECK(text_of_file(out / "q.bin").find(there) != std::string::npos);
            return there;
        };
        const std::string here = processor("");
        // Whatever this machine has: one step down from it.
        const std::string lower = here.find("AVX512") == std::string::npos ? "SSE41" : "AVX2",
                          before = "ONEDNN_MAX_CPU_ISA=" + lower + " ", held = processor(before);
        CHECK(held != here);
        CHECK(held.find(" (" + lower + ")") != std::string::npos);
        CHECK(processor("ONEDNN_DEFAULT_FPMATH_MODE=BF16 ").find(", products in bf16)") != std::string::npos);
        CHECK(processor("ONEDNN_CPU_ISA_HINTS=PREFER_YMM ").find(", prefers YMM)") != std::string::npos);
        if (here.find("without FMA") == std::string::npos)
            CHECK(processor("GLIBC_TUNABLES=glibc.cpu.hwcaps=-FMA ").find("C library without FMA") !=
                  std::string::npos);
        REQUIRE(run(learning(data, out, state_of(out))).status == 0);
        const Outcome mixed = run(learning(data, out, state_of(out) + " --resume"), "2>&1", before);
        CHECK(mixed.status == 2);
        CHECK(line_of(mixed).find("processor \"" + held + "\", there \"" + here + "\"") != std::string::npos);
        const Outcome page = run(learning(data, out, "--report " + (out / "r.html")), "2>&1", before);
        CHECK(page.status == 0);
        CHECK(text_of_file(out / "r.html").find("(" + lower + ")") != std::string::npos);
        if (lower == "AVX2") {
            const Outcome bf16 = run(learning(data, out, "--math bf16"), "2>&1", before);
            CHECK(bf16.status == 2);
            CHECK(line_of(bf16).find("--math bf16: oneDNN has AVX2 here") != std::string::npos);
        }
    }

    TEST_CASE("with little --memory caches are spilled, said in the log, and the bits are the same") {
        const Data data;
        const TemporaryFolder plenty, little;
        REQUIRE(run(learning(data, plenty)).status == 0);
        for (const std::string memory : {"0", "100K", "400K"}) {
            for (const std::string& state : {std::string(), state_of(little) + " --resume"}) {
                const Outcome outcome = run(learning(data, little, "--memory " + memory + " " + state));
                INFO(outcome.output);
                REQUIRE(outcome.status == 0);
                CHECK(outcome.output.find("part of them is spilled") != std::string::npos);
                CHECK(text_of_file(little / "q.bin") == text_of_file(plenty / "q.bin"));
                std::filesystem::remove_all(little / "state");
            }
        }
        for (const std::string wrong : {"much", "-1G", "101%", "5X", "G", "1e300"})
            check_refused(learning(data, little, "--memory " + wrong), 2, "--memory");
    }
}
