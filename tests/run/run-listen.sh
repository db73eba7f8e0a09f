#!/bin/bash
# The listening shape, seen from outside: every way to get listening sockets, limits, reload, drain, shortage, what the service
# manager is told, and that nothing is lost or left behind over many connections.
#
# Environment: USHER_TEST_CONNECTIONS (how many; default 20000), USHER_TEST_HELD (how many at once; default 1000).
# shellcheck source=tests/lib.sh disable=SC1091,SC2317
. "$(dirname "$0")/../lib.sh"
need tcpserver ps prlimit
need_usher
connections=${USHER_TEST_CONNECTIONS:-20000}
held=${USHER_TEST_HELD:-1000}
REPORT=${REPORT:-$TOP/tests/report}
[ -x "$REPORT" ] || bail "$REPORT is not built"

# serve_listening NAME ARGUMENT...: usher, as PARENT, on 127.0.0.1:PORT and whatever else the arguments say; its log is LOG.
serve_listening() {
	local name=$1

	shift
	LOG=$T/log/$name
	start "$name" "${ENVIRONMENT[@]}" "$USHER" --listen 127.0.0.1:0 "$@"
	PARENT=$PID
	wait_log 'listening on 127\.0\.0\.1:[0-9]+' "$LOG" || bail "$name does not listen"
	PORT=$(sed -nE 's/^.*listening on 127\.0\.0\.1:([0-9]+).*/\1/p' "$LOG" | head -n 1)
}
ENVIRONMENT=(env)

# flood ARGUMENT...: tests/run/flood.pl; RESULT is its line.  flood_behind NAME ...: in the background, as BEHIND; its line is in
# $T/NAME.done when it has ended.
flood() {
	RESULT=$(perl "$TESTS/run/flood.pl" --time="$WAIT" "$@" 2>> "$T/log/flood")
}
flood_behind() {
	local name=$1

	shift
	rm -f "$T/$name.done"
	{
		perl "$TESTS/run/flood.pl" --time="$WAIT" "$@" > "$T/$name.part" 2>> "$T/log/flood"
		mv "$T/$name.part" "$T/$name.done"
	} &
	BEHIND=$!
}
# hold NAME N ARGUMENT...: N connections that are open until let_go NAME; each of them has to work to the end.
hold() {
	local name=$1 n=$2

	shift 2
	flood_behind "$name" --hold="$T/$name.hold" --count="$n" --workers=1 "$@" 127.0.0.1:"$PORT"
	wait_for test -e "$T/$name.hold.held" || bail "$name: the connections are not open"
}
let_go() { # NAME
	touch "$T/$1.hold"
	wait_for test -e "$T/$1.done"
}
# Titles of the parent's processes; the one that is ready for the next connection has none to serve, and is left out.
titles() {
	ps -o args= --ppid "$PARENT" | sed '/^usher: ready for the next connection$/d'
}
children() {
	titles | wc -l
}
has_children() { # N
	[ "$(children)" -eq "$1" ]
}
descriptors() {
	find "/proc/$PARENT/fd" -mindepth 1 | wc -l
}
# KiB of the parent's own.
memory() {
	awk '/^Private_(Clean|Dirty):/ { n += $2 } END { print n }' "/proc/$PARENT/smaps_rollup"
}
# Connections that the kernel has made and nobody has accepted: the receive queue of the socket that listens on PORT.
backlog() {
	perl -e 'BEGIN { $us = sprintf("0100007F:%04X", shift) }
		while (<>) { my @f = split; print hex((split(/:/, $f[4]))[1]) if $f[3] eq "0A" && $f[1] eq $us }' "$PORT" /proc/net/tcp
}
# How often the parent has waited for something.
waits() {
	sed -n 's/^voluntary_ctxt_switches:[^0-9]*//p' "/proc/$PARENT/status"
}
lines() { # REGEX
	grep -acE -- "$1" "$LOG"
}
# exited STATUS: the parent has.
exited() {
	local got

	wait_for not_there "$PARENT" || return 1
	wait "$PARENT"
	got=$?
	echo "exit status $got"
	[ "$got" -eq "$1" ]
}
# A process that has ended and was not waited for is not there either.
not_there() {
	[[ $(ps -o stat= -p "$1") =~ ^(Z.*)?$ ]]
}

