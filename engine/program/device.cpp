// What happens to a program before a device compiles it.
#include "engine/program/device.h"

#include "engine/error.h"
#include "engine/program/bf16_storage.h"
#include "engine/program/pieces.h"

namespace adaq {

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
