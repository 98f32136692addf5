// Finds the state dict in a checkpoint; see pickled_state_dict.h.
#include "loaders/weights/pickled_state_dict.h"

#include <set>

#include "engine/error.h"
#include "loaders/weights/printable.h"

namespace adaq {
namespace {

using Kind = PickleValue::Kind;

constexpr const char* kNests[] = {"state_dict", "model_state_dict", "model"};

/// The dict under one of kNests in `dict`, or null. The last of equal keys counts, as in Python.
const PickleValue* nested(const Pickle& pickle, const PickleValue& dict) {
    for (const char* nest : kNests) {
        const PickleValue* found = nullptr;
        for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
            const PickleValue &key = pickle.values[dict.items[i]], &value = pickle.values[dict.items[i + 1]];
            if (key.kind == Kind::text && key.text == nest && value.kind == Kind::dict) found = &value;
        }
        if (found != nullptr) return found;
    }
    return nullptr;
}

/// "epoch, optimizer, ...", for the message that none of them is a state dict.
std::string keys_of(const Pickle& pickle, const PickleValue& dict) {
    constexpr size_t kMostShown = 5;
    std::string list;
    for (size_t i = 0; i < dict.items.size() && i < 2 * kMostShown; i += 2) {
        const PickleValue& key = pickle.values[dict.items[i]];
        if (key.kind == Kind::text) list += (list.empty() ? "" : ", ") + printable(key.text);
    }
    return list.empty() ? "nothing" : list;
}

}  // namespace

std::vector<std::pair<std::string_view, const PickledTensor*>> find_state_dict(const std::string& file,
                                                                               const Pickle& pickle) {
    constexpr int kDeepest = 3;
    const PickleValue* dict = &pickle.top();
    if (dict->kind != Kind::dict) data_error("{}: holds no dict, expected a state dict (model.state_dict())", file);
    for (int depth = 0; depth < kDeepest; ++depth)
        if (const PickleValue* inner = nested(pickle, *dict)) dict = inner;

    std::vector<std::pair<std::string_view, const PickledTensor*>> tensors;
    std::set<std::string_view> names;
    for (size_t i = 0; i + 1 < dict->items.size(); i += 2) {
        const PickleValue &key = pickle.values[dict->items[i]], &value = pickle.values[dict->items[i + 1]];
        if (key.kind != Kind::text || value.kind != Kind::tensor) continue;
        if (!names.insert(key.text).second) data_error("{}: has {} twice", file, printable(key.text));
        tensors.emplace_back(key.text, &pickle.tensors[static_cast<size_t>(value.integer)]);
    }
    if (tensors.empty())
        data_error("{}: no tensors in its dict (keys: {}), expected a state dict, bare or under {}, {} or {}", file,
                   keys_of(pickle, *dict), kNests[0], kNests[1], kNests[2]);
    return tensors;
}

}  // namespace adaq
