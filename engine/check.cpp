// Checks that a Program's operations fit together: shapes, order of writes and reads, ranges of settings. What fails
// here is the engine's own mistake, so that it is a std::logic_error.
#include "engine/device.h"
#include "engine/error.h"

namespace adaq {
namespace {

class Checker {
  public:
    explicit Checker(const Program& program) : program_(program), written_(program.tensors().size()) {
        for (size_t i = 0; i < written_.size(); ++i) written_[i] = program.tensors()[i].bound != nullptr;
    }

    // ---- convolution and the fully connected layer
    void operator()(const Convolution& op) {
        const Shape &x = input(op.x, 4, "convolution x"), &w = input(op.w, 4, "convolution w");
        epilogue(op.epilogue, convolved(x, w, op), op.y);
    }
    void operator()(const ConvolutionToData& op) {
        const Shape &dy = input(op.dy, 4, "convolution dy"), &w = input(op.w, 4, "convolution w");
        const Shape& dx = any(op.dx, 4, "convolution dx");
        same(convolved(dx, w, op), dy, "convolution dy");
        gradient(op.dx, op.addend, op.activation.value_or(ActivationGradient{}));
    }
    void operator()(const ConvolutionToWeights& op) {
        const Shape &x = input(op.x, 4, "convolution x"), &dy = input(op.dy, 4, "convolution dy");
        same(convolved(x, any(op.dw, 4, "convolution dw"), op), dy, "convolution dy");
        output(op.dw, program_.shape(op.dw));
    }
    void operator()(const Linear& op) {
        const Shape &x = input(op.x, 2, "linear x"), &w = input(op.w, 2, "linear w");
        epilogue(op.epilogue, multiplied(x, w), op.y);
    }
    void operator()(const LinearToData& op) {
        const Shape &dy = input(op.dy, 2, "linear dy"), &w = input(op.w, 2, "linear w");
        same(multiplied(any(op.dx, 2, "linear dx"), w), dy, "linear dy");
        gradient(op.dx, op.addend, op.activation.value_or(ActivationGradient{}));
    }
    void operator()(const LinearToWeights& op) {
        const Shape &x = input(op.x, 2, "linear x"), &dy = input(op.dy, 2, "linear dy");
        same(multiplied(x, any(op.dw, 2, "linear dw")), dy, "linear dy");
        output(op.dw, program_.shape(op.dw));
    }

    // ---- batch norm
    void operator()(const BatchNorm& op) {
        const Shape x = input(op.x, 0, "batch norm x");
        for (TensorId id : {op.gamma, op.beta, op.running_mean, op.running_variance})
            same(input(id, 1, "batch norm"), {x.back()}, "batch norm, per channel");
        require(op.fixed || element_count(x) > x.back(), "batch norm: one value a channel has no variance");
        require(op.epilogue.scale == kNone && op.epilogue.shift == kNone, "batch norm: has its own scale and shift");
        output(op.mean, {x.back()});
        output(op.inverse_std, {x.back()});
        epilogue(op.epilogue, x, op.y);
    }
    void operator()(const BatchNormGradient& op) {
        const Shape x = input(op.x, 0, "batch norm x");
        same(input(op.dy, 0, "batch norm dy"), x, "batch norm dy");
        for (TensorId id : {op.gamma, op.mean, op.inverse_std})
            same(input(id, 1, "batch norm"), {x.back()}, "batch norm, per channel");
        output(op.dx, x);
    }

