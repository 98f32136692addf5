// Inference alone (adaq/session.h, adaq/c.h): the logits that adaq evaluates, whatever the batch, the threads, and how
// many runs go on at once.
#include "adaq/session.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <thread>

#include "adaq/c.h"
#include "adaq/session/inference.h"
#include "adaq/state/model_state.h"
#include "engine/passes/executor.h"
#include "loaders/images/normalise.h"
#include "support/devices.h"
#include "support/interface.h"
#include "support/mutator.h"
#include "support/random_networks.h"
#include "support/sanitizer.h"

using namespace adaq;
using namespace adaq::test;

namespace {

constexpr int kSessionImages = 5;

/// W3A4, its input too in 8 bits; the file knows how pixels are normalised.
Model quantised_model_of(int input_bits = 8) {
    const Model model = load(kNetwork);
    QuantiseOptions options{.weight_bits = 3, .activation_bits = 4, .input_bits = input_bits, .scheme = "minmax"};
    options.images = kOwnImages;
    ImageOptions images{.own_calib = own_pixels()};
    images.mean = {0.485f, 0.456f, 0.406f};
    images.std = {0.229f, 0.224f, 0.225f};
    return quantise(model, open_images(model, images), options, kOneThread).model();
}

const Model& quantised() {
    static const Model model = quantised_model_of();
    return model;
}

std::vector<uint8_t> pixels_of(int images) {
    const size_t each = size_t{kOwnEdge} * kOwnEdge * 3;
    std::vector<uint8_t> pixels(images * each);
    for (int i = 0; i < images; ++i) fill(i, std::span(pixels).subspan(i * each, each));
    return pixels;
}

std::vector<float> normalised(const Model& model, std::span<const uint8_t> pixels) {
    const Normaliser normaliser(*model.preprocessing(), 3);
    std::vector<float> input(pixels.size());
    for (size_t i = 0; i < input.size(); ++i) input[i] = normaliser.value(i % 3, pixels[i]);
    return input;
}

SessionOptions sized(int threads = 1, int batch = 1) {
    SessionOptions options;
    options.threads = threads;
    options.batch = batch;
    options.height = options.width = kOwnEdge;
    return options;
}

std::vector<float> logits_of(const Session& session, std::span<const uint8_t> pixels) {
    const size_t image = size_t{kOwnEdge} * kOwnEdge * 3;
    std::vector<float> logits(pixels.size() / image * session.classes());
    session.run(pixels, logits);
    return logits;
}

/// What evaluation computes of normalised images.
std::vector<float> evaluated(const Model& model, const std::vector<float>& input, int images) {
    const auto device = make_device("cpu", 1);
    Executor executor(*device, model.state().network(false), images, kOwnEdge, kOwnEdge,
                      model.quantised() ? Execution::integer : Execution::simulated);
    std::vector<float> logits(images * executor.classes());
    executor.run(input, logits);
    return logits;
}

Network network_with_pixels(uint32_t seed, std::vector<float>& table) {
    RandomNetwork made(seed);
    Values values(seed + 1);
    table = values.reals(made.network.graph.input_channels * 256);
    return made.network;
}

}  // namespace

