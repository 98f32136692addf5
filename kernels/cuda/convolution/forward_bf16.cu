#include "kernels/cuda/convolution/forward.h"

namespace adaq::cuda {

template Step forward_step<Math::bf16>(const Operands&, const ForwardFinish&);

}  // namespace adaq::cuda
