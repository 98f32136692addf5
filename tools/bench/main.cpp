// adaq-bench: how fast adaq's parts are on this machine, beside what the machine or the usual library can do. Every
// subcommand prints a table on stdout. Exit status 2 for a wrong command line, 1 for files that cannot be read.
#include <CLI/CLI.hpp>
#include <map>

#include "engine/error.h"
#include "tools/bench/bench_convolutions.h"
#include "tools/bench/bench_images.h"
#if !defined(ADAQ_NO_CPU)
#include "tools/bench/bench_integer.h"
#endif
#include "tools/bench/bench_network.h"
#include "tools/bench/bench_operations.h"
#include "tools/bench/bench_schemes.h"
#include "tools/bench/bench_session.h"
#include "tools/bench/peak.h"
#if defined(ADAQ_HAS_CUDA)
#include "tools/bench/cuda/choices.h"
#endif
#include "tools/program/command_line.h"
#include "tools/program/outputs.h"
#include "tools/program/program.h"
#include "tools/program/spinning.h"

namespace {

using namespace adaq;

constexpr int kLargestImage = 4096, kLargestBatch = 4096, kMostChannels = 1 << 20;
constexpr double kLongest = 3600.0;  // seconds

void declare_threads(CLI::App& command, int& threads) {
    command.add_option("--threads", threads, "Threads; 0: every core")
        ->type_name("N")
        ->transform(whole_number(0, 1024))
        ->capture_default_str();
}

void declare_json(CLI::App& command, std::string& path) {
    command.add_option("--json", path, "Also write the results to this file")->type_name("FILE");
}

void declare_rows(CLI::App& command, std::string& path) {
    command
        .add_option("--rows", path, "Also append each row to this file as soon as it is measured, a JSON object a line")
        ->type_name("FILE");
}

/// Before any time is spent.
void check_files(const std::string& json, const std::string& rows, const std::string& weights = "") {
    check_outputs({{"--json", json}, {"--rows", rows}}, {{"--weights", weights}});
}

void declare_sizes(CLI::App& command, std::vector<int>& images, std::vector<int>& batches, const char* pairing) {
    command.add_option("--image", images, "Edges of the square images, pixels")
        ->delimiter(',')
        ->transform(whole_number(1, kLargestImage))
        ->capture_default_str();
    command.add_option("--batch", batches, fmt::format("Images a batch{}", pairing))
        ->delimiter(',')
        ->transform(whole_number(1, kLargestBatch))
        ->capture_default_str();
}

void declare_measuring(CLI::App& command, Measuring& measuring) {
    command.add_option("--seconds", measuring.seconds, "Time for each row, seconds")
        ->transform(number(0.0, kLongest))
        ->capture_default_str();
    declare_threads(command, measuring.threads);
    declare_json(command, measuring.json);
}

void declare_math(CLI::App& command, Math& math, const char* shown) {
    const std::map<std::string, Math> maths{{"fp32", Math::f32}, {"tf32", Math::tf32}, {"bf16", Math::bf16}};
    command
        .add_option_function<std::string>(
            "--math", [&math, maths](const std::string& name) { math = maths.at(name); },
            "What operands are rounded to: fp32, tf32 (cuda), bf16")
        ->transform(key_of(maths))
        ->default_str(shown);
}

void declare_device(CLI::App& command, std::string& device, Math& math) {
    command.add_option("--device", device, "cpu or cuda")->transform(one_of({"cpu", "cuda"}))->capture_default_str();
    declare_math(command, math, "fp32");
}

/// adaq-bench network, of which --integer makes another benchmark.
struct NetworkCommand {
    NetworkBench floats;
    bool integer = false, shares = false;
    std::string device = "cpu";
};

struct Commands {
    ConvolutionBench convolutions;
    NetworkCommand network;
    SchemeBench schemes;
    OperationBench operations;
    struct {
        std::vector<std::string> folders;
        int threads = 0, rounds = 7;
    } images;
    struct {
        int threads = 0;
        std::string json;
    } peak;
#if !defined(ADAQ_NO_CPU)
    IntegerBench integer;
#endif
#if defined(ADAQ_HAS_CUDA)
    cuda::ChoicesOf choices;
#endif
};

void declare_convolutions(CLI::App& command, ConvolutionBench& bench) {
    declare_sizes(command, bench.images, bench.batches, "; every combination is timed");
    const std::map<std::string, std::vector<Direction>> directions{
        {"forward", {Direction::forward}},
        {"data", {Direction::data}},
        {"weights", {Direction::weights}},
        {"all", {Direction::forward, Direction::data, Direction::weights}}};
    command
        .add_option_function<std::string>(
            "--direction", [&bench, directions](const std::string& name) { bench.directions = directions.at(name); },
            "forward, data (gradient to x), weights (gradient to w), all")
        ->transform(key_of(directions))
        ->default_str("forward");
    declare_device(command, bench.device, bench.math);
    command.add_flag(
        "--rounding", bench.rounding,
        "bf16: operands and results lie in float32 and operands are rounded first, as of tensors that others read too");
    command.add_flag("--codes", bench.codes, "8-bit codes in and out, as in integer execution (forward)");
    command.add_flag("--wgmma", bench.wgmma, "Forward products by sm_90's warpgroups (--device cuda --math tf32)");
    command.add_option("--layers", bench.layers, "Only layers whose name contains this, such as layer3")
        ->type_name("NAME");
    declare_measuring(command, bench);
    declare_rows(command, bench.rows);
}

void declare_operations(CLI::App& command, OperationBench& bench) {
    command.add_option("--image", bench.image, "Edge of the square images, pixels")
        ->transform(whole_number(32, kLargestImage))
        ->capture_default_str();
    command.add_option("--batch", bench.batches, "Images a batch")
        ->delimiter(',')
        ->transform(whole_number(1, kLargestBatch))
        ->capture_default_str();
    command.add_option("--operation", bench.operations, "Only operations whose name contains this")->type_name("NAME");
    declare_device(command, bench.device, bench.math);
    declare_measuring(command, bench);
    declare_rows(command, bench.rows);
}

void declare_network(CLI::App& command, NetworkCommand& network) {
    NetworkBench& bench = network.floats;
    command
        .add_option("--weights", bench.weights,
                    "A network: .pth, .safetensors or .bin, float or quantised [ResNet18 with random weights]")
        ->type_name("FILE");
    auto* integer = command.add_flag(
        "--integer", network.integer,
        "As an application runs it: pixels to logits in integers, through adaq::Session; latency, throughput, memory");
    command.add_flag("--shares", network.shares, "Each layer's share of the time (--integer)")->needs(integer);
    command.add_option("--device", network.device, "cpu or cuda (--integer)")
        ->transform(one_of({"cpu", "cuda"}))
        ->needs(integer)
        ->capture_default_str();
    command.add_option("--image", bench.images, "Edges of the square images, pixels [224,64; --integer: the model's]")
        ->delimiter(',')
        ->transform(whole_number(1, kLargestImage));
    command
        .add_option("--batch", bench.batches,
                    "Images a batch, one for each --image [32,128]; --integer: each by itself [1,32]")
        ->delimiter(',')
        ->transform(whole_number(1, kLargestBatch));
    command.add_flag("!--float-only", bench.quantised, "Not the quantised network")->excludes(integer);
    declare_measuring(command, bench);
}

int bench_network(const NetworkCommand& network) {
    NetworkBench bench = network.floats;
    check_files(bench.json, "", bench.weights);
    if (!network.integer) {
        if (bench.images.empty()) bench.images = {224, 64};
        if (bench.batches.empty()) bench.batches = {32, 128};
        return bench_network(bench);
    }
    if (bench.images.size() > 1) usage_error("--image: {} values, expected one with --integer", bench.images.size());
    SessionBench session;
    static_cast<Measuring&>(session) = bench;
    session.weights = bench.weights;
    if (!bench.images.empty()) session.image = bench.images[0];
    session.batches = bench.batches;
    session.device = network.device;
    session.shares = network.shares;
    return bench_session(session);
}

void declare_schemes(CLI::App& command, SchemeBench& bench) {
    command.add_option("--weights", bench.weights, "A float network: .pth, .safetensors or .bin")
        ->type_name("FILE")
        ->required();
    command.add_option("--tensor", bench.tensors, "Only these tensors [every weight]")->delimiter(',');
    command.add_option("--scheme", bench.schemes, "Only these schemes [all]")->delimiter(',');
    command.add_option("--bits", bench.bits, "Bits")
        ->delimiter(',')
        ->transform(whole_number(2, 8))
        ->capture_default_str();
    command.add_option("--granularity", bench.granularities, "channel, layer")->delimiter(',')->capture_default_str();
    command.add_option("--channels", bench.channels, "Only the first so many output channels; 0: all")
        ->transform(whole_number(0, kMostChannels))
        ->capture_default_str();
    declare_threads(command, bench.threads);
}

#if !defined(ADAQ_NO_CPU)
void declare_integer(CLI::App& command, IntegerBench& bench) {
    declare_sizes(command, bench.images, bench.batches, "; every combination is timed");
    command.add_option("--sums", bench.sums, "codes, or of floats: in-order, exact")
        ->transform(one_of({"codes", "in-order", "exact"}))
        ->capture_default_str();
    command.add_option("--bits", bench.bits, "Of codes and of their weights")
        ->transform(whole_number(2, 8))
        ->capture_default_str();
    command
        .add_option("--level", bench.level,
                    "Instruction set: baseline, avx2, avx-vnni, avx512, avx512-vnni, amx [the best]")
        ->transform(one_of({"baseline", "avx2", "avx-vnni", "avx512", "avx512-vnni", "amx"}));
    command.add_option("--layers", bench.layers, "Only layers whose name contains this, such as layer3")
        ->type_name("NAME");
    declare_measuring(command, bench);
}
#endif

#if defined(ADAQ_HAS_CUDA)
void declare_choices(CLI::App& command, cuda::ChoicesOf& of) {
    command.add_option("--image", of.image, "Edge of the square images, pixels")
        ->transform(whole_number(32, kLargestImage))
        ->capture_default_str();
    command.add_option("--batch", of.batches, "Images a batch")
        ->delimiter(',')
        ->transform(whole_number(1, kLargestBatch))
        ->capture_default_str();
    declare_math(command, of.math, "tf32");
    command.add_option("--multiprocessors", of.multiprocessors, "The card's")
        ->transform(whole_number(1, 1024))
        ->capture_default_str();
    command.add_option("--shared", of.shared_kib, "Shared memory that a block may have, KiB")
        ->transform(whole_number(48, 1024))
        ->capture_default_str();
}
#endif

int run(int argc, char** argv) {
    CLI::App app("Times adaq's parts on this machine.", "adaq-bench");
    add_version_flag(app);
    app.require_subcommand(1);
    Commands commands;
    int status = 0;
    auto* convolutions = app.add_subcommand(
        "convolutions", "Every convolution of ResNet18: GFLOP/s, share of the peak, beside oneDNN or cuDNN");
    declare_convolutions(*convolutions, commands.convolutions);
    convolutions->callback([&] {
        check_files(commands.convolutions.json, commands.convolutions.rows);
        status = bench_convolutions(commands.convolutions);
    });
#if !defined(ADAQ_NO_CPU)
    auto* integer = app.add_subcommand(
        "integer", "Every convolution of ResNet18 on 8-bit codes: GMAC/s, share of the peak, beside oneDNN");
    declare_integer(*integer, commands.integer);
    integer->callback([&] {
        check_files(commands.integer.json, "");
        status = bench_integer(commands.integer);
    });
#endif
    auto* operations = app.add_subcommand(
        "operations", "Every other operation at ResNet18's shapes: GB/s, share of the memory's measured speed");
    declare_operations(*operations, commands.operations);
    operations->callback([&] {
        check_files(commands.operations.json, commands.operations.rows);
        status = bench_operations(commands.operations);
    });
    auto* network = app.add_subcommand("network", "Images per second of a whole network, float and quantised");
    declare_network(*network, commands.network);
    network->callback([&] { status = bench_network(commands.network); });
    auto* images = app.add_subcommand("images", "Image loading beside libjpeg-turbo's decoding alone");
    images->add_option("FOLDER", commands.images.folders, "Folders of JPEG files")->required();
    images->add_option("--rounds", commands.images.rounds, "Rounds, of which the best counts")
        ->transform(whole_number(1, 1000))
        ->capture_default_str();
    declare_threads(*images, commands.images.threads);
    images->callback(
        [&] { status = bench_images(commands.images.folders, commands.images.threads, commands.images.rounds); });
    auto* schemes = app.add_subcommand("schemes", "Range schemes on a model's weights: a line of JSON for each choice");
    declare_schemes(*schemes, commands.schemes);
    schemes->callback([&] { status = bench_schemes(commands.schemes); });
    auto* peak = app.add_subcommand("peak", "What the processors can do in float32, measured");
    declare_threads(*peak, commands.peak.threads);
    declare_json(*peak, commands.peak.json);
    peak->callback([&] {
        check_files(commands.peak.json, "");
        status = bench_peak(commands.peak.threads, commands.peak.json);
    });
#if defined(ADAQ_HAS_CUDA)
    auto* choices = app.add_subcommand(
        "choices", "Tiles and splits of ResNet18's convolutions on a card that need not be here, as JSON");
    declare_choices(*choices, commands.choices);
    choices->callback([&] { status = cuda::print_choices(commands.choices); });
#endif
    if (!read_command_line(app, argc, argv)) return kOk;
    return status;
}

}  // namespace

int main(int argc, char** argv) {
    return adaq::run_program("adaq-bench", [&] {
        adaq::spin_briefly(argv);
        return run(argc, argv);
    });
}
