#!/bin/bash
# shellcheck source=tests/distros/distro.sh disable=SC1091
. "$(dirname "$0")/distro.sh" trixie
