#!/bin/bash
# TLS by SNI and ALPN without ending it: real clients, and a recorded ClientHello in pieces and in several records.
# shellcheck source=tests/lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
need tcpserver nginx openssl
need_usher

for name in a.example www.b.example h2.example default.example; do
	certificate "$name"
done
# shellcheck disable=SC2016
tls_port() { # NAME [OPTION]
	printf 'server { listen 127.0.0.1:%s ssl %s; ssl_certificate %s; ssl_certificate_key %s;' "$(free_port)" "${2-}" "$T/$1.pem" "$T/$1.key"
	printf 'ssl_protocols TLSv1.2 TLSv1.3; return 200 "TLS %s $ssl_server_name\\n"; }\n' "$1"
}
NGINX_EXTRA=$(tls_port a.example; tls_port www.b.example; tls_port h2.example http2; tls_port default.example)
start_nginx
read -ra ports <<< "$(sed -n 's/.*listen 127\.0\.0\.1:\([0-9]*\) ssl.*/\1/p' "$T/nginx.conf" | tr '\n' ' ')"

serve_usher --timeout 1h \
    "tls sni=a.example connect 127.0.0.1:${ports[0]}" \
    "tls sni=*.b.example,*.b.test connect 127.0.0.1:${ports[1]}" \
    "tls alpn=h2 connect 127.0.0.1:${ports[2]}" \
    "tls connect 127.0.0.1:${ports[3]}" \
    "http connect 127.0.0.1:$NGINX_PORT" \
    'any reject'

subject() { # OPENSSL-OPTION...
	# The client ends when its standard input does, after the handshake.
	openssl s_client -connect "127.0.0.1:$PORT" "$@" < /dev/null 2>> "$T/log/s_client" | sed -n 's/^subject=CN *= *//p'
}

for version in -tls1_3 -tls1_2; do
	is "$(subject "$version" -servername a.example)" a.example "s_client $version: SNI"
	is "$(subject "$version" -servername A.Example)" a.example "s_client $version: SNI without regard to case"
	is "$(subject "$version" -servername www.b.example)" www.b.example "s_client $version: SNI by *"
	is "$(subject "$version" -servername x.y.b.test)" www.b.example "s_client $version: SNI by the second glob, several labels"
	is "$(subject "$version" -servername b.example)" default.example "s_client $version: * does not match nothing"
	is "$(subject "$version" -servername other.example -alpn http/1.1,h2)" h2.example "s_client $version: ALPN"
	is "$(subject "$version" -servername a.example -alpn h2,http/1.1)" a.example "s_client $version: the first rule wins"
	is "$(subject "$version" -noservername)" default.example "s_client $version: no SNI"
done
subject -servername log.example -alpn h2,http/1.1 > /dev/null
ok 'the log has what the ClientHello said' wait_log 'sni=log\.example alpn=h2 alpn=http/1\.1 .*rule=3 '
like "$LINE" ' version=1\.3 ' "the log has the ClientHello's version"

if command -v curl > /dev/null; then
	fetch() { # NAME OPTION...
		local name=$1

		shift
		curl -s --resolve "$name:$PORT:127.0.0.1" --cacert "$T/$name.pem" "$@" "https://$name:$PORT/"
	}
	is "$(fetch a.example)" 'TLS a.example a.example' 'curl: end to end, the certificate verifies'
	is "$(fetch h2.example --http2 -w '%{http_version}')" $'TLS h2.example h2.example\n2' 'curl: HTTP/2 by ALPN'
	is "$(fetch default.example --no-alpn)" 'TLS default.example default.example' 'curl: without ALPN'
	is "$(curl -s "http://127.0.0.1:$PORT/")" 'nginx GET 127.0.0.1 127.0.0.1' 'curl: plain HTTP on the same port'
else
	skip 'curl' 'curl is not installed'
fi

# --- a recorded ClientHello ---

# A TLS 1.2 server sends its certificate, and so its name, in the clear.
hello_reaches() { # DESCRIPTION NAME PIECE...
	local description=$1 name=$2

	shift 2
	talk --pause=2 --await="\\x16\\x03.*${name//./\\.}" 127.0.0.1:"$PORT" "$@"
	is "$END" match "$description"
}

record "$T/hello" -tls1_2 -servername a.example -alpn http/1.1
hello=$(od -An -v -tx1 "$T/hello" | tr -d ' \n')
like "$hello" '^160301....01' 'a ClientHello was recorded'
wrong=()
for ((at = 1; at < ${#hello} / 2; at += at < 12 ? 1 : 23)); do
	talk --pause=2 --await='\x16\x03.*a\.example' 127.0.0.1:"$PORT" "hex:${hello:0:at * 2}" "hex:${hello:at * 2}"
	[ "$END" = match ] || wrong+=("split at $at: $END")
done
result ${#wrong[@]} 'a ClientHello split anywhere into two segments reaches the server' || diag "${wrong[@]}"
talk --bytewise --pause=1 --await='\x16\x03.*a\.example' 127.0.0.1:"$PORT" "hex:$hello"
is "$END" match 'a ClientHello a byte at a time reaches the server'

# The same handshake message in records of SIZE bytes: the record header is 5 bytes of hello.
fragment() { # SIZE
	local body=${hello:10} out='' part

	while [ -n "$body" ]; do
		part=${body:0:$1 * 2}
		body=${body:${#part}}
		out+=$(printf '160301%04x%s' $((${#part} / 2)) "$part")
	done
	printf %s "$out"
}
for size in 1 4 60; do
	fragmented=$(fragment $size)
	before=$(grep -c 'sni=a\.example .*rule=1 ' "$LOG")
	talk --await='\x16\x03.*a\.example' 127.0.0.1:"$PORT" "hex:$fragmented"
	is "$END" match "a ClientHello in records of $size bytes: the server answers"
	ok "a ClientHello in records of $size bytes: it was the rule of the SNI" \
	    wait_for at_least $((before + 1)) grep -c 'sni=a\.example .*rule=1 ' "$LOG"
done

# A ClientHello larger than a segment: many ALPN names.
names=$(for i in $(seq 1 300); do printf 'protocol-%d,' "$i"; done)
record "$T/large" -tls1_2 -servername www.b.example -alpn "${names}http/1.1"
ok 'a ClientHello of more than 4000 bytes was recorded' test "$(stat -c %s "$T/large")" -gt 4000
hello_reaches 'a large ClientHello, whole, reaches the server' www.b.example "file:$T/large"
ok 'a long ALPN list does not push the end out of the log line' wait_log \
    'alpn=protocol-1 .*rule=2 .*backend=.*duration=.*end=[a-z-]+$'
large=$(od -An -v -tx1 "$T/large" | tr -d ' \n')
hello_reaches 'a large ClientHello in segments of 1000 bytes reaches the server' www.b.example "hex:${large:0:2000}" "hex:${large:2000:2000}" "hex:${large:4000:2000}" "hex:${large:6000}"

finish
