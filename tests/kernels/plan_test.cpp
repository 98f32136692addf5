// The CPU's plan, judged by playing it: whatever an operation reads must still be what was written for those images.
#include "kernels/cpu/plan.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>

using namespace adaq;
using namespace adaq::cpu;

namespace {

Buffer fake(const Shape& shape) { return std::make_shared<DeviceTensor>(shape); }

/// A ResNet of basic blocks as the engine emits it; `sites` quantises the outputs to codes.
class Resnet {
  public:
    Resnet(int64_t batch, int64_t edge, bool sites) : sites_(sites) {
        x_ = program_.bind(fake({batch, edge, edge, 3}));
        x_ = convolution(x_, 64, 7, 2, kNone);
        const TensorId pooled = program_.temporary(mapped(x_, 64, 2));
        program_.add(MaxPool{x_, pooled});
        x_ = pooled;
        for (int64_t width : {64, 128, 256, 512}) {
            block(width, width == 64 ? 1 : 2);
            block(width, 1);
        }
        const TensorId features = program_.temporary({batch, 512}), logits = program_.bind(fake({batch, 1000}));
        program_.add(GlobalAveragePool{x_, features});
        program_.add(Linear{features, program_.bind(fake({1000, 512})), logits, {}});
    }
    const Program& program() const { return program_; }

  private:
    Shape mapped(TensorId x, int64_t channels, int64_t stride) const {
        const Shape& shape = program_.shape(x);
        return {shape[0], (shape[1] + stride - 1) / stride, (shape[2] + stride - 1) / stride, channels};
    }
    TensorId convolution(TensorId x, int64_t channels, int64_t kernel, int stride, TensorId residual) {
        const TensorId y = program_.temporary(mapped(x, channels, stride));
        const Shape weight{channels, kernel, kernel, program_.shape(x)[3]};
        Convolution op{x, program_.bind(fake(weight)), y,
                       ConvolutionWindow::square(stride, static_cast<int>(kernel / 2))};
        op.epilogue.residual = residual;
        if (sites_) op.epilogue.quantiser = OutputQuantiser{{8, true}, program_.bind(fake({1})), 0.0f, true};
        program_.add(op);
        return y;
    }
    void block(int64_t width, int stride) {
        const TensorId hidden = convolution(x_, width, 3, stride, kNone);
        const TensorId shortcut = stride == 1 ? x_ : convolution(x_, width, 1, stride, kNone);
        x_ = convolution(hidden, width, 3, 1, shortcut);
    }

    bool sites_;
    Program program_;
    TensorId x_ = kNone;
};

/// Plays one lane through one group of images, and remembers what lies where in its workspace.
class Player {
  public:
    Player(const Program& program, const Plan& plan)
        : program_(program), plan_(plan), memory_(plan.slot_floats.size()) {}

    void play(size_t phases, int64_t first, int64_t last) {
        if (phases == 0) return;
        const Phase& phase = plan_.phases[phases - 1];
        for (int64_t index = first; index < last; index += phase.images) {
            play(phases - 1, index, index + phase.images);
            for (size_t i = phase.first; i < phase.last; ++i) {
                const Uses uses = uses_of(program_.operations()[i]);
                for (TensorId id : uses.reads) images_of(id, index, phase.images, false);
                images_of(uses.write, index, phase.images, true);
                ++operations;
            }
        }
    }
    int64_t wrong = 0, outside = 0, operations = 0;

  private:
    struct Content {
        int64_t end;
        TensorId id;
        int64_t image;
        bool operator==(const Content&) const = default;
    };

    void images_of(TensorId id, int64_t index, int64_t count, bool write) {
        const TemporaryPlace& place = plan_.temporaries[static_cast<size_t>(id)];
        if (place.slot < 0) return;
        auto& slot = memory_[static_cast<size_t>(place.slot)];
        const int64_t floats = image_floats(program_.tensor(id).type);
        // The device is given the place of the first image and takes the others to follow it.
        const int64_t start = index % place.images * floats;
        for (int64_t n = 0; n < count; ++n) {
            const int64_t begin = start + n * floats, end = begin + floats;
            if (end > plan_.slot_floats[static_cast<size_t>(place.slot)]) ++outside;
            const Content content{end, id, index + n};
            if (write) {
                auto at = slot.lower_bound(begin);
                if (at != slot.begin() && std::prev(at)->second.end > begin) --at;
                while (at != slot.end() && at->first < end) at = slot.erase(at);
                slot[begin] = content;
            } else {
                const auto found = slot.find(begin);
                if (found == slot.end() || found->second != content) ++wrong;
            }
        }
    }

