#!/bin/bash
# The table in PEERS.md beside sslh, HAProxy and nginx: every cell is tried here with the real program, by the same client against
# the same backend, and must be what PEERS.md says.  Of another version than PEERS.md names, the result is only printed.
#
# A cell is yes; or no: configured as well as its manual allows it does not; or -: its own check refuses what would be needed.
# shellcheck source=tests/lib.sh disable=SC1091,SC2317
. "$(dirname "$0")/../lib.sh"
need tcpserver sshd ssh-keygen
need_usher

table=$TESTS/run/PEERS.md
client=$TESTS/helpers/client.pl
converse=$TESTS/helpers/converse.pl
real=$TESTS/corpus/real

peers=(usher sslh haproxy nginx)
# Ways of running a peer; what one of them does, the peer does.  The last can do the most, so that it is waited for.
declare -A variants=([usher]=tcpserver [sslh]='fork select inetd' [haproxy]='nolinger plain' [nginx]=plain)
declare -A title=([usher]=usher [sslh]=sslh [haproxy]=HAProxy [nginx]=nginx)
declare -A version backend served group

# --- what PEERS.md says ---
section=$(cat "$table")

# cell PEER LABEL: the cell of that column in the row that begins with LABEL.
cell() {
	local column

	case $1 in
	usher) column=3 ;;
	sslh) column=4 ;;
	haproxy) column=5 ;;
	nginx) column=6 ;;
	esac
	awk -F ' *[|] *' -v column="$column" -v label="$2" '$2 == label { print $column }' <<< "$section"
}

labels() {
	sed -n 's/^| *\([^|]*[^| ]\) *| *\(yes\|no\|-\) .*/\1/p' <<< "$section"
}

# --- backends ---
greeter() { # NAME: says its name, then everything back
	serve_tcp "backend-$1" /bin/sh -c "echo $1; exec cat"
	backend[$1]=$PORT
}

page() { # NAME: a web server of one page
	cat > "$T/page-$1.sh" << EOF
while read -r line && [ "\$line" != "\$(printf '\\r')" ]; do :; done
printf 'HTTP/1.0 200 OK\\r\\nContent-Length: 9\\r\\n\\r\\npage %s\\n' $1
EOF
	serve_tcp "backend-$1" /bin/sh "$T/page-$1.sh"
	backend[$1]=$PORT
}

side() { # NAME STEP...: the backend's side of a conversation, told in $T/side-NAME
	local name=$1

	shift
	serve_tcp "backend-$name" perl "$converse" --timeout="$WAIT" --log="$T/side-$name" - "$@"
	backend[$name]=$PORT
}

for word in tls-a tls-b tls-split tls-h2 tls-other ssh one two silent other; do
	greeter "$word"
done
page www
page api
side half-client end send=answer
side half-backend await=hello send=said shutdown end
side reset-client await=hello send=welcome end
side reset-backend await=hello send=welcome reset
side stopped-backend await=hello send=welcome until="$T/stopped" send=' and more' reset
sshd_keys
start_sshd
backend[sshd]=$SSHD_PORT

backend[gone]=$(free_port)
# its backlog is full, so that the kernel drops what comes
# shellcheck disable=SC2016 # it is Perl
start hole perl -MIO::Socket::INET -e '
	my $l = IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 0) or die;
	my @c = map { IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $l->sockport, Blocking => 0) } 1 .. 16;
	open my $f, ">", "$ARGV[0].part" or die;
	print $f $l->sockport;
	close $f;
	rename "$ARGV[0].part", $ARGV[0];
	sleep 3600' "$T/hole"
wait_for test -s "$T/hole" || bail 'there is no listener that answers nothing'
backend[hole]=$(cat "$T/hole")

# --- the same job in four languages ---
# JOB: address, sni, alpn, literal, http, silence, unknown, reload (to backend $target), proxied, relay-NAME: everything to that backend,
# or first-NAME: to that one, or else to another.
to() { # NAME
	echo "127.0.0.1:${backend[$1]}"
}

