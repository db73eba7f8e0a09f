#!/usr/bin/perl
# Send and receive at once over one connection, each by a shell command that has the socket as its output or input.
#
#     duplex.pl ADDRESS SEND RECEIVE
#
# ADDRESS: HOST:PORT, or -: the connected socket on standard input (a server's side, under tcpserver).  When SEND ends, sending is
# finished (shutdown), not the connection.  Exit status 0: both commands ended with 0.
use strict;
use warnings;
use IO::Socket::INET;

my ($address, $send, $receive) = @ARGV;
die "usage\n" unless defined $receive;
my $s;
if ($address eq '-') {
	$s = IO::Socket->new_from_fd(0, 'r+') or die "standard input: $!\n";
} else {
	$s = IO::Socket::INET->new(PeerAddr => $address, Timeout => 20) or die "$address: $!\n";
}

sub spawn {
	my ($command, $mode, $handle) = @_;

	my $pid = fork // die "fork: $!\n";
	return $pid if $pid;
	open($handle, $mode, $s) or die "dup: $!\n";
	exec('/bin/sh', '-c', $command) or die "exec: $!\n";
}

my $receiver = spawn($receive, '<&', *STDIN);
my $sender = spawn($send, '>&', *STDOUT);
my $status = 0;
waitpid($sender, 0);
$status = 1 if $?;
shutdown($s, 1);
waitpid($receiver, 0);
$status = 1 if $?;
exit $status;
