#!/usr/bin/perl
# A server on 127.0.0.1:PORT that never accepts; the kernel completes connections to it all the same.
use strict;
use warnings;
use IO::Socket::INET;

my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $ARGV[0], Listen => 16, ReuseAddr => 1) or die "$!\n";
sleep 3600;
