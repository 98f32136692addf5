// adaq's public interface as tests use it: a caller's own images, short learning, errors that are caught, an observer.
#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "adaq/adaq.h"
#include "support/adaq_run.h"
#include "support/weight_files.h"

namespace adaq::test {

inline constexpr int kOwnEdge = 40, kOwnImages = 24;

/// A smooth pattern, other for each image and channel.
inline uint8_t pixel(int64_t image, int y, int x, int channel) {
    const double wave = std::sin(0.1 * static_cast<double>(image + 1) * y + 0.3 * x + 2.0 * channel);
    return static_cast<uint8_t>(127.5 + 100.0 * wave);
}

inline void fill(int64_t image, std::span<uint8_t> pixels) {
    size_t at = 0;
    for (int y = 0; y < kOwnEdge; ++y)
        for (int x = 0; x < kOwnEdge; ++x)
            for (int channel = 0; channel < 3; ++channel) pixels[at++] = pixel(image, y, x, channel);
}

inline OwnImages own_pixels() {
    std::vector<int> labels;
    for (int i = 0; i < kOwnImages; ++i) labels.push_back(i % 7);
    return {.count = kOwnImages, .height = kOwnEdge, .width = kOwnEdge, .pixels = fill, .labels = labels};
}

/// Those images, to learn from and to evaluate.
inline ImageSets own_image_sets(const Model& model) {
    return open_images(model, {.own_calib = own_pixels(), .own_val = own_pixels()});
}

/// As own_pixels(), but as the network takes them.
inline OwnImages own_inputs(const Preprocessing& how) {
    OwnImages images = own_pixels();
    images.pixels = nullptr;
    images.inputs = [how](int64_t image, std::span<float> input) {
        std::vector<uint8_t> pixels(input.size());
        fill(image, pixels);
        for (size_t i = 0; i < input.size(); ++i)
            input[i] = (static_cast<float>(pixels[i]) / 255.0f - how.mean[i % 3]) / how.std[i % 3];
    };
    return images;
}

/// The same as files in class folders.
inline void write_images(const TemporaryFolder& folder) {
    for (int i = 0; i < kOwnImages; ++i) {
        std::vector<uint8_t> pixels(size_t{kOwnEdge} * kOwnEdge * 3);
        fill(i, pixels);
        write_file(folder, std::to_string(i % 7) + "/" + std::to_string(100 + i) + ".ppm",
                   "P6 40 40 255\n" + std::string(pixels.begin(), pixels.end()));
    }
}

inline QuantiseOptions learning() {
    return {.method = "adaround",
            .weight_bits = 3,
            .activation_bits = 4,
            .scheme = "minmax",
            .images = kOwnImages,
            .learning = {.iters = 20, .minibatch = 8}};
}

inline const Context kOneThread{.device = {.device = "cpu", .threads = 1}};

inline std::string saved(const Model& model) {
    const TemporaryFolder folder;
    save(model, folder / "q.bin");
    return text_of_file(folder / "q.bin");
}

template <typename Work>
Error error_from(Work work) {
    try {
        work();
    } catch (const Error& error) {
        return error;
    }
    FAIL("nothing was thrown");
    return DataError("");
}

struct Counting : Observer {
    std::vector<std::string> phases, said;
    std::map<std::string, int64_t> total;
    std::atomic<int64_t> done = 0;
    int begun_work = 0, asked = 0, stop_after = -1;

    void begin(const std::string& phase, int64_t count, const std::string&) override {
        phases.push_back(phase);
        total[phase] = count;
        done = 0;
    }
    void advance(int64_t n) override { done += n; }
    void end() override { CHECK(done == total[phases.back()]); }
    void say(const std::string& sentence) override { said.push_back(sentence); }
    void work_begins() override { ++begun_work; }
    bool stop() override { return ++asked == stop_after || (begun_work > 0 && stop_after == 0); }
};

}  // namespace adaq::test