TEST_SUITE("session") {
    TEST_CASE("random networks: in pieces of any size, from pixels and from values, what the whole batch gives") {
        for (const std::string& name : devices_under_test()) {
            const auto device = make_device(name, 2);
            const std::shared_ptr<Device> shared(device.get(), [](Device*) {});
            for (uint32_t seed = 0; seed < 60; ++seed) {
                RandomNetwork made(seed);
                INFO(name << ", seed " << seed << ": " << made.description);
                std::vector<float> table;
                const Network network = network_with_pixels(seed, table);
                const int64_t channels = network.graph.input_channels;
                std::vector<uint8_t> pixels(kSessionImages * made.height * made.width * channels);
                std::vector<float> values(pixels.size());
                for (size_t i = 0; i < pixels.size(); ++i) {
                    pixels[i] = static_cast<uint8_t>(i * 7919 >> 3);
                    values[i] = table[i % channels * 256 + pixels[i]];
                }
                Executor executor(*device, network, kSessionImages, made.height, made.width, Execution::integer);
                std::vector<float> expected(kSessionImages * executor.classes()), found(expected.size());
                executor.run(values, expected);
                for (const int64_t batch : {int64_t{1}, int64_t{2}, int64_t{5}}) {
                    Inference inference(
                        network, {.height = made.height, .width = made.width, .batch = batch, .pixel_values = table},
                        shared, [&] { return shared; });
                    inference.run(pixels, found);
                    REQUIRE(found == expected);
                    inference.run(values, found);
                    REQUIRE(found == expected);
                }
            }
        }
    }

    TEST_CASE("pixels, normalised input and evaluation give the same bits, whatever the threads and the batch") {
        const std::vector<uint8_t> pixels = pixels_of(kSessionImages);
        for (const Model& model : {quantised(), quantised_model_of(32)}) {
            const std::vector<float> input = normalised(model, pixels);
            const std::vector<float> expected = evaluated(model, input, kSessionImages);
            for (const int threads : {1, 3})
                for (const int batch : {1, 2, 5, 64}) {
                    CAPTURE(threads);
                    CAPTURE(batch);
                    const Session session(model, sized(threads, batch));
                    CHECK(session.integer());
                    CHECK(logits_of(session, pixels) == expected);
                    std::vector<float> logits(expected.size());
                    session.run(input, logits);
                    CHECK(logits == expected);
                }
        }
    }

    TEST_CASE("a saved file runs as the model that was saved, on any device") {
        const TemporaryFolder out;
        save(quantised(), out / "q.bin");
        const std::vector<uint8_t> pixels = pixels_of(2);
        const Session session = load_session(out / "q.bin", sized());
        CHECK(session.classes() == 7);
        CHECK(session.height() == kOwnEdge);
        CHECK(session.width() == kOwnEdge);
        CHECK(session.channels() == 3);
        CHECK(session.preprocessing() == quantised().preprocessing());
        const std::vector<float> expected = logits_of(Session(quantised(), sized()), pixels);
        CHECK(logits_of(session, pixels) == expected);
        SessionOptions reference = sized(1, 2);
        reference.device = "reference";
        CHECK(logits_of(load_session(out / "q.bin", reference), pixels) == expected);
    }

    TEST_CASE("a float network runs, too") {
        const Model model = load(kNetwork);
        const Session session(model, sized());
        CHECK_FALSE(session.integer());
        const std::vector<float> input = normalised(quantised(), pixels_of(1));
        std::vector<float> logits(session.classes());
        session.run(input, logits);
        CHECK(logits == evaluated(model, input, 1));
    }

    TEST_CASE("many threads run one session at once") {
        const Session session(quantised(), sized(1, 2));
        const std::vector<uint8_t> pixels = pixels_of(3);
        const std::vector<float> expected = logits_of(session, pixels);
        std::atomic<int> wrong = 0;
        std::vector<std::thread> threads;
        for (int t = 0; t < 6; ++t)
            threads.emplace_back([&] {
                for (int run = 0; run < 20; ++run) wrong += logits_of(session, pixels) != expected;
            });
        for (std::thread& thread : threads) thread.join();
        CHECK(wrong == 0);
    }

    TEST_CASE("a photograph is read as evaluation reads it") {
        const TemporaryFolder images;
        write_images(images);
        const Session session(quantised(), sized());
        const std::vector<uint8_t> pixels = session.read_image(images / "0/100.ppm");
        CHECK(pixels == pixels_of(1));
        write_file(images, "small.ppm", "P6 2 2 255\n" + std::string(12, 'x'));
        CHECK(error_from([&] { session.read_image(images / "small.ppm"); }).code() == ErrorCode::invalid_data);
        CHECK(error_from([&] { session.read_image(images / "none.jpg"); }).code() == ErrorCode::invalid_data);
    }

    TEST_CASE("memory: weights once, maps and workspace as told") {
        const Session session(quantised(), sized(1, 4));
        const SessionMemory memory = session.memory();
        const Network& network = quantised().state().network(false);
        int64_t weights = 0, largest = 0;
        for (const Layer& layer : network.layers) weights += element_count(layer.shape);
        for (const Shape& shape : value_shapes(network.graph, kOwnEdge, kOwnEdge))
            largest = std::max(largest, element_count(shape));
        CHECK(memory.weights > weights);
        CHECK(memory.weights < 3 * weights);  // small layers are filled up to whole vectors
        CHECK(memory.maps > 4 * largest);
        CHECK(memory.maps < 4 * 4 * largest);
        CHECK(memory.workspace > 0);
    }

    TEST_CASE("what layers take is told in the order in which they run") {
        const Session session(quantised(), sized(1, 2));
        const std::vector<LayerTime> layers = session.time_layers(pixels_of(2));
        CHECK(layers.front().name == "input");
        CHECK(layers.back().name == "fc");
        const auto found = std::find_if(layers.begin(), layers.end(),
                                        [](const LayerTime& layer) { return layer.name == "layer1.0.conv2"; });
        REQUIRE(found != layers.end());
        CHECK(found->seconds > 0.0);
        CHECK(error_from([&] { session.time_layers(pixels_of(1)); }).field() == "pixels");
        SessionOptions reference = sized();
        reference.device = "reference";
        const Session slow(quantised(), reference);
        CHECK(error_from([&] { slow.time_layers(pixels_of(1)); }).field() == "device");
    }

    TEST_CASE("what does not fit is refused by its name") {
        const Session session(quantised(), sized());
        std::vector<float> logits(7), input(100);
        const std::vector<uint8_t> pixels = pixels_of(1);
        CHECK(error_from([&] { session.run(std::span(pixels).first(100), logits); }).field() == "pixels");
        CHECK(error_from([&] { session.run(input, logits); }).field() == "input");
        CHECK(error_from([&] { session.run(pixels, std::span(logits).first(6)); }).field() == "logits");
        session.run(std::span<const uint8_t>(), std::span<float>());  // no image
        const Session plain(load(kNetwork), sized());                 // does not say how pixels are normalised
        CHECK(error_from([&] { plain.run(pixels, logits); }).field() == "pixels");

        const auto refused = [&](const SessionOptions& options) {
            return error_from([&] { const Session made(quantised(), options); }).field();
        };
        const Session as_calibrated(quantised(), {});  // the model knows the size that it was quantised with
        CHECK(as_calibrated.height() == kOwnEdge);
        const Session as_exported(load(fixtures_folder() + "/import/chain_traced.onnx"), {});
        CHECK(as_exported.width() == 24);
        CHECK(error_from([&] { const Session made(load(kNetwork), {}); }).field() == "height");
        CHECK(refused({.height = 40}) == "height");
        CHECK(refused({.height = -1, .width = 40}) == "height");
        CHECK(refused({.batch = 0, .height = 40, .width = 40}) == "batch");
        CHECK(refused({.threads = -2, .height = 40, .width = 40}) == "threads");
        CHECK(refused({.device = "gpu", .height = 40, .width = 40}) == "device");
        CHECK(error_from([&] { load_session("nowhere.bin", sized()); }).code() == ErrorCode::invalid_data);
        const Error escaped = error_from([&] { load_session("no\nwhere.bin", sized()); });
        CHECK(std::string(escaped.what()).starts_with("no\\nwhere.bin: "));

        // A graph that does not fit together is known once the input's size is.
        const TemporaryFolder out;
        save(quantised(), out / "q.bin");
        const Bytes other = with_header(
            roomy(bytes_of_file(out / "q.bin")),
            [](nlohmann::json& header) {
                for (nlohmann::json& node : header["graph"]["nodes"])
                    if (node["name"] == "layer1.0.conv2") node["attributes"]["padding"] = {1, 0, 1, 1};
            },
            kRoomyStart);
        write_file(out, "m.bin", std::string(reinterpret_cast<const char*>(other.data()), other.size()));
        const std::string why = error_from([&] { load_session(out / "m.bin", sized()); }).what();
        CHECK(why.starts_with((out / "m.bin") + ": layer1.0: adds "));
    }

    TEST_CASE("C: the same logits, and sentences for what fails") {
        const TemporaryFolder out;
        save(quantised(), out / "q.bin");
        char why[100] = "";
        adaq_session_options options{};
        CHECK(adaq_session_load(kNetwork.c_str(), &options, why, sizeof why) == nullptr);
        CHECK(std::string(why).find("`height` and `width` are needed") != std::string::npos);
        options.height = options.width = kOwnEdge;
        options.threads = -2;
        CHECK(adaq_session_load(kNetwork.c_str(), &options, why, sizeof why) == nullptr);
        CHECK(std::string(why) == "`threads` is -2, expected -1 (every core), 0 (one) or a number of them");
        options.threads = 0;
        options.batch = 2;
        adaq_session* const session = adaq_session_load((out / "q.bin").c_str(), &options, why, sizeof why);
        REQUIRE(session != nullptr);
        CHECK(adaq_session_classes(session) == 7);
        CHECK(adaq_session_height(session) == kOwnEdge);
        CHECK(adaq_session_width(session) == kOwnEdge);
        CHECK(adaq_session_channels(session) == 3);
        CHECK(adaq_session_integer(session) == 1);
        SessionOptions same = sized();
        same.batch = 2;
        const SessionMemory told = Session(quantised(), same).memory();
        const adaq_memory memory = adaq_session_memory(session);
        CHECK(memory.weights == told.weights);
        CHECK(memory.maps == told.maps);
        CHECK(memory.workspace == told.workspace);
        CHECK(adaq_session_class_name(session, 0) == nullptr);

        const std::vector<uint8_t> pixels = pixels_of(3);
        const std::vector<float> expected = logits_of(Session(quantised(), sized()), pixels),
                                 input = normalised(quantised(), pixels);
        std::vector<float> logits(21);
        CHECK(adaq_session_run_pixels(session, pixels.data(), 3, logits.data(), why, sizeof why) == ADAQ_OK);
        CHECK(logits == expected);
        std::fill(logits.begin(), logits.end(), 0.0f);
        CHECK(adaq_session_run_floats(session, input.data(), 3, logits.data(), nullptr, 0) == ADAQ_OK);
        CHECK(logits == expected);

        CHECK(adaq_session_run_pixels(session, nullptr, 1, logits.data(), why, sizeof why) == ADAQ_INVALID_OPTION);
        CHECK(std::string(why) == "`pixels` is NULL");
        CHECK(adaq_session_run_pixels(session, pixels.data(), -1, logits.data(), why, 8) == ADAQ_INVALID_OPTION);
        CHECK(std::string(why) == "`images");
        CHECK(adaq_session_run_pixels(session, pixels.data(), INT64_MAX, logits.data(), why, sizeof why) ==
              ADAQ_INVALID_OPTION);
        CHECK(adaq_session_classes(nullptr) == 0);
        CHECK(adaq_session_width(nullptr) == 0);
        CHECK(adaq_session_integer(nullptr) == 0);
        CHECK(adaq_session_memory(nullptr).weights == 0);
        CHECK(adaq_session_class_name(nullptr, 0) == nullptr);
        CHECK(adaq_session_load(nullptr, nullptr, why, sizeof why) == nullptr);
        CHECK(adaq_session_load("nowhere.bin", nullptr, why, sizeof why) == nullptr);
        CHECK(std::string(why).find("nowhere.bin") != std::string::npos);

        const TemporaryFolder images;
        write_images(images);
        std::vector<uint8_t> read(size_t{kOwnEdge} * kOwnEdge * 3);
        CHECK(adaq_session_read_image(session, (images / "0/100.ppm").c_str(), read.data(), why, sizeof why) ==
              ADAQ_OK);
        CHECK(read == pixels_of(1));
        CHECK(adaq_session_read_image(session, "none.ppm", read.data(), why, sizeof why) == ADAQ_INVALID_DATA);
        adaq_session_free(session);
        adaq_session_free(nullptr);
    }
}

