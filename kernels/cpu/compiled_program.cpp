#include "kernels/cpu/compiled_program.h"

#include <algorithm>

#include "engine/error.h"

namespace adaq::cpu {
namespace {

/// Activations that an operation reads and the one it writes.
struct Uses {
    std::vector<TensorId> reads;
    TensorId write = kNone;
};

struct UsesOf {
    Uses operator()(const Convolution& op) const { return with_residual(op.x, op.epilogue, op.y); }
    Uses operator()(const Linear& op) const { return with_residual(op.x, op.epilogue, op.y); }
    Uses operator()(const MaxPool& op) const { return {{op.x}, op.y}; }
    Uses operator()(const GlobalAveragePool& op) const { return {{op.x}, op.y}; }
    Uses operator()(const AddRelu& op) const { return {{op.a, op.b}, op.y}; }
    Uses operator()(const FakeQuantise& op) const { return {{op.x}, op.y}; }

  private:
    static Uses with_residual(TensorId x, const Epilogue& e, TensorId y) {
        if (e.residual == kNone) return {{x}, y};
        return {{x, e.residual}, y};
    }
};

/// Largest activation of a chunk; a few of them are alive at a time and should share the last-level cache.
constexpr int64_t kChunkBytes = 4 << 20;
constexpr int64_t kSmallestChunk = 4;  // images: fewer starve the matrix products of deep, small maps

int64_t image_floats(const Shape& shape) { return element_count(shape) / shape[0]; }

}  // namespace

CpuProgram::CpuProgram(const Program& program) : program_(program), activation_(program.tensors().size()) {
    choose_chunk();
    place_tensors();
    for (const Operation& operation : program_.operations()) {
        steps_.push_back(std::visit([&](const auto& op) { return make_step(program_, op, chunk_); }, operation));
    }
}

void CpuProgram::choose_chunk() {
    int64_t largest = 1;
    for (const Operation& operation : program_.operations()) {
        Uses uses = std::visit(UsesOf{}, operation);
        uses.reads.push_back(uses.write);
        for (TensorId id : uses.reads) {
            const Shape& shape = program_.shape(id);
            require(batch_ == 0 || batch_ == shape[0], "program: batches of {} and {}", batch_, shape[0]);
            batch_ = shape[0];
            activation_[static_cast<size_t>(id)] = true;
            largest = std::max(largest, image_floats(shape));
        }
    }
    const int64_t fitting = kChunkBytes / (largest * static_cast<int64_t>(sizeof(float)));
    chunk_ = std::min(batch_, std::max(fitting, kSmallestChunk));
}

/// Temporaries take turns in a few workspaces: one is free again after the last operation that reads its tensor.
void CpuProgram::place_tensors() {
    const auto& tensors = program_.tensors();
    const auto& operations = program_.operations();
    std::vector<size_t> last_use(tensors.size(), 0);
    for (size_t i = 0; i < operations.size(); ++i) {
        for (TensorId id : std::visit(UsesOf{}, operations[i]).reads) last_use[static_cast<size_t>(id)] = i;
    }
    std::vector<size_t> place(tensors.size());
    std::vector<int64_t> size;
    std::vector<size_t> idle;
    for (size_t i = 0; i < operations.size(); ++i) {
        const Uses uses = std::visit(UsesOf{}, operations[i]);
        const auto y = static_cast<size_t>(uses.write);
        if (!tensors[y].bound) {
            const int64_t need = chunk_ * image_floats(tensors[y].shape);
            if (idle.empty()) {
                idle.push_back(size.size());
                size.push_back(0);
            }
            // The largest idle one: growing it costs least.
            auto chosen =
                std::max_element(idle.begin(), idle.end(), [&](size_t a, size_t b) { return size[a] < size[b]; });
            place[y] = *chosen;
            size[*chosen] = std::max(size[*chosen], need);
            idle.erase(chosen);
        }
        std::vector<TensorId> reads = uses.reads;
        std::sort(reads.begin(), reads.end());
        reads.erase(std::unique(reads.begin(), reads.end()), reads.end());
        for (TensorId id : reads) {
            const auto t = static_cast<size_t>(id);
            if (!tensors[t].bound && last_use[t] == i) idle.push_back(place[t]);
        }
    }
    for (int64_t floats : size) workspace_.emplace_back(floats);

    std::vector<View::Place> places(tensors.size());
    for (size_t i = 0; i < tensors.size(); ++i) {
        if (!tensors[i].bound) {
            if (activation_[i]) places[i].base = workspace_[place[i]].data();
            continue;
        }
        const auto* tensor = dynamic_cast<const CpuTensor*>(tensors[i].bound.get());
        require(tensor != nullptr, "cpu: a tensor of another device is bound");
        places[i] = {tensor->memory.data(), activation_[i] ? image_floats(tensors[i].shape) : 0, tensor};
    }
    view_ = std::make_unique<View>(std::move(places));
}

void CpuProgram::run(int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
        // The last chunk may overlap the one before it: the same images give the same values again.
        for (int64_t first = 0; first < batch_; first += chunk_) {
            view_->move_to(std::min(first, batch_ - chunk_));
            for (const auto& step : steps_) step->run(*view_);
        }
    }
}

}  // namespace adaq::cpu
