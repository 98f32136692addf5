// See streams.h.
#include "tools/program/streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "engine/printable.h"
#include "tools/program/words.h"

namespace adaq {
namespace {

int first_failure = 0;  // of standard output: errno

/// False, and errno, where not all of it is written.
bool write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = write(descriptor, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        text.remove_prefix(written);
    }
    return true;
}

}  // namespace

void open_standard_streams() {
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (fcntl(stream, F_GETFD) >= 0) continue;
        // The smallest free number is this one. Opened the other way round, so that using it is an error as before.
        const int way = stream == STDIN_FILENO ? O_WRONLY : O_RDONLY;
        if (open("/dev/null", way) < 0 && open("/", O_RDONLY | O_DIRECTORY) < 0) _exit(1);
    }
}

void write_to_stdout(std::string_view text) {
    if (first_failure == 0 && !write_all(STDOUT_FILENO, text)) first_failure = errno;
}

std::string stdout_failure() {
    switch (first_failure) {
        case 0:
            return "";
        case EBADF:
            return "standard output is closed, so the result was not written to it";
        case EPIPE:
            return "standard output cannot be written: nobody reads from the pipe";
        default:
            return fmt::format("standard output cannot be written: {}", std::strerror(first_failure));
    }
}

void complain(std::string_view program, std::string_view sentence) {
    write_all(STDERR_FILENO, fmt::format("{}: {}\n", program, one_line(with_option_names(sentence))));
}

}  // namespace adaq
