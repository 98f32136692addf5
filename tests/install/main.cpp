// Quantises a network's weights with the installed library: user WEIGHTS OUT.bin
#include <engine/nearest.h>
#include <loaders/weights/weights.h>

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    const adaq::Model model = adaq::load_weights(argv[1]);
    const auto device = adaq::make_device("cpu");
    adaq::Network network = adaq::make_network(model, /*fold=*/false);
    adaq::quantise_weights(*device, network, {.range = {.scheme = "minmax", .bits = 4}});
    adaq::save_bin(argv[2], adaq::quantised_model(network, model, "{}"));
}
