#!/bin/bash
# What usher does to a good client when others mean ill, or when the machine runs out of something; `make abuse' runs it.
#
# Each scenario is run on each shape: usher that listens by itself and one process per connection under tcpserver; both with rules
# that only connect and reply, and with a rule that executes a program, where another process reads the bytes.  Meanwhile a good
# client asks some twenty times a second, from an address of its own, what nginx answers behind usher.  It has to be served all the
# time, or, where a limit is reached that leaves clients waiting, again soon after.  And when the others have gone the first process
# has to be there still, and processes, descriptors and memory have to be what they were.  How long the good client waited is
# printed and no more.
#
# Environment: ABUSE_QUICK=yes (small numbers, and one shape a scenario: whether it works, in less than a minute), ABUSE_SCENARIOS,
# ABUSE_SHAPES (which; default all), ABUSE_SECONDS (8: how long each attack lasts), ABUSE_CLIENTS (5000: silent ones),
# ABUSE_RATE (500: how many of them come in a second, and 0, as fast as they can, of those who reset; more than are accepted stand
# before the good client in the backlog),
# ABUSE_REPORT (a file that gets the table, too), USHER_TEST_WAIT (60: seconds that the good client may wait, and all else).
#
# Functions are called by the name of their scenario.
# shellcheck disable=SC2034,SC2059,SC2317

# A network, a /dev and mounts of its own: the clients' ports and /dev/log are nobody else's, and what is mounted ends with it.
if [ -z "${ABUSE_NAMESPACE-}" ] && [ "$(id -u)" -eq 0 ] && unshare --net --mount true 2> /dev/null; then
	ABUSE_NAMESPACE=yes exec unshare --net --mount --propagation private bash "$0" "$@"
fi
# Logs are in memory: thousands of processes that end at once would else be waiting for the disk.
if [ -n "${ABUSE_NAMESPACE-}" ]; then
	mount -t tmpfs -o mode=1777 tmpfs /mnt && export TMPDIR=/mnt
fi
# shellcheck source=tests/lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
[ "$(id -u)" -eq 0 ] || skip_all 'needs root'
[ -n "${ABUSE_NAMESPACE-}" ] || skip_all 'needs namespaces of its own'
need ip mount nginx prlimit setpriv tcpserver
need_usher
# shellcheck source=tests/bench/cgroup.sh disable=SC1091
. "$TESTS/bench/cgroup.sh"
ABUSE=$TESTS/abuse/abuse.pl
SOMEBODY=64999

quick=${ABUSE_QUICK:-no}
scenarios=${ABUSE_SCENARIOS:-silent greedy full hello reset almost deaf killed memory descriptors processes disk-full dev-full
	syslog syslog-killed}
shapes=${ABUSE_SHAPES:-listen listen-exec tcpserver tcpserver-exec}
if [ "$quick" = yes ]; then
	hold=${ABUSE_SECONDS:-0.3} silent=${ABUSE_CLIENTS:-100}
	hellos=50 almost=20 pushing=10 few=20 limit=10 room=4 flood=50 lines=50 ramp=500
else
	hold=${ABUSE_SECONDS:-8} silent=${ABUSE_CLIENTS:-5000}
	hellos=1000 almost=500 pushing=200 few=200 limit=100 room=24
	flood=${ABUSE_RATE:-0} lines=${ABUSE_RATE:-500} ramp=${ABUSE_RATE:-500}
fi
# Seconds that the good client may wait for one answer, and for the first when the attack is over.
patience=$WAIT

ip link set lo up || bail 'no lo'
ulimit -n "$(ulimit -Hn)"
# the ordinary user has to come to the program and to the rules
chmod 711 "$T"
cp "$USHER" "$T/usher"

# A /dev that has what programs need, so that /dev/log is ours.
mkdir "$T/dev"
mount -t tmpfs -o mode=755 tmpfs "$T/dev" || bail 'no tmpfs'
for device in null zero full random urandom; do
	touch "$T/dev/$device"
	mount --bind "/dev/$device" "$T/dev/$device" || bail "no /dev/$device"
