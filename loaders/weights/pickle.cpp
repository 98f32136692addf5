// The machine's loop over opcodes (Python's Lib/pickletools.py documents them); see pickle.h.
#include "loaders/weights/pickle.h"

#include <charconv>

#include "engine/error.h"
#include "loaders/weights/pickle_constants.h"
#include "loaders/weights/pickle_globals.h"
#include "loaders/weights/pickle_objects.h"

namespace adaq {
namespace {

using Kind = PickleValue::Kind;
using Items = std::vector<PickleId>;

class PickleMachine {
  public:
    PickleMachine(const std::string& file, ByteCursor& cursor) : file_(file), cursor_(cursor), objects_(file, cursor) {}

    Pickle run() {
        for (auto opcode = cursor_.number<unsigned char>(); opcode != '.'; opcode = cursor_.number<unsigned char>())
            if (!push_constant(opcode) && !change_stack(opcode) && !change_container(opcode) && !make_object(opcode))
                data_error("{}: a broken pickle: the opcode {} ({:#04x}) at byte {}, which no file of torch.save has",
                           file_, pickle_opcode_name(opcode), opcode, cursor_.position() - 1);
        return objects_.finish(pop());
    }

  private:
    // ---- the stack; each opcode's handler returns true once it is done
    bool push(PickleId id) {
        stack_.push_back(id);
        return true;
    }
    PickleId top() const {
        if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) objects_.broken("it takes from an empty stack");
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
        if (marks_.empty()) objects_.broken("its stack has no mark");
        const auto from = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
        Items items(from, stack_.end());
        stack_.erase(from, stack_.end());
        marks_.pop_back();
        return items;
    }

    bool push_constant(unsigned char opcode) {
        const std::optional<PickleId> constant = read_pickle_constant(opcode, cursor_, objects_);
        return constant && push(*constant);
    }

