#!/bin/bash
# The listening shape, seen from outside: every way to get listening sockets, limits, reload, drain, shortage, what the service
# manager is told, and that nothing is lost or left behind over many connections.
#
# Environment: USHER_TEST_CONNECTIONS (how many; default 20000), USHER_TEST_HELD (how many at once; default 1000).
# shellcheck source=tests/lib.sh disable=SC1091,SC2317
. "$(dirname "$0")/../lib.sh"
need tcpserver pgrep ps prlimit strace
need_usher
connections=${USHER_TEST_CONNECTIONS:-20000}
held=${USHER_TEST_HELD:-1000}
REPORT=${REPORT:-$TOP/tests/helpers/report}
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

# flood ARGUMENT...: tests/helpers/flood.pl; RESULT is its line.  flood_behind NAME ...: in the background, as BEHIND; its line is in
# $T/NAME.done when it has ended.
flood() {
	RESULT=$(perl "$TESTS/helpers/flood.pl" --time="$WAIT" "$@" 2>> "$T/log/flood")
}
flood_behind() {
	local name=$1

	shift
	rm -f "$T/$name.done"
	{
		perl "$TESTS/helpers/flood.pl" --time="$WAIT" "$@" > "$T/$name.part" 2>> "$T/log/flood"
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
like "$RESULT" '^ok=10 ' '--listen 127.0.0.1 is served'
if [ $ipv6 = yes ]; then
	port6=$(sed -nE 's/.*\[::1\]:([0-9]+).*/\1/p' "$LOG")
	flood --count=10 --expect=hello "[::1]:$port6"
	like "$RESULT" '^ok=10 ' '--listen [::1] is served'
	ok '--listen [::1]: its clients are logged' wait_log '^usher: client=\[::1\]:[0-9]+ '
else
	skip '--listen [::1]' 'no ::1'
fi
flood --count=10 --expect=hello unix:"$T/listen"
like "$RESULT" '^ok=10 ' '--listen unix:/PATH is served'
flood --count=10 --expect=hello "unix:@usher-test-$$"
like "$RESULT" '^ok=10 ' '--listen unix:@NAME is served'
ok '--listen unix:@NAME: its clients are logged' wait_log '^usher: client=unix '
run "$USHER" --listen 127.0.0.1:"$PORT" 'any close' < /dev/null
is "$STATUS" "$EX_OSERR" 'an address in use: status EX_OSERR'
like "$ERR" "^usher: --listen: \"127\.0\.0\.1:$PORT\": Address (already )?in use\$" 'an address in use: it is told which'
run "$USHER" --listen nonsense 'any close' < /dev/null
is "$STATUS" "$EX_USAGE" 'what is no address: status EX_USAGE'
run "$USHER" --listen '*:443' 'any close' < /dev/null
is "$STATUS" "$EX_USAGE" '*:443 is no address: status EX_USAGE'
like "$ERR" '^usher: --listen: "\*:443": PORT alone, or \[::\]:PORT, listens on all addresses$' \
    '*:443: the complaint says what to write instead'
waiting=$(pgrep -P "$PARENT")
{ kill -9 "$PARENT" && wait "$PARENT"; } 2> /dev/null
# until the child that waits for a connection has ended, too, somebody listens
for pid in $waiting; do
	wait_for gone "$pid"
done
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
	like "$RESULT" '^ok=20 ' 'LISTEN_FDS: the first of two sockets is served'
	flood --count=20 --expect=hello 127.0.0.1:"$two"
	like "$RESULT" '^ok=20 ' 'LISTEN_FDS: the second of two sockets is served'
	ok 'LISTEN_FDS: the log has the name of the first socket' wait_log ' socket=one protocol='
	ok 'LISTEN_FDS: the log has the name of the second socket' wait_log ' socket=two protocol='
	is "$(lines 'listening on')" 1 'LISTEN_FDS: one usher serves both sockets'
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
start inetd perl "$T/inetd.pl" "$T/inetd-port" "$USHER" --idle-exit 3s --log none \
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
serve_listening idle --idle-exit 2s "any connect $echo"
idle=$PARENT
hold idle 1 --first='^x' --expect='^go'
serve_listening idler --idle-exit 3s "any connect $echo"
wait_for not_there "$PARENT"
PARENT=$idle
ok '--idle-exit: it does not exit while there is a connection' kill -0 "$PARENT"
let_go idle
like "$(cat "$T/idle.done")" '^ok=1 ' '--idle-exit: the connection works to its end'
ok '--idle-exit: it exits when the connection has ended' exited 0

# --- rules, and what a program is given ---
start notify perl "$TESTS/helpers/syslog.pl" "$T/notify"
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
is "$END" match 'rules: connect reaches the backend'
talk --bytewise 127.0.0.1:"$PORT" '{LATE}'
is "$ANSWER" late 'rules: reply answers what came a byte at a time'
talk 127.0.0.1:"$PORT" $'GET /report HTTP/1.0\r\n\r\n'
ok 'rules: exec runs the program' wait_for grep -q '^unread' "$T/report"
ok 'rules: a line of the log for each connection' wait_for at_least 3 usher_lines
is "$(grep '^fd ' "$T/report")" "fd 0 socket O_RDWR blocking kept
fd 1 socket O_RDWR blocking kept
fd 2 $LOG O_WRONLY blocking kept" 'exec: the program has the connection, the log, and no other descriptor'
signals() { # Blk|Ign: those of the program
	sed -n "s/^status Sig$1:[[:space:]]*/0x/p" "$T/report"
}
# signals 32 and 33 are the C library's: with glibc's posix_spawn(3), so under make, they come ignored, and nobody can change that
is "$(($(signals Blk)))/$(($(signals Ign) & ~0x180000000))" 0/0 'exec: the program has default signals, none blocked'
unlike "$(grep '^env ' "$T/report")" 'LISTEN_|NOTIFY_|WATCHDOG_' 'exec: nothing that was meant for usher in the environment'
like "$(grep '^env ' "$T/report")" 'env KEPT=yes' 'exec: the rest of the environment reaches the program'
is "$(grep '^option SO_RCVLOWAT' "$T/report")" 'option SO_RCVLOWAT 01000000' 'exec: the socket has default options'
like "$(cat "$T/report")" 'unread 24 474554' 'exec: every byte is unread'

# --- what the service manager is told ---
ok 'the service manager is told READY' wait_for grep -qx READY=1 "$notified"
like "$(grep -A 1 -x READY=1 "$notified")" $'READY=1\nSTATUS=0 connections, 0 served, 0 refused' \
    'READY comes with the state of things'
ok 'STATUS counts the connections served' wait_for grep -qx 'STATUS=0 connections, 3 served, 0 refused' "$notified"
ok 'WATCHDOG is sent again and again' wait_for at_least 3 grep -cx WATCHDOG=1 "$notified"
before=$(perl -MTime::HiRes=clock_gettime,CLOCK_MONOTONIC -e 'printf "%d", clock_gettime(CLOCK_MONOTONIC) * 1e6')
kill -HUP "$PARENT"
ok 'SIGHUP: RELOADING is sent' wait_for grep -qx RELOADING=1 "$notified"
ok 'SIGHUP: READY is sent once more' wait_for at_least 2 grep -cx READY=1 "$notified"
like "$(sed -n '/^RELOADING=1$/,$p' "$notified" | grep -vx WATCHDOG=1)" \
    $'^RELOADING=1\nMONOTONIC_USEC=[0-9]+\nSTATUS=[^\n]*\nREADY=1' 'SIGHUP: RELOADING with the time, then STATUS and READY'
ok 'SIGHUP: the time of RELOADING is not before the signal' test "$(sed -n 's/^MONOTONIC_USEC=//p' "$notified")" -ge "$before"
hold stopping 1 --first='HTTP' --say=$'GET / HTTP/1.0\r\n\r\n' --expect='go$'
kill "$PARENT"
ok 'SIGTERM: STOPPING is sent' wait_for grep -qx STOPPING=1 "$notified"
like "$(grep -A 1 -x STOPPING=1 "$notified")" 'STATUS=1 connection, 4 served, 0 refused' \
    'STOPPING comes with the connection that is left'
let_go stopping
ok 'SIGTERM: it exits with 0 when the connection has ended' exited 0
ENVIRONMENT=(env)

# --- limits ---
serve_listening wait --max-connections 2 'text={HOLD}go reply held' 'any reply hello' --timeout 1h
hold wait 2 --say='{HOLD}' --expect=held
ok '--max-connections 2: two are served' wait_for has_children 2
flood_behind third --count=1 --workers=1 --expect=hello 127.0.0.1:"$PORT"
third=$BEHIND
ok '--when-full wait: that it is full is told' wait_log '^usher: 2 connections, leaving more in the backlog'
ok '--when-full wait: the third connection is in the backlog' wait_for at_least 1 backlog
is "$(children)" 2 '--when-full wait: the third connection has no process'
let_go wait
wait "$third"
like "$(cat "$T/third.done")" '^ok=1 ' '--when-full wait: the third connection is served when there is room'
flood --count=200 --expect=hello 127.0.0.1:"$PORT"
like "$RESULT" '^ok=200 ' '--when-full wait: of 200 connections, two at a time, none is lost'
is "$(lines 'leaving more in the backlog')" 1 '--when-full wait: that it is full was told once'
kill "$PARENT"

serve_listening refuse --max-connections 2 --when-full refuse 'text={HOLD}go reply held' 'any reply hello' --timeout 1h
hold refuse 2 --say='{HOLD}' --expect=held
ok '--when-full refuse: two are served' wait_for has_children 2
flood --count=200 --expect=hello 127.0.0.1:"$PORT"
like "$RESULT" '^ok=0 refused=0 reset=200 ' '--when-full refuse: all others are reset'
is "$(lines 'refusing more')" 1 '--when-full refuse: that it is full is told once'
let_go refuse
like "$(cat "$T/refuse.done")" '^ok=2 ' '--when-full refuse: the two are served to their end'
ok '--when-full refuse: the two have gone' wait_for has_children 0
flood --count=1 --expect=hello 127.0.0.1:"$PORT"
like "$RESULT" '^ok=1 ' '--when-full refuse: the next is served when there is room'
kill "$PARENT"

serve_listening source --max-per-source 20 'text={HOLD}go reply held' 'any reply hello' --timeout 1h
hold source 20 --source=127.0.0.1 --say='{HOLD}' --expect=held
ok '--max-per-source 20: twenty are served' wait_for has_children 20
flood_behind attack --count=1000000 --until="$T/enough" --source=127.0.0.1 --workers=4 --expect=hello 127.0.0.1:"$PORT"
attack=$BEHIND
ok 'a flood of one address is told' wait_log '^usher: 127\.0\.0\.1 has 20 connections, refusing more'
flood --count=500 --workers=1 --source=127.0.0.2 --expect=hello 127.0.0.1:"$PORT"
like "$RESULT" '^ok=500 ' 'a flood of one address: another address is served all the while'
touch "$T/enough"
wait "$attack"
like "$(cat "$T/attack.done")" '^ok=0 refused=0 reset=[1-9][0-9]* wrong=0 timeout=0 other=0' 'a flood of one address is reset'
is "$(lines 'refusing more')" 1 'a flood of one address is told once'
diag "flood: $(cat "$T/attack.done")"
let_go source
like "$(cat "$T/source.done")" '^ok=20 ' 'a flood of one address: its twenty are served to their end'
kill "$PARENT"

# --- reload ---
echo 'any reply old' > "$T/reload"
serve_listening reload --timeout 1h 'text={HOLD}go reply held' "text={NAMED} connect localhost:${echo##*:}" --config "$T/reload"
hold reload 1 --say='{HOLD}' --expect=held
flood --count=1 --expect='^old$' 127.0.0.1:"$PORT"
like "$RESULT" '^ok=1 ' 'before the reload the old rules count'
printf '# one\nany replay new\n' > "$T/reload"
kill -HUP "$PARENT"
ok 'SIGHUP, a bad file: logged with file and line' wait_log "^usher: $T/reload:2: \"replay\": .*; the old rules stay\$"
flood --count=20 --expect='^old$' 127.0.0.1:"$PORT"
like "$RESULT" '^ok=20 ' 'SIGHUP, a bad file: the old rules stay'
echo 'any reply new' > "$T/reload"
kill -HUP "$PARENT"
ok 'SIGHUP, a good file: it is read' wait_log '^usher: read 3 rules$'
flood --count=20 --expect='^new$' 127.0.0.1:"$PORT"
like "$RESULT" '^ok=20 ' 'SIGHUP, a good file counts for the next connection'
talk --await='{NAMED} hello' 127.0.0.1:"$PORT" '{NAMED} hello'
is "$END" match 'SIGHUP, a good file: the rules of the command line still count'
let_go reload
like "$(cat "$T/reload.done")" '^ok=1 ' 'SIGHUP: a connection that was open before is served'
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

# --- reload of a file that was cut short ---
echo 'any reply old' > "$T/emptied"
serve_listening emptied --config "$T/emptied"
: > "$T/emptied"
kill -HUP "$PARENT"
ok 'SIGHUP, an empty file: logged' wait_log "^usher: $T/emptied: no rule in it.*; the old rules stay\$"
flood --count=20 --expect='^old$' 127.0.0.1:"$PORT"
like "$RESULT" '^ok=20 ' 'SIGHUP, an empty file: the old rules stay'
kill "$PARENT"

# --- SIGHUP before it listens: it is still reading its rules, which takes three seconds ---
echo 'any reply early' > "$T/slow"
start early env ASAN_OPTIONS=detect_leaks=0 strace -f -o "$T/strace" -P "$T/slow" -e trace=read \
    -e inject=read:delay_enter=3000000:when=1 "$USHER" --log stderr --listen 127.0.0.1:0 --config "$T/slow"
LOG=$T/log/early
reads_slowly() {
	PARENT=$(pgrep -P "$PID" -x usher) && [ -n "$(find "/proc/$PARENT/fd" -lname "$T/slow")" ]
}
ok 'SIGHUP while it starts: it is reading its rules' wait_for reads_slowly
kill -HUP "$PARENT"
ok 'SIGHUP while it starts: it lives and listens' wait_log '^usher: listening on 127\.0\.0\.1:[0-9]+, 1 rule$'
PORT=$(sed -nE 's/^.*listening on 127\.0\.0\.1:([0-9]+).*/\1/p' "$LOG" | head -n 1)
ok 'SIGHUP while it starts: it reads the rules once more' wait_log '^usher: read 1 rule$'
flood --count=1 --expect='^early$' 127.0.0.1:"$PORT"
like "$RESULT" '^ok=1 ' 'SIGHUP while it starts: it serves'
blocked() { # of the process that is ready for a connection
	pid=$(pgrep -P "$PARENT") && sed -n 's/^SigBlk:[[:space:]]*//p' "/proc/$pid/status" > "$T/blocked"
}
ok 'after a SIGHUP while it starts a process is ready for the next connection' wait_for blocked
is "$(cat "$T/blocked")" 0000000000000000 'the process that is ready has no signal blocked'
kill "$PARENT"
PARENT=$PID
ok 'SIGTERM after a SIGHUP while it starts: it exits with 0' exited 0

# --- the end ---
serve_listening drain "any connect $echo"
hold drain 2 --first='^x' --expect='go'
kill "$PARENT"
# Without asking: a process that should not wait for a connection any more would take that one and be gone.
nobody_listens() {
	! awk -v port="$(printf ':%04X' "$PORT")" '$4 == "0A" && $2 ~ port "$" { found = 1 } END { exit !found }' /proc/net/tcp
}
ok 'SIGTERM: nobody listens any more' wait_for nobody_listens
ok 'SIGTERM: it waits for the connections that there are' kill -0 "$PARENT"
let_go drain
like "$(cat "$T/drain.done")" '^ok=2 ' 'SIGTERM: the connections that there are work to their end'
ok 'SIGTERM: it exits with 0 when the connections have ended' exited 0

serve_listening drain-time --drain 1s "any connect $echo"
hold drain-time 2 --first='^x' --expect='go'
kill "$PARENT"
ok '--drain 1s: it exits with 0' exited 0
let_go drain-time
like "$(cat "$T/drain-time.done")" '^ok=2 ' '--drain 1s: connections that are left work on without it'

serve_listening drain-zero --drain 0s "any connect $echo"
hold drain-zero 2 --first='^x' --expect='go'
kill -INT "$PARENT"
ok '--drain 0s, SIGINT: it exits with 0' exited 0
let_go drain-zero
like "$(cat "$T/drain-zero.done")" '^ok=2 ' '--drain 0s, SIGINT: connections that are left work on without it'

serve_listening twice "any connect $echo"
hold twice 2 --first='^x' --expect='go'
kill "$PARENT"
wait_for nobody_listens
kill "$PARENT"
ok 'a second SIGTERM: it exits with 0 at once' exited 0
let_go twice
like "$(cat "$T/twice.done")" '^ok=2 ' 'a second SIGTERM: connections that are left work on without it'

# --- no descriptors ---
serve_listening descriptors 'any reply hello'
limit=$(ulimit -Hn)
is_ready() {
	pgrep -P "$PARENT"
}
# Who is ready keeps the limit that there was.  Those who come later have a lower one than is open already: whoever accepts, parent
# or child, gets no descriptor.
ok 'no descriptor left: a process was ready before' wait_for is_ready
prlimit --pid "$PARENT" --nofile="4:$limit"
flood_behind starved --count=20 --workers=4 --expect=hello 127.0.0.1:"$PORT"
starved=$BEHIND
ok 'no descriptor left: it is told' wait_log \
    '^usher: accept: (No file descriptors available|Too many open files); pausing for 100 ms'
before=$(waits)
ok 'no descriptor left: it tries again' wait_for at_least $((before + 6)) waits
is "$(lines pausing)" 1 'no descriptor left: it is not told again'
prlimit --pid "$PARENT" --nofile="$limit:$limit"
wait "$starved"
like "$(cat "$T/starved.done")" '^ok=20 ' 'descriptors again: all that waited are served'
kill "$PARENT"

# --- one process of one connection ---
serve_listening titles --timeout 1h 'text={HOLD} connect '"$echo" 'any reply hello'
hold titles 2 --say='{HOLD}' --first='^{HOLD}' --expect='go'
is "$(ps -o args= -p "$PARENT")" "usher: listening on 127.0.0.1:$PORT" "ps: the parent's title"
title="usher: [a-z]+ 127\.0\.0\.1:[0-9]+ -> $echo"
have_titles() {
	[ "$(titles | grep -cE "^$title\$")" -eq 2 ] && [ "$(titles | wc -l)" -eq 2 ]
}
# shellcheck disable=SC2009  # the pgrep of Debian 11 does not match a title
has_ready_title() {
	ps -o args= --ppid "$PARENT" | grep -qx 'usher: ready for the next connection *'
}
ok 'ps: the titles of connections that last' wait_for have_titles
ok 'ps: the title of the process that is ready for the next connection' wait_for has_ready_title
victim=$(ps -o pid= -o args= --ppid "$PARENT" | awk '/ -> / { print $1; exit }')
kill -KILL "$victim"
ok 'a process that somebody killed is told' wait_log "^usher: process $victim \\(serving one connection\\) was killed by signal 9"
flood --count=20 --expect=hello 127.0.0.1:"$PORT"
like "$RESULT" '^ok=20 ' 'after a process was killed others are served'
touch "$T/titles.hold"
wait "$BEHIND"
like "$(cat "$T/titles.done")" '^ok=1 refused=0 reset=1 ' 'a process that somebody killed cost one connection'
kill "$PARENT"

# --- a backend by name: the C library resolves it in a process of a process ---
serve_listening names "any connect localhost:${echo##*:}"
talk --shutdown 127.0.0.1:"$PORT" 'any words'
ok 'a backend by name is reached' wait_log "backend=127\.0\.0\.1:${echo##*:} .*bytes_in=9 .*end="
kill "$PARENT"
ok 'SIGTERM after a backend by name: it exits with 0' exited 0

# --- somebody stops the process that waits ---
serve_listening stopped 'any reply hello'
ok 'a process is ready for the next connection' wait_for pgrep -P "$PARENT"
victim=$(pgrep -P "$PARENT")
kill -STOP "$victim"
flood --count=20 --expect=hello 127.0.0.1:"$PORT"
like "$RESULT" '^ok=20 ' 'the process that is ready is stopped: others are served'
kill -CONT "$victim"
flood --count=20 --expect=hello 127.0.0.1:"$PORT"
like "$RESULT" '^ok=20 ' 'the process that is ready goes on: others are served'
kill "$PARENT"
ok 'SIGTERM after a process that was stopped: it exits with 0' exited 0

# --- both wildcards ---
for order in '0.0.0.0 [::]' '[::] 0.0.0.0'; do
	port=$(free_port)
	# shellcheck disable=SC2086  # two words
	set -- $order
	start wildcards "$USHER" --log stderr --listen "$1:$port" --listen "$2:$port" 'any reply hello'
	await wildcards "$port"
	flood --count=2 --expect=hello 127.0.0.1:"$port"
	like "$RESULT" '^ok=2 ' "--listen $1 and $2: IPv4 is served"
	ok "--listen $1 and $2: both are told" test "$(grep -cF "listening on $1:$port, $2:$port" "$T/log/wildcards")" -eq 1
	end "$PID"
done

# --- many ---
serve_listening many --timeout 1h --max-connections 20000 'text={HOLD}go reply held' 'any reply hello'
flood --count=1000 --source=each --expect=hello 127.0.0.1:"$PORT"
ok 'after 1000 connections no process is left, dead or alive' wait_for has_children 0
descriptors=$(descriptors)
memory=$(memory)
flood --count="$connections" --time=$((WAIT * 10)) --source=each --expect=hello 127.0.0.1:"$PORT"
like "$RESULT" "^ok=$connections " "$connections connections: none is lost"
diag "$RESULT"
ok "after $connections connections no process is left, dead or alive" wait_for has_children 0
is "$(descriptors)" "$descriptors" "after $connections connections no descriptor is left"
# the kernel counts by pages; one connection in a page, over so many, would be seen
grown=$(($(memory) - memory))
ok "after $connections connections no memory is left ($memory KiB, $grown more)" test "$grown" -le 64
# a process each, and a descriptor in the client
ulimit -n "$(ulimit -Hn)"
hold many "$held" --source=each --say='{HOLD}' --expect=held --time=$((WAIT * 10))
ok "$held connections at once have a process each" wait_for has_children "$held"
flood --count=100 --source=each --expect=hello 127.0.0.1:"$PORT"
like "$RESULT" '^ok=100 ' "$held connections at once: others are served meanwhile"
touch "$T/many.hold"
wait "$BEHIND"
like "$(cat "$T/many.done")" "^ok=$held " "$held connections at once: all of them are served to their end"
ok "after $held connections at once no process is left" wait_for has_children 0
is "$(descriptors)" "$descriptors" "after $held connections at once no descriptor is left"
grown=$(($(memory) - memory))
# what is kept of each of them is 20 bytes
ok "after $held connections at once no memory is left but the list's ($grown KiB more)" test "$grown" -le $((128 + held * 20 / 1024 + 8))
kill "$PARENT"
ok 'SIGTERM after many connections: it exits with 0' exited 0

# --- when memory runs out, a connection goes before the port, but not a program that is executed ---
PORT=$(free_port)
start oom "$USHER" --listen 127.0.0.1:"$PORT" 'text=exec exec /bin/cat /proc/self/oom_score_adj' 'any reply served'
await oom "$PORT"
score() { # PROCESS
	cat "/proc/$1/oom_score_adj"
}
exec 7<> /dev/tcp/127.0.0.1/"$PORT"
volunteers() {
	CHILD=$(pgrep -P "$PID" | head -n 1) && [ "$(score "$CHILD")" -gt "$(score "$PID")" ]
}
if [ "$(score "$PID")" -lt 1000 ]; then
	ok 'a child goes before its parent' wait_for volunteers
fi
exec 7>&-
talk 127.0.0.1:"$PORT" exec
is "$ANSWER" "$(score "$PID")" 'a program that is executed does not'
end "$PID"

finish
