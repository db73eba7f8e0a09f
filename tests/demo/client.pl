#!/usr/bin/perl
# The demo's client where the real one is not installed.
#
#     client.pl PORT LINES [TEXT]       send TEXT, in which \r and \n are understood, and print LINES lines of what comes back
#     client.pl PORT LINES --sni NAME   the same with a TLS ClientHello that asks for NAME
use strict;
use warnings;
use IO::Socket::INET;

my ($port, $lines, $text, $name) = @ARGV;

sub client_hello {
	my $list = pack('n/a', pack('C n/a', 0, shift));
	my $extensions = pack('n/a', pack('n n/a', 0, $list));
	my $hello = pack('n a32 C/a n/a C/a', 0x0303, 'r' x 32, '', pack('n', 0x1301), "\0") . $extensions;
	return pack('C n n/a', 22, 0x0301, pack('C C n/a', 1, 0, $hello));
}

my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die "127.0.0.1:$port: $!\n";
if (defined $name) {
	$text = client_hello($name);
} elsif (defined $text) {
	$text =~ s/\\r/\r/g;
	$text =~ s/\\n/\n/g;
}
if (defined $text) {
	syswrite($s, $text) == length $text or die "send: $!\n";
}
while ($lines-- > 0 && defined(my $line = <$s>)) {
	$line =~ s/[^\x20-\x7e]//g;
	print "$line\n";
}
