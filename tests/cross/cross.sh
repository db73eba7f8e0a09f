#!/bin/bash
# usher for other machines: built with Debian's cross compilers, static with glibc, and tested by qemu-user: 32 bits, 64 bits,
# and the other byte order.  On amd64 it wants gcc-arm-linux-gnueabihf, gcc-aarch64-linux-gnu, gcc-s390x-linux-gnu, with them
# libc6-dev-armhf-cross, libc6-dev-arm64-cross, libc6-dev-s390x-cross, and qemu-user.
#
# Environment: CROSS (which; default armhf arm64 s390x), UNIT_TESTS (what the Makefile knows).
# shellcheck source=tests/lib.sh disable=SC1091,SC2317
. "$(dirname "$0")/../lib.sh"
read -r -a machines <<< "${CROSS:-armhf arm64 s390x}"

# These execute programs of that machine, which qemu-user leaves to the kernel.
executes=(test-exec test-title)

# machine NAME: HOST and QEMU, or skip.
machine() {
	case $1 in
	armhf) HOST=arm-linux-gnueabihf QEMU=qemu-arm ;;
	arm64) HOST=aarch64-linux-gnu QEMU=qemu-aarch64 ;;
	s390x) HOST=s390x-linux-gnu QEMU=qemu-s390x ;;
	*) bail "no such machine: $1" ;;
	esac
	command -v "$HOST-gcc" > /dev/null || skip_all "the cross compiler is missing: apt-get install gcc-$HOST libc6-dev-$1-cross"
	command -v "$QEMU" > /dev/null || skip_all 'qemu-user is missing: apt-get install qemu-user'
}

cross_build() { # NAME
	mkdir "$T/$1"
	(cd "$T/$1" && env -u CC "$T/clean/configure" --host="$HOST" --prefix=/usr --sysconfdir=/etc --with-libc=glibc-static \
	    --enable-werror CC="$HOST-gcc" && make -j 2 && make -j 2 check TESTS=) > "$T/log/build-$1" 2>&1
}

# by_name NAME COMMAND...: where the kernel itself takes QEMU for that machine's programs, so that they can execute one another: in a
# user namespace of our own, which has a binfmt_misc of its own since Linux 6.7.
by_name() {
	local magic mask='\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff'

	magic=$(head -c 20 "$T/$1/usher" | od -An -v -tx1 | tr -d ' \n' | sed 's/../\\x&/g')
	shift
	# P: argv[0] as it was given
	# shellcheck disable=SC2016
	unshare --map-root-user --mount sh -c 'mount -t binfmt_misc none /proc/sys/fs/binfmt_misc &&
	    printf %s "$0" > /proc/sys/fs/binfmt_misc/register && exec "$@"' \
	    ":usher-test:M::$magic:$mask:$(command -v "$QEMU"):P" "$@"
}

# Static programs, so that qemu needs no library of that machine.
unit_tests() { # NAME
	local path name out bad line command

	for path in ${UNIT_TESTS:?make check-cross sets it}; do
		name=${path##*/}
		command=(timeout -k 5 120 "$QEMU" "./$path")
		if [[ " ${executes[*]} " = *" $name "* ]]; then
			command=(by_name "$1" timeout -k 5 120 "./$path")
			if ! by_name "$1" "$T/$1/usher" --version > "$T/log/by-name" 2>&1; then
				skip "$1: $name" "this kernel has no binfmt_misc for a user namespace, and qemu-user executes nothing by itself"
				continue
			fi
		fi
		out=$T/$1/$name.out
		(cd "$T/$1" && srcdir=$T/clean "${command[@]}") > "$out" 2>&1
		bad=$?
		grep -q '^not ok' "$out" && bad=1
		grep -q '^1\.\.[1-9]' "$out" || bad=1
		result "$bad" "$1: $name, $(grep '^ok' "$out" | grep -vc ' # SKIP ') checks" || diag "$(grep -vE '^ok ' "$out" | tail -n 20)"
		# What qemu-user cannot do the tests see for themselves.
		while read -r line; do
			skip "$1: $name: ${line%% # SKIP *}" "${line##* # SKIP }"
		done < <(sed -n 's/^ok [0-9]* - \(.* # SKIP .*\)/\1/p' "$out")
	done
}

# A usher that is started by its name.
run_test() { # NAME TEST
	printf '#!/bin/sh\nexec %s %s "$@"\n' "$(command -v "$QEMU")" "$T/$1/usher" > "$T/$1/usher-by-qemu"
	chmod +x "$T/$1/usher-by-qemu"
	USHER=$T/$1/usher-by-qemu timeout -k 5 240 bash "$TESTS/run/run-$2.sh" > "$T/$1/$2.out" 2>&1
	result $? "$1: run-$2.sh, $(grep -c '^ok' "$T/$1/$2.out") checks" || diag "$(grep -E '^(not ok|Bail out)' "$T/$1/$2.out")"
}

for name in "${machines[@]}"; do
	machine "$name"
done
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -C "$TOP" distdir distdir="$T/clean" > "$T/log/distdir" 2>&1 || bail 'make distdir failed'
unset MAKEFLAGS MFLAGS MAKELEVEL
for name in "${machines[@]}"; do
	machine "$name"
	ok "$name: it builds, without a warning" cross_build "$name" || {
		diag "$(tail -n 20 "$T/log/build-$name")"
		continue
	}
	unit_tests "$name"
	run_test "$name" explain
	run_test "$name" basic
done
finish