usher_config() { # JOB
	local name

	case $1 in
	address) printf '%s\n' "ssh exec $SSHD -i -f $SSHD_CONFIG -E $T/log/sshd-i" ;;
	sni)
		for name in a b split; do
			echo "tls sni=$name.example connect $(to "tls-$name")"
		done
		echo "tls connect $(to tls-other)"
		;;
	alpn) printf '%s\n' "tls alpn=h2 connect $(to tls-h2)" "tls connect $(to tls-other)" ;;
	literal) printf '%s\n' "text=PROTOCOL/1 connect $(to one)" "text=PROTOCOL/2 connect $(to two)" "any connect $(to other)" ;;
	http)
		printf '%s\n' "http host=www.example.org connect $(to www)" "http host=api.example.org connect $(to api)" \
		    "ssh connect $(to ssh)"
		;;
	silence) printf '%s\n' "tls connect $(to tls-other)" "silent=${SILENCE} connect $(to silent)" ;;
	unknown) printf '%s\n' "tls connect $(to tls-other)" "any connect $(to other)" ;;
	reload) echo "any connect $(to "$target")" ;;
	relay-*) echo "any connect $(to "${1#relay-}")" ;;
	proxied) echo "any connect $(to other) proxy=v1" ;;
	first-*) echo "any connect $(to "${1#first-}"),$(to other)" ;;
	esac
	[ "$1" = silence ] || echo 'set timeout 1h'
}

sslh_protocol() { # PROBE NAME [SETTING]
	printf '%s{ name: "%s"; host: "127.0.0.1"; port: "%s"; log_level: 0; %s }\n' "$comma" "$1" "${backend[$2]}" "${3-}"
	comma=,
}

sslh_config() { # JOB
	local name timeout=3600 comma=

	case $1 in
	silence) timeout=${SILENCE_SECONDS} ;;
	esac
	echo "foreground: true; numeric: true; timeout: $timeout;"
	echo "listen: ( { host: \"127.0.0.1\"; port: \"$PORT\"; } );"
	echo 'protocols: ('
	case $1 in
	address) sslh_protocol ssh sshd ;;
	sni)
		for name in a b split; do
			sslh_protocol tls "tls-$name" "sni_hostnames: [ \"$name.example\" ];"
		done
		sslh_protocol tls tls-other
		;;
	alpn)
		sslh_protocol tls tls-h2 'alpn_protocols: [ "h2" ];'
		sslh_protocol tls tls-other
		;;
	literal)
		sslh_protocol regex one 'regex_patterns: [ "^PROTOCOL/1" ];'
		sslh_protocol regex two 'regex_patterns: [ "^PROTOCOL/2" ];'
		sslh_protocol anyprot other
		;;
	http)
		sslh_protocol ssh ssh
		sslh_protocol regex www 'regex_patterns: [ "\nHost: www.example.org\r" ];'
		sslh_protocol regex api 'regex_patterns: [ "\nHost: api.example.org\r" ];'
		;;
	silence)
		sslh_protocol tls tls-other
		sslh_protocol timeout silent
		;;
	unknown)
		sslh_protocol tls tls-other
		sslh_protocol anyprot other
		;;
	reload) sslh_protocol anyprot "$target" ;;
	relay-*) sslh_protocol anyprot "${1#relay-}" ;;
	proxied) sslh_protocol anyprot other ;;
	first-*)
		sslh_protocol anyprot "${1#first-}"
		sslh_protocol anyprot other
		;;
	esac
	echo ');'
	[ "$1" != silence ] || echo 'on-timeout: "timeout";'
}

