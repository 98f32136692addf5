// The list of globals, and the opcodes' names for messages; see pickle_globals.h.
#include "loaders/weights/pickle_globals.h"

#include <algorithm>
#include <array>
#include <utility>

namespace adaq {
namespace {

/// A storage's type: of elements that adaq reads, or others of so many bytes.
constexpr PickleGlobal storage_of(StoredType dtype, size_t bytes) { return {PickleCall::storage, dtype, bytes, false}; }
constexpr PickleGlobal other_storage(size_t bytes) { return {PickleCall::storage, {}, bytes, false}; }
constexpr PickleGlobal kUntypedStorage{PickleCall::storage, {}, 1, true};
constexpr PickleGlobal dtype(StoredType dtype) { return {PickleCall::dtype, dtype, 0, false}; }

constexpr std::pair<std::string_view, PickleGlobal> kGlobals[] = {
    {"collections.OrderedDict", {PickleCall::dict}},
    {"collections.Counter", {PickleCall::dict}},
    {"collections.defaultdict", {PickleCall::empty_dict}},
    {"builtins.dict", {PickleCall::dict}},
    {"__builtin__.dict", {PickleCall::dict}},
    {"torch._utils._rebuild_tensor", {PickleCall::tensor}},
    {"torch._utils._rebuild_tensor_v2", {PickleCall::tensor}},
    {"torch._utils._rebuild_tensor_v3", {PickleCall::untyped_tensor}},
    {"torch._utils._rebuild_parameter", {PickleCall::first_argument}},
    {"torch._utils._rebuild_parameter_with_state", {PickleCall::first_argument}},
    {"torch.nn.parameter.Parameter", {PickleCall::first_argument}},
    {"torch.Size", {PickleCall::first_argument}},
    {"torch._tensor._rebuild_from_type", {PickleCall::forward}},
    {"torch._tensor._rebuild_from_type_v2", {PickleCall::forward}},
    {"torch.tensor._rebuild_from_type", {PickleCall::forward}},  // before PyTorch 1.9
    {"copyreg.__newobj__", {PickleCall::new_object}},
    {"copy_reg.__newobj__", {PickleCall::new_object}},
    {"copyreg._reconstructor", {PickleCall::reconstructed}},
    {"copy_reg._reconstructor", {PickleCall::reconstructed}},
    {"torch.DoubleStorage", storage_of(StoredType::f64, 8)},
    {"torch.FloatStorage", storage_of(StoredType::f32, 4)},
    {"torch.HalfStorage", storage_of(StoredType::f16, 2)},
    {"torch.BFloat16Storage", storage_of(StoredType::bf16, 2)},
    {"torch.LongStorage", storage_of(StoredType::i64, 8)},
    {"torch.IntStorage", storage_of(StoredType::i32, 4)},
    {"torch.ShortStorage", storage_of(StoredType::i16, 2)},
    {"torch.CharStorage", storage_of(StoredType::i8, 1)},
    {"torch.ByteStorage", storage_of(StoredType::u8, 1)},
    {"torch.BoolStorage", storage_of(StoredType::boolean, 1)},
    {"torch.ComplexDoubleStorage", other_storage(16)},
    {"torch.ComplexFloatStorage", other_storage(8)},
    {"torch.QInt32Storage", other_storage(4)},
    {"torch.QInt8Storage", other_storage(1)},
    {"torch.QUInt8Storage", other_storage(1)},
    {"torch.QUInt4x2Storage", other_storage(1)},
    {"torch.QUInt2x4Storage", other_storage(1)},
    {"torch.UntypedStorage", kUntypedStorage},
    {"torch.storage.UntypedStorage", kUntypedStorage},
    {"torch.storage._UntypedStorage", kUntypedStorage},
    {"torch._UntypedStorage", kUntypedStorage},
    {"torch.float64", dtype(StoredType::f64)},
    {"torch.float32", dtype(StoredType::f32)},
    {"torch.float16", dtype(StoredType::f16)},
    {"torch.bfloat16", dtype(StoredType::bf16)},
    {"torch.int64", dtype(StoredType::i64)},
    {"torch.int32", dtype(StoredType::i32)},
    {"torch.int16", dtype(StoredType::i16)},
    {"torch.int8", dtype(StoredType::i8)},
    {"torch.uint8", dtype(StoredType::u8)},
    {"torch.bool", dtype(StoredType::boolean)},
};

constexpr std::array<std::pair<char, std::string_view>, 68> kOpcodes{{
    {'(', "MARK"},
    {'.', "STOP"},
    {'0', "POP"},
    {'1', "POP_MARK"},
    {'2', "DUP"},
    {'F', "FLOAT"},
    {'I', "INT"},
    {'J', "BININT"},
    {'K', "BININT1"},
    {'L', "LONG"},
    {'M', "BININT2"},
    {'N', "NONE"},
    {'P', "PERSID"},
    {'Q', "BINPERSID"},
    {'R', "REDUCE"},
    {'S', "STRING"},
    {'T', "BINSTRING"},
    {'U', "SHORT_BINSTRING"},
    {'V', "UNICODE"},
    {'X', "BINUNICODE"},
    {'a', "APPEND"},
    {'b', "BUILD"},
    {'c', "GLOBAL"},
    {'d', "DICT"},
    {'}', "EMPTY_DICT"},
    {'e', "APPENDS"},
    {'g', "GET"},
    {'h', "BINGET"},
    {'i', "INST"},
    {'j', "LONG_BINGET"},
    {'l', "LIST"},
    {']', "EMPTY_LIST"},
    {'o', "OBJ"},
    {'p', "PUT"},
    {'q', "BINPUT"},
    {'r', "LONG_BINPUT"},
    {'s', "SETITEM"},
    {'t', "TUPLE"},
    {')', "EMPTY_TUPLE"},
    {'u', "SETITEMS"},
    {'G', "BINFLOAT"},
    {'B', "BINBYTES"},
    {'C', "SHORT_BINBYTES"},
    {'\x80', "PROTO"},
    {'\x81', "NEWOBJ"},
    {'\x82', "EXT1"},
    {'\x83', "EXT2"},
    {'\x84', "EXT4"},
    {'\x85', "TUPLE1"},
    {'\x86', "TUPLE2"},
    {'\x87', "TUPLE3"},
    {'\x88', "NEWTRUE"},
    {'\x89', "NEWFALSE"},
    {'\x8a', "LONG1"},
    {'\x8b', "LONG4"},
    {'\x8c', "SHORT_BINUNICODE"},
    {'\x8d', "BINUNICODE8"},
    {'\x8e', "BINBYTES8"},
    {'\x8f', "EMPTY_SET"},
    {'\x90', "ADDITEMS"},
    {'\x91', "FROZENSET"},
    {'\x92', "NEWOBJ_EX"},
    {'\x93', "STACK_GLOBAL"},
    {'\x94', "MEMOIZE"},
    {'\x95', "FRAME"},
    {'\x96', "BYTEARRAY8"},
    {'\x97', "NEXT_BUFFER"},
    {'\x98', "READONLY_BUFFER"},
}};

}  // namespace

PickleGlobal pickle_global(std::string_view name) {
    const std::string_view cuda = "torch.cuda.";  // PyTorch before 0.4: where the storage was
    for (const auto& [known, global] : kGlobals)
        if (known == name || (name.starts_with(cuda) && global.call == PickleCall::storage &&
                              known.substr(std::string_view("torch.").size()) == name.substr(cuda.size())))
            return global;
    return {};
}

std::string_view pickle_opcode_name(unsigned char opcode) {
    const auto* found = std::find_if(kOpcodes.begin(), kOpcodes.end(),
                                     [&](const auto& o) { return static_cast<unsigned char>(o.first) == opcode; });
    return found == kOpcodes.end() ? "unknown" : found->second;
}

}  // namespace adaq
