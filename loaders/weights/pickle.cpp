// The machine's loop over opcodes (Python's Lib/pickletools.py documents them); see pickle.h.
#include "loaders/weights/pickle.h"

#include <unordered_map>

#include "engine/error.h"
#include "loaders/weights/pickle_globals.h"
#include "loaders/weights/printable.h"

namespace adaq {
namespace {

using Kind = PickleValue::Kind;
using Items = std::vector<PickleId>;

constexpr size_t kMostValues = size_t{1} << 20;  // a ResNet-152 with its optimiser's state has some 25,000
constexpr size_t kMostDimensions = 8;            // of a tensor

/// Classes that a pickled model is made of: the commonest mistake is torch.save(model) for
/// torch.save(model.state_dict()).
bool is_module(std::string_view global) {
    return global.starts_with("torchvision.models.") || global.starts_with("torch.nn.modules.") ||
           global.starts_with("__main__.");
}

class PickleMachine {
  public:
    PickleMachine(const std::string& file, ByteCursor& cursor) : file_(file), cursor_(cursor) {}

    Pickle run() {
        for (auto opcode = cursor_.number<unsigned char>(); opcode != '.'; opcode = cursor_.number<unsigned char>())
            if (!push_constant(opcode) && !change_stack(opcode) && !change_container(opcode) && !make_object(opcode))
                data_error("{}: the pickle uses the opcode {} ({:#04x}); only tensors are read", file_,
                           pickle_opcode_name(opcode), opcode);
        pickle_.root = pop();
        return std::move(pickle_);
    }

  private:
    [[noreturn]] void broken(std::string_view how) const {
        data_error("{}: a broken pickle: {} at byte {}", file_, how, cursor_.position());
    }
    PickleValue& value(PickleId id) { return pickle_.values[id]; }

    // ---- the stack; each opcode's handler returns true once it is done
    // -------------------------------------------------
    bool push(PickleId id) {
        stack_.push_back(id);
        return true;
    }
    bool push(PickleValue made) {
        if (pickle_.values.size() >= kMostValues) data_error("{}: a pickle of more than {} values", file_, kMostValues);
        pickle_.values.push_back(std::move(made));
        return push(static_cast<PickleId>(pickle_.values.size() - 1));
    }
    bool push(Kind kind, int64_t integer = 0, std::string_view text = {}, Items items = {}) {
        return push(PickleValue{kind, integer, {}, text, std::move(items)});
    }

    PickleId top() const {
        if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) broken("it takes from an empty stack");
        return stack_.back();
    }
    PickleId pop() {
        const PickleId id = top();
        stack_.pop_back();
        return id;
    }
    Items pop(size_t count) {
        Items items(count);
        for (size_t i = count; i-- > 0;) items[i] = pop();
        return items;
    }
    Items pop_to_mark() {
        if (marks_.empty()) broken("its stack has no mark");
        const auto from = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
        Items items(from, stack_.end());
        stack_.erase(from, stack_.end());
        marks_.pop_back();
        return items;
    }

    // ---- numbers, texts, None
    // ------------------------------------------------------------------------------------------
    bool push_text(uint64_t length) { return push(Kind::text, 0, cursor_.text(length)); }

    /// Little-endian two's complement. Longer than 64 bits (torch's magic number): nothing that we look at.
    bool push_long(uint64_t length) {
        const auto bytes = cursor_.take(length);
        if (length > 8) return push(Kind::opaque);
        uint64_t number = 0;
        for (size_t i = 0; i < length; ++i) number |= static_cast<uint64_t>(bytes[i]) << (8 * i);
        const bool negative = length > 0 && (bytes.back() & std::byte{0x80}) != std::byte{0};
        if (negative && length < 8) number |= ~uint64_t{0} << (8 * length);
        return push(Kind::integer, static_cast<int64_t>(number));
    }

    /// Losses, learning rates: passed over.
    bool push_real() {
        cursor_.take(8);
        return push(Kind::opaque);
    }

