#!/bin/bash
# HTTP, Redis and SSH on one port by the first three bytes: OpenResty's peek(3) and HAProxy's req.payload(0,3) as rules, and the
# same by protocol name.  Every literal, whole, a byte at a time, and in every split of its first three bytes and the rest.
# shellcheck source=tests/lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
need tcpserver nginx redis-server sshd
need_usher

start_nginx
start_redis
sshd_keys
start_sshd
serve_tcp default /bin/sh -c 'echo the default backend; exec cat'
default=$PORT

# OpenResty: if data == "GET" or data == "POS" ... then http, and so on, else the default.
openresty=("text=GET,POS,PUT,DEL,OPT,HEA,CON,TRA connect 127.0.0.1:$NGINX_PORT" "text=\"*2\\r\" connect 127.0.0.1:$REDIS_PORT"
    "text=SSH connect 127.0.0.1:$SSHD_PORT")

# HAProxy: acl ... req.payload(0,3) -m bin 474554 ...
haproxy=("bytes=474554,504f53,505554,44454c,4f5054,484541,434f4e,545241 connect 127.0.0.1:$NGINX_PORT"
    "bytes=2a320d connect 127.0.0.1:$REDIS_PORT" "bytes=535348 connect 127.0.0.1:$SSHD_PORT")

names=("http connect 127.0.0.1:$NGINX_PORT" "redis connect 127.0.0.1:$REDIS_PORT" "ssh connect 127.0.0.1:$SSHD_PORT")

end=$' HTTP/1.1\r\nHost: www.example.org\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'
declare -A request=(
	[474554]="GET /$end" [504f53]="POST /$end" [505554]="PUT /$end" [44454c]="DELETE /$end" [4f5054]="OPTIONS /$end"
	[484541]="HEAD /$end" [434f4e]="CONNECT www.example.org:443$end" [545241]="TRACE /$end"
	[2a320d]=$'*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n' [535348]=$'SSH-2.0-OpenSSH_9.2p1\r\n'
)
# Some versions of nginx refuse CONNECT and TRACE, which is an answer of nginx too.
nginx=$'^HTTP/1\\.1 (200|400|405) .*\r\nServer: nginx'
declare -A answer=(
	[474554]=$nginx [504f53]=$nginx [505554]=$nginx [44454c]=$nginx [4f5054]=$nginx [484541]=$nginx [434f4e]=$nginx [545241]=$nginx
	[2a320d]=$'^\\$5\r\nhello\r\n$' [535348]='^SSH-2\.0-OpenSSH'
)

# Send TEXT in pieces that begin after the bytes given.
send_split() { # TEXT REGEX [POSITION...]
	local text=$1 regex=$2 from=0 position pieces=()

	shift 2
	for position in "$@"; do
		pieces+=("${text:from:position-from}")
		from=$position
	done
	pieces+=("${text:from}")
	talk --await="$regex" 127.0.0.1:"$PORT" "${pieces[@]}"
}

# Where the text is split: nowhere, and every choice among its first three bytes.
splits=('' '1' '2' '3' '1 2' '1 3' '2 3' '1 2 3')

every_literal() { # CONFIGURATION OTHER...
	local configuration=$1 literal split positions wrong other

	for literal in 474554 504f53 505554 44454c 4f5054 484541 434f4e 545241 2a320d 535348; do
		wrong=()
		for split in "${splits[@]}"; do
			read -ra positions <<< "$split"
			send_split "${request[$literal]}" "${answer[$literal]}" "${positions[@]}"
			[ "$END" = match ] || wrong+=("split at '$split': $END: $ANSWER")
		done
		talk --await="${answer[$literal]}" --bytewise --pause=1 127.0.0.1:"$PORT" "${request[$literal]}"
		[ "$END" = match ] || wrong+=("a byte at a time: $END: $ANSWER")
		result ${#wrong[@]} "$configuration: $literal, whole, split and byte by byte" || diag "${wrong[@]}"
	done
	shift
	for other in "$@"; do
		talk --await='^the default backend' 127.0.0.1:"$PORT" "$other"
		is "$END" match "$configuration: $(printf %q "$other") goes to the default"
	done
}

others=('GEX /' SSL $'*3\r\n' $'\x16\x03\x01' quit)
serve_usher --timeout 1h "${openresty[@]}" "any connect 127.0.0.1:$default"
every_literal 'peek(3)' "${others[@]}"
serve_usher --timeout 1h "${haproxy[@]}" "any connect 127.0.0.1:$default"
every_literal 'req.payload(0,3)' "${others[@]}"
serve_usher --timeout 1h "${names[@]}" "any connect 127.0.0.1:$default"
every_literal 'protocol names' $'*3\n' $'\x16\x03\x01' '{"id":1}'

# The real clients.
serve_usher "${haproxy[@]}" "any connect 127.0.0.1:$default"
if command -v redis-cli > /dev/null; then
	# redis-cli begins with *1 when it asks for one word, *2 for two.
	is "$(redis-cli -h 127.0.0.1 -p "$PORT" echo hello)" hello 'redis-cli reaches Redis'
fi
is "$("${SSH[@]}" -p "$PORT" 127.0.0.1 echo hello)" hello 'ssh reaches sshd'
if command -v curl > /dev/null; then
	is "$(curl -s "http://127.0.0.1:$PORT/")" 'nginx GET 127.0.0.1 127.0.0.1' 'curl reaches nginx'
fi

finish
