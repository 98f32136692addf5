// Where devices place the temporaries of a training program.
#include "engine/program/arena.h"

#include <doctest/doctest.h>

using namespace adaq;

namespace {

struct Chain {
    Program program;
    std::vector<TensorId> values;

    /// Each of `length` tensors is computed from the one before.
    explicit Chain(int length) {
        for (int i = 0; i < length; ++i) values.push_back(program.temporary({3, 100}));
        for (size_t i = 1; i < values.size(); ++i) program.add(GlobalAveragePoolGradient{values[i - 1], values[i]});
    }
    int64_t place(size_t i) const { return make_arena(program).offsets[static_cast<size_t>(values[i])]; }
};

}  // namespace

TEST_SUITE("arena") {
    TEST_CASE("a chain needs room for two tensors, and neighbours never share") {
        const Chain chain(6);
        const Arena arena = make_arena(chain.program);
        CHECK(arena.floats == 2 * 304);  // 300, up to a multiple of 64 bytes
        for (size_t i = 1; i < 6; ++i) CHECK(chain.place(i) != chain.place(i - 1));
    }

    TEST_CASE("a tensor that is read again keeps its place until then") {
        Chain chain(5);
        chain.program.add(ActivationBackward{chain.values[4], chain.values[4], chain.values[0], {}});
        for (size_t i = 1; i < 5; ++i) CHECK(chain.place(i) != chain.place(0));
    }

    TEST_CASE("parts keep the whole alive") {
        Program program;
        const TensorId whole = program.temporary({4, 8}), other = program.temporary({4, 8}),
                       last = program.temporary({2, 8}), part = program.rows(whole, 2, 2);
        program.add(Gather{other, whole});
        program.add(Gather{other, other});
        program.add(Gather{part, last});
        const Arena arena = make_arena(program);
        CHECK(arena.offsets[static_cast<size_t>(whole)] != arena.offsets[static_cast<size_t>(other)]);
        CHECK(arena.offsets[static_cast<size_t>(whole)] != arena.offsets[static_cast<size_t>(last)]);
        CHECK(arena.offsets[static_cast<size_t>(part)] == -1);
    }

    TEST_CASE("a loss lives on into the next iteration") {
        Chain chain(4);
        const TensorId loss = chain.program.temporary({1}), state = chain.program.temporary({kIterationValues});
        chain.program.add(BeginIteration{state, {}, {loss}});
        const Arena arena = make_arena(chain.program);
        for (TensorId value : chain.values)
            CHECK(arena.offsets[static_cast<size_t>(value)] != arena.offsets[static_cast<size_t>(loss)]);
    }
}