done
ln -s /proc/self/fd "$T/dev/fd"
mount --rbind "$T/dev" /dev || bail 'no /dev of our own'
umount -R "$T/dev"
mkdir "$T/tiny"
start syslog perl "$TESTS/helpers/syslog.pl" /dev/log
SYSLOG_PID=$PID
trap 'status=$?; kill -CONT "$SYSLOG_PID"; umount "$T/tiny" 2> /dev/null; (exit "$status"); clean_up_groups' EXIT

find_cgroups
clean_up_groups() {
	local status=$?

	end "${pids[@]}"
	cgroup_remove
	(exit "$status")
	clean_up
}

# Nobody else has ports here.
PORT=10000
# until something listens on PORT
await_port() {
	wait_for try_port || bail "nothing listens on port $PORT"
}
try_port() {
	: 3<> "/dev/tcp/127.0.0.1/$PORT"
}

start_nginx
sed -i 's/worker_connections 1000/worker_connections 10000/' "$T/nginx.conf"
kill -HUP "$(cat "$T/nginx.pid")"
deaf=$PORT
# it accepts and does not read: nobody does
# shellcheck disable=SC2016
start deaf perl -MIO::Socket::INET -e '
	my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ARGV[0], Listen => 4096) or die "$!\n";
	my @all;
	while (my $c = $s->accept) {
		push @all, $c;
		shift @all if @all > 5000;
	}' "$deaf"
await_port

# --- one server ---

# rules SHAPE: those of the attacks come first, so that the good client's bytes meet each of them.
rules() {
	# who holds a connection with a backend that does nothing holds it until then
	printf 'set timeout 1h\nset half-close-timeout 1s\n'
	echo "text=\"{DEAF}\" connect 127.0.0.1:$deaf"
	case $1 in
	*-exec) echo 'ssh exec /bin/cat' ;;
	*) echo "ssh connect 127.0.0.1:$deaf" ;;
	esac
	cat << 'EOF'
tls sni=slow.example connect 127.0.0.1:1
http host=almost.example connect 127.0.0.1:1
EOF
	echo "http host=good.example connect 127.0.0.1:$NGINX_PORT"
	echo 'any reject'
}

# launch NAME COMMAND...: as SERVER, in the control group CG if there is one, with its standard error where LOGTO says.
launch() {
	local name=$1

	shift
	# shellcheck disable=SC2016
	perl "$TESTS/helpers/launch.pl" /bin/sh -c 'for file in $0; do echo $$ > "$file" || exit 1; done; exec "$@"' \
	    "$(cgroup_files)" "$@" < /dev/null > "$T/log/$name" 2>> "${LOGTO:-$T/log/$name}" &
	SERVER=$!
	pids+=("$SERVER")
}

serve() { # SHAPE
	local program=("$T/usher" --config "$T/rules" "${FLAGS[@]}")

	rules "$1" > "$T/rules"
	PORT=$((PORT + 1))
	LOG=$T/log/server
	: > "$LOG"
	case $1 in
	listen*) launch server "${AS[@]}" "${program[@]}" --max-connections "$MOST" --listen 127.0.0.1:"$PORT" ;;
	*) launch server "${AS[@]}" tcpserver -1 -H -R -l 0 -b 4096 -c "$MOST" 127.0.0.1 "$PORT" "${program[@]}" ;;
	esac
	await_port
}

