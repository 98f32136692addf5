// What the schemes share: the checked input that each of them gets, the list of candidate ranges that most of them
// make, and what leads from a range to its scale and zero point.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/schemes/scheme.h"

namespace adaq {

/// What a scheme works on. The tensor is finite and `extremes` says between which values each group lies.
struct SchemeInput {
    Device& device;
    const DeviceTensor& x;
    int64_t groups, elements;  // elements of a group
    Grid grid;
    bool symmetric;  // only where the grid is two-sided
    double p;
    std::string_view tensor_name;
    std::vector<MinMax> extremes;  // [groups]
};

/// Candidate ranges of every group, in the order in which a tie is decided.
class Candidates {
  public:
    Candidates(int64_t groups, int64_t count);
    int64_t count() const { return count_; }
    void set(int64_t group, int64_t candidate, float lo, float hi);
    float lo(int64_t group, int64_t candidate) const { return lo_[index(group, candidate)]; }
    float hi(int64_t group, int64_t candidate) const { return hi_[index(group, candidate)]; }
    const std::vector<float>& lo() const { return lo_; }
    const std::vector<float>& hi() const { return hi_; }
    /// Makes every range +- its larger end.
    void centre();

  private:
    int64_t index(int64_t group, int64_t candidate) const { return group * count_ + candidate; }

    int64_t count_;
    std::vector<float> lo_, hi_;  // [groups][count]
};

/// Whether groups move to their best candidate together (one score) or each by itself.
enum class Scoring { joint, by_group };

/// The best candidate of each group by sum |x-hat - x|^p.
ChosenRange search(const SchemeInput& input, Candidates candidates, double p, Scoring scoring);

/// One given range a group, without a search; zero_centred asks for z = 0.
ChosenRange fixed_range(Grid grid, const std::vector<MinMax>& ranges, bool zero_centred);

ChosenRange choose_absmax(const SchemeInput& input);
ChosenRange choose_minmax(const SchemeInput& input);
ChosenRange choose_norm(const SchemeInput& input);
ChosenRange choose_norm_legacy(const SchemeInput& input);
ChosenRange choose_orgnorm(const SchemeInput& input);
ChosenRange choose_lp(const SchemeInput& input);

}  // namespace adaq
