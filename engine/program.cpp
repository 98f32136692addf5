// Building a Program and checking that its operations fit together (engine/device.h).
#include "engine/device.h"
#include "engine/error.h"

namespace adaq {

TensorId Program::bind(const Buffer& buffer) {
    require(buffer != nullptr, "Program::bind: no buffer");
    for (size_t i = 0; i < tensors_.size(); ++i) {
        if (tensors_[i].bound == buffer) return static_cast<TensorId>(i);
    }
    tensors_.push_back({buffer->shape(), buffer, kNone, 0});
    return static_cast<TensorId>(tensors_.size()) - 1;
}

TensorId Program::temporary(Shape shape) {
    tensors_.push_back({std::move(shape), nullptr, kNone, 0});
    return static_cast<TensorId>(tensors_.size()) - 1;
}

TensorId Program::rows(TensorId whole, int64_t first, int64_t count) {
    const Entry& entry = tensors_.at(static_cast<size_t>(whole));
    require(!entry.shape.empty() && first >= 0 && count > 0 && first + count <= entry.shape[0],
            "Program::rows: {} to {} of {}", first, first + count, to_string(entry.shape));
    Shape shape = entry.shape;
    shape[0] = count;
    const bool part = entry.whole != kNone;
    tensors_.push_back({shape, nullptr, part ? entry.whole : whole, part ? entry.first_row + first : first});
    return static_cast<TensorId>(tensors_.size()) - 1;
}

namespace {

class Checker {
  public:
    explicit Checker(const Program& program) : program_(program), written_(program.tensors().size()) {
        for (size_t i = 0; i < written_.size(); ++i) written_[i] = program.tensors()[i].bound != nullptr;
    }

    void operator()(const Convolution& op) {
        const Shape &x = input(op.x, 4, "convolution x"), &w = input(op.w, 4, "convolution w");
        require(x[3] == w[3], "convolution: x has {} channels, w {}", x[3], w[3]);
        require(op.stride >= 1 && op.padding >= 0, "convolution: stride {}, padding {}", op.stride, op.padding);
        epilogue(op.epilogue, {x[0], extent(x[1], w[1], op), extent(x[2], w[2], op), w[0]}, op.y);
    }
    void operator()(const Linear& op) {
        const Shape &x = input(op.x, 2, "linear x"), &w = input(op.w, 2, "linear w");
        require(x[1] == w[1], "linear: x has {} features, w {}", x[1], w[1]);
        epilogue(op.epilogue, {x[0], w[0]}, op.y);
    }
    void operator()(const MaxPool& op) {
        const Shape& x = input(op.x, 4, "max pool x");
        require(op.kernel > op.padding, "max pool: kernel {}, padding {}", op.kernel, op.padding);
        output(op.y, {x[0], extent(x[1], op.kernel, op), extent(x[2], op.kernel, op), x[3]});
    }
    void operator()(const GlobalAveragePool& op) {
        const Shape& x = input(op.x, 4, "global average pool x");
        output(op.y, {x[0], x[3]});
    }
    void operator()(const AddRelu& op) {
        const Shape a = input(op.a, 0, "add a");
        require(input(op.b, 0, "add b") == a, "add: a is {}, b {}", to_string(a), to_string(program_.shape(op.b)));
        quantiser(op.quantiser);
        output(op.y, a);
    }
    void operator()(const FakeQuantise& op) {
        const Shape x = input(op.x, 0, "fake quantise x");
        quantiser(op.quantiser);
        output(op.y, x);
    }

    template <typename Other>
    void operator()(const Other&) {}

  private:
    template <typename Op>
    static int64_t extent(int64_t in, int64_t kernel, const Op& op) {
        const int64_t room = in + 2 * op.padding - kernel;
        require(room >= 0, "a {}-wide window does not fit a {}-wide map", kernel, in);
        return room / op.stride + 1;
    }
    const Shape& input(TensorId id, size_t rank, const char* what) {
        require(id >= 0 && id < static_cast<TensorId>(written_.size()), "{}: no tensor {}", what, id);
        require(written_[static_cast<size_t>(id)], "{}: tensor {} is read before it is written", what, id);
        require(rank == 0 || program_.shape(id).size() == rank, "{}: rank {}", what, program_.shape(id).size());
        return program_.shape(id);
    }
    void output(TensorId id, const Shape& expected) {
        require(id >= 0 && id < static_cast<TensorId>(written_.size()), "no tensor {} to write", id);
        require(program_.shape(id) == expected, "output is {}, expected {}", to_string(program_.shape(id)),
                to_string(expected));
        written_[static_cast<size_t>(id)] = true;
    }
    void quantiser(const std::optional<OutputQuantiser>& q) {
        if (q) require(element_count(input(q->scale, 0, "quantiser scale")) == 1, "a quantiser has one scale");
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
        output(id, y);
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
