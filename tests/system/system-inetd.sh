#!/bin/bash
# Under the real xinetd (as units/usher.xinetd has it), the real openbsd-inetd and tcpserver: served, handed over, and logged to syslog,
# because an inetd makes standard error the client's socket too.  A private /dev/log shows what syslog would get.
if [ -z "${USHER_TEST_NAMESPACE-}" ] && [ "$(id -u)" -eq 0 ]; then
	USHER_TEST_NAMESPACE=yes exec unshare --mount --propagation private "$0" "$@"
fi
# shellcheck source=tests/lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
[ "$(id -u)" -eq 0 ] || skip_all 'needs root'
need unshare nginx redis-server sshd ssh tcpserver
need_usher

# Our log in place of the system's, in this mount namespace alone.  Where there is none, others find a file that is no socket.
log_ours=no
put_log() {
	if [ ! -e /dev/log ]; then
		log_ours=yes
		: > /dev/log
	fi
	start syslog perl "$TESTS/helpers/syslog.pl" "$T/devlog"
	wait_for test -S "$T/devlog" || bail 'no socket for syslog'
	mount --bind "$T/devlog" "$(readlink -f /dev/log)" || bail 'cannot mount over /dev/log'
}
trap 'status=$?; [ "$log_ours" = no ] || { umount /dev/log; rm -f /dev/log; }; (exit "$status"); clean_up' EXIT
put_log
syslog_pid=$PID

# program NAME PACKAGE: PROGRAM is its path: installed, or from its package, for xinetd and openbsd-inetd exclude each other.
program() { # NAME PACKAGE
	local folder=$CACHE/$2

	PROGRAM=$(command -v "$1") && return
	if [ ! -x "$folder/usr/sbin/$1" ]; then
		command -v apt-get > /dev/null || return
		mkdir -p "$folder.new"
		(cd "$folder.new" && apt-get -q download "$2" && dpkg-deb -x "$2"_*.deb .) > "$T/log/download-$2" 2>&1 || return
		rm -rf "$folder"
		mv "$folder.new" "$folder"
	fi
	PROGRAM=$folder/usr/sbin/$1
	ldd "$PROGRAM" > "$T/log/ldd-$2" && ! grep -q "not found" "$T/log/ldd-$2"
}

start_nginx
start_redis
sshd_keys
cat > "$T/rules" << END
# The rules with spaces, which xinetd cannot have.
http path=/env exec /bin/sh -c "read -r line; read -r line; env; kill -s 0 \$\$ && sed -n s/^SigIgn://p /proc/self/status"
http connect unix:$NGINX_UNIX
redis connect 127.0.0.1:$REDIS_PORT
ssh exec $SSHD -i -f $SSHD_CONFIG
text="{NO}" connect 127.0.0.1:$(free_port)
any reject
END
syslog=$T/log/syslog

served_by() { # NAME
	talk 127.0.0.1:"$PORT" $'GET / HTTP/1.0\r\n\r\n'
	like "$ANSWER" $'^HTTP/1\\.1 200 .*nginx GET  unix:$' "$1: HTTP, and nothing but nginx's answer"
	ok "$1: logged to syslog" wait_log "usher(\[[0-9]+\])?: client=127\.0\.0\.1:[0-9]+ protocol=http .*rule=2 .*end=backend$" \
	    "$syslog"
	talk --await=hello 127.0.0.1:"$PORT" $'*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n'
	is "$END" match "$1: Redis reaches Redis"
	# shellcheck disable=SC2016
	run "${SSH[@]}" -p "$PORT" 127.0.0.1 'echo "$SSH_CONNECTION"; exit 5'
	is "$STATUS" 5 "$1: ssh runs a command by sshd -i"
	like "$OUT" "^127\.0\.0\.1 [0-9]+ 127\.0\.0\.1 $PORT$" "$1: sshd sees the client's address"
	talk 127.0.0.1:"$PORT" $'GET /env HTTP/1.0\r\n\r\n'
	like "$ANSWER" 'REMOTE_ADDR=127\.0\.0\.1.*USHER_PATH=/env|USHER_PATH=/env.*REMOTE_ADDR=127\.0\.0\.1' \
	    "$1: exec has the client in the environment"
	# make and others start programs by glibc's posix_spawn, which leaves its own two signals (32 and 33) ignored.
	like "$ANSWER" $'\n\t0000000[01][08]0000000$' "$1: exec has default signals"
	talk 127.0.0.1:"$PORT" $'\001'
	is "$END/$ANSWER" reset/ "$1: reject resets"
	talk 127.0.0.1:"$PORT" '{NO}'
	is "$END/$ANSWER" reset/ "$1: backend down: the client is reset and reads no error"
	ok "$1: backend down: syslog has it" wait_log "usher(\[[0-9]+\])?: client=.*end=backend-unreachable$" "$syslog"
	: > "$syslog"
}

