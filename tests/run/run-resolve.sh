#!/bin/bash
# Names, in a network and with files of our own: of backends, with a name server that answers, denies or says nothing, and of addresses to
# listen on; and what is left of a usher that is killed while it looks one up.
# shellcheck source=tests/lib.sh disable=SC1091,SC2317
if [ -z "${USHER_TEST_NAMESPACE-}" ] && unshare --user --map-root-user --mount --net true 2> /dev/null; then
	USHER_TEST_NAMESPACE=yes exec unshare --user --map-root-user --mount --propagation private --net bash "$0" "$@"
fi
. "$(dirname "$0")/../lib.sh"
[ -n "${USHER_TEST_NAMESPACE-}" ] || skip_all 'this user can have no namespaces'
need ip mount tcpserver pgrep ps
need_usher

cat > "$T/hosts" << 'END'
127.0.0.1 localhost
::1       localhost
127.0.0.1 localhost
127.0.0.1 half.test
192.0.2.9 half.test
192.0.2.9 elsewhere.test
127.0.0.1 twin.test
END
# the C library must not give up by itself in the middle of a test
printf 'nameserver 127.0.0.1\noptions timeout:30 attempts:10\n' > "$T/resolv.conf"
echo 'hosts: files dns' > "$T/nsswitch.conf"
ip link set lo up || bail 'no lo'
over() { # FILE: ours takes its place here
	mount --bind "$T/${1##*/}" "$1" || skip_all "cannot mount over $1"
}
for file in /etc/hosts /etc/resolv.conf /etc/nsswitch.conf; do
	[ ! -e "$file" ] || over "$file"
done
# the folder is removed in the end, and what is mounted is not in it
one=$(free_port)
two=$(free_port)
gone=$(free_port)
start dns perl "$TESTS/helpers/dns.pl" backend.test=127.0.0.1 _web._tcp.test="srv:5/0/$two/backend.test,1/0/$gone/backend.test,1/0/$one/backend.test" \
    _half._tcp.test="srv:1/0/$one/nowhere.test,2/0/$two/backend.test" _none._tcp.test=srv:1/0/1/.
wait_for grep -qx ready "$T/log/dns" || bail 'no name server'
asked() { # NAME: how often
	grep -cxF "$1" "$T/log/dns"
}
ipv6=no
if perl -MIO::Socket::IP -e 'exit !IO::Socket::IP->new(LocalHost => "::1", Listen => 1)'; then
	ipv6=yes
fi

