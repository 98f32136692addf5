// See bench_images.h.
#include "tools/bench/bench_images.h"

#include <fmt/core.h>
#include <jpeglib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <limits>
#include <thread>

#include "engine/error.h"
#include "loaders/batch_stream.h"
#include "loaders/images/limits.h"
#include "loaders/input_file.h"
#include "loaders/preprocessing_choice.h"
#include "tools/program/streams.h"

namespace adaq {

namespace {

using Files = std::vector<std::vector<uint8_t>>;

double processor_seconds() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// Runs the work and keeps the shorter times.
template <typename Work>
void improve(Seconds& best, const Work& work) {
    const auto start = std::chrono::steady_clock::now();
    const double processor_start = processor_seconds();
    work();
    best.wall = std::min(best.wall, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    best.processor = std::min(best.processor, processor_seconds() - processor_start);
}

Files read_files(const Dataset& dataset) {
    Files files;
    for (int64_t item = 0; item < dataset.size(); ++item) {
        const std::string file = read_whole_file(dataset.item_name(item), "a JPEG file", kMaxImageFileBytes);
        files.emplace_back(file.begin(), file.end());
        if (files.back().size() < 2 || files.back()[0] != 0xFF || files.back()[1] != 0xD8) {
            data_error("{}: not a JPEG file, expected a folder of them to time their decoding",
                       dataset.item_name(item));
        }
    }
    return files;
}

/// What anyone would write with libjpeg-turbo to get the pixels; its own error handler ends the program on a bad file.
void decode_plainly(const std::vector<uint8_t>& bytes, std::vector<uint8_t>& pixels) {
    jpeg_decompress_struct info{};
    jpeg_error_mgr errors{};
    info.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&info);
    jpeg_mem_src(&info, bytes.data(), bytes.size());
    jpeg_read_header(&info, TRUE);
    if (info.num_components != 4) info.out_color_space = JCS_RGB;
    jpeg_start_decompress(&info);
    const size_t row_bytes = size_t{info.output_width} * info.output_components;
    pixels.resize(row_bytes * info.output_height);
    while (info.output_scanline < info.output_height) {
        JSAMPROW row = pixels.data() + row_bytes * info.output_scanline;
        jpeg_read_scanlines(&info, &row, 1);
    }
    jpeg_finish_decompress(&info);
    jpeg_destroy_decompress(&info);
}

void decode_all(const Files& files, int threads) {
    std::atomic<size_t> next{0};
    std::vector<std::jthread> workers;
    for (int i = 0; i < threads; ++i) {
        workers.emplace_back([&] {
            std::vector<uint8_t> pixels;
            for (size_t file = next++; file < files.size(); file = next++) decode_plainly(files[file], pixels);
        });
    }
}

void load_all(const Dataset& dataset, const BatchOptions& options) {
    BatchStream stream(dataset, validation_order(dataset), options);
    for (Batch batch; stream.next(batch);) {
    }
}

}  // namespace

ImageLoading measure_image_loading(const std::string& folder, int threads, int rounds) {
    const auto dataset = open_dataset(folder, {DatasetRole::calibration, "", {}});
    const PreprocessingChoice choice = choose_preprocessing({dataset.get()});
    const Files files = read_files(*dataset);
    BatchOptions options;
    options.preprocessing = choice.preprocessing;
    options.threads = threads > 0 ? threads : static_cast<int>(std::max(std::thread::hardware_concurrency(), 1u));

    constexpr double kNever = std::numeric_limits<double>::infinity();
    ImageLoading result{dataset->size(), {kNever, kNever}, {kNever, kNever}, choice.sentence};
    for (int round = 0; round < rounds; ++round) {
        improve(result.decode, [&] { decode_all(files, options.threads); });
        improve(result.load, [&] { load_all(*dataset, options); });
    }
    return result;
}

int bench_images(const std::vector<std::string>& folders, int threads, int rounds) {
    print("{:<36} {:>6} {:>15} {:>14} {:>10} {:>14}\n", "folder", "images", "libjpeg-turbo/s", "adaq images/s",
          "time ratio", "CPU time ratio");
    for (const std::string& folder : folders) {
        const ImageLoading result = measure_image_loading(folder, threads, rounds);
        const auto images = static_cast<double>(result.images);
        print("{:<36} {:>6} {:>15.0f} {:>14.0f} {:>10.3f} {:>14.3f}\n    {}\n", folder, result.images,
              images / result.decode.wall, images / result.load.wall, result.load.wall / result.decode.wall,
              result.load.processor / result.decode.processor, result.preprocessing);
    }
    return 0;
}

}  // namespace adaq
