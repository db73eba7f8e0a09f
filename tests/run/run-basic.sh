#!/bin/bash
# Each action, the log line of each end, exit statuses, and what usher prints for people.
# shellcheck source=tests/lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
need tcpserver nginx openssl
need_usher

start_nginx
http=$'GET /path HTTP/1.1\r\nHost: www.example.org\r\nConnection: close\r\n\r\n'
client='usher: client=127\.0\.0\.1:[0-9]+'
time='duration=[0-9]+\.[0-9]{3}s'
down=$(free_port)

# --- exec ---
serve_usher 'http exec /bin/echo an answer' 'text={ENV} exec /usr/bin/env' 'text={NONE} exec /nonexistent/program' \
    "text={PERM} exec $T/nginx.conf" 'text={ERR} exec /bin/sh -c "echo to the log >&2; echo to the client"' \
    'text={CAT} exec /bin/cat'
talk 127.0.0.1:"$PORT" "$http"
is "$ANSWER" 'an answer' 'exec: the program is run with its arguments and its output is the connection'
ok 'exec: a log line' wait_log 'rule=1 '
like "$LINE" "^$client protocol=http method=GET path=/path host=www\.example\.org rule=1 action=\"exec /bin/echo an answer\" $time end=exec\$" \
    'exec: client, protocol with attributes, rule, action, duration, end'
talk 127.0.0.1:"$PORT" '{ENV}'
like "$ANSWER" 'REMOTE_ADDR=127\.0\.0\.1' 'exec: REMOTE_ADDR is in the environment'
like "$ANSWER" 'TCPREMOTEIP=127\.0\.0\.1' 'exec: TCPREMOTEIP is in the environment'
like "$ANSWER" "TCPLOCALPORT=$PORT" 'exec: TCPLOCALPORT is in the environment'
like "$ANSWER" 'PROTO=TCP' 'exec: PROTO is in the environment'
talk --shutdown 127.0.0.1:"$PORT" '{CAT}' $' and\n' $'more\n'
is "$ANSWER" $'{CAT} and\nmore' 'exec: the program reads all that the client sent'
talk 127.0.0.1:"$PORT" '{ERR}'
is "$ANSWER" 'to the client' "exec: the program's standard error is not the client's"
ok "exec: the program's standard error is the log" wait_log '^to the log$'
talk 127.0.0.1:"$PORT" '{NONE}'
ok 'exec: a program that is not there is logged' wait_log '/nonexistent/program.*No such file'
ok 'exec: a program that is not there: exit status EX_NOT_FOUND' wait_for has_ended "$EX_NOT_FOUND"
talk 127.0.0.1:"$PORT" '{PERM}'
ok 'exec: a program that cannot be run: status EX_NOT_EXECUTABLE' wait_for has_ended "$EX_NOT_EXECUTABLE"

# --- connect ---
serve_usher "http connect 127.0.0.1:$NGINX_PORT"
talk 127.0.0.1:"$PORT" "$http"
is "${ANSWER##*$'\n'}" 'nginx GET www.example.org 127.0.0.1' 'connect: a TCP backend'
ok 'connect: a log line' wait_log 'rule=1 '
bytes=$(stat -c %s "$T/answer")
like "$LINE" "^$client protocol=http method=GET path=/path host=www\.example\.org rule=1 action=\"connect 127\.0\.0\.1:$NGINX_PORT\" \
backend=127\.0\.0\.1:$NGINX_PORT bytes_in=${#http} bytes_out=$bytes $time end=backend\$" 'connect: backend, bytes each way and who ended'
serve_usher "http connect unix:$NGINX_UNIX"
talk 127.0.0.1:"$PORT" "$http"
is "${ANSWER##*$'\n'}" 'nginx GET www.example.org unix:' 'connect: a Unix backend'
ok 'connect: a log line names the path' wait_log " backend=unix:$NGINX_UNIX bytes_in=${#http} "
serve_usher "http connect localhost:$NGINX_PORT"
talk 127.0.0.1:"$PORT" "$http"
like "$ANSWER" 'nginx GET' 'connect: a name, of which one address may not answer'
serve_usher "http connect 127.0.0.1:$down,127.0.0.1:$NGINX_PORT"
talk 127.0.0.1:"$PORT" "$http"
like "$ANSWER" 'nginx GET' 'connect: the second address when the first is down'
ok 'connect: the log names the address that answered' wait_log " backend=127\.0\.0\.1:$NGINX_PORT "
serve_usher "http connect 127.0.0.1:$down"
talk 127.0.0.1:"$PORT" "$http"
is "$END" reset 'connect: backend down: the client is reset'
ok 'connect: backend down: logged' wait_log 'end=backend-unreachable$'
like "$LINE" "^$client .*rule=1 action=\"connect 127\.0\.0\.1:$down\" error=\"127\.0\.0\.1:$down: Connection refused\" $time end=backend-unreachable\$" \
    'connect: backend down: with the reason'
