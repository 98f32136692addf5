// A network that runs: what an application embeds. One Session may be used by many threads at once.
//
//     adaq::Session session = adaq::load_session("q.bin");
//     std::vector<float> logits(session.classes());
//     session.run(session.read_image("photograph.jpg"), logits);
//
// A quantised network runs as integers: its logits are those that adaq evaluated, to the bit, whatever the threads, the
// batch and the instructions of the processor. A float network runs in float32.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "adaq/error.h"
#include "adaq/model.h"
#include "adaq/preprocessing.h"

namespace adaq {

struct SessionOptions {
    std::string device = "cpu";  // cuda, cpu, reference; auto: cuda where there is a card
    int threads = 1;             // that a run may take; 0: every core (docs/speed.md, "Threads that wait")
    int batch = 1;               // images computed at a time: a run of more goes through in such pieces
    int height = 0, width = 0;   // of the input, pixels; 0: the model's crop, or what it was made for
};

/// What a session takes, bytes. Maps and workspace are taken by each run that is going on, and kept for the next.
struct SessionMemory {
    int64_t weights = 0;    // as they are multiplied, with scales and tables: once for all runs
    int64_t maps = 0;       // what lies between layers, and a batch's input and logits
    int64_t workspace = 0;  // within layers, of all threads of a run
};

struct LayerTime {
    std::string name;      // of the layer or node; "input" is the way from pixels to codes
    double seconds = 0.0;  // of all threads together
};

class Session {
  public:
    /// Of a model that is in memory, under load_session()'s rules.
    explicit Session(const Model& model, const SessionOptions& options = {});

    int classes() const;
    int height() const;  // of the input, pixels
    int width() const;
    int channels() const;
    bool integer() const;  // false: a float network
    const std::vector<std::string>& class_names() const;
    const std::optional<Preprocessing>& preprocessing() const;

    /// pixels: images of [height, width, channels] one behind the other, RGB or grey as decoded, resized and cropped;
    /// the model's mean and deviation are applied. logits: [images, classes]. Throws UsageError where the spans do not
    /// fit, or the model does not say how pixels are normalised. Only the first run of pixels or
    /// of values takes memory, and the first that goes on beside as many others.
    void run(std::span<const uint8_t> pixels, std::span<float> logits) const;
    /// The same of the network's input as it is, normalised already, in the same order (NHWC, not NCHW). What is not a
    /// number has no code: it becomes any.
    void run(std::span<const float> input, std::span<float> logits) const;

    /// An image's file as the pixels that run() takes: decoded, resized and cropped as the model says. Throws
    /// DataError.
    std::vector<uint8_t> read_image(const std::string& path) const;

    SessionMemory memory() const;
    /// What each layer takes in a run of these pixels, in the order in which they run. Throws UsageError on devices
    /// that do not tell.
    std::vector<LayerTime> time_layers(std::span<const uint8_t> pixels) const;

    struct State;
    explicit Session(std::shared_ptr<const State> state) : state_(std::move(state)) {}

  private:
    std::shared_ptr<const State> state_;
};

/// A weights file that load() reads. Throws DataError, and UsageError for options out of their bounds, or where neither
/// they nor the model tell the size of the input.
Session load_session(const std::string& path, const SessionOptions& options = {});

}  // namespace adaq
