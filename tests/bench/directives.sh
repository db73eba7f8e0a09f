#!/bin/bash
# What a directive of a unit costs with Accept=yes, where systemd sets it up for every connection: a Debian boots in a container,
# with a service that does nothing, and the same with one directive more.  `make bench-directives' runs it, as root.  The result
# goes to tests/bench/results/directives.tsv, and from there by hand into usher(8).
#
# Environment: BENCH_ROUNDS (18: how often each is measured, in turn with none), BENCH_BLOCK (15: connections of each measurement),
# USHER_TEST_RELEASE (bookworm), USHER_TEST_CACHE (has the container's root, which the system tests use too).
# shellcheck source=tests/lib.sh disable=SC1091,SC2034,SC2154
. "$(dirname "$0")/../lib.sh"
. "$TESTS/system/container.sh"
. "$TESTS/bench/cgroup.sh"
inside=/usr/local/lib/usher-bench
unit=$root/etc/systemd/system/usher-bench.service
results=$TOP/tests/bench/results

make_root
install_usher
trap 'status=$?; rm -rf "${root:?}$inside" "$unit"; cgroup_remove; (exit "$status"); clean_up' EXIT
rm -rf "${root:?}$inside"
mkdir -p "$root$inside" "$results"
cp "$TESTS/bench/inside-directives.sh" "$TOP/tests/bench/load" "$TOP/tests/bench/bulk" "$root$inside/"
cat > "$unit" << END
[Unit]
Description=Benchmark of directives
SuccessAction=poweroff-force
FailureAction=poweroff-force

[Service]
Type=oneshot
Environment=BENCH_ROUNDS=${BENCH_ROUNDS:-18} BENCH_BLOCK=${BENCH_BLOCK:-15}
ExecStart=/bin/bash $inside/inside-directives.sh
StandardOutput=file:$inside/result
StandardError=file:$inside/errors
TimeoutStartSec=3600
END
# Processor time is what other programs on this machine disturb least: a group tells that of all the container.
find_cgroups
cgroup_make directives
usage=()
case $ACCOUNTING in
v1) usage=(--bind-ro="$cpu_root/$CG/cpuacct.usage:$inside/cpu") ;;
v2) usage=(--bind-ro="$cpu_root/$CG/cpu.stat:$inside/cpu") ;;
esac

# as the unit to boot into, so that nothing has to be enabled
# shellcheck disable=SC2016
start boot bash -c 'for file in $1; do echo $$ > "$file" || exit; done; shift; exec "$@"' bash "$(cgroup_files)" \
    systemd-nspawn "${usage[@]}" --quiet --directory="$root" --private-network --register=no --keep-unit --boot \
    --machine="usher-bench-$$" systemd.unit=usher-bench.service
poll 3660 gone "$PID" || bail 'the container did not end'
cat "$root$inside/errors" >&2
if ! grep -q '^end$' "$root$inside/result"; then
	cp "$root$inside/result" "$T/log/inside"
	bail 'the benchmark in the container did not come to its end'
fi
grep -v '^end$' "$root$inside/result" > "$results/directives.tsv"
awk -F '\t' '/^#/ { print; printf "%-52s %9s %9s\n", "# microseconds more", "time", "processor"; next }
    { printf "%-52s %9d %9d\n", $1, $2, $3 }' "$results/directives.tsv"
finished=yes
