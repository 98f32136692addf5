// Checks of what an iteration is made of.
#include "engine/program/operations/iteration.h"

#include "engine/program/checker.h"

namespace adaq {

void BeginIteration::check(const Checker& c) const {
    c.state(state);
    require(schedule.iterations > 0, "schedule: {} iterations", schedule.iterations);
    require(schedule.warm_up >= 0.0, "schedule: warm-up {}", schedule.warm_up);  // past 1: never over
    for (TensorId loss : losses) require(element_count(c.shape(loss, 0, "loss")) == 1, "a loss is one number");
    if (!plateau) return;
    require(!schedule.cosine_scale_rate && !losses.empty(), "a plateau is that of losses, without a cosine");
    require(plateau->patience >= 0, "plateau: patience {}", plateau->patience);
}

void DrawBatch::check(const Checker& c) const {
    c.state(state);
    const int64_t batch = c.shape(indices, 1, "indices")[0];
    // Indices are kept as floats, which count to 2^24.
    require(population > 0 && population <= 1 << 24 && (replacement || batch <= population), "draw batch: {} of {}",
            batch, population);
    c.stream(stream);
}

void Gather::check(const Checker& c) const {
    c.cache(x, indices, c.shape(y, 0, "gather y"), "gather x");
    if (!mixing) return;
    c.same(mixing->other, c.shape(x, 0, "gather x"), "gather other");
    c.probability(mixing->keep);
    c.stream(mixing->stream);
    c.state(mixing->state);
}

void AdamStep::check(const Checker& c) const {
    for (TensorId id : {gradient, first_moment, second_moment}) c.same(id, c.shape(x, 0, "Adam x"), "Adam");
    c.state(state);
}

}  // namespace adaq
