// Every method's programs at full size: 224 x 224 pixels, whole calibration sets, ResNet-18 and -50, compiled for the
// CUDA device by the real walk over the network, on a card that allocates and computes nothing (dry_run.h).
#include <doctest/doctest.h>

#include <fmt/format.h>

#include <set>

#include "engine/nearest.h"
#include "engine/passes/executor.h"
#include "engine/program/buffers.h"
#include "engine/reconstruction/fisher.h"
#include "engine/reconstruction/unit_walk.h"
#include "kernels/cuda/device.h"
#include "kernels/emulator/dry_run.h"
#include "support/full_size_networks.h"
#include "support/operations.h"

using namespace adaq;
using namespace adaq::test;

namespace {

constexpr int64_t kEdge = 224;
constexpr int64_t kCount[] = {1024, 4096};

std::vector<Site> sites_of(const Network& network, int input_bits = 32) {
    SiteOptions options;
    options.bits = 4;
    options.input_bits = input_bits;
    return activation_sites(network.graph, options);
}

/// What decides a unit's programs: units that are alike are learned once.
std::string kind_of(const Network& network, const Unit& unit, const Indexed<Shape>& shapes) {
    std::string text = to_string(shapes[static_cast<size_t>(unit.input)]);
    for (int i = unit.first; i < unit.last; ++i) {
        const Node& node = network.graph.node(i);
        text += fmt::format("; {} {}", describe(node), to_string(shapes[static_cast<size_t>(Graph::output_of(i))]));
    }
    return text;
}

/// A recipe whose loops are one iteration.
Recipe short_recipe(const std::string& method) {
    Recipe r = recipe(method);
    r.learn.schedule.iterations = 1;
    if (r.scales) r.scales->schedule.iterations = 1;
    return r;
}

struct Walk {
    int depth = 18;
    int64_t images = 1024;  // as they come; a recipe's views come on top
    Math math = Math::f32;
    int input_bits = 32;
    int64_t memory = int64_t{1} << 42;  // for cached values
};

/// The walk of reconstruct_units(); returns how many units learned.
int reconstruct(const Recipe& recipe, const Walk& walk) {
    emulator::DryRun dry;
    int learned = 0;
    {
        const auto device = cuda::make_cuda_device(walk.math);
        const Network original = make_network(resnet(walk.depth), recipe.fold);
        const Network unfolded = recipe.correction ? make_network(resnet(walk.depth), false) : Network{};
        Network network = with_codes(original);
        const Indexed<Shape> shapes = value_shapes(network.graph, kEdge, kEdge);
        WalkOptions options;
        options.recipe = recipe;
        options.unfolded = &unfolded;
        options.units = learned_units(network.graph, recipe, false);
        options.sites = sites_of(network, walk.input_bits);
        options.activation_range = {recipe.scheme, 4, 2.4, false};
        options.memory = walk.memory;
        std::set<std::pair<uint32_t, std::string>> seen;
        WalkObserver observer;
        observer.begin = [&](const Unit& unit, uint32_t phase) -> std::optional<UnitResult> {
            const bool known = !seen.emplace(phase, kind_of(network, unit, shapes)).second;
            if (known) return result_of(network, unit, {});
            ++learned;
            return std::nullopt;
        };
        observer.site = [](ValueId, const DeviceTensor&) {};
        const int64_t rows = walk.images * recipe.views;
        reconstruct_units(*device, original, network, device->create({rows, kEdge, kEdge, 3}), options, observer);
    }
    CHECK(dry.launches() > 0);
    return learned;
}

/// On both networks, with the smaller set in float32 and the larger one in bf16.
void check_walks(const Recipe& recipe, int units18, int units50) {
    for (int depth : {18, 50}) {
        for (int64_t images : kCount) {
            CAPTURE(depth);
            CAPTURE(images);
            const Math math = images == kCount[0] ? Math::f32 : Math::bf16;
            CHECK(reconstruct(recipe, {.depth = depth, .images = images, .math = math}) ==
                  (depth == 18 ? units18 : units50));
        }
    }
}

}  // namespace

TEST_SUITE("full size") {
    TEST_CASE("rounding to nearest and evaluation") {
        for (const int depth : {18, 50}) {
            const int64_t images = kCount[depth == 18 ? 0 : 1];
            CAPTURE(depth);
            CAPTURE(images);
            emulator::DryRun dry;
            const auto device = cuda::make_cuda_device(Math::tf32);
            Network network = make_network(resnet(depth), false);
            for (const std::string& scheme : scheme_names()) {
                if (depth != 18 || scheme == "norm-legacy") continue;  // wants two-sided data
                quantise_weights(*device, network, {{scheme, 4, 2.4, false}, true, false, {}});
            }
            network = with_codes(std::move(network));
            start_activations(*device, network, device->create({images, kEdge, kEdge, 3}), sites_of(network, 8),
                              {"norm", 4, 2.4, false});
            const Executor executor(*device, network, images, kEdge, kEdge);
            CHECK(dry.launches() > 0);
        }
    }

    TEST_CASE("adaround") { check_walks(short_recipe("adaround"), 16, 24); }
    TEST_CASE("brecq, both phases") { check_walks(short_recipe("brecq"), 17, 19); }
    TEST_CASE("qdrop") { check_walks(short_recipe("qdrop"), 9, 10); }
    TEST_CASE("pdquant") { check_walks(short_recipe("pdquant"), 9, 10); }
    TEST_CASE("best, from four views") { check_walks(short_recipe("best"), 9, 10); }

    TEST_CASE("pdquant with distribution correction") {
        Recipe r = short_recipe("pdquant");
        r.correction = CorrectionOptions{};
        r.correction->steps = 1;
        check_walks(r, 9, 10);
    }

    TEST_CASE("brecq with the Fisher diagonal") {
        Recipe r = short_recipe("brecq");
        r.learn.loss = Reconstruction::fisher_diag;
        check_walks(r, 17, 19);
    }

    TEST_CASE("values that are spilled, and an input that is quantised") {
        CHECK(reconstruct(short_recipe("qdrop"), {.depth = 18, .images = 4096, .input_bits = 8, .memory = 1}) == 9);
    }
}
