# What the end-to-end tests share: TAP output, processes that end with the test, real servers on ports nobody chose.
# Sourced by bash.  Functions that answer with more than a status set variables in capitals.
#
# Environment: USHER (the program; default ${top_builddir:-.}/usher), USHER_TEST_WAIT (seconds that anything may take; default 60),
# USHER_TEST_CACHE (what system tests keep between runs; default /var/tmp/usher-test).
#
# shellcheck shell=bash disable=SC2034

set -u
export LC_ALL=C
unset "${!LISTEN_@}" "${!TCPREMOTE@}" "${!TCPLOCAL@}" REMOTE_ADDR REMOTE_PORT REMOTE_HOST JOURNAL_STREAM NOTIFY_SOCKET WATCHDOG_PID WATCHDOG_USEC
PATH=$PATH:/usr/sbin:/sbin

# The sanitizers' search for leaks traces the process from another one, which the sandbox does not allow.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"

# automake's TESTS is not for those who are started from here, and usher keeps USHER_* from the programs that it executes.
export -n TESTS "${!USHER_@}"
TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "${top_builddir:-.}" && pwd)
USHER=${USHER:-$TOP/usher}
WAIT=${USHER_TEST_WAIT:-60}
CACHE=${USHER_TEST_CACHE:-/var/tmp/usher-test}
ME=$(id -un)

# Exit statuses: those of sysexits.h that usher has, and the shell's two for a program that cannot be executed.
EX_USAGE=64
EX_NOINPUT=66
EX_UNAVAILABLE=69
EX_OSERR=71
EX_CONFIG=78
EX_NOT_EXECUTABLE=126
EX_NOT_FOUND=127

