// The files that a program is to write, before it does any work: whether they can be, and whether one of them is a file
// that it reads.
#pragma once

#include <string>
#include <vector>

namespace adaq {

/// A path as it was given, and by which option.
struct NamedPath {
    std::string option, path;
};

/// Paths may be empty: not given. Throws UsageError where an output is an input or another output, by whatever path or
/// link; DataError where it cannot be written. Leaves nothing behind.
void check_outputs(const std::vector<NamedPath>& outputs, const std::vector<NamedPath>& inputs);

/// The same of a folder that the program fills, which need not be there.
void check_output_folder(const NamedPath& folder);

/// The file behind a path, the same for every path to it: links followed, from the root.
std::string file_behind(const std::string& path);

}  // namespace adaq
