// --out: each finished cell in a small file of its own, so that a sweep goes on where it stopped.
#pragma once

#include <string>
#include <variant>

#include "adaq/report.h"
#include "loaders/folder_lock.h"
#include "tools/sweep/cells.h"

namespace adaq {

/// What a cell came to.
struct CellResult {
    std::string label;  // "W4A8"; empty: nothing was quantised
    int64_t images = 0, top1 = 0, top5 = 0, float_top1 = 0;
    double seconds = 0.0;
};

/// Of the network that the run was for: the quantised one, or the float one alone.
CellResult cell_result(const Report& report);

/// Where a cell stands.
struct NotDone {};
struct DoneOtherwise {
    std::string why;  // "cells/x.json: made with threads 4, here 2"
};
using CellState = std::variant<NotDone, CellResult, DoneOtherwise>;

class CellFolder {
  public:
    /// Throws DataError where the folder cannot be used, or another sweep is using it. Removes what writers that were
    /// killed have left. Not locked: the folder is only looked at, and need not be there.
    enum class Access { lock, look };
    CellFolder(std::string folder, Access access);

    /// identity: a JSON object of what decides the cell's result (tools/run/run.h). Files that the cell's own options
    /// write and that are not there make it NotDone.
    CellState find(const Cell& cell, const std::string& identity) const;
    /// On the disk when it returns.
    void keep(const Cell& cell, const std::string& identity, const CellResult& result) const;

    /// Folder in which a cell that learns keeps its finished units (adaq/learning/run_state.h); those of other
    /// identities go.
    std::string state_of(const Cell& cell, const std::string& identity) const;
    /// Removes it.
    void forget_state(const Cell& cell) const;

    std::string path(const std::string& name) const { return folder_ + "/" + name; }

  private:
    std::string folder_;
    std::optional<FolderLock> lock_;
};

}  // namespace adaq
