// The reference device: interprets a Program in float64, operation by operation, with no thought of speed.
#include "kernels/reference/device.h"

#include <algorithm>

#include "engine/error.h"
#include "kernels/reference/calibration.h"
#include "kernels/reference/operations.h"

namespace adaq::reference {
namespace {

struct ReferenceTensor : DeviceTensor {
    explicit ReferenceTensor(const Shape& s) : DeviceTensor(s), values(static_cast<size_t>(element_count(s))) {}
    std::vector<double> values;
};

class Interpreter : public CompiledProgram {
  public:
    explicit Interpreter(const Program& program) : program_(program) {
        for (const auto& entry : program.tensors()) {
            memory_.push_back(entry.bound ? std::dynamic_pointer_cast<ReferenceTensor>(entry.bound)
                                          : std::make_shared<ReferenceTensor>(entry.shape));
            require(memory_.back() != nullptr, "reference: a tensor of another device is bound");
        }
    }
    void run(int64_t n) override {
        for (int64_t i = 0; i < n; ++i) {
            for (const Operation& operation : program_.operations()) std::visit(*this, operation);
        }
    }

    void operator()(const Convolution& op) {
        const Shape &x = program_.shape(op.x), &w = program_.shape(op.w), &y = program_.shape(op.y);
        convolution({x[0], x[1], x[2], x[3], w[0], w[1], w[2], y[1], y[2], op.stride, op.padding}, at(op.x), at(op.w),
                    at(op.y));
        epilogue(at(op.y), y[0] * y[1] * y[2], y[3], resolve(op.epilogue));
    }
    void operator()(const Linear& op) {
        const Shape& y = program_.shape(op.y);
        linear(y[0], program_.shape(op.x)[1], y[1], at(op.x), at(op.w), at(op.y));
        epilogue(at(op.y), y[0], y[1], resolve(op.epilogue));
    }
    void operator()(const MaxPool& op) {
        const Shape &x = program_.shape(op.x), &y = program_.shape(op.y);
        max_pool({x[0], x[1], x[2], x[3], y[1], y[2], op.kernel, op.stride, op.padding}, at(op.x), at(op.y));
    }
    void operator()(const GlobalAveragePool& op) {
        const Shape& x = program_.shape(op.x);
        global_average_pool(x[0], x[1] * x[2], x[3], op.scale, at(op.x), at(op.y));
    }
    void operator()(const AddRelu& op) {
        const int64_t count = element_count(program_.shape(op.y));
        add_relu(count, at(op.a), op.a_scale, at(op.b), op.b_scale, at(op.y));
        if (!op.quantiser) return;
        EpilogueValues values;
        values.quantiser = resolve(*op.quantiser);
        epilogue(at(op.y), count, 1, values);
    }
    void operator()(const FakeQuantise& op) {
        const int64_t count = element_count(program_.shape(op.y));
        if (op.x != op.y) std::copy_n(at(op.x), count, at(op.y));
        EpilogueValues values;
        values.quantiser = resolve(op.quantiser);
        epilogue(at(op.y), count, 1, values);
    }

    template <typename Other>
    void operator()(const Other&) {
        throw std::logic_error("reference: no such operation");
    }

  private:
    double* at(TensorId id) { return id == kNone ? nullptr : memory_[static_cast<size_t>(id)]->values.data(); }
    QuantiserValues resolve(const OutputQuantiser& q) {
        return {q.grid, static_cast<float>(*at(q.scale)), q.zero_point, q.codes};
    }
    EpilogueValues resolve(const Epilogue& e) {
        EpilogueValues values{at(e.scale), at(e.shift), at(e.residual), e.residual_scale, e.relu, std::nullopt};
        if (e.quantiser) values.quantiser = resolve(*e.quantiser);
        return values;
    }

    Program program_;
    std::vector<std::shared_ptr<ReferenceTensor>> memory_;
};

class ReferenceDevice : public Device {
  public:
    std::string name() const override { return "reference"; }
    std::string description() const override { return "plain loops in float64"; }
    using Device::create;
    Buffer create(const Shape& shape, Dtype) override { return std::make_shared<ReferenceTensor>(shape); }
    void upload(DeviceTensor& tensor, std::span<const float> values) override {
        auto& memory = dynamic_cast<ReferenceTensor&>(tensor).values;
        require(values.size() == memory.size(), "upload: {} values into {}", values.size(), memory.size());
        std::copy(values.begin(), values.end(), memory.begin());
    }
    void download(const DeviceTensor& tensor, std::span<float> values) override {
        const auto& memory = values_of(tensor);
        require(values.size() == memory.size(), "download: {} values from {}", values.size(), memory.size());
        std::transform(memory.begin(), memory.end(), values.begin(), [](double v) { return static_cast<float>(v); });
    }
    std::unique_ptr<CompiledProgram> compile(const Program& program) override {
        check(program);
        return std::make_unique<Interpreter>(program);
    }
    std::vector<MinMax> min_max(const DeviceTensor& x, int64_t groups) override {
        return reference::min_max(values_of(x), groups);
    }
    std::vector<float> order_statistics(const DeviceTensor& x, int64_t groups,
                                        std::span<const int64_t> ranks) override {
        return reference::order_statistics(values_of(x), groups, ranks);
    }
    std::vector<BestRange> best_range(const DeviceTensor& x, int64_t groups, const RangeSearch& search) override {
        return reference::best_range(values_of(x), groups, search);
    }

  private:
    static const std::vector<double>& values_of(const DeviceTensor& tensor) {
        return dynamic_cast<const ReferenceTensor&>(tensor).values;
    }
};

}  // namespace

std::unique_ptr<Device> make_reference_device() { return std::make_unique<ReferenceDevice>(); }

}  // namespace adaq::reference
