#!/bin/bash
# The listening shape under a real systemd: boots a Debian in a container, installs usher there and runs inside-listen.sh in it.
# shellcheck source=tests/lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
. "$TESTS/system/container.sh"
run_in_container inside-listen.sh
