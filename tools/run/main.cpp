// adaq-run: quantises a network after training and tells what it costs. Progress goes to stderr, the result to stdout.
#include "tools/program/interrupt.h"
#include "tools/program/program.h"
#include "tools/program/spinning.h"
#include "tools/program/streams.h"
#include "tools/run/options.h"
#include "tools/run/progress.h"
#include "tools/run/run.h"

int main(int argc, char** argv) {
    using namespace adaq;
    return run_program("adaq-run", [&]() -> int {
        spin_briefly(argv);
        const auto options = parse_options(argc, argv);
        if (!options) return kOk;
        StoppableProgress progress(progress_on_stderr());
        if (options->dry_run) {
            write_to_stdout(dry_run(*options, progress));
            return kOk;
        }
        const RunOutcome outcome = run(*options, progress);
        write_to_stdout(render_table(outcome.report));
        if (outcome.failure.empty()) return kOk;
        complain("adaq-run", outcome.failure + "; " + outcome.kept);
        return outcome.interrupted ? interrupted_status() : kDataError;
    });
}
