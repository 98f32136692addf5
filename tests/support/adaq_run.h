// adaq-run on a thin network and a few images, as the tests of the program use it.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "support/idx_files.h"
#include "support/places.h"
#include "support/programs.h"
#include "support/temporary_folder.h"

namespace adaq::test {

inline const std::string kNetwork = fixtures_folder() + "/networks/basic.bin";  // 7 classes, colour
inline constexpr uint32_t kSide = 40;                                           // pixels

/// A folder with IDX files: `count` images for calibration and as many for validation.
class Data {
  public:
    explicit Data(uint32_t count = 24) {
        std::string labels;
        for (uint32_t i = 0; i < count; ++i) labels += static_cast<char>(i % 7);
        for (const std::string part : {"train", "t10k"}) {
            write(part + "-images-idx3-ubyte", idx_images(count, kSide, kSide));
            write(part + "-labels-idx1-ubyte", idx_labels(labels));
        }
    }
    void write(const std::string& name, const std::string& content) const {
        std::ofstream(folder / name, std::ios::binary) << content;
    }
    std::string both() const {
        return " --calib " + folder.path().string() + " --val " + folder.path().string() + " --images 16 ";
    }
    std::string calib() const { return " --calib " + folder.path().string() + " --images 16 "; }

    TemporaryFolder folder;
};

inline Outcome run(const std::string& arguments, const std::string& streams = "2>&1", const std::string& before = "") {
    return run_program("adaq-run", arguments, streams, before);
}

inline std::string quoted_weights() { return "--weights '" + kNetwork + "' "; }

/// One line on stderr that holds `text`, the given status, and no new file.
inline void check_refused(const std::string& arguments, int status, const std::string& text) {
    const TemporaryFolder out;
    const Outcome outcome = run(arguments + " --report " + (out / "r.json"), "2>&1 >/dev/null");
    INFO(arguments << "\n" << outcome.output);
    CHECK(outcome.status == status);
    const std::string last = outcome.output.substr(
        outcome.output.rfind("adaq-run: ") == std::string::npos ? 0 : outcome.output.rfind("adaq-run: "));
    CHECK(last.rfind("adaq-run: ", 0) == 0);
    CHECK(std::count(last.begin(), last.end(), '\n') == 1);
    CHECK(last.find(text) != std::string::npos);
    CHECK(out.count() == 0);
}

}  // namespace adaq::test
