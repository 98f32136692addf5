// A network made ready to run: its program with the constants that all runs share, and runners that are taken in turn.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "adaq/session.h"
#include "engine/graph/network.h"
#include "engine/passes/simulate.h"

namespace adaq {

struct InferenceOptions {
    int64_t height = 0, width = 0;  // of the input, pixels
    int64_t batch = 1;              // images computed at a time
    bool remainders = true;         // false: runs are of multiples of the batch alone
    Execution execution = Execution::integer;
    /// What pixels become, [channels][256]; empty: nobody says it.
    std::vector<float> pixel_values = {};
};

class Inference {
  public:
    /// Each runner has a device of its own, of one kind.
    using MakeDevice = std::function<std::shared_ptr<Device>()>;

    /// The network is not needed afterwards. first: the first runner's device.
    Inference(const Network& network, const InferenceOptions& options, std::shared_ptr<Device> first,
              MakeDevice make_device);

    int64_t batch() const { return options_.batch; }
    int64_t classes() const { return classes_; }
    int64_t input_elements() const { return input_elements_; }  // of an image
    bool takes_pixels() const { return pixel_table_ != nullptr; }

    /// Any number of images: a multiple of the batch at a time, then one by one. Input is u8 pixels or f32 values,
    /// [images, height, width, channels]. poll: see CompiledProgram::run_polled.
    void run(std::span<const uint8_t> pixels, std::span<float> logits, const Poll& poll = {});
    void run(std::span<const float> input, std::span<float> logits, const Poll& poll = {});

    /// Adds what each operation took in a run of one batch; false where the device does not tell.
    bool run_timed(std::span<const uint8_t> pixels, std::span<double> seconds);
    /// Of each operation behind the one that reads pixels: which layer it is of.
    const std::vector<std::string>& operation_names() const { return names_; }

    /// Maps and workspace: of a runner, for its batch and for single images.
    SessionMemory memory();

  private:
    enum class InputKind { pixels, values };
    /// A program for one batch size and kind of input.
    struct Ready {
        Buffer input, logits;
        std::unique_ptr<CompiledProgram> program;
    };
    struct Runner {
        std::shared_ptr<Device> device;
        std::map<std::pair<InputKind, int64_t>, Ready> ready;
    };
    class Lease;

    void make_pixel_table(Device& device);
    Ready make_ready(Device& device, InputKind kind, int64_t batch) const;
    Ready& ready(Runner& runner, InputKind kind, int64_t batch) const;
    template <typename T>
    void run_in_pieces(InputKind kind, std::span<const T> input, std::span<float> logits, const Poll& poll);
    std::unique_ptr<Runner> take();
    void put_back(std::unique_ptr<Runner> runner);

    InferenceOptions options_;
    MakeDevice make_device_;
    int64_t classes_ = 0, input_elements_ = 0;
    Program program_;  // of one image, from the image as the first layer reads it to logits
    TensorId image_ = kNone, logits_ = kNone;
    std::optional<CodeQuantiser> image_quantiser_;
    Buffer pixel_table_;  // [channels,256]: what pixels become, as the image is stored; none: not known
    std::vector<std::string> names_;
    std::mutex mutex_;
    size_t runners_ = 1;
    std::vector<std::unique_ptr<Runner>> idle_;
};

}  // namespace adaq
