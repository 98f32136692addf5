// adaq-run: quantises a ResNet after training and tells what it costs. Progress goes to stderr, the result to stdout.
#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "engine/error.h"
#include "tools/run/interrupt.h"
#include "tools/run/options.h"
#include "tools/run/run.h"
#include "tools/run/waiting.h"

namespace {

enum ExitStatus { kOk = 0, kDataError = 1, kUsageError = 2, kInterrupted = 130 };

int fail(ExitStatus status, const std::exception& error) {
    fmt::print(stderr, "adaq-run: {}\n", error.what());
    return status;
}

}  // namespace

int main(int argc, char** argv) {
    using namespace adaq;
    wait_briefly(argv);
    try {
        const auto options = parse_options(argc, argv);
        if (!options) return kOk;
        watch_for_interrupt();
        Progress progress(progress_on_stderr());
        if (options->dry_run) {
            fmt::print("{}", dry_run(*options, progress));
            return kOk;
        }
        const Report report = run(*options, progress);
        fmt::print("{}", render_table(report));
        return kOk;
    } catch (const UsageError& error) {
        return fail(kUsageError, error);
    } catch (const Interrupted& error) {
        return fail(kInterrupted, error);
    } catch (const std::bad_alloc&) {
        return fail(kDataError, std::runtime_error("out of memory; try a smaller --batch or fewer --images"));
    } catch (const std::exception& error) {
        return fail(kDataError, error);
    }
}
