// Speed of image loading, beside libjpeg-turbo's decoding alone in the same run and on the same cores.
#pragma once

#include <string>
#include <vector>

namespace adaq {

struct Seconds {
    double wall = 0, processor = 0;  // the latter summed over threads: it does not mind what else the machine does
};

/// Time for all images of a folder, the best of several rounds in which the two take turns.
struct ImageLoading {
    int64_t images = 0;
    Seconds decode;  // libjpeg-turbo alone: files in memory already, all pixels to RGB, nothing else
    Seconds load;    // the whole way of adaq-run: read file, decode, resize, crop, normalise, batches of floats
    std::string preprocessing;  // the sentence of choose_preprocessing
};

/// `folder` must hold JPEG files only (a data set that open_dataset knows); `threads` 0 means all processors.
ImageLoading measure_image_loading(const std::string& folder, int threads, int rounds);

/// Measures each folder and prints a row for each. Returns the exit status 0; throws DataError for a bad folder.
int bench_images(const std::vector<std::string>& folders, int threads, int rounds = 7);

}  // namespace adaq
