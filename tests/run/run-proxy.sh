#!/bin/bash
# The PROXY protocol: what real servers read in the headers that usher sends, and what usher reads in those of real proxies.
# shellcheck source=tests/lib.sh disable=SC1091,SC2317
. "$(dirname "$0")/../lib.sh"
need nginx haproxy openssl curl stunnel4 tcpserver apache2 varnishd
need_usher

request=$'GET / HTTP/1.0\r\nHost: a\r\n\r\n'
signature=0d0a0d0a000d0a515549540a

# --- the servers ---
certificate www.example
cat "$T/www.example.key" "$T/www.example.pem" > "$T/both.pem"
NGINX_PROXY=$(free_port)
HAPROXY=$(free_port)
HAPROXY_TLS=$(free_port)
# shellcheck disable=SC2034 # start_nginx takes it
NGINX_EXTRA="server {
		listen 127.0.0.1:$NGINX_PROXY proxy_protocol;
		listen unix:$T/behind.sock proxy_protocol;
		return 200 \"\$proxy_protocol_addr \$proxy_protocol_port \$proxy_protocol_server_addr \$proxy_protocol_server_port\n\";
	}"
start_nginx
cat > "$T/haproxy.cfg" << END
defaults
	mode http
	timeout connect 20s
	timeout client 60s
	timeout server 60s
listen plain
	bind 127.0.0.1:$HAPROXY accept-proxy
	bind unix@$T/haproxy.sock accept-proxy
	http-request return content-type text/plain lf-string "%[src] %[src_port] %[dst] %[dst_port] id=%[fc_pp_unique_id]\n"
listen tls
	bind 127.0.0.1:$HAPROXY_TLS accept-proxy ssl crt $T/both.pem alpn h2,http/1.1
	http-request return content-type text/plain lf-string "%[src] %[src_port] %[fc_pp_authority] id=%[fc_pp_unique_id]\n"
END
start haproxy haproxy -db -f "$T/haproxy.cfg"
await haproxy "$HAPROXY"

APACHE=$(free_port)
modules=$(dirname "$(find /usr/lib /usr/lib64 -name mod_remoteip.so 2> /dev/null | head -n 1)")
cat > "$T/apache.conf" << END
ServerRoot $T
ServerName localhost
PidFile $T/apache.pid
ErrorLog $T/log/apache-error
Listen 127.0.0.1:$APACHE
$(for name in mpm_event authz_core remoteip; do echo "LoadModule ${name}_module $modules/mod_$name.so"; done)
RemoteIPProxyProtocol On
LogFormat "%a %{c}a" client
CustomLog $T/log/apache-access client
ErrorDocument 404 "apache"
$([ "$(id -u)" -ne 0 ] || printf 'User #65534\nGroup #65534\n')
END
start apache apache2 -D FOREGROUND -f "$T/apache.conf"
await apache "$APACHE"
VARNISH=$(free_port)
cat > "$T/varnish.vcl" << 'END'
vcl 4.1;
import std;
backend default none;
sub vcl_recv { return (synth(200, client.ip + " " + std.port(client.ip) + " " + server.ip + " " + std.port(server.ip))); }
sub vcl_synth { synthetic(resp.reason); return (deliver); }
END
start varnish varnishd -F -j none -n "$T/varnish" -a "127.0.0.1:$VARNISH,PROXY" -f "$T/varnish.vcl" -T none

# serve_listening ARGUMENT...: usher at PORT of both families, and at $T/usher.sock.
serve_listening() {
	LOG=$T/log/listening-$((++listening))
	rm -f "$T/usher.sock"
	start "${LOG##*/}" "$USHER" --log stderr --listen 127.0.0.1:0 --listen "unix:$T/usher.sock" "$@"
	wait_log 'listening on 127\.0\.0\.1:[0-9]+' "$LOG" || bail 'usher does not listen'
	PORT=$(sed -nE 's/^.*listening on 127\.0\.0\.1:([0-9]+).*/\1/p' "$LOG" | head -n 1)
}
listening=0

get() { # URL OPTION...
	GOT=$(curl -s -g -k --max-time "$WAIT" --resolve "www.example:$PORT:127.0.0.1" "${@:2}" "$1")
}

