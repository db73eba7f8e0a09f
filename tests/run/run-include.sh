#!/bin/bash
# Rules from several files: which are read and in which order, what --check and the log say of them, SIGHUP, and what is refused.
# shellcheck source=tests/lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
need tcpserver
need_usher

d=$T/usher.d
mkdir "$d"
printf 'set timeout 2s\ninclude usher.d/*.conf\nany reply last\n' > "$T/usher.conf"

# --- the folder of packages and configuration management ---
serve_usher --config "$T/usher.conf"
talk 127.0.0.1:"$PORT" 'a'
is "$ANSWER" last 'an empty folder adds nothing'
printf '# dropped in\ntext=a reply from-20\n' > "$d/20-a.conf"
talk 127.0.0.1:"$PORT" 'a'
is "$ANSWER" from-20 'a file that is dropped in counts for the next connection'
ok 'the number of its rule is in the log' wait_log ' rule=1 action="reply from-20" '
printf 'text=a,b reply from-10\n' > "$d/10-b.conf"
talk 127.0.0.1:"$PORT" 'a'
is "$ANSWER" from-10 'files are read in the order of their names'
printf 'any reply wrong\n' | tee "$d/00.conf~" "$d/00.conf.dpkg-new" "$d/00.conf.rpmsave" "$d/.00.conf" > "$d/00.conf.swp"
talk 127.0.0.1:"$PORT" 'c'
is "$ANSWER" last 'what editors and packages leave behind is not read'
ok 'rules are numbered through all files' wait_log ' rule=3 action="reply last" '
printf 'include %s/*\n' "$d" > "$T/all"
run "$USHER" --check --config "$T/all"
is "$STATUS/$OUT" '0/2 rules' 'a pattern without an ending passes over them too'

# --- --check and --explain name the file that a rule stands in ---
run "$USHER" --check --config "$T/usher.conf"
is "$STATUS/$OUT/$ERR" '0/3 rules/' '--check counts all rules'
printf 'any exec /nonexistent/program\n' > "$d/30.conf"
run "$USHER" --check --config "$T/usher.conf"
like "$ERR" "^$d/30\.conf:1: warning: \"/nonexistent/program\"" '--check warns with the file and the line'
run "$USHER" --explain=hex:61 --config "$T/usher.conf"
like "$OUT" "rule 2 \($d/20-a\.conf:2\): " '--explain names them'
printf '\nany frob\n' > "$d/30.conf"
run "$USHER" --check --config "$T/usher.conf"
is "$STATUS" 78 'a bad rule: status 78'
like "$ERR" "^usher: $d/30\.conf:2: \"frob\": " 'with its own file and line'
talk 127.0.0.1:"$PORT" 'a'
ok 'and for a connection the same' wait_log "^usher: $d/30\.conf:2: "
ok 'status 78' wait_log 'status 19968$'
rm "$d/30.conf"

# --- what is refused ---
refused() { # RULES REGEX
	printf '%b' "$1" > "$T/refused"
	run "$USHER" --check --config "$T/refused"
	is "$STATUS" 78 "${1//[!a-z.\/]/ }: status 78"
	like "$ERR" "^usher: $T/refused:$2" 'with a sentence'
}
refused 'any close\ninclude missing.conf\n' "2: \"$T/missing\.conf\": cannot read the rules: No such file"
refused 'include usher.d\n' "1: \"$d\": a directory; .*include $d/\*\.conf\$"
refused 'include refused\n' "1: \"$T/refused\": the file would include itself"
mkfifo "$d/fifo"
refused 'include usher.d/fifo\n' "1: \"$d/fifo\": expected a file, and not a device, a socket or a FIFO"
refused 'include usher.d/*\n' "1: \"$d/fifo\": expected a file"
rm "$d/fifo"
refused 'include /dev/null\n' '1: "/dev/null": expected a file'
ln -s "$T" "$T/turn"
refused 'include turn/turn/refused\n' "1: \"$T/turn/turn/refused\": the file would include itself"
ln -s "$T/nowhere" "$d/40.conf"
refused 'include usher.d/*.conf\n' "1: \"$d/40\.conf\": cannot read the rules: No such file"
rm "$d/40.conf"
mkfifo "$T/fifo"
run timeout "$WAIT" "$USHER" --check --config "$T/fifo"
is "$STATUS" 78 'a FIFO as --config: it is not waited for'
refused 'include a b\n' '1: "include": expected a file or a pattern'
run "$USHER" --check "include $d/*.conf"
is "$STATUS" 78 'on the command line: status 78'
like "$ERR" '^usher: command line: "include": .*--config' 'with a sentence'
if [ "$(id -u)" -ne 0 ]; then
	chmod 0 "$d/20-a.conf"
	refused "include $d/20-a.conf" '1: .*Permission denied'
	chmod 644 "$d/20-a.conf"
	chmod 0 "$d"
	refused "include $d/*.conf" '1: .*Permission denied'
	chmod 755 "$d"
fi

# --- SIGHUP ---
start listening "$USHER" --log stderr --listen 127.0.0.1:0 --config "$T/usher.conf"
LOG=$T/log/listening
ok 'it listens' wait_log '^usher: listening on [0-9.:]+, 3 rules$'
PORT=${LINE##*127.0.0.1:}
PORT=${PORT%%,*}
talk 127.0.0.1:"$PORT" 'c'
is "$ANSWER" last 'before SIGHUP: the old rules'
printf 'text=c reply from-30\n' > "$d/30.conf"
kill -HUP "$PID"
ok 'SIGHUP reads included files again' wait_log '^usher: read 4 rules$'
talk 127.0.0.1:"$PORT" 'c'
is "$ANSWER" from-30 'and they count'
printf '\ntext=c replay\n' > "$d/30.conf"
kill -HUP "$PID"
ok 'a bad one' wait_log "^usher: $d/30\.conf:2: .*; the old rules stay\$"
rm "$d/30.conf"
talk 127.0.0.1:"$PORT" 'c'
is "$ANSWER" from-30 'the old rules stay'
kill -HUP "$PID"
ok 'one that is gone' wait_log '^usher: read 3 rules$'
talk 127.0.0.1:"$PORT" 'c'
is "$ANSWER" last 'is gone'
kill "$PID"

finish