    bool push_constant(unsigned char opcode) {
        switch (opcode) {
            case 'N':
                return push(Kind::none);
            case 0x88:
                return push(Kind::boolean, 1);
            case 0x89:
                return push(Kind::boolean, 0);
            case 'J':
                return push(Kind::integer, cursor_.number<int32_t>());
            case 'K':
                return push(Kind::integer, cursor_.number<uint8_t>());
            case 'M':
                return push(Kind::integer, cursor_.number<uint16_t>());
            case 0x8a:
                return push_long(cursor_.number<uint8_t>());
            case 0x8b:
                return push_long(cursor_.number<uint32_t>());
            case 'G':
                return push_real();
            case 'U':
            case 0x8c:
                return push_text(cursor_.number<uint8_t>());
            case 'T':
            case 'X':
                return push_text(cursor_.number<uint32_t>());
            case 0x8d:
                return push_text(cursor_.number<uint64_t>());
            default:
                return false;
        }
    }

    // ---- stack and memo
    // ------------------------------------------------------------------------------------------------
    bool skip(size_t bytes) {
        cursor_.take(bytes);
        return true;
    }
    bool mark() {
        marks_.push_back(stack_.size());
        return true;
    }
    bool memoise(size_t key) {
        memo_[key] = top();
        return true;
    }
    bool recall(size_t key) {
        const auto found = memo_.find(key);
        if (found == memo_.end()) broken("it recalls what it never stored");
        return push(found->second);
    }

    bool change_stack(unsigned char opcode) {
        switch (opcode) {
            case 0x80:
                return skip(1);  // PROTO: opcodes are known or refused one by one, whatever the protocol
            case 0x95:
                return skip(8);  // FRAME: a hint for buffered readers
            case '(':
                return mark();
            case '0':
                return pop(), true;
            case '1':
                return pop_to_mark(), true;
            case '2':
                return push(top());
            case 'q':
                return memoise(cursor_.number<uint8_t>());
            case 'r':
                return memoise(cursor_.number<uint32_t>());
            case 0x94:
                return memoise(memo_.size());
            case 'h':
                return recall(cursor_.number<uint8_t>());
            case 'j':
                return recall(cursor_.number<uint32_t>());
            default:
                return false;
        }
    }

    // ---- tuples, lists, dicts
    // ------------------------------------------------------------------------------------------
    bool push_tuple(Items items) { return push(Kind::tuple, 0, {}, std::move(items)); }

    bool append(const Items& items) {
        PickleValue& list = value(top());
        if (list.kind != Kind::list) broken("it appends to what is no list");
        list.items.insert(list.items.end(), items.begin(), items.end());
        return true;
    }
    bool set_items(const Items& items) {
        PickleValue& dict = value(top());
        if (dict.kind != Kind::dict) broken("it sets an item of what is no dict");
        if (items.size() % 2 != 0) broken("a key has no value");
        dict.items.insert(dict.items.end(), items.begin(), items.end());
        return true;
    }

    bool change_container(unsigned char opcode) {
        switch (opcode) {
            case ')':
                return push_tuple({});
            case 0x85:
                return push_tuple(pop(1));
            case 0x86:
                return push_tuple(pop(2));
            case 0x87:
                return push_tuple(pop(3));
            case 't':
                return push_tuple(pop_to_mark());
            case ']':
                return push(Kind::list);
            case '}':
                return push(Kind::dict);
            case 'a':
                return append(pop(1));
            case 'e':
                return append(pop_to_mark());
            case 's':
                return set_items(pop(2));
            case 'u':
                return set_items(pop_to_mark());
            default:
                return false;
        }
    }

    // ---- globals and what they make
    // ------------------------------------------------------------------------------------
    bool push_global(std::string_view module, std::string_view name) {
        const std::string whole = fmt::format("{}.{}", module, name);
        const std::optional<PickleGlobal> known = pickle_global(whole);
        if (!known)
            data_error("{}: the pickle wants {}; only tensors are read{}", file_, printable(whole),
                       is_module(whole) ? " (a whole model? expected its state_dict())" : "");
        return push(PickleValue{Kind::global, static_cast<int64_t>(known->call), known->dtype, {}, {}});
    }
    bool push_global_line() {
        const std::string_view module = cursor_.line();
        return push_global(module, cursor_.line());
    }
    bool push_stack_global() {
        const PickleValue name = value(pop()), module = value(pop());
        if (name.kind != Kind::text || module.kind != Kind::text) broken("a global without a name");
        return push_global(module.text, name.text);
    }

