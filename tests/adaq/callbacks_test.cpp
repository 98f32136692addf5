// What functions of the caller's throw (observers, own images, logits): it comes out unchanged, and nothing is the
// worse for it.
#include <doctest/doctest.h>

#include <stdexcept>

#include "support/interface.h"

using namespace adaq;
using namespace adaq::test;

namespace {

/// Of no library's kind.
struct Mine {
    int number = 7;
};

/// Throws at one of its functions' n-th call.
class Throwing : public Observer {
  public:
    Throwing(std::string function, int call) : function_(std::move(function)), left_(call) {}

    void begin(const std::string&, int64_t, const std::string&) override { called("begin"); }
    void advance(int64_t) override { called("advance"); }
    void end() override { called("end"); }
    void say(const std::string&) override { called("say"); }
    void work_begins() override { called("work_begins"); }
    bool stop() override {
        called("stop");
        return false;
    }

  private:
    void called(const std::string& function) {
        if (function == function_ && --left_ == 0) throw Mine();
    }
    std::string function_;
    int left_;
};

/// Learning that has something to say: its values are spilled.
QuantiseOptions spilling() {
    QuantiseOptions options = learning();
    options.memory = "1K";
    return options;
}

/// Own images of which one throws.
template <typename Exception>
OwnImages failing_with(const Exception& exception) {
    OwnImages images = own_pixels();
    images.pixels = [exception](int64_t image, std::span<uint8_t> pixels) {
        if (image == 9) throw exception;
        fill(image, pixels);
    };
    return images;
}

std::vector<std::string> told(const Report& report) {
    std::vector<std::string> told = report.notes;
    for (const auto& [phase, seconds] : report.seconds) told.push_back(phase + " " + std::to_string(seconds));
    told.push_back(report.float_network ? std::to_string(report.float_network->top1) : "not evaluated");
    told.push_back(report.validation ? report.validation->description : "no images");
    told.push_back(report.weights[0].output_sqnr_db ? "compared" : "not compared");
    return told;
}

}  // namespace

TEST_SUITE("functions of the caller's") {
    TEST_CASE(
        "what an observer throws while a network is quantised comes out as it is, wherever, and the next try is as "
        "good") {
        const Model model = load(kNetwork);
        const ImageSets images = open_images(model, {.own_calib = own_pixels()});
        const std::string expected = saved(quantise(model, images, spilling(), kOneThread).model());
        Workspace workspace;
        Context context = kOneThread;
        context.workspace = &workspace;
        for (const auto& [function, call] : {std::pair("begin", 1),
                                             {"begin", 2},
                                             {"advance", 1},
                                             {"advance", 20},
                                             {"end", 1},
                                             {"say", 1},
                                             {"work_begins", 1},
                                             {"stop", 1},
                                             {"stop", 60}}) {
            CAPTURE(function);
            CAPTURE(call);
            Throwing observer(function, call);
            context.observer = &observer;
            CHECK_THROWS_AS(quantise(model, images, spilling(), context), Mine);
            context.observer = nullptr;
            CHECK(saved(quantise(model, images, spilling(), context).model()) == expected);
        }
    }

    TEST_CASE("units that are finished when an observer throws are kept, and the rest is learned behind them") {
        const Model model = load(kNetwork);
        const ImageSets images = open_images(model, {.own_calib = own_pixels()});
        const TemporaryFolder state;
        QuantiseOptions options = learning();
        const std::string expected = saved(quantise(model, images, options, kOneThread).model());
        options.state = state / "units";
        Throwing observer("advance", 60);
        Context context = kOneThread;
        context.observer = &observer;
        CHECK_THROWS_AS(quantise(model, images, options, context), Mine);
        Counting resumed;
        context.observer = &resumed;
        options.resume = true;
        CHECK(saved(quantise(model, images, options, context).model()) == expected);
        CHECK(resumed.said == std::vector<std::string>{"Going on from " + options.state + "."});
    }

    TEST_CASE("a comparison or an evaluation that throws leaves the report as it was") {
        const Model model = load(kNetwork);
        const ImageSets images = own_image_sets(model);
        Quantised quantised = quantise(model, images, learning(), kOneThread);
        const std::vector<std::string> before = told(quantised.report());
        for (const auto& [function, call] :
             {std::pair("begin", 1), {"advance", 1}, {"end", 1}, {"stop", 1}, {"stop", 2}}) {
            CAPTURE(function);
            Throwing compared(function, call), evaluated(function, call), as_it_is(function, call);
            Context context = kOneThread;
            context.observer = &compared;
            CHECK_THROWS_AS(compare_layers(quantised, context), Mine);
            context.observer = &evaluated;
            CHECK_THROWS_AS(evaluate(quantised, images, {}, context), Mine);
            context.observer = &as_it_is;
            CHECK_THROWS_AS(evaluate(model, images, {}, context), Mine);
            CHECK(told(quantised.report()) == before);
        }
        EvaluateOptions options;
        options.logits = [](std::span<const float>, int64_t) { throw Mine(); };
        CHECK_THROWS_AS(evaluate(quantised, images, options, kOneThread), Mine);
        CHECK(told(quantised.report()) == before);
        compare_layers(quantised, kOneThread);
        evaluate(quantised, images, {}, kOneThread);
        CHECK(told(quantised.report()) != before);
    }

    TEST_CASE("what own images throw comes out as it is: an error of adaq's, of the library's, a mistake, anything") {
        const Model model = load(kNetwork);
        const auto check = [&](const auto& exception) {
            using Exception = std::remove_cvref_t<decltype(exception)>;
            const ImageSets images =
                open_images(model, {.own_calib = failing_with(exception), .own_val = failing_with(exception)});
            CHECK_THROWS_AS(quantise(model, images, learning(), kOneThread), Exception);
            CHECK_THROWS_AS(evaluate(model, images, {}, kOneThread), Exception);
            CHECK_THROWS_AS(identity(model, images, learning(), kOneThread), Exception);
            CHECK_THROWS_AS(identity(model, images, learning(), kOneThread), Exception);  // the second time, too
        };
        check(Mine());
        check(std::runtime_error("no such image"));
        check(std::invalid_argument("9"));
        check(std::bad_alloc());
        OwnImages images = failing_with(DataError("`shelf` 9: empty"));
        const Error error =
            error_from([&] { evaluate(model, open_images(model, {.own_val = images}), {}, kOneThread); });
        CHECK(error.field() == "shelf");
        images.pixels = nullptr;
        images.inputs = [](int64_t, std::span<float>) { throw Mine(); };
        CHECK_THROWS_AS(evaluate(model, open_images(model, {.own_val = images}), {}, kOneThread), Mine);
    }
}
