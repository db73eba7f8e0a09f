#!/bin/bash
# What an exec rule's program finds, held against what it finds when tcpserver, or systemd's inetd way, runs it without usher.
# tests/helpers/report writes it down.  Every difference must be one that usher(8) promises.
# shellcheck source=tests/lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
need tcpserver
need_usher
REPORT=${REPORT:-$TOP/tests/helpers/report}
[ -x "$REPORT" ] || bail "$REPORT is not built"
# usher keeps variables of that name from programs, whoever set them.
export -n "${!USHER_@}"

http=$'GET /path HTTP/1.1\r\nHost: www.example.org\r\n\r\n'
# Decided by the last byte, so that all of them have arrived.
usher_rules() { # REPORT-FILE
	printf '%s\n' "http regex=\"^GET .*\\r\\n\\r\\n\" exec $REPORT $1"
}

# What is different in every run of the same thing.  The unread bytes have a test of their own.
normal() { # FILE
	sed -E -e '/^unread /d' -e 's/^(env (TCP)?REMOTE_?PORT=).*/\1N/' -e 's/^(env TCPLOCALPORT=).*/\1N/' -e '/^env (_|PWD|SHLVL|OLDPWD)=/d' \
	    -e "s|^(fd 2 )$T/log/[^ ]*|\1LOG|" -e 's/^(argument 0 ).*/\1report/' "$1" | sort
}

# differences DIRECT VIA: lines that only one has, < direct, > through usher.
differences() {
	wait_for test -s "$1" || diag "${1##*/} was not written"
	wait_for test -s "$2" || diag "${2##*/} was not written"
	wait_for grep -q '^unread' "$1"
	wait_for grep -q '^unread' "$2"
	diff <(normal "$1") <(normal "$2") | grep '^[<>]' | sort
}

added="> env REMOTE_ADDR=127.0.0.1
> env REMOTE_PORT=N
> env USHER_HOST=www.example.org
> env USHER_METHOD=GET
> env USHER_PATH=/path
> env USHER_PROTOCOL=http"

# --- tcpserver ---
serve_tcp direct "$REPORT" "$T/direct"
talk 127.0.0.1:"$PORT" "$http"
serve_usher "$(usher_rules "$T/via")"
talk --bytewise --pause=1 127.0.0.1:"$PORT" "$http"
is "$(differences "$T/direct" "$T/via")" "$added" 'tcpserver: usher adds to the environment and changes nothing else'
hex=$(printf %s "$http" | od -An -v -tx1 | tr -d ' \n')
is "$(grep '^unread' "$T/via")" "unread ${#http} $hex" 'tcpserver: every byte is unread, though they came one at a time'
diag "$(grep -E '^(fd|option|status)' "$T/via")"

# --- what an inetd would have passed on, and usher promises not to ---
cat > "$T/untidy.sh" << 'END'
#!/bin/bash
# Descriptors left open, signals ignored and blocked, variables meant for somebody else.
trap '' PIPE HUP
exec 7< /dev/null 9> /dev/null
export LISTEN_FDS=1 LISTEN_PID=1 LISTEN_FDNAMES=x NOTIFY_SOCKET=/nowhere WATCHDOG_PID=1 WATCHDOG_USEC=1 TCPREMOTEIP=192.0.2.1 KEPT=yes
exec perl -MPOSIX -e 'POSIX::sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGTERM, SIGUSR1)); exec @ARGV or die' "$@"
END
chmod +x "$T/untidy.sh"
serve_tcp untidy "$T/untidy.sh" "$USHER" "$(usher_rules "$T/tidied")"
talk 127.0.0.1:"$PORT" "$http"
is "$(differences "$T/via" "$T/tidied")" '> env KEPT=yes' \
    'untidy parent: default signals, no stray descriptor, nothing of LISTEN_*, NOTIFY_SOCKET and WATCHDOG_*, the true client'

# --- systemd's inetd way, and LISTEN_FDS ---
activate=$(command -v systemd-socket-activate) || activate=/lib/systemd/systemd-socket-activate
if [ -x "$activate" ]; then
	activated() { # NAME COMMAND...
		local name=$1

		shift
		PORT=$(free_port)
		LOG=$T/log/$name
		start "$name" "$activate" -l "127.0.0.1:$PORT" --accept "$@"
		wait_for grep -q 'Listening on' "$LOG" || bail "$activate does not listen"
	}

	activated inetd-direct --inetd "$REPORT" "$T/inetd-direct"
	talk 127.0.0.1:"$PORT" "$http"
	activated inetd-via --inetd "$USHER" "$(usher_rules "$T/inetd-via")"
	talk 127.0.0.1:"$PORT" "$http"
	ucspi="> env PROTO=TCP
