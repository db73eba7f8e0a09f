#!/bin/sh
# usher at work: one port of 127.0.0.1, six services behind it, real ones where they are installed.
# Ends by itself, leaves nothing running.  USHER: the program, ./usher if not set.
# shellcheck disable=SC2317  # the ask_ and wait_ functions are called through their names
set -u
unset LISTEN_PID LISTEN_FDS LISTEN_FDNAMES REMOTE_ADDR REMOTE_PORT JOURNAL_STREAM
PATH=$PATH:/usr/sbin:/sbin
export PATH LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
USHER=${USHER:-$(pwd)/usher}
began=$(date +%s)
me=$(id -un)

if [ ! -x "$USHER" ]; then
	echo "demo: $USHER is not built; ./bootstrap demo builds it first" >&2
	exit 1
fi
tmp=$(mktemp -d /tmp/usher-demo.XXXXXX) || exit 1
rules=$tmp/usher.conf
log=$tmp/usher.log
pids=
made_run_sshd=no

end() {
	status=$?
	trap - EXIT HUP INT TERM
	for pid in $pids; do
		kill "$pid" 2> /dev/null
	done
	for pid in $pids; do
		wait "$pid" 2> /dev/null
	done
	if [ "$made_run_sshd" = yes ]; then
		rmdir /run/sshd
	fi
	rm -rf "$tmp"
	exit "$status"
}
trap end EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

say() {
	printf '\n\033[1m%s\033[0m\n' "$*"
}
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }

indent() {
	sed 's/^/    /'
}

have() {
	command -v "$1" > /dev/null 2>&1
}

# until_true SECONDS COMMAND...
until_true() {
	tries=$(($1 * 20))
	shift
	until "$@" > /dev/null 2>&1; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.05 2> /dev/null || sleep 1
	done
}

# start NAME COMMAND...: in the background, until the demo ends.
start() {
	name=$1
	shift
	"$@" < /dev/null > "$tmp/$name.log" 2>&1 &
	pids="$pids $!"
}

rule() {
	printf '%s\n' "$*" >> "$rules"
}

# backend NAME WHAT: one line of the list of what stands behind the port.
backend() {
	printf '    %-10s %s\n' "$1" "$2"
}

# up NAME COMMAND...: wait until a server that was started is ready.
up() {
	name=$1
	shift
	if ! until_true 20 "$@"; then
		echo "demo: $name did not start:" >&2
		tail -n 20 "$tmp/$name.log" >&2
		exit 1
	fi
}

socket() {
	[ -S "$1" ]
}

# --- the services ---

# certificate NAME
certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$1" \
	    -keyout "$tmp/$1.key" -out "$tmp/$1.pem" > "$tmp/openssl.log" 2>&1 || {
		cat "$tmp/openssl.log" >&2
		exit 1
	}
}

tls_server() {
	printf 'server { listen unix:%s ssl; ssl_certificate %s; ssl_certificate_key %s; return 200 "hello\\n"; }\n' \
	    "$tmp/$1.sock" "$tmp/$1.pem" "$tmp/$1.key"
}

start_nginx() {
	{
		if [ "$(id -u)" -eq 0 ]; then
			echo "user $me $(id -gn);"
		fi
		cat << END
daemon off; worker_processes 1; pid $tmp/nginx.pid; error_log $tmp/nginx-error.log;
events { worker_connections 100; }
http {
	access_log off; default_type text/plain;
	client_body_temp_path $tmp/n1; proxy_temp_path $tmp/n2; fastcgi_temp_path $tmp/n3; uwsgi_temp_path $tmp/n4; scgi_temp_path $tmp/n5;
	server { listen unix:$tmp/www.sock; return 200 "\$request_method \$uri: hello from nginx \$nginx_version\n"; }
END
		if [ "$tls" = nginx ]; then
			tls_server git.example.org
			tls_server www.example.org
		fi
		echo '}'
	} > "$tmp/nginx.conf"
	start nginx nginx -c "$tmp/nginx.conf" -p "$tmp" -e "$tmp/nginx-error.log"
	up nginx socket "$tmp/www.sock"
}

http_service() {
	if have nginx; then
		start_nginx
		rule "http                     connect unix:$tmp/www.sock"
		backend HTTP 'nginx'
	else
		rule 'http                     reply "HTTP/1.1 200 OK\r\nContent-Length: 17\r\nConnection: close\r\n\r\nhello from usher\n"'
		backend HTTP 'a reply rule (nginx is not installed)'
	fi
}

tls_service() {
	for name in git.example.org www.example.org; do
		if [ "$tls" = openssl ]; then
			# from its folder, for openssl fails on paths of 32 bytes and more
			# shellcheck disable=SC2016
			start "$name" sh -c 'cd "$0" && exec "$@"' "$tmp" openssl s_server -quiet -unix "$name.sock" -cert "$name.pem" \
			    -key "$name.key"
			up "$name" socket "$tmp/$name.sock"
		fi
		if [ "$tls" = no ]; then
			rule "tls sni=$name  reply \"this is the place of $name\\r\\n\""
		else
			rule "tls sni=$name  connect unix:$tmp/$name.sock"
		fi
	done
	case $tls in
	no) backend TLS 'two reply rules (openssl is not installed)' ;;
	openssl) backend TLS 'two openssl s_server (nginx is not installed)' ;;
	nginx) backend TLS 'nginx, two servers with a certificate each' ;;
	esac
}

