// NumPy's .npy format, version 1.0: a float32 matrix written row by row, so that its rows need not be in memory
// together.
#pragma once

#include <span>
#include <string>

#include "loaders/atomic_file.h"

namespace adaq {

class NpyWriter {
  public:
    /// Throws DataError where the file cannot be made.
    NpyWriter(const std::string& path, int64_t rows, int64_t columns);
    /// Whole rows, in order.
    void add(std::span<const float> rows);
    /// Puts the finished file in its place.
    void commit() { file_.commit(); }

  private:
    AtomicFile file_;
};

}  // namespace adaq
