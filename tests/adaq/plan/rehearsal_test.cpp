// A rehearsal of reconstruction tells what the walk itself then needs and does.
#include "adaq/plan/rehearsal.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "engine/error.h"
#include "loaders/weights/weights.h"
#include "support/full_size_networks.h"
#include "support/operations.h"
#include "support/places.h"
#include "support/sanitizer.h"

using namespace adaq;
using namespace adaq::test;

namespace {

constexpr int64_t kImages = 9, kSize = 16, kBatch = 4, kScaleImages = 6;

/// A method on a thin network, in short.
struct Setting {
    std::string method;
    std::string more = {};  // "fisher-diag", "correction"
    int64_t views = 1;
    int input_bits = 32, bits = 4;
    bool fold = true;
};

Recipe recipe_of(const Setting& setting) {
    Recipe r = recipe(setting.method);
    r.learn.schedule.iterations = 1;
    r.learn.batch = kBatch;
    if (setting.more == "fisher-diag") r.learn.loss = Reconstruction::fisher_diag;
    if (r.scales) {
        r.scales->schedule.iterations = 1;
        r.scales->batch = kBatch;
        r.scales->loss = r.learn.loss;
    }
    if (setting.more == "correction") {
        r.correction = CorrectionOptions{};
        r.correction->steps = 2;
        r.correction->batch = kBatch;
    }
    r.scale_images = kScaleImages;
    return r;
}

class Work {
  public:
    explicit Work(const Setting& setting)
        : model_(load_weights(fixtures_folder() + "/networks/basic.bin")),
          original_(make_network(model_, setting.fold)),
          unfolded_(make_network(model_, false)),
          nearest_(original_),
          shape_{kImages * setting.views, kSize, kSize, model_.graph.input_channels} {
        quantise_weights(*device_, nearest_, {{"minmax", 3, 2.4, false}, true, false, {}});
        SiteOptions sites;
        sites.bits = setting.bits;
        sites.input_bits = setting.input_bits;
        walk_.recipe = recipe_of(setting);
        walk_.unfolded = &unfolded_;
        walk_.units = learned_units(nearest_.graph, walk_.recipe, false);
        if (setting.bits < 32) walk_.sites = activation_sites(nearest_.graph, sites);
        walk_.activation_range = {"minmax", 4, 2.4, false};
    }

    Rehearsal rehearsed() const { return rehearse(*device_, original_, nearest_, shape_, walk_); }

    /// On the CPU, with so many bytes for cached values; spills: receives whether some are spilled.
    Rehearsal real(int64_t memory, bool& spills) const {
        Rehearsal told;
        WalkOptions walk = walk_;
        walk.memory = memory;
        WalkObserver observer;
        observer.end = [&](const Unit& unit, const UnitResult& result) {
            told.learns.emplace_back(result.record.phase, unit);
        };
        observer.cached = [&](int64_t bytes) { told.cached_bytes = bytes; };
        spills = false;
        observer.say = [&](const std::string&) { spills = true; };
        Network network = nearest_;
        reconstruct_units(*device_, original_, network, Tensor(shape_, Values(5).reals(element_count(shape_))), walk,
                          observer);
        return told;
    }

  private:
    std::unique_ptr<Device> device_ = make_device("cpu", 1);
    StoredModel model_;
    Network original_, unfolded_, nearest_;
    Shape shape_;
    WalkOptions walk_;
};

std::vector<std::string> names(const Rehearsal& rehearsal) {
    std::vector<std::string> names;
    for (const auto& [phase, unit] : rehearsal.learns) names.push_back(std::to_string(phase) + " " + unit.name);
    return names;
}

/// What a method may have besides: nothing; BRECQ's weights, whose view of the network's rest takes blocks; the
/// correction of a float input that is mixed in.
std::vector<std::string> additions(const std::string& method) {
    const Recipe r = recipe(method);
    std::vector<std::string> names{""};
    if (r.units == UnitKind::blocks) names.emplace_back("fisher-diag");
    if (r.learn.keep_input < 1.0f) names.emplace_back("correction");
    return names;
}

std::vector<Setting> settings() {
    std::vector<Setting> all;
    for (const std::string& method : recipe_names()) {
        for (const std::string& more : additions(method)) {
            all.push_back({.method = method, .more = more});
            all.push_back({.method = method, .more = more, .views = 3, .input_bits = 8});
            all.push_back({.method = method, .more = more, .bits = 32});
            all.push_back({.method = method, .more = more, .fold = false});
        }
    }
    return all;
}

}  // namespace

