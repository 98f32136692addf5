// A folder that one process at a time works in: a file "lock" in it, locked as long as this object lives.
#pragma once

#include <string>

namespace adaq {

class FolderLock {
  public:
    /// Makes the folder where it is missing. option and who are for errors: "`state`", "another run". Throws DataError
    /// where it cannot be written to, or another process holds it.
    FolderLock(const std::string& folder, const std::string& option, const std::string& who);
    ~FolderLock();
    FolderLock(const FolderLock&) = delete;
    FolderLock& operator=(const FolderLock&) = delete;

  private:
    int file_ = -1;
};

}  // namespace adaq
