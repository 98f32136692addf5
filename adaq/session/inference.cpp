// See inference.h.
#include "adaq/session/inference.h"

#include "engine/error.h"
#include "engine/program/buffers.h"
#include "engine/program/rebatch.h"

namespace adaq {
namespace {

constexpr int64_t kPixelValues = 256;

}  // namespace

/// A runner as long as a run needs it.
class Inference::Lease {
  public:
    explicit Lease(Inference& owner) : owner_(owner), runner_(owner.take()) {}
    ~Lease() { owner_.put_back(std::move(runner_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Runner& operator*() { return *runner_; }
    Runner* operator->() { return runner_.get(); }

  private:
    Inference& owner_;
    std::unique_ptr<Runner> runner_;
};

Inference::Inference(const Network& network, const InferenceOptions& options, std::shared_ptr<Device> first,
                     MakeDevice make_device)
    : options_(options), make_device_(std::move(make_device)) {
    const bool integer = options_.execution == Execution::integer;
    if (integer) check_integer(network);
    const Indexed<Shape> shapes = value_shapes(network.graph, options_.height, options_.width);
    classes_ = shapes.back()[0];
    input_elements_ = element_count(shapes.front());

    auto runner = std::make_unique<Runner>();
    runner->device = std::move(first);
    Device& device = *runner->device;
    const std::optional<QuantisedActivation>& q = network.values[kImage];
    if (integer && q) image_quantiser_ = CodeQuantiser{q->scale, q->zero_point, q->grid};
    const Buffer image = device.create(stacked(1, shapes.front()), image_quantiser_ ? DType::u8 : DType::f32),
                 logits = device.create(stacked(1, shapes.back()));
    const int nodes = network.graph.node_count();
    const std::map<ValueId, StoredValue> bound{{kImage, {image}}, {Graph::output_of(nodes - 1), {logits}}};
    Simulation simulation(device, network, bound, KeptValues::quantised, 1, shapes, options_.execution);
    program_ = simulation.of(0, nodes);
    names_ = simulation.operation_names();
    image_ = program_.bind(image);
    logits_ = program_.bind(logits);
    if (!options_.pixel_values.empty()) make_pixel_table(device);
    if (integer) {  // weights are packed once, for all programs that follow
        const auto packs = device.compile(program_);
        for (const Program::Entry& entry : program_.tensors())
            if (entry.bound && entry.type.dtype == DType::i8) device.keep_forms_alone(*entry.bound);
    }
    idle_.push_back(std::move(runner));
}

void Inference::make_pixel_table(Device& device) {
    std::vector<float> table = options_.pixel_values;
    if (image_quantiser_)
        for (float& value : table) value = (*image_quantiser_)(value);
    const auto channels = static_cast<int64_t>(table.size()) / kPixelValues;
    pixel_table_ = put(device, {channels, kPixelValues}, table, image_quantiser_ ? DType::u8 : DType::f32);
}

/// The image is what the first operation makes of the input, unless it is the input.
Inference::Ready Inference::make_ready(Device& device, InputKind kind, int64_t batch) const {
    Shape shape = program_.shape(image_);
    shape[0] = batch;
    const bool as_it_is = kind == InputKind::values && !image_quantiser_;
    Ready made;
    made.input = device.create(shape, kind == InputKind::pixels ? DType::u8 : DType::f32);
    made.logits = device.create({batch, classes_});
    Program program = rebatched(program_, batch, {{image_, as_it_is ? made.input : nullptr}, {logits_, made.logits}});
    if (kind == InputKind::pixels)
        program.add_first(LookUp{program.bind(made.input), image_, program.bind(pixel_table_)});
    else if (!as_it_is)
        program.add_first(QuantiseToCodes{program.bind(made.input), image_, *image_quantiser_});
    made.program = device.compile(std::move(program));
    return made;
}

/// Both sizes are made when one is wanted first, so that later runs take no memory.
Inference::Ready& Inference::ready(Runner& runner, InputKind kind, int64_t batch) const {
    const auto found = runner.ready.find({kind, batch});
    if (found != runner.ready.end()) return found->second;
    runner.ready.emplace(std::pair(kind, options_.batch), make_ready(*runner.device, kind, options_.batch));
    if (options_.remainders && options_.batch > 1)
        runner.ready.emplace(std::pair(kind, 1), make_ready(*runner.device, kind, 1));
    return runner.ready.at({kind, batch});
}

std::unique_ptr<Inference::Runner> Inference::take() {
    {
        const std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            auto runner = std::move(idle_.back());
            idle_.pop_back();
            return runner;
        }
        ++runners_;
        idle_.reserve(runners_);  // to come back without taking memory
    }
    auto runner = std::make_unique<Runner>();
    runner->device = make_device_();
    return runner;
}

void Inference::put_back(std::unique_ptr<Runner> runner) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(runner));
}

template <typename T>
void Inference::run_in_pieces(InputKind kind, std::span<const T> input, std::span<float> logits, const Poll& poll) {
    Lease lease(*this);
    const auto images = static_cast<int64_t>(logits.size()) / classes_;
    for (int64_t first = 0; first < images;) {
        const int64_t count = images - first >= options_.batch ? options_.batch : 1;
        Ready& made = ready(*lease, kind, count);
        const auto part = input.subspan(first * input_elements_, count * input_elements_);
        if constexpr (std::is_same_v<T, uint8_t>)
            lease->device->upload_bytes(*made.input, part);
        else
            lease->device->upload(*made.input, part);
        made.program->run_polled(poll);
        lease->device->download(*made.logits, logits.subspan(first * classes_, count * classes_));
        first += count;
    }
}

void Inference::run(std::span<const uint8_t> pixels, std::span<float> logits, const Poll& poll) {
    run_in_pieces(InputKind::pixels, pixels, logits, poll);
}

void Inference::run(std::span<const float> input, std::span<float> logits, const Poll& poll) {
    run_in_pieces(InputKind::values, input, logits, poll);
}

bool Inference::run_timed(std::span<const uint8_t> pixels, std::span<double> seconds) {
    Lease lease(*this);
    Ready& made = ready(*lease, InputKind::pixels, options_.batch);
    lease->device->upload_bytes(*made.input, pixels);
    return made.program->run_timed(seconds);
}

SessionMemory Inference::memory() {
    Lease lease(*this);
    Device& device = *lease->device;
    const InputKind kind = pixel_table_ ? InputKind::pixels : InputKind::values;
    (void)ready(*lease, kind, options_.batch);
    SessionMemory memory;
    for (const auto& [size, made] : lease->ready) {
        if (size.first != kind) continue;
        const ProgramMemory taken = made.program->memory();
        memory.maps += taken.temporaries + device.memory_of(*made.input) + device.memory_of(*made.logits);
        memory.workspace += taken.workspace;
    }
    if (pixel_table_) memory.weights += device.memory_of(*pixel_table_);
    for (TensorId id = 0; id < program_.tensors().count(); ++id) {
        const Buffer& bound = program_.tensor(id).bound;
        if (bound && id != image_ && id != logits_) memory.weights += device.memory_of(*bound);
    }
    return memory;
}

}  // namespace adaq
