// See interrupt.h.
#include "tools/program/interrupt.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "adaq/error.h"

namespace adaq {
namespace {

volatile std::sig_atomic_t signal_seen = 0, safe_places = 0;
char lines[2][256];  // for stderr, made beforehand: a handler may not allocate

constexpr const char* name_of(int signal_number) { return signal_number == SIGTERM ? "SIGTERM" : "Ctrl-C"; }

extern "C" void note_signal(int signal_number) {
    const int error = errno;
    signal_seen = signal_number;
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
    if (!safe_places) {
        const char* line = lines[signal_number == SIGTERM];
        [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line, std::strlen(line));
        _exit(interrupted_status());
    }
    errno = error;
}

}  // namespace

std::string stopped_by() { return std::string("stopped by ") + name_of(signal_seen); }

void watch_for_interrupt(const char* program) {
    signal_seen = 0;
    safe_places = 0;
    const char* before = isatty(STDERR_FILENO) == 1 ? "\r\x1b[K" : "";  // over a progress bar
    for (const int signal_number : {SIGINT, SIGTERM}) {
        std::snprintf(lines[signal_number == SIGTERM], sizeof lines[0], "%s%s: stopped by %s; nothing was saved\n",
                      before, program, name_of(signal_number));
        std::signal(signal_number, note_signal);
    }
}

void stop_at_safe_places() { safe_places = 1; }

bool interrupted() { return signal_seen != 0; }

void stop_if_interrupted() {
    if (interrupted()) throw Stopped();
}

int interrupted_status() { return 128 + signal_seen; }

}  // namespace adaq
