// See progress.h.
#include "tools/run/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>

#include "engine/printable.h"
#include "report/format.h"
#include "tools/program/interrupt.h"
#include "tools/program/words.h"

namespace adaq {
namespace {

constexpr double kTerminalInterval = 0.1, kPipeInterval = 5.0,
                 kBriefInterval = 60.0;  // seconds between two drawings
constexpr int kLongestBar = 30;
constexpr std::string_view kEraseLine = "\r\x1b[K";

double steady_seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int stderr_columns() {
    winsize size{};
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/// "1,234 images/s"; slow ones keep a decimal.
std::string rate_text(double rate, const std::string& unit) {
    return (rate < 10.0 ? report::fixed(rate, 1) : report::count(static_cast<int64_t>(rate))) + " " + unit + "/s";
}

}  // namespace

ProgressOutput progress_on_stderr(bool brief) {
    return {std::cerr, isatty(STDERR_FILENO) == 1, steady_seconds, stderr_columns, brief};
}

void Progress::begin(const std::string& phase, int64_t total, const std::string& unit) {
    end();
    const std::lock_guard lock(mutex_);
    phase_ = phase;
    unit_ = unit;
    total_ = total;
    done_ = 0;
    started_ = output_.seconds();
    active_ = true;
    if (output_.terminal) {
        columns_ = output_.columns();
        draw(started_);
    } else {
        if (!output_.brief)
            output_.stream << phase_ << (total_ > 0 ? fmt::format(": {} {}", report::count(total_), unit_) : "")
                           << std::endl;
        next_drawing_ = started_ + interval();
    }
}

void Progress::advance(int64_t n) {
    done_ += n;
    const double now = output_.seconds();
    if (now < next_drawing_) return;
    // Whoever finds the lock taken need not wait: somebody is drawing already.
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (lock.owns_lock() && active_ && now >= next_drawing_) draw(now);
}

void Progress::end() {
    const std::lock_guard lock(mutex_);
    if (!active_) return;
    active_ = false;
    erase();
    if (output_.brief) return;
    const double taken = output_.seconds() - started_;
    const int64_t done = done_;
    output_.stream << phase_ << ": ";
    if (done > 0) output_.stream << report::count(done) << " " << unit_ << " in ";
    output_.stream << report::duration(taken);
    if (done > 0 && taken > 0.0) output_.stream << ", " << rate_text(static_cast<double>(done) / taken, unit_);
    output_.stream << std::endl;
}

void Progress::say(const std::string& line) {
    const std::lock_guard lock(mutex_);
    erase();
    output_.stream << one_line(with_option_names(line)) << std::endl;
    if (active_ && output_.terminal) draw(output_.seconds());
}

void Progress::draw(double now) {
    if (output_.terminal) {
        output_.stream << kEraseLine << bar(now) << std::flush;
        drawn_ = true;
    } else {
        output_.stream << phase_ << ": " << status(now) << std::endl;
    }
    next_drawing_ = now + interval();
}

double Progress::interval() const {
    return output_.terminal ? kTerminalInterval : output_.brief ? kBriefInterval : kPipeInterval;
}

void Progress::erase() {
    if (drawn_) output_.stream << kEraseLine;
    drawn_ = false;
}

/// The phase, a bar as long as there is room for, and the status; cut so that it never wraps into a second line, which
/// could not be erased.
std::string Progress::bar(double now) const {
    std::string line = phase_ + " ";
    const std::string text = status(now);
    const int room = std::min(kLongestBar, columns_ - 1 - report::width(line) - report::width(text) - 1);
    if (total_ > 0 && room >= 5) {
        const double share = std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
        const int full = static_cast<int>(share * room);
        for (int i = 0; i < room; ++i) line += i < full ? "█" : "░";
        line += " ";
    }
    return report::shortened(line + text, columns_ - 1);
}

/// "1,024 of 5,050 images, 812 images/s, 5.0 s left"
std::string Progress::status(double now) const {
    const int64_t done = done_;
    const double taken = now - started_;
    std::string text = report::count(done);
    if (total_ > 0) text += " of " + report::count(total_);
    text += " " + unit_;
    if (done <= 0 || taken <= 0.0) return text;
    const double rate = static_cast<double>(done) / taken;
    text += ", " + rate_text(rate, unit_);
    if (total_ > done) text += ", " + report::duration(static_cast<double>(total_ - done) / rate) + " left";
    return text;
}

void StoppableProgress::work_begins() { stop_at_safe_places(); }

bool StoppableProgress::stop() { return interrupted(); }

}  // namespace adaq
