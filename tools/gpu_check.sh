#!/usr/bin/env bash
# Everything that only a card can show, for a machine with an NVIDIA card and driver and neither packages nor network.
#   tools/gpu_check.sh build [PHOTOGRAPHS YARDSTICK]
#                                     where there are packages and nvcc: makes build/gpu, its libraries linked statically,
#                                     and copies the bundled model's data beside it; for tools/measure_card.py also a
#                                     folder of photographs and the plain PyTorch program to compare with
#   tools/gpu_check.sh [OUT]          on the machine with the card: tests, compute-sanitizer, benchmarks, a
#                                     reconstruction; details go to OUT (default: gpu-results), a summary to stdout
set -uo pipefail
cd "$(dirname "$0")/.."
build=build/gpu
data=$build/data

if [ "${1:-}" = build ]; then
    set -e
    cmake --preset gpu >/dev/null
    cmake --build --preset gpu
    strip $build/adaq-run $build/adaq-bench $build/tests/adaq-cuda-tests
    mkdir -p $data
    python3 - /usr/share/datasets/fashion-mnist $data <<'END'
# The first 2,048 training images are enough to calibrate, and all that test is there to validate.
import gzip, pathlib, struct, sys
source, to = map(pathlib.Path, sys.argv[1:])
for name, header in (("images-idx3", 16), ("labels-idx1", 8)):
    whole = gzip.open(source / f"train-{name}-ubyte.gz").read()
    of_one = (len(whole) - header) // struct.unpack(">I", whole[4:8])[0]
    part = whole[:4] + struct.pack(">I", 2048) + whole[8:header + 2048 * of_one]
    (to / f"train-{name}-ubyte.gz").write_bytes(gzip.compress(part, mtime=0))
    (to / f"t10k-{name}-ubyte.gz").write_bytes((source / f"t10k-{name}-ubyte.gz").read_bytes())
END
    carried=("$build/adaq-run" "$build/adaq-bench" "$build/tests/adaq-cuda-tests" "$data")
    if [ -n "${2:-}" ]; then
        mkdir -p $build/photographs
        cp -L "$2"/*.[jJ][pP]*[gG] $build/photographs/
        cp -L "$3" $build/yardstick.py
        carried+=("$build/photographs" "$build/yardstick.py")
    fi
    # These travel besides the repository; objects need not.
    du -shc "${carried[@]}"
    exit 0
fi

out=${1:-gpu-results}
mkdir -p "$out"
failures=0
step() { # step NAME SECONDS COMMAND...: its output to OUT/NAME.txt, a line to stdout
    local name=$1 limit=$2 start=$SECONDS status
    shift 2
    timeout "$limit" "$@" >"$out/$name.txt" 2>&1
    status=$?
    [ $status = 0 ] || failures=$((failures + 1))
    printf '%-28s %-9s %4d s\n' "$name" "$([ $status = 0 ] && echo passed || ([ $status = 124 ] && echo 'too slow' || echo "FAILED $status"))" $((SECONDS - start))
    return $status
}
table() { # the head of a benchmark, and its means
    head -1 "$out/$1.txt"
    grep -E 'geometric mean' "$out/$1.txt"
}

command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
date -u +%Y-%m-%d
if ! step card 60 $build/adaq-bench operations --device cuda --operation 'global average pool' --batch 32 --seconds 0.01; then
    tail -3 "$out/card.txt"
    echo "No card can be used: nothing else is tried."
    exit 1
fi

step tests 300 $build/tests/adaq-cuda-tests || grep -E 'ERROR|FATAL|TEST CASE' "$out/tests.txt" | head -20
grep -E '^\[doctest\]' "$out/tests.txt"

if command -v compute-sanitizer >/dev/null; then
    suites='operations,training operations,batches,calibration,edges,statistics loss'
    for tool in memcheck racecheck synccheck initcheck; do
        step "$tool" 240 compute-sanitizer --tool $tool --error-exitcode 9 $build/tests/adaq-cuda-tests -ts="$suites"
        grep -E 'ERROR SUMMARY|RACECHECK SUMMARY' "$out/$tool.txt" | tail -1
    done
else
    echo "compute-sanitizer is not here: skipped"
fi

for math in fp32 tf32 bf16; do
    step convolutions-$math 150 $build/adaq-bench convolutions --device cuda --math $math --direction all --image 224 --batch 32,128 --seconds 0.03 --json "$out/convolutions-$math.json"
    table convolutions-$math
done
if nvidia-smi --query-gpu=compute_cap --format=csv,noheader | grep -q '^9\.0'; then # the variant that is off by default
    step convolutions-wgmma 150 $build/adaq-bench convolutions --device cuda --math tf32 --wgmma --direction forward --image 224 --batch 32,128 --seconds 0.03 --json "$out/convolutions-wgmma.json"
    table convolutions-wgmma
fi
step operations 120 $build/adaq-bench operations --device cuda --batch 32,128 --seconds 0.03 --json "$out/operations.json"
echo "operations, slowest beside copying:"
tail -n +3 "$out/operations.txt" | awk '{ print $NF + 0, $0 }' | sort -n | head -8 | cut -d' ' -f2-

images=$data/train-images-idx3-ubyte.gz
test_images=$data/t10k-images-idx3-ubyte.gz
if [ -f "$images" ]; then
    run=($build/adaq-run --weights weights/fashion-resnet18.bin --calib "$images" --val "$test_images" --device cuda --w3 --a8)
    step nearest 120 "${run[@]}" --report "$out/nearest.json"
    step adaround 300 "${run[@]}" --method adaround --iters 2000 --save "$out/a.bin"
    step adaround-again 300 "${run[@]}" --method adaround --iters 2000 --save "$out/b.bin"
    if cmp -s "$out/a.bin" "$out/b.bin"; then echo "the same bits twice"; else echo "DIFFERENT BITS in two runs" && failures=$((failures + 1)); fi
    rm -f "$out"/[ab].bin
    for method in brecq qdrop pdquant; do
        step $method 150 "${run[@]}" --w2 --a4 --head-stem-8bit --method $method --iters 1000 --report "$out/$method.json"
    done
    grep -iE 'top-1' "$out"/{nearest,adaround,brecq,qdrop,pdquant}.txt
fi
[ $failures = 0 ] && echo "all passed" || { echo "$failures steps failed"; exit 1; }