# --- out: servers read it ---
for version in v1 v2; do
	for name in nginx HAProxy 'HAProxy at a Unix socket' 'nginx at a Unix socket'; do
		case $name in
		nginx) backend=127.0.0.1:$NGINX_PROXY ;;
		HAProxy) backend=127.0.0.1:$HAPROXY ;;
		nginx*) backend=unix:$T/behind.sock ;;
		*) backend=unix:$T/haproxy.sock ;;
		esac
		for server in listening tcpserver; do
			case $server in
			listening) serve_listening "http connect $backend proxy=$version" 'any reject' ;;
			*) serve_usher "http connect $backend proxy=$version" 'any reject' 'text=xyz exec /bin/true' ;;
			esac
			get "http://127.0.0.1:$PORT/" --local-port 40000-60000
			wait_log 'end=(client|backend)$'
			from=$(sed -nE 's/.*client=([^ ]*):([0-9]*) .*/\1 \2/p' <<< "$LINE")
			like "$GOT" "^$from 127\.0\.0\.1 $PORT( id=[0-9a-f]*)?\$" "$version to $name, $server: it knows both ends"
			id=$(sed -nE 's/.* id=([0-9a-f]{32}) .*/\1/p' <<< "$LINE")
			[ "$version/${name%% *}" != v2/HAProxy ] ||
			    is "${GOT##*id=}" "$id" "$version to $name, $server: the id is that of the log"
			[ "$version" = v2 ] || is "$id" '' "$version to $name, $server: there is no id"
			talk --shutdown "unix:$T/usher.sock" "$request"
			[ "$server" = tcpserver ] || like "$ANSWER" '^HTTP/1.1 200' "$version to $name: a client at a Unix socket is served"
			end "$PID"
		done
	done
done
await varnish "$VARNISH"
for version in v1 v2; do
	serve_listening "http connect 127.0.0.1:$VARNISH proxy=$version" 'any reject'
	get "http://127.0.0.1:$PORT/" --interface 127.0.0.5
	like "$GOT" "^127\.0\.0\.5 [0-9]+ 127\.0\.0\.1 $PORT\$" "$version to Varnish: it knows both ends"
	end "$PID"
	serve_listening "http connect 127.0.0.1:$APACHE proxy=$version" 'any reject'
	get "http://127.0.0.1:$PORT/" --interface 127.0.0.5
	is "$GOT" apache "$version to Apache: it answers"
	ok "$version to Apache: its log has the client, and who connected" wait_log '^127\.0\.0\.5 127\.0\.0\.1$' "$T/log/apache-access"
	: > "$T/log/apache-access"
	end "$PID"
done
serve_listening "tls connect 127.0.0.1:$HAPROXY_TLS proxy=v2" 'any reject'
get "https://www.example:$PORT/"
like "$GOT" '^127\.0\.0\.1 [0-9]+ www\.example id=[0-9a-f]{32}$' 'v2 to HAProxy behind TLS: it knows the name that was asked for'
end "$PID"
serve_listening --proxy v2 "http connect 127.0.0.1:$HAPROXY" "text=X connect 127.0.0.1:$NGINX_PORT proxy=off" 'any reject'
get "http://127.0.0.1:$PORT/"
like "$GOT" '^127\.0\.0\.1 [0-9]+ 127\.0\.0\.1 ' '--proxy v2 holds for a rule without the option'
talk --shutdown "127.0.0.1:$PORT" $'X\r\n\r\n'
like "$ANSWER" '400' 'proxy=off: a rule gets none for all that'
end "$PID"

# A backend that speaks first, and one that wants to see the header and the first bytes in one piece.
serve_tcp first /bin/sh -c "printf '220 hello\r\n'; head -n 2 >> '$T/first'"
serve_usher "silent=100ms connect 127.0.0.1:$PORT proxy=v1" "any connect 127.0.0.1:$PORT proxy=v1"
talk --await=hello "127.0.0.1:$PORT"
like "$ANSWER" '220 hello' 'a server that speaks first is given the header all the same'
talk --await=hello "127.0.0.1:$PORT" $'MINE\r\n'
ok 'the header comes first, then what the client has sent' wait_for grep -q '^MINE' "$T/first"
like "$(tr -d '\r' < "$T/first" | sed -n '/^MINE/{x;p};h')" "^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 [0-9]+ $PORT\$" \
    'the header is the line before'
ok 'bytes_in does not count the header' wait_log 'bytes_in=6 '

