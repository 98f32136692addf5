// See error.h.
#include "adaq/error.h"

#include <filesystem>
#include <new>
#include <system_error>

namespace adaq {

Error::Error(ErrorCode code, const std::string& sentence) : std::runtime_error(sentence), code_(code) {
    const size_t from = sentence.find('`'), to = from == std::string::npos ? from : sentence.find('`', from + 1);
    if (to != std::string::npos) field_ = sentence.substr(from + 1, to - from - 1);
}

void Error::set_field(const std::string& field) {
    if (field_.empty()) field_ = field;
}

Error error_of(const std::exception& exception) {
    if (const auto* error = dynamic_cast<const Error*>(&exception)) return *error;
    if (dynamic_cast<const std::bad_alloc*>(&exception) || dynamic_cast<const std::length_error*>(&exception))
        return {ErrorCode::no_resources, "out of memory; try a smaller `batch` or fewer `images`"};
    if (const auto* file = dynamic_cast<const std::filesystem::filesystem_error*>(&exception))
        return {ErrorCode::invalid_data, file->path1().string() + ": " + file->code().message()};
    const auto* system = dynamic_cast<const std::system_error*>(&exception);
    if (system && system->code() == std::errc::resource_unavailable_try_again)
        return {ErrorCode::no_resources,
                "no more threads can be started, for want of memory or by a limit of processes; try fewer `threads`"};
    if (system) return {ErrorCode::no_resources, "the system refused: " + system->code().message()};
    return {ErrorCode::invalid_data, exception.what()};
}

}  // namespace adaq
