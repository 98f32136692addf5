// The distance of each image's statistics from a batch norm's, with its gradient: a task takes some channels of one
// image, sums in double (the mean first, then the squares about it), and writes their gradient while the map is near.
// Each task does the same whatever the number of threads.
#include <cmath>

#include "kernels/cpu/training/compiled_operations.h"
#include "kernels/cpu/training/pieces.h"
#include "kernels/cpu/vectorise.h"

namespace adaq::cpu {
namespace {

constexpr int64_t kChannels = 64;  // of a task, at most

/// A map's channels of one task: positions x channels, `stride` floats from one position to the next.
struct Extent {
    int64_t positions, channels, stride;
};

/// The gradient of each channel: constant + slope * (x - mean) + by_norm * dy.
struct Coefficients {
    float mean[kChannels], constant[kChannels], slope[kChannels], by_norm[kChannels];
};

ADAQ_VECTORISE void add_values(const float* x, const Extent& e, double* sum) {
    for (int64_t i = 0; i < e.positions; ++i)
        for (int64_t c = 0; c < e.channels; ++c) sum[c] += static_cast<double>(x[i * e.stride + c]);
}

ADAQ_VECTORISE void add_squares(const float* x, const double* mean, const Extent& e, double* sum) {
    for (int64_t i = 0; i < e.positions; ++i) {
        for (int64_t c = 0; c < e.channels; ++c) {
            const double d = static_cast<double>(x[i * e.stride + c]) - mean[c];
            sum[c] += d * d;
        }
    }
}

ADAQ_VECTORISE void write_gradient(const Coefficients& k, const float* x, const float* dy, const Extent& e, float* dx) {
    for (int64_t i = 0; i < e.positions; ++i) {
        const int64_t at = i * e.stride;
        for (int64_t c = 0; c < e.channels; ++c) dx[at + c] = k.constant[c] + k.slope[c] * (x[at + c] - k.mean[c]);
        if (dy == nullptr) continue;
        for (int64_t c = 0; c < e.channels; ++c) dx[at + c] += k.by_norm[c] * dy[at + c];
    }
}

class CompiledStatisticsLoss : public CompiledOperation {
  public:
    CompiledStatisticsLoss(const Program& program, const StatisticsLoss& op) : op_(op), shape_(program.shape(op.x)) {}

    void run(const View& view) override {
        const int64_t of_image = (shape_[3] + kChannels - 1) / kChannels, tasks = shape_[0] * of_image;
        std::vector<double> losses(tasks);
#pragma omp parallel for schedule(static)
        for (int64_t task = 0; task < tasks; ++task)
            losses[task] = run_task(view, task / of_image, task % of_image * kChannels);
        *view.at(op_.loss) = static_cast<float>(op_.factor * std::accumulate(losses.begin(), losses.end(), 0.0));
    }

  private:
    double run_task(const View& view, int64_t image, int64_t channel) const {
        const Extent e{shape_[1] * shape_[2], std::min(kChannels, shape_[3] - channel), shape_[3]};
        const int64_t first = image * e.positions * e.stride + channel;
        const float* x = view.at(op_.x) + first;
        double mean[kChannels] = {}, squares[kChannels] = {};
        add_values(x, e, mean);
        for (int64_t c = 0; c < e.channels; ++c) mean[c] /= static_cast<double>(e.positions);
        add_squares(x, mean, e, squares);
        Coefficients k;
        const double loss = compare(view, e, channel, mean, squares, k);
        const float* dy = op_.through ? view.at(op_.through->dy) + first : nullptr;
        write_gradient(k, x, dy, e, view.at(op_.dx) + first);
        return loss;
    }

    /// The task's share of the loss, and the coefficients of its gradient.
    double compare(const View& view, const Extent& e, int64_t channel, const double* mean, const double* squares,
                   Coefficients& k) const {
        const float *wanted_mean = view.at(op_.mean) + channel, *variance = view.at(op_.variance) + channel;
        const auto count = static_cast<double>(e.positions);
        double loss = 0.0;
        for (int64_t c = 0; c < e.channels; ++c) {
            const double mean_error = mean[c] - static_cast<double>(wanted_mean[c]);
            double sigma_error = 0.0, slope = 0.0;
            if (e.positions > 1) {
                const double sigma = std::sqrt(squares[c] / (count - 1.0) + op_.epsilon);
                sigma_error = sigma - std::sqrt(static_cast<double>(variance[c]) + op_.epsilon);
                slope = 2.0 * op_.factor * sigma_error / ((count - 1.0) * sigma);
            }
            loss += mean_error * mean_error + sigma_error * sigma_error;
            k.mean[c] = static_cast<float>(mean[c]);
            k.constant[c] = static_cast<float>(2.0 * op_.factor * mean_error / count);
            k.slope[c] = static_cast<float>(slope);
            k.by_norm[c] = 0.0f;
            if (op_.through)
                k.by_norm[c] =
                    view.at(op_.through->gamma)[channel + c] * view.at(op_.through->inverse_std)[channel + c];
        }
        return loss;
    }

    StatisticsLoss op_;
    Shape shape_;
};

}  // namespace

std::unique_ptr<CompiledOperation> compile_for_training(const Program& program, const StatisticsLoss& op,
                                                        const TrainingSetting&) {
    return std::make_unique<CompiledStatisticsLoss>(program, op);
}

}  // namespace adaq::cpu
