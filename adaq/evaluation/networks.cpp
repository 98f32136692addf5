#include "adaq/evaluation/networks.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include "adaq/session/inference.h"
#include "adaq/state/poll.h"
#include "engine/error.h"
#include "engine/evaluation.h"

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

/// One network, its logits of the batch in work, and its score. In integers it runs as in a Session.
struct Contestant {
    Contestant(Device& device, const Network& network, const Shape& batch, bool simulate)
        : classes(classes_of(network.graph)), logits(batch[0] * classes) {
        const Execution execution = execution_of(network, simulate);
        if (execution == Execution::simulated) {
            executor.emplace(device, network, batch[0], batch[1], batch[2]);
            return;
        }
        const std::shared_ptr<Device> shared(&device, [](Device*) {});
        inference = std::make_unique<Inference>(
            network, InferenceOptions{.height = batch[1], .width = batch[2], .batch = batch[0], .remainders = false},
            shared, [shared] { return shared; });
    }

    void run(std::span<const float> images, const Poll& poll) {
        if (executor)
            executor->run(images, logits, poll);
        else
            inference->run(images, logits, poll);
    }
    std::span<const float> rows(int count) const { return std::span(logits).first(count * classes); }
    std::vector<int> choices(int count) const {
        std::vector<int> chosen(count);
        for (size_t i = 0; i < chosen.size(); ++i) chosen[i] = first_choice(rows(count).subspan(i * classes, classes));
        return chosen;
    }
    size_t classes;
    std::optional<Executor> executor;  // one of the two
    std::unique_ptr<Inference> inference;
    std::vector<float> logits;
    Scorer scorer;
    double seconds = 0.0;
};

/// How many of a batch's images two networks give the same class.
int64_t agreeing(std::span<const int> a, std::span<const int> b) {
    int64_t same = 0;
    for (size_t i = 0; i < a.size(); ++i) same += a[i] == b[i];
    return same;
}

}  // namespace

Execution execution_of(const Network& network, bool simulate) {
    return network.quantised() && !simulate ? Execution::integer : Execution::simulated;
}

EvaluationResult evaluate_networks(Device& device, const EvaluationPlan& plan, BatchSource images, Observer& observer) {
    std::vector<std::unique_ptr<Contestant>> contestants;
    for (const Network* network : plan.networks) {
        contestants.push_back(std::make_unique<Contestant>(device, *network, images.shape(), plan.simulate));
    }

    EvaluationResult result;
    if (contestants.size() > 1 || plan.known) result.agreement = 0;
    const bool count_readings = !plan.known;
    result.right = plan.known ? plan.known->right : std::vector<int64_t>(plan.readings.size());
    double waiting = 0.0;
    Stopwatch watch;
    observer.begin("evaluate", images.image_count(), "images");
    const Poll ask = [&observer] { poll(observer); };
    Batch batch;
    const auto next = [&] { return about("val", [&] { return images.next(batch, ask); }); };
    for (int64_t done = 0; next(); done += batch.count) {
        waiting += watch.lap();
        for (const auto& contestant : contestants) {
            contestant->run(batch.images.values, ask);
            contestant->scorer.add(contestant->rows(batch.count), std::span(batch.labels).first(batch.count));
            contestant->seconds += watch.lap();
        }
        if (result.agreement) {
            const std::vector<int> last = contestants.back()->choices(batch.count);
            *result.agreement += plan.known ? agreeing(std::span(plan.known->choices).subspan(done, batch.count), last)
                                            : agreeing(contestants.front()->choices(batch.count), last);
        }
        if (plan.keep_choices || count_readings) {
            const std::vector<int> first = contestants.front()->choices(batch.count);
            if (plan.keep_choices) result.choices.insert(result.choices.end(), first.begin(), first.end());
            for (size_t i = 0; count_readings && i < plan.readings.size(); ++i)
                result.right[i] += right_under(plan.readings[i], batch.labels, first);
        }
        if (plan.logits) plan.logits(contestants.back()->rows(batch.count), batch.count);
        observer.advance(batch.count);
        poll(observer);
        watch.lap();
    }
    observer.end();
    if (plan.known) result.networks.push_back(plan.known->evaluation);
    for (const auto& contestant : contestants) {
        const Scorer& scorer = contestant->scorer;
        result.networks.push_back({scorer.images(), true, scorer.top1(), scorer.top5(), contestant->seconds + waiting});
    }
    return result;
}

}  // namespace adaq
