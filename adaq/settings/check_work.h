// Whether settings go together with a model and images: what can be known before any work.
#pragma once

#include "adaq/images.h"
#include "adaq/model.h"
#include "adaq/settings/settings.h"

namespace adaq {

/// Throws UsageError for a model that is quantised already, layers and activations that it has not, images that are
/// needed and not there, or an activation's values that its scheme does not take; DataError for too few images, or too
/// small ones.
void check_work(const Settings& settings, const Model& model, const ImageSets& images);

}  // namespace adaq
