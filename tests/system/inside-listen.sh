#!/bin/bash
# Run by system-listen.sh inside a booted container with a network of its own, where usher and its units are installed and port 443
# is free: usher.socket with Accept=no, usher.service and usher-exec.service.
# shellcheck source=tests/lib.sh disable=SC1091,SC2317
. "$(dirname "$0")/../lib.sh"
need_usher
diag "$(systemctl --version | head -n 1)"

CONFIG=${USHER_TEST_CONFIG:?}
PORT=443
http=$'GET / HTTP/1.0\r\n\r\n'
start_nginx
sshd_keys
rules() {
	cat << END
set timeout 1h
text="{HOLD}go"  reply "held"
http             connect 127.0.0.1:$NGINX_PORT
ssh              exec $SSHD -i -f $SSHD_CONFIG
any              reply "hello"
END
}
rules > "$CONFIG"
chmod 644 "$CONFIG"

journal() { # OPTION...
	journalctl --no-pager -q -o cat "$@"
}
in_journal() { # REGEX OPTION...
	local regex=$1

	shift
	journal "$@" | grep -E "$regex"
}
property() { # UNIT NAME
	systemctl show -p "$2" --value "$1"
}
# drop_in UNIT SECTION LINE...
drop_in() {
	local folder=/run/systemd/system/$1.d section=$2

	shift 2
	mkdir -p "$folder"
	printf '%s\n' "[$section]" "$@" > "$folder/test.conf"
	systemctl daemon-reload
}
# What it says is none of the protocols that the rules know.
flood() { # ARGUMENT...
	RESULT=$(perl "$TESTS/helpers/flood.pl" --time="$WAIT" --say='{}' "$@" 2>> "$T/log/flood")
}
hold() { # NAME N ARGUMENT...
	local name=$1 n=$2

	shift 2
	perl "$TESTS/helpers/flood.pl" --time=120 --hold="$T/$name.hold" --count="$n" --workers=1 "$@" 127.0.0.1:$PORT > "$T/$name.done" \
	    2>> "$T/log/flood" &
	BEHIND=$!
	wait_for test -e "$T/$name.hold.held" || bail "$name: the connections are not open"
}
let_go() { # NAME PID
	touch "$T/$1.hold"
	wait "$2"
}
main_pid() {
	property "${1:-usher.service}" MainPID
}
# another_main PID: the service runs, and as another process.
another_main() {
	[ "$(property usher.service ActiveState)" = active ] && [ "$(main_pid)" -ne "$1" ] && [ "$(main_pid)" -ne 0 ]
}
# all_gone UNIT: no process of it is left, that of a connection neither.
all_gone() {
	! grep -qs "/$1\$" /proc/[0-9]*/cgroup
}

# --- the units ---
run systemd-analyze --man=no verify usher.socket usher.service usher-exec.service
is "$STATUS" 0 'systemd-analyze verify reads the units'
# older versions do not know the newest settings, and say so
is "$(grep usher "$T/err" | grep -vc 'Unknown key name')" 0 'systemd-analyze verify has nothing to say' || diag "$ERR"
example=$(find / -xdev -name listen.conf -path '*/usher/*' 2> "$T/find" | head -n 1)
ok 'make install brings the example of a drop-in' test -n "$example"
mkdir -p /etc/systemd/system/usher.socket.d
cp "$example" /etc/systemd/system/usher.socket.d/listen.conf
systemctl daemon-reload
ok 'systemctl start usher.socket succeeds' systemctl start usher.socket
is "$(systemctl is-active usher.service)" inactive 'the service waits for the first connection'

# --- served ---
flood --count=100 --expect='^hello$' 127.0.0.1:$PORT
like "$RESULT" '^ok=100 ' 'connections are served'
talk 127.0.0.1:$PORT "$http"
like "$ANSWER" 'nginx GET' 'HTTP reaches nginx'
is "$(property usher.service ActiveState)/$(property usher.service SubState)" active/running \
    'usher.service runs and says that it is ready'
