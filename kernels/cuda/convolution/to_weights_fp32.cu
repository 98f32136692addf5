#include "kernels/cuda/convolution/to_weights.h"

namespace adaq::cuda {

template CompiledOperation compile_to_weights<Math::f32>(const Operands&, const ToWeightsFinish&);

}  // namespace adaq::cuda
