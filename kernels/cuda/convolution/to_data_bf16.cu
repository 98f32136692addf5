#include "kernels/cuda/convolution/to_data.h"

namespace adaq::cuda {

template CompiledOperation compile_to_data<Math::bf16>(const Operands&, const ToDataFinish&);

}  // namespace adaq::cuda
