#!/bin/sh
# Object files whose file is compiled with flags of its own define nothing that the linker might take for another file's,
# or another's for theirs: of external linkage is what is named, and nothing besides. An inline function or template that
# is called there, and neither static nor always inlined, is a weak symbol of it, at the latest without optimisation.
# DW.ref.* is no function: a pointer of the compiler's to the one that handles exceptions, the same from every file.
#   own_symbols.sh "FUNCTION ..." OBJECT ...          names without namespaces and parameters
expected=$(printf '%s\n' $1 | sort)
shift
[ $# -gt 0 ] || { echo "no object file"; exit 1; }
status=0
for object; do
    # Num: Value Size Type Bind Vis Ndx Name
    symbols=$(readelf -sW "$object" | c++filt | awk '$1 ~ /^[0-9]+:$/ && $5 != "LOCAL" && $7 != "UND" {
        bind = $5; type = $4; $1 = $2 = $3 = $4 = $5 = $6 = $7 = ""; sub(/^ +/, ""); print bind, type, $0 }')
    found=$(printf '%s\n' "$symbols" | sed -n 's/^GLOBAL FUNC \([a-z_0-9]*::\)*\([a-z_0-9]*\)(.*/\2/p' | sort)
    others=$(printf '%s\n' "$symbols" | grep -v -e '^GLOBAL FUNC ' -e '^WEAK OBJECT DW[.]ref[.]')
    if [ -n "$others" ] || [ "$found" != "$expected" ]; then
        echo "$object defines, beside local symbols:"
        printf '%s\n' "$symbols"
        status=1
    fi
done
exit $status
