// adaq-sweep: runs a table of configurations of adaq-run and prints it beside the published numbers. Progress goes to
// stderr, the table to stdout.
#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "engine/error.h"
#include "tools/run/interrupt.h"
#include "tools/run/waiting.h"
#include "tools/sweep/sweep.h"

namespace {

enum ExitStatus { kOk = 0, kDataError = 1, kUsageError = 2, kInterrupted = 130 };

int fail(ExitStatus status, const std::exception& error) {
    fmt::print(stderr, "adaq-sweep: {}\n", error.what());
    return status;
}

}  // namespace

int main(int argc, char** argv) {
    using namespace adaq;
    wait_briefly(argv);
    try {
        const auto options = parse_sweep_options(argc, argv);
        if (!options) return kOk;
        watch_for_interrupt();
        Progress progress(progress_on_stderr(true));
        const SweepOutcome outcome = sweep(*options, progress);
        fmt::print("{}", outcome.text);
        return outcome.failed ? kDataError : kOk;
    } catch (const UsageError& error) {
        return fail(kUsageError, error);
    } catch (const Interrupted& error) {
        return fail(kInterrupted, error);
    } catch (const std::exception& error) {
        return fail(kDataError, error);
    }
}