ok 'connect: backend down: exit status EX_UNAVAILABLE' wait_for has_ended "$EX_UNAVAILABLE"

# --- reply, reject, close, no rule ---
serve_usher 'http path=/path reply "HTTP/1.0 301 Moved\r\nLocation: https://www.example.org/\r\n\r\n"' 'text={RST} reject' 'text={BYE} close' 'ssh close'
talk 127.0.0.1:"$PORT" "$http"
is "$(head -n 2 "$T/answer" | tr '\r' '|')" $'HTTP/1.0 301 Moved|\nLocation: https://www.example.org/|' \
    'reply: the text, escapes resolved'
is "$END" eof 'reply: a graceful end though the request was not read'
ok 'reply: logged' wait_log "^$client protocol=http .*rule=1 .*$time end=reply\$"
talk 127.0.0.1:"$PORT" '{RST}'
is "$END/$ANSWER" reset/ 'reject: the client sees a reset'
ok 'reject: logged' wait_log "^$client .*rule=2 action=reject $time end=reject\$"
talk 127.0.0.1:"$PORT" '{BYE}'
is "$END/$ANSWER" eof/ 'close: the client sees the end of file'
ok 'close: logged' wait_log "^$client .*rule=3 action=close $time end=close\$"
talk 127.0.0.1:"$PORT" $'\001\002\003'
is "$END/$ANSWER" eof/ 'no rule: closed'
ok 'no rule: logged' wait_log "^$client protocol=unknown rule=none $time end=no-rule\$"
talk 127.0.0.1:"$PORT" $'SSH-2.0-Evil"\033[2J\xff\r\n'
ok "a peer's bytes in the log are escaped" wait_log 'protocol=ssh .*rule=4 action=close'
like "$LINE" 'software="Evil\\"' "a quote in a peer's bytes is escaped in the log"
unlike "$(tr -d '\n' < "$LOG")" '[^ -~]' 'nothing that is not printable is in the log'
talk --shutdown 127.0.0.1:"$PORT"
ok 'a client that connects and finishes: logged' wait_log "^$client protocol=[a-z]+ rule=none $time end=client\$"
talk --reset 127.0.0.1:"$PORT" '{RS'
ok 'a client that resets before the verdict: logged' wait_log "end=client-reset\$"
ok 'whatever the client does, the exit status is 0' wait_for has_ended 0 7
is "$(grep -c 'end .* status [1-9]' "$LOG")" 0 'whatever the client does, no exit status is another than 0'

# --- flags for rules, --config, the default file's place ---
cat > "$T/rules" << END
# a comment
set timeout 1h

http path=/other  reply "other"
http              reply 'from the file'
END
serve_usher --config "$T/rules"
talk 127.0.0.1:"$PORT" "$http"
is "$ANSWER" 'from the file' '--config: rules from a file'
serve_usher "--http=127.0.0.1:$NGINX_PORT" --any "127.0.0.1:$down"
talk 127.0.0.1:"$PORT" "$http"
like "$ANSWER" 'nginx GET' '--PROTOCOL ADDRESS is a rule'
serve_usher --log none 'http reply x'
talk 127.0.0.1:"$PORT" "$http"
ok '--log none: the connection is served' wait_for has_ended 0
is "$ANSWER/$(grep -c client= "$LOG")" x/0 '--log none: nothing is logged'

