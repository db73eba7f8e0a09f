#!/bin/bash
# The relay: bulk both ways at once, half-close, resets, backends that are down, slow or silent, clients that leave.
# shellcheck source=tests/lib.sh disable=SC1091,SC2317
. "$(dirname "$0")/../lib.sh"
need tcpserver openssl cmp
need_usher

client="$TESTS/helpers/client.pl"
size=$((1024 * 1024 * 1024))

# backend COMMAND...: a server; then usher in front of it, on PORT.
backend() {
	serve_tcp backend "$@"
	BACKEND=$PORT
	serve_usher "any connect 127.0.0.1:$BACKEND"
}

# What client.pl on the backend's side saw: SAW is how it ended.
saw() { # FILE
	wait_for test -e "$1" || diag "${1##*/} was never written"
	SAW=$(tail -c 20 "$1" | tr -d '\0' | grep -aoE '(eof|reset|timeout|error.*)$')
}

# Bytes in the queues of the sockets at PORT.
queued() { # PORT
	perl -e 'my ($port, $sum) = (sprintf(":%04X", shift), 0);
		while (<>) {
			my @f = split;
			next unless "$f[1] $f[2] " =~ /$port /;
			$sum += hex for split /:/, $f[4];
		}
		print $sum' "$1" /proc/net/tcp
}

# The newest process that tcpserver made as LOG tells uses no time and is not woken, twice a moment apart.
still() {
	local pid first

	pid=$(sed -n 's/^tcpserver: pid \([0-9]*\) .*/\1/p' "$LOG" | tail -n 1)
	first=$(activity "$pid")
	sleep 0.2
	[ -n "$first" ] && [ "$first" = "$(activity "$pid")" ]
}

activity() {
	cut -d ' ' -f 14,15 "/proc/$1/stat" && grep ctxt "/proc/$1/status"
}

stuck() {
	[ "$(queued "$BACKEND")" -gt 100000 ] && still
}

# --- 1 GiB each way at once ---
big_file "$T/up" "$size" 1
big_file "$T/down" "$size" 2
serve_tcp backend /bin/sh -c "exec perl '$TESTS/helpers/duplex.pl' - 'cat $T/down' 'cmp - $T/up' 2>> '$T/log/cmp'"
serve_usher "bytes=???? connect 127.0.0.1:$PORT"
ok '1 GiB each way at once, every byte equal' perl "$TESTS/helpers/duplex.pl" "127.0.0.1:$PORT" "cat '$T/up'" "cmp - '$T/down'"
ok '1 GiB each way at once is counted' wait_log "bytes_in=$size bytes_out=$size .*end=(client|backend)\$"
is "$(cat "$T/log/cmp")" '' "1 GiB each way at once: equal on the backend's side"
rm -f "$T/down"

serve_tcp backend /bin/sh -c 'exec openssl dgst -sha256 -r'
serve_usher "any connect 127.0.0.1:$PORT"
head -c 100000000 "$T/up" > "$T/part"
talk --shutdown 127.0.0.1:"$PORT" "file:$T/part"
is "${ANSWER%% *}" "$(sum "$T/part")" 'half-close: the answer to what ended comes back'
ok 'half-close: it was the client who finished first' wait_log 'bytes_in=100000000 .*end=client$'

# --- half-close the other way ---
backend perl "$client" --log="$T/half" --shutdown - 'all I have to say'
talk --read-first --shutdown 127.0.0.1:"$PORT" 'still ' 'talking'
is "$ANSWER" 'all I have to say' "half-close: the backend's end of file reaches the client"
saw "$T/half"
is "$(cat "$T/half")" 'still talkingeof' "half-close: after the backend's end of file the client goes on sending"
ok 'half-close: it was the backend who finished first' wait_log 'bytes_in=13 bytes_out=17 .*end=backend$'

# --- resets ---
backend perl "$client" --log="$T/reset1" - welcome
talk --await=welcome --reset 127.0.0.1:"$PORT"
saw "$T/reset1"
is "$SAW" reset "reset: the client's reaches the backend"
ok "reset: the client's is logged" wait_log 'end=client-reset$'
backend perl "$client" --log="$T/reset2" --await=bye --reset - welcome
talk 127.0.0.1:"$PORT" bye
is "$ANSWER/$END" welcome/reset "reset: the backend's reaches the client, after what it had sent"
ok "reset: the backend's is logged" wait_log 'end=backend-reset$'
backend perl "$client" --log="$T/reset3" --shutdown - welcome
talk --read-first --reset 127.0.0.1:"$PORT"
saw "$T/reset3"
is "$SAW" reset "reset: the client's reaches the backend after the backend's half-close"