# --- addresses ---
ipv6=no
if perl -MIO::Socket::IP -e 'exit !IO::Socket::IP->new(LocalHost => "::1", Listen => 1)'; then
	ipv6=yes
	serve_listening addresses --listen '[::1]:0' --listen "unix:$T/listen" --listen "unix:@usher-test-$$" 'any reply hello'
else
	serve_listening addresses --listen "unix:$T/listen" --listen "unix:@usher-test-$$" 'any reply hello'
fi
flood --count=10 --expect=hello 127.0.0.1:"$PORT"
like "$RESULT" '^ok=10 ' '--listen 127.0.0.1'
if [ $ipv6 = yes ]; then
	port6=$(sed -nE 's/.*\[::1\]:([0-9]+).*/\1/p' "$LOG")
	flood --count=10 --expect=hello "[::1]:$port6"
	like "$RESULT" '^ok=10 ' '--listen [::1]'
	ok 'its clients are logged' wait_log '^usher: client=\[::1\]:[0-9]+ '
else
	skip '--listen [::1]' 'no ::1'
fi
flood --count=10 --expect=hello unix:"$T/listen"
like "$RESULT" '^ok=10 ' '--listen unix:/PATH'
flood --count=10 --expect=hello "unix:@usher-test-$$"
like "$RESULT" '^ok=10 ' '--listen unix:@NAME'
ok 'its clients are logged' wait_log '^usher: client=unix '
run "$USHER" --listen 127.0.0.1:"$PORT" 'any close' < /dev/null
is "$STATUS" 71 'an address in use: status 71'
like "$ERR" "^usher: --listen: \"127\.0\.0\.1:$PORT\": Address (already )?in use\$" 'and which'
run "$USHER" --listen nonsense 'any close' < /dev/null
is "$STATUS" 64 'what is no address: status 64'
{ kill -9 "$PARENT" && wait "$PARENT"; } 2> /dev/null
serve_listening again --listen "unix:$T/listen" 'any reply again'
flood --count=1 --expect=again unix:"$T/listen"
like "$RESULT" '^ok=1 ' 'the Unix socket that a killed usher left behind is replaced'
kill "$PARENT"
ok 'SIGTERM without connections: it exits with 0' exited 0

# --- systemd-socket-activate ---
activate=$(command -v systemd-socket-activate) || activate=/lib/systemd/systemd-socket-activate
if [ -x "$activate" ]; then
	LOG=$T/log/activate
	one=$(free_port)
	two=$(free_port)
	start activate "$activate" -l 127.0.0.1:"$one" -l 127.0.0.1:"$two" --fdname=one:two "$USHER" 'any reply hello'
	wait_for grep -q "Listening on.*$two" "$LOG" || bail "$activate does not listen"
	flood --count=20 --expect=hello 127.0.0.1:"$one"
	like "$RESULT" '^ok=20 ' 'LISTEN_FDS: the first of two sockets'
	flood --count=20 --expect=hello 127.0.0.1:"$two"
	like "$RESULT" '^ok=20 ' 'LISTEN_FDS: the second'
	ok 'the log has the name of the first' wait_log ' socket=one protocol='
	ok 'and of the second' wait_log ' socket=two protocol='
	is "$(lines 'listening on')" 1 'by one usher'
else
	skip 'systemd-socket-activate' 'not installed'
fi

# --- inetd's wait ---
cat > "$T/inetd.pl" << 'END'
use strict;
use warnings;
use IO::Socket::INET;
my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 100) or die;
open(my $port, '>', shift) or die;
print $port $s->sockport;
close($port);
open(STDIN, '<&', $s) && open(STDOUT, '>&', $s) && open(STDERR, '>&', $s) or die;
close($s);
exec @ARGV or die;
END
start inetd perl "$T/inetd.pl" "$T/inetd-port" "$USHER" --idle-exit 1s --log none \
    'text=ERR exec /bin/sh -c "echo wrong >&2; echo right"' 'any reply hello'
