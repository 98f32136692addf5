#include "kernels/cpu/plan.h"

#include <algorithm>

#include "engine/error.h"

namespace adaq::cpu {
namespace {

/// What an operation reads and writes at a time: about what a core's second-level cache holds, but no less than the
/// weights that it reads for it.
constexpr int64_t kFloatsAtATime = 1 << 18;
constexpr int64_t kLargestGroup = 64;  // images
/// Fewer images a lane would starve the matrix products of deep, small maps.
constexpr int64_t kFewestImagesOfALane = 4;

/// The largest divisor of n that is not above the limit.
int64_t divisor_up_to(int64_t n, int64_t limit) {
    int64_t divisor = std::clamp<int64_t>(limit, 1, n);
    while (n % divisor != 0) --divisor;
    return divisor;
}

class Planner {
  public:
    Planner(const Program& program, int threads) : program_(program) {
        for (const Operation& operation : program.operations()) uses_.push_back(uses_of(operation));
        find_activations();
        find_values();
        choose_group(threads);
        choose_phases();
        find_sums_in_place();
        place_temporaries();
    }
    Plan take() { return std::move(plan_); }

  private:
    const Shape& shape(TensorId id) const { return program_.shape(id); }
    const TensorType& type(TensorId id) const { return program_.tensor(id).type; }
    bool temporary(TensorId id) const { return !program_.tensor(id).bound; }

    void find_activations() {
        plan_.activation.resize(program_.tensors().size());
        for (const Uses& uses : uses_) {
            for (TensorId id : activations_of(uses)) {
                require(plan_.batch == 0 || plan_.batch == shape(id)[0], "program: batches of {} and {}", plan_.batch,
                        shape(id)[0]);
                plan_.batch = shape(id)[0];
                plan_.activation[id] = true;
            }
        }
    }
    /// Who writes a temporary says whether with codes; of a bound tensor nobody knows. Max pooling passes them on.
    void find_values() {
        plan_.holds_values.resize(program_.tensors().size());
        for (size_t i = 0; i < uses_.size(); ++i) {
            const auto* pool = std::get_if<MaxPool>(&program_.operations()[i]);
            plan_.holds_values[uses_[i].write] = pool ? bool{plan_.holds_values[pool->x]} : !uses_[i].codes;
        }
    }

    static std::vector<TensorId> activations_of(const Uses& uses) {
        std::vector<TensorId> all = uses.reads;
        all.push_back(uses.write);
        return all;
    }

    int64_t wanted_images(const Uses& uses) const {
        int64_t floats = 0;
        for (TensorId id : activations_of(uses)) floats += image_floats(type(id));
        const int64_t weights =
            uses.weight == kNone ? 0
                                 : element_count(shape(uses.weight)) / (type(uses.weight).dtype == DType::i8 ? 4 : 1);
        return std::max<int64_t>(1, (std::max(floats_at_a_time_, weights) + floats / 2) / std::max<int64_t>(1, floats));
    }

    void choose_group(int threads) {
        const int64_t batch = plan_.batch;
        plan_.lanes = batch >= threads * kFewestImagesOfALane ? threads : 1;
        plan_.threads_of_a_lane = threads / plan_.lanes;
        floats_at_a_time_ = kFloatsAtATime * plan_.threads_of_a_lane;
        int64_t most = 1;
        for (const Uses& uses : uses_) most = std::max(most, wanted_images(uses));
        most = std::min({most, kLargestGroup, batch / plan_.lanes});
        // Groups that leave no remainder, unless that makes them small.
        const int64_t divisor = divisor_up_to(batch, most);
        plan_.group = 2 * divisor > most ? divisor : most;
    }

    void choose_phases() {
        int64_t images = 1;
        for (size_t i = 0; i < uses_.size(); ++i) {
            images = std::max(images, divisor_up_to(plan_.group, wanted_images(uses_[i])));
            if (plan_.phases.empty() || plan_.phases.back().images != images) {
                // A phase's images are a multiple of those of the phase before.
                if (!plan_.phases.empty() && images % plan_.phases.back().images != 0) images = plan_.group;
                plan_.phases.push_back({i, i, images});
            }
            plan_.phases.back().last = i + 1;
        }
    }

