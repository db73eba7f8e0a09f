#!/bin/bash
# SSH through the shared port: sshd -i on the socket itself, and relayed to an sshd that listens.
# shellcheck source=tests/lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
need tcpserver sshd ssh scp openssl
need_usher

size=$((1024 * 1024 * 1024))
sshd_keys
start_sshd
big_file "$T/big" "$size" 1
is "$(stat -c %s "$T/big")" "$size" 'a file of 1 GiB'
# The cheapest cipher: what is tested is the way, not the cryptography.
SSH+=(-c aes128-gcm@openssh.com)

ssh_words=$(printf '%q ' "${SSH[@]}")

through() { # HOW FILE
	# shellcheck disable=SC2016
	run "${SSH[@]}" -p "$PORT" 127.0.0.1 'echo "$SSH_CONNECTION"; cat; exit 7' < <(printf 'to and fro')
	is "$STATUS" 7 "$1: the command's exit status comes back"
	like "$OUT" $'\nto and fro$' "$1: the command's output comes back"
	ok "$1: scp of $(stat -c %s "$2") bytes" scp -q -P "$PORT" "${SSH[@]:1}" "$2" "$ME@127.0.0.1:$T/copy"
	is "$(sum "$T/copy")" "$(sum "$2")" "$1: what scp copied has the same checksum"
	rm -f "$T/copy"
	if command -v rsync > /dev/null; then
		ok "$1: rsync of as many back" rsync --whole-file -e "$ssh_words -p $PORT" "127.0.0.1:$2" "$T/copy"
		is "$(sum "$T/copy")" "$(sum "$2")" "$1: what rsync copied has the same checksum"
		rm -f "$T/copy"
	else
		skip "$1: rsync" 'rsync is not installed'
	fi
}

serve_usher "ssh exec $SSHD -i -f $SSHD_CONFIG -E $T/log/sshd-i" 'any reject'
through exec "$T/big"
like "$OUT" "^127\.0\.0\.1 [0-9]+ 127\.0\.0\.1 $PORT"$'\n' "exec: sshd sees the client's address and the shared port"
ok 'exec: it is logged as handed over' wait_log 'protocol=ssh version=2\.0 software=OpenSSH_.*rule=1 .*end=exec$'
run perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0], LocalAddr => "127.0.0.77") or die $!;
	syswrite $s, "SSH-2.0-Test\r\n"; my $line = <$s>; print $line' "127.0.0.1:$PORT"
like "$OUT" '^SSH-2\.0-OpenSSH' 'exec: a client from another address reaches sshd'
ok "exec: sshd's log, and so fail2ban, sees the other address" wait_log '127\.0\.0\.77' "$T/log/sshd-i"

serve_usher "ssh connect 127.0.0.1:$SSHD_PORT" 'any reject'
# The relay's own gigabytes are run-relay.sh's.
head -c $((size / 8)) "$T/big" > "$T/part"
through relay "$T/part"
ok 'relay: bytes are counted' wait_log 'bytes_in=13[4-6][0-9]{6} .*end='

finish