    int64_t whole_number(PickleId id) {
        if (value(id).kind != Kind::integer) broken("a tensor's size is no whole number");
        return value(id).integer;
    }
    Shape whole_numbers(PickleId id) {
        const PickleValue& list = value(id);
        if (list.kind != Kind::tuple && list.kind != Kind::list) broken("a tensor without a shape");
        if (list.items.size() > kMostDimensions) broken("a tensor of too many dimensions");
        Shape numbers;
        for (PickleId item : list.items) numbers.push_back(whole_number(item));
        return numbers;
    }

    /// A persistent id of torch's: ("storage", its class, key, device, elements[, view]).
    bool push_storage() {
        const Items& id = value(pop()).items;
        if (id.size() < 5 || value(id[0]).text != "storage" || value(id[2]).kind != Kind::text)
            broken("a persistent id that is no storage");
        const PickleValue& type = value(id[1]);
        if (type.kind != Kind::global || static_cast<PickleCall>(type.integer) != PickleCall::storage)
            broken("a storage of no known type");
        if (id.size() > 5 && value(id[5]).kind != Kind::none) broken("a storage that is a view of another one");
        return push(PickleValue{Kind::storage, whole_number(id[4]), type.dtype, value(id[2]).text, {}});
    }

    /// _rebuild_tensor_v2(storage, offset, shape, strides, ...)
    bool push_tensor(const Items& arguments) {
        if (arguments.size() < 4 || value(arguments[0]).kind != Kind::storage) broken("a tensor without a storage");
        const PickleValue& storage = value(arguments[0]);
        pickle_.tensors.push_back({storage.dtype, storage.text, storage.integer, whole_number(arguments[1]),
                                   whole_numbers(arguments[2]), whole_numbers(arguments[3])});
        return push(Kind::tensor, static_cast<int64_t>(pickle_.tensors.size() - 1));
    }

    /// OrderedDict(), Counter({...}), or OrderedDict([(key, value), ...]) as Python 2 wrote it.
    bool push_dict(const Items& arguments) {
        if (arguments.empty()) return push(Kind::dict);
        const PickleValue& source = value(arguments[0]);
        if (source.kind == Kind::dict) return push(arguments[0]);
        if (source.kind != Kind::list) broken("a dict of what is no list");
        copied_ += source.items.size();  // the same list may be named again and again
        if (copied_ > kMostValues) data_error("{}: a pickle of more than {} values", file_, kMostValues);
        Items items;
        for (PickleId id : source.items) {
            const Items& pair = value(id).items;
            if (pair.size() != 2) broken("a dict of what are no pairs");
            items.insert(items.end(), pair.begin(), pair.end());
        }
        return push(Kind::dict, 0, {}, std::move(items));
    }

    /// REDUCE and NEWOBJ: what calling a global on a tuple would give, for the few globals whose result we can state.
    bool call() {
        const Items& arguments = value(pop()).items;
        const PickleValue& function = value(pop());
        if (function.kind != Kind::global) broken("it calls what is no global");
        switch (static_cast<PickleCall>(function.integer)) {
            case PickleCall::dict:
                return push_dict(arguments);
            case PickleCall::tensor:
                return push_tensor(arguments);
            case PickleCall::first_argument:
                if (arguments.empty()) broken("a call without arguments");
                return push(arguments[0]);
            case PickleCall::opaque:
                return push(Kind::opaque);
            case PickleCall::storage:
                break;
        }
        broken("it calls a storage's type");
    }

    /// BUILD sets attributes of the object below: _metadata of a state dict, a parameter's flags. None matter here.
    bool build() {
        pop();
        const Kind kind = value(top()).kind;
        if (kind != Kind::dict && kind != Kind::tensor) broken("it sets attributes of what has none");
        return true;
    }

    bool make_object(unsigned char opcode) {
        switch (opcode) {
            case 'c':
                return push_global_line();
            case 0x93:
                return push_stack_global();
            case 'R':
            case 0x81:
                return call();
            case 'b':
                return build();
            case 'Q':
                return push_storage();
            default:
                return false;
        }
    }

    const std::string& file_;
    ByteCursor& cursor_;
    Pickle pickle_;
    Items stack_;
    std::vector<size_t> marks_;  // heights of the stack where MARK was met
    std::unordered_map<size_t, PickleId> memo_;
    size_t copied_ = 0;  // pairs, by push_dict
};

}  // namespace

Pickle read_pickle(const std::string& file, ByteCursor& cursor) { return PickleMachine(file, cursor).run(); }

}  // namespace adaq
