// The errors that adaq throws: what kind, what it is about, and one sentence for a person. Sentences name options by
// their fields (adaq/options.h) in backquotes: "`images` is 0, expected at least 1".
#pragma once

#include <exception>
#include <stdexcept>
#include <string>

namespace adaq {

enum class ErrorCode {
    invalid_option,  // what was asked for: a value, or two that do not go together
    invalid_data,    // a file or an image that cannot be read or written, or is not what it should be
    stopped,         // by the observer
    no_resources     // no memory, no more threads, or what else the system refuses
};

class Error : public std::runtime_error {
  public:
    Error(ErrorCode code, const std::string& sentence);

    ErrorCode code() const { return code_; }
    /// The option that it is about: the one that the sentence names first, such as "images", or the one whose file or
    /// folder it tells of. What load() and save() are given are `weights` and `save`. Empty: none.
    const std::string& field() const { return field_; }
    /// Sets the field of a sentence that names no option.
    void set_field(const std::string& field);

  private:
    ErrorCode code_;
    std::string field_;
};

struct UsageError : Error {
    explicit UsageError(const std::string& sentence) : Error(ErrorCode::invalid_option, sentence) {}
};

struct DataError : Error {
    explicit DataError(const std::string& sentence) : Error(ErrorCode::invalid_data, sentence) {}
};

/// Observer::stop() said so.
struct Stopped : Error {
    explicit Stopped(const std::string& what_is_kept = "nothing was saved")
        : Error(ErrorCode::stopped, "stopped; " + what_is_kept), kept(what_is_kept) {}
    std::string kept;  // what became of the work
};

/// Any exception as one of adaq's: of the standard library's those that want of memory, files and threads throw. What
/// is not one of them keeps its words and counts as invalid data.
Error error_of(const std::exception& exception);

}  // namespace adaq
