#!/bin/bash
# Run by bench-systemd.sh inside a booted container.  Writes peer, metric and value to standard output, and `end'
# when all went well.
set -u
export LC_ALL=C
HERE=$(cd "$(dirname "$0")" && pwd)
WEB=8080
declare -A port=([systemd_direct]=$WEB [systemd_nothing]=8081 [systemd_hardened]=8082 [systemd_accept]=443 [systemd_listen]=8083)
names='systemd_direct systemd_nothing systemd_hardened systemd_accept systemd_listen'
units=/run/systemd/system

die() {
	echo "$*" >&2
	systemctl --no-pager list-units 'usher*' 'nothing*' 'hardened*' >&2
	journalctl --no-pager -n 40 >&2
	exit 1
}

ip link set lo up || die 'no lo'
congestion=/proc/sys/net/ipv4/tcp_congestion_control
echo cubic > "$congestion" 2> /dev/null || echo reno > "$congestion" || die 'neither cubic nor reno'
mkdir -p "$units"
cat > /tmp/web.conf << END
worker_processes 1;
pid /tmp/web.pid;
error_log /tmp/web.log;
events { worker_connections 10000; }
http { access_log off; server { listen 127.0.0.1:$WEB backlog=4096; return 200 "ok\n"; } }
END
nginx -c /tmp/web.conf || die 'no nginx'
echo "http connect 127.0.0.1:$WEB" > /etc/usher.conf

installed() { # UNIT
	cat "/lib/systemd/system/$1" 2> /dev/null || cat "/usr/lib/systemd/system/$1"
}

# The same [Socket] for all, but for the port.
socket() { # NAME PORT SED-EXPRESSION...
	installed usher.socket | sed -e "s/^ListenStream=.*/ListenStream=$2/" "${@:3}" > "$units/$1.socket"
}

# a service that does nothing worth mentioning
socket nothing "${port[systemd_nothing]}"
cat > "$units/nothing@.service" << END
[Unit]
CollectMode=inactive-or-failed
[Service]
ExecStart=$HERE/bulk inetd
StandardInput=socket
END
# the same with all that usher@.service says
socket hardened "${port[systemd_hardened]}"
installed usher@.service | sed "s|^ExecStart=.*|ExecStart=$HERE/bulk inetd|" > "$units/hardened@.service"
# Accept=no, with usher.service; usher.socket itself is measured as Accept=yes
socket listening "${port[systemd_listen]}" -e 's/^Accept=.*/Accept=no/' -e '/^MaxConnections/d'
installed usher.service | sed 's/usher\.socket/listening.socket/g' > "$units/listening.service"
systemctl daemon-reload || die 'daemon-reload failed'
systemctl start nothing.socket hardened.socket usher.socket listening.socket || die 'the sockets do not start'

for name in $names; do
	for ((i = 0; i < 20; i++)); do
		read -r served _ <<< "$("$HERE/load" get "${port[$name]}" 1 5 1)"
		[ "${served:-0}" -eq 0 ] || break
		sleep 0.1
	done
	[ "${served:-0}" -gt 0 ] || die "$name does not answer"
done
for ((round = 0; round < ${BENCH_ROUNDS:-5}; round++)); do
	for clients in 1 8; do
		for name in $names; do
			read -r served failed took p50 p99 <<< "$("$HERE/load" get "${port[$name]}" "$clients" "${BENCH_SECONDS:-2}" 1000000000)"
			[ -n "${p99-}" ] || die "$name: no measurement"
			printf '%s\trate%s\t%s\n' "$name" "$clients" "$(awk -v n="$served" -v s="$took" 'BEGIN { printf "%.1f", n / s }')"
			printf '%s\tp50_%s\t%s\n%s\tp99_%s\t%s\n' "$name" "$clients" "$p50" "$name" "$clients" "$p99"
			printf '%s\tfailed\t%s\n' "$name" "$failed"
		done
	done
done
[ -z "$(systemctl list-units --failed --no-legend --plain 'usher*' 'listening*')" ] || die 'a unit has failed'
echo end
