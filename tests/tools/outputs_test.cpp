// Output files: tried before any work, never a file that is read, and nothing that was learned is lost when something
// fails behind it.
#include <doctest/doctest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "support/adaq_run.h"
#include "support/onnx_files.h"
#include "support/sanitizer.h"
#include "support/text.h"
#include "support/weight_files.h"

using namespace adaq;
using namespace adaq::test;
namespace fs = std::filesystem;

namespace {

const std::string kLearning = "--w3 --a4 --scheme minmax --method adaround --iters 20 --minibatch 8 --threads 1 ";

/// Class folders of 21 images, the last of which is cut off behind its header.
struct BrokenImages {
    BrokenImages() {
        for (int c = 0; c < 7; ++c) fs::create_directory(folder / std::to_string(c));
        for (int i = 0; i < 21; ++i)
            std::ofstream(folder / fmt::format("{}/{:02}.ppm", i / 3, i))
                << "P6 40 40 255\n"
                << std::string(i == 20 ? 100 : 4800, static_cast<char>(i));
    }
    std::string val() const { return " --val " + folder.path().string() + " "; }
    TemporaryFolder folder;
};

/// Runs a program, sends it a signal once `file` is there, and returns its status and stderr.
Outcome signalled_at(const std::string& file, int number, const std::string& program, const std::string& arguments,
                     const TemporaryFolder& folder) {
    const std::string log = folder / "log",
                      command = "exec '" + program_path(program) + "' " + arguments + " 2>" + log + " >/dev/null";
    const char* argv[] = {"sh", "-c", command.c_str(), nullptr};
    pid_t child = 0;
    REQUIRE(posix_spawn(&child, "/bin/sh", nullptr, nullptr, const_cast<char**>(argv), environ) == 0);
    int status = 0;
    pid_t ended = 0;
    while (ended == 0 && !fs::exists(file)) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        ended = waitpid(child, &status, WNOHANG);
    }
    if (ended == 0) {
        kill(child, number);
        REQUIRE(waitpid(child, &status, 0) == child);
    }
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text_of_file(log)};
}

/// One line and nothing else: nothing was begun.
void check_at_once(const std::string& program, const std::string& arguments, int status, const std::string& line) {
    INFO(program << " " << arguments);
    const Outcome outcome = run_program(program, arguments, "2>&1");
    CHECK(outcome.status == status);
    CHECK(outcome.output == program + ": " + line + "\n");
}

}  // namespace

