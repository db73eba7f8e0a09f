#!/bin/bash
# shellcheck disable=SC2317
#
# connect ... transparent, between namespaces: a client, the machine that usher is on, and one whose gateway that is.  Real servers on
# both see the client's address; without the capability or the routing the log says what to check.
if [ -z "${USHER_TEST_NAMESPACE-}" ] && [ "$(id -u)" -eq 0 ]; then
	USHER_TEST_NAMESPACE=yes exec unshare --net --mount --propagation private "$0" "$@"
fi
# shellcheck source=tests/lib.sh disable=SC1091,SC2317
. "$(dirname "$0")/../lib.sh"
[ "$(id -u)" -eq 0 ] || skip_all 'needs root'
need unshare ip nft nginx curl sshd ssh setpriv
need_usher
routing=$TESTS/../units/usher-transparent

# --- client 10.9.1.2 -- 10.9.1.1, usher, 10.9.2.1 -- 10.9.2.2 far ---
mount -t tmpfs none /run || bail 'mount'
mkdir /run/sshd
for name in client far; do
	ip netns add "$name" || bail "ip netns add $name"
	ip -n "$name" link set lo up
done
ip link set lo up
connect() { # NUMBER NAME
	ip link add "to-$2" type veth peer name eth0 netns "$2"
	ip addr add "10.9.$1.1/24" dev "to-$2"
	ip addr add "fd09:$1::1/64" dev "to-$2" nodad
	ip link set "to-$2" up
	ip -n "$2" addr add "10.9.$1.2/24" dev eth0
	ip -n "$2" addr add "fd09:$1::2/64" dev eth0 nodad
	ip -n "$2" link set eth0 up
	ip -n "$2" route add default via "10.9.$1.1"
	ip -n "$2" route add default via "fd09:$1::1"
}
connect 1 client
connect 2 far
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 1 > /proc/sys/net/ipv6/conf/all/forwarding

serve_nginx() { # NAME [COMMAND...]
	cat > "$T/$1.conf" << END
daemon off;
worker_processes 1;
pid $T/$1.pid;
error_log $T/log/$1-error;
events { }
http {
	access_log off;
	client_body_temp_path $T/$1-body;
	proxy_temp_path $T/$1-proxy;
	fastcgi_temp_path $T/$1-fastcgi;
	uwsgi_temp_path $T/$1-uwsgi;
	scgi_temp_path $T/$1-scgi;
	server { listen 8000; listen [::]:8000; return 200 "$1 \$remote_addr \$remote_port\n"; }
}
END
	start "$1" "${@:2}" nginx -c "$T/$1.conf" -p "$T"
}
serve_nginx near
serve_nginx far ip netns exec far
wait_for curl -s -o "$T/up" http://127.0.0.1:8000/ || bail 'nginx does not answer'
wait_for curl -s -o "$T/up" http://10.9.2.2:8000/ || bail 'nginx on the other machine does not answer'

# listen ARGUMENT...: usher at port 443 of all addresses.
listen() {
	LOG=$T/log/listen-$((++listening))
	start "${LOG##*/}" "${AS[@]}" "$USHER" --log stderr --listen 443 "$@"
	wait_log 'listening on ' "$LOG" || bail 'usher does not listen'
}
listening=0
AS=(env)
become_user() { # CAPABILITIES
	AS=(setpriv --reuid=4711 --regid=4711 --clear-groups --inh-caps="$1" --ambient-caps="$1")
}
get() { # ADDRESS [PORT]: GOT is what the client gets, FROM the port that it came from
	GOT=$(ip netns exec client curl -0 -s -g --max-time "$WAIT" --local-port "${2:-30000-50000}" -w '%{local_port}\n' "http://$1:443/")
	FROM=$(tail -n 1 <<< "$GOT")
	GOT=$(head -n -1 <<< "$GOT")
}

# --- without the routing ---
listen 'any connect 127.0.0.1:8000 transparent connect-timeout=1s'
get 10.9.1.1
is "$GOT" '' 'without the routing nobody is served'
ok 'without the routing the log says what to check' \
    wait_log 'error="127\.0\.0\.1:8000: [A-Z][a-z]* timed out \(transparent: does usher-transparent\.service run\?\)" '
end "$PID"

