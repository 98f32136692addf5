// Looks for names of networks where training scripts keep them: timm and PyTorch's ImageNet example under "arch",
// torchvision under args.model, Lightning under hyper_parameters. See pickled_options.h.
#include "loaders/weights/pickled_options.h"

namespace adaq {
namespace {

using Kind = PickleValue::Kind;

constexpr std::string_view kNames[] = {"arch", "architecture", "model_name", "model",        "model_arch",
                                       "net",  "network",      "backbone",   "encoder_name", "encoder"};
constexpr std::string_view kOptions[] = {"args", "hyper_parameters", "hparams", "config",     "cfg",
                                         "opt",  "options",          "params",  "model_args", "model_config"};

/// The entries of a dict or of an object that is one; null where there are none.
const PickleValue* entries_of(const Pickle& pickle, const PickleValue& value) {
    return pickle.is_dict(value) ? &value : nullptr;
}

/// The value under `key` of a dict, or null. The last of equal keys counts, as in Python.
const PickleValue* member(const Pickle& pickle, const PickleValue* dict, std::string_view key) {
    if (!dict) return nullptr;
    for (size_t i = dict->items.size() / 2; i-- > 0;) {
        const PickleValue& name = pickle.values[dict->items[2 * i]];
        if (name.kind == Kind::text && name.text == key) return &pickle.values[dict->items[2 * i + 1]];
    }
    return nullptr;
}

/// An object's attributes, as BUILD set them: a dict, or one followed by those of slots.
const PickleValue* attributes_of(const Pickle& pickle, const PickleValue& value) {
    if (value.kind != Kind::object || value.state == kNoPickleId) return nullptr;
    const PickleValue& state = pickle.values[value.state];
    if (state.kind == Kind::tuple && !state.items.empty()) return entries_of(pickle, pickle.values[state.items[0]]);
    return entries_of(pickle, state);
}

/// A text, or OmegaConf's node around one.
std::string_view text_of(const Pickle& pickle, const PickleValue& value) {
    const PickleValue* node = member(pickle, attributes_of(pickle, value), "_val");
    return node ? node->text : value.text;
}

/// Names of networks as they are found.
class NameSearch {
  public:
    explicit NameSearch(const Pickle& pickle) : pickle_(pickle) {}

    void look_into(const PickleValue* dict) {
        for (std::string_view key : kNames) {
            const PickleValue* value = member(pickle_, dict, key);
            const std::string_view name = value ? text_of(pickle_, *value) : std::string_view();
            if (name.empty()) continue;
            const NamedNetwork named = network_named(name);
            if (!named.other.empty() && other_.name.empty()) other_ = named;
            if (named.other.empty() && !named.family.empty() && known_.name.empty()) known_ = named;
        }
    }
    const NamedNetwork& found() const { return other_.name.empty() ? known_ : other_; }

  private:
    const Pickle& pickle_;
    NamedNetwork other_, known_;
};

}  // namespace

NamedNetwork network_named_in(const Pickle& pickle) {
    NameSearch search(pickle);
    const PickleValue* top = entries_of(pickle, pickle.top());
    search.look_into(top);
    for (std::string_view key : kOptions) {
        const PickleValue* options = member(pickle, top, key);
        if (!options) continue;
        const PickleValue* attributes = attributes_of(pickle, *options);
        const PickleValue* content = member(pickle, attributes, "_content");  // OmegaConf's
        for (const PickleValue* dict : {entries_of(pickle, *options), attributes, content}) search.look_into(dict);
    }
    return search.found();
}

}  // namespace adaq
