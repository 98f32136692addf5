#include "tools/run/npy.h"

#include <fmt/format.h>

namespace adaq {

NpyWriter::NpyWriter(const std::string& path, int64_t rows, int64_t columns) : file_(path) {
    std::string header = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, columns);
    constexpr size_t kPreamble = 10, kAlignment = 64;
    header.resize((kPreamble + header.size() + 1 + kAlignment - 1) / kAlignment * kAlignment - kPreamble, ' ');
    header.back() = '\n';
    const auto length = static_cast<unsigned>(header.size());
    std::string preamble("\x93NUMPY\x01\x00", 8);
    preamble += static_cast<char>(length & 0xff);
    preamble += static_cast<char>(length >> 8);
    file_.write(preamble);
    file_.write(header);
}

void NpyWriter::add(std::span<const float> rows) { file_.write(std::as_bytes(rows)); }

}  // namespace adaq