abuse() { # MODE ARGUMENT...: RESULT is its line
	RESULT=$(perl "$ABUSE" "$@" 2>> "$T/log/abuse")
}
abuse_behind() { # NAME MODE ARGUMENT...: until $T/NAME.enough is there; its line is in $T/NAME.line
	local name=$1

	shift
	perl "$ABUSE" "$@" > "$T/$name.line" 2>> "$T/log/abuse" &
	behind+=("$!")
}
# begun NAME: it has.  Waits without a process for each look, which would be an attack of its own.
begun() {
	local until=$((SECONDS + WAIT))

	until [ -e "$T/$1.begun" ]; do
		[ "$SECONDS" -lt "$until" ] || bail "$1 has not begun"
		read -r -t 0.02 -u 7 _
	done
}
mkfifo "$T/never"
exec 7<> "$T/never"
# value NAME LINE: VALUE, without a process.
value() {
	VALUE=
	[[ $2 =~ (^|' ')$1=([^ ]*) ]] && VALUE=${BASH_REMATCH[2]}
}
# attack ARGUMENT...: clients that are a nuisance until the attack is over.
attack() {
	local name=attack-${#behind[@]}

	abuse_behind "$name" load --until="$T/enough" --begun="$T/$name.begun" --source=127.0.0.1 "$@" "$PORT"
	begun "$name"
}
snapshot() {
	abuse count "${GROUP[@]}" "$SERVER"
}
# was BEFORE: what the server has is what it had.  A list of 20 bytes a connection stays, and some pages were copied.
was() {
	local before=$1 now most

	snapshot
	now=$RESULT
	echo "before: $before; now: $now"
	same processes && same descriptors || return
	value kib "$before"
	most=$((VALUE + 256 + silent / 50))
	value kib "$now"
	[ "$VALUE" -le "$most" ]
}
same() { # NAME
	local old

	value "$1" "$before"
	old=$VALUE
	value "$1" "$now"
	[ "$VALUE" = "$old" ]
}

# --- scenarios ---
# begin_NAME, before the server starts: FLAGS, MOST, LOGTO, AS, RETRIES, LENIENT (a limit will be reached: what the log then says).
# during_NAME: the attack.  after_NAME: when the attackers have gone.

during_silent() {
	local each=1

	[[ $1 != *-exec ]] || each=2
	attack --count="$silent" --rate="$ramp"
	abuse reach --count=$((silent * each)) --seconds="$WAIT" "${GROUP[@]}" "$SERVER" ||
	    note="not all $silent clients had a process, $RESULT"
}

# One address holds all that it may and comes again and again.
begin_greedy() {
	MOST=$((limit * 2))
	FLAGS=(--max-per-source "$limit")
}
skip_greedy() {
	[[ $1 != tcpserver* ]] || echo 'tcpserver has no limit per address'
}
during_greedy() {
	attack --count="$silent" --again --rate="$ramp"
}

begin_full() {
	MOST=$limit
	LENIENT='leaving more in the backlog'
}
during_full() {
	attack --count=$((limit * 2))
}

during_hello() {
	attack --kind=hello --count="$hellos"
}

during_reset() {
	attack --kind=reset --rate="$flood"
	attack --kind=reset --rate="$flood"
}

during_almost() {
	attack --kind=almost --count="$almost"
}

during_deaf() {
	attack --kind=push --count="$pushing"
}

# The good client's connection may be one of those that are lost.
begin_killed() {
	RETRIES=20
}
during_killed() {
	attack --count="$few" --again
	attack --count="$few" --again --kind=program
	abuse_behind killer kill --every=0.02 --until="$T/enough" "${GROUP[@]}" "$SERVER"
}
after_killed() {
	value killed "$(cat "$T/killer.line")"
	note="$VALUE killed, $lost connections of the good client lost"
}

begin_memory() {
	LENIENT='pausing|killed by signal 9'
}
skip_memory() {
	if [ "$ACCOUNTING" = proc ]; then
		echo 'no control group that limits memory'
	elif [[ $1 = tcpserver* ]]; then
		echo 'the kernel ends the process that has the most memory, and that is tcpserver'
	fi
}
during_memory() {
	local file=memory.max

	[ "$ACCOUNTING" = v2 ] || file=memory.limit_in_bytes
	memory_kib "${CG##*"$$-"}" | awk -v mib="$room" '{ printf "%.0f\n", $1 * 1024 + mib * 1048576 }' \
	    > "$memory_root/$CG/$file" || bail "$file cannot be set"
	attack --count="$silent" --again --rate="$ramp"
}

begin_descriptors() {
	LENIENT=pausing
}
during_descriptors() {
	local most=4

	# tcpserver needs none for itself, and hands its limit on
	[[ $1 != tcpserver* ]] || most=3
	prlimit --pid "$SERVER" --nofile="$most:$(ulimit -Hn)"
	attack --count="$few"
}
after_descriptors() {
	prlimit --pid "$SERVER" --nofile="$(ulimit -Hn):$(ulimit -Hn)"
}

# Of an ordinary user; root has no such limit.
begin_processes() {
	LENIENT=pausing
	AS=(setpriv --reuid="$SOMEBODY" --regid="$SOMEBODY" --clear-groups prlimit --nproc="$limit:$limit")
}
during_processes() {
	attack --count=$((limit * 3)) --again --rate=500
}

begin_disk-full() {
	mount -t tmpfs -o size=16k tmpfs "$T/tiny" || bail 'no tmpfs'
	LOGTO=$T/tiny/log
}
during_disk-full() {
	head -c 65536 /dev/zero >> "$T/tiny/log" 2>> "$T/log/filled"
	attack --kind=reset --rate="$lines"
}
after_disk-full() {
	[ "$(stat -f -c %a "$T/tiny")" -eq 0 ] || note='the disk was not full'
}
end_disk-full() {
	umount "$T/tiny"
}

begin_dev-full() {
	LOGTO=/dev/full
}
during_dev-full() {
	attack --kind=reset --rate="$lines"
}

begin_syslog() {
	FLAGS=(--log syslog)
}
during_syslog() {
	kill -STOP "$SYSLOG_PID"
	attack --kind=reset --rate="$lines"
	attack --count="$few" --kind=program
}
after_syslog() {
	: > "$T/log/syslog"
	kill -CONT "$SYSLOG_PID"
	abuse good --count=1 --source=127.0.0.2 "$PORT"
	wait_for grep -q 'usher.*good\.example' "$T/log/syslog" || note='syslog got no line afterwards'
}

begin_syslog-killed() {
	begin_syslog
	begin_killed
}
during_syslog-killed() {
	kill -STOP "$SYSLOG_PID"
	during_killed
}
after_syslog-killed() {
	after_killed
	kill -CONT "$SYSLOG_PID"
}

# --- all of them ---

is_function() {
	declare -F "$1" > /dev/null
}

# Why SCENARIO is not tried on SHAPE, if it is not.
why_not() {
	if is_function "skip_$scenario"; then
		"skip_$scenario" "$shape"
	fi
}

# row LINE-OF-NAME NAME...: adds the values to ROW.
row() {
	local line=$1 name

	shift
	for name in "$@"; do
		value "$name" "$line"
		ROW+=("${VALUE:--}")
	done
}

# run_case SCENARIO SHAPE
run_case() {
	local scenario=$1 shape=$2 name="$1, $2" before after lost note='' good ticks patient=$patience

	note=$(why_not)
	if [ -n "$note" ]; then
		diag "$name: not tried, $note"
		return
	fi
	FLAGS=() MOST=20000 LOGTO='' AS=() LENIENT='' RETRIES=0
	behind=()
	rm -f "$T/enough" "$T"/*.begun
	if is_function "begin_$scenario"; then
		"begin_$scenario" "$shape"
	fi
	[ -z "$LENIENT" ] || patient=1
	cgroup_make "$scenario-$shape"
	GROUP=()
	[ "$ACCOUNTING" = proc ] || GROUP=(--group="$memory_root/$CG")
	serve "$shape"
	# what is touched by the first connections stays touched
	abuse good --every=0 --count=20 --source=127.0.0.2 "$PORT"
	poll 10 settled || diag "$name: not settled before: $RESULT"
	before=$RESULT
	abuse_behind watch watch --until="$T/enough" "${GROUP[@]}" "$SERVER"
	abuse_behind good good --seconds="$patient" --retries="$RETRIES" --until="$T/enough" --begun="$T/good.begun" \
	    --source=127.0.0.2 "$PORT"
	begun good
	"during_$scenario" "$shape"
	sleep "$hold"
	touch "$T/enough"
	wait "${behind[@]}"
	good=$(cat "$T/good.line")
	value lost "$good"
	lost=$VALUE
	if is_function "after_$scenario"; then
		"after_$scenario" "$shape"
	fi
	if [ -z "$LENIENT" ]; then
		like "$good" '^failures=0 .*requests=[1-9]' "$name: the good client is served all the while"
	elif [[ $shape = listen* ]]; then
		ok "$name: the log tells of the limit" grep -qE "$LENIENT" "$LOG"
	fi
	abuse again --seconds="$patience" --source=127.0.0.2 "$PORT"
	value ms "$RESULT"
	note="served after $VALUE ms${note:+; $note}"
	like "$RESULT" '^failures=0 ms=[0-9]+$' "$name: the good client is served when it is over"
	ok "$name: the first process is the one that was started" kill -0 "$SERVER"
	ok "$name: processes, descriptors and memory are what they were" poll "$patience" was "$before"
	abuse rest "${GROUP[@]}" "$SERVER"
	after=$RESULT
	value idle "$after"
	ok "$name: the first process rests" test "$VALUE" -le 10
	value ticks "$after"
	ticks=$VALUE
	value ticks "$before"
	ticks=$((ticks - VALUE))
	ROW=("$scenario" "$shape")
	row "$good" requests failures median worst
	row "$(cat "$T/watch.line")" processes kib
	row "$before" processes descriptors kib
	row "$after" processes descriptors kib
	printf -v LINE "$FORMAT" "${ROW[@]}" "$((ticks * 1000 / hz))" "$note"
	tell "$LINE"
	end "$SERVER"
	if is_function "end_$scenario"; then
		"end_$scenario"
	fi
}
# The server has no more processes than it has at rest: the first, and one that is ready where it makes one.
settled() {
	local rest=1

	[[ $shape != listen* || $scenario = greedy ]] || rest=2
	snapshot
	value processes "$RESULT"
	[ "$VALUE" -eq "$rest" ]
}

hz=$(getconf CLK_TCK)
FORMAT='%-13s %-14s %5s %5s %7s %8s %6s %7s  %5s %4s %5s  %5s %4s %5s %6s  %s'
table=()
# tell LINE...: at the end, and into a report at once.
tell() {
	table+=("$@")
	[ -z "${ABUSE_REPORT-}" ] || printf '%s\n' "$@" >> "$ABUSE_REPORT"
}
if [ "$ACCOUNTING" = proc ]; then
	kind='the sum of Pss'
else
	kind="the control group's, with the kernel's part"
fi
[ -z "${ABUSE_REPORT-}" ] || : > "$ABUSE_REPORT"
printf -v LINE "$FORMAT" scenario shape asked fail median worst most KiB before fds Pss after fds Pss CPU ''
tell "The good client: requests, failures, latency in ms.  The most processes; the most KiB: $kind." \
    'Before and after: processes, descriptors of the first, KiB of all.  Milliseconds of CPU time of the first.' "$LINE"
turn=0
of_quick=(listen listen-exec tcpserver tcpserver-exec)
for scenario in $scenarios; do
	if [ "$quick" = yes ] && [ -z "${ABUSE_SHAPES-}" ]; then
		for _ in 1 2 3 4; do
			shape=${of_quick[turn++ % 4]}
			[ -n "$(why_not)" ] || break
		done
		shapes=$shape
	fi
	for shape in $shapes; do
		run_case "$scenario" "$shape"
	done
done
diag "${table[@]}"
finish
