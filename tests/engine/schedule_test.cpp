// An iteration's values by their definition (docs/arithmetic.md section 5), in both precisions of an iteration state:
// every device shares them, so that none can be held against another.
#include "engine/schedule.h"

#include <doctest/doctest.h>

#include <array>

using namespace adaq;

namespace {

template <typename Real>
using State = std::array<Real, kIterationValues>;

template <typename Real>
State<Real> at_iteration(int64_t t, const Schedule& schedule) {
    State<Real> state{};
    for (int64_t i = 0; i < t; ++i) begin_iteration(state.data(), schedule, false, {}, 0.0);
    CHECK(state[kIteration] == static_cast<Real>(t));
    return state;
}

const Schedule kTen{
    .iterations = 10, .rounding_rate = 0.25, .scale_rate = 0.5, .channel_rate = 2.0, .cosine_scale_rate = true};

}  // namespace

TEST_SUITE("schedule") {
    TEST_CASE_TEMPLATE("the regulariser starts behind the warm-up, and beta falls linearly to its end", Real, float,
                       double) {
        struct Expected {
            int64_t t;
            Real on, beta;
        };
        for (const Expected& e : {Expected{1, 0, 20}, {2, 1, 20}, {6, 1, 11}, {8, 1, 6.5}, {10, 1, 2}}) {
            CAPTURE(e.t);
            const State<Real> state = at_iteration<Real>(e.t, kTen);
            CHECK(state[kRegulariserOn] == e.on);
            CHECK(state[kBeta] == doctest::Approx(e.beta).epsilon(1e-6));
        }
    }

    TEST_CASE_TEMPLATE("scale and channel rates fall along half a cosine, the rounding rate stays", Real, float,
                       double) {
        struct Expected {
            int64_t t;
            double factor;
        };
        for (const Expected& e : {Expected{1, 1.0}, {6, 0.5}, {10, 0.0244717418524232}}) {
            CAPTURE(e.t);
            const State<Real> state = at_iteration<Real>(e.t, kTen);
            CHECK(state[kScaleRate] == doctest::Approx(0.5 * e.factor).epsilon(1e-6));
            CHECK(state[kChannelRate] == doctest::Approx(2.0 * e.factor).epsilon(1e-6));
            CHECK(state[kRoundingRate] == Real(0.25));
        }
        Schedule constant = kTen;
        constant.cosine_scale_rate = false;
        CHECK(at_iteration<Real>(7, constant)[kScaleRate] == Real(0.5));
    }

    TEST_CASE_TEMPLATE("Adam's corrections are those of its two averages", Real, float, double) {
        const State<Real> first = at_iteration<Real>(1, kTen), third = at_iteration<Real>(3, kTen);
        CHECK(first[kFirstCorrection] == doctest::Approx(10.0));
        CHECK(first[kSecondCorrection] == doctest::Approx(31.6227766));
        CHECK(third[kFirstCorrection] == doctest::Approx(1.0 / 0.271));
        CHECK(third[kSecondCorrection] == doctest::Approx(18.2665511));
    }

    TEST_CASE_TEMPLATE("the first iteration whose loss was not finite is kept", Real, float, double) {
        const auto infinity = static_cast<Real>(INFINITY);
        for (const Real bad : {infinity, -infinity, static_cast<Real>(NAN)}) {
            State<Real> state{};
            look_at_loss(state.data(), bad);  // of no iteration
            CHECK(state[kFirstBad] == Real(0));
            state = at_iteration<Real>(3, kTen);
            CHECK(look_at_loss(state.data(), Real(-3e38)) == static_cast<double>(Real(-3e38)));
            CHECK(state[kFirstBad] == Real(0));
            look_at_loss(state.data(), bad);
            begin_iteration(state.data(), kTen, false, {}, 0.0);
            look_at_loss(state.data(), bad);
            CHECK(state[kFirstBad] == Real(3));
        }
    }

    TEST_CASE_TEMPLATE("on a plateau the scale rate falls with the losses, and the channel rate does not", Real, float,
                       double) {
        const Plateau plateau{.patience = 1, .factor = 0.5, .smallest = 0.2};
        State<Real> state{};
        const auto rate_after = [&](double losses) {
            begin_iteration(state.data(), kTen, true, plateau, losses);
            return state[kScaleRate];
        };
        CHECK(rate_after(9.0) == Real(0.5));  // the first iteration: no losses before it
        CHECK(rate_after(8.0) == Real(0.5));
        CHECK(state[kBestLoss] == Real(8));
        CHECK(rate_after(8.0) == Real(0.5));
        CHECK(rate_after(9.0) == Real(0.25));
        CHECK(rate_after(7.0) == Real(0.25));
        CHECK(state[kBadIterations] == Real(0));
        CHECK(state[kChannelRate] == Real(2));
    }
}
