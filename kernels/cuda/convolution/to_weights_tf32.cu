#include "kernels/cuda/convolution/to_weights.h"

namespace adaq::cuda {

template Step to_weights_step<Math::tf32>(const Operands&, const ToWeightsFinish&);

}  // namespace adaq::cuda
