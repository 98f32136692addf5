#include "engine/program/arena.h"

#include <algorithm>
#include <optional>

namespace adaq {
namespace {

/// A temporary, the operations between which it is needed, and its place.
struct Room {
    TensorId tensor;
    size_t first, last;  // operations, both included
    int64_t floats, offset = 0;

    bool meets(const Room& other) const { return first <= other.last && other.first <= last; }
};

constexpr int64_t kAlignment = 64;  // bytes
constexpr int64_t kFloats = kAlignment / 4;

std::vector<Room> rooms_of(const Program& program) {
    Indexed<std::optional<Room>> rooms(program.tensors().size());
    const size_t operations = program.operations().size();
    for (size_t i = 0; i < operations; ++i) {
        for_each_tensor(program.operations()[i], [&](TensorId id, const TensorUse& use) {
            const TensorId tensor = program.home(id);
            const Program::Entry& entry = program.tensors()[tensor];
            if (entry.bound) return;
            // What is carried into the next run lives through all of this one.
            const bool carried = use.access == Access::carried;
            const size_t first = carried ? 0 : i, last = carried ? operations : i;
            std::optional<Room>& room = rooms[tensor];
            if (!room) room = Room{tensor, first, last, (bytes_of(entry.type) + kAlignment - 1) / kAlignment * kFloats};
            room->first = std::min(room->first, first);
            room->last = std::max(room->last, last);
        });
    }
    std::vector<Room> found;
    for (const auto& room : rooms) {
        if (room) found.push_back(*room);
    }
    return found;
}

/// The lowest place where `room` meets none of the rooms that are placed already.
int64_t lowest_place(const Room& room, const std::vector<Room>& placed) {
    std::vector<const Room*> neighbours;
    for (const Room& other : placed) {
        if (other.meets(room)) neighbours.push_back(&other);
    }
    std::sort(neighbours.begin(), neighbours.end(), [](const Room* a, const Room* b) { return a->offset < b->offset; });
    int64_t offset = 0;
    for (const Room* other : neighbours) {
        if (offset + room.floats <= other->offset) break;
        offset = std::max(offset, other->offset + other->floats);
    }
    return offset;
}

}  // namespace

Arena make_arena(const Program& program) {
    std::vector<Room> rooms = rooms_of(program), placed;
    std::stable_sort(rooms.begin(), rooms.end(), [](const Room& a, const Room& b) { return a.floats > b.floats; });
    Arena arena{0, Indexed<int64_t>(program.tensors().size(), -1)};
    for (Room& room : rooms) {
        room.offset = lowest_place(room, placed);
        placed.push_back(room);
        arena.offsets[room.tensor] = room.offset;
        arena.floats = std::max(arena.floats, room.offset + room.floats);
    }
    return arena;
}

}  // namespace adaq
