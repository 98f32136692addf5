// Progress on stderr, one phase after another: on a terminal a single line that is redrawn in place, with count, rate
// and time left; in a pipe plain lines, one at the start and the end of a phase and one every few seconds between.
// Nothing here ever touches stdout, which belongs to the result.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <ostream>
#include <string>

#include "adaq/observer.h"

namespace adaq {

/// Where progress goes, and the surroundings that it needs to know (given, so that tests can make them up).
struct ProgressOutput {
    std::ostream& stream;
    bool terminal = false;
    std::function<double()> seconds;  // a clock that never goes back
    std::function<int()> columns;     // width of the terminal, asked at the start of a phase
    bool brief = false;               // phases leave nothing behind: for many runs, of which each gets one line
};

/// stderr as it is: a terminal or a pipe, the steady clock.
ProgressOutput progress_on_stderr(bool brief = false);

/// Shows one phase at a time. advance() may be called from many threads at once; the rest from one thread.
class Progress : public Observer {
  public:
    explicit Progress(ProgressOutput output) : output_(std::move(output)) {}
    ~Progress() override { Progress::end(); }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// Starts a phase of `total` parts, 0 where nobody knows; ends the one before. `unit` is what is counted: "images".
    void begin(const std::string& phase, int64_t total, const std::string& unit) override;
    /// n more parts are done. Draws at most ten times a second (terminal), or every five seconds (pipe; brief: every
    /// minute).
    void advance(int64_t n) override;
    /// Ends the phase: leaves one plain line with what was done in what time. Without a phase: nothing.
    void end() override;
    /// A line of its own, such as a warning, that leaves a bar below it whole.
    void say(const std::string& line) override;

  private:
    void draw(double now);
    void erase();
    double interval() const;
    std::string bar(double now) const;
    std::string status(double now) const;

    ProgressOutput output_;
    std::mutex mutex_;
    std::atomic<int64_t> done_{0};
    std::atomic<double> next_drawing_{0.0};
    std::string phase_, unit_;
    int64_t total_ = 0;
    double started_ = 0.0;
    int columns_ = 80;
    bool active_ = false, drawn_ = false;
};

/// The same of a program that Ctrl-C and SIGTERM stop (tools/program/interrupt.h).
class StoppableProgress : public Progress {
  public:
    using Progress::Progress;
    void work_begins() override;
    bool stop() override;
};

}  // namespace adaq
