#!/usr/bin/perl
# From what was measured (raw.tsv) to medians (bench.tsv), tables for people (bench.txt) and what the plot is drawn from
# (plot-*.tsv).
use strict;
use warnings;

my ($folder, $part) = @ARGV;
die "usage: summary.pl FOLDER [systemd]\n" unless defined $folder;

my (%values, %median, @peers, %seen);

sub slurp {
	my ($name) = @_;

	open(my $f, '<', "$folder/$name") or return;
	my @rows = map { chomp; [split /\t/, $_, -1] } <$f>;
	close($f);
	return @rows;
}

sub file {
	my ($name, $text) = @_;

	open(my $f, '>', "$folder/$name") or die "$folder/$name: $!\n";
	print $f $text;
	close($f) or die "$folder/$name: $!\n";
}

@peers = map { $_->[0] } slurp('peers.tsv');
@seen{@peers} = (1) x @peers;
for (slurp('raw.tsv'), slurp('systemd.tsv')) {
	my ($peer, $metric, $value) = @$_;

	next unless defined $value && $value =~ /^[\d.]+$/;
	push @{ $values{$peer}{$metric} }, $value;
	push @peers, $peer unless $seen{$peer}++;
}
for my $peer (@peers) {
	for my $metric (keys %{ $values{$peer} }) {
		my @sorted = sort { $a <=> $b } @{ $values{$peer}{$metric} };
		my $middle = int(@sorted / 2);

		$median{$peer}{$metric} = @sorted % 2 ? $sorted[$middle] : ($sorted[$middle - 1] + $sorted[$middle]) / 2;
	}
	# these count, they are no sample
	for my $metric ('failed', 'held_lost') {
		my $sum = 0;

		$sum += $_ for @{ $values{$peer}{$metric} // [] };
		$median{$peer}{$metric} = $sum if exists $values{$peer}{$metric};
	}
}

sub value {
	my ($peer, $metric) = @_;

	return $median{$peer}{$metric};
}

# OURS beside PEER: the median of what each round says, for a machine is not the same from minute to minute.
sub compared {
	my ($ours, $peer, $metric, $how) = @_;
	my ($us, $them) = ($values{$ours}{$metric}, $values{$peer}{$metric});

	return undef unless defined $us && defined $them && @$us == @$them;
	my @sorted = sort { $a <=> $b } map { $how->($us->[$_], $them->[$_]) } grep { $them->[$_] > 0 } 0 .. $#$us;
	return undef unless @sorted;
	return ($sorted[@sorted / 2] + $sorted[$#sorted / 2]) / 2;
}

sub number {
	my ($x) = @_;

	return '-' unless defined $x;
	return sprintf($x >= 100 || $x == 0 ? '%.0f' : $x >= 10 ? '%.1f' : $x >= 1 ? '%.2f' : '%.3f', $x);
}

sub aligned {
	my (@rows) = @_;
	my @width;
	my $text = '';

	for my $row (@rows) {
		for my $i (0 .. $#$row) {
			$width[$i] = length $row->[$i] if length $row->[$i] > ($width[$i] // 0);
		}
	}
	for my $row (@rows) {
		my $line = join '  ', map { sprintf($_ == 0 ? "%-$width[$_]s" : "%$width[$_]s", $row->[$_]) } 0 .. $#$row;

		$line =~ s/ +$//;
		$text .= "$line\n";
	}
	return $text;
}

# The tables: title, then columns as [heading, metric].
my @levels = sort { $a <=> $b } grep { /^\d+$/ } map { /^held_kib_(\d+)$/ ? $1 : '' }
    keys %{ { map { %$_ } values %median } };
my @tables = (
	['Connections per second, and microseconds from connect to end of file',
		map { my $n = $_; (["$n:conn/s", "rate$n"], ["$n:p50", "p50_$n"], ["$n:p99", "p99_$n"]) } 1, 8, 64],
	['Throughput in Gbit/s, and CPU seconds of the relay per GB (1 and 4 streams, pull: from the backend, push: to it)',
		map { my $n = $_; (["$n:Gbit/s", $n], ["$n:CPU", "cpu_$n"]) } qw(pull1 pull4 push1 push4)],
	['Memory: KiB per idle relayed connection, the kernel\'s included; and MiB in all with so many held', ['idle', 'idle_kib'],
		map { ["$_", "held_kib_$_", 1 / 1024] } @levels],
	['Connections per second (8 clients) while so many others are held; lost: could not be held',
		(map { ["$_", "held_rate_$_"] } @levels), ['lost', 'held_lost']],
	['Connections that failed, of all', ['failed', 'failed']],
);

# Of bench-systemd.sh alone, and as a part of the whole.
my @systemd = grep { /^systemd_/ } @peers;
my $systemd = !@systemd ? '' :
    "\nIn a container with systemd: connections per second, and microseconds from connect to end of file\n" .
    aligned(['', map { ("$_:conn/s", "$_:p50", "$_:p99") } 1, 8],
	map { my $peer = $_; [$peer, map { my $n = $_; map { number(value($peer, "${_}$n")) } 'rate', 'p50_', 'p99_' } 1, 8] } @systemd);
if (defined $part) {
	file("$part.txt", $systemd);
	exit 0;
}
@peers = grep { !/^systemd_/ } @peers;

my $text = '';
$text .= "$_->[0]: $_->[1]\n" for slurp('about.tsv');
$text .= "missing: $_->[0]: $_->[1]\n" for slurp('missing.tsv');
for my $ratios (0, 1) {
	$text .= "\n--- The same as ratios: usher's figure divided by the peer's ---\n" if $ratios;
	for my $table (@tables) {
		my ($title, @columns) = @$table;
		my @rows;

		next if $ratios && $title =~ /failed/;
		for my $peer (@peers) {
			my @row = map {
				my ($heading, $metric, $factor) = @$_;
				my $x = value($peer, $metric);
				my $usher = value('usher', $metric);

				$x *= $factor if defined $x && defined $factor && !$ratios;
				$x = defined $x && $x > 0 && defined $usher ? $usher / $x : undef if $ratios;
				number($x);
			} @columns;

			push @rows, [$peer, @row] if grep { $_ ne '-' } @row;
		}
		$text .= "\n$title\n" . aligned(['', map { $_->[0] } @columns], @rows) if @rows;
	}
}

$text .= $systemd;

# --- the goals ---
# what it is, metric, peer of ours, '>=' or '<=', factor, the other peer (undef: the factor is absolute)
my @goals = (
	['connections/s, listening, 8 clients', 'rate8', 'usher', '>=', 1.0, 'haproxy'],
	['', 'rate8', 'usher', '>=', 2.5, 'sslh'],
	['', 'rate8', 'usher', '>=', 1.8, 'sslh_select'],
	['p50 of one client, listening', 'p50_1', 'usher', '<=', 1.3, 'haproxy'],
	['connections/s under xinetd nowait, 8 clients', 'rate8', 'usher_xinetd', '>=', 3.0, 'xinetd_sslh'],
	['p50 under xinetd nowait, 8 clients', 'p50_8', 'usher_xinetd', '<=', 0.35, 'xinetd_sslh'],
	['connections/s, systemd Accept=yes, 8 clients', 'rate8', 'systemd_accept', '>=', 0.9, 'systemd_nothing'],
	['one stream, pull', 'pull1', 'usher', '>=', 1.8, 'haproxy_splice'],
	['', 'pull1', 'usher', '>=', 1.0, 'socket_proxyd'],
	['one stream, push', 'push1', 'usher', '>=', 1.8, 'haproxy_splice'],
	['', 'push1', 'usher', '>=', 1.0, 'socket_proxyd'],
	['CPU per GB, one stream, pull', 'cpu_pull1', 'usher', '<=', 0.6, 'haproxy'],
	['CPU per GB, one stream, push', 'cpu_push1', 'usher', '<=', 0.6, 'haproxy'],
	['KiB per idle relayed connection', 'idle_kib', 'usher', '<=', 80, undef],
	['', 'idle_kib', 'usher', '<=', 0.45, 'sslh'],
	['exec: one stream, pull', 'pull1', 'usher_exec', '>=', 0.95, 'direct'],
	['exec: one stream, push', 'push1', 'usher_exec', '>=', 0.95, 'direct'],
	['exec under xinetd: p50 in ms beyond the program alone', 'p50_1', 'xinetd_exec', '+', 0.3, 'xinetd_alone'],
);
my @rows = (['goal', 'usher', 'peer', 'wanted', 'measured', '']);
my $before = '';
for (@goals) {
	my ($name, $metric, $ours, $relation, $factor, $peer) = @$_;
	my ($a, $b) = (value($ours, $metric), defined $peer ? value($peer, $metric) : 1);
	my ($ratio, $met);

	$name = $before if $name eq '';
	$before = $name;
	if (defined $a && defined $b && $b > 0) {
		my $how = sub { $relation eq '+' ? ($_[0] - $_[1]) / 1000 : $_[0] / $_[1] };

		$ratio = (defined $peer ? compared($ours, $peer, $metric, $how) : undef) // $how->($a, $b);
		$met = $relation eq '>=' ? $ratio >= $factor : $ratio <= $factor;
	}
	push @rows, [$name, number($a), defined $peer ? number($b) . " $peer" : '', ($relation eq '+' ? '<= +' : "$relation ") . $factor .
	    (defined $peer && $relation ne '+' ? ' x' : ''), defined $ratio ? sprintf('%.2f', $ratio) : '-',
	    !defined $met ? 'not measured' : $met ? 'met' : 'MISSED'];
}
$text .= "\n--- Goals (medians; measured: the median of the rounds' ratios) ---\n" . aligned(@rows);
file('bench.txt', $text);
file('goals.tsv', join '', map { join("\t", @$_) . "\n" } @rows);

# --- for programs ---
my %metrics = map { map { $_ => 1 } keys %$_ } values %median;
my @metrics = sort keys %metrics;
file('bench.tsv', join '', map { join("\t", @$_) . "\n" } ['peer', @metrics],
    map { my $peer = $_; [$peer, map { value($peer, $_) // '' } @metrics] } @peers, @systemd);

# --- for the plot: one file a panel, best first ---
sub panel {
	my ($name, $metric, $up, @skip) = @_;
	my %skip = map { $_ => 1 } @skip;
	my @have = sort { ($up ? 1 : -1) * (value($a, $metric) <=> value($b, $metric)) }
	    grep { defined value($_, $metric) && !$skip{$_} } @peers;

	file("plot-$name.tsv", join '', map {
		my $label = $_;
		$label =~ tr/_/ /;
		join("\t", $label, value($_, $metric), /^usher/ ? 1 : /^(direct|forkpause)$/ ? 2 : 0) . "\n" } @have);
}
panel('rate8', 'rate8', 1);
panel('p50_1', 'p50_1', 0, 'xinetd_exec', 'xinetd_alone');
panel('pull1', 'pull1', 1);
# of what usher executes it is the program's own
panel('cpu_pull1', 'cpu_pull1', 0, 'usher_exec');
panel('idle', 'idle_kib', 0);
file('plot-held.tsv', join '', map {
	my $peer = $_;
	my @points = grep { defined value($peer, "held_rate_$_") && value($peer, "held_rate_$_") > 0 } @levels;
	my $label = $peer;

	$label =~ tr/_/ /;
	@points ? "\"$label\"\n" . join('', map { join("\t", $_, value($peer, "held_rate_$_")) . "\n" } @points) . "\n\n" : '' } @peers);
