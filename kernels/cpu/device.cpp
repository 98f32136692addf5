// The CPU device: memory, compilation, and the calibration kernels.
#include "kernels/cpu/device.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "engine/error.h"
#include "engine/printable.h"
#include "engine/program/elements.h"
#include "engine/program/pieces.h"
#include "kernels/cpu/calibration/calibration.h"
#include "kernels/cpu/compiled_program.h"
#include "kernels/cpu/instruction_set.h"
#include "kernels/cpu/onednn.h"
#include "kernels/cpu/tensor.h"
#include "kernels/cpu/thread_count.h"
#include "kernels/cpu/training/program.h"
#include "kernels/host_memory.h"

namespace adaq::cpu {
namespace {

std::string processor_name() {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);) {
        if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
    }
    return "unknown processor";
}

/// "AVX-512, 2 threads, oneDNN 2.6.3 (AVX512_CORE_BF16)": all of the machine that results' bits depend on.
std::string instructions(int threads) {
    const auto* v = dnnl::version();
    return fmt::format("{}{}, {}, oneDNN {}.{}.{} ({})", own_instruction_set(),
                       c_library_fuses() ? "" : ", C library without FMA", plural(threads, "thread"), v->major,
                       v->minor, v->patch, onednn_instruction_set());
}

class CpuDevice : public Device {
  public:
    CpuDevice(int threads, Math math)
        : math_(math), threads_(threads > 0 ? threads : static_cast<int>(std::thread::hardware_concurrency())) {
        lanes_ = std::make_shared<Lanes>(threads_);
        // OpenMP will want as many, and ends the program where it cannot have them: an exception says so before.
        const Lanes room(threads_);
    }

    std::string name() const override { return "cpu"; }
    std::string description() const override {
        return fmt::format("{}, {}{}", processor_name(), instructions(threads_), math_ == Math::bf16 ? ", bf16" : "");
    }

    using Device::create;
    Buffer create(const Shape& shape, DType dtype, Placement placement) override {
        if (placement == Placement::device) return std::make_shared<CpuTensor>(shape, dtype);
        return std::make_shared<CpuTensor>(shape, dtype, spill_folder_.empty() ? temporary_folder() : spill_folder_);
    }
    int64_t free_memory() const override { return free_host_memory(); }
    void spill_into(const std::string& folder) override { spill_folder_ = folder; }
    void upload(DeviceTensor& tensor, std::span<const float> values) override {
        auto& target = dynamic_cast<CpuTensor&>(tensor);
        require(static_cast<int64_t>(values.size()) == element_count(target.shape()), "upload: {} values into {}",
                values.size(), to_string(target.shape()));
        if (target.dtype() == DType::f32)
            copy(values, target.memory.span());
        else
            store_elements(values, target.dtype(), target.memory.data());
        ++target.version;
    }
    void upload_bytes(DeviceTensor& tensor, std::span<const uint8_t> bytes) override {
        auto& target = dynamic_cast<CpuTensor&>(tensor);
        require(target.dtype() == DType::u8 && std::cmp_equal(bytes.size(), element_count(target.shape())),
                "upload: {} bytes into {}", bytes.size(), to_string(target.shape()));
        std::copy(bytes.begin(), bytes.end(), reinterpret_cast<uint8_t*>(target.memory.data()));
        ++target.version;
    }
    void upload_integers(DeviceTensor& tensor, std::span<const int32_t> integers) override {
        auto& target = dynamic_cast<CpuTensor&>(tensor);
        require(target.dtype() == DType::i32 && std::cmp_equal(integers.size(), element_count(target.shape())),
                "upload: {} integers into {}", integers.size(), to_string(target.shape()));
        std::copy(integers.begin(), integers.end(), reinterpret_cast<int32_t*>(target.memory.data()));
        ++target.version;
    }
    void keep_forms_alone(DeviceTensor& tensor) override {
        auto& kept = dynamic_cast<CpuTensor&>(tensor);
        if (kept.forms.bytes() > 0) kept.memory = {};
    }
    int64_t memory_of(const DeviceTensor& tensor) const override {
        const auto& held = dynamic_cast<const CpuTensor&>(tensor);
        return held.memory.size() * static_cast<int64_t>(sizeof(float)) + held.forms.bytes();
    }
    void download(const DeviceTensor& tensor, std::span<float> values) override {
        require(static_cast<int64_t>(values.size()) == element_count(tensor.shape()), "download: {} values from {}",
                values.size(), to_string(tensor.shape()));
        if (tensor.dtype() == DType::f32) return copy(span_of(tensor), values);
        load_elements(dynamic_cast<const CpuTensor&>(tensor).memory.data(), tensor.dtype(), values);
    }

    Math math() const override { return math_; }

    std::vector<MinMax> min_max(const DeviceTensor& x, int64_t groups) override {
        const ThreadCount inside(threads_);
        return cpu::min_max(span_of(x), groups);
    }
    std::vector<float> order_statistics(const DeviceTensor& x, int64_t groups,
                                        std::span<const int64_t> ranks) override {
        const ThreadCount inside(threads_);
        return cpu::order_statistics(span_of(x), groups, ranks);
    }
    std::vector<BestRange> best_range(const DeviceTensor& x, int64_t groups, const RangeSearch& search) override {
        const ThreadCount inside(threads_);
        return cpu::best_range(span_of(x), groups, search);
    }

  private:
    std::unique_ptr<CompiledProgram> compile_checked(Program program) override {
        if (!is_inference(program)) return std::make_unique<TrainingProgram>(std::move(program), threads_, math_);
        return std::make_unique<CpuProgram>(std::move(program), lanes_, math_);
    }
    /// On all threads: one alone does not use the memory's bandwidth.
    void copy(std::span<const float> from, std::span<float> to) const {
        constexpr size_t kPiece = size_t{1} << 18;
        const auto copy_piece = [&](int, int64_t piece) {
            const size_t first = piece * kPiece;
            std::copy_n(from.data() + first, std::min(kPiece, from.size() - first), to.data() + first);
        };
        const auto pieces = static_cast<int64_t>((from.size() + kPiece - 1) / kPiece);
        if (pieces == 1) return copy_piece(0, 0);
        lanes_->run(pieces, copy_piece);
    }
    static std::span<const float> span_of(const DeviceTensor& tensor) {
        require(tensor.dtype() == DType::f32, "cpu: a bf16 tensor where only float32 will do");
        return dynamic_cast<const CpuTensor&>(tensor).memory.span();
    }
    Math math_;
    int threads_;
    std::string spill_folder_;  // empty: the temporary one
    std::shared_ptr<Lanes> lanes_;
};

}  // namespace

std::unique_ptr<Device> make_cpu_device(int threads, Math math) {
    if (math == Math::tf32) usage_error("`math` tf32: no CPU computes in tf32; use fp32 or bf16");
    if (math == Math::bf16 && !multiplies_bf16())
        usage_error("`math` bf16: oneDNN has {} here, which multiplies no bf16 (AVX512_BF16 or AMX does); use fp32",
                    onednn_instruction_set());
    return std::make_unique<CpuDevice>(threads, math);
}

}  // namespace adaq::cpu