haproxy_config() { # JOB VARIANT
	local name

	cat << EOF
global
	nbthread 1
defaults
	mode tcp
	timeout connect 5s
	timeout client 1h
	timeout server 1h
	$([ "$2" != nolinger ] || echo option nolinger)
frontend peer
	bind 127.0.0.1:$PORT
	tcp-request inspect-delay $(if [ "$1" = silence ]; then echo "$SILENCE"; else echo 1h; fi)
EOF
	case $1 in
	address) haproxy_backends sshd ;;
	sni)
		echo 'tcp-request content accept if { req.ssl_hello_type 1 }'
		for name in a b split; do
			echo "use_backend tls-$name if { req.ssl_sni -i $name.example }"
		done
		haproxy_backends tls-other tls-a tls-b tls-split
		;;
	alpn)
		echo 'tcp-request content accept if { req.ssl_hello_type 1 }'
		echo 'use_backend tls-h2 if { req.ssl_alpn h2 }'
		haproxy_backends tls-other tls-h2
		;;
	literal)
		echo 'tcp-request content accept if { req.payload(0,10) -m found }'
		echo 'use_backend one if { req.payload(0,10) -m str PROTOCOL/1 }'
		echo 'use_backend two if { req.payload(0,10) -m str PROTOCOL/2 }'
		haproxy_backends other one two
		;;
	http)
		echo 'tcp-request content accept if { req.payload(0,4) -m str SSH- }'
		echo 'tcp-request content switch-mode http if HTTP'
		echo 'use_backend www if { req.hdr(host) -i www.example.org }'
		echo 'use_backend api if { req.hdr(host) -i api.example.org }'
		haproxy_backends ssh www api
		;;
	silence)
		echo 'tcp-request content accept if { req.ssl_hello_type 1 }'
		echo 'use_backend tls-other if { req.ssl_hello_type 1 }'
		haproxy_backends silent tls-other
		;;
	unknown)
		echo 'tcp-request content accept if { req.ssl_hello_type 1 }'
		echo 'use_backend tls-other if { req.ssl_hello_type 1 }'
		haproxy_backends other tls-other
		;;
	reload) haproxy_backends "$target" ;;
	relay-*) haproxy_backends "${1#relay-}" ;;
	proxied) printf '%s\n' 'default_backend all' 'backend all' "server other $(to other) send-proxy" ;;
	first-*)
		printf '%s\n' 'default_backend all' 'backend all' 'balance first' 'option redispatch 1' \
		    "server one $(to "${1#first-}")" "server two $(to other)"
		;;
	esac
}

haproxy_backends() { # DEFAULT NAME...
	local name

	echo "default_backend $1"
	for name in "$@"; do
		printf 'backend %s\n' "$name"
		case $name in
		www | api) echo 'mode http' ;;
		esac
		printf 'server %s %s\n' "$name" "$(to "$name")"
	done
}

nginx_config() { # JOB
	local folder name

	# Where the module is a package of its own.
	for folder in /usr/lib/nginx/modules /usr/lib64/nginx/modules; do
		[ ! -e "$folder/ngx_stream_module.so" ] || echo "load_module $folder/ngx_stream_module.so;"
	done
	if [ "$(id -u)" -eq 0 ]; then
		echo "user $ME $(id -gn);"
	fi
	cat << EOF
daemon off;
worker_processes 1;
pid $T/nginx-$1.pid;
error_log $T/log/nginx-$1-error;
events { worker_connections 1000; }
stream {
EOF
	case $1 in
	sni)
		echo "map \$ssl_preread_server_name \$backend { default $(to tls-other);"
		for name in a b split; do
			echo "$name.example $(to "tls-$name");"
		done
		echo '}'
		;;
	alpn) echo "map \$ssl_preread_alpn_protocols \$backend { ~(^|,)h2(,|\$) $(to tls-h2); default $(to tls-other); }" ;;
	# TLS or not is all that it can tell.
	literal) echo "map \$ssl_preread_protocol \$backend { '' $(to one); default $(to other); }" ;;
	http) echo "map \$http_host \$backend { www.example.org $(to www); api.example.org $(to api); default $(to ssh); }" ;;
	silence) echo "map \$ssl_preread_protocol \$backend { '' $(to silent); default $(to tls-other); }" ;;
	unknown) echo "map \$ssl_preread_protocol \$backend { '' $(to other); default $(to tls-other); }" ;;
	address) echo "map '' \$backend { default $(to sshd); }" ;;
	reload) echo "map '' \$backend { default $(to "$target"); }" ;;
	relay-*) echo "map '' \$backend { default $(to "${1#relay-}"); }" ;;
	proxied) echo "map '' \$backend { default $(to other); }" ;;
	first-*) echo "map '' \$backend { default all; } upstream all { server $(to "${1#first-}"); server $(to other); }" ;;
	esac
	echo "server { listen 127.0.0.1:$PORT; proxy_pass \$backend; proxy_half_close on; proxy_timeout 1h;"
	case $1 in
	sni | alpn | literal | unknown) echo 'ssl_preread on; preread_timeout 1h;' ;;
	silence) echo "ssl_preread on; preread_timeout $SILENCE;" ;;
	proxied) echo 'proxy_protocol on;' ;;
	first-*) echo 'proxy_connect_timeout 1s;' ;;
	esac
	echo '} }'
}

