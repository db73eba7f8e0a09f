#!/bin/bash
# usher beside its peers, on this machine, in one run: everything in front of the same backend, in turns, the median of all rounds.
# `make bench' runs it; results go to tests/bench/results in the build folder.
#
# As root it runs in a network namespace of its own with what Linux has by default, whatever the machine is set to: BBR, say, paces
# loopback, and then one stream is as fast through anything.
#
# Environment: BENCH_ROUNDS (7), BENCH_SECONDS (0.8: of each measurement), BENCH_HELD (5000: connections held at the most),
# BENCH_PEERS (names of the peers to take, usher always among them; default all), BENCH_QUICK=yes (2 rounds of 0.25
# seconds, 500 held).
#
# shellcheck disable=SC2034,SC2154
if [ -z "${BENCH_NETWORK-}" ] && [ "$(id -u)" -eq 0 ] && unshare --net true 2> /dev/null; then
	export BENCH_NETWORK='of its own'
	exec unshare --net bash "$0" "$@"
fi
# shellcheck source=tests/lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
USHER_TEST_LOG_LINES=${USHER_TEST_LOG_LINES:-5}
HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/bench/cgroup.sh disable=SC1091
. "$HERE/cgroup.sh"
# shellcheck source=tests/bench/peers.sh disable=SC1091
. "$HERE/peers.sh"
need_usher
need nginx

quick=${BENCH_QUICK:-no}
if [ "$quick" = yes ]; then
	rounds=${BENCH_ROUNDS:-2} seconds=${BENCH_SECONDS:-0.25} most=${BENCH_HELD:-500}
else
	rounds=${BENCH_ROUNDS:-7} seconds=${BENCH_SECONDS:-0.8} most=${BENCH_HELD:-5000}
fi
if [ -n "${BENCH_NETWORK-}" ]; then
	ip link set lo up || bail 'no lo'
	# Linux's default, or what a namespace may have of it; the result says which it was
	sysctl -qw net.ipv4.tcp_congestion_control=cubic 2> /dev/null || sysctl -qw net.ipv4.tcp_congestion_control=reno ||
		bail 'neither cubic nor reno'
fi
BENCH=$TOP/tests/bench
RESULTS=$BENCH/results
RAW=$RESULTS/raw.tsv
mkdir -p "$RESULTS"
: > "$RAW"
ulimit -n "$(ulimit -Hn)"

# What each is measured for: r connections/s, 1 the same with one client only, b bulk, h memory of held connections, g their growth.
peers='
direct                  rb
forkpause               rhg
usher                   rbhg
usher_logging           r
usher_xinetd            rh
usher_tcpserver         r
usher_activate          r
haproxy                 rbhg
haproxy_splice          rb
nginx_stream            rbhg
nginx_njs               rb
sslh                    rbhg
sslh_select             rbhg
xinetd_sslh             rh
socket_proxyd           rbhg
socat                   rbh
xinetd_redirect         rbh
usher_exec              b
xinetd_exec             1
xinetd_alone            1
'

record() { # PEER METRIC VALUE
	printf '%s\t%s\t%s\n' "$1" "$2" "$3" >> "$RAW"
}

note() {
	printf '%s\n' "$*" >&2
}

start_backends() {
	WEB=$(free_port)
	cat > "$T/web.conf" << END
user $ME $(id -gn);
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid $T/web.pid;
error_log $T/log/web error;
events { worker_connections 18000; }
http {
	access_log off;
	keepalive_timeout 1h;
	server { listen 127.0.0.1:$WEB backlog=4096; return 200 "ok\n"; }
}
END
	start web nginx -c "$T/web.conf" -p "$T"
	await web "$WEB"
	BULK=$(free_port)
	start bulk "$BENCH/bulk" serve "$BULK"
	await bulk "$BULK"
}

load() {
	"$BENCH/load" "$@" 2>> "$T/log/load"
}

