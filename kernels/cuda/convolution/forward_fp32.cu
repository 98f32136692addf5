#include "kernels/cuda/convolution/forward.h"

namespace adaq::cuda {

template CompiledOperation compile_forward<Math::f32>(const Operands&, const ForwardFinish&);

}  // namespace adaq::cuda
