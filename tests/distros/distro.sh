# What make check-distros does for a release of Debian: builds usher from a clean copy in a root of that release, with each libc and
# each compiler, runs the tests there, then boots the same root with that build for the tests under systemd.  Sourced, with the
# release's name.
#
# Environment: LIBCS (of configure's --with-libc), COMPILERS, DISTRO_TESTS (`all', or `core': those of which none may be skipped),
# BOOTED (system-NAME.sh's NAMEs), UNIT_TESTS and RUN_TESTS (what the Makefile knows), USHER_TEST_CACHE.
#
# shellcheck shell=bash disable=SC1091,SC2034,SC2154,SC2317
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
USHER_TEST_RELEASE=$1
read -r -a libcs <<< "${LIBCS:-musl glibc-static system}"
read -r -a compilers <<< "${COMPILERS:-gcc clang}"
read -r -a booted <<< "${BOOTED-listen systemd}"
packages=systemd,systemd-sysv,dbus,openssh-server,openssh-client,nginx,redis-server,openssl,iproute2
packages+=,gcc,clang,libc6-dev,linux-libc-dev,musl-tools,make,perl,pkg-config,procps,binutils,ucspi-tcp,curl,stunnel4,mandoc,rsync,strace
# The server and the client without what makes a service of them.
case $USHER_TEST_RELEASE in
bullseye) packages+=,mariadb-server-core-10.5,mariadb-client-core-10.5 ;;
*) packages+=,mariadb-server-core,mariadb-client-core ;;
esac
root_name=distro-$USHER_TEST_RELEASE
. "$TESTS/system/container.sh"

# Their programs are in the root: what is skipped of them was not tested.
core=(run-activate run-basic run-binary run-exec run-explain run-hostile run-listen run-manual run-privsep run-protocols run-relay run-silence
    run-tls)
build=/root/usher

# run-peers.sh compares with the peers of one release, as tests/run/PEERS.md has them.
wanted() {
	local path

	if [ "${DISTRO_TESTS:-all}" = core ]; then
		printf 'tests/run/%s.sh ' "${core[@]}"
		return
	fi
	for path in ${RUN_TESTS:?make check-distros sets it}; do
		[ "${path##*/}" = run-peers.sh ] || printf '%s ' "$path"
	done
}

# in_root NAME SECONDS COMMAND...: in a network of its own, all of whose processes end with it.
in_root() {
	local name=$1 seconds=$2

	shift 2
	start "$name" timeout -k 10 "$seconds" systemd-nspawn --quiet --directory="$root" --private-network --register=no --keep-unit \
	    --as-pid2 --pipe --setenv=USHER_TEST_CONNECTIONS="${USHER_TEST_CONNECTIONS:-2000}" "$@"
	wait "$PID"
}

clean_copy() {
	rm -rf --one-file-system "${root:?}$build"
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -C "$TOP" distdir distdir="$T/clean" > "$T/log/distdir" 2>&1 && cp -a "$T/clean" "$root$build"
}

# failures FILE: what did not pass there, and what it says of it.
failures() {
	grep -E -A 12 '^(not ok|Bail out)' "$1" | grep -vE '^(ok|PASS:|FAIL:) ' | head -n 60
}

# skipped FILE NAME VARIANT: a line for each check that was skipped there.  In a CORE test and a unit test nothing is to be.
skipped() {
	local line

	while read -r line; do
		if [[ " ${core[*]} " = *" $2 "* || $2 = test-* ]]; then
			result 1 "$3: $2: ${line%% # SKIP *}, skipped: ${line##* # SKIP }"
		else
			skip "$3: $2: ${line%% # SKIP *}" "${line##* # SKIP }"
		fi
	done < <(sed -n 's/^ok [0-9]* - \(.* # SKIP .*\)/\1/p' "$1")
}

# A line for each test that ran there, and for all that was skipped.
results() { # VARIANT
	local trs name log bad

	for trs in "$root$build/build"/tests/unit/*.trs "$root$build/build"/tests/run/*.trs; do
		[ -e "$trs" ] || continue
		name=${trs##*/}
		name=${name%.trs}
		log=${trs%.trs}.log
		bad=$(grep -cE '^:test-result: (FAIL|XPASS|ERROR)' "$trs")
		if [ "$bad" -eq 0 ] && ! grep -q '^:test-result: PASS' "$trs"; then
			skip "$1: $name" "$(sed -n 's/^1\.\.0 # SKIP //p' "$log")"
			continue
		fi
		result "$bad" "$1: $name, $(grep -c '^:test-result: PASS' "$trs") checks" || diag "$(failures "$log")"
		skipped "$log" "$name" "$1"
		seen+=" $name"
	done
}

# every CORE test, and every unit test, has left a result.
all_ran() { # VARIANT
	local path missing=

	for path in ${UNIT_TESTS:?make check-distros sets it} "${core[@]}"; do
		[[ " $seen " = *" ${path##*/} "* ]] || missing+=" ${path##*/}"
	done
	is "$missing" '' "$1: all that has to be run was run"
}

build_and_test() { # LIBC COMPILER
	local variant="$USHER_TEST_RELEASE, $1, $2"

	seen=
	if ! in_root "build-$1-$2" 300 /bin/bash "$build/tests/distros/inside-build.sh" "$build" "$1" "$2"; then
		result 1 "$variant: it builds, without a warning"
		diag "$(tail -n 30 "$T/log/build-$1-$2")"
		return 1
	fi
	result 0 "$variant: it builds, without a warning"
	# shellcheck disable=SC2046 # one word a test
	in_root "test-$1-$2" "${DISTRO_SECONDS:-600}" make -C "$build/build" -k -j "$(nproc)" check-TESTS TESTS="$UNIT_TESTS $(wanted)"
	results "$variant"
	all_ran "$variant"
}

# The build that stands in the root, installed there by the release's own make.
install_usher() {
	in_root install 60 make -C "$build/build" install || bail 'make install failed'
	find_installed
}

boot() { # NAME VARIANT
	install_test "inside-$1.sh"
	boot_container
	result "$?" "$USHER_TEST_RELEASE, $2: booted, system-$1.sh, $(grep -c '^ok' "$result") checks" || diag "$(failures "$result")"
	skipped "$result" "system-$1" "$USHER_TEST_RELEASE, $2: booted"
}

make_root
if ! clean_copy; then
	bail 'make distdir failed'
fi
for libc in "${libcs[@]}"; do
	for compiler in "${compilers[@]}"; do
		build_and_test "$libc" "$compiler" || continue
		[ "${#booted[@]}" -gt 0 ] || continue
		install_usher
		for name in "${booted[@]}"; do
			boot "$name" "$libc, $compiler"
		done
	done
done
rm -rf --one-file-system "${root:?}$build"
finish