# sshd wants this folder, which is there only while systemd runs its service.
run_sshd() {
	if [ "$(id -u)" -eq 0 ] && [ ! -d /run/sshd ]; then
		mkdir -m 755 /run/sshd && made_run_sshd=yes
	fi
}

ssh_service() {
	sshd=$(command -v sshd)
	if [ -z "$sshd" ] || ! have ssh || ! have ssh-keygen; then
		sshd=
		rule 'ssh                      reply "SSH-2.0-reply_of_usher\r\n"'
		backend SSH 'a reply rule (openssh-server is not installed)'
		return
	fi
	run_sshd
	# Without PAM sshd refuses an account whose password is locked.
	pam=no
	grep -q "^$me:!" /etc/shadow 2> /dev/null && pam=yes
	ssh-keygen -q -t ed25519 -N '' -f "$tmp/host_key"
	ssh-keygen -q -t ed25519 -N '' -f "$tmp/user_key"
	printf '%s\n' "HostKey $tmp/host_key" "AuthorizedKeysFile $tmp/user_key.pub" 'StrictModes no' "UsePAM $pam" \
	    'PermitRootLogin yes' 'PasswordAuthentication no' 'PrintMotd no' 'PrintLastLog no' 'PidFile none' > "$tmp/sshd_config"
	printf '* %s\n' "$(cat "$tmp/host_key.pub")" > "$tmp/known_hosts"
	rule "ssh                      exec $sshd -i -f $tmp/sshd_config -E $tmp/sshd.log"
	backend SSH "$sshd -i, executed on the connection"
}

redis_service() {
	if have redis-server; then
		start redis redis-server --port 0 --unixsocket "$tmp/redis.sock" --save '' --dir "$tmp"
		up redis socket "$tmp/redis.sock"
		rule "redis                    connect unix:$tmp/redis.sock"
		backend Redis redis-server
	else
		rule 'redis                    reply "+PONG\r\n"'
		backend Redis 'a reply rule (redis-server is not installed)'
	fi
}

mariadb_ready() {
	mariadb --no-defaults --socket="$tmp/mariadb.sock" -e 'select 1'
}

silent_service() {
	if have mariadbd && have mariadb; then
		mkdir "$tmp/mariadb"
		start mariadb mariadbd --no-defaults --user="$me" --datadir="$tmp/mariadb" --socket="$tmp/mariadb.sock" \
		    --pid-file="$tmp/mariadb.pid" --skip-networking --skip-grant-tables --innodb-log-file-size=4M
		up mariadb mariadb_ready
		rule "silent=300ms             connect unix:$tmp/mariadb.sock"
		backend MariaDB 'mariadbd; it speaks first, so its clients are those that say nothing for 300 ms'
		return
	fi
	cat > "$tmp/greeter.sh" << 'END'
printf '220 hello %s, the server speaks first here\r\n' "$REMOTE_ADDR"
END
	rule "silent=300ms             exec /bin/sh $tmp/greeter.sh"
	backend silence 'a script that greets first (mariadb is not installed)'
}

# --- the clients: each says on descriptor 3 what it runs ---

command_is() {
	printf '    $ %s\n' "$*" >&3
}

# All clients together must end within the minute.
limited() {
	timeout 6 "$@"
}

# simple LINES [TEXT]: the client that is always there.
simple() {
	case ${2-} in
	*[\ \\]*) command_is "tests/demo/client.pl $port $1 '$2'" ;;
	*) command_is "tests/demo/client.pl $port $*" ;;
	esac
	limited perl "$here/client.pl" "$port" "$@"
}

http_client() {
	if have curl; then
		command_is "curl http://127.0.0.1:$port/some/page"
		limited curl -sS "http://127.0.0.1:$port/some/page"
	else
		simple 10 'GET /some/page HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n'
	fi
}