# --- running them ---
bound() { # PORT: somebody listens there; no connection is made, as the backend would get it
	grep -qi "^ *[0-9]*: 0100007F:$(printf %04X "$1") 00000000:0000 0A" /proc/net/tcp
}

configure() { # PEER VARIANT JOB: CONFIG
	CONFIG=$T/$1-$2-$3.conf
	"$1_config" "$3" "$2" > "$CONFIG.part"
	mv "$CONFIG.part" "$CONFIG"
}

# serve PEER VARIANT JOB: on PORT, by the process group GROUP; status 2: its own check refuses the configuration.
serve() {
	local key=$1-$2-$3 check

	if [ -n "${served[$key]-}" ]; then
		PORT=${served[$key]}
		GROUP=${group[$key]}
		return 0
	fi
	PORT=$(free_port)
	configure "$@"
	case $1 in
	usher) check=("$USHER" --check --config "$CONFIG") ;;
	haproxy) check=(haproxy -c -f "$CONFIG") ;;
	nginx) check=(nginx -t -p "$T" -c "$CONFIG") ;;
	sslh) check=(true) ;;
	esac
	if ! "${check[@]}" > "$T/check" 2>&1; then
		diag "$1: $(grep -iE 'emerg|alert|usher:' "$T/check" | head -n 1)"
		return 2
	fi
	case $1-$2 in
	usher-*) serve_usher --config "$CONFIG" ;;
	sslh-inetd) serve_tcp "$key" sslh --inetd -F"$CONFIG" ;;
	sslh-fork) start "$key" sslh -F"$CONFIG" ;;
	sslh-select) start "$key" sslh-select -F"$CONFIG" ;;
	haproxy-*) start "$key" haproxy -db -f "$CONFIG" ;;
	nginx-*) start "$key" nginx -p "$T" -c "$CONFIG" ;;
	esac
	if ! wait_for bound "$PORT"; then
		diag "$key does not listen"
		return 3
	fi
	served[$key]=$PORT
	GROUP=$PID
	group[$key]=$PID
}

# --- the same client for each ---
# What is to be no, or yes by another way of running the peer, is not waited for as long as what is to be yes.
patience=$WAIT

reaches() { # REGEX PIECE...: the answer begins so; options of client.pl may come first
	local regex=$1

	shift
	perl "$client" --timeout="$patience" --await="$regex" "${options[@]}" "127.0.0.1:$PORT" "$@" > "$T/answer" 2> "$T/end"
	[ "$(cat "$T/end")" = match ]
}
options=()

by_bytes() { # REGEX PIECE...
	local options=(--bytewise --pause=1)

	reaches "$@"
}

# conversation NAME STEP...: the client's side into MINE and the backend's into THEIRS, both TEXT|END.
conversation() {
	local name=$1

	shift
	rm -f "$T/side-$name" "$T/mine"
	perl "$converse" --timeout="$patience" --log="$T/mine" "127.0.0.1:$PORT" "$@"
	MINE=$(cat "$T/mine")
	THEIRS=
	if poll "$patience" test -e "$T/side-$name"; then
		THEIRS=$(cat "$T/side-$name")
	fi
}