# --- dribble and back-pressure ---
backend /bin/cat
talk --bytewise --pause=1 --shutdown 127.0.0.1:"$PORT" 'one byte at a time, both ways'
is "$ANSWER" 'one byte at a time, both ways' 'a byte at a time'
backend perl "$client" --log="$T/slow" --hold="$T/go" -
head -c 50000000 "$T/up" > "$T/part"
start sender perl "$client" --timeout="$WAIT" --shutdown 127.0.0.1:"$PORT" "file:$T/part"
ok 'a backend that does not read: the queues are full and usher is still, it does not spin' wait_for stuck
touch "$T/go"
saw "$T/slow"
is "$(stat -c %s "$T/slow")/$SAW" "$((50000000 + 4))/eof" 'a backend that does not read: everything is delivered once it does'
ok 'a backend that does not read: every byte is equal in the end' cmp -n 50000000 "$T/slow" "$T/part"
ok 'a backend that does not read: the bytes are counted in the end' wait_log 'bytes_in=50000000 '

# --- backends that are down or silent ---
down=$(free_port)
serve_usher "any connect 127.0.0.1:$down"
talk 127.0.0.1:"$PORT" hello
is "$END" reset 'backend down: the client is reset'
ok 'backend down: exit status EX_UNAVAILABLE' wait_for has_ended "$EX_UNAVAILABLE"
backend /bin/cat
serve_usher "any connect unix:$T/no-such-socket,127.0.0.1:$down,127.0.0.1:$BACKEND"
talk --shutdown 127.0.0.1:"$PORT" hello
is "$ANSWER" hello 'the first two of three are down: the third'
ok 'the first two of three are down: the log names the third' wait_log "backend=127\.0\.0\.1:$BACKEND "
backend perl "$client" --log="$T/quiet" -
talk --close --pause=50 127.0.0.1:"$PORT" hello ' again'
saw "$T/quiet"
is "$(cat "$T/quiet")" 'hello againeof' 'a backend that says nothing: the client leaves, and it is told'
ok 'a backend that says nothing: usher is gone after the client left' wait_for has_ended 0
# A listener that never accepts: the kernel completes the connection.
start deaf perl "$TESTS/helpers/deaf.pl" "$down"
await deaf "$down"
serve_usher "any connect 127.0.0.1:$down"
talk --reset 127.0.0.1:"$PORT" hello
ok 'a backend that never accepts: the client resets, and usher is gone' wait_for has_ended 0
serve_usher --idle-timeout 200ms "any connect 127.0.0.1:$down"
talk 127.0.0.1:"$PORT" hello
ok 'an idle connection ends at --idle-timeout' wait_log 'end=idle-timeout$'

# --- the client leaves before, during and after the verdict ---
serve_tcp backend /bin/cat
BACKEND=$PORT
serve_usher --timeout 1h "bytes=???? connect 127.0.0.1:$BACKEND"
for how in close reset shutdown; do
	talk "--$how" 127.0.0.1:"$PORT"
	talk "--$how" 127.0.0.1:"$PORT" a
	talk "--$how" 127.0.0.1:"$PORT" abcdef
	talk "--$how" --await=ab 127.0.0.1:"$PORT" a bcdef
done
ok 'clients that leave before, during and after the verdict: every process ends' wait_for at_least 12 ended
ok 'clients that leave before, during and after the verdict: every exit status is 0' has_ended 0 12
is "$(usher_lines "$LOG")" 12 'clients that leave before, during and after the verdict: a line of the log each'

# --- a backend on a port that nobody listens on, and that our own side is given ---
if unshare -rn true 2> /dev/null; then
	# shellcheck disable=SC2016  # for that shell
	start self unshare -rn /bin/sh -c 'ip link set lo up && echo 20001 20001 > /proc/sys/net/ipv4/ip_local_port_range && exec "$0" "$@"' \
	    "$USHER" --log stderr --listen "unix:$T/self" 'any connect 127.0.0.1:20001'
	ok 'usher listens where there is only one port to connect from' wait_for grep -q 'listening on' "$T/log/self"
	talk "unix:$T/self" 'anybody there?'
	is "$ANSWER" '' 'a client does not get its own bytes back'
	ok 'a client that does not get its own bytes back: the log says why' \
	    wait_log 'error="127\.0\.0\.1:[0-9]+: Connection refused" .*end=backend-unreachable$' "$T/log/self"
else
	skip 'a client does not get its own bytes back' 'this user can have no network namespace'
fi

finish
