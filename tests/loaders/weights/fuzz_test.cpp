// Thousands of damaged files of every format, from a seeded generator: each is an error or a valid model, never a
// crash, a hang or a giant allocation. Run under the sanitizers too, where a read beyond the end would not go unseen.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include "loaders/weights/checks.h"
#include "support/mutator.h"
#include "support/sanitizer.h"
#include "support/weight_files.h"

using namespace adaq;
using namespace adaq::test;

namespace {

constexpr int kMutantsPerFile = kAddressSanitizer ? 1000 : 3000;

/// The mutant must be refused in one line or be a model that passes every check.
void check_mutant(const Bytes& bytes, size_t& refused) {
    try {
        const StoredModel model = read_weights("mutant", bytes);
        check_model("mutant", model);
    } catch (const DataError& error) {
        ++refused;
        const std::string message = error.what();
        if (!message.starts_with("mutant: ") || message.find('\n') != std::string::npos || message.size() > 1000)
            FAIL_CHECK("not one line that names the file: " << message);
    }
}

long peak_megabytes() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
}

/// Mutants of bytes [from, to) of a file (0: to its end), made by `finish` into whole files.
template <typename Finish>
void fuzz(const Bytes& original, size_t from, size_t to, Finish finish) {
    Mutator mutator(7);
    size_t refused = 0;
    const long before = peak_megabytes();
    for (int i = 0; i < kMutantsPerFile; ++i) check_mutant(finish(mutator.mutate(original, from, to)), refused);
    CHECK(refused > kMutantsPerFile / 4);  // the mutations do bite
    CHECK(peak_megabytes() - before < 200);
}

Bytes as_it_is(Bytes bytes) { return bytes; }

}  // namespace

TEST_SUITE("weights: damaged files") {
    TEST_CASE("files of every format, damaged anywhere") {
        for (const char* fixture :
             {"basic.pth", "basic_legacy.pth", "basic_protocol4.pth", "basic_strided.pth",
              "basic_checkpoint_legacy.pth", "basic_old_parameters.pth", "coarse_f64.pth", "beside.pth",
              "beside_protocol1_legacy.pth", "beside_protocol5_legacy.pth", "views.pth", "views_legacy.pth",
              "basic.safetensors", "coarse_f16.safetensors", "quantised.bin"}) {
            CAPTURE(fixture);
            const Bytes bytes = bytes_of_file(weight_fixture(fixture));
            fuzz(bytes, 0, bytes.size(), as_it_is);
        }
    }

    TEST_CASE("pickles, headers and directories, where damage does the most") {
        const auto legacy = bytes_of_file(weight_fixture("basic_checkpoint_legacy.pth"));
        fuzz(legacy, 0, 6000, as_it_is);
        for (const char* beside : {"beside_protocol1_legacy.pth", "beside_protocol5_legacy.pth", "views_legacy.pth"}) {
            const auto bytes = bytes_of_file(weight_fixture(beside));
            fuzz(bytes, 0, bytes.size() - 3000, as_it_is);
        }
        const auto safetensors = bytes_of_file(weight_fixture("basic.safetensors"));
        fuzz(safetensors, 0, 3000, as_it_is);
        const auto zip = bytes_of_file(weight_fixture("coarse_f16.pth"));
        fuzz(zip, zip.size() - 4000, zip.size(), as_it_is);
    }

    TEST_CASE("flat headers damaged behind a checksum that fits") {
        const Bytes bytes = bytes_of_file(weight_fixture("quantised.bin"));
        const Bytes text = bytes_of_text(header_of(bytes).dump());
        fuzz(text, 0, text.size(), [&](const Bytes& mutant) {
            return with_header_text(bytes, std::string(reinterpret_cast<const char*>(mutant.data()), mutant.size()));
        });
    }
}
