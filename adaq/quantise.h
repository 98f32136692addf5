// Quantising a network after training, and telling how accurate one is.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "adaq/images.h"
#include "adaq/model.h"
#include "adaq/observer.h"
#include "adaq/options.h"
#include "adaq/report.h"
#include "adaq/workspace.h"

namespace adaq {

/// What surrounds a piece of work. Observer and workspace may be null, and outlive it.
struct Context {
    DeviceOptions device = {};
    Observer* observer = nullptr;
    Workspace* workspace = nullptr;
};

/// A network that was quantised, beside the float one that it was made of. One that was moved from may only be assigned
/// to, or go.
class Quantised {
  public:
    /// With packed integers, ready to be saved.
    Model model() const;
    /// All that is known so far; compare_layers() and evaluate() add to it.
    Report report() const;

    struct State;
    explicit Quantised(std::unique_ptr<State> state);
    ~Quantised();
    Quantised(Quantised&&) noexcept;
    Quantised& operator=(Quantised&&) noexcept;
    State& state() { return *state_; }

  private:
    std::unique_ptr<State> state_;
};

/// Throws UsageError where options.state holds an earlier run's units and options.resume is not set: what quantise()
/// will refuse, known before any work.
void check_state(const QuantiseOptions& options);

/// Throws what quantise() will refuse of options that do not go with the model or the images: names of layers that it
/// has not, images that are missing, too few or too small.
void check_work(const Model& model, const ImageSets& images, const QuantiseOptions& options);

/// Rounds every weight as options.method does, and chooses or learns a scale for every activation. Throws UsageError,
/// DataError, and Stopped, which says what was kept in options.state. What options, model, images and device do not
/// allow is told before any work.
Quantised quantise(const Model& model, const ImageSets& images, const QuantiseOptions& options = {},
                   const Context& context = {});

/// Adds to the report how far each layer's output is from the float network's, on the first calibration images. Does
/// nothing without any, and the second time. Throws Stopped.
void compare_layers(Quantised& quantised, const Context& context = {});

struct EvaluateOptions {
    /// Is given the network's logits of each batch, [images, classes], images in order.
    std::function<void(std::span<const float> logits, int64_t images)> logits = {};
    bool accuracy_alone = false;  // as QuantiseOptions has it
    /// Quantised networks are run as integers, which gives the logits of a simulation that holds the integers in
    /// float32, to the bit; set, they are simulated.
    bool simulate = false;
    bool fold = false;  // fold batch norms into the convolutions; only of a float model that is evaluated as it is
};

/// Adds to the report how often the float and the quantised network are right on the validation images. Throws
/// UsageError without any, DataError for an image that cannot be read or a logit that is not finite, Stopped.
void evaluate(Quantised& quantised, const ImageSets& images, const EvaluateOptions& options = {},
              const Context& context = {});

/// A report of a model as it is, float or quantised; without validation images of all but its accuracy.
Report evaluate(const Model& model, const ImageSets& images, const EvaluateOptions& options = {},
                const Context& context = {});

/// Every option with its value, and what else decides the bits of a result (device, processor, threads, build), as a
/// JSON object: what reports and saved files record. No paths, times or host names.
std::string settings_json(const QuantiseOptions& options, const ImageOptions& images, const Context& context = {});

/// All that decides a result, as a JSON object: settings_json(), the weights, the images. No paths. Equal for two
/// pieces of work that come to the same.
std::string identity(const Model& model, const ImageSets& images, const QuantiseOptions& options,
                     const Context& context = {});

}  // namespace adaq
