// Ctrl-C and SIGTERM. At first they end the program at once, whatever it is doing, since nothing is lost. From where
// something would be, the first one asks it to stop at the next safe place; the second one ends it at once.
#pragma once

#include <string>

namespace adaq {

/// "stopped by Ctrl-C", "stopped by SIGTERM".
std::string stopped_by();

/// Watches for both. program: its name, for the line on stderr.
void watch_for_interrupt(const char* program);

/// From now on they are only noted.
void stop_at_safe_places();

/// Whether there was a signal.
bool interrupted();

/// A safe place: throws Stopped if there was one.
void stop_if_interrupted();

/// As shells count them: 130 for Ctrl-C, 143 for SIGTERM.
int interrupted_status();

}  // namespace adaq