PARENT=$PID
LOG=$T/log/inetd
wait_for test -s "$T/inetd-port" || bail 'no inetd'
PORT=$(cat "$T/inetd-port")
flood --count=50 --expect='^hello$' 127.0.0.1:"$PORT"
like "$RESULT" '^ok=50 ' "inetd's wait: the listening socket is standard input, output and error"
talk 127.0.0.1:"$PORT" ERR
is "$ANSWER" right "inetd's wait: a program's standard error is not the client's"
ok '--idle-exit: it exits with 0 when there was nothing to do' exited 0
# What is open keeps it.
serve_tcp echo /bin/cat
echo=127.0.0.1:$PORT
serve_listening idle --idle-exit 300ms "any connect $echo"
idle=$PARENT
hold idle 1 --first='^x' --expect='^go'
serve_listening idler --idle-exit 900ms "any connect $echo"
wait_for not_there "$PARENT"
PARENT=$idle
ok '--idle-exit: not while there is a connection' kill -0 "$PARENT"
let_go idle
like "$(cat "$T/idle.done")" '^ok=1 ' 'which works to its end'
ok 'and then it exits' exited 0

# --- rules, and what a program is given ---
start notify perl "$TESTS/run/syslog.pl" "$T/notify"
wait_for test -S "$T/notify" || bail 'no socket for notifications'
notified=$T/log/notify
ENVIRONMENT=(env NOTIFY_SOCKET="$T/notify" WATCHDOG_USEC=200000 KEPT=yes LISTEN_FDNAMES=x)
cat > "$T/rules" << END
http path=/report  exec $REPORT $T/report
http               connect $echo
text="{LATE}"      reply "late"
any                reply "hello"
END
serve_listening rules --config "$T/rules"
talk --await='HTTP/1.0' 127.0.0.1:"$PORT" $'GET / HTTP/1.0\r\n\r\n'
is "$END" match 'rules: connect'
talk --bytewise 127.0.0.1:"$PORT" '{LATE}'
is "$ANSWER" late 'rules: reply, a byte at a time'
talk 127.0.0.1:"$PORT" $'GET /report HTTP/1.0\r\n\r\n'
ok 'rules: exec' wait_for grep -q '^unread' "$T/report"
ok 'a line each' wait_for at_least 3 usher_lines
is "$(grep '^fd ' "$T/report")" "fd 0 socket O_RDWR blocking kept
fd 1 socket O_RDWR blocking kept
fd 2 $LOG O_WRONLY blocking kept" 'exec: the connection, the log, and no other descriptor'
signals() { # Blk|Ign: those of the program
	sed -n "s/^status Sig$1:[[:space:]]*/0x/p" "$T/report"
}
# signals 32 and 33 are the C library's: with glibc's posix_spawn(3), so under make, they come ignored, and nobody can change that
is "$(($(signals Blk)))/$(($(signals Ign) & ~0x180000000))" 0/0 'exec: default signals, none blocked'
unlike "$(grep '^env ' "$T/report")" 'LISTEN_|NOTIFY_|WATCHDOG_' 'exec: nothing that was meant for usher in the environment'
like "$(grep '^env ' "$T/report")" 'env KEPT=yes' 'exec: and all the rest'
is "$(grep '^option SO_RCVLOWAT' "$T/report")" 'option SO_RCVLOWAT 01000000' 'exec: default socket options'
like "$(cat "$T/report")" 'unread 24 474554' 'exec: every byte unread'