    // ---- pooling and pointwise
    void operator()(const MaxPool& op) { output(op.y, pooled(input(op.x, 4, "max pool x"), op)); }
    void operator()(const MaxPoolGradient& op) {
        const Shape& x = input(op.x, 4, "max pool x");
        same(input(op.dy, 4, "max pool dy"), pooled(x, op), "max pool dy");
        output(op.dx, x);
    }
    void operator()(const GlobalAveragePool& op) {
        const Shape& x = input(op.x, 4, "global average pool x");
        output(op.y, {x[0], x[3]});
    }
    void operator()(const GlobalAveragePoolGradient& op) {
        const Shape& dx = any(op.dx, 4, "global average pool dx");
        same(input(op.dy, 2, "global average pool dy"), {dx[0], dx[3]}, "global average pool dy");
        output(op.dx, dx);
    }
    void operator()(const AddRelu& op) {
        const Shape a = input(op.a, 0, "add a");
        same(input(op.b, 0, "add b"), a, "add b");
        quantiser(op.quantiser);
        if (op.saved != kNone) output(op.saved, a);
        output(op.y, a);
    }
    void operator()(const ActivationBackward& op) {
        same(input(op.dy, 0, "activation dy"), program_.shape(op.dx), "activation dy");
        gradient(op.dx, op.addend, op.activation);
    }

    // ---- fake quantisation and rounding
    void operator()(const FakeQuantise& op) {
        const Shape x = input(op.x, 0, "fake quantise x");
        quantiser(op.quantiser);
        output(op.y, x);
    }
    void operator()(const FakeQuantiseChannels& op) {
        const Shape x = input(op.x, 0, "fake quantise x");
        groups(op.scale, op.zero_point, x[0]);
        output(op.y, x);
    }
    void operator()(const FakeQuantiseChannelsGradient& op) {
        const Shape x = input(op.x, 0, "fake quantise x");
        same(input(op.dy, 0, "fake quantise dy"), x, "fake quantise dy");
        groups(op.scale, op.zero_point, x[0]);
        output(op.scale_gradient, {x[0]});
        output(op.dx, x);
    }
    void operator()(const RoundWeights& op) { rounding(op.rounding); }
    void operator()(const RoundingStep& op) {
        const Shape& w = program_.shape(op.rounding.w);
        for (TensorId id : {op.w_hat_gradient, op.first_moment, op.second_moment})
            same(input(id, 0, "rounding step"), w, "rounding step");
        state(op.state);
        rounding(op.rounding);
        if (op.penalty != kNone) output(op.penalty, {1});
    }
    void operator()(const ChannelScaleGradient& op) {
        const Shape w = input(op.w_hat, 0, "channel scale w_hat");
        same(input(op.w_hat_gradient, 0, "channel scale dw_hat"), w, "channel scale dw_hat");
        same(input(op.factor, 1, "channel scale factor"), {w[0]}, "channel scale factor");
        output(op.gradient, {w[0]});
    }
    void operator()(const ChannelShiftGradient& op) {
        output(op.gradient, {input(op.dy, 0, "channel shift dy").back()});
    }
    void operator()(const AdamStep& op) {
        const Shape& x = input(op.x, 0, "Adam x");
        for (TensorId id : {op.gradient, op.first_moment, op.second_moment}) same(input(id, 0, "Adam"), x, "Adam");
        state(op.state);
    }

    // ---- losses
    void operator()(const SquaredError& op) {
        const Shape y = input(op.y, 0, "squared error y");
        cache(op.target, op.indices, y, "squared error target");
        if (op.weight != kNone)
            same(input(op.weight, 0, "squared error weight"), program_.shape(op.target), "squared error weight");
        require(op.exponent >= 1.0, "squared error: exponent {}", op.exponent);
        output(op.dy, y);
        output(op.loss, {1});
    }
    void operator()(const KlDivergence& op) {
        const Shape logits = input(op.logits, 2, "KL logits");
        cache(op.target, op.indices, logits, "KL target");
        require(op.temperature > 0.0, "KL: temperature {}", op.temperature);
        output(op.dlogits, logits);
        output(op.loss, {1});
    }
    void operator()(const StatisticsLoss& op) {
        const Shape x = input(op.x, 4, "statistics x");
        for (TensorId id : {op.mean, op.variance}) same(input(id, 1, "statistics"), {x[3]}, "statistics");
        if (op.through) {
            same(input(op.through->dy, 4, "statistics dy"), x, "statistics dy");
            for (TensorId id : {op.through->gamma, op.through->inverse_std})
                same(input(id, 1, "batch norm"), {x[3]}, "batch norm, per channel");
        }
        require(op.epsilon > 0.0, "statistics: epsilon {}", op.epsilon);  // a map of one value has a slope then
        output(op.dx, x);
        output(op.loss, {1});
    }

