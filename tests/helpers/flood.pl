#!/usr/bin/perl
# Many connections, several at a time, each with a question and an answer.
#
#     flood.pl [OPTION...] ADDRESS
#
# ADDRESS: HOST:PORT, [IPV6]:PORT, unix:PATH or unix:@NAME.  Prints one line, ok=N refused=N reset=N wrong=N timeout=N other=N
# seconds=N, and fails unless all are ok.  ok: the answer matched; refused: nobody listens; reset: an end without an answer, with a
# reset or without.
use strict;
use warnings;
use Errno qw(EAGAIN ECONNREFUSED ECONNRESET EINPROGRESS EPIPE);
use Getopt::Long qw(:config no_ignore_case);
use Socket qw(:DEFAULT inet_pton pack_sockaddr_in6 pack_sockaddr_un IPPROTO_IP);

use constant IP_BIND_ADDRESS_NO_PORT => 24;

my %o = (count => 1000, workers => 8, time => 60, say => 'x', expect => '.', then => 'go');
GetOptions(\%o,
	'count=i',	# connections in all
	'expect=s',	# what the answer matches
	'first=s',	# with hold: what the answer matches before it is held
	'hold=s',	# open all; then make FILE.held; when FILE exists, send --then and expect the answer
	'say=s',	# what is sent first
	'source=s',	# our address; "each": 127.0.1.1 for the first worker, and so on
	'then=s',
	'time=i',	# seconds that all of it may take
	'until=s',	# stop when this file exists
	'workers=i',
) or exit 2;
my $address = shift // die "no address\n";
my $began = time;
my @names = qw(ok refused reset wrong timeout other);

my ($family, $to);
if ($address =~ /^unix:(@?)(.*)/) {
	($family, $to) = (AF_UNIX, $1 ? pack('Sxa*', AF_UNIX, $2) : pack_sockaddr_un($2));
} elsif ($address =~ /^\[(.*)\]:(\d+)$/) {
	($family, $to) = (AF_INET6, pack_sockaddr_in6($2, inet_pton(AF_INET6, $1)));
} elsif ($address =~ /^(.*):(\d+)$/) {
	($family, $to) = (AF_INET, pack_sockaddr_in($2, inet_aton($1)));
} else {
	die "$address: no address\n";
}

sub why {
	return 'refused' if $!{ECONNREFUSED};
	return 'reset' if $!{ECONNRESET} || $!{EPIPE};
	return 'timeout' if $!{EAGAIN} || $!{EINPROGRESS};
	print STDERR "$!\n";
	return 'other';
}

# A connection that has said what is to be said first, or why there is none.
sub dial {
	my ($source) = @_;
	my $left = $o{time} - (time - $began);

	return (undef, 'timeout') if $left <= 0;
	socket(my $s, $family, SOCK_STREAM, 0) or return (undef, why());
	setsockopt($s, SOL_SOCKET, $_, pack('l!l!', $left, 0)) for SO_RCVTIMEO, SO_SNDTIMEO;
	if (defined $source) {
		setsockopt($s, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
		bind($s, pack_sockaddr_in(0, inet_aton($source))) or return (undef, why());
	}
	connect($s, $to) or return (undef, why());
	defined syswrite($s, $o{say}) or return (undef, why());
	return ($s, 'ok');
}

# Read until it matches.
sub expect {
	my ($s, $regex) = @_;
	my $all = '';

	while (1) {
		my $n = sysread($s, $all, 65536, length $all);
		return why() if !defined $n;
		return 'ok' if $all =~ /$regex/s;
		return $all eq '' ? 'reset' : 'wrong' if $n == 0;
	}
}

# Wait for a file, as long as there is time.
sub await {
	my ($file) = @_;

	until (-e $file) {
		return if time - $began > $o{time};
		select(undef, undef, undef, 0.02);
	}
}

sub work {
	my ($count, $source) = @_;
	my %n = map { $_ => 0 } @names;

	for (1 .. $count) {
		last if defined $o{until} && -e $o{until};
		my ($s, $how) = dial($source);
		$how = expect($s, $o{expect}) if defined $s;
		$n{$how}++;
	}
	return \%n;
}

sub hold {
	my ($count, $source, $ready) = @_;
	my %n = map { $_ => 0 } @names;
	my @held;

	for (1 .. $count) {
		my ($s, $how) = dial($source);
		$how = expect($s, $o{first}) if defined $s && defined $o{first};
		if ($how eq 'ok') {
			push @held, $s;
		} else {
			$n{$how}++;
		}
	}
	syswrite($ready, 'x');
	await($o{hold});
	for my $s (@held) {
		my $how = defined syswrite($s, $o{then}) ? expect($s, $o{expect}) : why();
		$n{$how}++;
	}
	return \%n;
}

$SIG{PIPE} = 'IGNORE';
pipe(my $results, my $out) or die "pipe: $!\n";
pipe(my $held, my $ready) or die "pipe: $!\n";
for my $worker (1 .. $o{workers}) {
	my $count = int($o{count} / $o{workers}) + ($worker <= $o{count} % $o{workers});
	my $source = ($o{source} // '') eq 'each' ? "127.0.1.$worker" : $o{source};
	my $pid = fork // die "fork: $!\n";
	next if $pid;
	my $n = defined $o{hold} ? hold($count, $source, $ready) : work($count, $source);
	syswrite($out, join(' ', map { $n->{$_} } @names) . "\n");
	exit 0;
}
close($out);
close($ready);
if (defined $o{hold}) {
	my $n = 0;
	while ($n < $o{workers}) {
		sysread($held, my $byte, 1) or last;
		$n++;
	}
	open(my $file, '>', "$o{hold}.held") or die "$o{hold}.held: $!\n";
}
my %sum = map { $_ => 0 } @names;
while (my $line = <$results>) {
	my @n = split(' ', $line);
	$sum{$names[$_]} += $n[$_] for 0 .. $#names;
}
1 while wait != -1;
print join(' ', map { "$_=$sum{$_}" } @names), ' seconds=', time - $began, "\n";
my $all = 0;
$all += $_ for values %sum;
exit($all == $sum{ok} && ($all == $o{count} || defined $o{until}) ? 0 : 1);