# --- what the service manager is told ---
ok 'READY' grep -qx READY=1 "$notified"
like "$(grep -A 1 -x READY=1 "$notified")" $'READY=1\nSTATUS=0 connections, 0 served, 0 refused' 'with the state of things'
ok 'STATUS counts' wait_for grep -qx 'STATUS=0 connections, 3 served, 0 refused' "$notified"
ok 'WATCHDOG, again and again' wait_for at_least 3 grep -cx WATCHDOG=1 "$notified"
before=$(perl -MTime::HiRes=clock_gettime,CLOCK_MONOTONIC -e 'printf "%d", clock_gettime(CLOCK_MONOTONIC) * 1e6')
kill -HUP "$PARENT"
ok 'SIGHUP: RELOADING' wait_for grep -qx RELOADING=1 "$notified"
ok 'then READY once more' wait_for at_least 2 grep -cx READY=1 "$notified"
like "$(sed -n '/^RELOADING=1$/,$p' "$notified" | grep -vx WATCHDOG=1)" \
    $'^RELOADING=1\nMONOTONIC_USEC=[0-9]+\nSTATUS=[^\n]*\nREADY=1' 'in this order, with the time'
ok 'which is not before the signal' test "$(sed -n 's/^MONOTONIC_USEC=//p' "$notified")" -ge "$before"
hold stopping 1 --first='HTTP' --say=$'GET / HTTP/1.0\r\n\r\n' --expect='go$'
kill "$PARENT"
ok 'SIGTERM: STOPPING' wait_for grep -qx STOPPING=1 "$notified"
like "$(grep -A 1 -x STOPPING=1 "$notified")" 'STATUS=1 connection, 4 served, 0 refused' 'with the connection that is left'
let_go stopping
ok 'and the end' exited 0
ENVIRONMENT=(env)

# --- limits ---
serve_listening wait --max-connections 2 'text={HOLD}go reply held' 'any reply hello' --timeout 1h
hold wait 2 --say='{HOLD}' --expect=held
ok '--max-connections 2: two are served' wait_for has_children 2
flood_behind third --count=1 --workers=1 --expect=hello 127.0.0.1:"$PORT"
third=$BEHIND
ok '--when-full wait: told' wait_log '^usher: 2 connections, leaving more in the backlog'
ok 'the third is in the backlog' wait_for at_least 1 backlog
is "$(children)" 2 'and has no process'
let_go wait
wait "$third"
like "$(cat "$T/third.done")" '^ok=1 ' 'and is served when there is room'
flood --count=200 --expect=hello 127.0.0.1:"$PORT"
like "$RESULT" '^ok=200 ' 'many of them, two at a time: none is lost'
is "$(lines 'leaving more in the backlog')" 1 'and it was told once'
kill "$PARENT"

serve_listening refuse --max-connections 2 --when-full refuse 'text={HOLD}go reply held' 'any reply hello' --timeout 1h
hold refuse 2 --say='{HOLD}' --expect=held
ok '--when-full refuse: two are served' wait_for has_children 2
flood --count=200 --expect=hello 127.0.0.1:"$PORT"
like "$RESULT" '^ok=0 refused=0 reset=200 ' 'all others are reset'
is "$(lines 'refusing more')" 1 'and it is told once'
let_go refuse
like "$(cat "$T/refuse.done")" '^ok=2 ' 'the two are none the worse'
ok 'and when they have gone' wait_for has_children 0
flood --count=1 --expect=hello 127.0.0.1:"$PORT"
like "$RESULT" '^ok=1 ' 'the next is served'
kill "$PARENT"

serve_listening source --max-per-source 20 'text={HOLD}go reply held' 'any reply hello' --timeout 1h
hold source 20 --source=127.0.0.1 --say='{HOLD}' --expect=held
ok '--max-per-source 20: twenty are served' wait_for has_children 20
flood_behind attack --count=1000000 --until="$T/enough" --source=127.0.0.1 --workers=4 --expect=hello 127.0.0.1:"$PORT"
attack=$BEHIND
ok 'a flood of one address: told' wait_log '^usher: 127\.0\.0\.1 has 20 connections, refusing more'
flood --count=500 --workers=1 --source=127.0.0.2 --expect=hello 127.0.0.1:"$PORT"
like "$RESULT" '^ok=500 ' 'another address is served all the while'
touch "$T/enough"
wait "$attack"
like "$(cat "$T/attack.done")" '^ok=0 refused=0 reset=[1-9][0-9]* wrong=0 timeout=0 other=0' 'the flood is reset'
is "$(lines 'refusing more')" 1 'and told once'
diag "flood: $(cat "$T/attack.done")"
let_go source
like "$(cat "$T/source.done")" '^ok=20 ' 'the twenty are none the worse'
kill "$PARENT"

