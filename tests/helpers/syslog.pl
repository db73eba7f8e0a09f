#!/usr/bin/perl
# A /dev/log at PATH: prints what it receives, a line a message.
use strict;
use warnings;
use IO::Socket::UNIX;
use Socket qw(SOCK_DGRAM);

my $s = IO::Socket::UNIX->new(Local => $ARGV[0], Type => SOCK_DGRAM) or die "$ARGV[0]: $!\n";
$| = 1;
while (defined $s->recv(my $message, 65536)) {
	$message =~ s/[\0\n]+$//;
	print "$message\n";
}
