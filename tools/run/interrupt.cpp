#include "tools/run/interrupt.h"

#include <csignal>

namespace adaq {
namespace {

volatile std::sig_atomic_t interrupted = 0;

extern "C" void note_interrupt(int signal_number) {
    interrupted = 1;
    std::signal(signal_number, SIG_DFL);
}

}  // namespace

void watch_for_interrupt() {
    std::signal(SIGINT, note_interrupt);
    std::signal(SIGTERM, note_interrupt);
    std::signal(SIGXFSZ, SIG_IGN);  // a file-size limit becomes an ordinary write error
}

void stop_if_interrupted() {
    if (interrupted) throw Interrupted();
}

}  // namespace adaq
