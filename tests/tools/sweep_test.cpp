// adaq-sweep as its users run it: what it computes, keeps, goes on from, and refuses.
#include <doctest/doctest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "support/adaq_run.h"
#include "support/markup_check.h"
#include "support/text.h"
#include "support/weight_files.h"

using namespace adaq;
using namespace adaq::test;

namespace {

/// A table of nearest rounding and of learning; in {} what a test adds to its rows.
std::string table_text(const std::string& more_of_second_row = "") {
    return R"({
  "title": "Two | ways",
  "published_from": "somewhere else",
  "options": "--scheme minmax",
  "columns": [{"title": "W4A4", "options": "--w4 --a4"}, {"title": "W2A32", "options": "--w2 --a32"}],
  "rows": [
    {"title": "nearest, folded", "options": "--fold", "published": [12.50, null]},
    {"title": "learned", "options": "--method adaround --iters 20 --minibatch 8)" +
           more_of_second_row + R"(",
     "published": [{"top1": 33.3, "seconds": 12, "note": "on another day"}, null]}
  ]
}
)";
}

/// A folder with a table, and a sweep of it into another.
struct Sweep {
    explicit Sweep(const std::string& text = table_text()) { write(text); }
    void write(const std::string& text) const { std::ofstream(table()) << text; }
    std::string table() const { return folder / "t.json"; }
    std::string out() const { return folder / "out"; }
    std::string arguments(const std::string& more = "") const {
        return table() + " " + quoted_weights() + data.both() + "--threads 1 --out " + out() + " " + more;
    }
    Outcome run(const std::string& more = "", const std::string& streams = "2>&1") const {
        return run_program("adaq-sweep", arguments(more), streams);
    }
    nlohmann::json cell(const std::string& name) const {
        return nlohmann::json::parse(text_of_file(out() + "/cells/" + name + ".json"));
    }
    void check_refused(const std::string& more, int status, const std::string& text) const {
        const Outcome outcome = run(more, "2>&1 >/dev/null");
        INFO(more << "\n" << outcome.output);
        CHECK(outcome.status == status);
        CHECK(outcome.output.find("adaq-sweep: ") != std::string::npos);
        CHECK(outcome.output.find(text) != std::string::npos);
    }

    Data data;
    TemporaryFolder folder;
};

/// Ctrl-C once a layer is kept below `folder` of --out.
Outcome interrupted(const Sweep& sweep, const std::string& folder) {
    const std::string log = sweep.folder / "log",
                      command = "exec '" + program_path("adaq-sweep") + "' " + sweep.arguments() + " >" + log + " 2>&1";
    const char* argv[] = {"sh", "-c", command.c_str(), nullptr};
    pid_t child = 0;
    REQUIRE(posix_spawn(&child, "/bin/sh", nullptr, nullptr, const_cast<char**>(argv), environ) == 0);
    const auto layer_is_kept = [&] {
        std::error_code ignored;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(sweep.out() + "/" + folder, ignored))
            if (entry.path().extension() == ".unit") return true;
        return false;
    };
    int status = 0;
    pid_t ended = 0;
    while (ended == 0 && !layer_is_kept()) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        ended = waitpid(child, &status, WNOHANG);
    }
    if (ended == 0) {
        kill(child, SIGINT);
        REQUIRE(waitpid(child, &status, 0) == child);
    }
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text_of_file(log)};
}

}  // namespace

