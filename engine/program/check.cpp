// Checks that a Program's operations fit together: shapes and settings (each operation's own check), and the order of
// writes and reads.
#include <algorithm>

#include "engine/program/checker.h"

namespace adaq {

const Shape& Checker::shape(TensorId id, size_t rank, const char* what) const {
    require(id >= 0 && id < program_.tensors().count(), "{}: no tensor {}", what, id);
    require(rank == 0 || program_.shape(id).size() == rank, "{}: rank {}", what, program_.shape(id).size());
    return program_.shape(id);
}

void Checker::same(const Shape& found, const Shape& expected, const char* what) {
    require(found == expected, "{} is {}, expected {}", what, to_string(found), to_string(expected));
}

void Checker::vectors(std::initializer_list<TensorId> ids, int64_t extent, const char* what) const {
    for (TensorId id : ids) same(shape(id, 1, what), {extent}, what);
}

DType Checker::type(TensorId id, std::initializer_list<DType> expected, const char* what) const {
    const DType found = program_.tensor(id).type.dtype;
    require(std::count(expected.begin(), expected.end(), found) > 0, "{}: not of its element type", what);
    return found;
}

int64_t Checker::features(const Shape& x, const char* what) {
    require(x.size() == 2 || x.size() == 4, "{}: rank {}", what, x.size());
    return element_count(x) / x[0];
}

void Checker::pooled_whole(TensorId id, const Shape& map, const char* what) const {
    const Shape& found = shape(id, 0, what);
    same(found, found.size() == 4 ? Shape{map[0], 1, 1, map[3]} : Shape{map[0], map[3]}, what);
}

int64_t Checker::positions(int64_t in, const WindowAxis& axis) {
    require(axis.kernel >= 1 && axis.stride >= 1 && axis.dilation >= 1, "a window of {} with stride {}, dilation {}",
            axis.kernel, axis.stride, axis.dilation);
    require(axis.before >= 0 && axis.after >= 0, "a window with padding {} and {}", axis.before, axis.after);
    require(in + axis.before + axis.after >= axis.reach(), "a {}-wide window does not fit a {}-wide map", axis.reach(),
            in);
    return axis.positions(in);
}

Shape Checker::convolved(const Shape& x, const Shape& w, const ConvolutionWindow& window) {
    const int64_t groups = window.groups;
    require(groups >= 1 && w[0] % groups == 0 && x[3] == groups * w[3],
            "convolution: x has {} channels, w {} and {} outputs, in {} groups", x[3], w[3], w[0], groups);
    return {x[0], positions(x[1], window.rows(w[1])), positions(x[2], window.columns(w[2])), w[0]};
}

void Checker::probability(float keep) { require(keep >= 0.0f && keep <= 1.0f, "probability {}", keep); }

void Checker::stream(const Stream& s) {
    require(s.unit < 65536 && s.phase < 16 && s.site < 4096, "stream: unit {}, phase {}, site {}", s.unit, s.phase,
            s.site);
}

void Checker::cache(TensorId rows, TensorId indices, const Shape& batch, const char* what) const {
    Shape expected = shape(rows, 0, what);
    if (indices != kNone) {
        same(shape(indices, 1, "indices"), {batch[0]}, "indices");
        expected[0] = batch[0];
    }
    same(batch, expected, what);
}

void check(const Program& program) {
    const Checker checker(program);
    const auto check_types = [&]<typename Op>(const Op& op) {
        if constexpr (!requires { Op::kTakesCodes; })
            for_each_tensor(op, [&](TensorId id, const TensorUse&) {
                checker.type(id, {DType::f32, DType::bf16}, Op::kTraits.name);
            });
    };
    Indexed<bool> written;  // a part counts as its whole: whoever writes one is trusted to write all of it
    for (const Program::Entry& entry : program.tensors()) written.push_back(entry.bound != nullptr);
    for (const Operation& operation : program.operations()) {
        std::visit([&](const auto& op) { op.check(checker); }, operation);
        std::visit(check_types, operation);
        const char* const name = traits_of(operation).name;
        for_each_tensor(operation, [&](TensorId id, const TensorUse& use) {
            require(use.access == Access::write || use.access == Access::carried || written[program.home(id)],
                    "{}: tensor {} is read before it is written", name, id);
        });
        for_each_tensor(operation, [&](TensorId id, const TensorUse& use) {
            if (use.writes()) written[program.home(id)] = true;
        });
    }
}

}  // namespace adaq
