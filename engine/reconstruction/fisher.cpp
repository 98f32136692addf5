#include "engine/reconstruction/fisher.h"

#include <algorithm>
#include <cmath>

#include "engine/program/buffers.h"
#include "engine/reconstruction/float_tail.h"

namespace adaq {
namespace {

/// The gradient of one batch of images after the other, the last one filled up with its last image.
class OutputGradient {
  public:
    OutputGradient(Device& device, const Network& network, const Network& original, const Unit& unit,
                   const UnitOptions& options, const UnitCaches& caches, const Indexed<Shape>& shapes)
        : device_(device), batch_(options.batch), undropped_(options) {
        undropped_.keep_quantised = 1.0f;
        for (int i = unit.first; i < unit.last; ++i) {
            const Node& node = network.graph.node(i);
            if (!options.learn_rounding || node.layer < 0) continue;
            roundings_.emplace_back(device, network, node.layer, options);
            roundings_.back().round(device);
        }
        gradient_ = device.create(stacked(batch_, shapes[unit.output()]));
        indices_ = device.create({batch_});
        Program program;
        const TensorId indices = program.bind(indices_);
        const Gather gather{program.bind(caches.input), program.temporary(with_rows(caches.input->shape(), batch_)),
                            indices};
        program.add(gather);
        Training emitter(device, network, unit, undropped_, shapes, program, kNone);
        for (const LearnedRounding& rounding : roundings_) emitter.learn(rounding);
        const TensorId y = emitter.forward(gather.y);
        FloatTail(device, original, unit, shapes, program)
            .prediction_difference(y, program.bind(gradient_),
                                   {program.bind(caches.logits), indices, program.bind(zeros(device, {1}))},
                                   {1.0, 1.0});
        compiled_ = device.compile(program);
    }

    /// Of images from `first` on; [batch,...].
    const Buffer& compute(int64_t first, int64_t images) {
        std::vector<float> rows(batch_);
        for (int64_t i = 0; i < batch_; ++i) rows[i] = static_cast<float>(std::min(first + i, images - 1));
        device_.upload(*indices_, rows);
        compiled_->run();
        return gradient_;
    }

  private:
    Device& device_;
    int64_t batch_;
    UnitOptions undropped_;  // every activation of the unit is quantised
    std::vector<LearnedRounding> roundings_;
    Buffer gradient_, indices_;
    std::unique_ptr<CompiledProgram> compiled_;
};

}  // namespace

Buffer fisher_weights(Device& device, const Network& network, const Network& original, const Unit& unit,
                      const UnitOptions& options, const UnitCaches& caches, const Indexed<Shape>& shapes,
                      CacheMemory& memory, const Poll& poll) {
    OutputGradient gradient(device, network, original, unit, options, caches, shapes);
    const int64_t images = caches.input->shape()[0];
    const Buffer weights = memory.create(stacked(images, shapes[unit.output()]));
    const auto square = [](std::span<float> values) {
        for (float& v : values) v = (std::fabs(v) + 1.0f) * (std::fabs(v) + 1.0f);
    };
    std::vector<float> room;
    for (int64_t first = 0; first < images; first += options.batch) {
        if (poll) poll();
        const Buffer& part = gradient.compute(first, images);
        device.edit(*part, room, square);
        const int64_t rows = std::min(options.batch, images - first);
        Program copy;
        copy.add(Gather{copy.rows(copy.bind(part), 0, rows), copy.rows(copy.bind(weights), first, rows)});
        device.compile(copy)->run();
    }
    return weights;
}

}  // namespace adaq
