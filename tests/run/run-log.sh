#!/bin/bash
# A log that cannot be written costs lines, never service; and it is never the client's connection.
# shellcheck source=tests/lib.sh disable=SC1091,SC2034
. "$(dirname "$0")/../lib.sh"
need tcpserver perl
need_usher

# Standard error as each of these, then usher with the arguments.
gone='pipe(R, W); close R; open(STDERR, ">&W"); exec @ARGV'
full='$^F = 255; pipe(R, W); fcntl(W, 4, 2048); 1 while syswrite(W, "x" x 4096); fcntl(W, 4, 0); open(STDERR, ">&W"); exec @ARGV'
device='open(STDERR, ">/dev/full"); exec @ARGV'
closed='close(STDERR); exec @ARGV'

serve_tcp backend /bin/echo served
backend=$PORT
for how in gone full device closed; do
	for rule in 'any exec /bin/echo served' "any connect 127.0.0.1:$backend" 'any reply served'; do
		serve_tcp "$how" perl -e "${!how}" "$USHER" --log stderr "$rule"
		talk 127.0.0.1:"$PORT" x
		is "$ANSWER" "$(printf served)" "standard error is $how, $rule: it is served"
		end "$PID"
	done
done

# Descriptor 0 is the connection, 2 as well, and LISTEN_FDS is somebody else's.
for environment in 'LISTEN_PID=1 LISTEN_FDS=1' 'LISTEN_PID=1 LISTEN_FDS=0' 'LISTEN_FDS=1' 'LISTEN_PID=x LISTEN_FDS=x'; do
	# shellcheck disable=SC2086,SC2016  # several words; for that shell
	serve_tcp client env $environment /bin/sh -c 'exec "$0" "$@" 2>&0' "$USHER" --verbose 'any reply served'
	talk 127.0.0.1:"$PORT" x
	unlike "$ANSWER" 'usher|rule|LISTEN' "$environment: no line of the log reaches the client"
	# shellcheck disable=SC2086,SC2016  # the same
	serve_tcp client env $environment /bin/sh -c 'exec "$0" "$@" 2>&0' "$USHER" 'no such rule'
	talk 127.0.0.1:"$PORT" x
	is "$ANSWER" '' "$environment: what is wrong with a rule does not reach the client"
done

finish
