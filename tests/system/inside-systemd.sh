#!/bin/bash
# Run by system-systemd.sh inside a booted container with a network of its own, where usher and its units are installed and port 443
# is free: real activation by systemd.
# shellcheck source=tests/lib.sh disable=SC1091,SC2317
. "$(dirname "$0")/../lib.sh"
need_usher
diag "$(systemctl --version | head -n 1)"

CONFIG=${USHER_TEST_CONFIG:?}
PORT=443
http=$'GET / HTTP/1.0\r\n\r\n'
start_nginx
start_redis
sshd_keys
down=$(free_port)
good_rules() {
	cat << END
set timeout 2s
http path=/env   exec /bin/sh -c "read -r line; read -r line; env"
http             connect 127.0.0.1:$NGINX_PORT
redis            connect 127.0.0.1:$REDIS_PORT
ssh              exec $SSHD -i -f $SSHD_CONFIG
text="{DOWN}"    connect 127.0.0.1:$down
text="{CAT}"     exec /bin/cat
text="{LATE"     reject
any              reject
END
}
good_rules > "$CONFIG"

journal() { # OPTION...
	journalctl --no-pager -q -o cat -t usher "$@"
}
in_journal() { # REGEX OPTION...
	local regex=$1

	shift
	journal "$@" | grep -E "$regex"
}
connections() {
	systemctl list-units --all --no-legend --plain 'usher@*'
}
no_connections() {
	[ -z "$(connections)" ]
}
accepted() {
	systemctl show -p NAccepted --value usher.socket
}
# restart_socket DIRECTIVE...: with these settings of [Socket] beside the unit's own; none: as installed.
restart_socket() {
	rm -rf /run/systemd/system/usher.socket.d
	if [ $# -gt 0 ]; then
		mkdir -p /run/systemd/system/usher.socket.d
		printf '%s\n' '[Socket]' "$@" > /run/systemd/system/usher.socket.d/test.conf
	fi
	systemctl daemon-reload
	systemctl restart usher.socket
}

# --- the units ---
run systemd-analyze --man=no verify usher.socket usher@test.service
is "$STATUS" 0 'systemd-analyze verify reads the units'
is "$(grep -c usher "$T/err")" 0 'systemd-analyze verify has nothing to say' || diag "$ERR"
ok 'systemctl enable succeeds' systemctl enable usher.socket
ok 'systemctl start succeeds' systemctl start usher.socket
since=$(systemctl show -p ActiveEnterTimestampMonotonic usher.socket)

# --- served ---
talk 127.0.0.1:$PORT "$http"
like "$ANSWER" 'nginx GET' 'HTTP reaches nginx'
talk --bytewise --await='nginx GET' 127.0.0.1:$PORT "$http"
is "$END" match 'HTTP a byte at a time reaches nginx'
talk --await=hello 127.0.0.1:$PORT $'*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n'
is "$END" match 'Redis reaches Redis'
if [ -e /proc/net/if_inet6 ]; then
	# shellcheck disable=SC2016
	ok 'HTTP over IPv6 reaches nginx' perl -MIO::Socket::IP -e 'my $s = IO::Socket::IP->new(PeerHost => "::1", PeerPort => 443) or die "$!\n";
		syswrite($s, "GET / HTTP/1.0\r\n\r\n"); local $/; exit(<$s> !~ /nginx GET/)'
	ok 'HTTP over IPv6: its client is in the log' wait_for in_journal 'client=\[::1\]:[0-9]+ protocol=http '
fi
# shellcheck disable=SC2016
run "${SSH[@]}" -b 127.0.0.9 -p $PORT 127.0.0.1 'echo "$SSH_CONNECTION"; grep NoNewPrivs /proc/self/status; exit 5'
is "$STATUS" 5 'ssh runs a command by sshd -i'
like "$OUT" "^127\.0\.0\.9 [0-9]+ 127\.0\.0\.1 $PORT" 'sshd -i has the address of the client'
like "$OUT" 'NoNewPrivs:.0' 'a command of sshd -i may gain privileges (sudo)'
sshd_says() {
	journalctl --no-pager -q -o cat | grep -E 'Accepted publickey for .* from 127\.0\.0\.9 port '
}
ok "sshd's own line in the journal, which fail2ban reads, has the address of the client" wait_for sshd_says
talk 127.0.0.1:$PORT $'GET /env HTTP/1.0\r\n\r\n'
like "$ANSWER" 'REMOTE_ADDR=127\.0\.0\.1' 'exec: the client is in the environment'
unlike "$ANSWER" 'LISTEN_|NOTIFY_SOCKET' 'exec: nothing that was meant for usher is in the environment'

# --- seen ---
ok 'the journal has a line of an HTTP connection' wait_for in_journal \
    "^client=127\.0\.0\.1:[0-9]+ protocol=http method=GET path=/ rule=2 .*backend=127\.0\.0\.1:$NGINX_PORT .*end=backend\$"
talk 127.0.0.1:$PORT '{DOWN}'
is "$END" reset 'backend down: the client is reset'
ok 'backend down: the journal has it as an error' wait_for in_journal '^client=.*end=backend-unreachable$' -p err
is "$(journal -p err | grep -c protocol=http)" 0 'a connection that is no failure is no error in the journal'
start held perl "$TESTS/helpers/client.pl" --timeout="$WAIT" --await=never 127.0.0.1:$PORT '{CAT}'
held=$PID
one_connection() {
	[ "$(connections | wc -l)" -eq 1 ]
}
ok 'an open connection is a unit' wait_for one_connection
run systemctl --no-pager status 'usher@*'
like "$OUT" '127\.0\.0\.1:443-127\.0\.0\.1:[0-9]+' 'systemctl status has the addresses of both ends'
like "$OUT" 'Active: active \(running\)' 'systemctl status says that the connection runs'
run systemctl --no-pager status usher.socket
like "$OUT" 'Accepted: [1-9][0-9]*; Connected: 1' 'systemctl status usher.socket counts the connection'
end "$held"
ok 'a connection that has ended is no unit any more' wait_for no_connections

# --- 500 connections, of every kind, faster than systemd's own limit allows ---
before=$(accepted)
cat > "$T/crowd.pl" << 'END'
use strict;
use warnings;
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_LINGER);
my @say = ("GET / HTTP/1.0\r\n\r\n", "*1\r\n\$4\r\nPING\r\n", "{DOWN}", "{CAT}", "\001", "SSH-2.0-x\r\n", "", "G", "{RESET");
my ($count, $good) = (0, 0);
for my $worker (1 .. 10) {
	next if fork;
	for my $n (1 .. 50) {
		my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1:443', LocalAddr => "127.0.1.$worker", Timeout => 20) or exit 1;
		my $say = $say[($worker + $n) % @say];
		syswrite($s, $say);
		setsockopt($s, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0)) if $say eq '{RESET';
		if ($say =~ /^GET /) {
			local $/;
			exit 2 unless <$s> =~ /nginx GET/;
		} elsif ($say =~ /^\*/) {
			exit 3 unless <$s> eq "+PONG\r\n";
		} elsif ($say =~ /^SSH/) {
			exit 4 unless <$s> =~ /^SSH-2.0-OpenSSH/;
		}
		close($s);
	}
	exit 0;
}
my $failed = 0;
while (wait != -1) {
	$failed = $? >> 8 if $?;
}
exit $failed;
END
ok '500 connections: each that asked was answered' perl "$T/crowd.pl"
# systemd does not count a connection that was reset before it looked, as 55 of them may be.
count_accepted() {
	local n=$(($(accepted) - before))

	[ "$n" -ge 445 ] && [ "$n" -le 500 ]
}
ok '500 connections: systemd accepted all that were still there' wait_for count_accepted
ok '500 connections: no unit is left' wait_for no_connections || diag "$(connections)"
is "$(systemctl list-units --failed --no-legend --plain 'usher*')" '' '500 connections: no unit has failed'
is "$(systemctl is-active usher.socket)" active '500 connections: the socket is active'
talk 127.0.0.1:$PORT "$http"
like "$ANSWER" 'nginx GET' 'after 500 connections HTTP reaches nginx'

