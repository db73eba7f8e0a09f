#!/usr/bin/perl
# One side of a conversation, step by step: what client.pl cannot tell is an order of sending, reading and ending.
#
#     converse.pl [--timeout=SECONDS] --log=FILE ADDRESS STEP...
#
# ADDRESS: HOST:PORT, or -: the connected socket on standard input (a server's side, under tcpserver).
# STEP: send=TEXT; await=REGEX (of all that came since the beginning); end: read until the other side has finished sending or has
# reset; shutdown: finish sending; until=FILE: wait for the file; run=COMMAND: run it; reset: what closes the connection, which is
# after the last step, is a reset.
# FILE has TEXT|END when all is done: what came, and eof, reset, timeout or error: ...; open where none of them was seen.
use strict;
use warnings;
use Getopt::Long qw(:config require_order);
use IO::Select;
use IO::Socket::INET;
use Socket qw(IPPROTO_TCP TCP_NODELAY SOL_SOCKET SO_LINGER);

my ($log, $timeout) = (undef, 20);
GetOptions('log=s' => \$log, 'timeout=i' => \$timeout) && defined $log && @ARGV or die "usage\n";
my ($address, @steps) = @ARGV;
my $deadline = time + $timeout;
my ($received, $end) = ('', 'open');

sub failure {
	return $!{ECONNRESET} || $!{EPIPE} ? 'reset' : "error: $!";
}

$SIG{PIPE} = 'IGNORE';
my $s = $address eq '-' ? IO::Socket->new_from_fd(0, 'r+') : IO::Socket::INET->new(PeerAddr => $address, Timeout => $timeout);
if ($s) {
	setsockopt($s, IPPROTO_TCP, TCP_NODELAY, 1);
} else {
	($end, @steps) = failure();
}

# Read until the end, or until what came matches.
sub receive {
	my ($regex) = @_;

	until (defined $regex && $received =~ /$regex/s) {
		my $left = $deadline - time;
		return $end = 'timeout' if $left <= 0 || !IO::Select->new($s)->can_read($left);
		my $n = sysread($s, my $chunk, 65536);
		return $end = failure() if !defined $n;
		return $end = 'eof' if $n == 0;
		$received .= $chunk;
	}
}

for my $step (@steps) {
	last if $end ne 'open' && $end ne 'eof';
	if ($step =~ /^send=(.*)/s) {
		# Pieces are short: they fit into the socket's buffer.
		defined syswrite($s, $1) or $end = failure();
	} elsif ($step =~ /^await=(.*)/s) {
		receive($1);
	} elsif ($step eq 'end') {
		receive();
	} elsif ($step eq 'shutdown') {
		shutdown($s, 1);
	} elsif ($step =~ /^until=(.*)/s) {
		select(undef, undef, undef, 0.02) until -e $1 || time > $deadline;
		$end = 'timeout' unless -e $1;
	} elsif ($step =~ /^run=(.*)/s) {
		system($1) == 0 or $end = "error: $1";
	} elsif ($step eq 'reset') {
		setsockopt($s, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
	} else {
		die "$step: no such step\n";
	}
}
close($s) if $s;
# What tcpserver gave as standard input and output is the socket as well.
if ($address eq '-') {
	open(STDIN, '<', '/dev/null');
	open(STDOUT, '>', '/dev/null');
}
open(my $file, '>', "$log.part") or die "$log: $!\n";
print $file "$received|$end\n";
close($file);
rename("$log.part", $log) or die "$log: $!\n";
