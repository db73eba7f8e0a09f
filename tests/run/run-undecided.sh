#!/bin/bash
# A rule that denies by an attribute, and clients that hide the attribute: with sni=admin.example rejected, nobody who asks for that
# name may reach the backend of the rule below.
# shellcheck source=tests/lib.sh disable=SC1091,SC2119,SC2317
. "$(dirname "$0")/../lib.sh"
need tcpserver openssl ps pgrep cmp
need_usher

certificate admin.example
serve_tcp web /bin/sh -c "echo x >> '$T/reached'; echo the web server; exec cat"
web=$PORT
tls=$(free_port)
start s_server openssl s_server -accept "127.0.0.1:$tls" -cert "$T/admin.example.pem" -key "$T/admin.example.key" -www
await s_server "$tls"
: > "$T/reached"
reached() {
	wc -l < "$T/reached"
}
rules=('tls sni=admin.example reject' "tls connect 127.0.0.1:$tls" 'http host=admin.example reject' "http connect 127.0.0.1:$web")

subject() { # OPENSSL-OPTION...
	timeout "$WAIT" openssl s_client -connect "127.0.0.1:$PORT" "$@" < /dev/null 2>> "$T/log/s_client" | sed -n 's/^subject=CN *= *//p'
}

record "$T/hello" -servername admin.example
hello=$(od -An -v -tx1 "$T/hello" | tr -d ' \n')
body=${hello:10}
# piece HEX: these bytes as a record of a handshake.
piece() {
	printf '160301%04x%s' $((${#1} / 2)) "$1"
}
refusals() {
	grep -aE 'protocol=tls .*rule=1 .*end=(reject|undecided)$' "$LOG"
}
more_refusals() { # N
	[ "$(refusals | wc -l)" -gt "$1" ]
}
# refused DESCRIPTION ARGUMENT...: what the arguments have talk say gets no handshake and no log line that names the backend.
refused() {
	local description=$1 before

	shift
	before=$(refusals | wc -l)
	talk "$@"
	like "$END" '^(eof|reset)$' "$description: it is closed"
	ok "$description: the log says that it was rule 1" wait_for more_refusals "$before"
	LINE=$(refusals | tail -n 1)
}

serve_usher --timeout 1s "${rules[@]}"
is "$(subject -servername www.example)" admin.example 'another name reaches the backend'
is "$(subject -servername admin.example)" '' 'the name that is denied does not reach the backend'
# the same bytes as below, one piece a record, for a backend that shows whether a handshake came of it
refused 'the recorded hello, whole' 127.0.0.1:"$PORT" "hex:$hello"
refused '(a) an empty record in the middle' 127.0.0.1:"$PORT" "hex:$(piece "${body:0:80}")1603010000$(piece "${body:80}")"
bytewise=
for ((i = 0; i < ${#body}; i += 2)); do
	bytewise+=$(piece "${body:i:2}")
done
refused '(c) records of one byte' 127.0.0.1:"$PORT" "hex:$bytewise"
refused '(d) 60 bytes, then a pause longer than the timeout' --pause=2500 127.0.0.1:"$PORT" "hex:${hello:0:120}" "hex:${hello:120}"
like "$LINE" 'rule=1 attribute=sni .*end=undecided$' '(d) a pause longer than the timeout: the log says undecided, and of what'
refused '60 bytes, then the end of file' --shutdown 127.0.0.1:"$PORT" "hex:${hello:0:120}"
like "$LINE" 'rule=1 attribute=sni .*end=undecided$' '60 bytes, then the end of file: the log says undecided, and of what'

talk --pause=2500 127.0.0.1:"$PORT" $'GET / HTTP/1.1\r\nAccept: */*\r\n' $'Host: admin.example\r\n\r\n'
is "$(reached)" 0 'a late Host header: no backend'
ok 'a late Host header: logged as undecided' wait_log 'protocol=http .*rule=3 attribute=host .*end=undecided$'
talk --await='the web server' 127.0.0.1:"$PORT" $'GET / HTTP/1.1\r\nHost: www.example\r\n\r\n'
is "$END" match 'another Host reaches the backend'

# --- undecided next ---
serve_usher --timeout 1s --undecided next "${rules[@]}"
talk --await='the web server' 127.0.0.1:"$PORT" $'GET / HTTP/1.1\r\nAccept: */*\r\n'
is "$END" match '--undecided next: the next rule gets it'

# --- a ClientHello that is larger than what can be looked at: the name stands behind 64 KiB of cipher suites ---
perl -e '
	my $name = pack("n/a*", pack("n/a*", "\0" . pack("n/a*", "admin.example")));
	my $hello = pack("n", 0x0303) . "r" x 32 . "\0" . pack("n/a*", pack("n", 0x1301) x 32767) . pack("n/a*", "\0") =~ s/^\0//r .
	    pack("n/a*", pack("n", 0) . $name);
	$hello = "\1" . substr(pack("N", length $hello), 1) . $hello;
	while (length $hello) {
		my $piece = substr($hello, 0, 16384, "");
		print pack("Cnn/a*", 22, 0x0301, $piece);
	}' > "$T/huge"
ok 'the ClientHello has more than 64 KiB' test "$(wc -c < "$T/huge")" -gt 65536
# shellcheck disable=SC2016  # for that shell
serve_tcp counting /bin/sh -c "head -c $(wc -c < "$T/huge") | cmp - '$T/huge' && echo the whole of it"
huge=("tls sni=admin.example reject" "tls connect 127.0.0.1:$PORT")
serve_usher --timeout 1h "${huge[@]}"
refused 'a ClientHello of more than 64 KiB' 127.0.0.1:"$PORT" "file:$T/huge"
like "$LINE" 'rule=1 attribute=sni .*end=undecided$' 'a ClientHello of more than 64 KiB: the log says undecided, and of what'
serve_usher --timeout 1h --undecided next "${huge[@]}"
talk --await='the whole of it' 127.0.0.1:"$PORT" "file:$T/huge"
is "$END" match '--undecided next: the next rule gets the whole of it'
echo 'set undecided next' > "$T/next"
serve_usher --timeout 1h --config "$T/next" "${huge[@]}"
talk --await='the whole of it' 127.0.0.1:"$PORT" "file:$T/huge"
is "$END" match 'set undecided next: the next rule gets the whole of it'

# --- a rule that denies by address, and a client that nobody can ask for any more ---
denied=('from=127.0.0.0/8 reject' "any connect 127.0.0.1:$web")
: > "$T/reached"
cat > "$T/gone.pl" << 'END'
# As an inetd that is slow: the client has sent something and reset the connection before the program is started.
use strict;
use warnings;
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_LINGER);
my $l = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die;
my $client = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $l->sockport) or die;
my $s = $l->accept or die;
syswrite($client, 'hello') or die;
setsockopt($client, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
close($client);
select(undef, undef, undef, 0.01) while defined getpeername($s);
open(STDIN, '<&', $s) && open(STDOUT, '>&', $s) or die;
exec @ARGV or die;
END
run perl "$T/gone.pl" "$USHER" --log stderr "${denied[@]}"
is "$STATUS" 0 'a client that has gone before anybody asked who it is: status 0'
like "$ERR" '^usher: client=unknown protocol=unknown rule=none duration=[^ ]* end=client-reset$' \
    'a client that has gone before anybody asked who it is gets no rule'
is "$(reached)" 0 'a client that has gone before anybody asked who it is reaches no backend'
if command -v strace > /dev/null && strace -o "$T/strace" true 2> /dev/null; then
	for error in ENOBUFS ENOMEM; do
		# a sanitizer cannot look for leaks in what is traced
		serve_tcp "$error" env -u TCPREMOTEIP ASAN_OPTIONS=detect_leaks=0 strace -o "$T/strace" -e trace=getpeername -e inject=getpeername:error=$error \
		    "$USHER" --log stderr "${denied[@]}"
		talk 127.0.0.1:"$PORT" hello
		like "$END" '^(eof|reset)$' "getpeername fails with $error: closed"
		ok "getpeername fails with $error: status EX_OSERR" wait_for has_ended "$EX_OSERR"
		ok "getpeername fails with $error: the log says why" wait_log \
		    '^usher: cannot ask the socket who its client is: (No buffer space available|Cannot allocate memory|Out of memory)$'
	done
	is "$(reached)" 0 'getpeername fails: no backend is reached'

	# --- nor one that denies by where the client has connected to, when the system does not say where that is ---
	for condition in 'to=127.0.0.0/8' '!to=192.0.2.0/24' '!port=1'; do
		for error in ENOBUFS EPERM; do
			for action in "connect 127.0.0.1:$web" reject; do
				serve_tcp "$error" env TCPLOCALIP=192.0.2.1 TCPLOCALPORT=1 ASAN_OPTIONS=detect_leaks=0 strace -o "$T/strace" \
				    -e trace=getsockname -e inject=getsockname:error=$error \
				    "$USHER" --sandbox off --log stderr "$condition $action" "any connect 127.0.0.1:$web"
				talk 127.0.0.1:"$PORT" hello
				like "$END" '^(eof|reset)$' "getsockname fails with $error: $condition ${action%% *}: closed"
				ok "getsockname fails with $error: $condition ${action%% *}: status EX_OSERR" wait_for has_ended \
				    "$EX_OSERR"
				ok "getsockname fails with $error: $condition ${action%% *}: the log says why" wait_log \
				    ' rule=none error="(No buffer space available|Operation not permitted)" .*end=system$'
			done
		done
	done
	serve_tcp ENOBUFS env ASAN_OPTIONS=detect_leaks=0 strace -o "$T/strace" -e trace=getsockname -e inject=getsockname:error=ENOBUFS \
	    "$USHER" --sandbox off --log stderr 'any reply fine' 'to=127.0.0.0/8 reject'
	talk 127.0.0.1:"$PORT" hello
	is "$ANSWER" fine 'getsockname fails: who is served before a rule asks is served'
	is "$(reached)" 0 'getsockname fails: no backend is reached'
else
	skip 'getpeername fails' 'strace cannot be used here'
fi

# --- the timeout ---
serve_usher --timeout 0 'ssh close' "any connect 127.0.0.1:$web"
talk --pause=700 --await='the web server' 127.0.0.1:"$PORT" S X
is "$END" match '--timeout 0: a client that is late is waited for'
serve_usher --timeout 1s 'ssh close' 'stalled reply "too little"' "any connect 127.0.0.1:$web"
talk 127.0.0.1:"$PORT" SS
is "$ANSWER" 'too little' 'stalled answers a client that said too little'
talk 127.0.0.1:"$PORT"
is "$ANSWER" 'too little' 'stalled answers a client that said nothing'
talk --await='the web server' 127.0.0.1:"$PORT" X
is "$END" match 'stalled does not answer a client whose bytes decide'
serve_usher --timeout 1s --ssh "127.0.0.1:$tls" --stalled "127.0.0.1:$web" --any "127.0.0.1:$tls"
talk --await='the web server' 127.0.0.1:"$PORT" SS
is "$END" match '--stalled ADDRESS gets a client that said too little'
talk --await='the web server' 127.0.0.1:"$PORT"
is "$END" match '--stalled ADDRESS gets a client that said nothing'
serve_usher --timeout 1h --ssh "127.0.0.1:$tls" --stalled "127.0.0.1:$tls" --any "127.0.0.1:$web"
talk --await='the web server' 127.0.0.1:"$PORT" X
is "$END" match '--stalled ADDRESS does not get a client whose bytes decide'

# --- connect-timeout 0: a backend whose backlog is full is waited for, until it has room ---
cat > "$T/full.pl" << 'END'
use strict;
use warnings;
use IO::Socket::UNIX;
my ($path, $go) = @ARGV;
my $l = IO::Socket::UNIX->new(Local => $path, Listen => 1) or die;
# room for one; the constructor takes 0 for 5
listen($l, 0) or die;
my $first = IO::Socket::UNIX->new(Peer => $path) or die;
$| = 1;
print "full\n";
select(undef, undef, undef, 0.01) until -e $go;
$l->accept or die;
my $second = $l->accept or die;
print $second "at last\n";
END
start full perl "$T/full.pl" "$T/full" "$T/go"
wait_for grep -q full "$T/log/full" || bail 'no backend'
serve_usher --connect-timeout 0 "any connect unix:$T/full"
usher=$PID
perl "$TESTS/helpers/client.pl" --timeout="$WAIT" --log="$T/patient" 127.0.0.1:"$PORT" hello &
client=$!
# It sleeps, and has a socket that is not the client's.
connects() {
	local pid

	pid=$(pgrep -P "$usher") && [[ $(ps -o stat= -p "$pid") = S* ]] &&
	    [ "$(find "/proc/$pid/fd" -lname 'socket:*' -printf '%l\n' | sort -u | wc -l)" -eq 2 ]
}
ok 'connect-timeout 0: it waits for the backend' wait_for connects
touch "$T/go"
wait "$client"
is "$(head -n 1 "$T/patient")" 'at last' 'connect-timeout 0: it reaches the backend once there is room'

finish