namespace {

/// Damaged files: each is refused in one line, or runs.
void run_mutants(int mutants, unsigned seed) {
    const TemporaryFolder out;
    save(quantised(), out / "q.bin");
    const Bytes bytes = roomy(bytes_of_file(out / "q.bin"));
    const Bytes text = bytes_of_text(header_of(bytes).dump());
    const std::vector<uint8_t> pixels = pixels_of(1);
    Mutator mutator(seed);
    int ran = 0, ran_with_other_header = 0, refused = 0;
    for (int i = 0; i < mutants; ++i) {
        Bytes mutant;
        if (i % 2 == 0) {
            mutant = mutator.mutate(bytes, 0, bytes.size());
        } else {
            const Bytes header = mutator.mutate(text, 0, text.size());
            mutant = with_header_text(bytes, std::string(reinterpret_cast<const char*>(header.data()), header.size()),
                                      kRoomyStart);
        }
        write_file(out, "m.bin", std::string(reinterpret_cast<const char*>(mutant.data()), mutant.size()));
        try {
            const Session session = load_session(out / "m.bin", sized());
            std::vector<float> logits(session.classes());
            if (session.channels() == 3) session.run(pixels, logits);
            ++ran;
            ran_with_other_header += i % 2;
        } catch (const Error& error) {
            ++refused;
            if (std::string(error.what()).find('\n') != std::string::npos) FAIL_CHECK(error.what());
        }
    }
    CHECK(ran > 0);
    CHECK(ran_with_other_header > 0);
    CHECK(refused > mutants / 4);
}

}  // namespace

TEST_SUITE("session: damaged files") {
    TEST_CASE("a sample of them") { run_mutants(kAddressSanitizer ? 200 : 600, 3); }
}

TEST_SUITE("slow: session: damaged files") {
    TEST_CASE("ten thousand of them" * doctest::skip()) { run_mutants(10000, 5); }
}
