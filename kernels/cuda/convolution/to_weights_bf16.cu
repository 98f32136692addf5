#include "kernels/cuda/convolution/to_weights.h"

namespace adaq::cuda {

template CompiledOperation compile_to_weights<Math::bf16>(const Operands&, const ToWeightsFinish&);

}  // namespace adaq::cuda
