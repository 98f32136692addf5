#include "kernels/cpu/compiled_program.h"

#include <algorithm>
#include <chrono>

#include "engine/error.h"
#include "kernels/cpu/thread_count.h"

namespace adaq::cpu {
CpuProgram::CpuProgram(Program program, std::shared_ptr<Lanes> lanes, Math math)
    : program_(std::move(program)), lanes_(std::move(lanes)), plan_(make_plan(program_, lanes_->count())) {
    keep_sums_in_place();
    for (int lane = 0; lane < plan_.lanes; ++lane) {
        workspaces_.emplace_back();
        for (int64_t floats : plan_.slot_floats) workspaces_.back().emplace_back(floats);
        views_.push_back(make_view(lane));
    }
    compile_operations(math);
    give_scratch();
}

/// A sum in place has the type of the residual whose place it takes.
void CpuProgram::keep_sums_in_place() {
    for (size_t i = 0; i < plan_.in_place.size(); ++i)
        if (plan_.in_place[i]) program_.retype(std::get<Convolution>(program_.operations()[i]).y, DType::f32);
}

View CpuProgram::make_view(int lane) const {
    const auto& tensors = program_.tensors();
    Indexed<View::Place> places(tensors.size());
    for (TensorId i = 0; i < tensors.count(); ++i) {
        const bool half = program_.is_bf16(i);
        const int64_t stride = plan_.activation[i] ? bytes_of(tensors[i].type) / tensors[i].shape()[0] : 0;
        if (!tensors[i].bound) {
            const TemporaryPlace& place = plan_.temporaries[i];
            if (place.slot < 0) continue;
            const AlignedFloats& slot = workspaces_[lane][place.slot];
            places[i] = {slot.data(), stride, place.images, nullptr, half};
            continue;
        }
        const auto* tensor = dynamic_cast<const CpuTensor*>(tensors[i].bound.get());
        require(tensor != nullptr, "cpu: a tensor of another device is bound");
        places[i] = {tensor->memory.data(), stride, 0, &tensor->version, half};
    }
    return View(lane, std::move(places));
}

void CpuProgram::compile_operations(Math math) {
    const ThreadCount inside_operations(plan_.threads_of_a_lane);
    for (size_t i = 0; i < program_.operations().size(); ++i) {
        const Operation& operation = program_.operations()[i];
        OperationSetting setting{plan_.phase_of(i).images, plan_.lanes, plan_.threads_of_a_lane, plan_.in_place[i]};
        setting.math = math;
        if (const auto* op = std::get_if<Convolution>(&operation)) setting.of_values = plan_.holds_values[op->x];
        const auto make = [&](const auto& op) -> std::unique_ptr<CompiledOperation> {
            if constexpr (std::remove_cvref_t<decltype(op)>::kTraits.purpose == Purpose::inference)
                return compile_operation(program_, op, setting);
            throw std::logic_error("cpu: not an operation of inference");
        };
        operations_.push_back(std::visit(make, operation));
    }
}

void CpuProgram::give_scratch() {
    int64_t floats = 0;
    for (const auto& operation : operations_) floats = std::max(floats, operation->scratch_floats());
    for (View& view : views_) {
        scratch_.emplace_back(floats);
        view.set_scratch(scratch_.back().data());
    }
}

void CpuProgram::run(int64_t n) {
    for (int64_t i = 0; i < n; ++i) run_polled({});
}

void CpuProgram::run_once(const Poll& poll, std::span<double> seconds) {
    if (poll) poll();
    const ThreadCount inside_operations(plan_.threads_of_a_lane);
    std::vector<double> of_lanes(seconds.size() * plan_.lanes);
    const auto run_one = [&](int lane, int64_t group) {
        if (poll && lane == 0) poll();  // which takes an item where the others leave one
        run_phases(views_[lane], plan_.phases.size(), group, 0, plan_.group,
                   std::span(of_lanes).subspan(lane * seconds.size(), seconds.size()));
    };
    for (const auto& operation : operations_) operation->refresh(views_.front());
    const int64_t groups = plan_.batch / plan_.group;
    if (plan_.lanes == 1)
        for (int64_t g = 0; g < groups; ++g) run_one(0, g * plan_.group);
    else
        lanes_->run(
            groups, [&](int lane, int64_t g) { run_one(lane, g * plan_.group); },
            has_run_ ? Lanes::First::whoever : Lanes::First::each);
    has_run_ = true;
    // What remains overlaps the last group: the same images give the same values again.
    if (plan_.batch % plan_.group != 0) run_one(0, plan_.batch - plan_.group);
    for (size_t i = 0; i < of_lanes.size(); ++i) seconds[i % seconds.size()] += of_lanes[i];
}

/// The first `phases` phases on images [first, last) of the group.
void CpuProgram::run_phases(View& view, size_t phases, int64_t group, int64_t first, int64_t last,
                            std::span<double> seconds) {
    if (phases == 0) return;
    const Phase& phase = plan_.phases[phases - 1];
    for (int64_t index = first; index < last; index += phase.images) {
        run_phases(view, phases - 1, group, index, index + phase.images, seconds);
        view.move_to(group, index);
        for (size_t i = phase.first; i < phase.last; ++i) {
            if (seconds.empty()) {
                operations_[i]->run(view);
                continue;
            }
            const auto start = std::chrono::steady_clock::now();
            operations_[i]->run(view);
            seconds[i] += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        }
    }
}

ProgramMemory CpuProgram::memory() const {
    ProgramMemory memory;
    for (const auto& of_lane : workspaces_)
        for (const AlignedFloats& slot : of_lane) memory.temporaries += slot.size();
    for (const AlignedFloats& scratch : scratch_) memory.workspace += scratch.size();
    constexpr auto kBytes = static_cast<int64_t>(sizeof(float));
    return {memory.temporaries * kBytes, memory.workspace * kBytes};
}

}  // namespace adaq::cpu
