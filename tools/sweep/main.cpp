// adaq-sweep: runs a table of configurations of adaq-run and prints it beside the published numbers. Progress goes to
// stderr, the table to stdout.
#include "tools/run/program.h"
#include "tools/sweep/sweep.h"

int main(int argc, char** argv) {
    using namespace adaq;
    return run_program("adaq-sweep", argv, [&] {
        const auto options = parse_sweep_options(argc, argv);
        if (!options) return kOk;
        watch_for_interrupt();
        Progress progress(progress_on_stderr(true));
        const SweepOutcome outcome = sweep(*options, progress);
        fmt::print("{}", outcome.text);
        return outcome.failed ? kDataError : kOk;
    });
}