# --- reload ---
echo 'any reply old' > "$T/reload"
serve_listening reload --timeout 1h 'text={HOLD}go reply held' "text={NAMED} connect localhost:${echo##*:}" --config "$T/reload"
hold reload 1 --say='{HOLD}' --expect=held
flood --count=1 --expect='^old$' 127.0.0.1:"$PORT"
like "$RESULT" '^ok=1 ' 'before the reload: the old rules'
printf '# one\nany replay new\n' > "$T/reload"
kill -HUP "$PARENT"
ok 'SIGHUP, a bad file: logged with file and line' wait_log "^usher: $T/reload:2: \"replay\": .*; the old rules stay\$"
flood --count=20 --expect='^old$' 127.0.0.1:"$PORT"
like "$RESULT" '^ok=20 ' 'and the old rules stay'
echo 'any reply new' > "$T/reload"
kill -HUP "$PARENT"
ok 'SIGHUP, a good one' wait_log '^usher: read 3 rules$'
flood --count=20 --expect='^new$' 127.0.0.1:"$PORT"
like "$RESULT" '^ok=20 ' 'counts for the next connection'
talk --await='{NAMED} hello' 127.0.0.1:"$PORT" '{NAMED} hello'
is "$END" match 'the rules of the command line are still right'
let_go reload
like "$(cat "$T/reload.done")" '^ok=1 ' 'a connection that was open before is served'
rm -f "$T/enough"
flood_behind reloads --count=1000000 --until="$T/enough" --expect='^(new|newer)$' 127.0.0.1:"$PORT"
reloads=$BEHIND
for n in 1 2 3 4 5 6 7 8 9 10; do
	echo 'any reply newer' > "$T/reload"
	kill -HUP "$PARENT"
	wait_for at_least $((n * 2)) lines 'read [0-9]+ rules$' || break
	echo 'any reply new' > "$T/reload"
	kill -HUP "$PARENT"
	wait_for at_least $((n * 2 + 1)) lines 'read [0-9]+ rules$' || break
done
touch "$T/enough"
wait "$reloads"
like "$(cat "$T/reloads.done")" '^ok=[1-9][0-9]* refused=0 reset=0 wrong=0 timeout=0 other=0 ' 'reloads under load: nothing is lost'
diag "reloads: $(cat "$T/reloads.done")"
kill "$PARENT"

# --- the end ---
serve_listening drain "any connect $echo"
hold drain 2 --first='^x' --expect='go'
kill "$PARENT"
# Without asking: a process that should not wait for a connection any more would take that one and be gone.
nobody_listens() {
	! awk -v port="$(printf ':%04X' "$PORT")" '$4 == "0A" && $2 ~ port "$" { found = 1 } END { exit !found }' /proc/net/tcp
}
ok 'SIGTERM: no new connections' wait_for nobody_listens
ok 'but it waits for those that there are' kill -0 "$PARENT"
let_go drain
like "$(cat "$T/drain.done")" '^ok=2 ' 'which work to their end'
ok 'and exits when they have ended' exited 0

serve_listening drain-time --drain 1s "any connect $echo"
hold drain-time 2 --first='^x' --expect='go'
kill "$PARENT"
ok '--drain 1s: it exits' exited 0
let_go drain-time
like "$(cat "$T/drain-time.done")" '^ok=2 ' 'and what is left works on without it'

serve_listening drain-zero --drain 0s "any connect $echo"
hold drain-zero 2 --first='^x' --expect='go'
kill -INT "$PARENT"
ok '--drain 0s, SIGINT: it exits' exited 0
let_go drain-zero
like "$(cat "$T/drain-zero.done")" '^ok=2 ' 'and what is left works on without it'

serve_listening twice "any connect $echo"
hold twice 2 --first='^x' --expect='go'
kill "$PARENT"
wait_for nobody_listens
kill "$PARENT"
ok 'a second SIGTERM: it exits at once' exited 0
let_go twice
like "$(cat "$T/twice.done")" '^ok=2 ' 'and what is left works on without it'

