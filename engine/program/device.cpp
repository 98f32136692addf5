// What happens to a program before a device compiles it.
#include "engine/program/device.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/program/bf16_storage.h"
#include "engine/program/pieces.h"

namespace adaq {

void check_ranks(std::span<const int64_t> ranks, int64_t elements) {
    require(std::is_sorted(ranks.begin(), ranks.end()) &&
                (ranks.empty() || (ranks.front() >= 0 && ranks.back() < elements)),
            "order_statistics: ranks are not ascending within 0 ... {}", elements - 1);
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
    store_as_bf16(program, math());
    return compile_checked(std::move(program));
}

}  // namespace adaq
