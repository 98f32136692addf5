// See sweep_options.h.
#include "tools/sweep/sweep_options.h"

#include <CLI/CLI.hpp>
#include <list>

#include "engine/error.h"
#include "tools/program/command_line.h"

namespace adaq {
namespace {

/// Options of adaq-run that are the same for every cell of any table; adaq-run's parser checks their values.
struct PassedOn {
    const char *name, *type, *help;
};
constexpr PassedOn kPassedOn[] = {
    {"--weights", "FILE", "A network that adaq builds: .pth, .safetensors or .bin [the bundled model]"},
    {"--checkpoint-key", "NAME", "Which of the networks in a checkpoint of torch.save"},
    {"--arch", "NAME", "What network the weights are, where tensors do not tell"},
    {"--calib", "DIR", "Calibration images"},
    {"--val", "DIR", "Validation images with labels"},
    {"--val-labels", "FILE", "Label file of a plain --val folder"},
    {"--images", "N", "Calibration images: the first so many"},
    {"--val-images", "N", "Validation images: the first so many [all]"},
    {"--resize", "PIXELS", "Shorter edge of an image before cropping"},
    {"--crop", "PIXELS", "Centre crop"},
    {"--interpolation", "NAME", "bilinear, bicubic"},
    {"--mean", "M,M,M", "Mean of each channel, of pixel values from 0 to 1"},
    {"--std", "S,S,S", "Standard deviation of each"},
    {"--classes", "FILE", "Class names, one a line"},
    {"--class-order", "NAME", "Class folders in which order: text, numeric"},
    {"--label-offset", "N", "Added to class indices: -1 where labels count from 1"},
    {"--device", "NAME", "auto, cuda, cpu, reference"},
    {"--math", "NAME", "fp32, tf32, bf16"},
    {"--threads", "N", "Threads; 0: every core"},
    {"--batch", "N", "Images evaluated at a time"},
    {"--seed", "N", "Of everything random"},
};

constexpr const char* kFooter = R"(
Tables come with adaq, in tables/ or share/adaq/tables/: schemes.json (range schemes at 8 and 4 bits), adaround.json,
brecq.json, pdquant.json, networks.json (six networks). docs/sweep.md says how to write your own.

A cell that is finished is kept in --out. The same command again does what is missing, and goes on inside a cell that
learns. A cell that fails does not stop the others; then the exit status is 1.

Examples
  adaq-sweep tables/schemes.json --weights r18.pth --calib DIR --val DIR --out out/
  adaq-sweep tables/pdquant.json --weights r18.pth --calib DIR --val DIR --out out/ --with "--iters 2000" --dry-run
  adaq-sweep tables/schemes.json --weights r18.pth --val DIR --out out/ --only "norm*channel / W4*"
  adaq-sweep tables/schemes.json --out out/     the bundled model and data)";

}  // namespace

std::optional<SweepOptions> parse_sweep_options(int argc, char** argv) {
    CLI::App app("Run a table of configurations of adaq-run, and print it beside the published numbers.", "adaq-sweep");
    app.footer(kFooter);
    add_version_flag(app);
    SweepOptions o;
    std::string with;
    app.add_option("TABLE", o.table, "The table: a .json file")->required();
    app.add_option("--out", o.out, "Folder of finished cells, table.md and table.html")->type_name("DIR")->required();
    app.add_option("--only", o.only,
                   "Only the cells whose 'ROW / COLUMN' has this in it, in any case; * and ? stand for anything")
        ->type_name("PATTERN");
    app.add_flag("--redo", o.redo, "Do cells again that are kept in --out from other settings, weights or images");
    app.add_flag("--dry-run", o.dry_run, "Print what there is to do, with an estimate of the time, and stop");
    app.add_option("--with", with, "More options of adaq-run for every cell, in place of the table's: \"--iters 300\"")
        ->type_name(kOptionsAsValue)
        ->group("Passed on to every cell");
    std::list<std::string> values;
    for (const PassedOn& option : kPassedOn)
        app.add_option(option.name, values.emplace_back(), option.help)
            ->type_name(option.type)
            ->group("Passed on to every cell");
    if (!read_command_line(app, argc, argv)) return std::nullopt;
    try {
        o.passed_on = split_options(with);
    } catch (const UsageError& error) {
        usage_error("--with: {}", error.what());
    }
    auto value = values.begin();
    for (const PassedOn& option : kPassedOn) {
        if (app.count(option.name)) o.passed_on.push_back({option.name, *value});
        ++value;
    }
    o.command = joined({OptionWords(argv, argv + argc)});
    return o;
}

}  // namespace adaq
