// The few calls whose result can be stated without making them; see pickle_objects.h.
#include "loaders/weights/pickle_objects.h"

#include "engine/error.h"
#include "engine/printable.h"

namespace adaq {
namespace {

using Kind = PickleValue::Kind;

constexpr size_t kMostDimensions = 8;  // of a tensor
constexpr size_t kLongestName = 100;   // bytes of a global's name that are looked at
constexpr size_t kMostGlobals = 100000;
constexpr size_t kMostFlags = 32;      // of a tensor, names and values
constexpr int kDeepestForwarding = 4;  // of calls that stand for other calls

}  // namespace

PickleObjects::PickleObjects(const std::string& file, const ByteCursor& cursor) : file_(file), cursor_(cursor) {
    for (const Kind kind : {Kind::none, Kind::real, Kind::bytes}) add(kind);
    for (const int64_t truth : {0, 1}) add({.kind = Kind::boolean, .integer = truth});
}

void PickleObjects::broken(std::string_view how) const {
    data_error("{}: a broken pickle: {} at byte {}", file_, how, cursor_.position());
}

void PickleObjects::too_many() const { data_error("{}: a pickle of more than {} values", file_, kMostPickleValues); }

PickleId PickleObjects::add(PickleValue made) {
    if (pickle_.values.size() >= kMostPickleValues) too_many();
    pickle_.values.push_back(std::move(made));
    return static_cast<PickleId>(pickle_.values.size() - 1);
}

PickleId PickleObjects::object(std::string_view made_by) {
    auto found = makers_.find(made_by);
    if (found == makers_.end()) {
        found = makers_.emplace(made_by, static_cast<uint32_t>(pickle_.made_by.size())).first;
        pickle_.made_by.emplace_back(made_by);
    }
    return add({.kind = Kind::object, .index = found->second});
}

PickleId PickleObjects::global(std::string_view module, std::string_view name) {
    // A long name may be recalled again and again: what is done with it is bounded.
    module = module.substr(0, kLongestName);
    name = name.substr(0, kLongestName);
    const auto [place, fresh] = known_globals_.try_emplace({module, name}, static_cast<uint32_t>(globals_.size()));
    if (fresh) {
        if (globals_.size() >= kMostGlobals) data_error("{}: a pickle of more than {} globals", file_, kMostGlobals);
        std::string whole = fmt::format("{}.{}", module, name);
        const PickleGlobal meaning = pickle_global(whole);
        globals_.push_back({std::move(whole), meaning, add({.kind = Kind::global, .index = place->second})});
    }
    return globals_[place->second].value;
}

const PickleGlobal* PickleObjects::meaning(PickleId id) const {
    const PickleValue& value = pickle_.values[id];
    return value.kind == Kind::global ? &globals_[value.index].meaning : nullptr;
}

std::string PickleObjects::name_of(PickleId id) const {
    const PickleValue& value = pickle_.values[id];
    if (value.kind == Kind::global) return globals_[value.index].name;
    if (value.kind == Kind::object) return pickle_.made_by[value.index];
    return "what cannot be called";
}

PickleId PickleObjects::persistent(PickleId id) {
    const PickleValue& value = pickle_.values[id];
    const Items& parts = value.items;
    const auto part = [&](size_t i) -> const PickleValue& { return pickle_.values[parts[i]]; };
    if (value.kind != Kind::tuple || parts.size() < 5 || part(0).text != "storage") return object("a persistent id");
    const PickleGlobal* type = meaning(parts[1]);
    if (!type || type->call != PickleCall::storage) return object(name_of(parts[1]));
    if (part(2).kind != Kind::text || part(4).kind != Kind::integer) return object("a persistent id");
    const auto index = static_cast<uint32_t>(pickle_.storages.size());
    pickle_.storages.push_back({part(2).text, part(4).integer, type->dtype, type->element_bytes, type->untyped});
    if (parts.size() > 5 && part(5).kind != Kind::none) return object("a view of a storage");
    return add({.kind = Kind::storage, .index = index, .items = {parts[1]}});
}

std::optional<Shape> PickleObjects::whole_numbers(PickleId id) const {
    const PickleValue& list = pickle_.values[id];
    if ((list.kind != Kind::tuple && list.kind != Kind::list) || list.items.size() > kMostDimensions) return {};
    Shape numbers;
    for (PickleId item : list.items) {
        if (pickle_.values[item].kind != Kind::integer) return {};
        numbers.push_back(pickle_.values[item].integer);
    }
    return numbers;
}

/// _rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks[, metadata]); _v3: with the type before the
/// metadata. An object where anything of it is not as adaq knows it: it may be a tensor that nobody needs.
PickleId PickleObjects::tensor(std::span<const PickleId> arguments, bool untyped, const std::string& made_by) {
    if (arguments.size() < 4 || value(arguments[0]).kind != Kind::storage) return object(made_by);
    const PickleValue& view = value(arguments[0]);
    const PickledStorage& storage = pickle_.storages[view.index];
    std::optional<StoredType> dtype = storage.dtype;
    std::string type = name_of(view.items[0]);
    if (untyped) {
        const PickleGlobal* given = arguments.size() > 6 ? meaning(arguments[6]) : nullptr;
        if (!given || !storage.untyped) return object(made_by);
        dtype = given->dtype;
        type = name_of(arguments[6]);
    }
    if (!dtype) return object(fmt::format("{} as a tensor of {}", made_by, type));
    const std::optional<Shape> shape = whole_numbers(arguments[2]), strides = whole_numbers(arguments[3]);
    if (value(arguments[1]).kind != Kind::integer || !shape || !strides)
        return object(made_by + " with a shape that adaq does not read");
    PickledTensor made{view.index, *dtype, value(arguments[1]).integer, *shape, *strides};
    const size_t metadata = untyped ? 7 : 6;
    if (arguments.size() > metadata && value(arguments[metadata]).kind != Kind::none) {
        const Items& flags = value(arguments[metadata]).items;
        if (flags.size() > kMostFlags) return object(made_by + " with metadata that adaq does not read");
        for (size_t i = 0; i + 1 < flags.size(); i += 2) {
            const PickleValue &flag = value(flags[i]), &set = value(flags[i + 1]);
            if (set.kind == Kind::boolean && set.integer == 0) continue;
            if (flag.text != "neg" || set.kind != Kind::boolean)
                return object(fmt::format("{} with the metadata {}", made_by, printable(flag.text)));
            made.negative = true;
        }
    }
    pickle_.tensors.push_back(std::move(made));
    return add({.kind = Kind::tensor, .index = static_cast<uint32_t>(pickle_.tensors.size() - 1)});
}

/// OrderedDict(), Counter({...}), or OrderedDict([(key, value), ...]) as Python 2 wrote it.
PickleId PickleObjects::dict(std::span<const PickleId> arguments) {
    if (arguments.empty()) return add(Kind::dict);
    const PickleValue& source = value(arguments[0]);
    if (source.kind == Kind::dict) return arguments[0];
    if (source.kind != Kind::list) return object("a dict of what is no list");
    copied_ += source.items.size();  // the same list may be named again and again
    if (copied_ > kMostPickleValues) too_many();
    Items items;
    for (PickleId id : source.items) {
        const Items& pair = value(id).items;
        if (pair.size() != 2) return object("a dict of what are no pairs");
        items.insert(items.end(), pair.begin(), pair.end());
    }
    return add(Kind::dict, std::move(items));
}

PickleId PickleObjects::call(PickleId function, PickleId tuple) {
    if (value(tuple).kind != Kind::tuple) broken("it calls something without a tuple of arguments");
    for (int depth = 0; depth < kDeepestForwarding; ++depth) {
        const PickleGlobal* known = meaning(function);
        if (!known && value(function).kind != Kind::object) broken("it calls what cannot be called");
        std::span<const PickleId> arguments = value(tuple).items;
        if (known && known->call == PickleCall::new_object && depth == 0 && !arguments.empty()) {
            function = arguments[0];
            arguments = arguments.subspan(1);
            known = meaning(function);
        }
        const std::string made_by = name_of(function);
        switch (known ? known->call : PickleCall::object) {
            case PickleCall::dict:
                return dict(arguments);
            case PickleCall::empty_dict:
                return add(Kind::dict);
            case PickleCall::tensor:
                return tensor(arguments, false, made_by);
            case PickleCall::untyped_tensor:
                return tensor(arguments, true, made_by);
            case PickleCall::first_argument:
                return arguments.empty() ? object(made_by) : arguments[0];
            case PickleCall::forward:
                if (arguments.size() < 3 || value(arguments[2]).kind != Kind::tuple) return object(made_by);
                function = arguments[0];
                tuple = arguments[2];
                if (!meaning(function)) return object(made_by);
                continue;
            case PickleCall::reconstructed: {
                if (arguments.empty()) return object(made_by);
                if (arguments.size() > 2 && value(arguments[2]).kind == Kind::dict) return arguments[2];
                return object(name_of(arguments[0]));
            }
            case PickleCall::object:
            case PickleCall::new_object:
            case PickleCall::storage:
            case PickleCall::dtype:
                return object(made_by);
        }
    }
    return object("calls of calls");
}

Pickle PickleObjects::finish(PickleId root) {
    pickle_.root = root;
    return std::move(pickle_);
}

bool Pickle::is_dict(const PickleValue& value) const {
    return value.kind == Kind::dict || (value.kind == Kind::object && !value.items.empty());
}

std::string described(const Pickle& pickle, const PickleValue& value) {
    switch (value.kind) {
        case Kind::none:
            return "None";
        case Kind::boolean:
            return "a boolean";
        case Kind::integer:
        case Kind::real:
            return "a number";
        case Kind::bytes:
            return "bytes";
        case Kind::text:
            return "a text";
        case Kind::tuple:
            return "a tuple";
        case Kind::list:
            return "a list";
        case Kind::dict:
            return "a dict";
        case Kind::global:
            return "a class or function";
        case Kind::storage:
            return "a storage";
        case Kind::tensor:
            return "a tensor";
        case Kind::object:
            return "made by " + printable(pickle.made_by[value.index]);
    }
    return "";
}

}  // namespace adaq