ok 'HTTP is logged with the name of the socket' wait_for in_journal \
    '^client=127\.0\.0\.1:[0-9]+ socket=usher\.socket protocol=http .*rule=2 ' -t usher
if [ -e /proc/net/if_inet6 ]; then
	flood --count=10 --expect=hello '[::1]:443'
	like "$RESULT" '^ok=10 ' 'connections over IPv6 are served'
fi
hold seen 2 --say='{HOLD}' --expect=held
seen=$BEHIND
status() {
	systemctl --no-pager -l status usher.service > "$T/status" && grep -qE "$1" "$T/status"
}
ok 'systemctl status says what the service is doing' wait_for status 'Status: "2 connections, 1[0-9]+ served, 0 refused"'
# it says nothing of any process while one of them ends
ok 'systemctl status has the title of the parent' wait_for status 'usher: listening on \[::\]:443'
ok 'systemctl status has the title of a connection that lasts' wait_for status 'usher: waiting for .*127\.0\.0\.1:[0-9]+'
let_go seen "$seen"
diag "$(grep -E 'Status:|Memory:|Tasks:' "$T/status")"

# --- hardened ---
pid=$(main_pid)
like "$(sed -n 's/^Uid:\t\([0-9]*\).*/\1/p' "/proc/$pid/status")" '^6[0-9]{4}$' 'usher.service runs as a user who is nobody else'
is "$(grep -E '^(CapBnd|CapEff|NoNewPrivs|Seccomp):' "/proc/$pid/status" | tr -d '\n\t')" \
    'CapEff:0000000000000000CapBnd:0000000000000000NoNewPrivs:1Seccomp:2' 'usher.service runs without capabilities, with a filter of system calls'
exposure=$(systemd-analyze --no-pager security usher.service | sed -n 's/.*Overall exposure level.*: \([0-9.]*\) .*/\1/p')
diag "systemd-analyze security usher.service: $exposure"
diag "$(systemd-analyze --no-pager security usher.service | grep -E ' 0\.[1-9]$' | tr -s ' ')"
ok 'systemd-analyze security says 1.1 at most' awk -v e="$exposure" 'BEGIN { exit !(e != "" && e <= 1.1) }'

# --- transparent.conf ---
example=$(find / -xdev -name transparent.conf -path '*/usher/*' 2> "$T/find" | head -n 1)
ok 'make install brings the example for transparent' test -n "$example"
mkdir -p /etc/systemd/system/usher.service.d
cp "$example" /etc/systemd/system/usher.service.d/transparent.conf
systemctl daemon-reload
{ echo "http host=seen.example connect 127.0.0.1:$NGINX_PORT transparent"; rules; } > "$CONFIG"
seen=$'GET / HTTP/1.0\r\nHost: seen.example\r\n\r\n'
systemctl restart usher.service
flood --count=10 --source=127.0.0.9 --say="$seen" --expect='nginx GET seen\.example 127\.0\.0\.9' 127.0.0.1:$PORT
like "$RESULT" '^ok=10 ' "transparent.conf: a backend sees the client's address, and usher.service is nobody's"
is "$(sed -n 's/^CapEff:\t//p' "/proc/$(main_pid)/status")" 0000000000001000 'transparent.conf: usher.service has CAP_NET_ADMIN and no more'
ok 'transparent.conf: the routing is there' wait_for systemctl is-active usher-transparent.service
ok 'transparent.conf: the rule of it is there' grep -q 7573 <(ip rule list)
systemctl stop usher-transparent.service
unlike "$(ip rule list)" 7573 'systemctl stop usher-transparent.service takes it away'
rm /etc/systemd/system/usher.service.d/transparent.conf
systemctl daemon-reload
rules > "$CONFIG"
systemctl restart usher.service

