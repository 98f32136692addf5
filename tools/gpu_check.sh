#!/usr/bin/env bash
# Everything that only a card can show, for a machine with an NVIDIA card and driver, python3 with torch, and neither our
# packages nor a network, which can be had for minutes.
#   tools/gpu_check.sh build [PHOTOGRAPHS [YARDSTICK [REPORT [NETWORK LOGITS]]]]
#                      where there are packages and nvcc: makes all that has to be brought along, in build/card: programs
#                      linked statically (for sm_90), the bundled model's data; where given, a folder of photographs
#                      (shrunk; needs python3-pil or imagemagick), the plain PyTorch program to compare with, a
#                      report that a CPU made of the bundled model, the quantised network that it saved and its logits
#   tools/gpu_check.sh [visit 1] OUT   on the machine with the card: at most 8 minutes, three files into OUT
#   tools/gpu_check.sh visit 2 OUT     at most 3 1/2 minutes more
#   tools/gpu_check.sh page ARCHIVE... the page for docs/gpu, from OUT/visit-1.jsonl and OUT/visit-2.jsonl
# More options behind OUT are those of tools/measure_card.py.
set -euo pipefail
cd "$(dirname "$0")/.."
build=build/gpu
carried=build/card
most=$((64 * 1024)) # KiB of the repository and what is brought along

make_programs() {
    cmake --preset gpu >/dev/null
    cmake --build --preset gpu --target adaq-run adaq-bench adaq-cuda-tests
    for program in adaq-run adaq-bench tests/adaq-cuda-tests; do
        strip -o "$carried/$(basename $program)" "$build/$program"
    done
}

# The first 2,048 training images are enough to calibrate, and all that test is there to validate.
make_data() {
    mkdir -p $carried/data
    python3 - /usr/share/datasets/fashion-mnist $carried/data <<'END'
import gzip, pathlib, struct, sys
source, to = map(pathlib.Path, sys.argv[1:])
for name, header in (("images-idx3", 16), ("labels-idx1", 8)):
    whole = gzip.open(source / f"train-{name}-ubyte.gz").read()
    of_one = (len(whole) - header) // struct.unpack(">I", whole[4:8])[0]
    part = whole[:4] + struct.pack(">I", 2048) + whole[8:header + 2048 * of_one]
    (to / f"train-{name}-ubyte.gz").write_bytes(gzip.compress(part, mtime=0))
    (to / f"t10k-{name}-ubyte.gz").write_bytes((source / f"t10k-{name}-ubyte.gz").read_bytes())
END
}

check_size() {
    local repository brought
    repository=$(git ls-files -z | du -ck --files0-from=- | tail -1 | cut -f1)
    brought=$(du -sk $carried | cut -f1)
    echo "$carried: $((brought / 1024)) MiB to bring along, and $((repository / 1024)) MiB of the repository"
    [ $((repository + brought)) -le $most ] || { echo "gpu_check.sh: more than $((most / 1024)) MiB: take fewer photographs" >&2; exit 1; }
}

case "${1:-}" in
build)
    rm -rf $carried
    mkdir -p $carried
    make_programs
    make_data
    [ -z "${2:-}" ] || python3 tools/card/shrink.py "$2" $carried/photographs
    [ -z "${3:-}" ] || cp -L "$3" $carried/yardstick.py
    [ -z "${4:-}" ] || cp -L "$4" $carried/cpu.json
    [ -z "${5:-}" ] || cp -L "$5" $carried/cpu.bin
    [ -z "${6:-}" ] || cp -L "$6" $carried/cpu.logits
    git describe --always --dirty >$carried/commit.txt
    check_size
    ;;
page)
    exec python3 tools/measure_card.py "$@"
    ;;
visit)
    number=${2:?gpu_check.sh visit: 1 or 2} out=${3:?gpu_check.sh visit: name a folder for the results}
    shift 3
    exec python3 tools/measure_card.py visit "$number" --out "$out" "$@"
    ;;
"" | -*)
    sed -n '4,14s/^# \{0,1\}//p' "$0"
    [ "${1:-}" = --help ] || exit 2
    ;;
*)
    out=$1
    shift
    exec python3 tools/measure_card.py visit 1 --out "$out" "$@"
    ;;
esac
