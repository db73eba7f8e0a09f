#!/usr/bin/perl
# A name server on 127.0.0.1 for the tests.
#
#     dns.pl NAME=IPV4... NAME=srv:PRIORITY/WEIGHT/PORT/TARGET[,...]...
#
# NAME has this address and no other, or these SRV records; silent.* is never answered; all other names are not there.  Each question is a line on standard
# output: its name.
use strict;
use warnings;
use IO::Socket::INET;

my (%address, %services);
for (@ARGV) {
	/^(.*)=(.*)$/ or die "$_: expected NAME=IPV4\n";
	my ($name, $value) = ($1, $2);
	if ($value =~ s/^srv://) {
		$services{$name} = [map { [split m,/,] } split /,/, $value];
	} else {
		$address{$name} = inet_aton($value);
	}
}
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
	my $found = exists $address{$name} || exists $services{$name};
	my @records;
	@records = (pack('n3 N n a4', 0xc00c, 1, 1, 60, 4, $address{$name})) if $type == 1 && exists $address{$name};
	for my $r ($type == 33 ? @{$services{$name} // []} : ()) {
		my ($priority, $weight, $port, $target) = @$r;
		my $value = pack('n3', $priority, $weight, $port) . join('', map { pack('C/a', $_) } split /\./, $target) . "\0";
		push @records, pack('n3 N n/a', 0xc00c, 33, 1, 60, $value);
	}
	# a response, recursion is available, no such name
	send($s, pack('n6', $id, 0x8180 | ($found ? 0 : 3), 1, scalar @records, 0, 0) . $question . join('', @records), 0, $from);
}