TEST_SUITE("adaq-sweep") {
    TEST_CASE("a cell's result is adaq-run's to the bit: the same top-1, the same saved file") {
        const std::string nearest = "--w3 --a4 --scheme lp", folded = "--w2 --a32 --fold --granularity layer",
                          learned =
                              "--w3 --a4 --scheme minmax --method adaround --iters 20 --minibatch 8 --seed 3 "
                              "--calib-augment",
                          blocks = "--w2 --a4 --fold --scheme minmax --method pdquant --iters 12 --minibatch 8",
                          // On the float network's values that the rows before have left.
            learned_again =
                "--w2 --a8 --scheme minmax --method adaround --iters 10 --minibatch 8 --seed 3 "
                "--calib-augment",
                          blocks_again =
                              "--w3 --a4 --fold --scheme minmax --method brecq --iters 8 --iters-scale 6 --minibatch 8";
        const std::vector<std::pair<std::string, std::string>> all{{"nearest", nearest}, {"folded", folded},
                                                                   {"learned", learned}, {"again", learned_again},
                                                                   {"blocks", blocks},   {"twice", blocks_again}};
        const TemporaryFolder files;
        std::string rows;
        for (const auto& [title, options] : all)
            rows += std::string(rows.empty() ? "" : ",") + R"({"title": ")" + title + R"(", "options": ")" + options +
                    " --save " + (files / (std::string(title) + ".bin")) + R"("})";
        const Sweep sweep(R"({"title": "t", "columns": [{"title": "c"}], "rows": [)" + rows + "]}");
        const Outcome outcome = sweep.run();
        INFO(outcome.output);
        REQUIRE(outcome.status == 0);
        for (const auto& [title, options] : all) {
            INFO(title);
            REQUIRE(run(quoted_weights() + sweep.data.both() + "--threads 1 " + options + " --save " +
                        (files / "alone.bin") + " --report " + (files / "alone.json"))
                        .status == 0);
            const auto alone = nlohmann::json::parse(text_of_file(files / "alone.json"))["accuracy"];
            const auto result = sweep.cell(std::string(title) + ".c")["result"];
            CHECK(result["top1"] == alone["quantised"]["top1"]["correct"]);
            CHECK(result["top5"] == alone["quantised"]["top5"]["correct"]);
            CHECK(result["float_top1"] == alone["float32"]["top1"]["correct"]);
            CHECK(text_of_file(files / (std::string(title) + ".bin")) == text_of_file(files / "alone.bin"));
        }
    }

    TEST_CASE("the table goes to stdout and --out, beside the published numbers, progress to stderr") {
        const Sweep sweep;
        const Outcome outcome = sweep.run("", "2>" + (sweep.folder / "progress"));
        const std::string progress = text_of_file(sweep.folder / "progress");
        INFO(outcome.output << progress);
        REQUIRE(outcome.status == 0);
        CHECK(progress.find("4 cells to do: about ") == 0);
        CHECK(mentions(progress, "[4 of 4] learned / W2A32: "));
        CHECK(outcome.output.find("# Two | ways\n\n4 of 4 cells done.") == 0);
        CHECK(mentions(outcome.output, "24 images, with 95 % Wilson intervals; the float network: "));
        CHECK(mentions(outcome.output, "ImageNet*"));
        CHECK(mentions(outcome.output, "from ImageNet and not from these images: somewhere else."));
        CHECK(mentions(outcome.output, "12.50"));  // as it was written
        CHECK(mentions(outcome.output, "- learned / W4A4, 33.3: on another day"));
        CHECK(mentions(outcome.output, "/ 12 |"));
        CHECK(text_of_file(sweep.out() + "/table.md") == outcome.output);
        CHECK(markup_problem(text_of_file(sweep.out() + "/table.html")) == "");
        CHECK_FALSE(std::filesystem::exists(sweep.out() + "/state"));
    }

    TEST_CASE("what is done is skipped, what is missing is done, and --only names cells in any case") {
        const Sweep sweep;
        const Outcome some = sweep.run("--only 'NEAREST*w4'");
        INFO(some.output);
        REQUIRE(some.status == 0);
        CHECK(mentions(some.output, "1 of 4 cells done"));
        CHECK(mentions(some.output, "not yet"));
        const std::string kept = text_of_file(sweep.out() + "/cells/nearest-folded.w4a4.json");
        const Outcome rest = sweep.run();
        CHECK(mentions(rest.output, "3 cells to do, 1 done before"));
        CHECK(mentions(rest.output, "4 of 4 cells done"));
        CHECK(text_of_file(sweep.out() + "/cells/nearest-folded.w4a4.json") == kept);
        const Outcome nothing = sweep.run();
        CHECK(nothing.status == 0);
        CHECK(mentions(nothing.output, "0 cells to do, 4 done before"));
        CHECK(nothing.output.substr(nothing.output.find("# Two")) == rest.output.substr(rest.output.find("# Two")));
        sweep.check_refused("--only nobody", 2, "--only nobody");
    }

    TEST_CASE("the same weights and images in another place are the same: nothing is done again") {
        const Sweep sweep;
        REQUIRE(sweep.run().status == 0);
        const Data moved;
        std::filesystem::copy(kNetwork, sweep.folder / "moved.bin");
        const Outcome again = run_program("adaq-sweep", sweep.table() + " --weights " + (sweep.folder / "moved.bin") +
                                                            moved.both() + "--threads 1 --out " + sweep.out());
        INFO(again.output);
        CHECK(again.status == 0);
        CHECK(mentions(again.output, "0 cells to do, 4 done before"));
    }

    TEST_CASE("a cell that was made otherwise is refused and named, and done again with --redo") {
        const Sweep sweep;
        REQUIRE(sweep.run().status == 0);
        const auto refused = [&](const std::string& more, const std::string& text) {
            sweep.check_refused(more, 2, text);
        };
        refused("--seed 7", "seed 7, there 0 (and 3 more); --redo");
        refused("--val-images 12", "validation_images 12, there 24");
        refused("--resize 20 --crop 20", "crop 20, there 0");
        refused("--interpolation bicubic", "interpolation \"bicubic\", there not set");
        sweep.write(table_text(" --lr 0.5"));
        refused("", "learned.w4a4.json: was made otherwise: lr 0.5, there 0.01 (and 1 more)");
        std::ofstream(sweep.out() + "/cells/nearest-folded.w4a4.json") << "{";
        refused("", "nearest-folded.w4a4.json: is damaged");
        const Outcome again = sweep.run("--redo");
        INFO(again.output);
        CHECK(again.status == 0);
        CHECK(mentions(again.output, "3 cells to do, 1 done before"));
        CHECK(mentions(again.output, "lr 0.5, there 0.01; it is done again"));
        std::string pixels = idx_images(24, kSide, kSide), labels(24, '\x01');
        sweep.data.write("t10k-labels-idx1-ubyte", idx_labels(labels));
        refused("", "validation_images_crc32");
        pixels[100] = static_cast<char>(pixels[100] ^ 1);
        sweep.data.write("train-images-idx3-ubyte", pixels);
        refused("--only 'learned / W2'", "calibration_images_crc32");
    }

    TEST_CASE("a cell that is damaged or cut is refused and named, and done again with --redo") {
        const Sweep sweep;
        REQUIRE(sweep.run().status == 0);
        const std::string name = "nearest-folded.w4a4.json", file = sweep.out() + "/cells/" + name,
                          whole = text_of_file(file);
        const auto damage = [&](const std::string& from, const std::string& to) {
            REQUIRE(mentions(whole, from));
            std::ofstream(file) << std::string(whole).replace(whole.find(from), from.size(), to);
            sweep.check_refused("", 2, name + ": is damaged (its CRC-32 is another); --redo");
        };
        damage("\"top1\": ", "\"top1\": 1");
        damage("\"seconds\": ", "\"seconds\": 1");
        damage("\"label\": \"W4A4\"", "\"label\": \"W4A2\"");
        damage("\"seed\": 0", "\"seed\": 1");
        for (const size_t length : {size_t{0}, size_t{1}, whole.size() / 2, whole.size() - 3}) {
            std::ofstream(file) << whole.substr(0, length);
            sweep.check_refused("", 2, name + ": is damaged");
        }
        std::ofstream(file) << std::string(whole).insert(
            1, "\"x\":" + std::string(300000, '[') + std::string(300000, ']') + ",");
        sweep.check_refused("", 2, name + ": is damaged (nests deeper than 64 levels)");
        std::ofstream(file) << std::string(whole).replace(whole.find("cell-2"), 6, "cell-1");
        sweep.check_refused("", 2, name + ": is from an older adaq and has no checksum");
        const Outcome again = sweep.run("--redo");
        INFO(again.output);
        CHECK(again.status == 0);
        CHECK(mentions(again.output, "1 cell to do, 3 done before"));
        std::filesystem::remove(file);
        REQUIRE(mkfifo(file.c_str(), 0600) == 0);
        sweep.check_refused("", 2, name + ": is no regular file");
        std::filesystem::remove(file);
        REQUIRE(sweep.run().status == 0);
        const auto result = [](const std::string& text) {
            auto json = nlohmann::json::parse(text)["result"];
            json.erase("seconds");
            return json;
        };
        CHECK(result(text_of_file(file)) == result(whole));
    }

    TEST_CASE("titles that are long, alike or without a letter each keep their own cell") {
        const std::string long_title(300, 'x');
        std::string rows;
        for (const std::string& title :
             {long_title + "1", long_title + "2", std::string("字节"), std::string("量化"), std::string("a, b"),
              std::string("A-b"), std::string("../.."), std::string("<b>*/_`")})
            rows += std::string(rows.empty() ? "" : ",") + R"({"title": ")" + title +
                    R"(", "options": "--method adaround --iters 3 --minibatch 8"})";
        const Sweep sweep(
            R"({"title": "t", "options": "--w4 --a32 --scheme minmax", "columns": [{"title": "c"}], "rows": [)" + rows +
            "]}");
        const Outcome outcome = sweep.run();
        INFO(outcome.output);
        REQUIRE(outcome.status == 0);
        CHECK(mentions(outcome.output, "8 of 8 cells done"));
        std::set<std::string> titles;
        for (const auto& entry : std::filesystem::directory_iterator(sweep.out() + "/cells"))
            titles.insert(nlohmann::json::parse(text_of_file(entry.path()))["cell"]);
        CHECK(titles.size() == 8);
        CHECK(mentions(sweep.run().output, "0 cells to do, 8 done before"));
    }

    TEST_CASE("what killed sweeps left half written is removed") {
        const Sweep sweep;
        std::filesystem::create_directories(sweep.out() + "/cells");
        for (const std::string name :
             {"/.table.md.7-0.tmp", "/.table.html.7-1.tmp", "/cells/.a.b.json.7-2.tmp", "/.mine.tmp"})
            std::ofstream(sweep.out() + name) << "x";
        REQUIRE(sweep.run("--only 'nearest*w4'").status == 0);
        CHECK_FALSE(std::filesystem::exists(sweep.out() + "/.table.md.7-0.tmp"));
        CHECK_FALSE(std::filesystem::exists(sweep.out() + "/.table.html.7-1.tmp"));
        CHECK_FALSE(std::filesystem::exists(sweep.out() + "/cells/.a.b.json.7-2.tmp"));
        CHECK(std::filesystem::exists(sweep.out() + "/.mine.tmp"));
    }

    TEST_CASE("a cell that fails does not stop the others, and is shown with its reason") {
        const Sweep sweep(R"({"title": "t", "options": "--w4", "columns": [{"title": "c"}], "rows": [
            {"title": "few", "options": "--a4 --method adaround --iters 5 --minibatch 17"},
            {"title": "signs", "options": "--a32 --input-bits 8 --act-scheme norm-legacy --mean 0,0,0 --std 1,1,1"},
            {"title": "good", "options": "--a32"}]})");
        const Outcome outcome = sweep.run();
        INFO(outcome.output);
        CHECK(outcome.status == 1);
        CHECK(mentions(outcome.output, "1 of 3 cells done, 2 failed."));
        CHECK(mentions(outcome.output, "- few / c: conv1: 16 calibration images are fewer than a batch of 17"));
        CHECK(mentions(outcome.output, "- signs / c: "));
        CHECK(mentions(text_of_file(sweep.out() + "/table.html"), "fewer than a batch of 17"));
        CHECK(markup_problem(text_of_file(sweep.out() + "/table.html")) == "");
        const Outcome again = sweep.run();
        CHECK(again.status == 1);
        CHECK(mentions(again.output, "2 cells to do, 1 done before"));
    }

    TEST_CASE("Ctrl-C says how to go on, and going on inside a cell that learns ends in the same bits") {
        const Sweep sweep(
            R"({"title": "t", "columns": [{"title": "c"}], "options": "--w2 --a4 --scheme minmax", "rows": [
            {"title": "learned", "options": "--method adaround --iters 2000 --minibatch 8"}]})"),
            whole(text_of_file(sweep.table()));
        const Outcome stopped = interrupted(sweep, "state/learned.c");
        INFO(stopped.output);
        REQUIRE(stopped.status == 130);
        CHECK(mentions(stopped.output, "stopped by Ctrl-C; 0 of 1 cells are kept in"));
        CHECK(mentions(stopped.output, "the same command goes on from there"));
        CHECK(mentions(text_of_file(sweep.out() + "/table.md"), "not yet"));
        const Outcome rest = sweep.run();
        CHECK(rest.status == 0);
        CHECK(mentions(rest.output, "Going on from"));
        REQUIRE(whole.run().status == 0);
        auto here = sweep.cell("learned.c")["result"], there = whole.cell("learned.c")["result"];
        for (auto* result : {&here, &there}) result->erase("seconds");
        CHECK(here == there);
    }

    TEST_CASE("two sweeps on one folder: the second says so") {
        const Sweep sweep;
        std::filesystem::create_directories(sweep.out());
        const Outcome busy = run_shell("flock '" + sweep.out() + "/lock' '" + program_path("adaq-sweep") + "' " +
                                       sweep.arguments() + " 2>&1");
        CHECK(busy.status == 1);
        CHECK(mentions(busy.output, "out: another sweep is using it"));
    }

    TEST_CASE("--dry-run lists what there is to do and writes nothing") {
        const Sweep sweep;
        const Outcome plan = sweep.run("--dry-run --only learned", "2>/dev/null");
        INFO(plan.output);
        CHECK(plan.status == 0);
        CHECK(mentions(plan.output, "2 cells to do: about "));
        CHECK(mentions(plan.output, "learned / W2A32: --scheme minmax --w2 --a32 --method adaround --iters 20"));
        CHECK(mentions(plan.output, "MB at most for values of all calibration images; --memory allows "));
        CHECK_FALSE(std::filesystem::exists(sweep.out()));
        CHECK_FALSE(mentions(sweep.run("--dry-run --only nearest", "2>/dev/null").output, "calibration images"));
    }

    TEST_CASE("--dry-run tells of every cell that will fail, and why") {
        const Sweep sweep(R"({"title": "t", "options": "--w4", "columns": [{"title": "c"}], "rows": [
            {"title": "batch", "options": "--a4 --method adaround --iters 5 --minibatch 17"},
            {"title": "images", "options": "--a4 --images 25"},
            {"title": "good", "options": "--a32"}]})");
        const Outcome plan = sweep.run("--dry-run", "2>/dev/null");
        INFO(plan.output);
        CHECK(plan.status == 1);
        CHECK(mentions(plan.output, "batch / c: conv1: 16 calibration images are fewer than a batch of 17"));
        CHECK(mentions(plan.output, "good / c: --w4 --a32"));
        CHECK_FALSE(std::filesystem::exists(sweep.out()));
        // What options alone tell is refused at once.
        const auto refused = [&](const std::string& options, const std::string& text) {
            sweep.write(R"({"title": "t", "columns": [{"title": "c"}], "rows": [{"title": "r", "options": ")" +
                        options + R"("}]})");
            for (const std::string more : {"--dry-run", ""}) sweep.check_refused(more, 2, text);
        };
        refused("--a32 --bits conv1=8,head=8",
                "rows[0].options (r / c): --bits head=8: no such layer; there are conv1");
        refused("--a4 --act-bits conv9=8", "rows[0].options (r / c): --act-bits conv9=8: no such activation");
        refused("--a4 --act-scheme norm-legacy", "rows[0].options (r / c): --act-scheme norm-legacy: the activation");
    }

    TEST_CASE("a bad table is refused before anything runs, naming line and key") {
        const Sweep sweep;
        const std::string good = table_text();
        const auto refused = [&](const std::string& from, const std::string& to, const std::string& text) {
            REQUIRE(mentions(good, from));
            sweep.write(std::string(good).replace(good.find(from), from.size(), to));
            sweep.check_refused("", 1, sweep.table() + ": " + text);
            CHECK_FALSE(std::filesystem::exists(sweep.out() + "/cells"));
        };
        refused(R"("Two | ways",)", R"("Two | ways")", "line 3, column 3: ");
        refused("null]}\n  ]\n}", "null]}\n  ]\n", "line 12, column 1: ");
        refused(R"("published_from")", R"("publishd_from")", R"(line 3: unknown key "publishd_from"; known are title)");
        refused(R"("options": "--fold", )", R"("option": "--fold", )", R"(line 7: rows[0]: unknown key "option")");
        refused(R"("somewhere else")", "7", "line 3: published_from: a number, expected a string");
        refused("[12.50, null]", "[12.50]", "line 7: rows[0].published: 1 numbers for 2 columns");
        refused("[12.50, null]", "12.50", "line 7: rows[0].published: a number, expected an array");
        refused("12.50,", "\"12.50\",", "line 7: rows[0].published[0]: a string, expected a number, null");
        refused("12.50,", "125.0,", "line 7: rows[0].published[0]: 125.0 is no percentage");
        refused("\"title\": \"learned\"", "\"title\": \"nearest, folded\"",
                R"(line 8: rows[1].title: "nearest, folded" is there already)");
        refused("Two | ways", std::string(1001, 't'), "line 2: title: 1001 bytes long, expected 1000 at most");
        refused("--fold", "--save " + std::string(70000, 'q'), "line 7: rows[0].options: 70007 bytes long, expected");
        refused("\"title\": \"learned\", ", "", R"(line 8: rows[1]: "title" is missing)");
        refused("\"title\": \"W2A32\"", "\"title\": \"W4A4\"", "line 5: columns[1].title: ");
        refused(R"("title": "learned",)", R"("title": "a", "title": "learned",)",
                R"(line 8: "title": the key is there already, on line 8)");
        refused("\"options\": \"--fold\"", "\"columns\": [\"W3\"]", "line 7: rows[0].columns[0]: \"W3\" is no column");
        refused("\"options\": \"--fold\"", "\"columns\": [\"W2A32\"]",
                "line 7: rows[0].published[0]: the row has no cell in column \"W4A4\"");
        // What adaq-run's own parser refuses, at the options that it names.
        refused("--fold", "--fodl", "line 7: rows[0].options (nearest, folded / W4A4): ");
        refused("--scheme minmax", "--scheme median", "line 4: options (nearest, folded / W4A4): --scheme");
        refused("--w4 --a4", "--w4 --a 9", "line 5: columns[0].options (nearest, folded / W4A4): --a 9");
        refused("--method adaround", "--lr 0.1", "line 8: rows[1].options (learned / W4A4): --iters: only with");
        refused("--fold", "--w 3", "line 7: rows[0].options: --w: column \"W4A4\" says it too (line 5)");
        refused("--fold", "fold", "line 7: rows[0].options: \"fold\": expected an option");
        refused("--fold", "--help", "line 7: rows[0].options: --help: is no option of a cell");
        refused("--fold", "--save q.bin",
                "line 7: rows[0].options (nearest, folded / W2A32): --save q.bin: is written by");
        sweep.write(std::string(100000, '['));
        sweep.check_refused("", 1, sweep.table() + ": line 1: is nested more than");
    }

    TEST_CASE("options of the command line take the place of the table's, and are held to the same rules") {
        const Sweep sweep(R"({"title": "t", "columns": [{"title": "c", "options": "--w4"}], "rows": [
            {"title": "learned", "options": "--a4 --method adaround --iters 20 --minibatch 8"}]})");
        const Outcome outcome = sweep.run("--with '--iters 7 --w 3' --seed 9");
        INFO(outcome.output);
        REQUIRE(outcome.status == 0);
        const auto made_with = sweep.cell("learned.c")["made_with"];
        CHECK(made_with["iters"] == 7);
        CHECK(made_with["weight_bits"] == 3);
        CHECK(made_with["seed"] == 9);
        CHECK(made_with["minibatch"] == 8);
        sweep.write(table_text());
        sweep.check_refused("--with '--lr 0.1'", 2, "(nearest, folded / W4A4): --lr: only with a --method that learns");
        sweep.check_refused("--with 'lr'", 2, "--with: \"lr\": expected an option");
        sweep.check_refused("--with '--dry-run'", 2, "--with: --dry-run: is no option of a cell");
        sweep.check_refused("--batch 0", 2, "--batch");
        sweep.check_refused("--nonsense", 2, "--nonsense");
        sweep.check_refused("--weights /nowhere/x.pth --threads 2", 2, "--weights");
        const auto alone = [&](const std::string& arguments) {
            return run_program("adaq-sweep", sweep.table() + " --out " + sweep.out() + " " + arguments);
        };
        const Outcome blind = alone(quoted_weights() + sweep.data.calib());
        CHECK(blind.status == 2);
        CHECK(mentions(blind.output, "--val is needed"));
        const Outcome lost = alone("--weights /nowhere/x.pth" + sweep.data.both());
        CHECK(lost.status == 1);
        CHECK(std::count(lost.output.begin(), lost.output.end(), '\n') == 1);
        CHECK(mentions(lost.output, "/nowhere/x.pth"));
    }

    TEST_CASE("help and version") {
        CHECK(run_program("adaq-sweep", "--version").output.find("adaq 0.") == 0);
        const Outcome help = run_program("adaq-sweep", "--help", "2>/dev/null");
        CHECK(help.status == 0);
        CHECK(mentions(help.output, "adaq-sweep tables/schemes.json --weights"));
    }
}
