#include "kernels/cuda/convolution/to_data.h"

namespace adaq::cuda {

template Step to_data_step<Math::tf32>(const Operands&, const ToDataFinish&);

}  // namespace adaq::cuda
