// How a tensor of many or few groups is cut into pieces of work: tiles of at most kTile elements that never cross a
// group's edge. The cut depends on the shape alone, so that sums over tiles have one order whatever the thread count.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

namespace adaq::cpu {

inline constexpr int64_t kTile = 1 << 14;  // 64 KiB: stays in the second-level cache while candidates pass over it

class Tiles {
  public:
    Tiles(std::span<const float> x, int64_t groups)
        : x_(x),
          elements_(static_cast<int64_t>(x.size()) / groups),
          per_group_((elements_ + kTile - 1) / kTile),
          count_(per_group_ * groups) {}

    int64_t count() const { return count_; }
    int64_t per_group() const { return per_group_; }
    int64_t group(int64_t tile) const { return tile / per_group_; }
    std::span<const float> operator[](int64_t tile) const {
        const int64_t first = tile % per_group_ * kTile;
        const int64_t size = std::min(kTile, elements_ - first);
        return x_.subspan(group(tile) * elements_ + first, size);
    }

  private:
    std::span<const float> x_;
    int64_t elements_, per_group_, count_;
};

}  // namespace adaq::cpu
