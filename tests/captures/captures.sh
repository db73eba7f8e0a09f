#!/bin/bash
# captures.sh USHER: fetch captures that Debian has in source packages, name the first client bytes of each of their connections, and
# compare that with what tshark says.  Nothing of the captures is kept in this folder, for they are not ours.
#
# In the environment: CAPTURES, the folder for all that is fetched and made (usher-captures in TMPDIR; with what was fetched there
# nothing is fetched again); PACKAGES; TSHARK.  Needs apt-get with a Debian mirror, tshark and perl.
set -u
here=$(dirname "$0")
usher=$(realpath "$1")
folder=${CAPTURES:-${TMPDIR:-/tmp}/usher-captures}
packages=${PACKAGES:-ndpi wireshark tcpdump tcpflow}
tshark=${TSHARK:-tshark}

fail() {
	printf 'captures.sh: %s\n' "$*" >&2
	exit 1
}

# The machine's own sources, for source packages, in lists of our own.
make_lists() {
	mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache" "$folder/apt/parts" || return
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
		if grep -qs debian "$file"; then
			sed 's/^Types: .*/Types: deb-src/; s/^deb /deb-src /' "$file" > "$folder/apt/parts/${file##*/}"
		fi
	done
	printf '%s\n' 'Dir::Etc::sourcelist "/dev/null";' "Dir::Etc::sourceparts \"$folder/apt/parts\";" \
	    "Dir::State::lists \"$folder/apt/lists\";" "Dir::Cache \"$folder/apt/cache\";" > "$folder/apt/conf"
	APT_CONFIG=$folder/apt/conf apt-get -q update > "$folder/apt/log" 2>&1
}

# fetch PACKAGE: its captures in $folder/captures/PACKAGE.
fetch() {
	local to=$folder/captures/$1

	[ ! -d "$to" ] || return 0
	[ -s "$folder/apt/conf" ] || make_lists || return
	mkdir -p "$folder/source/$1" "$to.new" || return
	(cd "$folder/source/$1" && APT_CONFIG=$folder/apt/conf apt-get -q source --download-only "$1") >> "$folder/apt/log" 2>&1
	for archive in "$folder/source/$1"/*.orig*.tar.*; do
		case $archive in
		*.asc) ;;
		*) tar -xf "$archive" -C "$to.new" --wildcards --no-anchored '*.pcap' '*.pcapng' '*.cap' '*.pcap.gz' '*.pcapng.gz' 2> "$folder/apt/tar" ;;
		esac
	done
	rm -rf "$folder/source/$1"
	[ -n "$(find "$to.new" -type f -print -quit)" ] && mv "$to.new" "$to"
}

command -v "$tshark" > /dev/null || fail "there is no $tshark"
mkdir -p "$folder/captures" || exit
rm -rf "$folder/streams"
mkdir "$folder/streams" || exit
: > "$folder/index"
for package in $packages; do
	fetch "$package" || {
		printf 'no captures from %s\n' "$package"
		continue
	}
	find "$folder/captures/$package" -type f | LC_ALL=C sort | while read -r capture; do
		"$tshark" -n -r "$capture" -o tcp.reassemble_out_of_order:TRUE -Y tcp -T fields -E occurrence=l \
		    -e tcp.stream -e ip.src -e ipv6.src -e tcp.srcport -e tcp.dstport -e tcp.flags.syn -e tcp.flags.ack \
		    -e tcp.seq_raw -e tcp.len -e tcp.payload -e frame.protocols 2> "$folder/tshark" |
		    perl "$here/streams.pl" "$folder/streams" "$package/${capture##*/}"
	done >> "$folder/index"
done
[ -s "$folder/index" ] || fail "no capture was found; see $folder/apt/log"
perl "$here/measure.pl" "$usher" "$here/labels" "$here/known" "$folder/streams" < "$folder/index"
