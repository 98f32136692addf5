#include "tools/run/cached_bytes.h"

#include <algorithm>
#include <set>

namespace adaq {
namespace {

/// The walk over the network with sizes in place of values.
class Sizes {
  public:
    Sizes(const Network& network, const std::vector<Shape>& shapes, const std::vector<Unit>& units,
          const Recipe& recipe)
        : network_(network),
          shapes_(shapes),
          units_(units),
          recipe_(recipe),
          last_reader_(last_readers(network.graph)) {}

    /// Elements an image, at most.
    int64_t most(bool image_quantised) {
        const bool scales =
            std::any_of(network_.values.begin(), network_.values.end(), [](const auto& q) { return q.has_value(); });
        const bool second = scales && recipe_.scales;
        const bool quantised_twice = image_quantised && recipe_.scale_start != ScaleStart::after_weights;
        pass(recipe_.learn, quantised_twice, second);
        if (second) pass(*recipe_.scales, false, false);
        return most_;
    }

  private:
    int count() const { return network_.graph.node_count(); }
    int64_t elements(ValueId value) const { return element_count(shapes_[static_cast<size_t>(value)]); }
    int64_t elements(const std::set<ValueId>& values) const {
        int64_t sum = 0;
        for (ValueId value : values) sum += elements(value);
        return sum;
    }
    void release(std::set<ValueId>& values, int next) const {
        std::erase_if(values, [&](ValueId v) { return last_reader_[static_cast<size_t>(v)] < next; });
    }
    /// What is kept now: both walks' values, what the unit in work holds besides, the image where it is shared or
    /// needed again.
    void look(int64_t held) {
        int64_t sum = elements(exact_) + elements(rounded_) + held;
        const bool both = exact_.count(kImage) && rounded_.count(kImage);
        if (both && !own_image_) sum -= elements(kImage);
        if (image_stays_ && !exact_.count(kImage) && !(rounded_.count(kImage) && !own_image_)) sum += elements(kImage);
        if (recipe_.learn.prediction || recipe_.learn.loss == Reconstruction::fisher_diag) sum += shapes_.back().back();
        most_ = std::max(most_, sum);
    }
    /// Whether the image is counted without the float network's walk.
    bool image_elsewhere() const { return image_stays_ || (rounded_.count(kImage) && !own_image_); }
    void pass(const UnitOptions& options, bool own_image, bool image_stays) {
        const bool on_float = !options.learn_rounding;
        own_image_ = own_image;
        image_stays_ = image_stays;
        exact_ = {kImage};
        rounded_ = on_float ? std::set<ValueId>{} : std::set<ValueId>{kImage};
        auto unit = units_.begin();
        for (int i = 0, next; i < count(); i = next) {
            const bool learned = unit != units_.end() && unit->first == i;
            const int last = learned ? unit->last : i + 1;
            next = is_pooled(network_.graph, last - 1) ? last + 1 : last;
            const ValueId output = Graph::output_of(last - 1);
            exact_.insert(output);
            look(0);
            release(exact_, last);
            int64_t held = exact_.count(output) ? 0 : elements(output);  // the target
            if (learned && (on_float || options.keep_input < 1.0f) && !exact_.count(unit->input) &&
                !(unit->input == kImage && image_elsewhere()))
                held += elements(unit->input);
            if (learned && recipe_.correction && last < count()) {
                look(held + elements(unit->input));  // what is nudged, and the nudged
                look((exact_.count(output) ? 0 : elements(output)) + elements(unit->input) + elements(output));
                held = elements(unit->input) + elements(output);
            }
            if (learned && options.loss == Reconstruction::fisher_diag) held += elements(output);
            look(held);
            if (next > last) exact_.insert(Graph::output_of(next - 1));
            look(0);
            release(exact_, next);
            if (!on_float && next < count()) rounded_.insert(Graph::output_of(next - 1));
            look(0);
            release(rounded_, next);
            if (learned) ++unit;
        }
    }

    const Network& network_;
    const std::vector<Shape>& shapes_;
    const std::vector<Unit>& units_;
    const Recipe& recipe_;
    std::vector<int> last_reader_;
    std::set<ValueId> exact_, rounded_;  // what the two walks keep
    bool own_image_ = false;             // the quantised network's is another
    bool image_stays_ = false;           // for a second pass
    int64_t most_ = 0;
};

}  // namespace

int64_t cached_bytes(const Network& network, const std::vector<Shape>& shapes, const std::vector<Unit>& units,
                     const Recipe& recipe, int64_t images) {
    const bool scales =
        std::any_of(network.values.begin(), network.values.end(), [](const auto& q) { return q.has_value(); });
    const int64_t first = scales ? std::min(images, recipe.scale_images) * element_count(shapes[kImage]) : 0;
    const int64_t most = Sizes(network, shapes, units, recipe).most(network.values[kImage].has_value());
    return (most * images + first) * static_cast<int64_t>(sizeof(float));
}

}  // namespace adaq