# serve_listening NAME ARGUMENT...: usher as PARENT, its log is LOG.
serve_listening() {
	local name=$1

	shift
	LOG=$T/log/$name
	start "$name" "$USHER" --log stderr "$@"
	PARENT=$PID
}
listens_on() { # the addresses that the log tells
	wait_log '^usher: listening on ' || return
	LINE=${LINE#*listening on }
	LINE=${LINE%, * rule*}
}
gone_or_dead() { # PID
	[[ $(ps -o stat= -p "$1") =~ ^(Z.*)?$ ]]
}

# --- backends ---
serve_tcp echo /bin/cat
echo=$PORT
serve_listening listening --listen 127.0.0.1:0 'text={LOST} connect nowhere.test:80' "any connect backend.test:$echo"
listens_on || bail 'usher does not listen'
PORT=${LINE##*:}
talk --await=hello 127.0.0.1:"$PORT" hello
is "$END" match 'listening: a backend that the name server knows'
ok 'listening: the name server was asked' test "$(asked backend.test)" -ge 1
talk 127.0.0.1:"$PORT" '{LOST}'
is "$END" reset 'a name that is not there: the client is reset'
ok 'a name that is not there: the log says what could not be resolved, and why' \
    wait_log ' error="cannot resolve nowhere\.test: [A-Z][^"]+" .*end=backend-unreachable$'
ok 'a name that is not there: the name server was asked' test "$(asked nowhere.test)" -ge 1
end "$PARENT"

# --- killed while it looks up a name ---
# child_that_asks: RESOLVER, which asks for a name, and its parent USHER_PID, a child of AMONG.
child_that_asks() {
	for USHER_PID in $(pgrep -P "$AMONG"); do
		RESOLVER=$(pgrep -P "$USHER_PID") && return
	done
	return 1
}
sockets() { # PID
	find "/proc/$1/fd" -lname 'socket:*' -printf '%l\n' | sort
}
killed() { # NAME
	local before

	before=$(asked silent.test)
	perl "$TESTS/helpers/client.pl" --timeout="$WAIT" --log="$T/$1" 127.0.0.1:"$PORT" hello &
	client=$!
	ok "$1: the name server is asked" wait_for at_least $((before + 1)) asked silent.test
	ok "$1: a process of its own asks" wait_for child_that_asks
	is "$(comm -12 <(sockets "$USHER_PID") <(sockets "$RESOLVER"))" '' "$1: the process that asks has none of usher's sockets"
	ok "$1: usher is killed" kill -KILL "$USHER_PID"
	ok "$1: the process that asks is gone" wait_for gone_or_dead "$RESOLVER"
	wait "$client"
	like "$(tail -n 1 "$T/$1")" '^(eof|reset)$' "$1: nobody holds the client's connection"
}
serve_usher --connect-timeout 0 'any connect silent.test:80'
AMONG=$PID
killed 'a process a connection'
serve_listening parent --listen 127.0.0.1:0 --connect-timeout 0 'any connect silent.test:80'
listens_on || bail 'usher does not listen'
PORT=${LINE##*:}
AMONG=$PARENT
killed 'listening'
end "$PARENT"
for signal in KILL TERM; do
	before=$(asked silent.test)
	serve_listening "start-$signal" --listen silent.test:443 'any close'
	ok "SIG$signal at the start: a name to listen on is asked for" wait_for at_least $((before + 1)) asked silent.test
	RESOLVER=$(pgrep -P "$PARENT")
	ok "SIG$signal at the start: a process of its own asks" test -n "$RESOLVER"
	kill "-$signal" "$PARENT"
	ok "SIG$signal at the start: usher has ended" wait_for gone_or_dead "$PARENT"
	ok "SIG$signal at the start: the process that asks has ended" wait_for gone_or_dead "$RESOLVER"
done

# --- addresses to listen on ---
port=$(free_port)
both="127.0.0.1:$port"
[ $ipv6 = no ] || both+=" [::1]:$port"
# listens WANTED DESCRIPTION ARGUMENT...: where it does, in whichever order.
listens() {
	local wanted=$1 description=$2

	shift 2
	serve_listening "${description//[^a-z]/-}" "$@" 'any reply hello'
	ok "$description: it listens" listens_on
	is "$(tr -d ',' <<< "$LINE" | tr ' ' '\n' | sort | tr '\n' ' ')" "$(tr ' ' '\n' <<< "$wanted" | sort | tr '\n' ' ')" \
	    "$description: at each address once"
	for address in $wanted; do
		perl "$TESTS/helpers/flood.pl" --time="$WAIT" --count=2 --expect='^hello$' "$address" > "$T/flood" 2>> "$T/log/flood"
		like "$(cat "$T/flood")" '^ok=2 ' "$description: $address answers"
	done
	end "$PARENT"
}
listens "$both" 'localhost' --listen "localhost:$port"
listens "$both" 'localhost, and both its addresses' --listen "localhost:$port" --listen "[::1]:$port" --listen "127.0.0.1:$port"
listens "$both" 'both addresses of localhost, and its name' --listen "[::1]:$port" --listen "127.0.0.1:$port" --listen "localhost:$port"
listens "127.0.0.1:$port" 'two names of one address' --listen "twin.test:$port" --listen "backend.test:$port"
listens "127.0.0.1:$port" 'a name that the name server knows' --listen "backend.test:$port"
listens "127.0.0.1:$port" 'a name of which one address is elsewhere' --listen "half.test:$port"
# refused SENTENCE DESCRIPTION ARGUMENT...
refused() {
	local sentence=$1 description=$2

	shift 2
	run timeout "$WAIT" "$USHER" "$@" 'any close' < /dev/null
	is "$STATUS" "$EX_OSERR" "$description: status EX_OSERR"
	like "$ERR" "^usher: --listen: $sentence\$" "$description: which name, and why"
}
refused "\"elsewhere\.test:$port\": 192\.0\.2\.9:$port: (Cannot assign requested address|Address not available)" \
    'a name of which all addresses are elsewhere' --listen "elsewhere.test:$port"
refused "\"nowhere\.test:$port\": cannot resolve nowhere\.test: [A-Z].*" 'a name that is not there' --listen "127.0.0.1:$port" \
    --listen "nowhere.test:$port"
# shellcheck disable=SC2016  # perl's
start occupied perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(LocalAddr => shift, Listen => 1, ReuseAddr => 1) or die; sleep' \
    "127.0.0.1:$port"
await occupied "$port"
refused "\"localhost:$port\": 127\.0\.0\.1:$port: Address (already )?in use" 'a name of which an address is in use' \
    --listen "localhost:$port"
run "$USHER" --check --listen "silent.test:$port" 'any close' < /dev/null
is "$STATUS" 0 '--check looks up no name'

# --- SRV ---
start one tcpserver -RHl0 127.0.0.1 "$one" /bin/echo one
start two tcpserver -RHl0 127.0.0.1 "$two" /bin/echo two
await one "$one"
await two "$two"
for rule in 'text=q reply q' 'text=q exec /bin/true'; do
	serve_usher "$rule" 'any connect srv:_web._tcp.test'
	talk 127.0.0.1:"$PORT" x
	is "$ANSWER" one "srv, $rule: the one of the best priority that answers is reached"
	ok "srv, $rule: the log has what failed before it" \
	    wait_log "backend=127\\.0\\.0\\.1:$one failed=\"127\\.0\\.0\\.1:$gone: Connection refused\""
	end "$PID"
done
serve_usher 'any connect srv:_half._tcp.test'
talk 127.0.0.1:"$PORT" x
is "$ANSWER" two 'srv: where the name of one target is not there, the next is reached'
end "$PID"
for name in _none._tcp.test _lost._tcp.test; do
	serve_usher "any connect srv:$name,127.0.0.1:$two"
	talk 127.0.0.1:"$PORT" x
	is "$ANSWER" two "srv:$name has no place: the next backend is reached"
	ok "srv:$name has no place: the log says so" wait_log "failed=\"cannot resolve $name: "
	end "$PID"
done
serve_usher --connect-timeout 1s 'any connect srv:_x._tcp.silent.test'
talk 127.0.0.1:"$PORT" x
is "$END" reset 'srv: a name server that says nothing has as long as there is to connect'
end "$PID"
run "$USHER" --listen srv:_web._tcp.test --check 'any reject'
is "$STATUS" 64 'srv: nobody can listen on it'
like "$ERR" 'srv: is for backends' 'srv: nobody can listen on it: usher says so'
finish
