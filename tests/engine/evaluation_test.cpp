#include "engine/evaluation.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "engine/error.h"

using namespace adaq;

TEST_SUITE("evaluation") {
    TEST_CASE("the first of equal logits is the choice, and ranks count accordingly") {
        const std::vector<float> logits{1.0f, 3.0f, 3.0f, 2.0f};
        CHECK(first_choice(logits) == 1);
        CHECK(rank_of(logits, 1) == 0);
        CHECK(rank_of(logits, 2) == 1);
        CHECK(rank_of(logits, 3) == 2);
        CHECK(rank_of(logits, 0) == 3);
    }

    TEST_CASE("a scorer counts top-1 and top-5 over batches") {
        Scorer scorer;
        const std::vector<float> logits{0, 1, 2, 3, 4, 5, 6};  // label 6 is first, 2 fifth, 1 sixth
        scorer.add(logits, std::vector<int>{6});
        scorer.add(logits, std::vector<int>{2});
        scorer.add(logits, std::vector<int>{1});
        CHECK(scorer.images() == 3);
        CHECK(scorer.top1() == 1);
        CHECK(scorer.top5() == 2);
    }

    TEST_CASE("with fewer than five classes every image is in the top five") {
        Scorer scorer;
        scorer.add(std::vector<float>{0, 1, 2, 1}, std::vector<int>{0, 1});
        CHECK(scorer.top5() == 2);
        CHECK(scorer.top1() == 0);
    }

    TEST_CASE("logits that are not finite are an error") {
        Scorer scorer;
        CHECK_THROWS_AS(scorer.add(std::vector<float>{0, NAN}, std::vector<int>{0}), DataError);
        CHECK_THROWS_AS(scorer.add(std::vector<float>{0, INFINITY}, std::vector<int>{0}), DataError);
    }
}
