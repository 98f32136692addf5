// The header of the flat binary (weights/FORMAT.md) between its JSON and C++: what the file says about itself, checked
// for form. Whether tensors and graph agree is for flat_read.cpp to see.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/graph/model.h"

namespace adaq {

inline constexpr std::string_view kFlatMagic = "ADAQBIN1";
inline constexpr size_t kFlatPrefix = 16;     // bytes: magic and header length
inline constexpr size_t kFlatAlignment = 64;  // bytes
inline constexpr std::string_view kOpenVinoArithmetic = "openvino";

struct FlatTensor {
    std::string name;
    std::string dtype;  // f32, f16, bf16, i32, q2 ... q8
    Shape shape;
    uint64_t offset = 0, bytes = 0;
    uint32_t crc32 = 0;
};

/// How one weight or site is quantised, less its scales.
struct FlatQuantiser {
    Grid grid;
    std::string scheme;
};

struct FlatQuantisation {
    Arithmetic arithmetic = Arithmetic::adaq;
    bool folded = false;
    std::map<std::string, FlatQuantiser> weights, activations;
    std::vector<std::string> biases;  // that are integers
    std::string settings = "{}";
};

struct FlatHeader {
    Graph graph;
    std::optional<Preprocessing> preprocessing;
    int input_height = 0, input_width = 0;  // pixels; 0: not known
    std::vector<std::string> class_names;
    std::vector<FlatTensor> tensors;
    std::optional<FlatQuantisation> quantisation;
    std::string extra = "{}";
};

/// N of dtype "qN", 0 of the others.
int bits_of_dtype(const std::string& dtype);

/// Reads a header's bytes, of version 1 or 2. DataError naming `file` and the field if the CRC, the JSON or a field is
/// wrong.
FlatHeader parse_flat_header(const std::string& file, std::span<const std::byte> text);

/// The header's bytes, in version 2, CRC-32 filled in. The same header gives the same bytes.
std::string flat_header_text(const FlatHeader& header);

/// Whether `key` is one of the header's keys that adaq itself writes; the others are FlatHeader::extra.
bool is_flat_key(std::string_view key);

/// Preprocessing as in the header; safetensors carries it too, as metadata.
nlohmann::json preprocessing_json(const Preprocessing& preprocessing);
Preprocessing parse_preprocessing(const std::string& file, const std::string& where, const nlohmann::json& json,
                                  int64_t input_channels);

/// DataError naming `file` unless there are no class names or one a class, in UTF-8.
void check_class_names(const std::string& file, const std::vector<std::string>& names, int64_t classes);

/// Floats as JSON numbers in their shortest decimal form: 0.485f is 0.485, and reads back as the same float.
nlohmann::json shortest(const std::vector<float>& values);

uint32_t crc32_of(std::span<const std::byte> bytes);

}  // namespace adaq
