#!/bin/sh
# The names in the file $2 (tests/slow_under_sanitizers.cmake) are tests of the build folder $1: one that was renamed is
# found here. Names that begin with $3, where that is given, are passed over: their program was not built.
set -e
names=$(sed -n 's/^        "\(.*\)")*$/\1/p' "$2")
[ "$(printf '%s\n' "$names" | wc -l)" -gt 10 ]
listed=$(ctest --test-dir "$1" -N | sed 's/^ *Test *#[0-9]*: //')
printf '%s\n' "$names" | while read -r name; do
    [ -z "$3" ] || case $name in "$3"*) continue ;; esac
    printf '%s\n' "$listed" | grep -qxF -- "$name" || { echo "no test is called: $name"; exit 1; }
done
