#include "engine/reconstruction/unit_walk.h"

#include <algorithm>

#include "engine/program/buffers.h"
#include "engine/reconstruction/cached_walk.h"
#include "engine/reconstruction/fisher.h"
#include "engine/reconstruction/scale_start.h"

namespace adaq {
namespace {

/// Where the unit begins behind a pool between units, and what it pools is quantised.
void take_pool(Unit& unit, const Graph& graph, const std::vector<Site>& sites) {
    const int pool = unit.first - 1;
    if (pool < 0 || graph.node(pool).unit >= 0 || Graph::output_of(pool) != unit.input) return;
    if (std::none_of(sites.begin(), sites.end(), [&](const Site& site) { return site.value == unit.input; })) return;
    unit.first = pool;
    unit.input = graph.node(pool).inputs[0];
}

class UnitWalk {
  public:
    /// Where the calibration images come from, [N,H,W,C].
    using Images = std::function<Buffer(CacheMemory&)>;
    UnitWalk(Device& device, const Network& original, Network& network, const Shape& images, const WalkOptions& options,
             const WalkObserver& observer)
        : device_(device),
          original_(original),
          network_(network),
          options_(options),
          observer_(observer),
          memory_(device, options.memory, observer.say),
          shapes_(value_shapes(network.graph, images[1], images[2])),
          start_(device, network, options.sites, options.activation_range, observer.poll) {}

    void run(const Images& images) {
        image_ = images(memory_);
        if (!options_.sites.empty()) some_ = first_images();
        const Recipe& recipe = options_.recipe;
        const bool scales = !options_.sites.empty();
        if (scales && recipe.scale_start != ScaleStart::after_weights) start_.image(*some_);
        if (scales && recipe.scale_start == ScaleStart::float_network) start_.in_float_network(original_, some_);
        if (needs_logits(recipe.learn)) compute_logits();
        pass(recipe.learn);
        if (scales && recipe.scale_start == ScaleStart::after_weights) start_.in_quantised_network(some_);
        if (options_.passes().size() > 1) pass(*recipe.scales);
        if (scales && observer_.site) start_.show(some_, observer_.site);
        if (observer_.cached) observer_.cached(memory_.most_bytes());
    }

  private:
    static std::vector<FloatValues::Nodes> nodes_of(const std::vector<Unit>& units) {
        std::vector<FloatValues::Nodes> nodes;
        for (const Unit& unit : units) nodes.emplace_back(unit.first, unit.last);
        return nodes;
    }
    static bool needs_logits(const UnitOptions& options) {
        return options.prediction || options.loss == Reconstruction::fisher_diag;
    }

    Buffer first_images() {
        const int64_t images = std::min(image_->shape()[0], options_.recipe.scale_images);
        const Buffer some = memory_.create(with_rows(image_->shape(), images));
        Program program;
        program.add(Gather{program.rows(program.bind(image_), 0, images), program.bind(some)});
        device_.compile(program)->run();
        return some;
    }

    void compute_logits() {
        const int nodes = original_.graph.node_count();
        logits_ = memory_.create({image_->shape()[0], shapes_.back().back()});
        Segment(device_, original_, 0, nodes, {{kImage, {image_}}, {Graph::output_of(nodes - 1), {logits_}}},
                KeptValues::quantised, shapes_)
            .run(observer_.poll);
    }

    /// Once over the network. A pass that learns scales alone does so on the float network's values.
    void pass(const UnitOptions& options) {
        const bool on_float = !options.learn_rounding;
        const std::vector<Unit> units = options_.units_of(options);
        CachedWalk exact(device_, original_, image_, memory_, observer_.poll);
        if (options_.float_values) exact.share(*options_.float_values, nodes_of(units));
        std::optional<CachedWalk> rounded;
        if (!on_float)
            rounded.emplace(device_, network_, start_.quantised_image(image_, memory_), memory_, observer_.poll);
        if (&options == options_.passes().back()) image_.reset();
        const int nodes = network_.graph.node_count();
        auto unit = units.begin();
        for (int i = 0, next; i < nodes; i = next) {
            const bool learned = unit != units.end() && unit->first == i;
            const int last = learned ? unit->last : i + 1;
            next = is_pooled(network_.graph, last - 1) ? last + 1 : last;
            if (options_.recipe.scale_start == ScaleStart::in_turn)
                start_.in_turn(*rounded, i, last, options_.recipe.scale_images);
            UnitCaches caches;
            if (learned && (on_float || options.keep_input < 1.0f)) caches.float_input = exact.value(unit->input);
            caches.target = exact.compute(i, last);
            exact.release(last);
            if (learned) {
                caches.input = on_float ? caches.float_input : rounded->value(unit->input);
                learn(*unit, options, std::move(caches));
            }
            caches = {};
            if (&options == options_.passes().back()) finish_layers(network_, i, next, options_.deployment);
            // The large map before a pool is needed once, as a target; behind it only what is pooled stays.
            if (next > last) exact.compute(last, next);
            exact.release(next);
            if (rounded && next < nodes) rounded->compute(i, next);
            if (rounded) rounded->release(next);
            if (learned) ++unit;
        }
    }

