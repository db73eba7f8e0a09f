# How each peer is started for the benchmark: in front of one backend, with HTTP recognised where it can be, nothing logged, and
# limits that are not reached.  Sourced by bench.sh.
#
# NAME_peer PORT BACKEND starts one in cgroup CG; a status other than 0 says that it is not to be had here, for the
# reason in MISSING.
#
# shellcheck shell=bash disable=SC2034,SC2317

# in_cgroup NAME COMMAND...: start() with the process in cgroup CG, see bench.sh.
in_cgroup() {
	local name=$1

	shift
	# shellcheck disable=SC2016
	start "$name" /bin/sh -c 'for file in $0; do echo $$ > "$file" || exit 1; done; exec "$@"' "$(cgroup_files)" "$@"
}

have() {
	MISSING="$1 is not installed"
	command -v "$1" > /dev/null
}

forkpause_peer() {
	in_cgroup forkpause "$BENCH/forkpause" "$1"
}

# --- usher ---

usher_peer() {
	in_cgroup usher "$USHER" --listen "127.0.0.1:$1" --max-connections 0 --log none --http "127.0.0.1:$2"
}

usher_logging_peer() {
	in_cgroup usher-logging "$USHER" --listen "127.0.0.1:$1" --max-connections 0 --log stderr --http "127.0.0.1:$2"
}

usher_xinetd_peer() {
	xinetd_service "$1" "$USHER" "--log none --http 127.0.0.1:$2"
}

usher_tcpserver_peer() {
	have tcpserver || return
	in_cgroup usher-tcpserver tcpserver -1 -H -R -l 0 -c 20000 -b 1000 127.0.0.1 "$1" "$USHER" --log none --http "127.0.0.1:$2"
}

usher_activate_peer() {
	have systemd-socket-activate || return
	in_cgroup usher-activate systemd-socket-activate -l "127.0.0.1:$1" --accept --inetd "$USHER" --log none --http "127.0.0.1:$2"
}

# exec in place of a relay; beside it the same program without usher
usher_exec_peer() {
	echo "http exec $BENCH/bulk inetd" > "$T/exec.rules"
	in_cgroup usher-exec "$USHER" --listen "127.0.0.1:$1" --max-connections 0 --log none --config "$T/exec.rules"
}

xinetd_exec_peer() {
	echo "http exec $BENCH/bulk inetd" > "$T/exec.rules"
	xinetd_service "$1" "$USHER" "--log none --config $T/exec.rules"
}

xinetd_alone_peer() {
	xinetd_service "$1" "$BENCH/bulk" inetd
}

# --- haproxy ---

haproxy_file() { # PORT BACKEND OPTION...
	cat << END
global
	nbthread 1
	maxconn 7000
defaults
	mode tcp
	timeout connect 5s
	timeout client 1h
	timeout server 1h
$(printf '\t%s\n' "${@:3}")
listen front
	bind 127.0.0.1:$1 backlog 4096
	tcp-request inspect-delay 5s
	tcp-request content accept if HTTP
	tcp-request content reject
	server back 127.0.0.1:$2
END
}

haproxy_peer() {
	have haproxy || return
	haproxy_file "$1" "$2" > "$T/haproxy-$1"
	in_cgroup haproxy haproxy -db -q -f "$T/haproxy-$1"
}

haproxy_splice_peer() {
	have haproxy || return
	haproxy_file "$1" "$2" 'option splice-auto' > "$T/haproxy-$1"
	in_cgroup haproxy-splice haproxy -db -q -f "$T/haproxy-$1"
}

# --- nginx ---

