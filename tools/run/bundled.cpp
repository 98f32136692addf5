#include "tools/run/bundled.h"

#include <filesystem>

#include "engine/error.h"

namespace adaq {

std::string bundled_weights() {
    namespace fs = std::filesystem;
    const char* name = "weights/fashion-resnet18.bin";
    const fs::path program = fs::read_symlink("/proc/self/exe");
    const fs::path installed = program.parent_path().parent_path() / "share/adaq" / name;
    if (fs::exists(installed)) return installed;
    for (fs::path folder = program.parent_path(); folder != folder.root_path(); folder = folder.parent_path()) {
        if (fs::exists(folder / name)) return folder / name;
    }
    data_error("{}: the bundled model is not there; give one with --weights", installed.string());
}

}  // namespace adaq
