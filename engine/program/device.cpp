// What happens to a program before a device compiles it.
#include "engine/program/device.h"

#include "engine/error.h"
#include "engine/program/bf16_storage.h"
#include "engine/program/pieces.h"

namespace adaq {
namespace {

/// Of an operation: what its output goes through, or went through on the way forward.
struct ActivationOf {
    template <typename Op>
    Activation operator()(const Op& op) const {
        if constexpr (requires { op.epilogue; }) {
            return op.epilogue.activation;
        } else if constexpr (requires { op.activation.activation; }) {
            return op.activation.activation;
        } else if constexpr (requires { op.activation->activation; }) {
            return op.activation ? op.activation->activation : Activation::none();
        } else if constexpr (requires { op.activation; }) {
            return op.activation;
        } else {
            return Activation::none();
        }
    }
};

constexpr auto kTakesCodes = []<typename Op>(const Op&) {
    return requires { Op::kTakesCodes; };
};

}  // namespace

/// Operations in integers clamp to any bounds.
bool Device::supports(const Operation& operation) const {
    if (std::visit(kTakesCodes, operation)) return true;
    const Activation activation = std::visit(ActivationOf(), operation);
    return !activation || activation.is_relu();
}

void Device::upload_bytes(DeviceTensor& tensor, std::span<const uint8_t> bytes) {
    upload(tensor, std::vector<float>(bytes.begin(), bytes.end()));
}

void Device::edit(DeviceTensor& tensor, std::vector<float>& room, const Edit& change) {
    room.resize(element_count(tensor.shape()));
    download(tensor, room);
    change(room);
    upload(tensor, room);
}

std::unique_ptr<CompiledProgram> Device::compile(Program program) {
    check(program);
    program = in_pieces(program, limits());
    check_limits(program, limits());
    for (size_t i = 0; i < program.operations().size(); ++i) {
        if (!supports(program.operations()[i])) data_error("{}: not on the device {}", describe(program, i), name());
    }
    store_as_bf16(program, math());
    return compile_checked(std::move(program));
}

}  // namespace adaq