# --- how usher is not meant to be started ---
run "$USHER" 'any close' < /dev/null
is "$STATUS" "$EX_USAGE" 'standard input /dev/null: status EX_USAGE'
like "$ERR" 'systemd.*inetd|inetd.*systemd' 'standard input /dev/null: a sentence tells how usher is meant to be started'
run "$USHER" 'any close' < "$T/rules"
is "$STATUS" "$EX_USAGE" 'standard input a file: status EX_USAGE'
run "$USHER" 'any close' < <(sleep 0.01)
is "$STATUS" "$EX_USAGE" 'standard input a pipe: status EX_USAGE'
like "$ERR" 'inetd' 'standard input a pipe: a sentence tells how usher is meant to be started'
if command -v script > /dev/null; then
	run script -qec "'$USHER' 'any close'" "$T/typescript" < /dev/null
	is "$STATUS" "$EX_USAGE" 'standard input a terminal: status EX_USAGE'
	like "$OUT" 'inetd' 'standard input a terminal: a sentence tells how usher is meant to be started'
else
	skip 'standard input a terminal' 'script is not installed'
fi
run "$USHER" 'any close' <&-
is "$STATUS" "$EX_USAGE" 'standard input closed: status EX_USAGE'
cat > "$T/dgram.pl" << 'END'
use Socket;
socketpair(my $a, my $b, AF_UNIX, SOCK_DGRAM, 0) or die;
open(STDIN, '<&', $a) or die;
exec @ARGV;
END
run perl "$T/dgram.pl" "$USHER" 'any close'
is "$STATUS" "$EX_USAGE" 'standard input a datagram socket: status EX_USAGE'
run "$USHER" --no-such-flag
is "$STATUS" "$EX_USAGE" 'an unknown flag: status EX_USAGE'
like "$ERR" 'no-such-flag' 'an unknown flag is quoted'
run "$USHER" --timeout=soon 'any close'
is "$STATUS" "$EX_USAGE" 'a bad value of a flag: status EX_USAGE'
like "$ERR" 'soon' 'a bad value of a flag is quoted'

# --- bad rules ---
run "$USHER" 'ssh exce /bin/cat'
is "$STATUS" "$EX_CONFIG" 'a bad rule: status EX_CONFIG'
like "$ERR" '^usher: command line: "exce": ' 'a bad rule: what was read is quoted'
printf '# fine\nssh close\nhttp hots=x close\n' > "$T/bad"
run "$USHER" --check --config "$T/bad"
is "$STATUS" "$EX_CONFIG" 'a bad rule in a file: status EX_CONFIG'
like "$ERR" "^usher: $T/bad:3: \"hots" 'a bad rule in a file: the file, the line and what was read are told'
: > "$T/empty"
run "$USHER" --check --config "$T/empty"
is "$STATUS" "$EX_CONFIG" 'a file without a rule: status EX_CONFIG'
like "$ERR" "^usher: $T/empty: no rule in it" 'a file without a rule is named'
run "$USHER" --config "$T/missing"
is "$STATUS" "$EX_CONFIG" 'a file that is not there: status EX_CONFIG'
like "$ERR" "$T/missing.*No such file" 'a file that is not there is named'
serve_usher --config "$T/bad"
talk 127.0.0.1:"$PORT" "$http"
ok 'a bad rule file when there is a connection: logged with file:line' wait_log "^usher: $T/bad:3: "
ok 'a bad rule file when there is a connection: status EX_CONFIG' wait_for has_ended "$EX_CONFIG"
cp "$T/rules" "$T/bad"
talk 127.0.0.1:"$PORT" "$http"
is "$ANSWER" 'from the file' 'once the file is good, so is the next connection'

# --- --check, --explain, --protocols, --version, --help ---
for mode in --check --explain=hex:41 --protocols --version --help; do
	status=0
	"$USHER" "$mode" 'any close' > /dev/full 2> /dev/null || status=$?
	is "$status" 74 "$mode, standard output is full: status EX_IOERR"
