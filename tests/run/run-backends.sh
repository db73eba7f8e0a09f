#!/bin/bash
# Several backends: which is tried first, what happens when some are down, slow or not there yet, and what the log says of it.
# shellcheck source=tests/lib.sh disable=SC1091,SC2317
. "$(dirname "$0")/../lib.sh"
need tcpserver strace
need_usher

# A backend that says its number.
ports=()
servers=()
for n in 0 1 2 3 4; do
	serve_tcp "backend$n" /bin/echo "$n"
	ports+=("$PORT")
	servers+=("$PID")
done
list=$(printf ',127.0.0.1:%s' "${ports[@]}")
list=${list#,}
gone=$(free_port)
# one that answers nothing: its backlog is full
# shellcheck disable=SC2016 # it is Perl
start hole perl -MIO::Socket::INET -e '
	my $l = IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 0) or die;
	my @c = map { IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $l->sockport, Blocking => 0) } 1 .. 16;
	open my $f, ">", $ARGV[0] or die;
	print $f $l->sockport;
	close $f;
	sleep 600' "$T/hole"
wait_for test -s "$T/hole" || bail 'there is no listener that answers nothing'
hole=$(cat "$T/hole")

# ask [OPTION...]: ANSWER of a client of usher.
ask() {
	talk "$@" 127.0.0.1:"$PORT" x
}

# --- one after another ---
serve_usher "any connect $list"
ask
is "$ANSWER" 0 'without an option the first that is written is reached'
ok 'no failure is logged where there was none' wait_log 'backend='
unlike "$LINE" 'failed=' 'no failure is logged where there was none: the line'
end "$PID"

serve_usher "any connect 127.0.0.1:$gone,unix:$T/none,127.0.0.1:${ports[1]}"
ask
is "$ANSWER" 1 'two that are down: the third is reached'
ok 'the log says which failed, how, and which was reached' wait_log \
    "backend=127\.0\.0\.1:${ports[1]} failed=\"127\.0\.0\.1:$gone: Connection refused; unix:$T/none: No such file or directory\" bytes_in=1 "
end "$PID"

# --- beside each other ---
for rule in 'text=q exec /bin/true' 'text=q reply q'; do
	serve_usher "$rule" "any connect 127.0.0.1:$hole,127.0.0.1:$gone,127.0.0.1:$hole,127.0.0.1:${ports[2]} connect-timeout=1h"
	ask
	is "$ANSWER" 2 "$rule: two that do not answer, with an hour for it, do not keep the fourth from being reached"
	ok "$rule: one that did not answer has not failed" wait_log "failed=\"127\.0\.0\.1:$gone: Connection refused\" bytes_in"
	end "$PID"
done
serve_usher "any connect 127.0.0.1:$hole,127.0.0.1:${ports[2]} stagger=0 connect-timeout=1s"
ask
is "$ANSWER" 2 'stagger=0: one that does not answer has its share of the time'
ok 'stagger=0: then it has failed' wait_log "failed=\"127\.0\.0\.1:$hole: (Connection|Operation) timed out\" "
end "$PID"
serve_usher "any connect 127.0.0.1:$hole,127.0.0.1:$gone,no-such.invalid:1 connect-timeout=1s stagger=50ms"
ask
is "$ANSWER/$END" /reset 'none is reached: the client is reset'
ok 'none is reached: the status is 69' has_ended 69
ok 'none is reached: the log has each of them' wait_log 'error=".*" .*end=backend-unreachable$'
like "$LINE" "127\.0\.0\.1:$gone: Connection refused" 'none is reached: the one that refused'
like "$LINE" "127\.0\.0\.1:$hole: (Connection|Operation) timed out" 'none is reached: the one that did not answer'
like "$LINE" 'cannot resolve no-such\.invalid: ' 'none is reached: the one that cannot be resolved'
unlike "$LINE" 'backend=' 'none is reached: the log names none as reached'
end "$PID"

# --- by the client ---
serve_usher "any connect $list balance=source"
same=0
declare -A had=()
for client in {1..20}; do
	ask --source="127.0.0.$client"
	first=$ANSWER
	had[$first]=$client
	ask --source="127.0.0.$client"
	same=$((same + (ANSWER == first)))
done
is "$same" 20 'balance=source: each of twenty clients has the same backend again'
ok "balance=source: they do not all have the same" test "${#had[@]}" -gt 2
end "$PID"
serve_usher "any connect $list balance=random"
seen=
for _ in {1..40}; do
	ask
	seen+=$ANSWER
done
is "$(fold -w 1 <<< "$seen" | sort -u | tr -d '\n')" 01234 'balance=random: forty connections reach all of five'
end "$PID"

# --- down in the middle, and not there yet ---
end "${servers[0]}"
serve_usher "any connect $list"
ask
is "$ANSWER" 1 'a backend that has gone: the next is reached'
end "$PID"
late=$(free_port)
serve_usher "any connect 127.0.0.1:$late retry=1h connect-timeout=1h"
talk 127.0.0.1:"$PORT" x > "$T/late" 2>&1 &
waiting=$!
wait_for grep -q "pid" "$LOG"
sleep 0.3
start late tcpserver -v -RHl0 127.0.0.1 "$late" /bin/echo late
wait "$waiting"
is "$(cat "$T/answer")" late 'retry: a backend that begins to listen while a client waits is reached'

# --- what is said of the sockets ---
# shellcheck disable=SC2016 # for that shell
serve_tcp who /bin/sh -c 'read -r l; echo "$TCPREMOTEIP"'
WHO=$PORT
for rule in 'text=q reply q' 'text=q exec /bin/true'; do
	serve_usher "$rule" "any connect 127.0.0.1:$WHO source=127.0.0.7"
	talk 127.0.0.1:"$PORT" $'x\n'
	is "$ANSWER" 127.0.0.7 "$rule: source= is the address that the backend sees"
	end "$PID"
done
serve_usher "any connect [::1]:1,127.0.0.1:$WHO source=::1"
talk 127.0.0.1:"$PORT" $'x\n'
ok 'source= of the other family: the log says so' wait_log "127\.0\.0\.1:$WHO: Address family not supported"
end "$PID"
options='dscp=46 user-timeout=30s keepalive=2m,10s,3 tcp-fast-open'
[ "$(id -u)" -ne 0 ] || options+=' mark=77'
serve_tcp usher strace -f -qq -e trace=setsockopt -o "$T/calls" "$USHER" "any connect 127.0.0.1:$WHO $options"
talk --pause=1500 127.0.0.1:"$PORT" x $'y\n'
is "$ANSWER" 127.0.0.1 'the other options: the client is served'
wait_for grep -q TCP_KEEPCNT "$T/calls"
for call in 'IP_TOS, \[184\]' 'TCP_USER_TIMEOUT, \[30000\]' 'TCP_KEEPIDLE, \[120\]' 'TCP_KEEPINTVL, \[10\]' 'TCP_KEEPCNT, \[3\]' \
    'TCP_FASTOPEN_CONNECT, \[1\]' ${options:+$([ "$(id -u)" -ne 0 ] || echo 'SO_MARK,')}; do
	like "$(cat "$T/calls")" "$call" "the other options: $call"
done
end "$PID"
serve_tcp usher strace -f -qq -e trace=setsockopt -o "$T/calls" "$USHER" "silent=100ms connect 127.0.0.1:$WHO tcp-fast-open"
talk --shutdown 127.0.0.1:"$PORT"
wait_for has_ended 0
unlike "$(cat "$T/calls")" FASTOPEN 'tcp-fast-open: a client that has said nothing does without'
finish
