#include "kernels/cuda/convolution/forward.h"

namespace adaq::cuda {

template Step forward_step<Math::f32>(const Operands&, const ForwardFinish&);

}  // namespace adaq::cuda
