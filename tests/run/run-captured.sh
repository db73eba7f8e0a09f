#!/bin/bash
# A parser that somebody else has taken over: in each way of starting usher nothing of what it tries works, and the next client is
# served.  tests/helpers/captured.c is that parser; a client's bytes are the name of what it is to try.
# shellcheck source=tests/lib.sh disable=SC1091,SC2317
. "$(dirname "$0")/../lib.sh"
need tcpserver setpriv pgrep
CAPTURED=$TOP/tests/helpers/usher-captured
[ -x "$CAPTURED" ] || bail "$CAPTURED is not built"
if grep -q '__asan_init' "$CAPTURED"; then
	# a sanitizer makes system calls of its own, so there is no filter to be seen
	ok 'the parser that attacks is built' test -x "$CAPTURED"
	finish
fi

# What the log tells of; and what is refused otherwise, comes to nothing, or is done with all signals blocked by the C library.
filtered='shadow passwd create execute trace signal signal-all dump datagram code'
others='fork root others answer memory crash'
# Landlock knows of ports since Linux 6.7.
landlock=$("$CAPTURED" --version | sed -n 's/.*Landlock //p')
if [ "${landlock:-0}" -ge 4 ]; then
	others="$others connect"
fi

# An ordinary user must be able to execute it, and root a program of somebody else's folder.
chmod 711 "$T"
cp "$CAPTURED" "$T/usher"

backend=$(free_port)
# rules KIND: of a process that does everything itself, or of one that may execute and has another one read for it.
rules() {
	RULES=("git connect 127.0.0.1:$backend" 'text=hello reply served')
	if [ "$1" = exec ]; then
		RULES+=('text=never exec /bin/true')
	fi
}

serve() { # SHAPE KIND USER
	local user=()

	what="$1, $2, as $3"
	if [ "$3" = 'an ordinary user' ] && [ "$(id -u)" -eq 0 ]; then
		user=(setpriv --reuid 4711 --regid 4711 --clear-groups)
	fi
	rules "$2"
	if [ "$1" = tcpserver ]; then
		serve_tcp captured "${user[@]}" "$T/usher" --timeout 500ms "${RULES[@]}"
	else
		served=$((served + 1))
		LOG=$T/log/captured-$served
		PORT=$(free_port)
		start "captured-$served" "${user[@]}" "$T/usher" --timeout 500ms --listen "127.0.0.1:$PORT" "${RULES[@]}"
		await usher "$PORT"
	fi
}

attack() { # NAME
	talk 127.0.0.1:"$PORT" "$1!"
	unlike "$ANSWER" ACHIEVED "$what: a captured parser achieves nothing: $1"
}

forbidden() {
	grep -acE 'system call [0-9]+ is none that usher makes|the reading process (tried system call [0-9]+|was killed by signal 31)' "$LOG"
}

# A client is served; on a busy machine its word may come when the half second is over.
is_served() {
	talk 127.0.0.1:"$PORT" hello
	[ "$ANSWER" = served ]
}

# A parser that never comes back: a reader is ended in time; a process that does everything is somebody's to end.
spin() { # KIND
	exec 7<> /dev/tcp/127.0.0.1/"$PORT"
	printf 'spin!' >&7
	if [ "$1" = exec ]; then
		ok "$what: one that spins is ended" wait_log 'no answer in time'
	else
		ok "$what: beside one that spins a client is served" wait_for is_served
		ok "$what: it can be killed" pkill -KILL -P "$PID"
	fi
	exec 7>&-
}

all_attacks() { # SHAPE KIND USER
	local name told=0

	serve "$@"
	for name in $filtered; do
		attack "$name"
		told=$((told + 1))
		ok "$what: the log tells of it: $name" wait_for at_least "$told" forbidden
	done
	for name in $others; do
		attack "$name"
	done
	spin "$2"
	ok "$what: after all that a client is served" wait_for is_served
	end "$PID"
}

users=('an ordinary user')
if [ "$(id -u)" -eq 0 ]; then
	users+=(root)
fi
for user in "${users[@]}"; do
	for shape in tcpserver --listen; do
		for kind in connect exec; do
			all_attacks "$shape" "$kind" "$user"
		done
	done
done
is "$(find /tmp -maxdepth 1 -name usher-was-here)" '' 'no file was made'

finish
