// Standard streams that are closed, full or that nobody reads, and signals: every program ends with the right status, a
// sentence, and no file that is not what it should be.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <thread>

#include "support/adaq_run.h"
#include "support/weight_files.h"
#include "tools/program/interrupt.h"
#include "tools/program/program.h"

using namespace adaq;
using namespace adaq::test;

namespace {

const std::string kFull = "standard output cannot be written: No space left on device";
const std::string kClosed = "standard output is closed, so the result was not written to it";

void check_no_stdout(const std::string& program, const std::string& arguments) {
    INFO(program << " " << arguments);
    const Outcome full = run_program(program, arguments, "2>&1 >/dev/full");
    CHECK(full.status == 1);
    CHECK(full.output.ends_with(program + ": " + kFull + "\n"));
    const Outcome closed = run_program(program, arguments, "2>&1 >&-");
    CHECK(closed.status == 1);
    CHECK(closed.output.ends_with(program + ": " + kClosed + "\n"));
}

struct Ended {
    int status;
    std::string output;  // on stderr
};

/// Does the work in a process of its own, behind `before`, and sends it these signals a moment apart.
Ended signalled(const std::function<void()>& before, const std::function<void()>& work,
                const std::vector<int>& signals) {
    int pipe_ends[2];
    REQUIRE(pipe(pipe_ends) == 0);
    const pid_t child = fork();
    if (child == 0) {
        dup2(pipe_ends[1], STDERR_FILENO);
        close(pipe_ends[0]);
        alarm(60);  // rather than wait for ever
        watch_for_interrupt("adaq-test");
        before();
        [[maybe_unused]] const ssize_t ready = write(STDERR_FILENO, "!", 1);
        work();
        _exit(0);
    }
    close(pipe_ends[1]);
    Ended ended{-1, ""};
    char buffer[256];
    REQUIRE(read(pipe_ends[0], buffer, 1) == 1);
    for (const int number : signals) {
        kill(child, number);
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    for (ssize_t count; (count = read(pipe_ends[0], buffer, sizeof buffer)) > 0;)
        ended.output.append(buffer, static_cast<size_t>(count));
    close(pipe_ends[0]);
    REQUIRE(waitpid(child, &ended.status, 0) == child);
    return ended;
}

void work_for_ever() {
    while (true) pause();
}

}  // namespace

TEST_SUITE("streams and signals") {
    TEST_CASE("a result that does not reach stdout is an error of every program, help and version, too") {
        const TemporaryFolder folder;
        std::ofstream(folder / "t.json")
            << R"({"title": "t", "columns": [{"title": "c"}], "rows": [{"title": "r", "options": "--w4 --a32"}]})";
        const Data data;
        for (const std::string program : {"adaq-run", "adaq-sweep", "adaq-convert", "adaq-bench"}) {
            check_no_stdout(program, "--help");
            check_no_stdout(program, "--version");
        }
        check_no_stdout("adaq-run", quoted_weights() + data.both() + "--w4 --a8");
        check_no_stdout("adaq-run", quoted_weights() + "--w4 --a32 --dry-run");
        check_no_stdout("adaq-convert", weight_fixture("basic.pth") + " " + (folder / "a.bin"));
        check_no_stdout("adaq-sweep",
                        (folder / "t.json") + " " + quoted_weights() + data.both() + "--out " + (folder / "out"));
        check_no_stdout("adaq-bench", "peak --threads 1");
        const Outcome unread =
            run_shell("{ '" + program_path("adaq-run") + "' " + quoted_weights() + "--w4 --a32 --save " +
                      (folder / "q.bin") + " 2>" + (folder / "log") + "; echo $? >" + (folder / "rc") + "; } | true");
        CHECK(text_of_file(folder / "rc") == "1\n");
        CHECK(
            text_of_file(folder / "log").ends_with("standard output cannot be written: nobody reads from the pipe\n"));
        CHECK(load_weights(folder / "q.bin").quantisation->weights.size() == 13);
    }

    TEST_CASE("files are what they should be whichever standard streams are closed") {
        const Data data;
        const TemporaryFolder out;
        const std::string command = quoted_weights() + data.both() + "--w4 --a8 --scheme minmax --logits ";
        REQUIRE(run(command + (out / "whole.npy")).status == 0);
        const std::string expected = text_of_file(out / "whole.npy");
        for (const std::string closed :
             {"0<&-", "1>&-", "2>&-", "0<&- 1>&-", "0<&- 2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-"}) {
            INFO(closed);
            const Outcome outcome = run(command + (out / "l.npy"), closed);
            CHECK(outcome.status == (closed.find("1>&-") == std::string::npos ? 0 : 1));
            CHECK(text_of_file(out / "l.npy") == expected);
            std::filesystem::remove(out / "l.npy");
            CHECK(run("--nonsense", closed).status == 2);
            CHECK(run("--weights /nowhere/x.pth --w4 --a32 --save " + (out / "q.bin"), closed).status == 1);
            for (const std::string program : {"adaq-convert", "adaq-sweep", "adaq-bench"})
                CHECK(run_program(program, "--nonsense", closed).status == 2);
        }
        CHECK(out.count() == 1);
    }

    TEST_CASE("while nothing would be lost, a signal ends the program at once, by its name") {
        stop_at_safe_places();  // of work before, which is over once signals are watched for anew
        const Ended interrupted = signalled([] {}, work_for_ever, {SIGINT});
        CHECK(WEXITSTATUS(interrupted.status) == 130);
        CHECK(interrupted.output == "adaq-test: stopped by Ctrl-C; nothing was saved\n");
        const Ended terminated = signalled([] {}, work_for_ever, {SIGTERM});
        CHECK(WEXITSTATUS(terminated.status) == 143);
        CHECK(terminated.output == "adaq-test: stopped by SIGTERM; nothing was saved\n");
    }

    TEST_CASE("where something would be, the first signal waits for a safe place, and any second one does not") {
        const auto with_safe_places = [] {
            while (true) {
                usleep(1000);
                try {
                    stop_if_interrupted();
                } catch (const Stopped& error) {
                    fprintf(stderr, "%s\n", sentence_of(error).c_str());
                    _exit(interrupted_status());
                }
            }
        };
        const Ended safe = signalled(stop_at_safe_places, with_safe_places, {SIGTERM});
        CHECK(WEXITSTATUS(safe.status) == 143);
        CHECK(safe.output == "stopped by SIGTERM; nothing was saved\n");
        for (const auto& [first, second] : {std::pair(SIGINT, SIGINT), std::pair(SIGINT, SIGTERM),
                                            std::pair(SIGTERM, SIGINT), std::pair(SIGTERM, SIGTERM)}) {
            const Ended ended = signalled(stop_at_safe_places, work_for_ever, {first, second});
            REQUIRE(WIFSIGNALED(ended.status));
            CHECK(WTERMSIG(ended.status) == second);
        }
    }
}
