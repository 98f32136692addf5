// Tensors that an ONNX file keeps in files beside it, as torch's exporter does with large networks.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "loaders/file_bytes.h"
#include "loaders/onnx/message.h"

namespace adaq::onnx {

/// Files in the model's folder, and in no other: a location that leads out of it, by its name or by a link, is refused.
class ExternalData {
  public:
    explicit ExternalData(std::string file) : file_(std::move(file)) {}

    /// DataError naming the model's file where the data is not in its folder, or is cut off.
    std::string read(const DataElsewhere& data);

  private:
    const FileBytes& bytes_of(const std::string& location);

    std::string file_;
    std::map<std::string, std::unique_ptr<FileBytes>> files_;
};

}  // namespace adaq::onnx
