#!/usr/bin/perl
# Run a command as a service manager would: a session of its own, default signals, no descriptor beyond standard error.  A shell's
# background process has SIGINT and SIGQUIT ignored and whatever was open when the test began.
use strict;
use warnings;
use POSIX ();

POSIX::setsid();
$SIG{$_} = 'DEFAULT' for grep { defined $SIG{$_} && $SIG{$_} eq 'IGNORE' } keys %SIG;
POSIX::sigprocmask(POSIX::SIG_SETMASK(), POSIX::SigSet->new);
opendir(my $directory, '/proc/self/fd') or die "/proc/self/fd: $!\n";
my @open = grep { /^\d+$/ && $_ > 2 } readdir($directory);
closedir($directory);
POSIX::close($_) for @open;
exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!\n";
