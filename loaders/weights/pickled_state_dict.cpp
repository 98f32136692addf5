// Finds the state dict in a checkpoint; see pickled_state_dict.h.
#include "loaders/weights/pickled_state_dict.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "engine/error.h"
#include "engine/printable.h"

namespace adaq {
namespace {

using Kind = PickleValue::Kind;

/// The usual names of a state dict, the first ones first. The network itself goes before averages of its weights.
constexpr std::string_view kNests[] = {"state_dict", "model_state_dict", "model_state", "model",          "net",
                                       "network",    "weights",          "params",      "state_dict_ema", "model_ema",
                                       "ema",        "params_ema"};
constexpr size_t kDeepest = 3;         // nests within nests
constexpr size_t kMostNests = 1000;    // dicts that are looked into
constexpr size_t kMostOthers = 10000;  // entries that are no tensors and are remembered

/// A dict with a network's tensors.
struct Candidate {
    const PickleValue* dict = nullptr;
    std::vector<std::string_view> path;
    bool convolves = false;  // has weights of four dimensions

    std::string name() const { return fmt::format("{}", fmt::join(path, ".")); }
    /// Usual names before none at all, that before others; shallow before deep.
    std::vector<size_t> rank() const {
        constexpr size_t kBare = std::size(kNests), kUnusual = kBare + 1;
        std::vector<size_t> rank{convolves ? size_t{0} : 1};
        if (path.empty()) rank.push_back(kBare);
        for (std::string_view key : path) {
            const auto* found = std::find(std::begin(kNests), std::end(kNests), key);
            rank.push_back(found == std::end(kNests) ? kUnusual : found - std::begin(kNests));
        }
        return rank;
    }
};

/// Whether tensors of this name are a layer's.
bool is_weight(std::string_view name) {
    return name.ends_with("weight") || name.ends_with("weight_orig") || name.ends_with("weight_v");
}

/// What a training script keeps of its optimiser has tensors, too, under the network's names now and then.
bool is_of_training(std::string_view key) {
    return key.starts_with("optim") || key.find("scheduler") != std::string_view::npos || key.ends_with("scaler");
}

/// Looks into dicts within dicts, level by level.
class Search {
  public:
    explicit Search(const Pickle& pickle) : pickle_(pickle) {
        if (!pickle.is_dict(pickle.top())) return;
        std::vector<Candidate> level{{&pickle.top(), {}, false}};
        for (size_t depth = 0; depth <= kDeepest && !level.empty(); ++depth) level = look_into(level, depth < kDeepest);
    }
    const std::vector<Candidate>& found() const { return found_; }

  private:
    std::vector<Candidate> look_into(const std::vector<Candidate>& level, bool deeper) {
        std::vector<Candidate> next;
        for (Candidate dict : level) {
            if (!seen_.insert(dict.dict).second || seen_.size() > kMostNests) continue;
            bool weights = false;
            for (size_t i = 0; i + 1 < dict.dict->items.size(); i += 2) {
                const PickleValue &key = pickle_.values[dict.dict->items[i]],
                                  &value = pickle_.values[dict.dict->items[i + 1]];
                if (key.kind != Kind::text) continue;
                if (value.kind == Kind::tensor && is_weight(key.text)) {
                    weights = true;
                    dict.convolves |= pickle_.tensors[value.index].shape.size() == 4;
                }
                // What is made elsewhere may stand for tensors as well: then its name tells what was wanted.
                weights |= value.kind == Kind::object && is_weight(key.text) && key.text.find('.') != std::string::npos;
                if (!deeper || is_of_training(key.text) || !pickle_.is_dict(value) || next.size() == kMostNests)
                    continue;
                next.push_back({&value, dict.path, false});
                next.back().path.push_back(key.text);
            }
            if (weights) found_.push_back(dict);
        }
        return next;
    }