# Unix socket paths end at 107 bytes, so a long TMPDIR is of no use.
T=${TMPDIR:-/tmp}
if [ ${#T} -gt 50 ]; then
	T=/tmp
fi
T=$(mktemp -d "$T/u.XXXXXX") || exit 1
mkdir "$T/log"

count=0
failed=0
finished=no
pids=()

diag() {
	printf '%s\n' "$@" | sed 's/^/# /'
}

result() { # STATUS DESCRIPTION
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		printf 'ok %d - %s\n' "$count" "$2"
		return 0
	fi
	failed=$((failed + 1))
	printf 'not ok %d - %s\n' "$count" "$2"
	return 1
}

# ok DESCRIPTION COMMAND...: the command succeeds.
ok() {
	local description=$1 status

	shift
	"$@" > "$T/ok" 2>&1
	status=$?
	result "$status" "$description" && return
	diag "$(printf '%q ' "$@"): exit status $status"
	diag "$(tail -n 20 "$T/ok")"
	return 1
}

# is GOT EXPECTED DESCRIPTION
is() {
	[ "$1" = "$2" ]
	result $? "$3" && return
	diag "got:      $1" "expected: $2"
	return 1
}

# like TEXT REGEX DESCRIPTION; unlike: the opposite.
like() {
	[[ $1 =~ $2 ]]
	result $? "$3" && return
	diag "got:      $1" "expected: /$2/"
	return 1
}

unlike() {
	[[ ! $1 =~ $2 ]]
	result $? "$3" && return
	diag "got: $1" "not expected: /$2/"
	return 1
}

skip() { # DESCRIPTION REASON
	count=$((count + 1))
	printf 'ok %d - %s # SKIP %s\n' "$count" "$1" "$2"
}

skip_all() {
	printf '1..0 # SKIP %s\n' "$1"
	finished=yes
	exit 0
}

# need PROGRAM...: skip the whole test where one is missing.
need() {
	local program

	for program in "$@"; do
		command -v "$program" > /dev/null || skip_all "$program is not installed"
	done
}

need_usher() {
	[ -x "$USHER" ] || bail "$USHER is not built"
}

bail() {
	printf 'Bail out! %s\n' "$1"
	failed=$((failed + 1))
	finished=yes
	exit 1
}

finish() {
	# A sanitizer's report is a failure even where the process was about to end anyway.
	if grep -rqaE 'ERROR: [A-Za-z]+Sanitizer|: runtime error: ' "$T/log"; then
		result 1 'no sanitizer reports anything'
	fi
	printf '1..%d\n' "$count"
	finished=yes
	[ "$failed" -eq 0 ]
	exit
}

dump_logs() {
	local file

	for file in "$T"/log/*; do
		[ -s "$file" ] || continue
		diag "--- ${file##*/}"
		tail -n "${USHER_TEST_LOG_LINES:-40}" "$file" | tr -cd '[:print:]\n\t' | sed 's/^/#   /'
	done
}

# Each process that start() made leads a process group of its own.
end() { # PID...
	local pid

	for pid in "$@"; do
		kill -TERM -- "-$pid" 2> /dev/null
	done
	for pid in "$@"; do
		if ! poll 5 gone "$pid" 2> /dev/null; then
			kill -KILL -- "-$pid" 2> /dev/null
		fi
		wait "$pid" 2> /dev/null
	done
}

gone() {
	! kill -0 -- "-$1" 2> /dev/null && ! kill -0 "$1" 2> /dev/null
}

clean_up() {
	local status=$?

	trap - EXIT INT TERM HUP
	if [ "$finished" = no ]; then
		echo "Bail out! the test ended before it was done (exit status $status)"
		failed=$((failed + 1))
		status=1
	fi
	if [ "$failed" -gt 0 ]; then
		dump_logs
	fi
	end "${pids[@]}"
	# A mount below would be emptied with it.
	if grep -qF " $T/" /proc/self/mounts; then
		diag "not removed, something is mounted in it: $T"
	else
		rm -rf --one-file-system "$T"
	fi
	exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# poll SECONDS COMMAND...: until the command succeeds, at most so long.  Where it does not, standard error has the command and what it
# said at last.
poll() {
	local seconds=$1 until=$((SECONDS + $1 + 1))

	shift
	until "$@" > /dev/null 2>&1; do
		if [ "$SECONDS" -ge "$until" ]; then
			printf '%s\n' "waited $seconds s for: $(printf '%q ' "$@")" >&2
			"$@" >&2
			return
		fi
		sleep 0.02
	done
}

wait_for() {
	poll "$WAIT" "$@"
}

# start NAME COMMAND...: in the background, standard output and error in $T/log/NAME.  PID is its process.
start() {
	local name=$1

	shift
	perl "$TESTS/helpers/launch.pl" "$@" < /dev/null >> "$T/log/$name" 2>&1 &
	PID=$!
	pids+=("$PID")
}

# Below the ephemeral ports, so that nobody's outgoing connection takes it between here and the server's bind(2).
free_port() {
	perl -MIO::Socket::INET -e 'for (1 .. 1000) {
		my $port = 10000 + int(rand(22000));
		my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $port, Listen => 1, ReuseAddr => 1) or next;
		print $port;
		exit 0;
	} die "no free port\n"'
}

listening() { # PORT
	perl -MIO::Socket::INET -e 'exit !IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $ARGV[0], Timeout => 2)' "$1"
}

# await NAME PORT: the server that was started as NAME answers there.
await() {
	wait_for listening "$2" || bail "$1 does not listen on port $2"
}

# serve_tcp NAME COMMAND...: run the command for every connection to 127.0.0.1:PORT; LOG is where its standard error goes, with
# tcpserver's own lines (pid, wait status).
served=0
serve_tcp() {
	local name=$1

	shift
	served=$((served + 1))
	name=$name-$served
	LOG=$T/log/$name
	perl "$TESTS/helpers/launch.pl" tcpserver -v -1 -H -R -l 0 -c 1000 127.0.0.1 0 "$@" < /dev/null > "$T/port-$served" 2> "$LOG" &
	PID=$!
	pids+=("$PID")
	wait_for test -s "$T/port-$served" || bail "tcpserver did not start: $(cat "$LOG")"
	PORT=$(cat "$T/port-$served")
}

