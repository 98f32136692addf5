// See program.h.
#include "tools/program/program.h"

#include <csignal>

#include "adaq/error.h"
#include "tools/program/interrupt.h"
#include "tools/program/streams.h"

namespace adaq {
namespace {

int status_of(const Error& error) {
    switch (error.code()) {
        case ErrorCode::invalid_option:
            return kUsageError;
        case ErrorCode::stopped:
            return interrupted_status();
        default:
            return kDataError;
    }
}

}  // namespace

std::string sentence_of(const std::exception& exception) {
    const auto* stopped = dynamic_cast<const Stopped*>(&exception);
    return stopped ? fmt::format("{}; {}", stopped_by(), stopped->kept) : error_of(exception).what();
}

int run_program(const char* name, const std::function<int()>& work) {
    open_standard_streams();
    std::signal(SIGXFSZ, SIG_IGN);  // a limit on file sizes and a pipe without a reader become errors of write()
    std::signal(SIGPIPE, SIG_IGN);
    watch_for_interrupt(name);
    int status = kOk;
    try {
        status = work();
    } catch (const std::exception& error) {
        complain(name, sentence_of(error));
        status = status_of(error_of(error));
    }
    if (const std::string failure = stdout_failure(); !failure.empty()) {
        complain(name, failure);
        status = status == kOk ? kDataError : status;
    }
    return status;
}

}  // namespace adaq
