#include "loaders/weights/size_in_name.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "engine/printable.h"
#include "loaders/weights/name_pieces.h"

namespace adaq {
namespace {

using NamePieces = std::vector<NamePiece>;

/// 0 where it is none, or absurd.
int64_t number_at(const NamePieces& pieces, size_t i) {
    constexpr size_t kMostDigits = 6;
    if (i >= pieces.size() || !pieces[i].is_number() || pieces[i].text.size() > kMostDigits) return 0;
    int64_t number = 0;
    std::from_chars(pieces[i].text.data(), pieces[i].text.data() + pieces[i].text.size(), number);
    return number;
}

bool has_piece(const NamePieces& pieces, std::string_view text) {
    return std::any_of(pieces.begin(), pieces.end(), [&](const NamePiece& piece) { return piece.text == text; });
}

/// The number behind a piece that ends so, where it is a usual depth; else the end. Behind a mark it may be another
/// number: of classes, of epochs.
size_t depth_behind(const NamePieces& pieces, std::string_view end) {
    constexpr std::array kUsual{11, 13, 16, 18, 19, 34, 50, 101, 152};
    constexpr std::array kJoinedAlone{10, 14, 26, 200, 269};
    const auto is_among = [](const auto& depths, int64_t number) {
        return std::find(depths.begin(), depths.end(), number) != depths.end();
    };
    for (size_t i = 0; i + 1 < pieces.size(); ++i) {
        if (!pieces[i].text.ends_with(end)) continue;
        const int64_t number = number_at(pieces, i + 1);
        const bool joined = pieces[i + 1].joined, goes_on = i + 2 < pieces.size() && pieces[i + 2].joined;
        if (is_among(kUsual, number) && (joined || !goes_on)) return i + 1;
        if (is_among(kJoinedAlone, number) && joined) return i + 1;
    }
    return pieces.size();
}

/// "32x4d" behind the depth, or "2" at the end of a wide one.
void tell_inside(const NamePieces& pieces, size_t depth, std::vector<SizeInName>& size) {
    const bool grouped = pieces[depth - 1].text.ends_with("resnext");
    if (const int64_t groups = number_at(pieces, depth + 1), width = number_at(pieces, depth + 3);
        grouped && groups > 0 && width > 0 && pieces[depth + 2].text == "x") {
        size.push_back({SizeOf::groups, groups, plural(groups, "group")});
        size.push_back({SizeOf::group_width, width, "groups of " + plural(width, "channel")});
    }
    if (grouped) return;
    size.push_back({SizeOf::groups, 1, "no groups"});
    const int64_t factor = number_at(pieces, depth + 1);
    const bool last = depth + 2 == pieces.size();
    if (has_piece(pieces, "wide") && factor > 1 && last)
        size.push_back({SizeOf::widening, 100 * factor, "bottlenecks " + std::to_string(factor) + " times as wide"});
    if (!has_piece(pieces, "wide") && !has_piece(pieces, "w") && !has_piece(pieces, "x"))
        size.push_back({SizeOf::widening, 100, "bottlenecks of the usual width"});
}

void tell_resnet(const NamePieces& pieces, std::vector<SizeInName>& size) {
    size_t depth = depth_behind(pieces, "resnet");
    if (depth == pieces.size()) depth = depth_behind(pieces, "resnext");
    if (depth == pieces.size()) return;
    size.push_back({SizeOf::layers, number_at(pieces, depth), plural(number_at(pieces, depth), "layer")});
    tell_inside(pieces, depth, size);
}

void tell_vgg(const NamePieces& pieces, std::vector<SizeInName>& size) {
    if (const size_t depth = depth_behind(pieces, "vgg"); depth < pieces.size())
        size.push_back({SizeOf::layers, number_at(pieces, depth), plural(number_at(pieces, depth), "layer")});
    if (has_piece(pieces, "bn")) size.push_back({SizeOf::norms, 1, "batch norms"});
}

/// "regnet_x_1_6gf" and "regnetx_016": hundreds of MFLOP.
void tell_regnet(const NamePieces& pieces, std::vector<SizeInName>& size) {
    struct Regime {
        int64_t hundreds, blocks, group_width;
    };
    constexpr Regime kRegimes[] = {{2, 13, 8},    {4, 22, 16},    {6, 16, 24},    {8, 16, 16},
                                   {16, 18, 24},  {32, 25, 48},   {40, 23, 40},   {64, 17, 56},
                                   {80, 23, 120}, {120, 19, 112}, {160, 22, 128}, {320, 23, 168}};
    int64_t hundreds = 0;
    for (size_t i = 1; i < pieces.size() && hundreds == 0; ++i) {
        const int64_t number = number_at(pieces, i);
        if (number == 0 || !pieces[i - 1].text.ends_with('x')) continue;
        const auto unit = [&](size_t at) { return at < pieces.size() ? pieces[at].text : std::string_view(); };
        if (unit(i + 1) == "mf")
            hundreds = number / 100;
        else if (unit(i + 1) == "gf")
            hundreds = number * 10;
        else if (unit(i + 2) == "gf")
            hundreds = number * 10 + number_at(pieces, i + 1);
        else if (pieces[i].text.size() == 3)
            hundreds = number;
    }
    for (const Regime& regime : kRegimes)
        if (regime.hundreds == hundreds) {
            size.push_back({SizeOf::blocks, regime.blocks, plural(regime.blocks, "block")});
            size.push_back(
                {SizeOf::group_width, regime.group_width, "groups of " + plural(regime.group_width, "channel")});
        }
}

/// "mnasnet0_5": the widths by those of the usual network, rounded to multiples of 8 as torchvision does.
void tell_mnasnet(const NamePieces& pieces, std::vector<SizeInName>& size) {
    constexpr double kLast = 320.0, kMultiple = 8.0;
    for (size_t i = 0; i + 2 < pieces.size(); ++i) {
        if (!pieces[i].text.ends_with("mnasnet") || !pieces[i + 1].is_number() || !pieces[i + 2].is_number()) continue;
        const double tenths = std::pow(10.0, -static_cast<double>(pieces[i + 2].text.size()));
        const double factor =
            static_cast<double>(number_at(pieces, i + 1)) + static_cast<double>(number_at(pieces, i + 2)) * tenths;
        const auto width = static_cast<int64_t>(std::floor(kLast * factor / kMultiple + 0.5) * kMultiple);
        if (width > 0) size.push_back({SizeOf::last_width, width, "a last stage of " + plural(width, "channel")});
    }
}

}  // namespace

std::vector<SizeInName> size_in_name(std::string_view name, std::string_view family) {
    const NamePieces pieces = name_pieces(name);
    std::vector<SizeInName> size;
    if (family == "resnet") tell_resnet(pieces, size);
    if (family == "vgg") tell_vgg(pieces, size);
    if (family == "regnet_x") tell_regnet(pieces, size);
    if (family == "mnasnet") tell_mnasnet(pieces, size);
    return size;
}

}  // namespace adaq
