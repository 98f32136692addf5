// The state folder of a run that learns (--state): who the run is, and what each finished unit has learned, so that
// --resume goes on from there after a crash or Ctrl-C and ends in the same bits. Every file tells whose it is, so that
// nothing of another run is taken up.
#pragma once

#include <optional>
#include <string>

#include "engine/reconstruction/unit_result.h"
#include "loaders/folder_lock.h"

namespace adaq {

class RunState {
  public:
    /// identity: a JSON object of all that decides the run's bits; what of it an earlier run had otherwise is named
    /// when it cannot be resumed. Throws UsageError where the folder holds a run and `resume` is not set, or units of a
    /// different run; DataError where a file is damaged or the folder cannot be used, or another process is using it.
    /// Removes what writers that were killed have left.
    RunState(const std::string& folder, bool resume, const std::string& identity);

    /// What a unit has learned in a pass of an earlier run, if it was finished. Throws as the constructor does.
    std::optional<UnitResult> find(const Unit& unit, uint32_t phase) const;
    /// On the disk when it returns.
    void keep(const Unit& unit, const UnitResult& result);

    const std::string& folder() const { return folder_; }

    // Without opening it, for --dry-run:

    /// Throws UsageError where the folder holds a run and `resume` is not set.
    static void check_free(const std::string& folder, bool resume);
    /// Whether a unit's pass is finished there.
    static bool finished(const std::string& folder, const Unit& unit, uint32_t phase);

  private:
    UnitResult load(const std::string& path) const;

    std::string folder_, identity_;
    FolderLock lock_;
};

}  // namespace adaq
