#!/usr/bin/perl
# A name server on 127.0.0.1 for the tests.
#
#     dns.pl NAME=IPV4...
#
# NAME has this address and no other; silent.* is never answered; all other names are not there.  Each question is a line on standard
# output: its name.
use strict;
use warnings;
use IO::Socket::INET;

my %address = map { /^(.*)=(.*)$/ or die "$_: expected NAME=IPV4\n"; ($1 => inet_aton($2)) } @ARGV;
my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 53, Proto => 'udp') or die "port 53: $!\n";

$| = 1;
print "ready\n";
while (defined(my $from = recv($s, my $query, 1024, 0))) {
	my ($id, $flags, $questions) = unpack('n3', $query);
	my ($name, $at) = ('', 12);

	while ((my $length = ord(substr($query, $at, 1))) > 0) {
		$name .= ($name eq '' ? '' : '.') . lc substr($query, $at + 1, $length);
		$at += 1 + $length;
	}
	my $type = unpack('n', substr($query, $at + 1, 2));
	my $question = substr($query, 12, $at + 5 - 12);
	print "$name\n";
	next if $name =~ /^silent\./;
	my $found = exists $address{$name};
	my $record = $found && $type == 1 ? pack('n3 N n a4', 0xc00c, 1, 1, 60, 4, $address{$name}) : '';
	# a response, recursion is available, no such name
	send($s, pack('n6', $id, 0x8180 | ($found ? 0 : 3), 1, $record eq '' ? 0 : 1, 0, 0) . $question . $record, 0, $from);
}
