// See adaq/session.h.
#include "adaq/session.h"

#include "adaq/evaluation/networks.h"
#include "adaq/session/inference.h"
#include "adaq/settings/settings.h"
#include "adaq/state/guarded.h"
#include "adaq/state/model_state.h"
#include "engine/error.h"
#include "engine/printable.h"
#include "loaders/architectures/adaptive_pool.h"
#include "loaders/images/geometry.h"
#include "loaders/images/normalise.h"
#include "loaders/images/reader.h"
#include "loaders/images/resample.h"
#include "loaders/weights/weights.h"

namespace adaq {

struct Session::State {
    std::unique_ptr<Inference> inference;
    int channels = 0;
    ImageSize size;
    bool integer = false;
    std::optional<Preprocessing> preprocessing;
    std::vector<std::string> class_names;
};

namespace {

constexpr int kMostBatch = 1 << 16;  // images

ImageSize size_of_input(const StoredModel& model, const SessionOptions& options) {
    for (const auto& [field, value] : {std::pair{"height", options.height}, std::pair{"width", options.width}})
        if (value < 0 || value > kMostInputEdge)
            usage_error("`{}` is {}, expected 0 to {}", field, value, kMostInputEdge);
    if ((options.height == 0) != (options.width == 0))
        usage_error("`height` and `width` are {} and {}: one without the other", options.height, options.width);
    if (options.height > 0) return {options.height, options.width};
    const auto [height, width] = model.input_size();
    if (height == 0) usage_error("`height` and `width` are needed: the model does not say how large its input is");
    return {height, width};
}

std::vector<float> pixel_values(const StoredModel& model) {
    if (!model.preprocessing) return {};
    const auto channels = static_cast<int>(model.graph.input_channels);
    const Normaliser normaliser(*model.preprocessing, channels);
    std::vector<float> values;
    for (int c = 0; c < channels; ++c)
        for (int pixel = 0; pixel < 256; ++pixel) values.push_back(normaliser.value(c, static_cast<uint8_t>(pixel)));
    return values;
}

std::shared_ptr<const Session::State> make_state(const StoredModel& model, const Network& network,
                                                 const SessionOptions& options) {
    if (options.batch < 1 || options.batch > kMostBatch)
        usage_error("`batch` is {}, expected 1 to {}", options.batch, kMostBatch);
    const int threads = thread_count(options.threads);
    const auto new_device = [device = options.device, threads]() -> std::shared_ptr<Device> {
        return make_device(device, threads);
    };
    const std::shared_ptr<Device> first = new_device();
    auto state = std::make_shared<Session::State>();
    state->size = size_of_input(model, options);
    state->channels = static_cast<int>(model.graph.input_channels);
    state->integer = network.quantised();
    state->preprocessing = model.preprocessing;
    state->class_names = model.class_names;
    const InferenceOptions inference{.height = state->size.height,
                                     .width = state->size.width,
                                     .batch = options.batch,
                                     .execution = execution_of(network, false),
                                     .pixel_values = pixel_values(model)};
    state->inference = std::make_unique<Inference>(network, inference, first, new_device);
    return state;
}

/// How many images a run's input, pixels or values, is of.
int64_t images_in(const Session::State& state, const char* field, size_t input) {
    const int64_t elements = state.inference->input_elements(), images = static_cast<int64_t>(input) / elements;
    if (static_cast<int64_t>(input) != images * elements)
        usage_error("`{}` has {} elements, expected a multiple of {}x{}x{}", field, input, state.size.height,
                    state.size.width, state.channels);
    return images;
}

int64_t images_in_pixels(const Session::State& state, size_t pixels) {
    if (!state.inference->takes_pixels())
        usage_error("`pixels`: the model does not say how they are normalised; run it on its input as it is");
    return images_in(state, "pixels", pixels);
}

void check_logits(const Session::State& state, int64_t images, size_t logits) {
    const int64_t classes = state.inference->classes();
    if (static_cast<int64_t>(logits) != images * classes)
        usage_error("`logits` has room for {} numbers, expected {} images of {} classes", logits, images, classes);
}

}  // namespace

Session::Session(const Model& model, const SessionOptions& options)
    : state_(guarded([&] {
          const ImageSize size = size_of_input(model.state().stored, options);
          const Model fitted = fitted_to(model, size.height, size.width);
          return make_state(fitted.state().stored, fitted.state().network(false), options);
      })) {}

Session load_session(const std::string& path, const SessionOptions& options) {
    return guarded([&] {
        StoredModel model = about("weights", [&] { return load_weights(path); });
        try {
            const ImageSize size = size_of_input(model, options);
            model.graph = fitted(model.graph, size.height, size.width);
            const Network network = make_network(model, false);
            model.quantisation.reset();
            model.tensors.clear();
            return Session(make_state(model, network, options));
        } catch (const DataError& error) {
            data_error("{}: {}", printable(path), error.what());
        }
    });
}

int Session::classes() const { return static_cast<int>(state_->inference->classes()); }
int Session::height() const { return state_->size.height; }
int Session::width() const { return state_->size.width; }
int Session::channels() const { return state_->channels; }
bool Session::integer() const { return state_->integer; }
const std::vector<std::string>& Session::class_names() const { return state_->class_names; }
const std::optional<Preprocessing>& Session::preprocessing() const { return state_->preprocessing; }

void Session::run(std::span<const uint8_t> pixels, std::span<float> logits) const {
    guarded([&] {
        check_logits(*state_, images_in_pixels(*state_, pixels.size()), logits.size());
        state_->inference->run(pixels, logits);
    });
}

void Session::run(std::span<const float> input, std::span<float> logits) const {
    guarded([&] {
        check_logits(*state_, images_in(*state_, "input", input.size()), logits.size());
        state_->inference->run(input, logits);
    });
}

std::vector<uint8_t> Session::read_image(const std::string& path) const {
    return guarded([&] {
        ImageReader reader;
        reader.open_file(path);
        const ResizePlan plan =
            plan_evaluation(reader.size(), state_->preprocessing.value_or(Preprocessing{}), reader.name());
        if (plan.output() != state_->size)
            data_error("{}: becomes {}x{} pixels, expected {}x{}", reader.name(), plan.output().width,
                       plan.output().height, state_->size.width, state_->size.height);
        Resampler resampler;
        Image window, pixels;
        reader.read(state_->channels, resampler.prepare(plan), window);
        resampler.run(window, pixels);
        return pixels.pixels;
    });
}

SessionMemory Session::memory() const {
    return guarded([&] { return state_->inference->memory(); });
}

std::vector<LayerTime> Session::time_layers(std::span<const uint8_t> pixels) const {
    return guarded([&] {
        Inference& inference = *state_->inference;
        const int64_t images = images_in_pixels(*state_, pixels.size());
        if (images != inference.batch())
            usage_error("`pixels` are {} images, expected those of a batch, {}", images, inference.batch());
        std::vector<double> seconds(inference.operation_names().size() + 1);
        if (!inference.run_timed(pixels, seconds)) usage_error("`device`: it does not tell what its layers take");
        std::vector<LayerTime> layers{{"input", seconds[0]}};
        for (size_t i = 1; i < seconds.size(); ++i) {
            const std::string& name = inference.operation_names()[i - 1];
            if (layers.back().name != name) layers.push_back({name, 0.0});
            layers.back().seconds += seconds[i];
        }
        return layers;
    });
}

}  // namespace adaq
