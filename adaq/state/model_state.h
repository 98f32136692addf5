// What a Model (adaq/model.h) holds.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "adaq/model.h"
#include "engine/graph/network.h"

namespace adaq {

struct Model::State {
    std::string path;  // that it was loaded from; empty: made
    std::string file;  // the path without its folder
    StoredModel stored;
    std::vector<std::string> notes = {};

    /// The network, with its batch norms folded into the convolutions or not (a quantised one is taken as it is). Made
    /// when it is first asked for.
    const Network& network(bool fold) const;
    /// CRC-32 of the tensors and their names, likewise.
    const std::string& crc32() const;

  private:
    mutable std::mutex mutex_;
    mutable std::map<bool, Network> networks_;
    mutable std::string crc32_;
};

/// The model for images of this size (loaders/architectures/adaptive_pool.h); a model that suits them as it is shares
/// what it holds. 0: of any size.
Model fitted_to(const Model& model, int height, int width);

}  // namespace adaq
