#include "kernels/cpu/training/program.h"

#include <algorithm>

#include "engine/error.h"
#include "kernels/cpu/thread_count.h"
#include "kernels/cpu/training/compiled_operations.h"

namespace adaq::cpu {
TrainingProgram::TrainingProgram(Program program, int threads, Math math)
    : program_(std::move(program)), threads_(threads), arena_(make_arena(program_)), temporaries_(arena_.floats) {
    const Constants constants(program_);
    const ThreadCount inside(threads_);
    view_ = std::make_unique<View>(0, places(constants));
    int64_t scratch = 0;
    for (const Operation& operation : program_.operations()) {
        operations_.push_back(std::visit(
            [&](const auto& op) {
                return compile_for_training(program_, op, TrainingSetting{threads_, math, constants});
            },
            operation));
        scratch = std::max(scratch, operations_.back()->scratch_floats());
    }
    scratch_ = AlignedFloats(scratch);
    view_->set_scratch(scratch_.data());
}

Indexed<View::Place> TrainingProgram::places(const Constants& constants) {
    Indexed<View::Place> places;
    for (TensorId id = 0; id < program_.tensors().count(); ++id) {
        const Program::Entry& entry = program_.tensor(id);
        auto* bound = dynamic_cast<CpuTensor*>(entry.bound.get());
        require(!entry.bound || bound, "cpu: a tensor of another device is bound");
        // Other bound tensors may be written by the program: whoever keeps a copy of one makes it anew in every run.
        if (bound && !constants(id)) changing_.push_back(bound);
        places.push_back({memory_of(id), 0, 0, constants(id) ? &bound->version : &runs_, program_.is_bf16(id)});
    }
    return places;
}

float* TrainingProgram::memory_of(TensorId id) {
    const Program::Entry& entry = program_.tensor(id);
    if (entry.whole != kNone) {
        float* const whole = memory_of(entry.whole);
        const int64_t row = bytes_of(entry.type) / entry.shape()[0];
        return whole ? reinterpret_cast<float*>(reinterpret_cast<char*>(whole) + entry.first_row * row) : nullptr;
    }
    if (!entry.bound) {
        const int64_t offset = arena_.offsets[id];
        return offset < 0 ? nullptr : temporaries_.data() + offset;  // null: no operation uses it
    }
    return static_cast<const CpuTensor&>(*entry.bound).memory.data();
}

void TrainingProgram::run(int64_t n) {
    const ThreadCount inside(threads_);
    for (int64_t i = 0; i < n; ++i) {
        ++runs_;
        for (const auto& operation : operations_) {
            operation->refresh(*view_);
            operation->run(*view_);
        }
    }
    for (CpuTensor* tensor : changing_) ++tensor->version;  // for whoever keeps a copy in another program
}

}  // namespace adaq::cpu
