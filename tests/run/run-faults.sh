#!/usr/bin/env bash
# Fault injection: every system call of the hot path fails once with every errno that it can, and the log in every way.  To look at one
# case: tests/faults/faults ./usher /tmp 'chat/sendto-2@0=ENOMEM'.
# shellcheck source=tests/lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
need_usher

"$TOP/tests/faults/faults" "$USHER" "$T"
status=$?
finished=yes
exit "$status"
