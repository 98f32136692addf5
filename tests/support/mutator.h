// Damages files, from a seeded generator.
#pragma once

#include <algorithm>
#include <random>

#include "support/weight_files.h"

namespace adaq::test {

class Mutator {
  public:
    explicit Mutator(unsigned seed) : generator_(seed) {}

    /// One to four of: bits flipped, a byte or number set to an extreme, a run copied elsewhere, inserted or cut out,
    /// the end lost.
    Bytes mutate(Bytes bytes, size_t from, size_t to) {
        for (int changes = 1 + below(4); changes > 0 && to > from + 16; --changes) change(bytes, from, to);
        return bytes;
    }

  private:
    int below(int bound) { return static_cast<int>(generator_() % static_cast<unsigned>(bound)); }
    size_t place(size_t from, size_t to) { return from + generator_() % (to - from); }

    void change(Bytes& bytes, size_t from, size_t& to) {
        const size_t at = place(from, to), length = std::min<size_t>(1 + generator_() % 64, to - at);
        const auto run = bytes.begin() + static_cast<std::ptrdiff_t>(at);
        const auto run_end = run + static_cast<std::ptrdiff_t>(length);
        const size_t target = place(from, to - length + 1);
        switch (below(7)) {
            case 0:
                bytes[at] ^= std::byte{1} << below(8);
                break;
            case 1:
                bytes[at] = static_cast<std::byte>(generator_() & 255);
                break;
            case 2:
                std::fill_n(run, std::min<size_t>(length, 8), below(2) ? std::byte{0xff} : std::byte{0x7f});
                break;
            case 3:
                std::copy_n(Bytes(run, run_end).begin(), length, bytes.begin() + static_cast<std::ptrdiff_t>(target));
                break;
            case 4: {
                const Bytes copy(run, run_end);
                bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(target), copy.begin(), copy.end());
                to += length;
                break;
            }
            case 5:
                bytes.erase(run, run_end);
                to -= length;
                break;
            default:
                if (below(4) != 0) break;  // the end lost, less often: most of such files fall at the first check
                bytes.resize(at);
                to = at;
        }
    }

    std::mt19937 generator_;
};

}  // namespace adaq::test