nginx_module() { # FILE: MODULE is its path
	local folder

	have nginx || return
	folder=$(nginx -V 2>&1 | grep -o -- '--modules-path=[^ ]*')
	MODULE=${folder#*=}/$1
	MISSING="nginx has no $1"
	[ -e "$MODULE" ]
}

nginx_file() { # PORT MODULES STREAM-LINES
	cat << END
$2
user $ME $(id -gn);
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid $T/nginx-$1.pid;
error_log $T/log/nginx-$1 error;
events { worker_connections 18000; }
stream {
	proxy_timeout 1h;
	$3
}
END
}

nginx_stream_peer() {
	local stream

	nginx_module ngx_stream_module.so || return
	stream="server { listen 127.0.0.1:$1 backlog=4096; proxy_pass 127.0.0.1:$2; }"
	nginx_file "$1" "load_module $MODULE;" "$stream" > "$T/nginx-$1.conf"
	in_cgroup nginx-stream nginx -p "$T" -c "$T/nginx-$1.conf"
}

nginx_njs_peer() {
	local modules

	nginx_module ngx_stream_module.so || return
	modules="load_module $MODULE;"
	nginx_module ngx_stream_js_module.so || return
	cat > "$T/sniff.js" << 'END'
var kind = '';

function preread(s) {
	s.on('upload', function (data, flags) {
		if (data.length > 0) {
			kind = /^[A-Z]+ [^ ]+ HTTP\//.test(data) ? 'http' : 'other';
			s.done();
		}
	});
}

function backend(s) {
	return kind == 'http' ? s.variables.web : '127.0.0.1:1';
}

export default { preread, backend };
END
	nginx_file "$1" "$modules load_module $MODULE;" "js_import sniff from $T/sniff.js; js_set \$backend sniff.backend;
	server { listen 127.0.0.1:$1 backlog=4096; set \$web 127.0.0.1:$2; js_preread sniff.preread; proxy_pass \$backend; }" \
	    > "$T/nginx-$1.conf"
	in_cgroup nginx-njs nginx -p "$T" -c "$T/nginx-$1.conf"
}

# --- sslh ---

sslh_peer() {
	have sslh || return
	in_cgroup sslh sslh -f -n -F/dev/null -p "127.0.0.1:$1" --http "127.0.0.1:$2"
}

sslh_select_peer() {
	have sslh-select || return
	in_cgroup sslh-select sslh-select -f -n -F/dev/null -p "127.0.0.1:$1" --http "127.0.0.1:$2"
}

xinetd_sslh_peer() {
	have sslh || return
	xinetd_service "$1" "$(command -v sslh)" "--inetd -n -F/dev/null --http 127.0.0.1:$2"
}

# --- relays that look at nothing ---

socket_proxyd_peer() {
	local program=/lib/systemd/systemd-socket-proxyd

	have systemd-socket-activate || return
	MISSING='systemd-socket-proxyd is not installed'
	[ -x "$program" ] || return
	# splice(2) would end it with SIGPIPE, which systemd has its services ignore
	# shellcheck disable=SC2016
	in_cgroup socket-proxyd /bin/sh -c 'trap "" PIPE; exec "$@"' sh systemd-socket-activate \
	    -l "127.0.0.1:$1" "$program" --connections-max=9000 "127.0.0.1:$2"
}

socat_peer() {
	have socat || return
	in_cgroup socat socat "TCP-LISTEN:$1,bind=127.0.0.1,reuseaddr,fork,backlog=4096" "TCP:127.0.0.1:$2"
}

xinetd_redirect_peer() {
	xinetd_file "$1" "	redirect = 127.0.0.1 $2"
}

# --- xinetd, which cannot be installed beside another inetd, and then is taken from its package ---

find_xinetd() {
	local folder=$CACHE/xinetd

	MISSING='xinetd is neither installed nor to be had'
	XINETD=$(command -v xinetd) && return
	if [ ! -x "$folder/usr/sbin/xinetd" ]; then
		command -v apt-get > /dev/null || return
		rm -rf "$folder.new"
		mkdir -p "$folder.new"
		(cd "$folder.new" && apt-get -q download xinetd && dpkg-deb -x xinetd_*.deb .) > "$T/log/download-xinetd" 2>&1 || return
		rm -rf "$folder"
		mv "$folder.new" "$folder"
	fi
	XINETD=$folder/usr/sbin/xinetd
	! ldd "$XINETD" 2>&1 | grep -q 'not found'
}

xinetd_service() { # PORT PROGRAM ARGUMENTS
	xinetd_file "$1" "	server = $2
	server_args = $3"
}

xinetd_file() { # PORT LINES
	find_xinetd || return
	cat > "$T/xinetd-$1" << END
defaults
{
}
service bench
{
	type = UNLISTED
	socket_type = stream
	protocol = tcp
	wait = no
	user = $ME
	bind = 127.0.0.1
	port = $1
	instances = UNLIMITED
	per_source = UNLIMITED
	cps = 1000000 1
	log_on_success =
	log_on_failure =
$2
}
END
	in_cgroup xinetd "$XINETD" -dontfork -f "$T/xinetd-$1" -pidfile "$T/xinetd-$1.pid"
}