# --- reload and restart under load ---
before=$(main_pid)
ok 'systemctl reload succeeds' systemctl reload usher.service
ok 'systemctl reload: the rules are read again' wait_for in_journal '^read 4 rules$' -t usher
is "$(main_pid)" "$before" 'systemctl reload: the process is the same'
hold long 5 --say="${http%$'\r\n'}" --then=$'\r\n' --expect='nginx GET'
long=$BEHIND
perl "$TESTS/helpers/flood.pl" --time=120 --count=100000000 --workers=4 --until="$T/enough" --say='{}' --expect='^hello$' \
    127.0.0.1:$PORT > "$T/load" 2>> "$T/log/flood" &
load=$!
restarts=0
signals=0
until=$((SECONDS + 20))
while [ $SECONDS -lt $until ]; do
	for _ in 1 2 3 4 5 6 7 8 9; do
		# it may be between two lives
		systemctl kill -s HUP --kill-who=main usher.service 2>> "$T/log/kill" && signals=$((signals + 1))
		sleep 0.1
	done
	systemctl restart usher.service && restarts=$((restarts + 1))
done
touch "$T/enough"
wait "$load"
diag "$signals times SIGHUP, $restarts restarts: $(cat "$T/load")"
ok 'under load the service was signalled and restarted all the while' test "$signals" -ge 50 -a "$restarts" -ge 8
like "$(cat "$T/load")" '^ok=[1-9][0-9]* refused=0 reset=0 wrong=0 timeout=0 other=0 ' \
    'SIGHUP and restarts under load: no connection is lost'
let_go long "$long"
like "$(cat "$T/long.done")" '^ok=5 ' 'SIGHUP and restarts under load: connections from before are served to their end'
is "$(systemctl is-active usher.socket)" active 'SIGHUP and restarts under load: the socket is active'

# --- a parent that hangs, and one that crashes ---
drop_in usher.service Service WatchdogSec=1s
systemctl restart usher.service
hold watchdog 2 --say='{HOLD}' --expect=held
watchdog=$BEHIND
pid=$(main_pid)
served_for() {
	local since

	since=$(property usher.service ActiveEnterTimestampMonotonic)
	[ "$(property usher.service WatchdogTimestampMonotonic)" -gt $((since + 1000000)) ]
}
ok 'WatchdogSec=1s: the service tells that it is alive' wait_for served_for
is "$(main_pid)" "$pid" 'WatchdogSec=1s: the service is not restarted'
kill -STOP "$pid"
ok 'a service that hangs: systemd starts another' wait_for another_main "$pid"
flood --count=10 --expect='^hello$' 127.0.0.1:$PORT
like "$RESULT" '^ok=10 ' 'a service that hung: the next serves'
pid=$(main_pid)
kill -SEGV "$pid"
ok 'a service that crashes: systemd starts another' wait_for another_main "$pid"
flood --count=10 --expect='^hello$' 127.0.0.1:$PORT
like "$RESULT" '^ok=10 ' 'a service that crashed: the next serves'
let_go watchdog "$watchdog"
like "$(cat "$T/watchdog.done")" '^ok=2 ' \
    'a service that hung and one that crashed: connections from before are served to their end'

# --- what usher(8) says of systemctl ---
run systemctl restart usher.socket
unlike "$STATUS" '^0$' 'systemctl restart usher.socket is refused while the service runs'
systemctl stop usher.service usher.socket
systemctl start usher.socket
flood --count=10 --expect='^hello$' 127.0.0.1:$PORT
like "$RESULT" '^ok=10 ' 'when both are stopped the socket can be started'
hold killed 2 --say='{HOLD}' --expect=held
killed=$BEHIND
systemctl kill usher.service
# the signal is on its way when systemctl returns
wait_for all_gone usher.service
let_go killed "$killed"
like "$(cat "$T/killed.done")" '^ok=0 refused=0 reset=2 ' 'systemctl kill usher.service ends the connections'
flood --count=10 --expect='^hello$' 127.0.0.1:$PORT
like "$RESULT" '^ok=10 ' 'systemctl kill usher.service: the next connections are served'

