# What the tests in a booted container share: a Debian with systemd, usher installed in it, a script that is run there.  Sourced,
# behind tests/lib.sh.
#
# Environment: USHER_TEST_RELEASE (bookworm), USHER_TEST_CACHE (keeps the container's root between runs).
# Whoever needs more than the default sets before: packages (comma-separated), root_name (where below the cache).
#
# shellcheck shell=bash disable=SC2034

[ "$(id -u)" -eq 0 ] || skip_all 'needs root'
need systemd-nspawn flock make
need_usher
release=${USHER_TEST_RELEASE:-bookworm}
packages=${packages:-systemd,systemd-sysv,dbus,openssh-server,openssh-client,nginx,redis-server,openssl,iproute2}
root=$CACHE/${root_name:-$release}
result=$root/var/tmp/usher-test.tap
inside=/usr/local/lib/usher-test

# The root, to ourselves; made anew where it was made of other packages.
make_root() {
	mkdir -p "$CACHE"
	exec 9> "$root.lock"
	flock -w 300 9 || bail "another test has been using $root for five minutes"
	[ ! -d "$root" ] || [ "$(cat "$root.packages" 2> /dev/null)" != "$packages" ] || return 0
	need mmdebstrap
	if grep -qF " $root" /proc/self/mounts; then
		bail "something is mounted in $root"
	fi
	rm -rf --one-file-system "$root" "$root.new" "$root.packages"
	diag "making $root, half a minute"
	mmdebstrap --variant=minbase --include="$packages" "$release" "$root.new" > "$T/log/mmdebstrap" 2>&1 || bail 'mmdebstrap failed'
	# The test starts its own.
	systemctl --root "$root.new" mask ssh.service nginx.service redis-server.service apt-daily.timer apt-daily-upgrade.timer \
	    > "$T/log/mask" 2>&1 || bail 'systemctl mask failed'
	mv "$root.new" "$root"
	echo "$packages" > "$root.packages"
}

# What an administrator does: make install.
install_usher() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -C "$TOP" install DESTDIR="$root" > "$T/log/install" 2>&1 ||
	    bail 'make install failed'
	find_installed
}

# Sets program and config, as the installed unit has them.
find_installed() {
	local unit

	for unit in "$root/lib/systemd/system/usher@.service" "$root/usr/lib/systemd/system/usher@.service"; do
		[ ! -e "$unit" ] || break
	done
	[ -e "$unit" ] || bail 'make install brought no usher@.service'
	read -r program config <<< "$(sed -n 's/^ExecStart=\([^ ]*\) --config \([^ ]*\)$/\1 \2/p' "$unit")"
	[ -x "$root$program" ] || bail "the unit's $program was not installed"
}

# The tests, and a unit that runs SCRIPT of them and ends the machine.
install_test() { # SCRIPT
	rm -rf "${root:?}$inside" "$result" "$root/var/log/journal" "$root"/etc/systemd/system/usher* \
	    "$root"/etc/systemd/system/*/usher.socket
	mkdir -p "$root$inside/system" "$root${config%/*}"
	cp "$TESTS/lib.sh" "$root$inside/"
	cp -r "$TESTS/helpers" "$root$inside/"
	cp "$TESTS/system/$1" "$root$inside/system/"
	cat > "$root/etc/systemd/system/usher-test.service" << END
[Unit]
Description=Test of usher
After=multi-user.target
SuccessAction=poweroff-force
FailureAction=poweroff-force

[Service]
Type=oneshot
Environment=USHER=$program USHER_TEST_CONFIG=$config HOME=/root
ExecStart=/bin/bash $inside/system/$1
StandardOutput=file:/var/tmp/usher-test.tap
TimeoutStartSec=180

[Install]
WantedBy=multi-user.target
END
	systemctl --root "$root" enable usher-test.service > "$T/log/enable" 2>&1 || bail 'systemctl enable failed'
}

# boot_container: boots the root, which runs what install_test() put there.  Returns 0 if all of it passed, 2 if it did not end.
# One at a time on this machine: started without a systemd of the machine's own, two would share their control groups, and each
# would take the other's processes for its own.
boot_container() {
	exec 8> "$CACHE/booted.lock"
	flock -w 1200 8 || bail 'another container has been running for twenty minutes'
	start boot systemd-nspawn --quiet --directory="$root" --private-network --register=no --keep-unit --boot \
	    --machine="usher-test-$$"
	if ! poll 240 gone "$PID"; then
		end "$PID"
		return 2
	fi
	exec 8>&-
	if ! grep -q '^1\.\.' "$result"; then
		cp "$result" "$T/log/inside"
		return 2
	fi
	! grep -qE '^(not ok|Bail out!)' "$result"
}

# run_in_container SCRIPT: of this folder; its result is ours.
run_in_container() {
	local status

	make_root
	install_usher
	install_test "$1"
	boot_container
	status=$?
	[ "$status" -ne 2 ] || bail 'the test in the container did not come to its end'
	cat "$result"
	finished=yes
	exit "$status"
}
