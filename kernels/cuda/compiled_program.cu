#include "kernels/cuda/compiled_program.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/program/program.h"
#include "kernels/cuda/convolution/sizes.h"

#if defined(ADAQ_EMULATE)
#include "kernels/emulator/settings.h"
#endif

namespace adaq::cuda {
namespace {

/// Whether temporaries lie in one arena; else each has a piece to itself, so that the emulator sees its bounds.
bool share_memory() {
#if defined(ADAQ_EMULATE)
    return emulator::settings().share_memory;
#else
    return true;
#endif
}

/// Products whose operands are copied float by float read float32 alone.
void keep_float_operands(Program& program) {
    for (const Operation& operation : std::vector(program.operations())) {
        const std::optional<ProductTensors> product = product_of(operation);
        if (!product) continue;
        const Shape& w = program.shape(product->weights);
        if (in_vectors(w.back(), w.front(), Math::bf16)) continue;
        for_each_tensor(operation, [&](TensorId id, const TensorUse& use) {
            if (use.bf16 != Bf16::product || !program.is_bf16(id)) return;
            require(!program.tensor(id).bound, "cuda: a bf16 tensor where only float32 will do");
            program.retype(id, DType::f32);
        });
    }
}

}  // namespace

CudaProgram::CudaProgram(Program program, std::shared_ptr<Queue> queue, const ProgramSettings& settings)
    : program_(std::move(program)),
      queue_(std::move(queue)),
      places_(program_.tensors().size(), nullptr),
      mark_(program_) {
    keep_float_operands(program_);
    place_tensors();
    std::vector<CompiledOperation> operations = compile_operations(settings);
    give_scratch(operations);
    if (settings.wait_for_each) {
        operations_ = std::move(operations);
    } else {
        capture(operations);
    }
}

CudaProgram::~CudaProgram() {
    static_cast<void>(cudaStreamSynchronize(queue_->get()));
    if (graph_) static_cast<void>(cudaGraphExecDestroy(graph_));
}

std::vector<CompiledOperation> CudaProgram::compile_operations(const ProgramSettings& settings) const {
    const Context context{program_, places_, settings.card, settings.math, settings.choice, settings.wgmma};
    std::vector<CompiledOperation> operations;
    for (const Operation& operation : program_.operations())
        operations.push_back(std::visit([&](const auto& op) { return compile_operation(context, op); }, operation));
    return operations;
}

void CudaProgram::place_tensors() {
    const Arena arena = make_arena(program_);
    const bool shared = share_memory();
    if (shared) memory_.emplace_back(arena.floats * sizeof(float));
    const auto& tensors = program_.tensors();
    for (TensorId id = 0; id < tensors.count(); ++id) {
        const Program::Entry& entry = tensors[id];
        if (entry.bound) {
            const auto* bound = dynamic_cast<const CudaTensor*>(entry.bound.get());
            require(bound != nullptr, "cuda: a tensor of another device is bound");
            places_[id] = bound->memory.as<float>();
        } else if (entry.whole != kNone) {
            float* const whole = places_[entry.whole];  // made before its parts
            const int64_t row_bytes = bytes_of(entry.type) / entry.shape()[0];
            auto* const bytes = reinterpret_cast<unsigned char*>(whole);
            places_[id] = whole ? reinterpret_cast<float*>(bytes + entry.first_row * row_bytes) : nullptr;
        } else if (arena.offsets[id] >= 0) {  // else no operation uses it
            if (!shared) memory_.emplace_back(bytes_of(entry.type));
            places_[id] = memory_.back().as<float>() + (shared ? arena.offsets[id] : 0);
        }
    }
}

void CudaProgram::give_scratch(const std::vector<CompiledOperation>& operations) {
    const bool shared = share_memory();
    size_t most = 0;
    for (const CompiledOperation& operation : operations) most = std::max(most, operation.scratch_bytes);
    if (shared) memory_.emplace_back(most);
    for (const CompiledOperation& operation : operations) {
        if (!shared) memory_.emplace_back(operation.scratch_bytes);
        scratch_.push_back(memory_.back().get());
    }
}

void CudaProgram::enqueue(const std::vector<CompiledOperation>& operations, size_t index) const {
    try {
        operations[index].enqueue(queue_->get(), scratch_[index]);
    } catch (const DataError& error) {
        data_error("{}: {}", describe(program_, index), error.what());
    }
}

void CudaProgram::capture(const std::vector<CompiledOperation>& operations) {
    check_cuda(cudaStreamBeginCapture(queue_->get(), cudaStreamCaptureModeThreadLocal));
    cudaGraph_t graph = nullptr;
    try {
        for (size_t i = 0; i < operations.size(); ++i) enqueue(operations, i);
    } catch (...) {  // the stream must not stay as it is
        static_cast<void>(cudaStreamEndCapture(queue_->get(), &graph));
        if (graph) static_cast<void>(cudaGraphDestroy(graph));
        throw;
    }
    check_cuda(cudaStreamEndCapture(queue_->get(), &graph));
    const cudaError_t status = cudaGraphInstantiate(&graph_, graph, 0);
    static_cast<void>(cudaGraphDestroy(graph));
    check_cuda(status);
}

void CudaProgram::run_one_by_one() const {
    for (size_t i = 0; i < operations_.size(); ++i) {
        enqueue(operations_, i);
        const cudaError_t status = cudaStreamSynchronize(queue_->get());
        if (status != cudaSuccess)
            data_error("{}: {}", describe(program_, i), message_of(status, std::source_location::current()));
    }
}

void CudaProgram::run(int64_t n) {
    const auto iteration = [this] {
        if (graph_) {
            check_finished(cudaGraphLaunch(graph_, queue_->get()));
        } else {
            run_one_by_one();
        }
    };
    for (int64_t i = 0; i < n; ++i) mark_.run(*queue_, iteration);
}

}  // namespace adaq::cuda
