// What every program does with its command line: empty, missing, repeated and impossible values.
#include <doctest/doctest.h>

#include "support/adaq_run.h"
#include "support/weight_files.h"
#include "tools/run/options.h"

using namespace adaq;
using namespace adaq::test;

namespace {

/// Status 2, nothing on stdout, and one line on stderr that is `line` behind the program's name.
void check_line(const std::string& program, const std::string& arguments, const std::string& line) {
    INFO(program << " " << arguments);
    const Outcome outcome = run_program(program, arguments, "2>&1");
    CHECK(outcome.status == 2);
    CHECK(outcome.output == program + ": " + line + "\n");
}

void check_run(const std::string& arguments, const std::string& line) { check_line("adaq-run", arguments, line); }

RunOptions parsed(std::vector<std::string> words) {
    words.insert(words.begin(), "adaq-run");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    return parse_options(static_cast<int>(argv.size()), argv.data()).value();
}

}  // namespace

TEST_SUITE("command line") {
    TEST_CASE("an empty value is refused by every option of every program") {
        for (const std::string option :
             {"--weights", "--calib", "--val", "--val-labels", "--save", "--state", "--report", "--logits", "--memory",
              "--scheme", "--images", "--seed", "--lr", "--bits", "--act-bits", "--device", "--w", "--resize"}) {
            check_run(option + " ''", option + ": an empty value");
            check_run(option + "=", option + ": an empty value");
            check_run(option + "= --a32", option + ": an empty value");
        }
        check_run("''", "\"\": an empty value");
        check_run("--report r.html ''", "--report: an empty value");
        check_run("--bits fc=8,,conv1=8", "--bits fc=8,,conv1=8: an empty value");
        check_run("--bits fc=8,", "--bits fc=8,: an empty value");
        check_line("adaq-convert", "'' a.bin", "\"\": an empty value");
        check_line("adaq-convert", "a.pth a.bin --classes ''", "--classes: an empty value");
        check_line("adaq-convert", "a.pth a.bin --mean=", "--mean: an empty value");
        check_line("adaq-sweep", "'' --out o", "\"\": an empty value");
        for (const std::string option : {"--out", "--only", "--with", "--weights", "--seed"})
            check_line("adaq-sweep", "t.json " + option + " ''", option + ": an empty value");
        check_line("adaq-bench", "network --weights ''", "--weights: an empty value");
        check_line("adaq-bench", "peak --json=", "--json: an empty value");
        check_line("adaq-bench", "images ''", "\"\": an empty value");
    }

    TEST_CASE("an option whose value is missing does not take the next option for it") {
        check_run("--state --resume", "--state: a value is missing, --resume follows");
        check_run("--weights --calib data", "--weights: a value is missing, --calib follows");
        check_run("--save", "--save: a value is missing");
        check_line("adaq-sweep", "t.json --out --redo", "--out: a value is missing, --redo follows");
        check_line("adaq-convert", "a b.bin --crop --mean 1,1,1", "--crop: a value is missing, --mean follows");
    }

    TEST_CASE("options that are given twice, or with what contradicts them") {
        check_run("--w8 --w4", "--w8: --w4 is given, too");
        check_run("--w 8 --w4", "--w4: --w is given, too");
        check_run("--w4 --w4", "--w4: given twice");
        check_run("--a8 --a4", "--a8: --a4 is given, too");
        check_run("--a32 --a 8", "--a32: --a is given, too");
        check_run("--seed 1 --seed 2", "--seed: given twice");
        check_run("--weights a.pth --weights=a.pth", "--weights: given twice");
        check_run("--fold --no-fold", "--no-fold: --fold is given, too");
        check_run("--method qdrop --replacement --no-replacement", "--no-replacement: --replacement is given, too");
        check_line("adaq-convert", "a.pth a.bin --crop 1 --crop 2", "--crop: given twice");
        check_line("adaq-bench", "network --seconds 1 --seconds 2", "--seconds: given twice");
    }

    TEST_CASE("whole numbers: negative, too large, too small, none at all") {
        const std::string most = "18446744073709551615";
        for (const std::string wrong : {"-1", "18446744073709551616", "1e3", "1.5", "nan", "x", "0x", "--1"})
            check_run("--seed=" + wrong, "--seed " + wrong + ": expected a whole number from 0 to " + most);
        check_run("--seed -1", "--seed -1: expected a whole number from 0 to " + most);
        CHECK(parsed({"--seed", most}).quantise.seed == ~uint64_t{0});
        CHECK(parsed({"--seed", "010"}).quantise.seed == 10);
        CHECK(parsed({"--seed", "0x10"}).quantise.seed == 16);
        CHECK(parsed({"--seed", "+7"}).quantise.seed == 7);
        check_run("--images 0", "--images 0: expected a whole number from 1 to 1000000000");
        check_run("--images -5", "--images -5: expected a whole number from 1 to 1000000000");
        check_run("--val-images -1", "--val-images -1: expected a whole number from 0 to 1000000000");
        check_run("--w 9", "--w 9: expected a whole number from 2 to 8");
        check_run("--a 99999999999999999999", "--a 99999999999999999999: expected 2 to 8, or 32 for float");
        check_run("--input-bits 1", "--input-bits 1: expected 2 to 8, or 32 for float");
        check_run("--batch 0", "--batch 0: expected a whole number from 1 to 4096");
        check_run("--threads -1", "--threads -1: expected a whole number from 0 to 1024");
        check_run("--method adaround --iters 0", "--iters 0: expected a whole number from 1 to 16777216");
        check_run("--method adaround --minibatch -1", "--minibatch -1: expected a whole number from 1 to 4096");
        check_run("--label-offset -100001", "--label-offset -100001: expected a whole number from -100000 to 100000");
        CHECK(parsed({"--label-offset", "-1"}).images.label_offset == -1);
        check_run("--crop 5000", "--crop 5000: expected a whole number from 0 to 4096");
        check_line("adaq-convert", "a.pth a.bin --crop -1", "--crop -1: expected a whole number from 0 to 4096");
        check_line("adaq-bench", "images f --rounds 0", "--rounds 0: expected a whole number from 1 to 1000");
        check_line("adaq-bench", "network --batch 4,0", "--batch 0: expected a whole number from 1 to 4096");
    }

    TEST_CASE("numbers that are not finite, or out of bounds, are refused in every numeric option") {
        for (const std::string option : {"--lr", "--lr-scale", "--lr-channel"})
            for (const std::string wrong : {"nan", "inf", "-inf", "-1", "1e39", "1e999", "x"})
                check_run("--method qdrop " + option + " " + wrong,
                          option + " " + wrong + ": expected a number from 0 to 1e+38");
        check_run("--p nan", "--p nan: expected a number from 0.5 to 16");
        for (const std::string option : {"--keep-input", "--keep-quantised", "--warm-up"})
            check_run("--method qdrop " + option + " nan", option + " nan: expected a number from 0 to 1");
        for (const std::string option : {"--pd-lambda", "--pd-temperature", "--correction-lambda"})
            check_run("--method pdquant " + option + " inf", option + " inf: expected a number from 1e-06 to 1e+38");
        for (const std::string wrong : {"nan", "inf", "nan%", "infG"})
            check_run(
                "--method adaround --memory " + wrong,
                "--memory " + wrong + ": expected bytes, such as 6G or 500M, or a share of what is free, such as 70%");
        check_line("adaq-bench", "network --seconds nan", "--seconds nan: expected a number from 0 to 3600");
        CHECK(parsed({"--method", "qdrop", "--lr", "+.5e-1"}).quantise.learning.lr == 0.05);
    }

    TEST_CASE("words are told with those that are known") {
        check_run("--act-sites relu", "--act-sites relu: expected one of block, deploy-ort, deploy-tensorrt, layer");
        check_run("--deploy tflite", "--deploy tflite: expected one of adaq, openvino, ort, tensorrt");
        check_run("--math fp8", "--math fp8: expected one of bf16, fp32, tf32");
        check_line("adaq-bench", "convolutions --device abacus", "--device abacus: expected one of cpu, cuda");
    }

    TEST_CASE("what contradicts the runtime that a network is made for is refused, with what would do") {
        check_run(
            "--deploy tensorrt --a8",
            "--deploy tensorrt: behind ReLUs activations have no sign, and of those TensorRT's int8 holds 7 bits; "
            "give --a7");
        check_run("--deploy tensorrt --a7 --head-stem-8bit",
                  "--head-stem-8bit: gives 8 bits to an activation without a sign, of which TensorRT's int8 holds 7; "
                  "give 8 bits to weights alone, with --bits");
        check_run("--deploy tensorrt --a7 --act-sites layer",
                  "--act-sites layer: --deploy tensorrt needs deploy-tensorrt");
        check_run("--deploy adaq --act-sites deploy-ort", "--act-sites deploy-ort: --deploy adaq needs block");
        check_run("--deploy ort --a32", "--a 32: --deploy ort needs activations of 2 to 8 bits");
        check_run("--deploy ort --input-bits 32",
                  "--input-bits 32: --deploy ort needs the network's input quantised, to 2 to 8 bits");
        check_run("--act-sites deploy-ort --input-bits 32",
                  "--input-bits 32: --act-sites deploy-ort needs the network's input quantised, to 2 to 8 bits");
        CHECK(parsed({"--deploy", "ort"}).quantise.act_sites == "deploy-ort");
        CHECK(parsed({"--a7", "--deploy", "tensorrt"}).quantise.input_bits == 8);
    }

    TEST_CASE("what adaq-sweep passes on, and a table's options, are held to the same rules") {
        const TemporaryFolder folder;
        const auto sweep = [&](const std::string& options, const std::string& more) {
            std::ofstream(folder / "t.json")
                << R"({"title": "t", "columns": [{"title": "c"}], "rows": [{"title": "r", "options": ")" + options +
                       "\"}]}";
            return run_program("adaq-sweep", (folder / "t.json") + " --out " + (folder / "out") + " " + more);
        };
        const std::string place = (folder / "t.json") + ": line 1: rows[0].options (r / c): ";
        const auto check_table = [&](const std::string& options, const std::string& line) {
            const Outcome outcome = sweep(options, "");
            CHECK(outcome.status == 1);
            CHECK(outcome.output == "adaq-sweep: " + place + line + "\n");
        };
        check_table("--save ''", "--save: an empty value");
        check_table("--save=", "--save: an empty value");
        check_table("--seed -1", "--seed -1: expected a whole number from 0 to 18446744073709551615");
        check_table("--method adaround --lr inf", "--lr inf: expected a number from 0 to 1e+38");
        const auto check_with = [&](const std::string& more, const std::string& line) {
            const Outcome outcome = sweep("--a32", more);
            CHECK(outcome.status == 2);
            CHECK(outcome.output == "adaq-sweep: " + line + "\n");
        };
        check_with("--with \"--save ''\"", "(r / c): --save: an empty value");
        check_with("--with --save=", "(r / c): --save: an empty value");
        check_with("--with '--w4 --w3'", "--with: --w: given twice");
        check_with("--seed -1", "(r / c): --seed -1: expected a whole number from 0 to 18446744073709551615");
    }
}
