// A program of its own, since it takes malloc's place: a session's runs after the first take no memory.
//   session_allocations NETWORK EDGE
#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "adaq/adaq.h"

namespace {

std::atomic<bool> counting = false;
std::atomic<long> taken = 0;

void count() {
    if (counting) ++taken;
}

}  // namespace

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);

void* malloc(size_t size) {
    count();
    return __libc_malloc(size);
}
void* calloc(size_t n, size_t size) {
    count();
    return __libc_calloc(n, size);
}
void* realloc(void* old, size_t size) {
    count();
    return __libc_realloc(old, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
    count();
    return __libc_memalign(alignment, size);
}
}

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    const int edge = std::atoi(argv[2]);  // of its images, pixels
    const adaq::Model network = adaq::load(argv[1]);
    adaq::OwnImages own{.count = 8, .height = edge, .width = edge};
    own.pixels = [](int64_t image, std::span<uint8_t> pixels) {
        for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(i * (image + 3) / 7);
    };
    adaq::ImageOptions images{.own_calib = own};
    images.mean = {0.5f, 0.5f, 0.5f};
    images.std = {0.25f, 0.25f, 0.25f};
    const adaq::QuantiseOptions options{
        .weight_bits = 4, .activation_bits = 8, .input_bits = 8, .scheme = "minmax", .images = 8};
    const adaq::Model model = adaq::quantise(network, adaq::open_images(network, images), options).model();
    int failed = 0;
    for (const int threads : {1, 3})
        for (const int batch : {1, 4, 12}) {
            const adaq::Session session(model, {.threads = threads, .batch = batch, .height = edge, .width = edge});
            const std::vector<uint8_t> pixels(static_cast<size_t>(edge) * edge * 3 * 14, 100);
            std::vector<float> input(pixels.size(), 0.5f), logits(14 * session.classes());
            session.run(pixels, logits);
            session.run(input, logits);
            taken = 0;
            counting = true;
            for (int i = 0; i < 3; ++i) session.run(pixels, logits);
            for (int i = 0; i < 3; ++i) session.run(input, logits);
            counting = false;
            std::printf("%d threads, batch %d: %ld\n", threads, batch, taken.load());
            failed += taken > 0;
        }
    return failed > 0;
}
