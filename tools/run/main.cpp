// adaq-run: quantises a ResNet after training and tells what it costs. Progress goes to stderr, the result to stdout.
#include "tools/run/options.h"
#include "tools/run/program.h"
#include "tools/run/run.h"

int main(int argc, char** argv) {
    using namespace adaq;
    return run_program("adaq-run", argv, [&] {
        const auto options = parse_options(argc, argv);
        if (!options) return kOk;
        watch_for_interrupt();
        Progress progress(progress_on_stderr());
        fmt::print("{}", options->dry_run ? dry_run(*options, progress) : render_table(run(*options, progress)));
        return kOk;
    });
}
