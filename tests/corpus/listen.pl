#!/usr/bin/perl
# listen.pl FILE MILLISECONDS COMMAND...: run COMMAND with PORT in its words replaced by the port of a listener on 127.0.0.1, or on
# the address LISTEN in the environment, and write to FILE what the first connection that sends something sends before it is quiet
# for so long.  Nothing is answered.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use POSIX qw(setsid);

my ($file, $quiet, @command) = @ARGV;
my $listener = IO::Socket::INET->new(LocalAddr => $ENV{LISTEN} // '127.0.0.1', Listen => 5) or die "listen: $!\n";
my $port = $listener->sockport;
s/\bPORT\b/$port/g for @command;

my $child = fork // die "fork: $!\n";
if ($child == 0) {
	setsid;
	open STDIN, '<', '/dev/null';
	open STDOUT, '>', '/dev/null';
	open STDERR, '>', $ENV{RECORD_STDERR} // '/dev/null';
	exec @command or POSIX::_exit(127);
}

my ($bytes, $select, $until, %sent) = ('', IO::Select->new($listener), time + 15);
while (time < $until && $bytes eq '') {
	for my $socket ($select->can_read(1)) {
		if ($socket == $listener) {
			$select->add(scalar $listener->accept);
			next;
		}
		sysread($socket, $bytes, 65536) or $select->remove($socket);
		next if $bytes eq '';
		my $one = IO::Select->new($socket);
		while ($one->can_read($quiet / 1000) && length $bytes < 65536) {
			sysread($socket, $bytes, 65536, length $bytes) or last;
		}
		last;
	}
}
kill 'KILL', -$child;
waitpid $child, 0;
die "nothing came\n" if $bytes eq '';
open my $out, '>:raw', $file or die "$file: $!\n";
print $out $bytes;
close $out or die "$file: $!\n";
