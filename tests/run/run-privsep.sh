#!/bin/bash
# Where a rule may execute a program, another process reads the client's bytes: what that one is, what the program is, and what
# happens when one of the two is killed.
# shellcheck source=tests/lib.sh disable=SC1091,SC2317
. "$(dirname "$0")/../lib.sh"
need tcpserver pgrep
need_usher

nobody=65534

# processes: the usher that serves a client of tcpserver PID is SERVER, and the one that reads for it READER.
processes() {
	SERVER=$(pgrep -P "$PID") && READER=$(pgrep -P "$SERVER") &&
	    [ "$(field Seccomp_filters "$READER")" -gt "$(field Seccomp_filters "$SERVER")" ]
}

field() { # NAME PROCESS
	sed -n "s/^$1:[[:space:]]*//p" "/proc/$2/status" | tr '\t' ' '
}

gone() { # PROCESS
	[[ $(ps -o stat= -p "$1") =~ ^(Z.*)?$ ]]
}

# A client that says too little to decide, for as long as descriptor 7 is open.
begin_client() {
	exec 7<> /dev/tcp/127.0.0.1/"$PORT"
	printf G >&7
}

if grep -q '__asan_init' "$USHER"; then
	# a sanitizer makes system calls of its own, so there is no filter to be seen
	serve_usher 'http exec /bin/cat' 'text=Gx reply served' 'any reject'
	talk 127.0.0.1:"$PORT" Gx
	is "$ANSWER" served 'another process reads: a client is served'
	finish
	exit
fi

# --- the reader, and what the program is after it ---
serve_usher --timeout 1h 'http exec /bin/cat /proc/self/status' 'text=Gx reply served' 'any reject'
begin_client
ok 'a process reads for the one that may execute' wait_for processes
is "$(field Seccomp "$READER")" 2 'the reader has a filter of system calls'
is "$(field NoNewPrivs "$READER")" 1 'the reader can gain no privileges'
is "$(field CapEff "$READER")/$(field CapPrm "$READER")" 0000000000000000/0000000000000000 'the reader has no capabilities'
if [ "$(id -u)" -eq 0 ]; then
	is "$(field Uid "$READER")/$(field Gid "$READER")/$(field Groups "$READER")" \
	    "$nobody $nobody $nobody $nobody/$nobody $nobody $nobody $nobody/" "the reader is nobody's"
	is "$(find "/proc/$READER/fd" -mindepth 1 -printf '%f %l\n' | sed 's/:.*//' | sort)" $'0 socket\n1 pipe' \
	    'the reader has the connection and a pipe'
fi
# a container may have filters of its own for all
filters=$(field Seccomp_filters self)
is "$(field Seccomp_filters "$SERVER")/$(field NoNewPrivs "$SERVER")" "$filters/$(field NoNewPrivs self)" 'the server is as it was'
printf 'ET / HTTP/1.0\r\n\r\n' >&7
timeout "$WAIT" cat <&7 > "$T/status"
exec 7>&-
like "$(cat "$T/status")" $'Name:\tcat' 'the program is executed'
is "$(sed -nE 's/^(NoNewPrivs|Seccomp_filters):\t//p' "$T/status" | tr '\n' ' ')" "$(field NoNewPrivs self) $filters " \
    'the program has nothing of the sandbox'
is "$(sed -n 's/^Uid:\t//p' "$T/status" | cut -f 1)" "$(id -u)" 'the program has the user that usher was started as'
ok 'the reader has ended' gone "$READER"

# --- one of the two is killed ---
begin_client
ok 'another client has another reader' wait_for processes
kill -KILL "$READER"
is "$(timeout "$WAIT" cat <&7)" '' 'the reader is killed: the client gets nothing'
exec 7>&-
ok 'the reader is killed: the log says so' wait_log 'rule=none error="the reading process: it did not answer" .*end=system$'
begin_client
ok 'and the next client has a reader' wait_for processes
kill -TERM "$SERVER"
ok 'SIGTERM: the log says so' wait_log 'end=terminated$'
ok 'SIGTERM: the reader has ended' wait_for gone "$READER"
exec 7>&-
begin_client
ok 'after that the next client has a reader' wait_for processes
kill -KILL "$SERVER"
ok 'the server is killed: the reader ends' wait_for gone "$READER"
exec 7>&-
talk 127.0.0.1:"$PORT" Gx
is "$ANSWER" served 'after all that a client is served'
end "$PID"

# --- where it is not needed, or not wanted ---
for arguments in '--sandbox off --timeout 1h' '--timeout 1h'; do
	program='exec /bin/cat'
	[ "$arguments" != '--timeout 1h' ] || program='reply none'
	# shellcheck disable=SC2086  # several words
	serve_usher $arguments "http $program" 'text=Gx reply served' 'any reject'
	begin_client
	ok "usher $arguments, $program: it serves" wait_for pgrep -P "$PID"
	talk 127.0.0.1:"$PORT" Gx
	is "$ANSWER" served "usher $arguments, $program: a client is served"
	is "$(pgrep -P "$(pgrep -P "$PID" | head -n 1)")" '' "usher $arguments, $program: no other process reads"
	exec 7>&-
	end "$PID"
done

# --- who relays: not root any more, however it came to that ---
relays() {
	RELAY=$(pgrep -P "$PID") && [ "$(pgrep -P "$RELAY")" = '' ] && [ "$(field NoNewPrivs "$RELAY")" = 1 ]
}
need nginx
start_nginx
# only who owns it may connect
chmod 600 "$NGINX_UNIX"
me=$(id -u)
# a container may forbid Landlock: --sandbox require then serves nobody
required="--sandbox|require|http connect 127.0.0.1:$NGINX_PORT"
if [[ $("$USHER" --version) != *', Landlock '* ]]; then
	IFS='|' read -ra words <<< "$required"
	serve_usher "${words[@]}" 'any reject'
	talk 127.0.0.1:"$PORT" $'GET /one HTTP/1.1\r\nHost: a\r\n\r\n'
	is "$ANSWER" '' 'without Landlock --sandbox require serves nobody'
	ok 'and the log says why' wait_log 'error="sandbox: Landlock is not to be had" .*end=system$'
	end "$PID"
	required=
fi
for arguments in "http connect 127.0.0.1:$NGINX_PORT" "http connect localhost:$NGINX_PORT" "http connect unix:$NGINX_UNIX" \
    "http connect 127.0.0.1:$NGINX_PORT|text=Gx exec /bin/true" "--user|4711:4712|http connect 127.0.0.1:$NGINX_PORT" \
    ${required:+"$required"}; do
	IFS='|' read -ra words <<< "$arguments"
	serve_usher --timeout 1h "${words[@]}" 'any reject'
	exec 7<> /dev/tcp/127.0.0.1/"$PORT"
	printf 'GET /one HTTP/1.1\r\nHost: a\r\n\r\n' >&7
	ok "$arguments: it is relayed" timeout "$WAIT" grep -q -m 1 'nginx GET' <&7
	ok "$arguments: by one process that can gain no privileges" wait_for relays
	is "$(field Seccomp "$RELAY")/$(field CapEff "$RELAY")" 2/0000000000000000 "$arguments: locked in"
	user=$me
	if [ "$me" -eq 0 ]; then
		user=$nobody
		case $arguments in
		--user*) user=4711 ;;
		esac
	fi
	is "$(field Uid "$RELAY")" "$user $user $user $user" "$arguments: by user $user"
	exec 7>&-
	ok "$arguments: the log has it" wait_log 'path=/one.*end=(client|backend)$'
	end "$PID"
done

finish