# --- in: what a header says ---
# says HEADER CLIENT LOCAL NAME: that a program and the log have CLIENT and LOCAL, HEADER as printf(1) has it.
says() {
	printf '%b' "$1" > "$T/header"
	printf 'SSH-2.0-x\r\n' > "$T/rest"
	for pieces in together apart bytewise; do
		case $pieces in
		together) cat "$T/header" "$T/rest" > "$T/all"; talk --shutdown "127.0.0.1:$PORT" "file:$T/all" ;;
		apart) talk --shutdown "127.0.0.1:$PORT" "file:$T/header" "file:$T/rest" ;;
		*) talk --shutdown --bytewise --pause=1 "127.0.0.1:$PORT" "file:$T/header" "file:$T/rest" ;;
		esac
		is "$ANSWER" "$2 $3 SSH-2.0-x" "$4, $pieces: the program has the client's address, and the bytes behind the header"
	done
}
cat > "$T/show" << 'END'
IFS= read -r line
printf '%s' "$TCPREMOTEIP:$TCPREMOTEPORT $TCPLOCALIP:$TCPLOCALPORT ${line%?}"
END
program="ssh exec /bin/sh $T/show"
for sandbox in auto off; do
	serve_usher --sandbox "$sandbox" --accept-proxy 127.0.0.0/8 "$program" 'any reject'
	says 'PROXY TCP4 192.0.2.7 198.51.100.1 51000 443\r\n' 192.0.2.7:51000 198.51.100.1:443 "sandbox $sandbox, v1 IPv4"
	says 'PROXY TCP6 2001:db8::7 2001:db8::1 51000 443\r\n' 2001:db8::7:51000 2001:db8::1:443 "sandbox $sandbox, v1 IPv6"
	says '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0f\xc0\0\x02\x07\xc6\x33\x64\x01\xc7\x38\x01\xbb\x04\0\0' 192.0.2.7:51000 198.51.100.1:443 \
	    "sandbox $sandbox, v2 IPv4 with a TLV"
	ok "sandbox $sandbox: the log has the client, and by what it came" \
	    wait_log "client=192\.0\.2\.7:51000 via=127\.0\.0\.1:[0-9]+ protocol=ssh .*end=exec\$"
	printf '\r\n\r\n\0\r\nQUIT\n\x20\0\0\0SSH-2.0-x\r\n' > "$T/all"
	talk --shutdown "127.0.0.1:$PORT" "file:$T/all"
	like "$ANSWER" "^127\.0\.0\.1:[0-9]+ 127\.0\.0\.1:$PORT SSH" "sandbox $sandbox, v2 LOCAL: the addresses are the socket's"
	talk --shutdown "127.0.0.1:$PORT" $'PROXY UNKNOWN\r\nSSH-2.0-x\r\n'
	like "$ANSWER" "^127\.0\.0\.1:[0-9]+ 127\.0\.0\.1:$PORT SSH" "sandbox $sandbox, v1 UNKNOWN: the addresses are the socket's"
	end "$PID"
done

# --- in: rules look at what it says ---
rules=('http from=192.0.2.0/24 port=443 reply one' 'http to=2001:db8::1 reply two' 'silent=200ms from=192.0.2.9 reply three' \
    "http from=127.0.0.0/8 connect 127.0.0.1:$HAPROXY proxy=v2" 'any reply other')
for sandbox in auto off; do
	for program in 'text=Q exec /bin/true' 'text=Q reply true'; do
		what="sandbox $sandbox, $program"
		serve_usher --sandbox "$sandbox" --accept-proxy 127.0.0.0/8 "$program" "${rules[@]}"
		talk "127.0.0.1:$PORT" $'PROXY TCP4 192.0.2.7 198.51.100.1 51000 443\r\n' "$request"
		is "$ANSWER" one "$what: from= and port= are those of the header"
		talk "127.0.0.1:$PORT" $'PROXY TCP6 2001:db8::7 2001:db8::1 51000 80\r\n'"$request"
		is "$ANSWER" two "$what: to= is that of the header"
		talk "127.0.0.1:$PORT" $'PROXY TCP4 192.0.2.9 198.51.100.1 51000 80\r\n'
		is "$ANSWER" three "$what: silence begins behind the header"
		talk "127.0.0.1:$PORT" $'PROXY TCP4 192.0.2.7 198.51.100.1 51000 80\r\n' "$request"
		is "$ANSWER" other "$what: a rule for the proxy's own address is not the client's"
		talk "127.0.0.1:$PORT" $'PROXY UNKNOWN\r\n' "$request"
		like "$ANSWER" $'\n127\\.0\\.0\\.1 [0-9]+ ' "$what: UNKNOWN is the proxy's own address"
		end "$PID"
	done