# --- rows: a function each; its status is what was seen: 0 yes, 1 no, 2 cannot be configured, 3 it did not come to that ---
# sshd logs whom it sees before it answers.
row_address() { # PEER VARIANT
	local log=$T/log/sshd options=(--source=127.0.0.2)

	[ "$1" != usher ] || log=$T/log/sshd-i
	serve "$1" "$2" address || return
	reaches '^SSH-2\.0-OpenSSH' $'SSH-2.0-Test\r\n' || { note='sshd does not answer'; return 3; }
	note=$(sed -n 's/.*Connection from \([0-9.]*\) .*/\1/p' "$log" | tail -n 1)
	[ "$note" = 127.0.0.2 ]
}

row_proxied() {
	local options=(--source=127.0.0.2)

	serve "$1" "$2" proxied || return
	reaches 'PROXY TCP4 127\.0\.0\.2 127\.0\.0\.1 [0-9]+ [0-9]+\r\nhello' 'hello'
}

row_refuses() {
	serve "$1" "$2" first-gone || return
	reaches '^other\n' x && reaches '^other\n' x
}

row_silent_backend() {
	serve "$1" "$2" first-hole || return
	reaches '^other\n' x && reaches '^other\n' x
}

row_sni() {
	serve "$1" "$2" sni || return
	reaches '^tls-a\n' "file:$real/tls-openssl.bin" && reaches '^tls-b\n' "file:$real/tls-openssl-12.bin" &&
	    reaches '^tls-other\n' "file:$real/tls-curl.bin"
}

hex() { # FILE [FROM [LENGTH]]
	od -An -v -tx1 -j "${2:-0}" ${3:+-N "$3"} "$1" | tr -d ' \n'
}

row_sni_segments() {
	local file=$real/tls-openssl-12.bin at

	serve "$1" "$2" sni || return
	for at in 1 3 5 6 9 40 100 150; do
		reaches '^tls-b\n' "hex:$(hex "$file" 0 "$at")" "hex:$(hex "$file" "$at")" || return
	done
	by_bytes '^tls-b\n' "file:$file"
}

row_sni_records() {
	serve "$1" "$2" sni || return
	reaches '^tls-split\n' "file:$real/tls-openssl-split.bin"
}