# --- no descriptors ---
serve_listening descriptors 'any reply hello'
limit=$(ulimit -Hn)
prlimit --pid "$PARENT" --nofile="$(descriptors):$limit"
flood_behind starved --count=20 --workers=4 --expect=hello 127.0.0.1:"$PORT"
starved=$BEHIND
ok 'no descriptor left: told' wait_log '^usher: accept: (No file descriptors available|Too many open files); pausing for 100 ms'
before=$(waits)
ok 'and it tries again' wait_for at_least $((before + 6)) waits
is "$(lines pausing)" 1 'but does not say so again'
prlimit --pid "$PARENT" --nofile="$limit:$limit"
wait "$starved"
like "$(cat "$T/starved.done")" '^ok=20 ' 'and when there are some again, all that waited are served'
kill "$PARENT"

# --- one process of one connection ---
serve_listening titles --timeout 1h 'text={HOLD} connect '"$echo" 'any reply hello'
hold titles 2 --say='{HOLD}' --first='^{HOLD}' --expect='go'
is "$(ps -o args= -p "$PARENT")" "usher: listening on 127.0.0.1:$PORT" "ps: the parent's title"
title="usher: [a-z]+ 127\.0\.0\.1:[0-9]+ -> $echo"
have_titles() {
	[ "$(titles | grep -cE "^$title\$")" -eq 2 ] && [ "$(titles | wc -l)" -eq 2 ]
}
ok "and the connections', once they turn out to last" wait_for have_titles
ok 'and of the one that is ready for the next' wait_for test "$(ps -o args= --ppid "$PARENT" | wc -l)" -eq 3
victim=$(ps -o pid=,args= --ppid "$PARENT" | awk '/ -> / { print $1; exit }')
kill -KILL "$victim"
ok 'a violent end is told' wait_log "^usher: process $victim, of one connection, was ended by signal 9"
flood --count=20 --expect=hello 127.0.0.1:"$PORT"
like "$RESULT" '^ok=20 ' 'others are served'
touch "$T/titles.hold"
wait "$BEHIND"
like "$(cat "$T/titles.done")" '^ok=1 refused=0 reset=1 ' 'and it cost one connection'
kill "$PARENT"

# --- many ---
serve_listening many --timeout 1h --max-connections 20000 'text={HOLD}go reply held' 'any reply hello'
flood --count=1000 --source=each --expect=hello 127.0.0.1:"$PORT"
ok 'after 1000 connections no process is left, dead or alive' wait_for has_children 0
descriptors=$(descriptors)
memory=$(memory)
flood --count="$connections" --time=$((WAIT * 10)) --source=each --expect=hello 127.0.0.1:"$PORT"
like "$RESULT" "^ok=$connections " "$connections connections: none is lost"
diag "$RESULT"
ok 'no process is left, dead or alive' wait_for has_children 0
is "$(descriptors)" "$descriptors" 'and no descriptor'
# the kernel counts by pages; one connection in a page, over so many, would be seen
grown=$(($(memory) - memory))
ok "and no memory ($memory KiB, $grown more)" test "$grown" -le 64
# a process each, and a descriptor in the client
ulimit -n "$(ulimit -Hn)"
hold many "$held" --source=each --say='{HOLD}' --expect=held --time=$((WAIT * 10))
ok "$held connections at once" wait_for has_children "$held"
flood --count=100 --source=each --expect=hello 127.0.0.1:"$PORT"
like "$RESULT" '^ok=100 ' 'others are served meanwhile'
touch "$T/many.hold"
wait "$BEHIND"
like "$(cat "$T/many.done")" "^ok=$held " 'and all of them in the end'
ok 'no process is left' wait_for has_children 0
is "$(descriptors)" "$descriptors" 'and no descriptor'
grown=$(($(memory) - memory))
# what is kept of each of them is 20 bytes
ok "and no memory but the list's ($grown KiB more)" test "$grown" -le $((128 + held * 20 / 1024 + 8))
kill "$PARENT"
ok 'it ends well' exited 0

finish
