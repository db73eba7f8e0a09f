#!/bin/bash
# pass: a connection goes to a program that runs already, with nothing of it read; the examples of receivers are those programs.
# shellcheck source=tests/lib.sh disable=SC1091,SC2317
. "$(dirname "$0")/../lib.sh"
need tcpserver python3
need_usher
RECEIVER=${RECEIVER:-$TOP/tests/pass/receiver}
[ -x "$RECEIVER" ] || bail "$RECEIVER is not built"

request=$'GET /x HTTP/1.1\r\nHost: "a b".example\r\n\r\n'
for language in C Python; do
	rm -f "$T/receiver.sock"
	if [ "$language" = C ]; then
		start receiver-c "$RECEIVER" "$T/receiver.sock"
	else
		start receiver-python python3 "$TESTS/pass/receiver.py" "$T/receiver.sock"
	fi
	receiver=$PID
	wait_for test -S "$T/receiver.sock"
	serve_usher "http pass unix:$T/receiver.sock" "silent=200ms pass unix:$T/receiver.sock" 'any reject'
	talk --source=127.0.0.9 127.0.0.1:"$PORT" "${request/\"a b\"/a}"
	like "$ANSWER" "^http from 127\.0\.0\.9:[0-9]+: 36 bytes, a\.example\$" "$language: it has the connection, what is known of it, and every byte"
	is "$END" eof "$language: the client sees the end when it closes"
	ok "$language: the log has a line" wait_log "^usher: client=127\.0\.0\.9:[0-9]+ protocol=http .*rule=1 action=\"pass unix:.*\" backend=unix:$T/receiver.sock duration=[0-9.]+s end=pass\$"
	ok "$language: the status is 0" has_ended 0
	talk --bytewise 127.0.0.1:"$PORT" "${request/\"a b\"/a}"
	like "$ANSWER" '^http from .* bytes, (a\.example|no host)$' "$language: a client that sends a byte at a time"
	talk 127.0.0.1:"$PORT"
	like "$ANSWER" '^silent from .*: 0 bytes, no host$' "$language: a client that says nothing"
	end "$PID"
	kill -STOP "$receiver"
	serve_usher --connect-timeout 1s "any pass unix:$T/receiver.sock"
	for _ in {1..3}; do
		talk --close 127.0.0.1:"$PORT" x
	done
	kill -CONT "$receiver"
	end "$PID" "$receiver"
done

# --- what is sent, byte by byte ---
# shellcheck disable=SC2016 # it is Perl
start raw perl -MIO::Socket::UNIX -e '
	my $l = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 5) or die;
	open my $out, ">", $ARGV[1] or die;
	$out->autoflush(1);
	while (my $s = $l->accept) { print $out $_ while <$s>; }' "$T/raw.sock" "$T/raw"
wait_for test -S "$T/raw.sock"
serve_usher "http pass unix:$T/raw.sock" 'any reject'
talk 127.0.0.1:"$PORT" "$request"
wait_for test -s "$T/raw"
like "$(cat "$T/raw")" "^peeked=40 client=127\.0\.0\.1:[0-9]+ local=127\.0\.0\.1:$PORT protocol=http method=GET path=/x host=\"\\\\\"a b\\\\\"\.example\"\$" \
    'the line is as usher(8) has it'
is "$(wc -l < "$T/raw")" 1 'it is one line'
end "$PID"

# --- nobody there ---
serve_usher "any pass unix:$T/none"
talk 127.0.0.1:"$PORT" x
is "$ANSWER/$END" /reset 'nobody to pass it to: the client is reset'
ok 'nobody to pass it to: the log says so' wait_log "error=\"unix:$T/none: No such file or directory\" .*end=backend-unreachable\$"
ok 'nobody to pass it to: the status is 69' has_ended 69
finish