# --- xinetd ---
if program xinetd xinetd; then
	unit=$TESTS/../units/usher.xinetd
	[ -e "$unit" ] || unit=$unit.in
	PORT=$(free_port)
	# What units/usher.xinetd says, on a port of ours, and on 127.0.0.1 alone.
	xinetd_file() { # SERVER-ARGUMENTS
		{
			printf 'defaults\n{\n}\n'
			sed -e "s|^\(\tport\s*=\).*|\1 $PORT|" -e "s|^\(\tserver\s*=\).*|\1 $USHER|" -e "s|^\(\tserver_args\s*=\).*|\1 $1|" \
			    -e "s|^\(\tdisable\s*=\).*|\1 no|" -e "s|^\(\tflags\s*=\).*IPv6.*|\tbind = 127.0.0.1|" "$unit"
		} > "$T/xinetd.conf"
	}
	xinetd_file "--config $T/rules"
	start xinetd "$PROGRAM" -dontfork -f "$T/xinetd.conf" -pidfile "$T/xinetd.pid"
	xinetd=$PID
	await xinetd "$PORT"
	served_by 'xinetd, units/usher.xinetd'
	end "$xinetd"
	PORT=$(free_port)
	xinetd_file "--http unix:$NGINX_UNIX --redis 127.0.0.1:$REDIS_PORT --timeout 2s"
	start xinetd "$PROGRAM" -dontfork -f "$T/xinetd.conf" -pidfile "$T/xinetd.pid"
	await xinetd "$PORT"
	talk 127.0.0.1:"$PORT" $'GET / HTTP/1.0\r\n\r\n'
	like "$ANSWER" 'nginx GET' 'xinetd, rules by flags: HTTP reaches nginx'
	talk --await=hello 127.0.0.1:"$PORT" $'*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n'
	is "$END" match 'xinetd, rules by flags: Redis reaches Redis'
else
	skip 'xinetd' 'it is neither installed nor to be had'
fi

# --- openbsd-inetd ---
if program inetd openbsd-inetd; then
	PORT=$(free_port)
	echo "127.0.0.1:$PORT stream tcp nowait $ME $USHER usher --config $T/rules" > "$T/inetd.conf"
	: > "$syslog"
	start inetd "$PROGRAM" -i "$T/inetd.conf"
	await inetd "$PORT"
	served_by openbsd-inetd
else
	skip 'openbsd-inetd' 'it is neither installed nor to be had'
fi

# --- tcpserver, with standard error as an inetd has it ---
: > "$syslog"
# shellcheck disable=SC2016
serve_tcp inetd-like /bin/sh -c 'exec "$0" "$@" 2>&1' "$USHER" --config "$T/rules"
served_by 'tcpserver'

# --- a syslog daemon that does not read, and whose queue is full ---
kill -STOP "$syslog_pid"
# shellcheck disable=SC2016
perl -MIO::Socket::UNIX -MSocket -e '
	my $log = IO::Socket::UNIX->new(Peer => "/dev/log", Type => SOCK_DGRAM) or die "/dev/log: $!\n";
	$log->blocking(0);
	my $sent = 0;
	$sent++ while $sent < 100000 && defined $log->send("full");
	print "$sent\n"; exit !($sent > 0 && $sent < 100000)' > "$T/out" || bail "the queue of /dev/log cannot be filled: $(cat "$T/out")"
for rule in 'any exec /bin/echo served' "any connect unix:$NGINX_UNIX" 'any reply served'; do
	# shellcheck disable=SC2016
	serve_tcp deaf-log /bin/sh -c 'exec "$0" "$@" 2>&1' "$USHER" "$rule"
	talk 127.0.0.1:"$PORT" $'GET / HTTP/1.0\r\n\r\n'
	like "$ANSWER" 'served|nginx GET' "a syslog daemon that does not read, $rule: it is served"
	end "$PID"
done
PORT=$(free_port)
start deaf-log "$USHER" --log syslog --max-per-source 2 --when-full refuse --listen 127.0.0.1:"$PORT" \
    'text=wait exec /bin/cat' 'any reply served'
deaf=$PID
# shellcheck disable=SC2317  # wait_for calls it
answers() { # TEXT
	talk 127.0.0.1:"$PORT" x
	[ "$ANSWER" = "$1" ]
}
await deaf-log "$PORT"
ok 'a syslog daemon that does not read, --listen: it is served' wait_for answers served
exec 7<> /dev/tcp/127.0.0.1/"$PORT" 8<> /dev/tcp/127.0.0.1/"$PORT"
echo wait >&7
echo wait >&8
ok 'a syslog daemon that does not read, --listen: one client too many is refused, which the listening process logs' wait_for answers ''
exec 7>&- 8>&-
ok 'a syslog daemon that does not read, --listen: the next client is served again' wait_for answers served
end "$deaf"
kill -CONT "$syslog_pid"

# --- one that is started anew while a connection is relayed, by a process that cannot open a socket any more ---
# shellcheck disable=SC2016
serve_tcp new-log /bin/sh -c 'exec "$0" "$@" 2>&1' "$USHER" "http connect 127.0.0.1:$NGINX_PORT"
exec 7<> /dev/tcp/127.0.0.1/"$PORT"
printf 'GET /one HTTP/1.1\r\nHost: a\r\n\r\n' >&7
ok 'a connection is relayed' timeout "$WAIT" grep -q -m 1 'nginx GET' <&7
end "$syslog_pid"
umount "$(readlink -f /dev/log)"
rm -f "$T/devlog"
put_log
# whoever relays is nobody by then
chmod 666 "$T/devlog"
: > "$syslog"
exec 7>&-
ok 'a syslog daemon that was started anew gets the line of a connection from before' wait_log \
    'usher(\[[0-9]+\])?: client=.*path=/one.*end=(client|backend)$' "$syslog"

finish
