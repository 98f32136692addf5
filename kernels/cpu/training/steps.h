// One factory an operation of training, each in the file of its name. A step works on the whole batch.
#pragma once

#include <memory>

#include "kernels/cpu/step.h"

namespace adaq::cpu {

std::unique_ptr<Step> make_training_step(const Program&, const Convolution&, int threads);
std::unique_ptr<Step> make_training_step(const Program&, const ConvolutionToData&, int threads);
std::unique_ptr<Step> make_training_step(const Program&, const ConvolutionToWeights&, int threads);
std::unique_ptr<Step> make_training_step(const Program&, const Linear&, int threads);
std::unique_ptr<Step> make_training_step(const Program&, const LinearToData&, int threads);
std::unique_ptr<Step> make_training_step(const Program&, const LinearToWeights&, int threads);
std::unique_ptr<Step> make_training_step(const Program&, const BatchNorm&, int threads);
std::unique_ptr<Step> make_training_step(const Program&, const BatchNormGradient&, int threads);
std::unique_ptr<Step> make_training_step(const Program&, const MaxPool&, int threads);
std::unique_ptr<Step> make_training_step(const Program&, const MaxPoolGradient&, int threads);
std::unique_ptr<Step> make_training_step(const Program&, const GlobalAveragePool&, int threads);
std::unique_ptr<Step> make_training_step(const Program&, const GlobalAveragePoolGradient&, int threads);
std::unique_ptr<Step> make_training_step(const Program&, const AddRelu&, int threads);
std::unique_ptr<Step> make_training_step(const Program&, const ActivationBackward&, int threads);
std::unique_ptr<Step> make_training_step(const Program&, const FakeQuantise&, int threads);
std::unique_ptr<Step> make_training_step(const Program&, const FakeQuantiseChannels&, int threads);
std::unique_ptr<Step> make_training_step(const Program&, const FakeQuantiseChannelsGradient&, int threads);
std::unique_ptr<Step> make_training_step(const Program&, const RoundWeights&, int threads);
std::unique_ptr<Step> make_training_step(const Program&, const RoundingStep&, int threads);
std::unique_ptr<Step> make_training_step(const Program&, const AdamStep&, int threads);
std::unique_ptr<Step> make_training_step(const Program&, const SquaredError&, int threads);
std::unique_ptr<Step> make_training_step(const Program&, const KlDivergence&, int threads);
std::unique_ptr<Step> make_training_step(const Program&, const AdvanceStep&, int threads);
std::unique_ptr<Step> make_training_step(const Program&, const DrawBatch&, int threads);
std::unique_ptr<Step> make_training_step(const Program&, const TakeBatch&, int threads);
std::unique_ptr<Step> make_training_step(const Program&, const Gather&, int threads);

}  // namespace adaq::cpu