# serve_usher ARGUMENT...: usher for every connection to 127.0.0.1:PORT, logging to LOG.
serve_usher() {
	serve_tcp usher "$USHER" "$@"
}

# wait_log REGEX [FILE]: a line of the log matches; LINE is the last that does.
wait_log() {
	local file=${2:-$LOG}

	if ! wait_for grep -aqE -- "$1" "$file"; then
		LINE=
		diag "no line in ${file##*/} matches /$1/"
		return 1
	fi
	LINE=$(grep -aE -- "$1" "$file" | tail -n 1)
}

# usher_lines: how many connections LOG tells of.
usher_lines() {
	grep -acE ' end=[a-z-]+$' "${1:-$LOG}"
}

at_least() { # N COMMAND...: the number that it prints
	local n=$1 got

	shift
	got=$("$@")
	[ "$got" -ge "$n" ] || { echo "$got, which is less than $n"; return 1; }
}

# has_ended STATUS [N]: tcpserver tells in LOG of N processes, or of 1, that ended with this exit status.  It writes that line after the
# client has seen the end, so that it has to be waited for.
has_ended() {
	at_least "${2:-1}" grep -acE "^tcpserver: end [0-9]+ status $(($1 << 8))\$" "$LOG"
}

# ended: how many processes tcpserver tells of in LOG that have ended.
ended() {
	grep -ac '^tcpserver: end ' "$LOG"
}

# talk ARGUMENT...: tests/helpers/client.pl.  ANSWER is what came back (without NUL bytes; whole in $T/answer), END how it ended.
talk() {
	perl "$TESTS/helpers/client.pl" --timeout="$WAIT" "$@" > "$T/answer" 2> "$T/end"
	ANSWER=$(tr -d '\0' < "$T/answer")
	END=$(cat "$T/end")
}

# run COMMAND...: STATUS, OUT and ERR; standard input as it is.
run() {
	"$@" > "$T/out" 2> "$T/err"
	STATUS=$?
	OUT=$(cat "$T/out")
	ERR=$(cat "$T/err")
}

sum() { # FILE
	openssl dgst -sha256 -r "$1" | cut -d ' ' -f 1
}

# big_file FILE BYTES SEED: incompressible, the same for the same seed.
big_file() {
	openssl enc -aes-128-ctr -K "$(printf '%032x' "$3")" -iv 00000000000000000000000000000000 -nosalt -in /dev/zero 2> /dev/null |
	    head -c "$2" > "$1"
}

# --- servers ---

# start_nginx: NGINX_PORT and NGINX_UNIX answer "nginx METHOD HOST CLIENT" and X-Backend: nginx.  NGINX_EXTRA: further
# server blocks.
start_nginx() {
	local user=

	NGINX_PORT=$(free_port)
	NGINX_UNIX=$T/nginx.sock
	if [ "$(id -u)" -eq 0 ]; then
		user="user $ME $(id -gn);"
	fi
	cat > "$T/nginx.conf" << END
$user
daemon off;
worker_processes 1;
pid $T/nginx.pid;
error_log $T/log/nginx-error;
events { worker_connections 1000; }
http {
	access_log $T/log/nginx-access;
	client_body_temp_path $T/nginx-body;
	proxy_temp_path $T/nginx-proxy;
	fastcgi_temp_path $T/nginx-fastcgi;
	uwsgi_temp_path $T/nginx-uwsgi;
	scgi_temp_path $T/nginx-scgi;
	default_type text/plain;
	add_header X-Backend nginx always;
	server {
		listen 127.0.0.1:$NGINX_PORT;
		listen unix:$NGINX_UNIX;
		return 200 "nginx \$request_method \$host \$remote_addr\n";
	}
	${NGINX_EXTRA-}
}
END
	start nginx nginx -c "$T/nginx.conf" -p "$T"
	await nginx "$NGINX_PORT"
}

