// What the emulated card is like, beside its limits. As a rule it is the card on which mistakes show best; tests, and
// the environment variables that are named here, make it more like one that exists.
#pragma once

namespace adaq::emulator {

/// How tensor cores add up products (tensor_cores.h).
enum class ProductSums { rounded, ampere, hopper };

struct Settings {
    /// ADAQ_EMULATOR_MULTIPROCESSORS: for how many launchers choose tiles and splits. An H100 has 132.
    int multiprocessors = 4;
    /// ADAQ_EMULATOR_SHARE_MEMORY=1: a program's temporaries lie in one arena and all its scratch at one place, as on a
    /// card; otherwise each has memory of its own, whose bounds are checked.
    bool share_memory = false;
    /// ADAQ_EMULATOR_SUMS: rounded, ampere or hopper.
    ProductSums sums = ProductSums::rounded;
    /// ADAQ_EMULATOR_CAPABILITY: 75 ... 90. A card of sm_75 has 64 KiB of shared memory a block.
    int capability = 90;

    bool operator==(const Settings&) const = default;
};

/// Throws Misuse where a variable has a value that is none of the above.
Settings settings_of_environment();

/// Those of the environment, until a test changes them.
Settings& settings();

}  // namespace adaq::emulator
