// See program.h.
#include "tools/program/program.h"

#include <csignal>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <system_error>

#include "engine/error.h"
#include "tools/program/interrupt.h"
#include "tools/program/streams.h"

namespace adaq {
namespace {

constexpr const char* kOutOfMemory = "out of memory; try a smaller --batch or fewer --images";

int status_of(const std::exception& error) {
    if (dynamic_cast<const UsageError*>(&error)) return kUsageError;
    return dynamic_cast<const Interrupted*>(&error) ? interrupted_status() : kDataError;
}

}  // namespace

std::string sentence_of(const std::exception& error) {
    if (dynamic_cast<const std::bad_alloc*>(&error) || dynamic_cast<const std::length_error*>(&error))
        return kOutOfMemory;
    if (const auto* file = dynamic_cast<const std::filesystem::filesystem_error*>(&error))
        return fmt::format("{}: {}", file->path1().string(), file->code().message());
    const auto* system = dynamic_cast<const std::system_error*>(&error);
    if (system && system->code() == std::errc::resource_unavailable_try_again)
        return "no more threads can be started, for want of memory or by a limit of processes; try fewer --threads";
    if (system) return fmt::format("the system refused: {}", system->code().message());
    return error.what();
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
        status = status_of(error);
    }
    if (const std::string failure = stdout_failure(); !failure.empty()) {
        complain(name, failure);
        status = status == kOk ? kDataError : status;
    }
    return status;
}

}  // namespace adaq
