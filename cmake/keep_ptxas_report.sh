#!/bin/sh
# Runs nvcc (all arguments) and keeps what ptxas reports of each kernel's registers and spills beside the object, in
# <object>.ptxas, for tests/kernels/no_spills.sh. Everything else that nvcc says is shown.
object= previous=
for argument in "$@"; do
    [ "$previous" = -o ] && object=$argument
    previous=$argument
done
messages=$("$@" 2>&1)
status=$?
report='^ptxas info|bytes stack frame'
printf '%s\n' "$messages" | grep -E "$report" >"$object.ptxas"
printf '%s\n' "$messages" | grep -vE "$report|^\$" >&2
exit $status