TEST_SUITE("rehearsal") {
    TEST_CASE("a real run learns the same units, and its cached values take the same memory and not a byte less") {
        for (const Setting& setting : settings()) {
            CAPTURE(setting.method);
            CAPTURE(setting.more);
            CAPTURE(setting.views);
            CAPTURE(setting.input_bits);
            CAPTURE(setting.bits);
            CAPTURE(setting.fold);
            const Work work(setting);
            const Rehearsal rehearsed = work.rehearsed();
            bool spills = true;
            const Rehearsal real = work.real(rehearsed.cached_bytes, spills);
            CHECK_FALSE(spills);
            CHECK(real.cached_bytes == rehearsed.cached_bytes);
            CHECK(names(real) == names(rehearsed));
            for (const auto& [phase, unit] : real.learns) CHECK(rehearsed.learns_in(phase, unit));
            CHECK(work.real(rehearsed.cached_bytes - 1, spills).cached_bytes == rehearsed.cached_bytes);
            CHECK(spills);
        }
    }

    TEST_CASE("a unit learns in the passes that it is told to learn in, and in no other") {
        const Rehearsal twice = Work({.method = "brecq"}).rehearsed();
        const Unit &stem = twice.learns.front().second, &head = twice.learns[5].second;
        CHECK(names(twice).size() == 11);
        CHECK(stem.name == "stem");
        CHECK(head.name == "head");
        CHECK(twice.learns_in(0, stem));
        CHECK(twice.learns_in(1, stem));
        CHECK(twice.learns_in(0, head));
        CHECK_FALSE(twice.learns_in(1, head));  // it has no scales
    }

    TEST_CASE("thousands of images at full size, with every method") {
        constexpr int64_t kEdge = 224;
        const auto device = make_device("cpu", 1);
        for (const std::string& method : recipe_names()) {
            for (const std::string& more : additions(method)) {
                WalkOptions walk;
                walk.recipe = recipe(method);
                if (more == "correction") walk.recipe.correction = CorrectionOptions{};
                if (more == "fisher-diag") walk.recipe.learn.loss = Reconstruction::fisher_diag;
                CAPTURE(method);
                CAPTURE(more);
                const Network original = make_network(resnet(18), walk.recipe.fold);
                SiteOptions sites;
                sites.bits = 4;
                walk.units = learned_units(original.graph, walk.recipe, false);
                walk.sites = activation_sites(original.graph, sites);
                const auto bytes = [&](int64_t images) {
                    const Rehearsal r =
                        rehearse(*device, original, with_codes(original), {images, kEdge, kEdge, 3}, walk);
                    CHECK(r.learns.size() == (method == "adaround" ? 21 : method == "brecq" ? 19 : 10));
                    return r.cached_bytes;
                };
                const int64_t image = kEdge * kEdge * 3 * 4, most = bytes(4096);
                CHECK(most > 2 * 4096 * image);
                // All but the images that scales start from is as many bytes an image, however many there are.
                const int64_t some = walk.recipe.scale_images * image;
                if (more.empty() && !kAddressSanitizer) CHECK(most - some == 2 * (bytes(2048) - some));
            }
        }
    }

    TEST_CASE("what the walk refuses, its rehearsal refuses: fewer images than a batch") {
        const auto device = make_device("cpu", 1);
        const Network original = make_network(resnet(18), true);
        WalkOptions walk;
        walk.recipe = recipe("qdrop");
        walk.units = learned_units(original.graph, walk.recipe, false);
        CHECK_THROWS_WITH_AS(rehearse(*device, original, with_codes(original), {31, 64, 64, 3}, walk),
                             "stem: 31 calibration images are fewer than a batch of 32; give more, or a smaller "
                             "`minibatch`",
                             DataError);
    }
}