# --- a rule file that is wrong when it starts ---
printf '# a comment\nany replay x\n' > "$CONFIG"
pid=$(main_pid)
systemctl restart usher.service 2>> "$T/log/restart"
ok 'a wrong rule file: the journal says where' wait_for in_journal "^$CONFIG:2: \"replay\": " -t usher -p err
perl "$TESTS/helpers/flood.pl" --time=60 --count=4 --workers=4 --say='{}' --expect='^hello$' 127.0.0.1:$PORT > "$T/patient" \
    2>> "$T/log/flood" &
patient=$!
tries() {
	journal -t usher -p err | grep -c "^$CONFIG:2: "
}
ok 'a wrong rule file: it is tried again, more often than systemd would by itself' wait_for at_least 6 tries
diag "$(systemctl show -p NRestarts usher.service), $(tries) attempts"
is "$(systemctl is-active usher.socket)" active 'a wrong rule file: the port stays open'
rules > "$CONFIG"
wait "$patient"
like "$(cat "$T/patient")" '^ok=4 ' 'a rule file that is right again: all that waited are served'
is "$(property usher.service ActiveState)" active 'a rule file that is right again: the service runs'

# --- the other service, for programs ---
systemctl stop usher.service usher.socket
sed -i 's/^#Service=/Service=/' /etc/systemd/system/usher.socket.d/listen.conf
systemctl daemon-reload
ok 'Service=usher-exec.service: the socket starts' systemctl start usher.socket
# shellcheck disable=SC2016
run "${SSH[@]}" -b 127.0.0.9 -p $PORT 127.0.0.1 'echo "$SSH_CONNECTION"; grep NoNewPrivs /proc/self/status; exit 5'
is "$STATUS" 5 'usher-exec.service: ssh runs a command by sshd -i' || diag "$ERR"
like "$OUT" "^127\.0\.0\.9 [0-9]+ 127\.0\.0\.1 $PORT" 'usher-exec.service: sshd has the address of the client'
like "$OUT" 'NoNewPrivs:.0' 'usher-exec.service: the command may gain privileges (sudo)'
is "$(systemctl is-active usher-exec.service)/$(systemctl is-active usher.service)" active/inactive \
    'usher-exec.service runs and usher.service does not'
start session "${SSH[@]}" -p $PORT 127.0.0.1 "touch $T/in; until [ -e $T/out ]; do sleep 0.1; done; echo still here"
ok 'an ssh session is open' wait_for test -e "$T/in"
session=$PID
pid=$(main_pid usher-exec.service)
ok 'systemctl restart usher-exec.service succeeds' systemctl restart usher-exec.service
unlike "$(main_pid usher-exec.service)" "^($pid|0)\$" 'systemctl restart usher-exec.service: the process is another'
touch "$T/out"
ok 'systemctl restart usher-exec.service: the ssh session goes on' wait_for grep -q 'still here' "$T/log/session"
wait "$session"
flood --count=100 --expect='^hello$' 127.0.0.1:$PORT
like "$RESULT" '^ok=100 ' 'usher-exec.service serves other rules too'

# --- and back ---
systemctl stop usher-exec.service usher.socket
rm -r /etc/systemd/system/usher.socket.d /run/systemd/system/usher.service.d
systemctl daemon-reload
ok 'without the drop-in the socket starts' systemctl start usher.socket
talk 127.0.0.1:$PORT "$http"
like "$ANSWER" 'nginx GET' 'without the drop-in a unit a connection serves'
is "$(systemctl is-active usher-exec.service)/$(systemctl is-active usher.service)" inactive/inactive \
    'without the drop-in neither usher.service nor usher-exec.service runs'

if [ "$failed" -gt 0 ]; then
	journalctl --no-pager -q -n 200 > "$T/log/journal"
fi
finish
