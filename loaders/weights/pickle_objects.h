// What a pickle's opcodes make, apart from the stack that they work on: values, and what calling a global stands for.
#pragma once

#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "loaders/weights/pickle.h"
#include "loaders/weights/pickle_globals.h"

namespace adaq {

inline constexpr size_t kMostPickleValues = size_t{1} << 22;  // a ResNet-152 with its optimiser's state has 25,000

class PickleObjects {
  public:
    using Kind = PickleValue::Kind;
    using Items = std::vector<PickleId>;

    /// `cursor` (at the place in the pickle) and `file` are for errors and outlive the object.
    PickleObjects(const std::string& file, const ByteCursor& cursor);

    PickleValue& value(PickleId id) { return pickle_.values[id]; }
    PickleId add(PickleValue made);
    PickleId add(Kind kind, Items items = {}) { return add({.kind = kind, .items = std::move(items)}); }
    PickleId integer(int64_t number) { return add({.kind = Kind::integer, .integer = number}); }
    PickleId text(std::string_view text) { return add({.kind = Kind::text, .text = text}); }
    /// A value of a kind that has but one value to us: none, real, bytes. Shared, so that a million cost nothing.
    PickleId constant(Kind kind) const {
        return static_cast<PickleId>(kind == Kind::none ? 0 : kind == Kind::real ? 1 : 2);
    }
    PickleId boolean(bool truth) const { return truth ? 4 : 3; }

    /// Anything that is none of the other kinds.
    PickleId object(std::string_view made_by);
    PickleId global(std::string_view module, std::string_view name);
    /// A persistent id of torch's, ("storage", its class, key, device, elements, view or None), or of somebody else's.
    PickleId persistent(PickleId id);
    /// What calling `function` on the tuple `arguments` would give: of a known global that, else an object.
    PickleId call(PickleId function, PickleId arguments);

    Pickle finish(PickleId root);

    [[noreturn]] void broken(std::string_view how) const;
    [[noreturn]] void too_many() const;

  private:
    struct Global {
        std::string name;
        PickleGlobal meaning;
        PickleId value;
    };
    const PickleGlobal* meaning(PickleId id) const;
    std::string name_of(PickleId id) const;
    std::optional<Shape> whole_numbers(PickleId id) const;
    PickleId tensor(std::span<const PickleId> arguments, bool untyped, const std::string& made_by);
    PickleId dict(std::span<const PickleId> arguments);

    const std::string& file_;
    const ByteCursor& cursor_;
    Pickle pickle_;
    std::deque<Global> globals_;
    std::map<std::pair<std::string_view, std::string_view>, uint32_t> known_globals_;
    std::map<std::string, uint32_t, std::less<>> makers_;  // index in Pickle::made_by
    size_t copied_ = 0;                                    // pairs, by dict()
};

}  // namespace adaq
