#include "tools/run/evaluate.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include "engine/evaluation.h"
#include "tools/run/interrupt.h"
#include "tools/run/npy.h"

namespace adaq {
namespace {

class Stopwatch {
  public:
    double lap() {
        const auto now = std::chrono::steady_clock::now();
        const double seconds = std::chrono::duration<double>(now - last_).count();
        last_ = now;
        return seconds;
    }

  private:
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

/// One network, its logits of the batch in work, and its score.
struct Contestant {
    Contestant(Device& device, const Network& network, const Shape& batch)
        : executor(device, network, batch[0], batch[1], batch[2]),
          logits(static_cast<size_t>(executor.batch() * executor.classes())) {}

    std::span<const float> rows(int count) const {
        return std::span(logits).first(static_cast<size_t>(count * executor.classes()));
    }
    Executor executor;
    std::vector<float> logits;
    Scorer scorer;
    double seconds = 0.0;
};

int64_t agreeing(const Contestant& a, const Contestant& b, int count) {
    const auto classes = static_cast<size_t>(a.executor.classes());
    int64_t same = 0;
    for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
        same += first_choice(a.rows(count).subspan(i * classes, classes)) ==
                first_choice(b.rows(count).subspan(i * classes, classes));
    }
    return same;
}

}  // namespace

EvaluationResult evaluate(Device& device, const EvaluationPlan& plan, const Dataset& dataset, Progress& progress) {
    BatchStream stream(dataset, validation_order(dataset, plan.images), plan.batches);
    std::vector<std::unique_ptr<Contestant>> contestants;
    for (const Network* network : plan.networks) {
        contestants.push_back(std::make_unique<Contestant>(device, *network, stream.shape()));
    }
    std::optional<NpyWriter> npy;
    if (!plan.logits_path.empty())
        npy.emplace(plan.logits_path, stream.image_count(), contestants.back()->executor.classes());

    EvaluationResult result;
    if (contestants.size() > 1) result.agreement = 0;
    double waiting = 0.0;
    Stopwatch watch;
    progress.begin("evaluate", stream.image_count(), "images");
    Batch batch;
    while (stream.next(batch)) {
        waiting += watch.lap();
        for (const auto& contestant : contestants) {
            contestant->executor.run(batch.images.values, contestant->logits);
            contestant->scorer.add(contestant->rows(batch.count),
                                   std::span(batch.labels).first(static_cast<size_t>(batch.count)));
            contestant->seconds += watch.lap();
        }
        if (result.agreement) *result.agreement += agreeing(*contestants.front(), *contestants.back(), batch.count);
        if (npy) npy->add(contestants.back()->rows(batch.count));
        progress.advance(batch.count);
        stop_if_interrupted();
        watch.lap();
    }
    progress.end();
    if (npy) npy->commit();
    for (const auto& contestant : contestants) {
        const Scorer& scorer = contestant->scorer;
        result.networks.push_back({scorer.images(), true, scorer.top1(), scorer.top5(), contestant->seconds + waiting});
    }
    return result;
}

}  // namespace adaq
