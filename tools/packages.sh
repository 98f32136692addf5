#!/usr/bin/env bash
# Installs what adaq needs from Debian: as root, or through sudo. Does nothing where everything is there.
# tools/packages.sh development: also what tools/lint.sh needs. tools/packages.sh fuzz: what tools/fuzz.sh needs.
# (OpenCL because the CMake package of Debian's oneDNN asks for it.)
set -euo pipefail
packages=(g++ cmake ninja-build libdnnl-dev ocl-icd-opencl-dev libjpeg62-turbo-dev libpng-dev libwebp-dev libtiff-dev zlib1g-dev libfmt-dev nlohmann-json3-dev libcli11-dev libprotozero-dev
          doctest-dev libboost-context-dev dataset-fashion-mnist)
[ "${1:-}" != development ] || packages+=(clang-format-14 clang-tidy-14)
[ "${1:-}" != fuzz ] || packages+=(clang-14 libclang-rt-14-dev libomp-14-dev valgrind)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
as_root=()
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "packages.sh: run as root, or install sudo; missing: ${missing[*]}" >&2; exit 1; }
    as_root=(sudo)
fi
echo "Installing ${missing[*]}" >&2
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