answers() { # PORT
	local served

	read -r served _ <<< "$(load get "$1" 1 5 1)"
	[ "${served:-0}" -eq 1 ]
}

declare -A rate_port bulk_port process what
names=()

# begin NAME BACKEND: start a peer; PORT is where.
begin() {
	local log=${1//_/-}

	PORT=$(free_port)
	cgroup_make "$1"
	MISSING="it does not start: $T/log/$log"
	"${1}_peer" "$PORT" "$2" || return
	process[$1]=$PID
	MISSING="no answer: $(tail -n 1 "$T/log/$log" 2> /dev/null)"
	poll 5 answers "$PORT"
}

start_peers() {
	local name does

	while read -r name does; do
		[ -n "$name" ] || continue
		case " usher ${BENCH_PEERS-$name} " in
		*" $name "*) ;;
		*) continue ;;
		esac
		if [ "$name" = direct ]; then
			rate_port[direct]=$WEB bulk_port[direct]=$BULK
		else
			if [[ $does == *[r1hg]* ]]; then
				begin "$name" "$WEB" || { missing "$name"; continue; }
				rate_port[$name]=$PORT
			fi
			if [[ $does == *b* ]]; then
				begin "$name" "$BULK" || { missing "$name"; continue; }
				bulk_port[$name]=$PORT
			fi
		fi
		names+=("$name")
		what[$name]=$does
	done <<< "$peers"
}

missing() {
	note "missing: $1: $MISSING"
	printf '%s\t%s\n' "$1" "$MISSING" >> "$RESULTS/missing.tsv"
}

# --- connections/s ---
rate() { # NAME CLIENTS
	local served failed took p50 p99

	read -r served failed took p50 p99 <<< "$(load get "${rate_port[$1]}" "$2" "$seconds" 1000000000)"
	[ -n "${p99-}" ] || return
	record "$1" "rate$2" "$(awk -v n="$served" -v s="$took" 'BEGIN { printf "%.1f", n / s }')"
	record "$1" "p50_$2" "$p50"
	record "$1" "p99_$2" "$p99"
	record "$1" failed "$failed"
}

# --- throughput ---
bulk() { # NAME pull|push STREAMS
	local before after bytes took

	[ "$1" = direct ] || before=$(cpu_seconds "$1" "${process[$1]}")
	read -r bytes took <<< "$(load "$2" "${bulk_port[$1]}" "$3" "$seconds")"
	[ -n "${took-}" ] || { record "$1" failed 1; return; }
	record "$1" "$2$3" "$(awk -v n="$bytes" -v s="$took" 'BEGIN { printf "%.3f", n * 8 / s / 1e9 }')"
	[ "$1" != direct ] || return
	# a relay that is still closing is not done
	sleep 0.05
	after=$(cpu_seconds "$1" "${process[$1]}")
	record "$1" "cpu_$2$3" "$(awk -v n="$bytes" -v a="$before" -v b="$after" 'BEGIN { printf "%.4f", (b - a) / n * 1e9 }')"
}