    // ---- batches and step state
    void operator()(const AdvanceStep& op) {
        state(op.state);
        require(op.schedule.iterations > 0, "schedule: {} iterations", op.schedule.iterations);
        require(op.schedule.warm_up >= 0.0, "schedule: warm-up {}", op.schedule.warm_up);  // past 1: never over
        for (TensorId loss : op.losses) require(element_count(any(loss, 0, "loss")) == 1, "a loss is one number");
        if (!op.plateau) return;
        require(!op.schedule.cosine_scale_rate && !op.losses.empty(), "a plateau is that of losses, without a cosine");
        require(op.plateau->patience >= 0, "plateau: patience {}", op.plateau->patience);
    }
    void operator()(const DrawBatch& op) {
        state(op.state);
        const int64_t batch = any(op.indices, 1, "indices")[0];
        // Indices are kept as floats, which count to 2^24.
        require(op.population > 0 && op.population <= 1 << 24 && (op.replacement || batch <= op.population),
                "draw batch: {} of {}", batch, op.population);
        stream(op.stream);
        output(op.indices, {batch});
    }
    void operator()(const TakeBatch& op) {
        state(op.state);
        output(op.indices, {input(op.order, 2, "batch order")[1]});
    }
    void operator()(const Gather& op) {
        const Shape& y = program_.shape(op.y);
        cache(op.x, op.indices, y, "gather x");
        if (op.mixing) {
            same(input(op.mixing->other, 0, "gather other"), program_.shape(op.x), "gather other");
            probability(op.mixing->keep);
            stream(op.mixing->stream);
            state(op.mixing->state);
        }
        output(op.y, y);
    }

  private:
    template <typename Op>
    static int64_t extent(int64_t in, int64_t kernel, const Op& op) {
        const int64_t room = in + 2 * int64_t{op.padding} - kernel;
        require(room >= 0, "a {}-wide window does not fit a {}-wide map", kernel, in);
        return room / op.stride + 1;
    }
    template <typename Op>
    static Shape convolved(const Shape& x, const Shape& w, const Op& op) {
        require(x[3] == w[3], "convolution: x has {} channels, w {}", x[3], w[3]);
        require(op.stride >= 1 && op.padding >= 0, "convolution: stride {}, padding {}", op.stride, op.padding);
        return {x[0], extent(x[1], w[1], op), extent(x[2], w[2], op), w[0]};
    }
    static Shape multiplied(const Shape& x, const Shape& w) {
        require(x[1] == w[1], "linear: x has {} features, w {}", x[1], w[1]);
        return {x[0], w[0]};
    }
    template <typename Op>
    static Shape pooled(const Shape& x, const Op& op) {
        require(op.stride >= 1 && op.padding >= 0 && op.kernel > op.padding,
                "max pool: kernel {}, stride {}, padding {}", op.kernel, op.stride, op.padding);
        return {x[0], extent(x[1], op.kernel, op), extent(x[2], op.kernel, op), x[3]};
    }
    static void same(const Shape& found, const Shape& expected, const char* what) {
        require(found == expected, "{} is {}, expected {}", what, to_string(found), to_string(expected));
    }
    static void probability(float keep) { require(keep >= 0.0f && keep <= 1.0f, "probability {}", keep); }
    /// The fields share one word of the counter: larger ones would run into each other.
    static void stream(const Stream& s) {
        require(s.unit < 65536 && s.phase < 16 && s.site < 4096, "stream: unit {}, phase {}, site {}", s.unit, s.phase,
                s.site);
    }

