#!/bin/bash
# What the program is linked with: start-up time and what a network-facing process maps.
# shellcheck source=tests/lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
need readelf
need_usher

run readelf -d "$USHER"
is "$STATUS" 0 'readelf reads the program'
needed=$(sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' "$T/out")
diag "needed: ${needed:-nothing, it is static}"
if grep -q '__asan_init' "$USHER"; then
	skip 'the program needs no library but libc' 'a sanitizer build needs its runtime'
else
	is "$(grep -vE '^(libc\.so\.6|libresolv\.so\.2|libc\.musl-.*\.so\.1|libc\.so|ld-linux.*\.so\..*)$' <<< "$needed")" '' \
	    'the program needs no library but libc'
fi
run readelf -lW "$USHER"
like "$OUT" 'GNU_STACK.* RW  *0x' 'the stack of the program is not executable'
run "$USHER" --version
is "$STATUS" 0 'the program starts'

finish