start_redis() {
	REDIS_PORT=$(free_port)
	start redis redis-server --port "$REDIS_PORT" --bind 127.0.0.1 --save '' --appendonly no --dir "$T" --daemonize no
	await redis "$REDIS_PORT"
}

# sshd_keys: a host key, a user's key and SSHD_CONFIG for `sshd -i -f' (SSHD is its path); SSH is the client's command.
# sshd's own log is $T/log/sshd.
sshd_keys() {
	local pam=no

	SSHD=$(command -v sshd)
	SSHD_CONFIG=$T/sshd_config
	if [ "$(id -u)" -eq 0 ]; then
		# sshd insists on it; where systemd or sysvinit never started sshd it is missing.
		[ -d /run/sshd ] || mkdir -m 755 /run/sshd
		# Without PAM sshd refuses an account whose password is locked.
		grep -q "^$ME:!" /etc/shadow && pam=yes
	fi
	ssh-keygen -q -t ed25519 -N '' -f "$T/host_key" || bail "ssh-keygen failed"
	ssh-keygen -q -t ed25519 -N '' -f "$T/user_key" || bail "ssh-keygen failed"
	cp "$T/user_key.pub" "$T/authorized_keys"
	echo "* $(cat "$T/host_key.pub")" > "$T/known_hosts"
	cat > "$SSHD_CONFIG" << END
HostKey $T/host_key
AuthorizedKeysFile $T/authorized_keys
StrictModes no
UsePAM $pam
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
PrintMotd no
PidFile none
LogLevel VERBOSE
MaxStartups 1000
Subsystem sftp internal-sftp
END
	# OpenSSH 9.8 and later turn away for a while who breaks off, which tests do
	echo 'PerSourcePenalties no' > "$T/penalties"
	if "$SSHD" -t -h "$T/host_key" -f "$T/penalties" 2> "$T/penalties.error"; then
		cat "$T/penalties" >> "$SSHD_CONFIG"
	fi
	SSH=(ssh -F /dev/null -i "$T/user_key" -o IdentitiesOnly=yes -o UserKnownHostsFile="$T/known_hosts" -o BatchMode=yes
	    -o StrictHostKeyChecking=yes -o ConnectTimeout="$WAIT" -o LogLevel=ERROR -o User="$ME")
}

# start_sshd: the same as a server of its own, on SSHD_PORT.
start_sshd() {
	SSHD_PORT=$(free_port)
	start sshd "$SSHD" -D -e -f "$SSHD_CONFIG" -o "ListenAddress=127.0.0.1:$SSHD_PORT"
	await sshd "$SSHD_PORT"
}

start_mariadb() {
	MARIADB_PORT=$(free_port)
	mariadb-install-db --no-defaults --force --user="$ME" --datadir="$T/mariadb" --skip-test-db \
	    --auth-root-authentication-method=normal > "$T/log/mariadb-install" 2>&1 || bail "mariadb-install-db failed"
	start mariadb mariadbd --no-defaults --user="$ME" --datadir="$T/mariadb" --socket="$T/mariadb.sock" --pid-file="$T/mariadb.pid" \
	    --bind-address=127.0.0.1 --port="$MARIADB_PORT" --skip-networking=0 --skip-grant-tables --skip-name-resolve
	await mariadb "$MARIADB_PORT"
}

# certificate NAME: $T/NAME.pem and $T/NAME.key, self-signed.
certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$1" -addext "subjectAltName=DNS:$1" \
	    -keyout "$T/$1.key" -out "$T/$1.pem" > "$T/log/openssl-req" 2>&1 || bail "openssl req failed"
}

# record FILE OPENSSL-OPTION...: what s_client says first, as sent to a server that never answers.
record() {
	local file=$1 port

	shift
	port=$(free_port)
	start recorder perl "$TESTS/helpers/record.pl" "$port" "$file"
	await recorder "$port"
	openssl s_client -connect "127.0.0.1:$port" "$@" < /dev/null > "$T/log/record" 2>&1
	wait_for test -s "$file" || bail 'no ClientHello was recorded'
}
