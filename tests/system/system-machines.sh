#!/bin/bash
# shellcheck disable=SC2317
#
# More than one machine, as usher.conf(5) has it: HAProxy in front of three hosts, each a namespace with an usher and an nginx of its own;
# the client's address goes from HAProxy to usher to nginx by PROXY protocol.  One host dies, one is drained.
if [ -z "${USHER_TEST_NAMESPACE-}" ] && [ "$(id -u)" -eq 0 ]; then
	USHER_TEST_NAMESPACE=yes exec unshare --net --mount --propagation private "$0" "$@"
fi
# shellcheck source=tests/lib.sh disable=SC1091,SC2317
. "$(dirname "$0")/../lib.sh"
[ "$(id -u)" -eq 0 ] || skip_all 'needs root'
need unshare ip nginx haproxy pgrep
need_usher
each=20

# --- this namespace is HAProxy's, 10.9.N.1; a host is 10.9.N.2, and so is the client, with N 9 ---
mount -t tmpfs none /run || bail 'mount'
ip link set lo up
machine() { # NAME N
	ip netns add "$1" || bail "ip netns add $1"
	ip -n "$1" link set lo up
	ip link add "to-$1" type veth peer name eth0 netns "$1"
	ip addr add "10.9.$2.1/24" dev "to-$1"
	ip link set "to-$1" up
	ip -n "$1" addr add "10.9.$2.2/24" dev eth0
	ip -n "$1" link set eth0 up
	ip -n "$1" route add default via "10.9.$2.1"
}
declare -A usher nginx
machine client 9
for n in 1 2 3; do
	machine "host$n" "$n"
	cat > "$T/nginx$n.conf" << END
daemon off;
master_process off;
pid $T/nginx$n.pid;
error_log $T/log/nginx$n-error;
events { }
http {
	access_log off;
	client_header_timeout 600s;
	client_body_temp_path $T/nginx$n-body;
	proxy_temp_path $T/nginx$n-proxy;
	fastcgi_temp_path $T/nginx$n-fastcgi;
	uwsgi_temp_path $T/nginx$n-uwsgi;
	scgi_temp_path $T/nginx$n-scgi;
	server { listen 127.0.0.1:8000 proxy_protocol; return 200 "host$n \$proxy_protocol_addr\n"; }
}
END
	start "nginx$n" ip netns exec "host$n" nginx -c "$T/nginx$n.conf" -p "$T"
	nginx[$n]=$PID
	start "usher$n" ip netns exec "host$n" "$USHER" --log stderr --listen "10.9.$n.2:443" --accept-proxy "10.9.$n.1" \
	    'any connect 127.0.0.1:8000 proxy=v2'
	usher[$n]=$PID
	wait_log 'listening on ' "$T/log/usher$n" || bail "the usher of host $n does not listen"
done
cat > "$T/haproxy.cfg" << END
global
	stats socket $T/haproxy.admin level admin
defaults
	mode tcp
	timeout connect 5s
	timeout client 600s
	timeout server 600s
	retries 3
	option redispatch 1
listen shared
	bind :443
	balance roundrobin
	default-server send-proxy-v2 check check-send-proxy inter 200ms fall 2 rise 1
	server host1 10.9.1.2:443
	server host2 10.9.2.2:443
	server host3 10.9.3.2:443
END
start haproxy haproxy -db -f "$T/haproxy.cfg"
wait_for listening 443 || bail 'haproxy does not listen'

flood() { # ARGUMENT...
	RESULT=$(ip netns exec client perl "$TESTS/helpers/flood.pl" --time="$WAIT" --say=$'GET / HTTP/1.0\r\n\r\n' "$@" 10.9.9.1:443 2>> "$T/log/flood")
}
# Requests without a pause, until end_load; what became of them is in $T/load.
begin_load() {
	rm -f "$T/enough"
	ip netns exec client perl "$TESTS/helpers/flood.pl" --time=300 --count=1000000 --until="$T/enough" --workers=4 \
	    --say=$'GET / HTTP/1.0\r\n\r\n' --expect='host[123] 10\.9\.9\.2' 10.9.9.1:443 > "$T/load" 2>> "$T/log/flood" &
	load=$!
	flood --count=50
}
end_load() {
	flood --count=50
	touch "$T/enough"
	wait "$load"
	diag "load: $(cat "$T/load")"
}
# Requests whose end is sent when they are let go.
hold() { # NAME N
	ip netns exec client perl "$TESTS/helpers/flood.pl" --time=300 --hold="$T/$1.hold" --count="$2" --workers=1 --say=$'GET / HTTP/1.0\r\nX-A: ' \
	    --then=$'x\r\n\r\n' --expect='host[123] 10\.9\.9\.2' 10.9.9.1:443 > "$T/$1.done" 2>> "$T/log/flood" &
	BEHIND=$!
	wait_for test -e "$T/$1.hold.held" || bail "$1: the connections are not open"
}
let_go() { # NAME PID
	touch "$T/$1.hold"
	wait "$2"
}
# How many connections the usher of host N serves, less the one process that waits for the next.
connections_of() { # N
	echo $(($(pgrep -c -P "${usher[$1]}") - $(pgrep -c -f -P "${usher[$1]}" '^usher: ready for the next')))
}
has_closed() { # N
	! ip netns exec "host$1" grep -q ':01BB 00000000:0000 0A' /proc/net/tcp
}
all_held() {
	local n

	for n in 1 2 3; do
		[ "$(connections_of "$n")" -eq "$each" ] || return
	done
}

flood --count=300 --expect='host[123] 10\.9\.9\.2'
like "$RESULT" '^ok=300 ' "three hosts: every backend sees the client's own address, through two proxies"

# --- one dies under load ---
hold dies $((3 * each))
held=$BEHIND
ok 'each host has a third of the connections' wait_for all_held
begin_load
pkill -KILL -P "${usher[2]}"
kill -KILL "${usher[2]}" "${nginx[2]}"
let_go dies "$held"
like "$(cat "$T/dies.done")" "^ok=$((2 * each)) refused=0 reset=$each " 'a host dies: lost are exactly the connections on it'
end_load
like "$(cat "$T/load")" '^ok=[1-9][0-9]* refused=0 reset=[0-8] ' 'a host dies under load: of the others no more than were on it just then are lost'
flood --count=100 --expect='host[13] 10\.9\.9\.2'
like "$RESULT" '^ok=100 ' 'a host has died: all others are served'

# --- one is drained ---
hold drained $((2 * each))
held=$BEHIND
begin_load
# what is in the backlog of a listener that is closed is reset, so HAProxy is told first
perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die; print $s "set server shared/host3 state drain\n"; print <$s>' \
    "$T/haproxy.admin" > "$T/log/admin" 2>&1
flood --count=200
kill -TERM "${usher[3]}"
wait_for has_closed 3
flood --count=100 --expect='host1 10\.9\.9\.2'
like "$RESULT" '^ok=100 ' 'a host is drained: who comes now is served by the other'
end_load
like "$(cat "$T/load")" '^ok=[1-9][0-9]* refused=0 reset=0 wrong=0 timeout=0 other=0' 'a host is drained under load: nobody is lost'
is "$(kill -0 "${usher[3]}" && echo runs)" runs 'a host is drained: its usher stays as long as it has connections'
let_go drained "$held"
like "$(cat "$T/drained.done")" "^ok=$((2 * each)) " 'a host is drained: the connections that it had are served to their end'
ok 'a host is drained: then its usher has gone' wait_for gone "${usher[3]}"
finish
