// Products of warpgroups (wgmma.m64nNk8 in tf32, operand A in registers). In hardware four warps do them together; a
// warp's 16 rows depend on its own registers and on operand B alone, so that here each warp does its own part, and the
// four are held to the same descriptors in the same order.
#include "kernels/emulator/wgmma.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "kernels/emulator/access.h"
#include "kernels/emulator/misuse.h"
#include "kernels/emulator/running.h"
#include "kernels/emulator/shared_pieces.h"
#include "kernels/emulator/tensor_cores.h"

namespace adaq::emulator {
namespace {

constexpr size_t kLanes = 32, kGroup = 128;
constexpr int kRows = kSumRows, kColumns = kSumColumns, kDepth = 8;
constexpr size_t kChunkBytes = 16, kRowBytes = 128, kRowsOfPattern = 8;

/// A matrix descriptor taken apart (PTX ISA, "Matrix Descriptor Format").
struct Descriptor {
    size_t start, stride;
    unsigned base, swizzle;

    explicit Descriptor(uint64_t bits)
        : start((bits & 0x3FFF) << 4),
          stride((bits >> 32 & 0x3FFF) << 4),
          base(static_cast<unsigned>(bits >> 49 & 7)),
          swizzle(static_cast<unsigned>(bits >> 62)) {}