done
serve_usher --accept-proxy 127.0.0.0/8 "http connect 127.0.0.1:$HAPROXY proxy=v2" 'any reject'
talk --shutdown "127.0.0.1:$PORT" $'PROXY TCP6 2001:db8::7 2001:db8::1 51000 80\r\n' "$request"
like "$ANSWER" '2001:db8::7 51000 2001:db8::1 80 ' 'what one header says, the next passes on'
end "$PID"

# --- in: refused ---
# refuses WORDS CLIENT-ARGUMENT...: a reset, a line with these WORDS, and nothing at the backend.
serve_tcp backend /bin/sh -c "echo x >> '$T/reached'"
BACKEND=$PORT
refuses() {
	local words=$1

	shift
	talk "$@"
	is "$ANSWER/$END" /reset "refused by a reset: $words"
	ok "refused: the log says so: $words" wait_log "error=\"[^\"]*${words}[^\"]*\" .*end=proxy-header\$"
	ok 'a refused client is no failure' wait_for has_ended 0 $((++refused))
}
for program in "any connect 127.0.0.1:$BACKEND" 'text=Q exec /bin/true'; do
	refused=0
	serve_usher --timeout 1s --accept-proxy 127.0.0.0/8 "$program" "any connect 127.0.0.1:$BACKEND"
	refuses 'the first bytes are no PROXY protocol header' "127.0.0.1:$PORT" "$request"
	refuses 'none that version 1 has' "127.0.0.1:$PORT" $'PROXY TCP4 192.0.2.7\r\n'"$request"
	refuses 'family that does not fit' "127.0.0.1:$PORT" "hex:${signature}2112000c"
	refuses 'too short for its addresses' "127.0.0.1:$PORT" "hex:${signature}21110004"
	refuses 'longer than 4096 bytes' "127.0.0.1:$PORT" "hex:${signature}2111ffff"
	refuses 'a TLV of' "127.0.0.1:$PORT" "hex:${signature}210000040400ff00"
	refuses 'the wrong CRC32c' "127.0.0.1:$PORT" "hex:${signature}210000070300040badbad0"
	refuses 'unknown version or command' "127.0.0.1:$PORT" "hex:${signature}31"
	refuses 'ended before' --shutdown "127.0.0.1:$PORT" 'PROXY TC'
	refuses 'did not come in time' "127.0.0.1:$PORT" 'PROXY TC'
	refuses 'did not come in time' "127.0.0.1:$PORT"
	talk --shutdown "127.0.0.1:$PORT"
	ok "$program: a client that leaves without a byte is none that was refused" \
	    wait_log '^usher: client=127\.0\.0\.1:[0-9]+ protocol=silent rule=none duration=[0-9.]+s end=client$'
	end "$PID"
done
serve_usher --accept-proxy 192.0.2.0/24,2001:db8::/32 "text=Q reply quick" 'any reject'
refused=0
refuses 'from an address that may not' "127.0.0.1:$PORT" $'PROXY TCP4 192.0.2.7 198.51.100.1 51000 443\r\n'
refuses 'from an address that may not' --bytewise "127.0.0.1:$PORT" 'PROXY '
refuses 'from an address that may not' "127.0.0.1:$PORT" "hex:${signature}2111000cc0000207c6336401c73801bb"
talk "127.0.0.1:$PORT" Q
is "$ANSWER" quick 'who may not send one, and sends none, is served'
end "$PID"
ok 'nothing of all that was refused has reached the backend' test ! -e "$T/reached"
serve_listening --accept-proxy unix "http from=192.0.2.7 reply one" 'http reply two' 'any reject'
talk "unix:$T/usher.sock" $'PROXY TCP4 192.0.2.7 198.51.100.1 51000 443\r\n' "$request"
is "$ANSWER" one '--accept-proxy unix: a proxy at a Unix socket'
talk "127.0.0.1:$PORT" "$request"
is "$ANSWER" two '--accept-proxy unix: a client of TCP needs no header'
end "$PID"