tls_client() {
	if [ "$tls" = no ]; then
		simple 1 --sni "$1"
	else
		command_is "openssl s_client -connect 127.0.0.1:$port -servername $1 | openssl x509 -noout -subject"
		limited openssl s_client -connect "127.0.0.1:$port" -servername "$1" < /dev/null 2> "$tmp/s_client" | openssl x509 -noout -subject
	fi
}

ssh_client() {
	if [ -n "$sshd" ]; then
		command_is "ssh -p $port $me@127.0.0.1"
		# shellcheck disable=SC2016  # for the other side's shell
		limited ssh -F /dev/null -i "$tmp/user_key" -o IdentitiesOnly=yes -o BatchMode=yes -o UserKnownHostsFile="$tmp/known_hosts" \
		    -o LogLevel=ERROR -p "$port" "$me@127.0.0.1" 'echo "logged in as $(id -un); SSH_CLIENT is $SSH_CLIENT"'
	else
		simple 1 'SSH-2.0-client_of_the_demo\r\n'
	fi
}

redis_client() {
	if have redis-cli; then
		command_is "redis-cli -p $port ping"
		limited redis-cli -h 127.0.0.1 -p "$port" ping
	else
		# shellcheck disable=SC2016  # RESP, not a variable
		simple 1 '*1\r\n$4\r\nPING\r\n'
	fi
}

silent_client() {
	if have mariadbd && have mariadb; then
		command_is "mariadb -h 127.0.0.1 -P $port -e 'select ... version()'"
		limited mariadb --no-defaults --protocol=tcp -h 127.0.0.1 -P "$port" -N -e 'select concat("hello from MariaDB ", version())'
	else
		simple 1
	fi
}

shown=0
answered=0
asked=0

told() {
	[ "$(grep -c ' end=' "$log")" -gt "$shown" ]
}

# ask TITLE REGEX COMMAND...: the answer has to match, and usher's line is shown.
ask() {
	say "$1"
	expected=$2
	shift 2
	asked=$((asked + 1))
	"$@" > "$tmp/answer" 2>&1
	indent < "$tmp/answer"
	if grep -q "$expected" "$tmp/answer"; then
		answered=$((answered + 1))
	else
		echo "    demo: this is not the answer that was expected"
		if [ -e "$tmp/sshd.log" ]; then
			tail -n 5 "$tmp/sshd.log" | indent
		fi
	fi
	if until_true 2 told; then
		shown=$((shown + 1))
		printf '    %s\n' "$(grep ' end=' "$log" | tail -n 1)"
	else
		answered=0
		echo '    demo: usher wrote no line about it'
	fi
}

# --- the play ---

tls=no
if have openssl; then
	tls=openssl
	have nginx && nginx -V 2>&1 | grep -q http_ssl_module && tls=nginx
	certificate git.example.org
	certificate www.example.org
fi

say 'Behind the port:'
ssh_service
tls_service
http_service
redis_service
silent_service
rule 'any                      reject'

say "The rules, $rules:"
indent < "$rules"
printf '    $ usher --check --config %s\n' "$rules"
"$USHER" --check --config "$rules" > "$tmp/check" 2>&1
checked=$?
indent < "$tmp/check"
[ "$checked" -eq 0 ] || exit 1

# Below the ephemeral ports, so that nobody's outgoing connection takes it meanwhile.
port=$(perl -MIO::Socket::INET -e 'for (1 .. 1000) {
	my $port = 10000 + int(rand(22000));
	IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $port, Listen => 1) or next;
	print $port;
	exit 0;
} die "no free port\n"') || exit 1

: > "$log"
if have systemd-socket-activate; then
	activator="systemd-socket-activate --accept --listen 127.0.0.1:$port"
	systemd-socket-activate --accept --listen "127.0.0.1:$port" "$USHER" --config "$rules" < /dev/null > "$log" 2>&1 &
else
	activator="usher --listen 127.0.0.1:$port (systemd-socket-activate is not installed)"
	"$USHER" --listen "127.0.0.1:$port" --drain 1s --config "$rules" < /dev/null > "$log" 2>&1 &
fi
pids="$pids $!"
if ! until_true 10 grep -qi 'listening on' "$log"; then
	cat "$log" >&2
	exit 1
fi
say "127.0.0.1:$port is open, by $activator; one process a connection."

exec 3>&1
ask 'HTTP' hello http_client
for name in git.example.org www.example.org; do
	ask "TLS for $name" "$name" tls_client "$name"
done
ask 'SSH' '^logged in as\|^SSH-2.0' ssh_client
ask 'Redis' PONG redis_client
ask 'A server that speaks first' hello silent_client

say "$answered of $asked clients got their service through port $port, in $(($(date +%s) - began)) s."
[ "$answered" -eq "$asked" ]
