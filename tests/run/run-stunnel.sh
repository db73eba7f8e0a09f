#!/bin/bash
# Inside stunnel's exec: stunnel ends TLS and hands over a Unix socketpair, on which usher looks again.
# shellcheck source=tests/lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
need stunnel openssl nginx
need_usher

start_nginx
certificate stunnel.example
cat > "$T/rules" << END
http path=/env exec /bin/sh -c "read -r line; read -r line; env"
http connect unix:$NGINX_UNIX
ssh exec $(command -v sshd || echo /usr/sbin/sshd) -i -f $T/sshd_config -E $T/log/sshd-i
silent=2s reply "hello first\n"
any reject
END

# start_stunnel FOREGROUND: yes: usher's standard error is stunnel's; quiet: it is the socketpair.
start_stunnel() {
	PORT=$(free_port)
	LOG=$T/log/stunnel-$1
	cat > "$T/stunnel-$1.conf" << END
foreground = $1
pid =
output = $T/log/stunnel-$1.output
debug = warning
[shared]
accept = 127.0.0.1:$PORT
cert = $T/stunnel.example.pem
key = $T/stunnel.example.key
exec = $USHER
execArgs = usher --config $T/rules
END
	start "stunnel-$1" stunnel "$T/stunnel-$1.conf"
	await stunnel "$PORT"
}

# dribble TEXT: a byte, and so a TLS record, at a time.
dribble() {
	local i

	for ((i = 0; i < ${#1}; i++)); do
		printf %s "${1:i:1}"
		sleep 0.003
	done
}

# With -quiet s_client stays until the server ends the connection.
tls() {
	timeout "$WAIT" openssl s_client -quiet -connect "127.0.0.1:$PORT" -CAfile "$T/stunnel.example.pem" 2>> "$T/log/s_client"
}

http=$'GET / HTTP/1.0\r\nHost: www.example.org\r\n\r\n'
for foreground in yes quiet; do
	start_stunnel "$foreground"
	answer=$(printf %s "$http" | tls)
	like "$answer" $'^HTTP/1\\.1 200 .*nginx GET www\\.example\\.org unix:$' \
	    "foreground = $foreground: HTTP inside TLS reaches nginx, and nothing else is in the answer"
	answer=$(dribble "$http" | tls)
	like "$answer" 'nginx GET www\.example\.org unix:$' \
	    "foreground = $foreground: HTTP inside TLS, a byte at a time, reaches nginx"
	answer=$(printf 'GET /env HTTP/1.0\r\n\r\n' | tls)
	like "$answer" 'REMOTE_HOST=127\.0\.0\.1' "foreground = $foreground: stunnel tells the client as REMOTE_HOST"
	like "$answer" 'REMOTE_ADDR=127\.0\.0\.1' "foreground = $foreground: usher tells the client as REMOTE_ADDR"
	like "$answer" 'REMOTE_PORT=[0-9]+' "foreground = $foreground: usher tells the client's port as REMOTE_PORT"
	is "$(tls < /dev/null)" 'hello first' "foreground = $foreground: silence inside TLS is answered"
done
LOG=$T/log/stunnel-yes
ok 'the log has the address that stunnel told' wait_log 'client=127\.0\.0\.1:[0-9]+ protocol=http .*rule=2 '

if command -v sshd > /dev/null && command -v ssh > /dev/null; then
	sshd_keys
	run "${SSH[@]}" -o "ProxyCommand=openssl s_client -quiet -connect 127.0.0.1:$PORT" stunnel.example 'echo inside; exit 5'
	is "$STATUS/$OUT" 5/inside 'ssh inside TLS: sshd -i on the socketpair'
else
	skip 'ssh inside TLS' 'ssh is not installed'
fi

finish
