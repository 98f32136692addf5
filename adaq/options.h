// What can be asked of adaq. Fields bear the names of adaq-run's options, where adaq-run --help explains them, too.
// Where a field is empty the method decides (settled()). Texts are words of a fixed list, which errors tell.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace adaq {

/// Where and how it runs.
struct DeviceOptions {
    std::string device = "auto";  // cuda, cpu, reference (float64, slow); auto: cuda where there is a card
    int threads = 0;              // 0: every core
    std::string math = "fp32";    // what products round their operands to: fp32 (not at all), tf32 (cuda), bf16
    int batch = 64;               // images evaluated at a time
};

/// Images that the caller has, in place of a data set on the disk. All of them have one size.
struct OwnImages {
    int64_t count = 0;  // 0: none
    int height = 0, width = 0;
    /// Writes image `index`, [height, width, channels of the network], as decoded: 0 ... 255, RGB or grey. Called from
    /// several threads at once. What it throws comes out of adaq unchanged.
    std::function<void(int64_t index, std::span<uint8_t> pixels)> pixels = {};
    /// In place of `pixels`: the network's input as it is, normalised already. No preprocessing applies.
    std::function<void(int64_t index, std::span<float> input)> inputs = {};
    std::vector<int> labels = {};  // one an image, to which label_offset is added; empty: none
};

/// Which images, and how they become a network's input.
struct ImageOptions {
    std::string calib = {};  // a data set on the disk: class folders, a folder, IDX files; empty: none
    std::string val = {};    // the same, with labels
    OwnImages own_calib = {}, own_val = {};
    std::string val_labels = {};                    // label file of a plain `val` folder; empty: what lies in it
    std::string classes = {};                       // a file of class names, one a line; empty: the model's
    std::optional<std::string> class_order = {};    // class folders in which order: text, numeric; not of own images
    int label_offset = 0;                           // added to class indices, own images' too
    std::optional<int> resize = {}, crop = {};      // pixels; 0: leave it out; empty: the model's, else by the images
    std::optional<std::string> interpolation = {};  // bilinear, bicubic
    std::vector<float> mean = {}, std = {};         // of each channel, of pixel values from 0 to 1; empty: the model's
    int64_t val_images = 0;                         // the first so many; 0: all
    bool calibrates = true;                         // false: `calib` is not opened, and only tells the order of classes
};

/// How a method that learns does so; what is empty is the method's own (docs/arithmetic.md section 7).
struct LearningOptions {
    std::optional<int64_t> iters = {}, iters_scale = {};
    std::optional<int> minibatch = {}, calib_views = {};
    std::optional<double> lr = {}, lr_scale = {}, lr_channel = {};
    std::optional<std::string> lr_scale_schedule = {};  // constant, cosine
    std::optional<double> lambda = {}, warm_up = {};
    std::optional<std::string> loss = {};  // mean, channel-sum, fisher-diag
    std::optional<double> loss_exponent = {}, scale_exponent = {};
    std::optional<std::string> rounding_init = {};  // fraction, nearest
    std::optional<std::string> unit = {};           // layer, block
    std::optional<float> keep_input = {}, keep_quantised = {};
    std::optional<bool> replacement = {}, lsq_grad_scale = {};
    std::optional<double> pd_lambda = {}, pd_temperature = {};
    std::optional<bool> distribution_correction = {};
    std::optional<int64_t> correction_steps = {};
    std::optional<double> correction_lambda = {};
    std::optional<std::string> bn = {};  // fixed, batch
};

struct QuantiseOptions {
    std::string method = "nearest";      // adaround, brecq, qdrop, pdquant, best (docs/methods.md)
    int weight_bits = 4;                 // 2 to 8
    int activation_bits = 8;             // 2 to 8, or 32: float
    std::optional<int> input_bits = {};  // 2 to 8, or 32: float; empty: 8 with `deploy` or its sites, else 32
    std::optional<std::string> scheme = {}, act_scheme = {};  // how ranges are chosen (docs/schemes.md)
    double p = 2.4;                                           // exponent of the schemes norm and norm-legacy
    std::string granularity = "channel";                      // one weight scale a channel or a layer
    std::optional<bool> fold = {};                            // fold batch norms into the convolutions first
    bool symmetric = false;                                   // zero point 0 for every weight
    /// Quantise the output of each ReLU (block; where empty) or of each layer (layer), or all that onnxruntime
    /// (deploy-ort) or TensorRT (deploy-tensorrt) needs to run a whole network as integers.
    std::optional<std::string> act_sites = {};
    /// Made for a runtime: ort (onnxruntime), openvino, tensorrt, adaq. Decides input_bits and act_sites, makes weights
    /// of 8 bits symmetric (-127 ... 127), and does to the network what the runtime will (docs/deployment.md).
    std::optional<std::string> deploy = {};
    bool head_stem_8bit = false;                          // 8 bits for the first and last layer, and for `edge_acts`
    std::optional<std::string> edge_acts = {};            // stem, fc, both
    std::map<std::string, int> bits = {}, act_bits = {};  // of single layers' weights, of single activations, by name

    int64_t images = 1024;  // calibration images, one of each class in turn
    bool calib_augment = false;
    uint64_t seed = 0;

    LearningOptions learning = {};
    bool compare_nearest = false;  // evaluate the same bits rounded to nearest, too
    std::string state = {};        // a folder that keeps each finished unit; empty: none
    bool resume = false;           // go on from what is in it
    std::string memory = "70%";    // for cached values: 6G, 500M, or a share of what is free

    /// Only how accurate the network is will be told, not what reports show of its layers: for tables of many runs.
    bool accuracy_alone = false;

    bool learns() const { return method != "nearest"; }
};

/// Which network of a weights file, and which one it is.
struct LoadOptions {
    std::string checkpoint_key = {};  // which of several networks in a checkpoint ("model_ema"); empty: the usual one
    std::string arch = {};            // the network's name ("resnet50_os8"), where tensors do not tell it from others;
                                      // empty: that which the file gives it

    bool operator==(const LoadOptions&) const = default;
};

/// How a model is saved as .onnx (docs/deployment.md).
struct SaveOptions {
    std::string target = "any";        // --for: the runtime whose rules it follows: any, ort, openvino, tensorrt
    std::string onnx_input = "float";  // what it reads: float, normalised [N,C,H,W]; u8, pixels as decoded [N,H,W,C]
    bool pack = false;                 // weights of at most 4 bits as INT4 or INT2
    std::string encodings = "none";    // aimet: a float network, and its grids in a file beside it

    bool operator==(const SaveOptions&) const = default;
};

/// The names of all methods; of those that learn, all but the first.
const std::vector<std::string>& method_names();

struct Bounds {
    double least = 0.0, most = 0.0;
    bool whole = false;  // only whole numbers
};

/// Of an option that is a number ("iters"); bits of activations may be 32, too. Throws std::logic_error for a field
/// that is none.
Bounds bounds_of(const std::string& field);
/// Of an option that is a word ("loss"): all that it may be. Throws likewise.
const std::vector<std::string>& words_of(const std::string& field);

/// The options with the method's own choice of scheme, act_scheme, fold and edge_acts where they are empty. Throws
/// UsageError for a value out of its bounds, or options that do not go together.
QuantiseOptions settled(QuantiseOptions options);

}  // namespace adaq
