// adaq-sweep: runs a table of configurations of adaq-run and prints it beside the published numbers. Progress goes to
// stderr, the table to stdout.
#include "tools/program/program.h"
#include "tools/program/spinning.h"
#include "tools/program/streams.h"
#include "tools/sweep/sweep.h"

int main(int argc, char** argv) {
    using namespace adaq;
    return run_program("adaq-sweep", [&] {
        spin_briefly(argv);
        const auto options = parse_sweep_options(argc, argv);
        if (!options) return kOk;
        StoppableProgress progress(progress_on_stderr(true));
        const SweepOutcome outcome = sweep(*options, progress);
        write_to_stdout(outcome.text);
        for (const std::string& failure : outcome.failures) complain("adaq-sweep", failure);
        return outcome.failed || !outcome.failures.empty() ? kDataError : kOk;
    });
}
