// The state folder of a run that learns (--state): who the run is, and what each finished unit has learned, so that
// --resume goes on from there after a crash or Ctrl-C and ends in the same bits.
#pragma once

#include <optional>
#include <string>

#include "engine/reconstruction/unit_result.h"
#include "tools/run/folder_lock.h"

namespace adaq {

class RunState {
  public:
    /// identity: a JSON object of all that decides the run's bits; what of it an earlier run had otherwise is named
    /// when it cannot be resumed. Throws UsageError where the folder holds a run and `resume` is not set, or a
    /// different run; DataError where it cannot be used, or another process is using it.
    RunState(const std::string& folder, bool resume, const std::string& identity);

    /// What a unit has learned in a pass of an earlier run, if it was finished. Throws DataError where its file is
    /// damaged.
    std::optional<UnitResult> find(const Stretch& unit, uint32_t phase) const;
    /// On the disk when it returns.
    void keep(const Stretch& unit, const UnitResult& result);

    const std::string& folder() const { return folder_; }

    // Without opening it, for --dry-run:

    /// Throws UsageError where the folder holds a run and `resume` is not set.
    static void check_free(const std::string& folder, bool resume);
    /// Whether a unit's pass is finished there.
    static bool finished(const std::string& folder, const Stretch& unit, uint32_t phase);

  private:
    std::string folder_;
    FolderLock lock_;
};

}  // namespace adaq
