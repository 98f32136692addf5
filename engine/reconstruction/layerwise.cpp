#include "engine/reconstruction/layerwise.h"

#include <algorithm>

#include "engine/reconstruction/cached_walk.h"

namespace adaq {
namespace {

Buffer put(Device& device, CacheMemory& memory, Tensor tensor) {
    Buffer buffer = memory.create(tensor.shape);
    device.upload(*buffer, tensor.values);
    return buffer;
}

class Layerwise {
  public:
    Layerwise(Device& device, const Network& original, Network& network, Tensor images, const LayerwiseOptions& options,
              const LayerwiseObserver& observer)
        : device_(device),
          network_(network),
          options_(options),
          observer_(observer),
          memory_(device, options.memory, observer.say),
          shapes_(value_shapes(network, images.shape[1], images.shape[2])),
          bits_(network.values.size(), 32) {
        for (const Site& site : options.sites) bits_[static_cast<size_t>(site.value)] = site.bits;
        const Buffer image = put(device, memory_, std::move(images));
        exact_.emplace(device, original, image, memory_);
        rounded_.emplace(device, network, quantised(image), memory_);
    }

    void run() {
        const int nodes = static_cast<int>(network_.graph.nodes.size());
        for (int i = 0, next; i < nodes; i = next) {
            next = is_pooled(i) ? i + 2 : i + 1;
            const Node& node = network_.graph.nodes[static_cast<size_t>(i)];
            start_scale(i);
            Buffer target = exact_->compute(i, i + 1);
            exact_->release(i + 1);
            if (node.layer >= 0) learn(i, node, std::move(target));
            // The large map before a pool is needed once, as a target; behind it only what is pooled stays.
            if (next > i + 1) exact_->compute(i + 1, next);
            exact_->release(next);
            show_site(i);
            rounded_->compute(i, next);
            rounded_->release(next);
        }
    }

  private:
    /// The images as the network's input quantiser leaves them, if there is one.
    Buffer quantised(const Buffer& image) {
        if (bits_[kImage] == 32) return image;
        const Buffer some = first_rows(device_, image, options_.scale_images);
        choose(kImage, *some);
        if (observer_.site) observer_.site(kImage, *some);
        const QuantisedActivation& q = *network_.values[kImage];
        const Buffer values = memory_.create(image->shape()), scale = device_.create({1});
        device_.upload(*scale, std::span(&q.scale, 1));
        Program program;
        program.add(
            FakeQuantise{program.bind(image), program.bind(values), {q.grid, program.bind(scale), q.zero_point}});
        device_.compile(program)->run();
        return values;
    }

    /// Whether nobody but the max pool that follows reads a node's output.
    bool is_pooled(int index) const {
        const auto& nodes = network_.graph.nodes;
        return index + 1 < static_cast<int>(nodes.size()) &&
               nodes[static_cast<size_t>(index) + 1].kind == NodeKind::max_pool;
    }

    void choose(ValueId value, const DeviceTensor& values) {
        network_.values[static_cast<size_t>(value)] =
            choose_activation(device_, values, options_.activation_range, bits_[static_cast<size_t>(value)],
                              site_name(network_.graph, value));
    }

    void start_scale(int node) {
        const ValueId value = Graph::output_of(node);
        if (bits_[static_cast<size_t>(value)] < 32) choose(value, *rounded_->sample(node, options_.scale_images));
    }

    void show_site(int node) {
        const ValueId value = Graph::output_of(node);
        if (observer_.site && bits_[static_cast<size_t>(value)] < 32)
            observer_.site(value, *rounded_->sample(node, options_.scale_images));
    }

    void learn(int index, const Node& node, Buffer target) {
        const Stretch stretch{node.name, index, index + 1, node.inputs[0], static_cast<uint32_t>(node.layer)};
        std::optional<UnitResult> result = observer_.begin ? observer_.begin(stretch) : std::nullopt;
        if (result) {
            put_result(network_, *result);
        } else {
            UnitTrainer trainer(device_, network_, stretch, options_.unit,
                                {rounded_->value(node.inputs[0]), nullptr, std::move(target)}, shapes_);
            trainer.run(observer_.progress, 0, observer_.poll);
            trainer.freeze(network_);
            result = result_of(network_, stretch, trainer.record());
        }
        if (observer_.end) observer_.end(stretch, *result);
    }

    Device& device_;
    Network& network_;
    const LayerwiseOptions& options_;
    const LayerwiseObserver& observer_;
    CacheMemory memory_;
    std::vector<Shape> shapes_;
    std::vector<int> bits_;  // by value
    std::optional<CachedWalk> exact_, rounded_;
};

}  // namespace

void reconstruct_layers(Device& device, const Network& original, Network& network, Tensor images,
                        const LayerwiseOptions& options, const LayerwiseObserver& observer) {
    Layerwise(device, original, network, std::move(images), options, observer).run();
}

}  // namespace adaq
