#!/bin/bash
# Hostile clients and backends: urgent bytes, resets, shut windows, a byte at a time, half-closes in every order.
# shellcheck source=tests/lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
need perl
need_usher

perl "$TESTS/helpers/hostile.pl" "$USHER" "$T"
status=$?
finished=yes
exit "$status"