    /// Where 16 bytes of a row lie: the pattern is one of addresses, whose bits 4 to 6 change with bits 7 to 9.
    size_t chunk(size_t row, size_t number) const {
        const size_t plain =
            start + row / kRowsOfPattern * stride + row % kRowsOfPattern * kRowBytes + number * kChunkBytes;
        return plain ^ (plain >> 3 & 0x70);
    }
};

const std::byte* shared_byte(size_t offset) {
    return reinterpret_cast<const std::byte*>(shared_pieces().address_of(offset));
}

/// What the block's warpgroups have issued so far.
struct Issued {
    uint32_t block_epoch = 0;
    std::vector<std::vector<uint64_t>> descriptors;  // by warpgroup
};
thread_local Issued issued_by_block;

struct Part {
    float* sums;
    size_t count;
    const uint32_t* a;
    uint64_t b;
};

float tf32(uint32_t word) { return std::bit_cast<float>(word & ~0x1FFFu); }

/// One warp's 16 rows: sums += a * b, 8 columns at a time.
void resolve_product(std::span<void* const> brought) {
    const auto part = [&](size_t lane) -> Part& { return *static_cast<Part*>(brought[lane]); };
    float a[kRows][kDepth];
    for (size_t lane = 0; lane < kLanes; ++lane) {
        const size_t group = lane / 4, member = lane % 4;
        for (size_t i = 0; i < 4; ++i) a[group + i % 2 * 8][member + i / 2 * 4] = tf32(part(lane).a[i]);
    }
    // Only Hopper has these products.
    const ProductSums how = settings().sums == ProductSums::rounded ? ProductSums::rounded : ProductSums::hopper;
    const Descriptor descriptor(part(0).b);
    const size_t columns = part(0).count * 2;
    for (size_t first = 0; first < columns; first += kColumns) {
        float b[kDepth][kColumns];
        for (size_t column = 0; column < kColumns; ++column) {
            uint32_t words[kDepth];
            for (size_t chunk = 0; chunk < 2; ++chunk)
                std::memcpy(words + chunk * 4, shared_byte(descriptor.chunk(first + column, chunk)), kChunkBytes);
            for (size_t k = 0; k < kDepth; ++k) b[k][column] = tf32(words[k]);
        }
        SumTile sums;
        const auto each = [&](auto visit) {
            for (size_t row = 0; row < kRows; ++row) {
                for (size_t column = 0; column < kColumns; ++column) {
                    float* const of_lane = part(row % 8 * 4 + column / 2).sums;
                    visit(of_lane[first / kColumns * 4 + row / 8 * 2 + column % 2], sums[row][column]);
                }
            }
        };
        each([](float& fragment, float& whole) { whole = fragment; });
        add_products(how, a, b, sums);
        each([](float& fragment, float& whole) { fragment = whole; });
    }
}

/// Each lane answers for its share of operand B's rows.
void check_rows(const Descriptor& descriptor, size_t columns, bool as_issued) {
    for (size_t column = lane(); column < columns; column += kLanes) {
        for (size_t chunk = 0; chunk < 2; ++chunk) {
            const std::byte* bytes = shared_byte(descriptor.chunk(column, chunk));
            check_access(bytes, kChunkBytes, Access::read);
            if (as_issued) require_fenced(bytes, kChunkBytes, "wgmma");
        }
    }
}

bool is_nan(float value) { return value != value; }

}  // namespace

void WarpgroupProducts::clear() {
    fenced_ = false;
    issued_ = 0;
    sums_.clear();
    open_.clear();
    groups_.clear();
}

void WarpgroupProducts::fence() { fenced_ = true; }

WarpgroupProducts::Sums& WarpgroupProducts::sums_at(float* registers, size_t count) {
    for (Sums& sums : sums_) {
        if (sums.registers == registers) return sums;
    }
    sums_.push_back({registers, {registers, registers + count}, 0});
    std::fill_n(registers, count, std::numeric_limits<float>::quiet_NaN());
    return sums_.back();
}

void WarpgroupProducts::issue(float* sums, size_t count, const uint32_t (&a)[4], uint64_t b, std::source_location) {
    if (!fenced_) fail("wgmma: without a wgmma_fence since its registers were last waited for");
    const Descriptor descriptor(b);
    if (descriptor.swizzle != 1 || descriptor.base != 0 || descriptor.stride % (kRowsOfPattern * kRowBytes) != 0 ||
        descriptor.start % (kRowsOfPattern * kRowBytes) >= kRowBytes) {
        fail("wgmma: a matrix descriptor ({:#018x}) other than rows of 128 bytes, swizzled, at multiples of 1024", b);
    }
    if (issued_by_block.block_epoch != running.block_epoch) issued_by_block = {running.block_epoch, {}};
    const size_t group = running.me.thread() / kGroup;
    if ((group + 1) * kGroup > size_t{blockDim.x} * blockDim.y * blockDim.z) fail("wgmma: a warpgroup of fewer warps");
    auto& all = issued_by_block.descriptors;
    if (all.size() <= group) all.resize(group + 1);
    if (issued_ == all[group].size()) all[group].push_back(b);
    if (all[group][issued_++] != b) fail("wgmma: warps of a warpgroup issue different products");
    check_rows(descriptor, count * 2, true);
    Sums& to = sums_at(sums, count);
    ++to.under_way;
    open_.push_back({&to, a, {a[0], a[1], a[2], a[3]}, b});
}

void WarpgroupProducts::commit() {
    groups_.push_back(std::move(open_));
    open_.clear();
}

void WarpgroupProducts::finish(Product& product, std::source_location where) {
    if (!std::equal(product.a_then.begin(), product.a_then.end(), product.a))
        fail("wgmma: a register of operand A was changed before the product was waited for");
    check_rows(Descriptor(product.b), product.sums->values.size() * 2, false);
    Part part{product.sums->values.data(), product.sums->values.size(), product.a, product.b};
    meet({.name = "wgmma_wait", .resolve = resolve_product, .data = &part, .where = where});
    --product.sums->under_way;
}

void WarpgroupProducts::wait(size_t pending, std::source_location where) {
    while (groups_.size() > pending) {
        for (Product& product : groups_.front()) finish(product, where);
        groups_.pop_front();
    }
    while (!sums_.empty() && sums_.front().under_way == 0) {
        Sums& sums = sums_.front();
        if (!std::all_of(sums.registers, sums.registers + sums.values.size(), is_nan))
            fail("wgmma: a register of sums was changed before the product was waited for");
        std::copy(sums.values.begin(), sums.values.end(), sums.registers);
        sums_.pop_front();
    }
    fenced_ = false;
}

uint32_t shared_offset(const void* p) {
    require_shared(p, "a matrix descriptor");
    const size_t offset = shared_pieces().offset_of(reinterpret_cast<uintptr_t>(p));
    constexpr size_t kReach = size_t{1} << 18;
    if (offset >= kReach) fail("a matrix descriptor: byte {} of shared memory, beyond its reach", offset);
    return static_cast<uint32_t>(offset);
}

}  // namespace adaq::emulator
