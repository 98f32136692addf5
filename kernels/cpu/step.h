// A compiled program is a list of steps. A step runs one operation on a chunk of images; it finds its tensors through a
// View.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/device.h"
#include "kernels/cpu/tensor.h"

namespace adaq::cpu {

/// Where the tensors of a program are while images [first, first + chunk) are in work.
class View {
  public:
    struct Place {
        float* base = nullptr;
        int64_t image_stride = 0;          // floats from one image to the next; 0 for weights, scales and temporaries
        const CpuTensor* bound = nullptr;  // null for a temporary
    };
    explicit View(std::vector<Place> places) : places_(std::move(places)) {}

    void move_to(int64_t first) { first_ = first; }
    float* at(TensorId id) const {
        if (id == kNone) return nullptr;
        const Place& place = places_[static_cast<size_t>(id)];
        return place.base + first_ * place.image_stride;
    }
    uint64_t version(TensorId id) const { return places_[static_cast<size_t>(id)].bound->version; }

  private:
    std::vector<Place> places_;
    int64_t first_ = 0;
};

class Step {
  public:
    virtual ~Step() = default;
    virtual void run(const View& view) = 0;
};

/// Steps for `chunk` images at a time; one factory an operation, each in the file of its name.
std::unique_ptr<Step> make_step(const Program& program, const Convolution& op, int64_t chunk);
std::unique_ptr<Step> make_step(const Program& program, const Linear& op, int64_t chunk);
std::unique_ptr<Step> make_step(const Program& program, const MaxPool& op, int64_t chunk);
std::unique_ptr<Step> make_step(const Program& program, const GlobalAveragePool& op, int64_t chunk);
std::unique_ptr<Step> make_step(const Program& program, const AddRelu& op, int64_t chunk);
std::unique_ptr<Step> make_step(const Program& program, const FakeQuantise& op, int64_t chunk);

}  // namespace adaq::cpu
