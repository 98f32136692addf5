#include "kernels/cuda/device.h"

#include "engine/error.h"
#include "engine/program/elements.h"
#include "kernels/cuda/calibration/calibration.h"
#include "kernels/cuda/compiled_program.h"
#include "kernels/cuda/memory.h"

namespace adaq::cuda {
namespace {

class CudaDevice : public Device {
  public:
    CudaDevice(const std::string& name, const ProgramSettings& settings) : settings_(settings), name_(name) {}

    std::string name() const override { return "cuda"; }
    std::string description() const override {
        int driver = 0;
        check_cuda(cudaDriverGetVersion(&driver));
        return fmt::format("{}, sm_{}, {} multiprocessors, {} products, CUDA driver {}.{}", name_,
                           settings_.card.capability, settings_.card.multiprocessors, to_string(settings_.math),
                           driver / 1000, driver % 1000 / 10);
    }

    Buffer create(const Shape& shape, DType dtype, Placement placement) override {
        return std::make_shared<CudaTensor>(shape, dtype, placement);
    }
    int64_t free_memory() const override {
        size_t free = 0, all = 0;
        check_cuda(cudaMemGetInfo(&free, &all));
        return static_cast<int64_t>(free);
    }

    void upload(DeviceTensor& tensor, std::span<const float> values) override {
        const auto& to = tensor_of(tensor, values.size());
        if (tensor.dtype() == DType::f32) return queue_->to_device(to.memory.get(), values.data(), to.memory.bytes());
        std::vector<std::byte> elements(to.memory.bytes());
        store_elements(values, tensor.dtype(), elements.data());
        queue_->to_device(to.memory.get(), elements.data(), to.memory.bytes());
    }
    void upload_integers(DeviceTensor& tensor, std::span<const int32_t> integers) override {
        const auto& to = tensor_of(tensor, integers.size());
        require(tensor.dtype() == DType::i32, "upload: integers into a tensor of another type");
        queue_->to_device(to.memory.get(), integers.data(), to.memory.bytes());
    }
    void download(const DeviceTensor& tensor, std::span<float> values) override {
        const auto& from = tensor_of(tensor, values.size());
        if (tensor.dtype() == DType::f32) return queue_->to_host(values.data(), from.memory.get(), from.memory.bytes());
        std::vector<std::byte> elements(from.memory.bytes());
        queue_->to_host(elements.data(), from.memory.get(), from.memory.bytes());
        load_elements(elements.data(), tensor.dtype(), values);
    }

    DeviceLimits limits() const override { return settings_.limits; }
    Math math() const override { return settings_.math; }

    std::vector<MinMax> min_max(const DeviceTensor& x, int64_t groups) override {
        return cuda::min_max(groups_of(x, groups), *queue_);
    }
    std::vector<float> order_statistics(const DeviceTensor& x, int64_t groups,
                                        std::span<const int64_t> ranks) override {
        return cuda::order_statistics(groups_of(x, groups), ranks, *queue_);
    }
    std::vector<BestRange> best_range(const DeviceTensor& x, int64_t groups, const RangeSearch& search) override {
        return cuda::best_range(groups_of(x, groups), search, *queue_);
    }

  private:
    std::unique_ptr<CompiledProgram> compile_checked(Program program) override {
        return std::make_unique<CudaProgram>(std::move(program), queue_, settings_);
    }
    static const CudaTensor& tensor_of(const DeviceTensor& tensor, size_t values) {
        require(std::cmp_equal(values, element_count(tensor.shape())), "cuda: {} values for a tensor of {}", values,
                to_string(tensor.shape()));
        return dynamic_cast<const CudaTensor&>(tensor);
    }
    static Groups groups_of(const DeviceTensor& tensor, int64_t groups) {
        require(tensor.dtype() == DType::f32, "cuda: a tensor that is not of float32, where only that will do");
        const int64_t count = element_count(tensor.shape());
        require(groups > 0 && count % groups == 0 && count > 0, "cuda: {} values in {} groups", count, groups);
        return {dynamic_cast<const CudaTensor&>(tensor).memory.as<float>(), groups, count / groups};
    }

    ProgramSettings settings_;
    std::string name_;
    std::shared_ptr<Queue> queue_ = std::make_shared<Queue>();
};

}  // namespace

bool cuda_available() {
    int count = 0;
    return cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
}

std::unique_ptr<Device> make_cuda_device(Math math, std::optional<Choice> choice, bool wgmma,
                                         const DeviceLimits& limits) {
    int count = 0;
    const cudaError_t status = cudaGetDeviceCount(&count);
    if (status != cudaSuccess) usage_error("`device` cuda: no card to be had ({})", cudaGetErrorString(status));
    if (count == 0) usage_error("`device` cuda: this machine has no CUDA card; use `device` cpu");
    cudaDeviceProp card{};
    check_cuda(cudaGetDeviceProperties(&card, 0));
    if (card.major * 10 + card.minor < 75)
        usage_error("`device` cuda: {} is sm_{}{}, sm_75 is the oldest that will do", card.name, card.major,
                    card.minor);
    if (math != Math::f32 && card.major < 8)
        usage_error("`math` {}: {} has no such tensor cores; use fp32", to_string(math), card.name);
    if (wgmma && math != Math::tf32) usage_error("`wgmma`: with `math` tf32 alone, not {}", to_string(math));
    if (wgmma && (card.major != 9 || card.minor != 0))
        usage_error("`wgmma`: {} is sm_{}{}; only sm_90 has these products", card.name, card.major, card.minor);
    check_cuda(cudaSetDevice(0));
    const Card known{card.multiProcessorCount, card.major * 10 + card.minor, card.sharedMemPerBlockOptin};
    return std::make_unique<CudaDevice>(
        card.name, ProgramSettings{known, math, choice, wgmma, limits, waits_for_each_operation()});
}

}  // namespace adaq::cuda
