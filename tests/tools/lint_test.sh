#!/usr/bin/env bash
# tools/lint.sh in a repository of its own: it finds files that are not formatted, wherever they are, and clang-tidy's
# warnings in files that changed, and in no others. Exit status 77 where clang-format-14 or clang-tidy-14 is missing.
#   lint_test.sh SOURCE_FOLDER
set -euo pipefail
command -v clang-format-14 >/dev/null && command -v clang-tidy-14 >/dev/null || exit 77
source=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t
unset ADAQ_LINT_BUILD ADAQ_LINT_SECONDS
mkdir -p "$folder/tools" "$folder/build/lint"
cp "$source/tools/lint.sh" "$folder/tools"
cp "$source/.clang-format" "$source/.clang-tidy" "$folder"
cd "$folder"
git init -q -b main

fail() { echo "lint_test.sh: $1"; cat output; exit 1; }
passes() { tools/lint.sh "$@" >output 2>&1 || fail "should pass: $*"; }
refuses() { if tools/lint.sh "$@" >output 2>&1; then fail "should not pass: $*"; fi; }
tells() { grep -qF "$1" output || fail "says nothing of: $1"; }
tells_not() { ! grep -F "$1" output || fail "speaks of: $1"; }
commit() { git add -A . ':!build' ':!output' && git commit -qm "$1"; }

warned='int nothing(int unused) { return 0; }' # misc-unused-parameters
for file in old fine header_user; do
    printf '{"directory": "%s", "command": "c++ -Werror --param=ggc-min-heapsize=1500000 -c %s.cpp", "file": "%s/%s.cpp"},\n' "$folder" $file "$folder" $file
done | sed '1s/^/[/; $s/,$/]/' >build/lint/compile_commands.json
echo "$warned" >old.cpp
echo 'int one() { return 1; }' >fine.cpp
printf '#include "alone.h"\n\nint two() { return kTwo; }\n' >header_user.cpp
printf '#pragma once\nconstexpr int kTwo = 2;\n' >alone.h
commit first
first=$(git rev-parse HEAD)

echo 'int one() { return 2 - 1; }' >fine.cpp
commit "a change without warnings beside a file that has some"
passes "$first"
tells "1 files changed"
tells_not "cannot read" # flags that only gcc has are no reason

printf '#pragma once\nconstexpr int kTwo = 2;\ninline int none(int unused) { return 0; }\n' >alone.h
commit "a warning in a header"
refuses "$first"
tells "alone.h:3"
git revert --no-edit HEAD >/dev/null
passes "$first"

echo "$warned" >fine.cpp
commit "a warning"
refuses "$first"
tells "fine.cpp:1"
tells "misc-unused-parameters"
refuses # by default: since the first commit
passes HEAD
ADAQ_LINT_SECONDS=0 passes "$first"
tells "no time for"

printf '#pragma of_gcc\nint one() { return 1; }\n' >fine.cpp
commit "what only clang warns of"
passes HEAD^

printf '#ifdef __clang__\n#error\n#endif\nint one() { return 1; }\n' >fine.cpp
commit "what clang alone cannot read"
passes HEAD^
tells "cannot read fine.cpp"

echo 'int one() { return unknown; }' >fine.cpp
commit "what the compiler cannot read either"
refuses HEAD^
tells "cannot read fine.cpp"

echo 'int   one() { return 1; }' >fine.cpp
refuses HEAD
tells "not formatted"
passes format
[ "$(cat fine.cpp)" = 'int one() { return 1; }' ] || fail "format does not format"
passes HEAD
refuses no-such-commit
tells "no such commit"
