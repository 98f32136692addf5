// A file that gets each row of a benchmark as soon as it is measured, a JSON object a line: what was measured stays
// where a run is stopped.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/error.h"

namespace adaq {

class RowFile {
  public:
    /// Appends to `path`; an empty one takes no notice of any row. Throws DataError where it cannot be written.
    explicit RowFile(const std::string& path) : path_(path) {
        if (path.empty()) return;
        file_.open(path, std::ios::app);
        check();
    }
    void add(const nlohmann::json& row) {
        if (path_.empty()) return;
        file_ << row.dump() << std::endl;
        check();
    }

  private:
    void check() const {
        if (!file_) data_error("--rows {}: cannot be written", path_);
    }

    std::string path_;
    std::ofstream file_;
};

}  // namespace adaq
