// Ctrl-C: the first one asks the run to stop at the next safe place, the second one stops the program at once.
#pragma once

#include <stdexcept>

namespace adaq {

struct Interrupted : std::runtime_error {
    Interrupted() : std::runtime_error("stopped by Ctrl-C; nothing was saved") {}
    using std::runtime_error::runtime_error;
};

void watch_for_interrupt();

/// Throws Interrupted if Ctrl-C was pressed.
void stop_if_interrupted();

}  // namespace adaq
