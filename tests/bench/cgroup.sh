# What a peer and all of its processes cost: cgroup v2, else the controllers of v1, else /proc (then without memory).
# Sourced by bench.sh.
#
# shellcheck shell=bash disable=SC2034

# find_cgroups: sets ACCOUNTING, and where peers' groups are to be made.
find_cgroups() {
	local v2

	ACCOUNTING=proc
	cgroups=()
	v2=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
	if [ -n "$v2" ] && grep -qw memory "$v2/cgroup.subtree_control" && mkdir "$v2/usher-bench-$$" 2> /dev/null; then
		rmdir "$v2/usher-bench-$$"
		ACCOUNTING=v2
		memory_root=$v2
		cpu_root=$v2
		return
	fi
	# below our own group, whose limits stay in force
	memory_root=$(own_group memory) && cpu_root=$(own_group cpuacct) || return 0
	if mkdir "$memory_root/usher-bench-$$" 2> /dev/null; then
		rmdir "$memory_root/usher-bench-$$"
		if mkdir "$cpu_root/usher-bench-$$" 2> /dev/null; then
			rmdir "$cpu_root/usher-bench-$$"
			ACCOUNTING=v1
		fi
	fi
}

own_group() { # CONTROLLER
	local mount own

	mount=$(awk -v c="$1" '$3 == "cgroup" && ("," $4 ",") ~ ("," c ",") { print $2; exit }' /proc/self/mounts)
	own=$(awk -F: -v c="$1" '("," $2 ",") ~ ("," c ",") { print $3; exit }' /proc/self/cgroup)
	[ -n "$mount" ] && [ -d "$mount$own" ] && echo "$mount${own%/}"
}

# cgroup_make NAME: from now on in_cgroup() starts processes there.
cgroup_make() {
	local root

	CG=usher-bench-$$-$1
	[ "$ACCOUNTING" = proc ] && return
	for root in "$memory_root" "$cpu_root"; do
		[ -d "$root/$CG" ] && continue
		mkdir "$root/$CG" || bail "cannot make $root/$CG"
		cgroups+=("$root/$CG")
	done
}

# Files to write a process id to, none of which has a space in its name.
cgroup_files() {
	[ "$ACCOUNTING" = proc ] && return
	printf '%s\n' "$memory_root/$CG/cgroup.procs" "$cpu_root/$CG/cgroup.procs" | sort -u | tr '\n' ' '
}

cgroup_remove() {
	[ ${#cgroups[@]} -eq 0 ] || poll 5 rmdir "${cgroups[@]}" || echo "bench: left behind: ${cgroups[*]}" >&2
}

# cpu_seconds NAME PID: user and system time of all processes there have been.
cpu_seconds() {
	local group=usher-bench-$$-$1

	case $ACCOUNTING in
	v2)
		awk '$1 == "usage_usec" { printf "%.6f", $2 / 1e6 }' "$cpu_root/$group/cpu.stat"
		;;
	v1)
		awk '{ printf "%.6f", $1 / 1e9 }' "$cpu_root/$group/cpuacct.usage"
		;;
	proc)
		# start() made the first process the leader of a session; children count once they have been waited for
		perl -e 'my ($session, $ticks) = ($ARGV[0], 0);
			for my $file (glob "/proc/[0-9]*/stat") {
				open(my $f, "<", $file) or next;
				my $line = <$f> // next;
				$line =~ s/^.*\) //s;
				my @field = split / /, $line;
				$ticks += $field[11] + $field[12] + $field[13] + $field[14] if $field[3] == $session;
			}
			printf "%.6f", $ticks / '"$(getconf CLK_TCK)" "$2"
		;;
	esac
}

# memory_kib NAME: all memory, the kernel's included; empty where nothing tells.
memory_kib() {
	local group=usher-bench-$$-$1 file

	case $ACCOUNTING in
	v2) file=$memory_root/$group/memory.current ;;
	v1) file=$memory_root/$group/memory.usage_in_bytes ;;
	proc) return ;;
	esac
	awk '{ printf "%.1f", $1 / 1024 }' "$file"
}
