#!/usr/bin/env bash
# The version of CMakeLists.txt has the first section of CHANGELOG.md, and no tag has been passed over.
#   release_test.sh SOURCE_FOLDER
set -euo pipefail
cd "$1"
version=$(sed -n 's/^project(adaq VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt)
first=$(sed -n 's/^## \([0-9.]*\) (.*)$/\1/p' CHANGELOG.md | head -1)
[ -n "$version" ] || { echo "CMakeLists.txt names no version"; exit 1; }
[ "$version" = "$first" ] || { echo "CMakeLists.txt has version $version, the first section of CHANGELOG.md $first"; exit 1; }
for tag in $(git tag --list 'v*' 2>/dev/null || true); do
    grep -q "^## ${tag#v} (" CHANGELOG.md || { echo "CHANGELOG.md has no section for the tag $tag"; exit 1; }
done
