// Files of torch.save's legacy format, written opcode by opcode: checkpoints of any shape around the tensors of a
// model.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "support/weight_files.h"

namespace adaq::test {

inline std::string little_endian(uint64_t number, size_t bytes) {
    return {reinterpret_cast<const char*>(&number), bytes};
}

/// Pushes a text.
inline std::string pickled(const std::string& text) { return "X" + little_endian(text.size(), 4) + text; }

/// Pushes a dict of entries that are pickled already.
inline std::string pickled_dict(const std::vector<std::pair<std::string, std::string>>& entries) {
    std::string opcodes = "}(";
    for (const auto& [key, value] : entries) opcodes += pickled(key) + value;
    return opcodes + "u";
}

/// Pushes an object of a class, with the attributes that `state` pushes.
inline std::string pickled_object(const std::string& module, const std::string& name, const std::string& state) {
    return "c" + module + "\n" + name + "\n)\x81" + state + "b";
}

/// What stands behind a tensor's strides: no gradient, no hooks.
inline const std::string kNoGradient = "\x89N";

class TorchFile {
  public:
    /// Pushes a tensor of one value, repeated.
    std::string repeated(float value, const Shape& shape) {
        return view(shape, Shape(shape.size(), 0), {value}, kNoGradient);
    }

    /// Pushes a tensor, whose values go into the file. `rest` stands behind its strides.
    std::string tensor(const Tensor& tensor, const std::string& rest = kNoGradient) {
        Shape strides(tensor.shape.size());
        int64_t stride = tensor.size();
        for (size_t axis = 0; axis < strides.size(); ++axis) strides[axis] = stride /= tensor.shape[axis];
        return view(tensor.shape, strides, tensor.values, rest);
    }

    /// Pushes a state dict. `prefix` goes before each name.
    std::string state_dict(const std::map<std::string, Tensor>& tensors, const std::string& prefix = "") {
        std::vector<std::pair<std::string, std::string>> entries;
        for (const auto& [name, values] : tensors) entries.emplace_back(prefix + name, tensor(values));
        return pickled_dict(entries);
    }

    /// The file whose pickle these opcodes are.
    Bytes file(const std::string& opcodes) const {
        std::string text("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.", 21);
        text += "\x80\x02" + pickled_dict({{"little_endian", "\x88"}}) + ".\x80\x02" + opcodes + ".\x80\x02](";
        for (size_t i = 0; i < storages_.size(); ++i) text += pickled(std::to_string(i));
        text += "e.";
        for (const std::vector<float>& storage : storages_)
            text += little_endian(storage.size(), 8) +
                    std::string(reinterpret_cast<const char*>(storage.data()), storage.size() * sizeof(float));
        return bytes_of_text(text);
    }

  private:
    static std::string numbers(const Shape& list) {
        std::string opcodes = "(";
        for (int64_t number : list) opcodes += "\x8a\x08" + little_endian(static_cast<uint64_t>(number), 8);
        return opcodes + "t";
    }
    std::string view(const Shape& shape, const Shape& strides, const std::vector<float>& storage,
                     const std::string& rest) {
        const std::string key = std::to_string(storages_.size());
        storages_.push_back(storage);
        return "ctorch._utils\n_rebuild_tensor_v2\n((" + pickled("storage") + "ctorch\nFloatStorage\n" + pickled(key) +
               pickled("cpu") + "J" + little_endian(storage.size(), 4) + "tQK" + std::string(1, '\0') + numbers(shape) +
               numbers(strides) + rest + "tR";
    }

    std::vector<std::vector<float>> storages_;
};

/// The tiny model's tensors, all multiplied.
inline std::map<std::string, Tensor> tiny_tensors(float factor = 1.0f) {
    std::map<std::string, Tensor> tensors = tiny_model().tensors;
    for (auto& [name, tensor] : tensors)
        for (float& value : tensor.values) value *= factor;
    return tensors;
}

/// The tiny model under "state_dict", twice it under "model_ema".
inline Bytes checkpoint_of_two() {
    TorchFile file;
    const std::string trained = file.state_dict(tiny_tensors()), averaged = file.state_dict(tiny_tensors(2.0f));
    return file.file(pickled_dict({{"state_dict", trained}, {"model_ema", averaged}}));
}

inline void write_bytes(const std::string& path, const Bytes& bytes) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace adaq::test
