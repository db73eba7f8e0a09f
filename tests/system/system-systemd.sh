#!/bin/bash
# Real activation, a process a connection: boots a Debian with systemd in a container, installs usher there and runs
# inside-systemd.sh in it.
# shellcheck source=tests/lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
. "$TESTS/system/container.sh"
run_in_container inside-systemd.sh