    /// A tensor that may not have been written yet.
    const Shape& any(TensorId id, size_t rank, const char* what) const {
        require(id >= 0 && id < static_cast<TensorId>(written_.size()), "{}: no tensor {}", what, id);
        require(rank == 0 || program_.shape(id).size() == rank, "{}: rank {}", what, program_.shape(id).size());
        return program_.shape(id);
    }
    /// A part counts as its whole: whoever writes a tensor part by part is trusted to write all of it.
    size_t home(TensorId id) const {
        const TensorId whole = program_.tensors()[static_cast<size_t>(id)].whole;
        return static_cast<size_t>(whole == kNone ? id : whole);
    }
    const Shape& input(TensorId id, size_t rank, const char* what) const {
        const Shape& shape = any(id, rank, what);
        require(written_[home(id)], "{}: tensor {} is read before it is written", what, id);
        return shape;
    }
    void output(TensorId id, const Shape& expected) {
        same(any(id, 0, "output"), expected, "output");
        written_[home(id)] = true;
    }
    void state(TensorId id) const { same(input(id, 1, "step state"), {kStepValues}, "step state"); }
    void quantiser(const std::optional<OutputQuantiser>& q) const {
        if (!q) return;
        require(element_count(input(q->scale, 0, "quantiser scale")) == 1, "a quantiser has one scale");
        if (!q->dropping) return;
        require(!q->codes, "dropped elements cannot be codes");
        probability(q->dropping->keep);
        stream(q->dropping->stream);
        state(q->dropping->state);
    }
    void groups(TensorId scale, TensorId zero_point, int64_t channels) const {
        same(input(scale, 1, "scale"), {channels}, "scale");
        same(input(zero_point, 1, "zero point"), {channels}, "zero point");
    }
    void epilogue(const Epilogue& e, const Shape& y, TensorId id) {
        for (TensorId per_channel : {e.scale, e.shift}) {
            if (per_channel == kNone) continue;
            require(input(per_channel, 1, "epilogue")[0] == y.back(), "epilogue: {} values for {} channels",
                    program_.shape(per_channel)[0], y.back());
        }
        if (e.residual != kNone)
            require(input(e.residual, 0, "residual") == y, "residual differs in shape from the output");
        quantiser(e.quantiser);
        if (e.saved != kNone) output(e.saved, y);
        output(id, y);
    }
    void gradient(TensorId dx, TensorId addend, const ActivationGradient& a) {
        const Shape shape = any(dx, 0, "dx");
        if (addend != kNone) same(input(addend, 0, "addend"), shape, "addend");
        require(a.value != kNone || (!a.relu && !a.quantiser), "activation gradient: no saved value");
        if (a.value != kNone) same(input(a.value, 0, "saved value"), shape, "saved value");
        quantiser(a.quantiser);
        require(!a.quantiser || !a.quantiser->codes, "activation gradient: of codes");
        require(a.scale_gradient == kNone || a.quantiser, "activation gradient: a scale's without a quantiser");
        if (a.scale_gradient != kNone) output(a.scale_gradient, {1});
        output(dx, shape);
    }
    void rounding(const Rounding& r) {
        const Shape w = input(r.w, 0, "rounding w");
        same(input(r.v, 0, "rounding V"), w, "rounding V");
        const Shape scale = input(r.scale, 1, "rounding scale");
        require(scale[0] == 1 || scale[0] == w[0], "rounding: {} scales for {} channels", scale[0], w[0]);
        same(input(r.zero_point, 1, "rounding zero point"), scale, "rounding zero point");
        if (r.channel_scale != kNone) same(input(r.channel_scale, 1, "channel scale"), {w[0]}, "channel scale");
        output(r.w_hat, w);
    }
    void cache(TensorId rows, TensorId indices, const Shape& batch, const char* what) const {
        Shape expected = input(rows, 0, what);
        if (indices != kNone) {
            same(input(indices, 1, "indices"), {batch[0]}, "indices");
            expected[0] = batch[0];
        }
        same(batch, expected, what);
    }

    const Program& program_;
    std::vector<bool> written_;
};

}  // namespace

void check(const Program& program) {
    Checker checker(program);
    for (const Operation& operation : program.operations()) std::visit(checker, operation);
}

}  // namespace adaq