> env TCPLOCALIP=127.0.0.1
> env TCPLOCALPORT=N
> env TCPREMOTEIP=127.0.0.1
> env TCPREMOTEPORT=N"
	is "$(differences "$T/inetd-direct" "$T/inetd-via")" "$(sort <<< "$added
$ucspi")" 'systemd --inetd: usher adds to the environment and changes nothing else'

	activated fds --fdname=web "$USHER" "$(usher_rules "$T/fds")"
	talk 127.0.0.1:"$PORT" "$http"
	is "$(differences "$T/inetd-via" "$T/fds")" '' 'systemd LISTEN_FDS: as with --inetd'
else
	skip 'systemd-socket-activate' 'not installed'
fi

# --- IPv6 and Unix ---
if perl -MIO::Socket::IP -e 'exit !IO::Socket::IP->new(LocalHost => "::1", Listen => 1)'; then
	if [ -x "$activate" ]; then
		PORT=$(free_port)
		LOG=$T/log/ipv6
		start ipv6 "$activate" -l "[::1]:$PORT" --accept "$USHER" "$(usher_rules "$T/ipv6")"
		wait_for grep -q 'Listening on' "$LOG"
		# shellcheck disable=SC2016
		ok 'IPv6: a client connects' perl -MIO::Socket::IP -e 'my $s = IO::Socket::IP->new(PeerHost => "::1", PeerPort => $ARGV[0])
			or die $!; print $s $ARGV[1]; $s->flush; <$s>' "$PORT" "$http"
		is "$(differences "$T/fds" "$T/ipv6")" "< env REMOTE_ADDR=127.0.0.1
< env TCPLOCALIP=127.0.0.1
< env TCPREMOTEIP=127.0.0.1
> env REMOTE_ADDR=::1
> env TCPLOCALIP=::1
> env TCPREMOTEIP=::1" 'IPv6: the same but for the addresses'
	fi
else
	skip 'IPv6' 'no ::1'
fi
if [ -x "$activate" ]; then
	LOG=$T/log/unix
	start unix "$activate" -l "$T/listen" --accept --inetd "$USHER" "$(usher_rules "$T/unix")"
	wait_for test -S "$T/listen"
	talk --bytewise unix:"$T/listen" "$http"
	wait_for grep -q '^unread' "$T/unix"
	is "$(grep '^unread' "$T/unix")" "unread ${#http} $hex" 'Unix socket: every byte is unread, though they came one at a time'
	start unix-direct "$activate" -l "$T/listen-direct" --accept --inetd "$REPORT" "$T/unix-direct"
	wait_for test -S "$T/listen-direct"
	talk unix:"$T/listen-direct" "$http"
	is "$(differences "$T/unix-direct" "$T/unix" | grep -v '^> env ')" '' \
	    'Unix socket: options and descriptors are as they were'
fi

# --- as another user, in another folder ---
who='exec %s /bin/sh -c "cat > /dev/null; id -u; id -g; id -G; pwd"'
# shellcheck disable=SC2059 # the options go into it
asks() { # OPTIONS
	serve_usher "any $(printf "$who" "$1")"
	talk --shutdown 127.0.0.1:"$PORT" x
	ANSWER=$(tr '\n' ' ' <<< "$ANSWER")
	end "$PID"
}
mkdir "$T/folder"
chmod 755 "$T" "$T/folder"
asks "dir=$T/folder"
like "$ANSWER" "^$(id -u) $(id -g) .*$T/folder \$" 'dir=: the program begins in that folder'
asks "dir=$T/none"
is "$ANSWER" ' ' 'dir=: where the folder is not there, the program is not run'
ok 'dir=: the log says so' wait_log "rule 1: cannot enter $T/none: No such file or directory"
ok 'dir=: the status is 126' has_ended 126
if [ "$(id -u)" -eq 0 ]; then
	asks 'user=4711:4712 dir=/'
	is "$ANSWER" '4711 4712 4712 / ' 'user=UID:GID: the program is those, with no other groups'
	asks 'user=daemon dir=/'
	is "$ANSWER" "$(id -u daemon) $(id -g daemon) $(id -G daemon) / " 'user=NAME: the program is that user, with the groups of it'
	asks 'user=root dir=/'
	like "$ANSWER" '^0 0 ' 'user=root: the program is root'
else
	asks 'user=4711:4712'
	is "$ANSWER" ' ' 'user=: who is not root cannot become another user, and the program is not run'
	ok 'user=: the log says so' wait_log 'rule 1: cannot become 4711:4712: Operation not permitted'
fi
finish
