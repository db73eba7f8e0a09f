#!/usr/bin/perl
# What abuse.sh needs: clients that are a nuisance, one that is not, and somebody who counts what that costs.
#
#     abuse.pl good [OPTION...] PORT      a client that asks and is answered, again and again, and notes how long that took
#     abuse.pl again [OPTION...] PORT     the same until it is answered for the first time, and ten times more
#     abuse.pl load [OPTION...] PORT      many clients of one kind
#     abuse.pl count|rest|watch|reach|kill [OPTION...] PID
#                                         the processes of a server: now; now, and what the first does when nobody comes; the
#                                         most of them; until they are so many; ended one by one
#
# All of 127.0.0.1.  Each prints one line, NAME=VALUE ..., and does what it does until the file of --until is there.
use strict;
use warnings;
use Errno qw(EAGAIN EINPROGRESS EINTR ENOTCONN);
use Fcntl qw(F_SETFL O_NONBLOCK O_RDWR);

use Socket qw(:DEFAULT IPPROTO_IP);
use Time::HiRes qw(sleep time);

use constant { IP_BIND_ADDRESS_NO_PORT => 24, RESET => pack('ii', 1, 0) };

my %o = (count => 100, every => 0.05, kind => 'silent', rate => 0, retries => 0, seconds => 10);
my $what = shift // die "what?\n";
# Not Getopt::Long, which takes longer to load than most of this to run.
#	again		load: whoever was turned away comes again
#	begun		good, load: a file to make when all have begun
#	count		load: how many clients; good: how many requests, where there is no --until; reach: how many processes
#	every		good, kill: seconds between two
#	group		the control group that the server is in
#	kind		load: see %kinds
#	rate		load: connections a second at the most
#	retries		good: how often at once again, when the connection was lost
#	seconds		good: for one answer; again, reach: for all of it
#	source		our address
#	until		a file
while (@ARGV && $ARGV[0] =~ /^--(again|begun|count|every|group|kind|rate|retries|seconds|source|until)(?:=(.*))?$/) {
	$o{$1} = $2 // 1;
	shift;
}
my $target = shift // die "of what?\n";
$SIG{PIPE} = 'IGNORE';

sub enough {
	return defined $o{until} && -e $o{until};
}

sub begun {
	return if !defined $o{begun} || -e $o{begun};
	open(my $f, '>', $o{begun}) or die "$o{begun}: $!\n";
}

sub report {
	my %r = @_;
	print join(' ', map { "$_=$r{$_}" } sort keys %r), "\n";
}

# --- clients ---

sub limit {
	my ($s, $option, $seconds) = @_;

	setsockopt($s, SOL_SOCKET, $option, pack('l!l!', int($seconds), ($seconds - int($seconds)) * 1e6));
}

