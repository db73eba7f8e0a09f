#!/usr/bin/perl
# Listen on 127.0.0.1:PORT and write the first thing that a client says to FILE.  A client that says nothing is not counted.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;

my ($port, $path) = @ARGV;
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 5, ReuseAddr => 1) or die "$!\n";
while (my $s = $listener->accept) {
	my $bytes = '';
	# A ClientHello says in its record header how long it is.
	until (length $bytes >= 5 && length $bytes >= 5 + unpack('x3n', $bytes)) {
		last unless IO::Select->new($s)->can_read(10) && sysread($s, $bytes, 65536, length $bytes);
	}
	next unless length $bytes;
	open(my $file, '>:raw', "$path.part") or die "$path: $!\n";
	print $file $bytes;
	close($file);
	rename("$path.part", $path) or die "$path: $!\n";
	last;
}
