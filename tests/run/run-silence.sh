#!/bin/bash
# What happens while the client says nothing, or not enough; and what does not happen then.
# shellcheck source=tests/lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
need tcpserver nginx
need_usher

start_nginx
serve_tcp default /bin/sh -c "echo x >> '$T/reached'; echo the default backend; exec cat"
default=$PORT
reached() {
	wc -l < "$T/reached"
}
: > "$T/reached"
http=$'GET / HTTP/1.0\r\n\r\n'

# --- the timeout ---
serve_usher --timeout 200ms "http connect 127.0.0.1:$NGINX_PORT" "any connect 127.0.0.1:$default"
talk --await=$'^the default backend\nG$' 127.0.0.1:"$PORT" G
is "$END" match 'G, then silence: the default backend at the timeout, with the G'
talk --await='^the default backend' 127.0.0.1:"$PORT"
is "$END" match 'silence: the default backend at the timeout'
ok 'silence: it is logged as silent' wait_log 'protocol=silent .*rule=2 '

serve_usher --timeout 1s "http connect 127.0.0.1:$NGINX_PORT"
talk 127.0.0.1:"$PORT" G
is "$END" eof 'G, then silence, and no other rule: closed at the timeout'
ok 'G, then silence, and no other rule: logged as unknown, with the time' wait_log \
    'protocol=unknown rule=none duration=[1-9][0-9]*\.[0-9]*s end=no-rule$'

# --- an hour's timeout: what ends inside the test was not ended by it ---
serve_usher --timeout 1h "http connect 127.0.0.1:$NGINX_PORT" 'ssh reject' "any connect 127.0.0.1:$default"
talk --await='^the default backend' 127.0.0.1:"$PORT" $'\001'
is "$END" match 'bytes that no earlier rule can match reach the default at once'
talk --await='^the default backend' --bytewise 127.0.0.1:"$PORT" 'GET no-target'$'\r\n\r\n'
is "$END" match 'a beginning that turns out wrong late reaches the default at once'
serve_usher --timeout 1h 'ssh reject' "any connect 127.0.0.1:$default"
talk --await='^the default backend' 127.0.0.1:"$PORT" SSX
is "$END" match 'a beginning of which the third byte is wrong reaches the default at once'
serve_usher --timeout 1h "http connect 127.0.0.1:$NGINX_PORT" 'ssh reject'
talk 127.0.0.1:"$PORT" $'\001'
is "$END" eof 'bytes that no rule can match end the connection at once'
talk --shutdown 127.0.0.1:"$PORT" GE
is "$END" eof "the client's end of file ends the connection at once"
serve_usher --timeout 1h "any connect 127.0.0.1:$default"
talk --await='^the default backend' 127.0.0.1:"$PORT"
is "$END" match 'a sole any does not wait'

# --- a client that only connects ---
serve_usher --timeout 1h "http connect 127.0.0.1:$NGINX_PORT" "any connect 127.0.0.1:$default"
before=$(reached)
talk --close 127.0.0.1:"$PORT"
ok 'a client that connects and closes: logged' wait_log 'rule=none .*end=client$'
talk --shutdown 127.0.0.1:"$PORT"
ok 'a client that connects and finishes sending: logged' wait_for at_least 2 usher_lines
talk --reset 127.0.0.1:"$PORT"
ok 'a client that connects and resets: logged' wait_log 'rule=none .*end=client-reset$'
is "$(reached)" "$before" 'clients that only connect reach no backend'
ok 'none of the clients that only connect is a failure: exit status 0' wait_for has_ended 0 3

# --- a server that speaks first ---
if command -v mariadbd > /dev/null && command -v mariadb > /dev/null; then
	start_mariadb
	serve_usher --timeout 1h "http connect 127.0.0.1:$NGINX_PORT" "silent=1s connect 127.0.0.1:$MARIADB_PORT" 'any reject'
	# later clients warn of what they cannot verify
	client=(mariadb --no-defaults -h 127.0.0.1 -P "$PORT" --connect-timeout="$WAIT" --skip-ssl-verify-server-cert -N)
	run "${client[@]}" -e 'select 41 + 1'
	is "$STATUS/$OUT$ERR" 0/42 'silent=1s: the real client reaches MariaDB'
	ok 'silent=1s: the real client is logged as silent' \
	    wait_log "protocol=silent rule=2 action=\"connect 127\.0\.0\.1:$MARIADB_PORT\" .*end="
	run "${client[@]}" -e 'select repeat("x", 5000000)'
	is "$STATUS/${#OUT}" 0/5000000 'silent=1s: the real client reads a large result from MariaDB'
	talk 127.0.0.1:"$PORT" "$http"
	like "$ANSWER" 'nginx GET' 'silent=1s: HTTP on the same port goes to nginx'
	talk --pause=75 --bytewise --await='nginx GET' 127.0.0.1:"$PORT" $'GET / HTTP/1.0\r\n\r\n'
	is "$END" match 'silent=1s: HTTP that dribbles for longer than that goes to nginx'
	talk 127.0.0.1:"$PORT" $'\001'
	is "$END" reset 'silent=1s: what is neither is rejected'
else
	skip 'silent= reaches MariaDB' 'mariadb is not installed'
fi

finish