    // ---- stack and memo
    bool skip(size_t bytes) {
        cursor_.take(bytes);
        return true;
    }
    bool mark() {
        marks_.push_back(stack_.size());
        return true;
    }
    size_t memo_key(std::string_view line) const {
        size_t key = 0;
        const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), key);
        if (error != std::errc() || end != line.data() + line.size()) objects_.broken("a key of the memo that is none");
        return key;
    }
    /// Picklers number what they store from 0.
    bool memoise(size_t key) {
        if (key >= kMostPickleValues) objects_.too_many();
        if (key >= memo_.size()) memo_.resize(key + 1, kNoPickleId);
        stored_ += memo_[key] == kNoPickleId ? 1 : 0;
        memo_[key] = top();
        return true;
    }
    bool recall(size_t key) {
        if (key >= memo_.size() || memo_[key] == kNoPickleId) objects_.broken("it recalls what it never stored");
        return push(memo_[key]);
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
            case 'p':
                return memoise(memo_key(cursor_.line()));
            case 'q':
                return memoise(cursor_.number<uint8_t>());
            case 'r':
                return memoise(cursor_.number<uint32_t>());
            case 0x94:
                return memoise(stored_);
            case 'g':
                return recall(memo_key(cursor_.line()));
            case 'h':
                return recall(cursor_.number<uint8_t>());
            case 'j':
                return recall(cursor_.number<uint32_t>());
            default:
                return false;
        }
    }

    // ---- tuples, lists, dicts, sets
    bool push_tuple(Items items) { return push(objects_.add(Kind::tuple, std::move(items))); }
    bool push_dict(Items items) {
        if (items.size() % 2 != 0) objects_.broken("a key has no value");
        return push(objects_.add(Kind::dict, std::move(items)));
    }

    bool append(const Items& items) {
        PickleValue& list = objects_.value(top());
        if (list.kind == Kind::object) return true;  // a deque, a list of somebody's own: its elements do not matter
        if (list.kind != Kind::list) objects_.broken("it appends to what is no list");
        list.items.insert(list.items.end(), items.begin(), items.end());
        return true;
    }
    bool set_items(const Items& items) {
        PickleValue& dict = objects_.value(top());
        if (dict.kind != Kind::dict && dict.kind != Kind::object) objects_.broken("it sets an item of what is no dict");
        if (items.size() % 2 != 0) objects_.broken("a key has no value");
        dict.items.insert(dict.items.end(), items.begin(), items.end());
        return true;
    }
    bool push_set(const Items&) { return push(objects_.object("a set")); }
    bool add_to_set(const Items&) {
        if (objects_.value(top()).kind != Kind::object) objects_.broken("it adds to what is no set");
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
                return push(objects_.add(Kind::list));
            case 'l':
                return push(objects_.add(Kind::list, pop_to_mark()));
            case '}':
                return push(objects_.add(Kind::dict));
            case 'd':
                return push_dict(pop_to_mark());
            case 'a':
                return append(pop(1));
            case 'e':
                return append(pop_to_mark());
            case 's':
                return set_items(pop(2));
            case 'u':
                return set_items(pop_to_mark());
            case 0x8f:
                return push_set({});
            case 0x90:
                return add_to_set(pop_to_mark());
            case 0x91:
                return push_set(pop_to_mark());
            default:
                return false;
        }
    }

    // ---- globals and what they make
    bool push_global_line() {
        const std::string_view module = cursor_.line();
        return push(objects_.global(module, cursor_.line()));
    }
    bool push_stack_global() {
        const PickleValue &name = objects_.value(pop()), &module = objects_.value(pop());
        if (name.kind != Kind::text || module.kind != Kind::text) objects_.broken("a global without a name");
        return push(objects_.global(module.text, name.text));
    }
    /// A global by a number that its program registered (copyreg.add_extension).
    bool push_extension(size_t bytes) {
        cursor_.take(bytes);
        return push(objects_.object("an extension of Python's"));
    }

    /// REDUCE, NEWOBJ: a function or class, a tuple of arguments.
    bool call() {
        const PickleId arguments = pop(), function = pop();
        return push(objects_.call(function, arguments));
    }
    /// NEWOBJ_EX has arguments with names besides, which nothing that we know takes.
    bool call_with_names() {
        const PickleId names = pop(), arguments = pop(), function = pop();
        return push(objects_.value(names).items.empty() ? objects_.call(function, arguments)
                                                        : objects_.object("a call with named arguments"));
    }
    /// INST, OBJ: everything above the mark are arguments.
    bool call_to_mark(PickleId function, Items arguments) {
        return push(objects_.call(function, objects_.add(Kind::tuple, std::move(arguments))));
    }
    bool call_line() {
        const std::string_view module = cursor_.line();
        const PickleId function = objects_.global(module, cursor_.line());
        return call_to_mark(function, pop_to_mark());
    }
    bool call_first() {
        Items parts = pop_to_mark();
        if (parts.empty()) objects_.broken("it calls nothing");
        const PickleId function = parts.front();
        parts.erase(parts.begin());
        return call_to_mark(function, std::move(parts));
    }

    /// BUILD sets attributes of the object below. Those of dicts (_metadata of a state dict), lists and tensors (a
    /// parameter's flags) do not matter.
    bool build() {
        const PickleId state = pop();
        PickleValue& made = objects_.value(top());
        if (made.kind == Kind::object)
            made.state = state;
        else if (made.kind != Kind::dict && made.kind != Kind::list && made.kind != Kind::tensor)
            objects_.broken("it sets attributes of what has none");
        return true;
    }

    bool make_object(unsigned char opcode) {
        switch (opcode) {
            case 'c':
                return push_global_line();
            case 0x93:
                return push_stack_global();
            case 0x82:
                return push_extension(1);
            case 0x83:
                return push_extension(2);
            case 0x84:
                return push_extension(4);
            case 'R':
            case 0x81:
                return call();
            case 0x92:
                return call_with_names();
            case 'i':
                return call_line();
            case 'o':
                return call_first();
            case 'b':
                return build();
            case 'Q':
                return push(objects_.persistent(pop()));
            default:
                return false;  // NEXT_BUFFER and READONLY_BUFFER, too: their bytes would lie outside the file
        }
    }

    const std::string& file_;
    ByteCursor& cursor_;
    PickleObjects objects_;
    Items stack_;
    std::vector<size_t> marks_;  // heights of the stack where MARK was met
    Items memo_;
    size_t stored_ = 0;  // in the memo
};

}  // namespace

Pickle read_pickle(const std::string& file, ByteCursor& cursor) { return PickleMachine(file, cursor).run(); }

}  // namespace adaq