    void learn(const Unit& unit, const UnitOptions& options, UnitCaches caches) {
        std::optional<UnitResult> result = observer_.begin ? observer_.begin(unit, options.phase) : std::nullopt;
        if (result) {
            put_result(network_, *result);
        } else {
            caches.logits = logits_;
            if (options_.recipe.correction && unit.last < network_.graph.node_count()) correct(unit, caches);
            if (options.loss == Reconstruction::fisher_diag)
                caches.weight = fisher_weights(device_, network_, original_, unit, options, caches, shapes_, memory_,
                                               observer_.poll);
            UnitTrainer trainer(device_, network_, unit, options, caches, shapes_, &original_);
            trainer.run(observer_.progress, 0, observer_.poll);
            trainer.freeze(network_);
            result = result_of(network_, unit, trainer.record());
        }
        if (observer_.end) observer_.end(unit, *result);
    }

    /// The nudged input in the float one's place, and the target that it leads to.
    void correct(const Unit& unit, UnitCaches& caches) {
        caches.float_input = corrected_input(device_, *options_.unfolded, unit, caches.float_input, shapes_,
                                             *options_.recipe.correction, memory_, observer_.poll);
        caches.target = memory_.create(caches.target->shape());
        Segment(device_, original_, unit.first, unit.last,
                {{unit.input, {caches.float_input}}, {unit.output(), {caches.target}}}, KeptValues::quantised, shapes_)
            .run(observer_.poll);
    }

    Device& device_;
    const Network& original_;
    Network& network_;
    const WalkOptions& options_;
    const WalkObserver& observer_;
    CacheMemory memory_;
    Indexed<Shape> shapes_;
    ScaleStarter start_;
    Buffer image_, some_, logits_;  // some_: the images that scales start from
};

}  // namespace

std::vector<const UnitOptions*> WalkOptions::passes() const {
    std::vector<const UnitOptions*> passes{&recipe.learn};
    if (recipe.scales && !sites.empty()) passes.push_back(&*recipe.scales);
    return passes;
}

std::vector<Unit> WalkOptions::units_of(const UnitOptions& pass) const {
    std::vector<Unit> learning = units;
    if (pass.learn_rounding) return learning;
    std::erase_if(learning, [&](const Unit& unit) {
        return std::none_of(sites.begin(), sites.end(), [&](const Site& site) {
            const int node = Graph::producer_of(site.value);
            return node >= unit.first && node < unit.last;
        });
    });
    return learning;
}

void reconstruct_units(Device& device, const Network& original, Network& network, Tensor images,
                       const WalkOptions& options, const WalkObserver& observer) {
    UnitWalk(device, original, network, images.shape, options, observer).run([&](CacheMemory& memory) {
        const Buffer on_device = memory.create(images.shape);
        device.upload(*on_device, images.values);
        images = {};
        return on_device;
    });
}

void reconstruct_units(Device& device, const Network& original, Network& network, Buffer images,
                       const WalkOptions& options, const WalkObserver& observer) {
    UnitWalk(device, original, network, images->shape(), options, observer).run([&](CacheMemory&) {
        return std::exchange(images, nullptr);
    });
}

std::vector<Unit> learned_units(const Graph& graph, const Recipe& recipe, bool head_stem_8bit,
                                const std::vector<Site>& sites) {
    std::vector<Unit> units = units_of(graph, recipe.units);
    for (Unit& unit : units) take_pool(unit, graph, sites);
    if (recipe.leave_stem && head_stem_8bit) units.erase(units.begin());
    return units;
}

}  // namespace adaq
