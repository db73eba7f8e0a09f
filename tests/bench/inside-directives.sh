#!/bin/bash
# Run by directives.sh inside a booted container.  Writes to standard output, in microseconds and as medians: directive; what it
# adds to the time of a connection, and to the processor time of the whole container; the time without it and with it.  At last
# `end', when all went well.
set -u
export LC_ALL=C
HERE=$(cd "$(dirname "$0")" && pwd)
ROUNDS=${BENCH_ROUNDS:-18}
BLOCK=${BENCH_BLOCK:-15}
units=/run/systemd/system
first_port=9000

die() {
	echo "$*" >&2
	journalctl --no-pager -n 40 >&2
	exit 1
}

installed() { # UNIT
	cat "/lib/systemd/system/$1" 2> /dev/null || cat "/usr/lib/systemd/system/$1"
}

# directives UNIT REGEX: those of the unit behind that line.
directives() {
	installed "$1" | sed -n "/$2/,/^\[Install\]/p" | grep -E '^[A-Z][A-Za-z]*=' | grep -v '^ExecStart='
}

# A line each: how the table calls it, then the lines of [Service].  Without the latter it is the name that is the line.  The first
# measures the measuring.
candidates=(
	'(nothing)|'
	'NoNewPrivileges=yes' 'ProtectSystem=full' 'ProtectSystem=strict' 'ProtectHome=yes' 'PrivateTmp=yes' 'PrivateDevices=yes'
	'DevicePolicy=closed' 'PrivateMounts=yes' 'PrivateNetwork=yes' 'PrivateUsers=yes' 'ProtectKernelTunables=yes'
	'ProtectKernelModules=yes' 'ProtectKernelLogs=yes' 'ProtectControlGroups=yes' 'ProtectClock=yes' 'ProtectHostname=yes'
	'ProtectProc=invisible' 'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX' 'RestrictNamespaces=yes' 'RestrictRealtime=yes'
	'RestrictSUIDSGID=yes' 'LockPersonality=yes' 'MemoryDenyWriteExecute=yes' 'SystemCallArchitectures=native'
	'SystemCallFilter=@system-service' 'CapabilityBoundingSet=' 'DynamicUser=yes' 'User=nobody' 'UMask=0077' 'LimitCORE=0'
	'LimitNPROC=1000' 'TasksMax=100' 'MemoryMax=1G' 'OOMPolicy=continue' 'RuntimeDirectory=sshd' 'SyslogIdentifier=usher'
	'StandardError=journal'
	$'(SystemCallFilter and Architectures)|SystemCallFilter=@system-service\nSystemCallArchitectures=native'
	$'(ProtectSystem, Home, PrivateTmp)|ProtectSystem=strict\nProtectHome=yes\nPrivateTmp=yes'
	"(all of usher@.service)|$(directives usher@.service '^\[Service\]')"
	"(hardening of usher.service)|$(directives usher.service '^# --- hardening')"
)

# service NAME PORT LINES: a service that does nothing worth mentioning, but for these lines.
service() {
	cat > "$units/$1.socket" << END
[Socket]
ListenStream=127.0.0.1:$2
Accept=yes
TriggerLimitIntervalSec=0
PollLimitIntervalSec=0
MaxConnections=512
END
	cat > "$units/$1@.service" << END
[Unit]
CollectMode=inactive-or-failed
[Service]
ExecStart=$HERE/bulk inetd
StandardInput=socket
$3
END
}

# What all of the container has used of the processors, in microseconds; 0 where nobody tells.
cpu() {
	[ ! -e "$HERE/cpu" ] && echo 0 && return
	awk '$1 == "usage_usec" { print $2; exit } NF == 1 { printf "%.0f\n", $1 / 1000 }' "$HERE/cpu"
}

# block PORT: connections one after the other.  Prints the median time of one, and its share of processor time; what follows the end
# of the last one counts, too.
block() {
	local before served failed median

	before=$(cpu)
	read -r served failed _ median _ <<< "$("$HERE/load" get "$1" 1 120 "$BLOCK")"
	[ "${failed:-1}" -eq 0 ] && [ "${served:-0}" -eq "$BLOCK" ] || return
	sleep 0.03
	echo "$median $((($(cpu) - before) / BLOCK))"
}

median() {
	sort -n | awk '{ v[NR] = $1 } END { if (NR) printf "%.0f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

ip link set lo up || die 'no lo'
mkdir -p "$units"
echo "# $(systemctl --version | head -n 1), Linux $(uname -r), $ROUNDS rounds of $BLOCK connections"
service directive-none "$first_port" ''
for ((i = 0; i < ${#candidates[@]}; i++)); do
	service "directive-$i" $((first_port + 1 + i)) "${candidates[i]#*|}"
done
systemctl daemon-reload || die 'daemon-reload failed'
systemctl start directive-none.socket || die 'the socket does not start'
block "$first_port" > /dev/null || die 'the service does not answer'
works=()
for ((i = 0; i < ${#candidates[@]}; i++)); do
	systemctl start "directive-$i.socket" && block $((first_port + 1 + i)) > /dev/null && works+=("$i") && continue
	echo "${candidates[i]}: does not work here" >&2
	journalctl --no-pager -n 5 >&2
done

# In turns, and each second time the other way round: whatever else the machine does happens to both.
for ((round = 0; round < ROUNDS; round++)); do
	for i in "${works[@]}"; do
		if ((round % 2)); then
			with=$(block $((first_port + 1 + i))) && without=$(block "$first_port")
		else
			without=$(block "$first_port") && with=$(block $((first_port + 1 + i)))
		fi || die "${candidates[i]}: no measurement"
		echo "$without $with" >> "$HERE/measured-$i"
	done
done
for i in "${works[@]}"; do
	printf '%s' "${candidates[i]%%|*}"
	# shellcheck disable=SC2016  # awk's
	for value in '$3 - $1' '$4 - $2' '$1' '$3'; do
		printf '\t%s' "$(awk "{ print $value }" "$HERE/measured-$i" | median)"
	done
	echo
done
echo end