    const Pickle& pickle_;
    std::set<const PickleValue*> seen_;
    std::vector<Candidate> found_;
};

/// "state_dict, model.ema", the first ones.
std::string names_of(const std::vector<Candidate>& candidates) {
    std::vector<std::string> names;
    for (const Candidate& candidate : candidates)
        if (!candidate.path.empty()) names.push_back(candidate.name());
    if (names.empty()) return "none, for its tensors stand under no key";
    return first_names(names, 6);
}

/// "epoch, args, made by argparse.Namespace", for the message that none of them is a state dict.
std::string keys_of(const Pickle& pickle, const PickleValue& dict) {
    constexpr size_t kMostShown = 5;
    std::string list;
    for (size_t i = 0; i < dict.items.size() && i < 2 * kMostShown; i += 2) {
        const PickleValue& key = pickle.values[dict.items[i]];
        if (key.kind != Kind::text) continue;
        list += (list.empty() ? "" : ", ") + printable(key.text);
        const PickleValue& value = pickle.values[dict.items[i + 1]];
        if (value.kind == Kind::object) list += ", " + described(pickle, value);
    }
    return list.empty() ? "nothing" : list;
}

/// Where somebody wrote torch.save(model), or kept the model in the checkpoint: that object, or null.
const PickleValue* pickled_model(const Pickle& pickle) {
    const PickleValue& top = pickle.top();
    if (top.kind == Kind::object) return &top;
    if (top.kind != Kind::dict) return nullptr;
    for (std::string_view nest : kNests)
        for (size_t i = 0; i + 1 < top.items.size(); i += 2) {
            const PickleValue& value = pickle.values[top.items[i + 1]];
            if (pickle.values[top.items[i]].text == nest && value.kind == Kind::object) return &value;
        }
    return nullptr;
}

[[noreturn]] void refuse(const std::string& file, const Pickle& pickle) {
    if (const PickleValue* model = pickled_model(pickle))
        data_error("{}: holds an object {}; nothing is run (a whole model? expected its state_dict())", file,
                   described(pickle, *model));
    if (pickle.top().kind != Kind::dict)
        data_error("{}: holds {}, expected a state dict (model.state_dict())", file, described(pickle, pickle.top()));
    data_error(
        "{}: no tensors in its dict (keys: {}), expected a state dict, bare or under state_dict, model, net, ...", file,
        keys_of(pickle, pickle.top()));
}

bool goes_before(const Candidate& a, const Candidate& b) { return a.rank() < b.rank(); }

/// The candidate of this name, or the best of those within it.
const Candidate& chosen(const std::string& file, const std::vector<Candidate>& found, const std::string& key) {
    const Candidate* best = nullptr;
    for (const bool anywhere : {false, true}) {
        for (const Candidate& candidate : found) {
            const std::string path = candidate.name();
            const bool named =
                path == key || path.starts_with(key + ".") ||
                (anywhere && std::find(candidate.path.begin(), candidate.path.end(), key) != candidate.path.end());
            if (named && (!best || goes_before(candidate, *best))) best = &candidate;
        }
        if (best) return *best;
    }
    data_error("{}: no network under {}, expected one of: {}", file, printable(key), names_of(found));
}

/// The usual one. Two that bear no usual name are for the user to tell apart.
const Candidate& usual(const std::string& file, const std::vector<Candidate>& found) {
    const auto best = std::min_element(found.begin(), found.end(), goes_before);
    for (const Candidate& candidate : found)
        if (&candidate != &*best && candidate.rank() == best->rank())
            data_error("{}: holds several networks ({}); `checkpoint_key` NAME takes one", file, names_of(found));
    return *best;
}

/// What the user is told where there are other networks beside the one taken.
std::vector<std::string> notes_of(const std::vector<Candidate>& found, const Candidate& taken) {
    std::vector<Candidate> others;
    for (const Candidate& candidate : found)
        if (&candidate != &taken && candidate.convolves && !candidate.path.empty()) others.push_back(candidate);
    if (others.empty()) return {};
    std::sort(others.begin(), others.end(), goes_before);
    return {fmt::format("The weights {} were taken; the file has others under {} (`checkpoint_key` {}).",
                        taken.path.empty() ? "under no key" : "under " + printable(taken.name()), names_of(others),
                        printable(others.front().name()))};
}

}  // namespace

PickledStateDict find_state_dict(const std::string& file, const Pickle& pickle, const std::string& key) {
    const std::vector<Candidate> found = Search(pickle).found();
    if (found.empty()) refuse(file, pickle);
    const Candidate& taken =
        key.empty() ? usual(file, found)
                    : about("checkpoint_key", [&]() -> const Candidate& { return chosen(file, found, key); });
    PickledStateDict result;
    if (key.empty()) result.notes = notes_of(found, taken);
    std::set<std::string_view> names;
    const std::vector<PickleId>& items = taken.dict->items;
    for (size_t i = 0; i + 1 < items.size(); i += 2) {
        const PickleValue &name = pickle.values[items[i]], &value = pickle.values[items[i + 1]];
        if (name.kind != Kind::text) continue;
        if (value.kind != Kind::tensor) {
            if (result.others.size() < kMostOthers)
                result.others.emplace(
                    name.text, described(pickle, value) + (value.kind == Kind::object ? " (nothing is run)" : ""));
            continue;
        }
        if (!names.insert(name.text).second) data_error("{}: has {} twice", file, printable(name.text));
        result.tensors.emplace_back(name.text, &pickle.tensors[value.index]);
    }
    return result;
}

}  // namespace adaq
