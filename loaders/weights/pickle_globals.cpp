// The list of globals, and the opcodes' names for messages; see pickle_globals.h.
#include "loaders/weights/pickle_globals.h"

#include <algorithm>
#include <array>
#include <utility>

namespace adaq {
namespace {

constexpr std::array<std::pair<std::string_view, PickleGlobal>, 19> kGlobals{{
    {"collections.OrderedDict", {PickleCall::dict, {}}},
    {"collections.Counter", {PickleCall::dict, {}}},  // learning rate schedules beside the weights
    {"argparse.Namespace", {PickleCall::dict, {}}},   // options beside the weights
    {"torch._utils._rebuild_tensor", {PickleCall::tensor, {}}},
    {"torch._utils._rebuild_tensor_v2", {PickleCall::tensor, {}}},
    {"torch._utils._rebuild_parameter", {PickleCall::first_argument, {}}},
    {"torch.nn.parameter.Parameter", {PickleCall::first_argument, {}}},
    {"torch.Size", {PickleCall::first_argument, {}}},
    {"torch.device", {PickleCall::opaque, {}}},
    {"torch.DoubleStorage", {PickleCall::storage, DType::f64}},
    {"torch.FloatStorage", {PickleCall::storage, DType::f32}},
    {"torch.HalfStorage", {PickleCall::storage, DType::f16}},
    {"torch.BFloat16Storage", {PickleCall::storage, DType::bf16}},
    {"torch.LongStorage", {PickleCall::storage, DType::i64}},
    {"torch.IntStorage", {PickleCall::storage, DType::i32}},
    {"torch.ShortStorage", {PickleCall::storage, DType::i16}},
    {"torch.CharStorage", {PickleCall::storage, DType::i8}},
    {"torch.ByteStorage", {PickleCall::storage, DType::u8}},
    {"torch.BoolStorage", {PickleCall::storage, DType::boolean}},
}};

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

std::optional<PickleGlobal> pickle_global(std::string_view name) {
    const auto* found = std::find_if(kGlobals.begin(), kGlobals.end(), [&](const auto& g) { return g.first == name; });
    if (found == kGlobals.end()) return {};
    return found->second;
}

std::string_view pickle_opcode_name(unsigned char opcode) {
    const auto* found = std::find_if(kOpcodes.begin(), kOpcodes.end(),
                                     [&](const auto& o) { return static_cast<unsigned char>(o.first) == opcode; });
    return found == kOpcodes.end() ? "unknown" : found->second;
}

}  // namespace adaq
