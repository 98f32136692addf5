// What this machine's processors can do in float32, measured: a loop of nothing but fused multiply-adds in registers,
// on all threads. Theirs is the 100 % of every share that adaq-bench prints.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace adaq {

struct Peak {
    std::string instruction_set;  // "AVX-512", "AVX2 + FMA", "baseline"
    int threads = 0;
    double flops = 0.0;  // a second, a fused multiply-add counted as two
};

/// threads: 0 takes all. Takes about a quarter of a second.
Peak measure_peak(int threads);

/// Bytes a second that all threads together read and write while copying arrays far larger than any cache; the best of
/// a few rounds. threads: 0 takes all.
double measure_bandwidth(int threads);

/// {"instruction_set", "threads", "gflops"}
nlohmann::json to_json(const Peak& peak);

/// Prints the peak, and writes it to a JSON file unless the path is empty. Returns the exit status 0.
int bench_peak(int threads, const std::string& json_path);

}  // namespace adaq
