#!/bin/bash
# What a connection costs under a real systemd: a Debian boots in a container, with the units as they are shipped, beside a service
# that does nothing.  `make bench-systemd' runs it; the result goes to tests/bench/results/systemd.tsv, and into the tables of the
# next `make bench'.
#
# Environment: BENCH_ROUNDS (5), BENCH_SECONDS (2: of each measurement), USHER_TEST_RELEASE (bookworm), USHER_TEST_CACHE (has the
# container's root, which the system tests use too).
# shellcheck source=tests/lib.sh disable=SC1091,SC2034,SC2154
. "$(dirname "$0")/../lib.sh"
HERE=$(cd "$(dirname "$0")" && pwd)
[ "$(id -u)" -eq 0 ] || bail 'needs root'
for program in systemd-nspawn flock make; do
	command -v "$program" > /dev/null || bail "$program is not installed"
done
need_usher
release=${USHER_TEST_RELEASE:-bookworm}
root=$CACHE/$release
inside=/usr/local/lib/usher-bench
unit=$root/etc/systemd/system/usher-bench.service
results=$TOP/tests/bench/results

mkdir -p "$CACHE" "$results"
exec 9> "$CACHE/$release.lock"
flock -w 300 9 || bail "somebody has been using $root for five minutes"
# as tests/system/system-systemd.sh makes it
if [ ! -d "$root" ]; then
	command -v mmdebstrap > /dev/null || bail 'mmdebstrap is not installed'
	packages=systemd,systemd-sysv,dbus,openssh-server,openssh-client,nginx,redis-server,openssl,iproute2
	mmdebstrap --variant=minbase --include="$packages" "$release" "$root.new" \
	    > "$T/log/mmdebstrap" 2>&1 || bail 'mmdebstrap failed'
	systemctl --root "$root.new" mask ssh.service nginx.service redis-server.service apt-daily.timer apt-daily-upgrade.timer \
	    > "$T/log/mask" 2>&1 || bail 'systemctl mask failed'
	mv "$root.new" "$root"
fi
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -C "$TOP" install DESTDIR="$root" > "$T/log/install" 2>&1 || bail 'make install failed'

trap 'status=$?; rm -rf "${root:?}$inside" "$unit"; (exit "$status"); clean_up' EXIT
rm -rf "${root:?}$inside"
mkdir -p "$root$inside"
cp "$HERE/inside-systemd.sh" "$TOP/tests/bench/load" "$TOP/tests/bench/bulk" "$root$inside/"
cat > "$unit" << END
[Unit]
Description=Benchmark of usher
SuccessAction=poweroff-force
FailureAction=poweroff-force

[Service]
Type=oneshot
Environment=BENCH_ROUNDS=${BENCH_ROUNDS:-5} BENCH_SECONDS=${BENCH_SECONDS:-2}
ExecStart=/bin/bash $inside/inside-systemd.sh
StandardOutput=file:$inside/result
StandardError=file:$inside/errors
TimeoutStartSec=900
END
# as the unit to boot into, so that nothing has to be enabled
start boot systemd-nspawn --quiet --directory="$root" --private-network --register=no --keep-unit --boot \
    --machine="usher-bench-$$" systemd.unit=usher-bench.service
poll 1000 gone "$PID" || bail 'the container did not end'
if ! grep -q '^end$' "$root$inside/result"; then
	cp "$root$inside/result" "$T/log/inside"
	cp "$root$inside/errors" "$T/log/inside-errors"
	bail 'the benchmark in the container did not come to its end'
fi
grep -v '^end$' "$root$inside/result" > "$results/systemd.tsv"
perl "$HERE/summary.pl" "$results" systemd || bail 'no summary'
cat "$results/systemd.txt"
finished=yes
