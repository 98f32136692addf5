// Quantises a network with the installed library: user WEIGHTS IMAGES OUT.bin
#include <adaq/adaq.h>

#include <iostream>

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    try {
        const adaq::Model model = adaq::load(argv[1]);
        const std::string data = argv[2];
        const adaq::ImageSets images =
            adaq::open_images(model, {.calib = data + ":train", .val = data + ":test", .val_images = 1000});
        const adaq::QuantiseOptions options{
            .method = "adaround", .weight_bits = 3, .activation_bits = 8, .images = 256, .learning = {.iters = 100}};
        adaq::Quantised quantised = adaq::quantise(model, images, options, {.device = {.threads = 1}});
        adaq::save(quantised.model(), argv[3]);
        adaq::evaluate(quantised, images);
        const adaq::Report report = quantised.report();
        std::cout << report.label << ": " << report.quantised_network->top1 << " of "
                  << report.quantised_network->images << " right, float " << report.float_network->top1 << "\n";
    } catch (const adaq::Error& error) {
        std::cerr << error.what() << "\n";
        return 1;
    }
}
