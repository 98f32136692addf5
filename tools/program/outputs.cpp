// See outputs.h.
#include "tools/program/outputs.h"

#include <filesystem>

#include "engine/error.h"
#include "loaders/atomic_file.h"

namespace adaq {
namespace fs = std::filesystem;
namespace {

bool same_file(const std::string& a, const std::string& b) {
    std::error_code ignored;
    return fs::equivalent(a, b, ignored) || file_behind(a) == file_behind(b);
}

/// Whether it can be written, tried by beginning to.
void try_file(const std::string& path) { const AtomicFile nothing(path); }

}  // namespace

std::string file_behind(const std::string& path) {
    std::error_code ignored;
    const fs::path target = fs::absolute(link_target(path), ignored);
    return fs::weakly_canonical(target, ignored).string();
}

void check_outputs(const std::vector<NamedPath>& outputs, const std::vector<NamedPath>& inputs) {
    for (size_t i = 0; i < outputs.size(); ++i) {
        const NamedPath& output = outputs[i];
        if (output.path.empty()) continue;
        for (const NamedPath& input : inputs)
            if (!input.path.empty() && same_file(output.path, input.path))
                usage_error("{} {}: is the file that {} reads; name another", output.option, output.path, input.option);
        for (size_t j = 0; j < i; ++j)
            if (!outputs[j].path.empty() && same_file(output.path, outputs[j].path))
                usage_error("{} {}: is the file that {} {} writes; name another", output.option, output.path,
                            outputs[j].option, outputs[j].path);
        try_file(output.path);
    }
}

void check_output_folder(const NamedPath& folder) {
    if (folder.path.empty()) return;
    std::error_code error, ignored;
    std::vector<fs::path> missing;  // the innermost first
    for (fs::path path = fs::absolute(folder.path); !fs::exists(path, ignored); path = path.parent_path())
        if (path.has_filename()) missing.push_back(path);
    fs::create_directories(folder.path, error);
    try {
        if (error) data_error("{} {}: cannot be made: {}", folder.option, folder.path, error.message());
        try_file((fs::path(folder.path) / "adaq").string());
    } catch (...) {
        for (const fs::path& path : missing) fs::remove(path, ignored);
        throw;
    }
    for (const fs::path& path : missing) fs::remove(path, ignored);
}

}  // namespace adaq