    size_t last_read(TensorId id) const {
        size_t last = 0;
        for (size_t i = 0; i < uses_.size(); ++i) {
            if (std::count(uses_[i].reads.begin(), uses_[i].reads.end(), id)) last = i;
        }
        return last;
    }

    /// A sum adds to what is in its place already; that is the residual as it is, with no quantiser behind.
    void find_sums_in_place() {
        plan_.in_place.resize(uses_.size());
        for (size_t i = 0; i < uses_.size(); ++i) {
            const auto* op = std::get_if<Convolution>(&program_.operations()[i]);
            if (!op || op->epilogue.residual == kNone) continue;
            const Epilogue& e = op->epilogue;
            plan_.in_place[i] = op->sums == Sums::free && !e.quantiser && e.residual_scale == 1.0f &&
                                e.residual != op->x && temporary(op->y) && temporary(e.residual) &&
                                last_read(e.residual) == i;
        }
    }

    // ---- places: tensors that are summed in place share one; each has an interval of operations in which it is taken

    struct Room {
        size_t first = 0, last = 0;
        int64_t images = 1, floats = 0;  // floats: of one image
        int slot = -1;
    };

    void place_temporaries() {
        Indexed<Room> rooms;
        Indexed<int> room_of(program_.tensors().size(), -1);
        for (size_t i = 0; i < uses_.size(); ++i) {
            const TensorId y = uses_[i].write;
            if (!temporary(y)) continue;
            int& room = room_of[y];
            if (plan_.in_place[i]) {
                room = room_of[std::get<Convolution>(program_.operations()[i]).epilogue.residual];
            } else {
                room = static_cast<int>(rooms.count());
                rooms.push_back({i, i, plan_.phase_of(i).images, image_floats(type(y)), -1});
            }
            grow(rooms[room], std::max(i, last_read(y)));
        }
        assign_slots(rooms);
        plan_.temporaries.resize(room_of.size());
        for (TensorId t = 0; t < room_of.count(); ++t) {
            if (room_of[t] < 0) continue;
            const Room& room = rooms[room_of[t]];
            plan_.temporaries[t] = {room.slot, room.images};
        }
    }

    /// Takes the room until operation `last`. If that is in a later phase, the operations before are repeated while the
    /// room fills, so that it is taken from the very first.
    void grow(Room& room, size_t last) const {
        room.last = std::max(room.last, last);
        const int64_t images = plan_.phase_of(last).images;
        if (images == room.images) return;
        room.images = images;
        room.first = 0;
    }

    void assign_slots(Indexed<Room>& rooms) {
        std::vector<size_t> order(rooms.size());
        for (size_t i = 0; i < order.size(); ++i) order[i] = i;
        const auto size = [&](size_t r) { return rooms[r].images * rooms[r].floats; };
        std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return size(a) > size(b); });
        for (size_t placed = 0; placed < order.size(); ++placed) {
            Room& room = rooms[order[placed]];
            const auto taken = [&](int slot) {
                return std::any_of(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(placed), [&](size_t r) {
                    return rooms[r].slot == slot && rooms[r].first <= room.last && room.first <= rooms[r].last;
                });
            };
            room.slot = 0;
            while (taken(room.slot)) ++room.slot;
            if (room.slot == plan_.slot_floats.count()) plan_.slot_floats.push_back(0);
            int64_t& floats = plan_.slot_floats[room.slot];
            floats = std::max(floats, room.images * room.floats);
        }
    }

    const Program& program_;
    std::vector<Uses> uses_;
    int64_t floats_at_a_time_ = kFloatsAtATime;
    Plan plan_;
};

}  // namespace

const Phase& Plan::phase_of(size_t operation) const {
    return *std::find_if(phases.begin(), phases.end(), [&](const Phase& phase) { return operation < phase.last; });
}

Plan make_plan(const Program& program, int threads) { return Planner(program, threads).take(); }

}  // namespace adaq::cpu
