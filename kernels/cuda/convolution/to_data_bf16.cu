#include "kernels/cuda/convolution/to_data.h"

namespace adaq::cuda {

template Step to_data_step<Math::bf16>(const Operands&, const ToDataFinish&);

}  // namespace adaq::cuda