# --- with it ---
ok 'usher-transparent start succeeds' "$routing" start
ok 'usher-transparent start can be repeated' "$routing" start
is "$(ip rule list | grep -c 'fwmark 0x75736872 lookup 7573')" 1 'repeated, there is one rule'
for as in root 'an ordinary user with CAP_NET_ADMIN'; do
	[ "$as" = root ] || become_user -all,+net_admin,+net_bind_service
	for backend in 127.0.0.1 10.9.1.1 10.9.2.2; do
		listen "any connect $backend:8000 transparent"
		get 10.9.1.1
		where=near
		[ "$backend" != 10.9.2.2 ] || where=far
		is "$GOT" "$where 10.9.1.2 $FROM" "$as: a backend at $backend sees the client's address and port"
		get '[fd09:1::1]'
		is "$GOT" '' "$as: a client of the other family is not served by $backend"
		ok "$as: the log says why, $backend" \
		    wait_log 'error="[0-9.]*:8000: Address family not supported.* \(transparent: client and backend must both be '
		end "$PID"
	done
	for backend in ::1 fd09:1::1 fd09:2::2; do
		listen "any connect [$backend]:8000 transparent"
		get '[fd09:1::1]'
		where=near
		[ "$backend" != fd09:2::2 ] || where=far
		is "$GOT" "$where fd09:1::2 $FROM" "$as: a backend at $backend sees the client's address and port"
		end "$PID"
	done
done
listen "any connect 127.0.0.1:8000,[::1]:8000 transparent"
get 10.9.1.1
is "$GOT" "near 10.9.1.2 $FROM" 'a backend of each family: a client of IPv4'
get '[fd09:1::1]'
is "$GOT" "near fd09:1::2 $FROM" 'a backend of each family: a client of IPv6'
is "$(curl -s --max-time "$WAIT" http://127.0.0.1:443/ | cut -d ' ' -f 1,2)" 'near 127.0.0.1' 'a client on this machine is served'
end "$PID"

# --- many, from the same port, again and again ---
listen "any connect 127.0.0.1:8000 transparent"
# reads to the end, so that it is not the client's port that the kernel keeps for a while
cat > "$T/again.pl" << 'END'
use IO::Socket::INET;
my $s = IO::Socket::INET->new(LocalAddr => '10.9.1.2', LocalPort => 40000, ReuseAddr => 1, PeerAddr => '10.9.1.1:443') or die "$@";
print $s "GET / HTTP/1.0\r\n\r\n";
print <$s>;
END
same=0
for _ in {1..10}; do
	same=$((same + $(ip netns exec client perl "$T/again.pl" | grep -c '^near 10\.9\.1\.2 ')))
done
is "$same" 10 'a client that comes from the same port again and again is served each time, by its address'
# two connections from one port of the client, to two addresses of this machine: one must come to the backend from another port
cat > "$T/twice.pl" << 'END'
use IO::Socket::INET;
my @s = map { IO::Socket::INET->new(LocalAddr => '10.9.1.2', LocalPort => 40001, ReuseAddr => 1, PeerAddr => "$_:443") or die "$_: $@" }
    '10.9.1.1', '10.9.2.1';
for my $s (@s) {
	print $s "GET / HTTP/1.0\r\n";
	select(undef, undef, undef, 0.3);
}
for my $s (@s) {
	print $s "\r\n";
	print grep { /^near/ } <$s>;
}
END
is "$(ip netns exec client perl "$T/twice.pl" | cut -d ' ' -f 1,2)" $'near 10.9.1.2\nnear 10.9.1.2' \
    'two connections from one port of the client: both are served, by its address'
ip netns exec client perl "$TESTS/helpers/flood.pl" --time="$WAIT" --count=500 --say=$'GET / HTTP/1.0\r\n\r\n' --expect='near 10\.9\.1\.2 ' \
    10.9.1.1:443 > "$T/flood" 2>> "$T/log/flood"
like "$(cat "$T/flood")" '^ok=500 ' 'five hundred connections, eight at a time'
end "$PID"

# --- sshd ---
sshd_keys
start sshd "$(command -v sshd)" -D -e -f "$SSHD_CONFIG" -o ListenAddress=127.0.0.1:2222
await sshd 2222
listen 'ssh connect 127.0.0.1:2222 transparent' 'any reject'
# shellcheck disable=SC2016 # for the other end
is "$(ip netns exec client "${SSH[@]}" -o HostKeyAlias=host -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -p 443 10.9.1.1 \
    'echo ${SSH_CONNECTION% * *}' | cut -d ' ' -f 1)" 10.9.1.2 "sshd sees the client's address"
end "$PID"

# --- without the capability ---
become_user -all,+net_bind_service
listen 'any connect 127.0.0.1:8000 transparent'
get 10.9.1.1
is "$GOT" '' 'without the capability nobody is served'
ok 'without the capability the log says so' \
    wait_log 'error="127\.0\.0\.1:8000: Operation not permitted \(transparent needs CAP_NET_ADMIN\)" '
end "$PID"

# --- nothing stays ---
ok 'usher-transparent stop succeeds' "$routing" stop
ok 'usher-transparent stop can be repeated' "$routing" stop
is "$(ip rule list; ip -6 rule list; ip route show table all; nft list tables)" \
    "$(ip rule list; ip -6 rule list; ip route show table all | grep -v 7573)" 'nothing of the routing stays'
is "$(cat /proc/sys/net/ipv4/tcp_fwmark_accept)" 0 'tcp_fwmark_accept is as it was'
finish
