#!/bin/bash
# Under systemd-socket-activate: the connection as descriptor 3 with LISTEN_FDS, and as descriptor 0 with --inetd.
# shellcheck source=tests/lib.sh disable=SC1091,SC2317
. "$(dirname "$0")/../lib.sh"
need nginx pgrep
activate=$(command -v systemd-socket-activate) || activate=/lib/systemd/systemd-socket-activate
[ -x "$activate" ] || skip_all 'systemd-socket-activate is not installed'
need_usher

start_nginx
http=$'GET / HTTP/1.0\r\n\r\n'
activated() { # NAME OPTION... -- USHER-ARGUMENT...
	local name=$1 options=()

	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	PORT=$(free_port)
	LOG=$T/log/$name
	# It ends when a connection's process does, unless it accepts; its own words are in the log as well.
	start "$name" "$activate" -l "127.0.0.1:$PORT" --accept "${options[@]}" "$USHER" "$@"
	wait_for grep -q 'Listening on' "$LOG" || bail "$activate does not listen"
}

rules=("http path=/env exec /usr/bin/env" "http connect 127.0.0.1:$NGINX_PORT" 'text={CAT} exec /bin/cat' 'any reject')
for way in fds inetd; do
	if [ "$way" = fds ]; then
		activated "$way" --fdname=web -E EXTRA=kept -- "${rules[@]}"
	else
		activated "$way" --inetd -E EXTRA=kept -- "${rules[@]}"
	fi
	talk 127.0.0.1:"$PORT" "$http"
	like "$ANSWER" 'nginx GET' "$way: relayed"
	ok "$way: logged on standard error, without a level" wait_log '^usher: client=127\.0\.0\.1:[0-9]+ .*protocol=http .*rule=2 '
	talk --shutdown 127.0.0.1:"$PORT" '{CAT} ' 'and more'
	is "$ANSWER" '{CAT} and more' "$way: exec"
	talk 127.0.0.1:"$PORT" $'GET /env HTTP/1.0\r\n\r\n'
	unlike "$ANSWER" 'LISTEN_' "$way: LISTEN_* does not reach the program"
	like "$ANSWER" 'EXTRA=kept' "$way: the rest of the environment does"
	like "$ANSWER" 'REMOTE_ADDR=127\.0\.0\.1' "$way: the client's address is in the environment"
	like "$ANSWER" 'USHER_PATH=/env' "$way: what was read is in the environment"
	talk 127.0.0.1:"$PORT" $'\001'
	is "$END" reset "$way: reject"
done

# Whether it will listen is not known at first, and until then SIGHUP is blocked.
activated hangup --fdname=web -- --timeout 1h 'ssh close' 'any reject'
activator=$PID
perl "$TESTS/helpers/client.pl" --timeout="$WAIT" --log="$T/hangup" 127.0.0.1:"$PORT" SSH &
client=$!
hangup_ends() {
	local pid blocked

	pid=$(pgrep -P "$activator") && [ "$(readlink "/proc/$pid/exe")" -ef "$USHER" ] &&
	    blocked=$(sed -n 's/^SigBlk:[[:space:]]*/0x/p' "/proc/$pid/status") && [ $((blocked & 1)) -eq 0 ]
}
ok 'a connection from LISTEN_FDS: SIGHUP is not blocked while it is served' wait_for hangup_ends
end "$activator"
wait "$client"

# A Unix socket that listens.
LOG=$T/log/unix
start unix "$activate" -l "$T/listen" --accept "$USHER" "${rules[@]}"
ok 'systemd-socket-activate listens on a Unix socket' wait_for test -S "$T/listen"
talk unix:"$T/listen" "$http"
like "$ANSWER" 'nginx GET' 'a Unix socket: relayed'
ok 'a Unix socket: logged' wait_log '^usher: client=unix.* protocol=http .*rule=2 '
talk --bytewise --shutdown unix:"$T/listen" '{CAT} a byte at a time'
is "$ANSWER" '{CAT} a byte at a time' 'a Unix socket, a byte at a time: exec, every byte unread'

# The journal's standard error gets levels.
PORT=$(free_port)
LOG=$T/log/journal
cat > "$T/journal.sh" << END
#!/bin/sh
# As systemd does it: device and inode of standard error.
JOURNAL_STREAM=\$(stat -L -c %d:%i /dev/fd/2) exec '$USHER' "\$@"
END
chmod +x "$T/journal.sh"
start journal "$activate" -l "127.0.0.1:$PORT" --accept --inetd "$T/journal.sh" 'http close' "any connect unix:$T/nothing"
await journal "$PORT"
talk 127.0.0.1:"$PORT" "$http"
ok 'under the journal lines have a level' wait_log '^<6>client=.*rule=1 '
talk 127.0.0.1:"$PORT" $'\001'
ok 'under the journal failures have a more severe level' wait_log '^<3>client=.*end=backend-unreachable$'

# Without --accept the socket that is handed over listens: one usher serves them all.
PORT=$(free_port)
LOG=$T/log/listening
start listening "$activate" -l "127.0.0.1:$PORT" "$USHER" "${rules[@]}"
wait_for grep -q 'Listening on' "$LOG" || bail "$activate does not listen"
for n in 1 2; do
	talk 127.0.0.1:"$PORT" "$http"
	like "$ANSWER" 'nginx GET' "a listening socket: connection $n"
done
lines() {
	[ "$(grep -cE '^usher: client=127\.0\.0\.1:[0-9]+ protocol=http .*end=backend$' "$LOG")" -eq 2 ]
}
ok 'a listening socket: a line each' wait_for lines

finish