done
run "$USHER" --check --config "$T/rules"
is "$STATUS/$OUT/$ERR" '0/2 rules/' '--check: how many rules'
run "$USHER" --check --listen 8022 --listen '[::1]:22' --listen unix:/nonexistent/socket 'any close'
is "$STATUS/$OUT" '0/1 rule' '--check: addresses to listen on'
run "$USHER" --check --listen 80.22 'any close'
is "$STATUS" "$EX_USAGE" '--check: an address that is none: status EX_USAGE'
like "$ERR" '^usher: --listen: "80\.22": expected ' '--check: an address that is none is told'
run "$USHER" --check 'ssh exec /nonexistent/sshd -i' 'any close'
is "$STATUS/$OUT" '0/2 rules' '--check: a program that is not there is no error'
like "$ERR" '/nonexistent/sshd' '--check: a program that is not there is warned of'

explain() { # BYTES ARGUMENT...
	local bytes=$1

	shift
	printf '%b' "$bytes" > "$T/explain"
	run "$USHER" --explain "$@" < "$T/explain"
	LINE=${OUT##*$'\n'}
}

export REMOTE_ADDR=192.0.2.7 REMOTE_PORT=5000 TCPLOCALIP=198.51.100.1 TCPLOCALPORT=443
explain 'SSH-2.0-OpenSSH_9.2p1 Debian\r\n' 'ssh software=dropbear* close' '!ssh reject' 'ssh software=OpenSSH* connect 127.0.0.1:22'
is "$STATUS" 0 '--explain: status 0'
like "$LINE" '^protocol=ssh version=2\.0 software=OpenSSH_9\.2p1.* bytes=30 (decided=[0-9]+ )?rule=3 action="connect 127\.0\.0\.1:22"$' \
    '--explain: attributes, negation; the last line is logfmt'
is "$(wc -l < "$T/out")" 4 '--explain: a verdict for every rule'
explain 'GET / HTTP/1.0\r\n\r\n' 'from=192.0.2.0/24 to=198.51.100.1 port=80,443 http close' 'any reject'
like "$LINE" 'rule=1 action=close$' '--explain: from, to and port by the environment'
explain 'GET / HTTP/1.0\r\n\r\n' 'from=192.0.3.0/24 close' 'to=198.51.100.2 close' 'port=80 close' '!from=192.0.2.7 close' 'any reject'
like "$LINE" 'rule=5 action=reject$' '--explain: from, to and port that do not hold'
explain '' 'any close' 'silent reply x'
like "$LINE" '^protocol=silent bytes=0 (decided=[0-9]+ )?rule=1 action=close$' '--explain: no bytes are silence; any holds then'
explain '' 'http close' 'silent=300ms reply x'
like "$LINE" '^protocol=silent bytes=0 (decided=[0-9]+ )?rule=2 action="reply' '--explain: silent='
explain 'G' 'http close' 'silent reject'
like "$LINE" '^protocol=unknown bytes=1 (decided=[0-9]+ )?rule=none$' '--explain: the end of input is the end of what can be known'
explain 'ab\xff\x12zz' 'bytes=?2@2 close' 'bytes=f1@2 close' 'bytes=f?1?@2 reject'
like "$LINE" 'rule=3 action=reject$' '--explain: bytes with offset and wildcards'
explain 'hello world' 'text=world close' 'regex=^h.*d$ reject'
like "$LINE" 'rule=2 action=reject$' '--explain: text and regex'
explain 'GET / HTTP/1.1\r\nHost: a.b.EXAMPLE.org\r\n\r\n' 'http host=example.org close' 'http host=x.org,*.example.org reject'
like "$LINE" 'rule=2 action=reject$' '--explain: one of several globs, without case'
explain '\000\000\000\010\004\322\026\057'
like "$LINE" '^protocol=postgres bytes=8' '--explain without rules names the protocol'
unset REMOTE_ADDR REMOTE_PORT TCPLOCALIP TCPLOCALPORT

run "$USHER" --protocols
is "$STATUS" 0 '--protocols: status 0'
for protocol in ssh tls http http2 redis postgres socks4 socks5 rdp mqtt; do
	ok "--protocols names $protocol" grep -qE "^${protocol}[[:space:]]" "$T/out"
done
run "$USHER" --version
like "$STATUS/$OUT" '^0/usher [0-9]+\.[0-9]+' '--version'
run "$USHER" --help
is "$STATUS" 0 '--help: status 0'
for flag in config check explain protocols timeout connect-timeout idle-timeout log verbose version help; do
	like "$OUT" "--$flag" "--help names --$flag"
done

finish