# --- held connections ---
hold() { # PORT COUNT: HELD is how many there are in the end
	local n=${#holders[@]}

	mkfifo "$T/hold-$n"
	load hold "$1" "$2" < "$T/hold-$n" > "$T/held-$n" &
	holders+=("$!")
	# who closes our end lets them go
	eval "exec $((20 + n))> '$T/hold-$n'"
	poll 60 test -s "$T/held-$n" || return
	read -r HELD _ < "$T/held-$n"
}

let_go() {
	local n

	# all of ours first: each of them has inherited those of the ones before
	for n in "${!holders[@]}"; do
		eval "exec $((20 + n))>&-"
	done
	for n in "${!holders[@]}"; do
		wait "${holders[n]}"
		rm -f "$T/hold-$n" "$T/held-$n"
	done
	holders=()
}

# Memory is charged in batches and given back late: the slope over many connections tells, once it no longer moves.
settled() {
	local before=-1 now i

	for ((i = 0; i < 20; i++)); do
		now=$(memory_kib "$1")
		[ "$now" = "$before" ] && break
		before=$now
		sleep 0.1
	done
	echo "$now"
}

held() { # NAME
	local name=$1 port=${rate_port[$1]} level have=0 memory first=

	holders=()
	for level in 10 510 1000 "$most"; do
		[ "$level" -gt "$have" ] || continue
		[ "$level" -le 510 ] || [[ ${what[$name]} == *g* ]] || continue
		hold "$port" $((level - have)) || { record "$name" "held_lost" "$((level - have))"; break; }
		[ "$HELD" -eq $((level - have)) ] || record "$name" held_lost $((level - have - HELD))
		have=$level
		memory=$(settled "$name")
		if [ -n "$memory" ]; then
			record "$name" "held_kib_$level" "$memory"
			[ "$level" -ne 10 ] || first=$memory
			[ "$level" -ne 510 ] || record "$name" idle_kib "$(awk -v a="$first" -v b="$memory" 'BEGIN { printf "%.1f", (b - a) / 500 }')"
		fi
		[[ ${what[$name]} != *g* ]] || held_rate "$name" "$level"
	done
	let_go
}

held_rate() { # NAME LEVEL
	local served took

	read -r served _ took _ <<< "$(load get "${rate_port[$1]}" 8 "$seconds" 1000000000)"
	record "$1" "held_rate_$2" "$(awk -v n="$served" -v s="$took" 'BEGIN { printf "%.1f", n / s }')"
}

trap 'status=$?; end "${pids[@]}"; cgroup_remove; (exit "$status"); clean_up' EXIT
: > "$RESULTS/missing.tsv"
find_cgroups
[ "$ACCOUNTING" != proc ] || note 'no cgroup of our own: CPU from /proc, no memory'
began=$SECONDS
start_backends
start_peers
printf '%s\n' "${names[@]}" > "$RESULTS/peers.tsv"
note "$rounds rounds of ${seconds}s, ${#names[@]} peers, accounting by $ACCOUNTING"
for name in "${names[@]}"; do
	[[ ${what[$name]} != *h* ]] || held "$name"
done
note "held connections: done after $((SECONDS - began)) s"
for ((round = 1; round <= rounds; round++)); do
	for clients in 1 8 64; do
		for name in "${names[@]}"; do
			if [[ ${what[$name]} == *r* ]] || { [[ ${what[$name]} == *1* ]] && [ "$clients" -eq 1 ]; }; then
				rate "$name" "$clients"
			fi
		done
	done
	for direction in pull push; do
		for streams in 1 4; do
			for name in "${names[@]}"; do
				[[ ${what[$name]} != *b* ]] || bulk "$name" "$direction" "$streams"
			done
		done
	done
	note "round $round: done after $((SECONDS - began)) s"
done

{
	printf 'kernel\t%s\n' "$(uname -sr)"
	printf 'machine\t%s CPUs, %s\n' "$(nproc)" "$(sed -n 's/^model name.*: //p;T;q' /proc/cpuinfo)"
	printf 'network\t%s, TCP with %s\n' "${BENCH_NETWORK:-as it was}" "$(cat /proc/sys/net/ipv4/tcp_congestion_control)"
	printf 'rounds\t%s of %s s, accounting by %s\n' "$rounds" "$seconds" "$ACCOUNTING"
	printf 'usher\t%s\n' "$("$USHER" --version)"
} > "$RESULTS/about.tsv"
perl "$HERE/summary.pl" "$RESULTS" || bail 'no summary'
if command -v gnuplot > /dev/null; then
	(cd "$RESULTS" && gnuplot "$HERE/plot.gp") || bail 'no plot'
	note "plot: $RESULTS/bench.svg"
else
	note 'missing: gnuplot: no plot'
fi
cat "$RESULTS/bench.txt"
finished=yes