    const Program& program_;
    const Plan& plan_;
    std::vector<std::map<int64_t, Content>> memory_;
};

}  // namespace

TEST_SUITE("CPU plan") {
    TEST_CASE("whatever an operation reads is what was written for those images") {
        for (int64_t edge : {32, 64, 224}) {
            for (bool sites : {false, true}) {
                for (int64_t batch : {1, 2, 3, 7, 8, 32, 37, 96, 128, 300}) {
                    for (int threads : {1, 2, 3, 16}) {
                        CAPTURE(edge);
                        CAPTURE(sites);
                        CAPTURE(batch);
                        CAPTURE(threads);
                        const Resnet net(batch, edge, sites);
                        const Plan plan = make_plan(net.program(), threads);
                        Player player(net.program(), plan);
                        player.play(plan.phases.size(), 0, plan.group);
                        CHECK(player.operations >= static_cast<int64_t>(net.program().operations().size()));
                        CHECK(player.wrong == 0);
                        CHECK(player.outside == 0);
                    }
                }
            }
        }
    }

    TEST_CASE("phases cover the operations in order, each with a multiple of the images of the one before") {
        const Resnet net(32, 224, false);
        const Plan plan = make_plan(net.program(), 2);
        REQUIRE(plan.phases.size() >= 2);
        CHECK(plan.phases.front().first == 0);
        CHECK(plan.phases.front().images < plan.phases.back().images);
        CHECK(plan.phases.back().last == net.program().operations().size());
        CHECK(plan.group % plan.phases.back().images == 0);
        for (size_t i = 1; i < plan.phases.size(); ++i) {
            CHECK(plan.phases[i].first == plan.phases[i - 1].last);
            CHECK(plan.phases[i].images % plan.phases[i - 1].images == 0);
        }
    }

    TEST_CASE("every thread gets a group, a batch of few images is shared by all threads") {
        for (int threads : {1, 2, 3, 16}) {
            const Plan many = make_plan(Resnet(128, 64, false).program(), threads);
            CHECK(many.lanes == threads);
            CHECK(many.group * many.lanes <= 128);
            const Plan few = make_plan(Resnet(2, 64, false).program(), threads);
            CHECK(few.lanes == 1);
            CHECK(few.threads_of_a_lane == threads);
        }
    }

    TEST_CASE("a float residual is summed in place, one that a quantiser follows is not") {
        const auto in_place = [](bool sites) {
            const Plan plan = make_plan(Resnet(8, 64, sites).program(), 1);
            return std::count(plan.in_place.begin(), plan.in_place.end(), true);
        };
        CHECK(in_place(false) == 8);
        CHECK(in_place(true) == 0);
    }

    TEST_CASE("a residual that is read again is not summed in place") {
        const auto in_place = [](bool read_again) {
            Program program;
            const auto conv = [&](TensorId x, TensorId y, TensorId residual) {
                Convolution op{x, program.bind(fake({8, 1, 1, 8})), y, ConvolutionWindow::square(1, 0)};
                op.epilogue.residual = residual;
                program.add(op);
            };
            const TensorId input = program.bind(fake({2, 4, 4, 8})), shortcut = program.temporary({2, 4, 4, 8});
            const TensorId sum = program.temporary({2, 4, 4, 8}), output = program.bind(fake({2, 4, 4, 8}));
            conv(input, shortcut, kNone);
            conv(input, sum, shortcut);
            conv(sum, output, read_again ? shortcut : kNone);
            const Plan plan = make_plan(program, 1);
            Player player(program, plan);
            player.play(plan.phases.size(), 0, plan.group);
            CHECK(player.wrong == 0);
            return bool{plan.in_place[1]};
        };
        CHECK(in_place(false));
        CHECK_FALSE(in_place(true));
    }

    TEST_CASE("only tensors that surely hold no codes let weights be scaled") {
        for (bool sites : {false, true}) {
            const Resnet net(4, 64, sites);
            const Plan plan = make_plan(net.program(), 1);
            for (const Operation& operation : net.program().operations()) {
                const auto* op = std::get_if<Convolution>(&operation);
                if (!op) continue;
                const bool image = net.program().shape(op->x)[3] == 3;  // bound: nobody knows what it holds
                CHECK(plan.holds_values[static_cast<size_t>(op->x)] == (!sites && !image));
            }
        }
    }
}
