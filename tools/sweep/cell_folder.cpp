// See cell_folder.h.
#include "tools/sweep/cell_folder.h"

#include <fmt/ranges.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "adaq/data/fingerprints.h"
#include "engine/error.h"
#include "loaders/atomic_file.h"
#include "loaders/json_fault.h"

namespace adaq {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char *kFormat = "adaq-sweep-cell-2", *kFormatWithoutChecksum = "adaq-sweep-cell-1";

std::string file_of(const Cell& cell) { return "cells/" + cell.name + ".json"; }

bool outputs_are_there(const RunOptions& run) {
    for (const std::string& path : {run.save, run.report_html, run.report_json, run.logits})
        if (std::error_code error; !path.empty() && !fs::exists(path, error)) return false;
    return true;
}

/// In one line; bytes that are no UTF-8 (of a path) as U+FFFD, which JSON can hold.
std::string text_of(const ordered_json& json, int indent = -1) {
    return json.dump(indent, ' ', false, ordered_json::error_handler_t::replace);
}

/// CRC-32 of all that a cell's file holds beside it.
std::string checksum(ordered_json json) {
    json.erase("crc32");
    return crc32_text(text_of(json));
}

/// Throws nlohmann's exceptions where the file is not what keep() wrote.
CellResult read_result(const ordered_json& json) {
    CellResult result;
    result.label = json.at("label");
    result.images = json.at("images");
    result.top1 = json.at("top1");
    result.top5 = json.at("top5");
    result.float_top1 = json.at("float_top1");
    result.seconds = json.at("seconds");
    for (const int64_t correct : {result.top1, result.top5, result.float_top1})
        if (correct < 0 || correct > result.images) throw std::runtime_error("counts that cannot be");
    return result;
}

}  // namespace

CellResult cell_result(const Report& report) {
    require(report.float_network.has_value(), "a cell without an evaluation");
    const Evaluation& after = report.quantised_network ? *report.quantised_network : *report.float_network;
    return {report.label, after.images, after.top1, after.top5, report.float_network->top1, report.total_seconds};
}

CellFolder::CellFolder(std::string folder, Access access) : folder_(std::move(folder)) {
    if (access == Access::look) return;
    lock_.emplace(folder_, "--out", "another sweep");
    std::error_code error;
    fs::create_directories(path("cells"), error);
    if (error) data_error("--out {}: {}", folder_, error.message());
    remove_abandoned_files(folder_, [](const std::string& name) { return name == "table.md" || name == "table.html"; });
    remove_abandoned_files(path("cells"), [](const std::string& name) { return name.ends_with(".json"); });
}

CellState CellFolder::find(const Cell& cell, const std::string& identity) const {
    const std::string file = path(file_of(cell));
    std::error_code error;
    const fs::file_type type = fs::status(file, error).type();
    if (type == fs::file_type::not_found || !outputs_are_there(cell.run)) return NotDone{};
    if (type == fs::file_type::none) return DoneOtherwise{file + ": " + error.message()};
    if (type != fs::file_type::regular) return DoneOtherwise{file + ": is no regular file"};
    try {
        std::ifstream stream(file, std::ios::binary);
        const std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
        if (const auto fault = json_fault(text)) return DoneOtherwise{file + ": is damaged (" + *fault + ")"};
        const ordered_json json = ordered_json::parse(text);
        if (json.at("format") == kFormatWithoutChecksum)
            return DoneOtherwise{file + ": is from an older adaq and has no checksum"};
        if (json.at("format") != kFormat) return DoneOtherwise{file + ": is no cell of a sweep"};
        if (json.at("crc32") != checksum(json)) return DoneOtherwise{file + ": is damaged (its CRC-32 is another)"};
        const nlohmann::json there = json.at("made_with");
        const auto different = differences(nlohmann::json::parse(identity), there);
        if (different.empty()) return read_result(json.at("result"));
        return DoneOtherwise{fmt::format("{}: was made otherwise: {}", file, fmt::join(different, "; "))};
    } catch (const std::exception&) {
        return DoneOtherwise{file + ": is damaged"};
    }
}

void CellFolder::keep(const Cell& cell, const std::string& identity, const CellResult& result) const {
    ordered_json json{{"format", kFormat},
                      {"cell", cell.title},
                      {"options", cell.options},
                      {"result",
                       {{"label", result.label},
                        {"images", result.images},
                        {"top1", result.top1},
                        {"top5", result.top5},
                        {"float_top1", result.float_top1},
                        {"seconds", result.seconds}}},
                      {"made_with", ordered_json::parse(identity)}};
    json["crc32"] = checksum(json);
    write_file_atomically(path(file_of(cell)), text_of(json, 1) + "\n");
}

std::string CellFolder::state_of(const Cell& cell, const std::string& identity) const {
    const std::string folder = path("state/" + cell.name), mine = folder + "/" + crc32_text(identity);
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored))
        if (entry.path() != mine) fs::remove_all(entry.path(), ignored);
    return mine;
}

void CellFolder::forget_state(const Cell& cell) const {
    std::error_code ignored;  // what stays costs room, nothing else
    fs::remove_all(path("state/" + cell.name), ignored);
    fs::remove(path("state"), ignored);  // where it is empty
}

}  // namespace adaq