TEST_SUITE("outputs") {
    TEST_CASE("outputs that cannot be written are refused before any work, and leave nothing behind") {
        const Data data;
        const TemporaryFolder out;
        const std::string usual = quoted_weights() + data.both() + kLearning, nowhere = out / "no";
        std::ofstream(out / "file") << "x";
        fs::create_directory(out / "q.bin");
        for (const std::string option :
             {"--save {}/q.bin", "--report {}/r.html", "--report {}/r.json", "--logits {}/l.npy"}) {
            const std::string given = fmt::format(fmt::runtime(option), nowhere),
                              path = given.substr(given.find(' ') + 1);
            check_at_once("adaq-run", usual + given + " --state " + (out / "state"), 1,
                          path + ": cannot be written: there is no folder " + nowhere);
            check_at_once("adaq-run", usual + given + " --dry-run", 1,
                          path + ": cannot be written: there is no folder " + nowhere);
        }
        check_at_once("adaq-run", usual + "--save " + (out / "file/q.bin"), 1,
                      (out / "file/q.bin") + ": cannot be written: there is no folder " + (out / "file"));
        check_at_once("adaq-run", usual + "--save " + (out / "q.bin"), 1,
                      (out / "q.bin") + ": a directory, expected the name of a file to write");
        const std::string longest = out / (std::string(300, 'q') + ".bin");
        check_at_once("adaq-run", usual + "--save " + longest, 1, longest + ": cannot be written: File name too long");
        check_at_once("adaq-run", usual + "--state " + (out / "file"), 1,
                      "--state " + (out / "file") + ": cannot be made: Not a directory");
        check_at_once("adaq-convert", kNetwork + " " + nowhere + "/a.bin", 1,
                      nowhere + "/a.bin: cannot be written: there is no folder " + nowhere);
        check_at_once("adaq-bench", "peak --json " + nowhere + "/p.json", 1,
                      nowhere + "/p.json: cannot be written: there is no folder " + nowhere);
        std::ofstream(out / "t.json") << R"({"title": "t", "columns": [{"title": "c"}], "rows": [
            {"title": "r", "options": "--w4 --a32"}, {"title": "s", "options": "--w3 --a32 --save )" +
                                             nowhere + R"(/q.bin"}]})";
        check_at_once("adaq-sweep", (out / "t.json") + " " + quoted_weights() + data.both() + "--out " + (out / "o"), 1,
                      (out / "t.json") + ": line 2: rows[1].options (s / c): " + nowhere +
                          "/q.bin: cannot be written: there is no folder " + nowhere);
        CHECK(fs::is_empty(out / "o/cells"));
        fs::remove_all(out / "o");
        CHECK(out.count() == 3);  // what was there before
        CHECK(fs::is_empty(out / "q.bin"));
    }

    TEST_CASE("an output is no file that is read, by whatever path or link, and no other output") {
        const Data data;
        const TemporaryFolder out;
        fs::copy(kNetwork, out / "w.bin");
        const std::string before = text_of_file(out / "w.bin");
        fs::create_symlink("w.bin", out / "link.bin");
        fs::create_symlink("link.bin", out / "links.bin");
        fs::create_hard_link(out / "w.bin", out / "hard.bin");
        fs::create_directory(out / "folder");
        const std::string weights = "--weights " + (out / "w.bin"),
                          usual = weights + " --w4 --a32 --val " + data.folder.path().string() + " ";
        for (const std::string name : {"w.bin", "./w.bin", "folder/../w.bin", "link.bin", "links.bin", "hard.bin"}) {
            const std::string path = out.path().string() + "/" + name;
            check_at_once("adaq-run", usual + "--save " + path, 2,
                          "--save " + path + ": is the file that --weights reads; name another");
            check_at_once("adaq-convert", path + " " + (out / "w.bin"), 2,
                          "OUT " + (out / "w.bin") + ": is the file that IN reads; name another");
        }
        fs::create_symlink("r.html", out / "l.npy");
        check_at_once("adaq-run", usual + "--report " + (out / "r.html") + " --logits " + (out / "l.npy"), 2,
                      "--logits " + (out / "l.npy") + ": is the file that --report " + (out / "r.html") +
                          " writes; name another");
        std::ofstream(out / "labels.json") << "x";
        check_at_once("adaq-run",
                      usual + "--val-labels " + (out / "labels.json") + " --report " + (out / "labels.json"), 2,
                      "--report " + (out / "labels.json") + ": is the file that --val-labels reads; name another");
        check_at_once("adaq-convert", kNetwork + " " + (out / "n.bin") + " --classes " + (out / "n.bin"), 2,
                      "OUT " + (out / "n.bin") + ": is the file that --classes reads; name another");
        check_at_once("adaq-bench", "network --weights " + (out / "w.bin") + " --json " + (out / "hard.bin"), 2,
                      "--json " + (out / "hard.bin") + ": is the file that --weights reads; name another");
        std::ofstream(out / "t.json")
            << R"({"title": "t", "columns": [{"title": "c"}], "rows": [{"title": "r", "options": "--w4 --a32 --report )" +
                   (out / "t.json") + R"("}]})";
        check_at_once("adaq-sweep", (out / "t.json") + " " + quoted_weights() + data.both() + "--out " + (out / "o"), 2,
                      (out / "t.json") + ": line 1: rows[0].options (r / c): --report " + (out / "t.json") +
                          ": is the file that TABLE reads; name another");
        CHECK(text_of_file(out / "w.bin") == before);
        CHECK(fs::hard_link_count(out / "w.bin") == 2);
    }

    TEST_CASE("what was learned is saved before evaluation, and reported without it where it fails") {
        const Data data;
        const BrokenImages images;
        const TemporaryFolder out;
        for (const std::string& how : {std::string("--w4 --a8 --scheme minmax "), kLearning}) {
            INFO(how);
            const std::string learned = quoted_weights() + data.calib() + how;
            REQUIRE(run(learned + "--save " + (out / "good.bin")).status == 0);
            const Outcome table =
                run(learned + images.val() + "--save " + (out / "q.bin") + " --report " + (out / "r.json") +
                        " --report " + (out / "r.html") + " --logits " + (out / "l.npy"),
                    "2>" + (out / "log"));
            const std::string log = text_of_file(out / "log");
            INFO(table.output << log);
            CHECK(table.status == 1);
            CHECK(mentions(table.output, "smaller"));
            CHECK(mentions(table.output, "Not evaluated: "));
            const std::string last = log.substr(log.rfind("adaq-run: "));
            CHECK(mentions(last, "20.ppm"));
            CHECK(mentions(last, "; written all the same: " + (out / "q.bin") + ", " + (out / "r.json") + ", " +
                                     (out / "r.html") + "\n"));
            CHECK(text_of_file(out / "q.bin") == text_of_file(out / "good.bin"));
            const auto report = nlohmann::json::parse(text_of_file(out / "r.json"));
            CHECK(report["weights"].size() == 13);
            CHECK(report["accuracy"]["quantised"].is_null());
            CHECK(mentions(report["notes"].back(), "20.ppm"));
            CHECK(mentions(text_of_file(out / "r.html"), "the evaluation did not come to its end"));
            CHECK_FALSE(fs::exists(out / "l.npy"));
            CHECK(out.count() == 5);
        }
    }

    TEST_CASE("--save writes .onnx for a runtime, and where that has no such codes, .bin keeps what was learned") {
        const Data data;
        const TemporaryFolder out;
        const std::string usual =
            quoted_weights() + data.calib() + "--w4 --a8 --scheme minmax --save " + (out / "q.onnx");
        const Outcome written = run(usual + " --for ort --report " + (out / "r.json"));
        INFO(written.output);
        CHECK(written.status == 0);
        const auto model = onnx::parse("q.onnx", bytes_of_file(out / "q.onnx"));
        CHECK(count_of(model.graph, "QuantizeLinear") > 5);
        const auto report = nlohmann::json::parse(text_of_file(out / "r.json"));
        CHECK(mentions(report["notes"].dump(), "onnxruntime computes "));
        CHECK(out.count() == 2);

        const std::string bytes = text_of_file(out / "q.onnx");
        const Outcome refused = run(usual + " --for tensorrt");
        INFO(refused.output);
        CHECK(refused.status == 1);
        CHECK(
            mentions(refused.output,
                     (out / "q.onnx") +
                         ": the activation conv1 has 8 bits without a sign, expected at most "
                         "7, which fit the int8 of TensorRT (adaq-run --deploy tensorrt --a7); written all the same: " +
                         (out / "q.bin") + "\n"));
        CHECK(load_weights(out / "q.bin").quantisation->weights.size() == 13);
        CHECK(text_of_file(out / "q.onnx") == bytes);
        const Outcome again = run(usual + " --for tensorrt");  // a file that is there is nobody's to replace
        CHECK(mentions(again.output, "; nothing was saved\n"));
    }

    TEST_CASE("options of .onnx files without one, and files of other kinds, are refused at once") {
        const TemporaryFolder out;
        const std::string usual = quoted_weights() + "--w4 --a32 ";
        check_at_once(
            "adaq-run", usual + "--save " + (out / "q.pth"), 2,
            "--save " + (out / "q.pth") + ": expected a .bin or an .onnx file (adaq-convert makes others of it)");
        check_at_once(
            "adaq-run", usual + "--save " + (out / "q.bin") + " --for ort", 2,
            "--save " + (out / "q.bin") + ": --for, --onnx-input, --pack and --encodings are for .onnx files alone");
        check_at_once("adaq-run", usual + "--pack --report " + (out / "r.json"), 2,
                      "--for, --onnx-input, --pack and --encodings are for --save with an .onnx file");
        check_at_once("adaq-run", usual + "--encodings aimet --pack --save " + (out / "q.onnx"), 2,
                      "--encodings aimet: the network beside them is float; --for and --pack do not go with it");
        CHECK(out.count() == 0);
    }

    TEST_CASE("without --save the state keeps what was learned") {
        const Data data;
        const BrokenImages images;
        const TemporaryFolder out;
        const std::string command = quoted_weights() + data.calib() + kLearning + "--state " + (out / "state");
        const Outcome failed = run(command + images.val());
        INFO(failed.output);
        CHECK(failed.status == 1);
        CHECK(mentions(failed.output, "; nothing was saved; what was learned is kept in " + (out / "state") +
                                          ", --resume goes on from there\n"));
        const Outcome resumed = run(command + " --resume --val " + data.folder.path().string());
        INFO(resumed.output);
        CHECK(resumed.status == 0);
        CHECK(mentions(resumed.output, "Going on from"));
    }

    TEST_CASE("a signal while evaluating: what was learned is saved and reported, status and words are the signal's") {
        const Data data(7000);
        for (const auto& [number, status, name] :
             {std::tuple(SIGINT, 130, "Ctrl-C"), std::tuple(SIGTERM, 143, "SIGTERM")}) {
            const TemporaryFolder out;
            const Outcome stopped = signalled_at(
                out / "q.bin", number, "adaq-run",
                quoted_weights() + data.both() + "--w4 --a32 --scheme minmax --device reference --batch 4 --save " +
                    (out / "q.bin") + " --report " + (out / "r.json") + " --logits " + (out / "l.npy"),
                out);
            INFO(stopped.output);
            CHECK(stopped.status == status);
            CHECK(stopped.output.ends_with(std::string("adaq-run: stopped by ") + name + "; written all the same: " +
                                           (out / "q.bin") + ", " + (out / "r.json") + "\n"));
            CHECK(load_weights(out / "q.bin").quantisation->weights.size() == 13);
            CHECK(nlohmann::json::parse(text_of_file(out / "r.json"))["accuracy"]["quantised"].is_null());
            CHECK(out.count() == 3);  // and the log
        }
    }

    TEST_CASE("a full disk for one output: the table is printed and the others are written") {
        const Data data(1000);
        const TemporaryFolder out;
        const std::string usual = quoted_weights() + data.both() + "--w2 --a8 --scheme minmax --save " +
                                  (out / "q.bin") + " --report " + (out / "r.json") + " --logits " + (out / "l.npy");
        REQUIRE(run(usual).status == 0);
        const auto size = [&](const char* name) { return fs::file_size(out / name); };
        const auto logits = size("l.npy"), model = size("q.bin"), report = size("r.json");
        REQUIRE(logits + 1024 < model);
        for (const char* name : {"q.bin", "r.json", "l.npy"}) fs::remove(out / name);
        // A limit between the sizes, in the shell's blocks of 512 bytes.
        const std::string before = fmt::format("ulimit -f {}; ", logits / 512 + 1);
        const Outcome outcome = run(usual, "2>" + (out / "log"), before);
        const std::string log = text_of_file(out / "log");
        INFO(outcome.output << log << " sizes " << logits << " " << model << " " << report);
        CHECK(outcome.status == 1);
        CHECK(mentions(outcome.output, "top-1"));
        CHECK(mentions(log, "adaq-run: " + (out / "q.bin") + ": cannot be written: File too large"));
        CHECK(mentions(log, "written all the same: " + (out / "l.npy")));
        CHECK_FALSE(fs::exists(out / "q.bin"));
        CHECK(size("l.npy") == logits);
    }

    TEST_CASE("logits that do not fit on the disk cost neither accuracy nor the other files") {
        const Data data(6000);
        const TemporaryFolder out;
        const Outcome outcome = run(
            quoted_weights() + data.both() + "--float --report " + (out / "r.json") + " --logits " + (out / "l.npy"),
            "2>" + (out / "log"), "ulimit -f 200; ");
        const std::string log = text_of_file(out / "log");
        INFO(outcome.output << log);
        CHECK(outcome.status == 1);
        CHECK(mentions(outcome.output, "top-1"));
        CHECK(mentions(log, "adaq-run: " + (out / "l.npy") +
                                ": cannot be written: File too large; written all the same: " + (out / "r.json") +
                                "\n"));
        CHECK(nlohmann::json::parse(text_of_file(out / "r.json"))["accuracy"]["float32"]["images"] == 6000);
        CHECK(out.count() == 2);
    }

    TEST_CASE("a sweep whose cell cannot be evaluated keeps what the cell learned") {
        const Data data;
        const BrokenImages images;
        const TemporaryFolder out;
        std::ofstream(out / "t.json") << R"({"title": "t", "columns": [{"title": "c"}], "rows": [
            {"title": "r", "options": ")" + kLearning +
                                             "--save " + (out / "q.bin") + R"("}]})";
        const std::string command = (out / "t.json") + " " + quoted_weights() + data.calib() + "--out " + (out / "o");
        const Outcome failed = run_program("adaq-sweep", command + images.val());
        INFO(failed.output);
        CHECK(failed.status == 1);
        CHECK(mentions(failed.output, "0 of 1 cell done, 1 failed."));
        CHECK(mentions(failed.output, "20.ppm"));
        CHECK(load_weights(out / "q.bin").quantisation->weights.size() == 13);
        CHECK_FALSE(fs::is_empty(out / "o/state"));
    }

    TEST_CASE("a sweep's table that cannot be written is printed all the same") {
        const Data data;
        const TemporaryFolder out;
        std::ofstream(out / "t.json")
            << R"({"title": "t", "columns": [{"title": "c"}], "rows": [{"title": "r", "options": "--w4 --a32"}]})";
        fs::create_directories(out / "o/table.html");
        const Outcome outcome =
            run_program("adaq-sweep", (out / "t.json") + " " + quoted_weights() + data.both() + "--out " + (out / "o"));
        INFO(outcome.output);
        CHECK(outcome.status == 1);
        CHECK(mentions(outcome.output, "1 of 1 cell done."));
        CHECK(outcome.output.ends_with("adaq-sweep: " + (out / "o/table.html") +
                                       ": a directory, expected the name of a file to write\n"));
        CHECK(fs::exists(out / "o/table.md"));
        CHECK(fs::exists(out / "o/cells/r.c.json"));
    }

    TEST_CASE("TMPDIR matters to runs alone that spill, and then it is named") {
        const Data data;
        const TemporaryFolder out;
        const std::string lost = "TMPDIR=" + (out / "none") + " ";
        CHECK(run(quoted_weights() + data.both() + "--float", "2>&1", lost).status == 0);
        CHECK(run(quoted_weights() + data.both() + kLearning, "2>&1", lost).status == 0);
        CHECK(run(quoted_weights() + data.both() + kLearning + "--memory 0 --state " + (out / "state"), "2>&1", lost)
                  .status == 0);
        const Outcome spilled = run(quoted_weights() + data.both() + kLearning + "--memory 0", "2>&1", lost);
        INFO(spilled.output);
        CHECK(spilled.status == 1);
        CHECK(spilled.output.ends_with("adaq-run: TMPDIR: " + (out / "none") +
                                       ", expected a folder for what memory does not hold\n"));
    }

    // AddressSanitizer itself wants more addresses than such a limit leaves.
    TEST_CASE("where no more threads can be started, that is said in words" * doctest::skip(kAddressSanitizer)) {
        const Data data;
        const Outcome outcome =
            run(quoted_weights() + data.both() + "--w4 --a8 --threads 900", "2>&1", "ulimit -v 4000000; ");
        INFO(outcome.output);
        CHECK(outcome.status == 1);
        CHECK_FALSE(mentions(outcome.output, "temporarily"));
        CHECK(mentions(outcome.output, "threads"));
    }
}
