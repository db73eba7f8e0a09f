#!/usr/bin/perl
# A client whose every write is under the test's control.
#
#     client.pl [OPTION...] ADDRESS [PIECE...]
#
# ADDRESS: HOST:PORT, unix:PATH, or -: the connected socket on standard input (a server's side, under tcpserver).
# PIECE: hex:47455420, file:PATH, or text as it is.  Each is one write(2) and, with TCP_NODELAY, one segment.
# Prints what came back; then, on standard error, how it ended: eof, reset, match, closed, timeout, or error: ...
use strict;
use warnings;
use Getopt::Long qw(:config no_ignore_case require_order);
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Socket qw(IPPROTO_TCP TCP_NODELAY SOL_SOCKET SO_LINGER SO_RCVBUF MSG_NOSIGNAL);

my %o = (timeout => 20, pause => 5);
GetOptions(\%o,
	'await=s',	# end when what came back matches this
	'bytewise',	# a byte a write
	'close',	# close after the last piece without reading
	'hold=s',	# read nothing until this file exists
	'log=s',	# write answer and end to this file instead
	'pause=i',	# milliseconds between pieces
	'read-first',	# read to the end before sending the first piece
	'reset',	# reset the connection in place of closing it
	'shutdown',	# finish sending after the last piece
	'source=s',	# bind to this address
	'timeout=i',	# seconds in all
) or exit 2;
my $address = shift // die "no address\n";

my $deadline = time + $o{timeout};
my ($out, $err) = (*STDOUT, *STDERR);
if (defined $o{log}) {
	open(my $file, '>', "$o{log}.part") or die "$o{log}: $!\n";
	$out = $err = $file;
}

sub finish {
	my ($how, $status) = @_;
	print $err $how, "\n";
	if (defined $o{log}) {
		close($out);
		rename("$o{log}.part", $o{log}) or die "$o{log}: $!\n";
	}
	exit $status;
}

sub name {
	return $!{ECONNRESET} || $!{EPIPE} ? 'reset' : "error: $!";
}

$SIG{PIPE} = 'IGNORE';
my $s;
if ($address eq '-') {
	$s = IO::Socket->new_from_fd(0, 'r+') or finish("error: $!", 2);
} elsif ($address =~ /^unix:(.*)/) {
	$s = IO::Socket::UNIX->new(Peer => $1) or finish("error: $!", 2);
} else {
	$s = IO::Socket::INET->new(PeerAddr => $address, $o{source} ? (LocalAddr => $o{source}) : (), Timeout => $o{timeout})
	    or finish(name(), 2);
}
setsockopt($s, IPPROTO_TCP, TCP_NODELAY, 1) unless $address =~ /^unix:/;

my $received = '';

# Read until the end, until what came matches, or until the time is up.
sub receive {
	my $select = IO::Select->new($s);

	while (1) {
		return 'match' if defined $o{await} && $received =~ /$o{await}/s;
		my $left = $deadline - time;
		return 'timeout' if $left <= 0 || !$select->can_read($left);
		my $n = sysread($s, my $chunk, 65536);
		return name() if !defined $n;
		return 'eof' if $n == 0;
		$received .= $chunk;
		syswrite($out, $chunk);
	}
}

sub leave {
	my ($how) = @_;

	setsockopt($s, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0)) if $o{reset};
	close($s);
	# The descriptor that tcpserver gave as standard input and output is the socket as well.
	if ($address eq '-') {
		close(STDIN);
		close(STDOUT) if defined $o{log};
	}
	finish($how, $how eq 'timeout' || $how =~ /^error/ ? 1 : 0);
}

$out->autoflush(1);
my $end = $o{'read-first'} ? receive() : undef;
if (defined $o{hold}) {
	while (!-e $o{hold}) {
		leave('timeout') if time > $deadline;
		select(undef, undef, undef, 0.02);
	}
}
my @pieces = map {
	my $piece = $_;
	if (/^hex:(.*)/s) {
		$piece = pack('H*', $1);
	} elsif (/^file:(.*)/s) {
		open(my $file, '<:raw', $1) or die "$1: $!\n";
		local $/;
		$piece = <$file>;
	}
	$o{bytewise} ? split(//, $piece) : $piece;
} @ARGV;
my $first = 1;
PIECE: for my $piece (@pieces) {
	select(undef, undef, undef, $o{pause} / 1000) unless $first;
	$first = 0;
	while (length $piece) {
		my $n = syswrite($s, $piece);
		if (!defined $n) {
			# What the other side said before it closed is still to be read.
			$end = name() unless defined $end;
			last PIECE;
		}
		substr($piece, 0, $n, '');
	}
}
shutdown($s, 1) if $o{shutdown};
leave('closed') if $o{close} || ($o{reset} && !defined $o{await});
$end = receive() unless defined $end && $end ne 'reset' && !$o{'read-first'};
leave($end);