# --- a bad configuration file ---
printf '# a comment\nhttp connect 127.0.0.1:%s\nssh exce /bin/false\n' "$NGINX_PORT" > "$CONFIG"
talk 127.0.0.1:$PORT "$http"
like "$END" 'eof|reset' 'a bad configuration file: the connection ends'
ok 'a bad configuration file: the journal says where' wait_for in_journal "^$CONFIG:3: \"exce\": " -p err
good_rules > "$CONFIG"
talk 127.0.0.1:$PORT "$http"
like "$ANSWER" 'nginx GET' 'a configuration file that is good again: the next connection is served'
is "$(systemctl show -p ActiveEnterTimestampMonotonic usher.socket)" "$since" \
    'a configuration file that is good again: nobody touched the socket unit'
ok 'a configuration file that was bad: no unit is left' wait_for no_connections

# --- limits ---
restart_socket MaxConnections=2
for n in 1 2; do
	start "held-$n" perl "$TESTS/helpers/client.pl" --timeout="$WAIT" --await=never 127.0.0.1:$PORT '{CAT}'
	held[n]=$PID
done
two_connections() {
	[ "$(connections | grep -c running)" -eq 2 ]
}
ok 'MaxConnections=2: two are served' wait_for two_connections
talk 127.0.0.1:$PORT "$http"
like "$END/$ANSWER" '^(eof|reset)/$' 'MaxConnections=2: the third is closed'
end "${held[@]:1}"
ok 'MaxConnections=2: both end' wait_for no_connections
talk 127.0.0.1:$PORT "$http"
like "$ANSWER" 'nginx GET' 'MaxConnections=2: there is room again'
restart_socket MaxConnectionsPerSource=1
start held-3 perl "$TESTS/helpers/client.pl" --timeout="$WAIT" --source=127.0.0.5 --await=never 127.0.0.1:$PORT '{CAT}'
held[3]=$PID
ok 'MaxConnectionsPerSource=1: one is served' wait_for one_connection
talk --source=127.0.0.5 127.0.0.1:$PORT "$http"
unlike "$ANSWER" 'nginx GET' 'MaxConnectionsPerSource=1: the second of that address is not served'
talk --source=127.0.0.6 127.0.0.1:$PORT "$http"
like "$ANSWER" 'nginx GET' 'MaxConnectionsPerSource=1: one of another address is served'
end "${held[3]}"

# --- the socket as LISTEN_FDS in place of standard input ---
mkdir -p /run/systemd/system/usher@.service.d
printf '[Service]\nStandardInput=null\n' > /run/systemd/system/usher@.service.d/test.conf
restart_socket 'FileDescriptorName=web'
talk 127.0.0.1:$PORT "$http"
like "$ANSWER" 'nginx GET' 'LISTEN_FDS: HTTP is relayed'
talk --shutdown 127.0.0.1:$PORT '{CAT}' ' and more'
is "$ANSWER" '{CAT} and more' 'LISTEN_FDS: exec runs the program'
ok 'LISTEN_FDS: no unit is left' wait_for no_connections
is "$(systemctl list-units --failed --no-legend --plain)" '' 'no unit of this machine has failed'

if [ "$failed" -gt 0 ]; then
	journalctl --no-pager -q -n 200 > "$T/log/journal"
fi
finish