# The same handshake message in records of SIZE bytes: the record header is 5 bytes of the file.
fragment() { # FILE SIZE
	local body part

	body=$(hex "$1" 5)
	while [ -n "$body" ]; do
		part=${body:0:$2 * 2}
		body=${body:${#part}}
		printf '160301%04x%s' $((${#part} / 2)) "$part"
	done
}

row_sni_small_records() {
	local size

	serve "$1" "$2" sni || return
	for size in 100 60 16 4 1; do
		note="$note $size"
		reaches '^tls-b\n' "hex:$(fragment "$real/tls-openssl-12.bin" "$size")" || return
	done
}

row_alpn() {
	serve "$1" "$2" alpn || return
	reaches '^tls-h2\n' "file:$real/tls-openssl.bin" && reaches '^tls-h2\n' "file:$real/tls-gnutls.bin" &&
	    reaches '^tls-other\n' "file:$real/tls-openssl-12.bin" && reaches '^tls-other\n' "file:$real/tls-openssl-postgresql.bin"
}

row_literal() {
	serve "$1" "$2" literal || return
	reaches '^one\n' $'PROTOCOL/1\n' && reaches '^two\n' $'PROTOCOL/2\n' && reaches '^other\n' $'PROTOCOL/3\n'
}

row_literal_splits() {
	local text=$'PROTOCOL/2\n' at

	serve "$1" "$2" literal || return
	for ((at = 1; at < 10; at++)); do
		reaches '^two\n' "${text:0:at}" "${text:at}" || return
	done
	by_bytes '^two\n' "$text"
}

request() { # HOST
	printf 'GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$1"
}

row_http() {
	serve "$1" "$2" http || return
	reaches 'page www\n' "$(request www.example.org)"$'\n' && reaches 'page api\n' "$(request api.example.org)"$'\n' &&
	    reaches '^ssh\n' $'SSH-2.0-OpenSSH_9.2p1\r\n'
}

row_http_bytes() {
	serve "$1" "$2" http || return
	by_bytes 'page www\n' "$(request www.example.org)"$'\n' && by_bytes 'page api\n' "$(request api.example.org)"$'\n' &&
	    by_bytes '^ssh\n' $'SSH-2.0-OpenSSH_9.2p1\r\n'
}

row_silence() {
	local SILENCE=1s SILENCE_SECONDS=1

	serve "$1" "$2" silence || return
	reaches '^tls-other\n' "file:$real/tls-openssl.bin" || return 3
	reaches '^silent\n'
}

row_unknown_line() {
	serve "$1" "$2" unknown || return
	reaches '^other\n' $'hello world\r\n' && by_bytes '^tls-other\n' "file:$real/tls-openssl.bin"
}

row_unknown_byte() {
	serve "$1" "$2" unknown || return
	reaches '^other\n' $'\001' && by_bytes '^tls-other\n' "file:$real/tls-openssl.bin"
}

told() {
	note="$note client: ${MINE//$'\n'/ } backend: ${THEIRS//$'\n'/ };"
}

row_half_client() {
	serve "$1" "$2" relay-half-client || return
	conversation half-client send=hello shutdown end
	told
	[ "$MINE/$THEIRS" = 'answer|eof/hello|eof' ]
}

row_half_backend() {
	serve "$1" "$2" relay-half-backend || return
	conversation half-backend send=hello await=said end send=more shutdown end
	told
	[ "$MINE/$THEIRS" = 'said|eof/hellomore|eof' ]
}

# A reset means nothing from who makes an orderly end one as well.
orderly() { # PEER VARIANT
	serve "$1" "$2" relay-reset-client || return
	conversation reset-client send=hello await=welcome shutdown end
	[ "$MINE/$THEIRS" = 'welcome|eof/hello|eof' ] || told
	[ "$MINE/$THEIRS" = 'welcome|eof/hello|eof' ]
}

row_reset_client() {
	orderly "$1" "$2" || return
	conversation reset-client send=hello await=welcome reset
	told
	[ "${THEIRS#*|}" = reset ]
}

row_reset_backend() {
	orderly "$1" "$2" || return
	serve "$1" "$2" relay-reset-backend || return
	conversation reset-backend send=hello end
	told
	[ "${MINE#*|}" = reset ]
}

# The peer is stopped meanwhile, so that it finds the bytes and the reset together.
row_delivered() {
	serve "$1" "$2" relay-reset-client || return
	conversation reset-client send=hello await=welcome run="kill -STOP -- -$GROUP" send=' and more' reset run="kill -CONT -- -$GROUP"
	told
	[ "${THEIRS%|*}" = 'hello and more' ] || return
	BEFORE=${THEIRS#*|}
	serve "$1" "$2" relay-stopped-backend || return
	rm -f "$T/stopped"
	conversation stopped-backend send=hello await=welcome run="kill -STOP -- -$GROUP" run="touch '$T/stopped'" \
	    until="$T/side-stopped-backend" run="kill -CONT -- -$GROUP" end
	told
	[ "${MINE%|*}" = 'welcome and more' ]
}

row_delivered_reset() {
	orderly "$1" "$2" && row_delivered "$@" && [ "$BEFORE/${MINE#*|}" = reset/reset ]
}

row_reload() {
	local target=one

	serve "$1" "$2" reload || return
	reaches '^one\n' hello || return
	target=two
	configure "$1" "$2" reload
	reaches '^two\n' hello
}

# attempt PEER WANT FUNCTION: sets seen.
attempt() {
	local variant status

	seen=no
	for variant in ${variants[$1]}; do
		note=
		patience=2
		if [ "$2" = yes ] && [ "$variant" = "${variants[$1]##* }" ]; then
			patience=$WAIT
		fi
		"$3" "$1" "$variant"
		status=$?
		diag "$1 $variant:$(sed -n $((status + 1))p <<< $' yes\n no\n -\n unclear')${note:+ ($note )}"
		case $status in
		0) seen=yes && break ;;
		2) seen=- ;;
		3) seen=unclear ;;
		esac
	done
}

# row LABEL FUNCTION
row() {
	local peer seen note want left

	for peer in "${peers[@]}"; do
		want=$(cell "$peer" "$1")
		if [ -z "${version[$peer]}" ]; then
			skip "$peer: $1" 'not installed'
			continue
		fi
		# A program that starts late, as on a busy machine, finds in one piece what was sent in two: yes is what it does each time.
		for ((left = 4; left > 0; left--)); do
			attempt "$peer" "$want" "$2"
			if [ "$want" != no ] || [ "$seen" = no ]; then
				break
			fi
		done
		if [ "$peer" = usher ]; then
			is "$seen" yes "usher: $1"
			is "$want" yes "usher: $1: PEERS.md says so"
		elif grep -qF "${title[$peer]} ${version[$peer]%%[-+]*}" <<< "$section"; then
			is "$seen" "$want" "$peer: $1: PEERS.md says what was seen, $seen"
		else
			skip "$peer: $1: $seen" "PEERS.md speaks of another version than ${version[$peer]}"
		fi
	done
	rows+=("$1")
}
rows=()

version[usher]=$("$USHER" --version | sed 's/[^0-9]*//')
version[sslh]=$(sslh -V 2> /dev/null | sed 's/^[^ ]* //')
version[haproxy]=$(haproxy -v 2> /dev/null | sed -n 's/^HA-*Proxy version \([^ ]*\).*/\1/p')
version[nginx]=$(nginx -v 2>&1 | sed -n 's,.*nginx/\([^ ]*\).*,\1,p')
PORT=$(free_port)
configure nginx plain unknown
nginx -t -p "$T" -c "$CONFIG" > "$T/check" 2>&1 || version[nginx]=
for peer in "${peers[@]}"; do
	diag "$peer ${version[$peer]:-is not installed}"
done

row "sshd sees the client's address, without privileges or routing for it" row_address
row "a backend that is relayed to sees the client's address, by the PROXY protocol" row_proxied
row 'the first backend refuses: the next one is reached' row_refuses
row 'the first backend does not answer: the next one is reached' row_silent_backend
row 'TLS by SNI, the ClientHello in one piece' row_sni
row 'TLS by SNI, in two segments or a byte at a time' row_sni_segments
row 'TLS by SNI, in two TLS records, the name in the first' row_sni_records
row 'TLS by SNI, in TLS records of any size' row_sni_small_records
row 'TLS by ALPN' row_alpn
row 'two protocols told apart by their first 10 bytes' row_literal
row 'the same, in any split' row_literal_splits
row 'HTTP by host, and SSH' row_http
row 'the same, a byte at a time' row_http_bytes
row 'TLS, and a backend for clients that say nothing' row_silence
row 'TLS, and a backend for the rest: an unknown line reaches it at once' row_unknown_line
row 'the same, one unknown byte' row_unknown_byte
row 'the client finishes sending, the backend answers after that' row_half_client
row 'the backend finishes sending, the client goes on after that' row_half_backend
row "a client's reset is a reset for the backend, and an orderly end is none" row_reset_client
row "a backend's reset is a reset for the client, and an orderly end is none" row_reset_backend
row 'bytes that came right before a reset are delivered' row_delivered
row 'the same, and the reset after them, in both directions' row_delivered_reset
row 'a changed rule file counts for the next connection, without a signal' row_reload
is "$(labels)" "$(printf '%s\n' "${rows[@]}")" 'PEERS.md has these rows and no others'

finish