# With so many seconds for each step, or, without, not waiting for anything.
sub dial {
	my ($blocking) = @_;

	socket(my $s, AF_INET, SOCK_STREAM, 0) or return;
	if (defined $o{source}) {
		setsockopt($s, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
		bind($s, pack_sockaddr_in(0, inet_aton($o{source}))) or return;
	}
	if (defined $blocking) {
		limit($s, $_, $blocking) for SO_RCVTIMEO, SO_SNDTIMEO;
	} else {
		fcntl($s, F_SETFL, O_RDWR | O_NONBLOCK);
	}
	if (!connect($s, pack_sockaddr_in($target, INADDR_LOOPBACK))) {
		return if defined $blocking || !$!{EINPROGRESS};
	}
	return $s;
}

# Returns whether it was answered.
sub ask {
	my ($seconds) = @_;
	my $until = time + $seconds;
	my $s = dial($seconds) or return;
	my $all = '';

	defined syswrite($s, "GET / HTTP/1.0\r\nHost: good.example\r\n\r\n") or return;
	while ($all !~ /nginx GET good\.example/) {
		my $left = $until - time;

		return if $left <= 0;
		limit($s, SO_RCVTIMEO, $left);
		sysread($s, $all, 65536, length $all) or return;
	}
	return 1;
}

sub good {
	my ($requests, $failures, $lost, @ms) = (0, 0, 0);

	until (enough() || (!defined $o{until} && $requests >= $o{count})) {
		my $from = time;
		my $served = ask($o{seconds});

		for (my $i = 0; !$served && $i < $o{retries} && time - $from < $o{seconds}; $i++) {
			$lost++;
			$served = ask($o{seconds} - (time - $from));
		}
		$requests++;
		$failures++ if !$served;
		push @ms, (time - $from) * 1000;
		begun();
		sleep($o{every});
	}
	@ms = sort { $a <=> $b } @ms;
	report(requests => $requests, failures => $failures, lost => $lost, median => sprintf('%.1f', $ms[$#ms / 2]),
	    worst => sprintf('%.1f', $ms[-1]));
}

sub again {
	my $from = time;

	while (time - $from < $o{seconds}) {
		if (ask($o{seconds} - (time - $from))) {
			my $ms = (time - $from) * 1000;

			report(ms => sprintf('%.0f', $ms), failures => scalar grep { !ask($o{seconds}) } 1 .. 10);
			return;
		}
		sleep(0.01);
	}
	report(ms => 'never');
}

# A ClientHello of TLS 1.2 with a name, and padded as those of browsers are.
sub hello {
	my $name = 'slow.example';
	my $extensions = pack('n n/a*', 0, pack('n/a*', pack('C n/a*', 0, $name))) . pack('n n/a*', 21, "\0" x 300);
	my $body = pack('n a32 C n/a* C/a* n/a*', 0x0303, 'r' x 32, 0, pack('n2', 0x1301, 0xc02f), "\0", $extensions);

	return pack('C n n/a*', 22, 0x0301, pack('C C n', 1, 0, length $body) . $body);
}

my $almost = "GET / HTTP/1.1\r\n" . "X-Almost: there\r\n" x 4000;
my $rubbish = 'y' x 65536;
# first: said at once; then: said again and again, which is what of it a socket takes; tick: seconds between two
my %kinds = (
	almost => { first => substr($almost, 0, 65535), tick => 0.05 },
	hello => { stream => hello(), tick => 1 },
	program => { first => "SSH-2.0-x\r\n", tick => 0.2 },
	push => { first => '{DEAF}', then => $rubbish, tick => 0.05 },
	reset => { tick => 0 },
	silent => { tick => 0.3 },
);

# Send what is left of what is to be said.
sub say_more {
	my ($c, $kind) = @_;

	if (defined $kind->{stream}) {
		my $n = syswrite($c->{socket}, $kind->{stream}, 1, $c->{sent});

		$c->{sent} += $n if defined $n;
	}
	if (length $c->{left}) {
		my $n = syswrite($c->{socket}, $c->{left});

		substr($c->{left}, 0, $n) = '' if defined $n;
	}
	if (defined $kind->{then} && $c->{left} eq '') {
		my $n = syswrite($c->{socket}, $kind->{then});

		$c->{left} = substr($kind->{then}, $n) if defined $n;
	}
}

# Which of the connections have something to read: one call for all of them, and not one for each, so that the processor is the
# server's.
sub ready {
	my ($all) = @_;
	my $bits = '';

	vec($bits, fileno $all->[$_]{socket}, 1) = 1 for grep { defined $all->[$_] } 0 .. $#$all;
	return '' if select($bits, undef, undef, 0) <= 0;
	return $bits;
}

# Returns whether the connection lives.
sub listen_to {
	my ($c) = @_;
	my $n = sysread($c->{socket}, my $ignored, 65536);

	return defined $n ? $n > 0 : $!{EAGAIN} || $!{EINTR} || $!{ENOTCONN} || $!{EINPROGRESS};
}

sub load {
	my $kind = $kinds{ $o{kind} } // die "$o{kind}: no such kind\n";
	my ($made, $ended, $from, @all) = (0, 0, time);
	my $behind = sub { $o{rate} > 0 && $made > $o{rate} * (time - $from) };
	my @opening = ('', 'GE', "SSH-2.0-x\r\n", '');

	if ($o{kind} eq 'reset') {
		until (enough()) {
			my $s = dial(1);

			$made++;
			if ($s) {
				syswrite($s, $opening[ $made % @opening ]) if $opening[ $made % @opening ] ne '';
				setsockopt($s, SOL_SOCKET, SO_LINGER, RESET);
			}
			begun() if $made == 20;
			sleep(0.001) while $behind->() && !enough();
		}
		report(made => $made, seconds => sprintf('%.1f', time - $from));
		return;
	}
	until (enough()) {
		my $bits = ready(\@all);

		for my $i (0 .. $o{count} - 1) {
			if (!defined $all[$i]) {
				next if $behind->() || ($made >= $o{count} && !$o{again});
				my $s = dial() or next;
				$made++;
				$all[$i] = { socket => $s, left => $kind->{first} // '', sent => 0 };
			}
			say_more($all[$i], $kind) if $o{kind} ne 'silent';
			if (vec($bits, fileno $all[$i]{socket}, 1) && !listen_to($all[$i])) {
				$ended++;
				undef $all[$i];
			}
		}
		begun() if $made >= $o{count};
		my $next = time + $kind->{tick};
		sleep(0.05) while time < $next && !enough();
	}
	report(made => $made, ended => $ended, seconds => sprintf('%.1f', time - $from));
}

# --- processes of the server: of its session, and of its control group, which has also those that left the session ---

sub slurp {
	my ($file) = @_;

	open(my $f, '<', $file) or return;
	local $/;
	return scalar <$f>;
}

# The fields of /proc/PID/stat behind the name: the state is the first.
sub fields {
	my $text = slurp("/proc/$_[0]/stat") // return;
	$text =~ s/^.*\) //s;
	return split / /, $text;
}

sub in_group {
	return defined $o{group} ? split /\n/, slurp("$o{group}/cgroup.procs") // '' : ();
}

sub in_session {
	my @all = ();

	opendir(my $proc, '/proc') or die "/proc: $!\n";
	for my $pid (grep { /^\d+$/ } readdir $proc) {
		my @f = fields($pid) or next;
		push @all, $pid if $f[3] == $target;
	}
	return @all;
}

sub pss {
	my $kib = 0;

	for my $pid (@_) {
		my $text = slurp("/proc/$pid/smaps_rollup") // next;
		$kib += $1 if $text =~ /^Pss: +(\d+)/m;
	}
	return $kib;
}

sub peak_kib {
	for my $file ('memory.peak', 'memory.max_usage_in_bytes') {
		my $bytes = defined $o{group} ? slurp("$o{group}/$file") : undef;
		return int($bytes / 1024) if defined $bytes;
	}
	return;
}

# Clock ticks that the first process has used.
sub ticks {
	my @f = fields($target);
	return @f ? $f[11] + $f[12] : 0;
}

sub count {
	my %all = map { $_ => 1 } in_group(), in_session();
	my @descriptors = glob "/proc/$target/fd/*";

	report(processes => scalar keys %all, descriptors => scalar @descriptors, kib => pss(keys %all), ticks => ticks(), @_);
}

sub rest {
	my $before = ticks();

	sleep(0.2);
	count(idle => ticks() - $before);
}

sub listed {
	return defined $o{group} ? in_group() : in_session();
}

sub reach {
	my ($until, $n) = (time + $o{seconds}, 0);

	while (($n = listed()) < $o{count} && time < $until) {
		sleep(0.05);
	}
	report(processes => $n);
	exit($n < $o{count});
}

sub watch {
	my ($processes, $kib) = (0, 0);

	until (enough()) {
		my $from = time;
		my @all = listed();

		$processes = @all if @all > $processes;
		if (!defined $o{group}) {
			my $now = pss(@all);

			$kib = $now if $now > $kib;
		}
		# a tenth of a processor's time at the most: what is measured is not to be who measures
		sleep(0.05 + 9 * (time - $from));
	}
	report(processes => $processes, kib => peak_kib() // $kib);
}

# The first process of all is who must live.
sub end_some {
	my $killed = 0;

	until (enough()) {
		my @all = grep { $_ != $target } listed();

		$killed += kill('KILL', $all[ rand @all ]) if @all;
		sleep($o{every});
	}
	report(killed => $killed);
}

my %modes = (
	again => \&again, count => \&count, good => \&good, kill => \&end_some, load => \&load, reach => \&reach, rest => \&rest,
	watch => \&watch,
);
($modes{$what} // die "$what: no such thing\n")->();