# --- in: how many of one source ---
serve_tcp echo /bin/cat
for action in "connect 127.0.0.1:$PORT" 'exec /bin/cat'; do
	serve_listening --max-per-source 2 --timeout 1h --accept-proxy 127.0.0.0/8 "any $action"
	open=()
	for client in 192.0.2.7 192.0.2.7 192.0.2.8 192.0.2.8; do
		exec {fd}<> "/dev/tcp/127.0.0.1/$PORT"
		printf 'PROXY TCP4 %s 198.51.100.1 51000 443\r\nhello\n' "$client" >&"$fd"
		open+=("$fd")
		IFS= read -r -t "$WAIT" line <&"$fd"
		is "$line" hello "--max-per-source 2, $action: two of each source by one proxy are served"
	done
	talk "127.0.0.1:$PORT" $'PROXY TCP4 192.0.2.7 198.51.100.1 51000 443\r\nhello\n'
	like "$END" '^(eof|reset)$' "--max-per-source 2, $action: the third of one is ended"
	ok "--max-per-source 2, $action: the log says so" wait_log '^usher: 192\.0\.2\.7 has 2 connections, refusing more'
	unlike "$(cat "$LOG")" 'killed by' "--max-per-source 2, $action: and takes it for no crash"
	for fd in "${open[@]}"; do
		echo again >&"$fd"
		IFS= read -r -t "$WAIT" line <&"$fd"
		is "$line" again "--max-per-source 2, $action: the others go on"
		exec {fd}>&-
	done
	talk --shutdown "127.0.0.1:$PORT" $'PROXY TCP4 192.0.2.7 198.51.100.1 51000 443\r\nhello\n'
	is "$ANSWER" hello "--max-per-source 2, $action: when they have gone, the next is served"
	end "$PID"
done

# --- in: from real proxies ---
for program in 'text=Q reply true' 'text=Q exec /bin/true'; do
	serve_usher --accept-proxy 127.0.0.0/8 "$program" 'http from=127.0.0.3 reply "seen"' 'any reply "wrong"'
	USHER_PORT=$PORT
	HAPROXY_OUT=()
	{
		cat << END
defaults
	mode tcp
	timeout connect 20s
	timeout client 60s
	timeout server 60s
END
		for options in send-proxy send-proxy-v2 'send-proxy-v2 proxy-v2-options crc32c,unique-id,authority'; do
			HAPROXY_OUT+=("$(free_port)")
			printf 'listen l%s\n\tbind 127.0.0.1:%s\n\tunique-id-format %%{+X}o%%ci\n\tserver s 127.0.0.1:%s %s\n' \
			    "${#HAPROXY_OUT[@]}" "${HAPROXY_OUT[-1]}" "$USHER_PORT" "$options"
		done
	} > "$T/out.cfg"
	start haproxy-out haproxy -db -f "$T/out.cfg"
	senders=$PID
	for port in "${HAPROXY_OUT[@]}"; do
		await haproxy-out "$port"
		talk --source=127.0.0.3 "127.0.0.1:$port" "$request"
		is "$ANSWER" seen "$program: a header of HAProxy's, $(grep -A 3 ":$port\$" "$T/out.cfg" | sed -n 's/.*server s [^ ]* //p')"
	done
	end "$senders"
	port=$(free_port)
	cat > "$T/stream.conf" << END
load_module $(find /usr/lib/nginx /usr/lib64/nginx -name ngx_stream_module.so 2> /dev/null | head -n 1);
daemon off;
worker_processes 1;
pid $T/stream.pid;
error_log $T/log/stream;
events { }
stream { server { listen 127.0.0.1:$port; proxy_pass 127.0.0.1:$USHER_PORT; proxy_protocol on; } }
END
	start stream nginx -c "$T/stream.conf" -p "$T"
	await stream "$port"
	talk --source=127.0.0.3 "127.0.0.1:$port" "$request"
	is "$ANSWER" seen "$program: a header of nginx's stream module"
	end "$PID"
	port=$(free_port)
	printf 'foreground = yes\npid =\n[out]\naccept = 127.0.0.1:%s\nconnect = 127.0.0.1:%s\nprotocol = proxy\ncert = %s\n' \
	    "$port" "$USHER_PORT" "$T/both.pem" > "$T/stunnel.conf"
	start stunnel stunnel4 "$T/stunnel.conf"
	await stunnel "$port"
	is "$(curl -s -k --max-time "$WAIT" --interface 127.0.0.3 --http0.9 "https://127.0.0.1:$port/")" seen "$program: a header of stunnel's"
	end "$PID"
	is "$(curl -s --max-time "$WAIT" --interface 127.0.0.3 --http0.9 --haproxy-protocol "http://127.0.0.1:$USHER_PORT/")" seen \
	    "$program: a header of curl's"
done
finish
