#!/usr/bin/perl
# measure.pl USHER LABELS KNOWN FOLDER < INDEX: what usher makes of the streams that streams.pl has written to FOLDER.
#
# Every protocol has a rule, in the order of the table.  A line a protocol: the streams of it; named right; right, but only at the
# timeout; wrong, another's name; not named.  Then every stream that was not named right, and every one without a row that was named,
# and the exit status is 1 if there are such.  Streams without a SYN that are not named are only counted: most of these connections are
# older than their capture.  KNOWN says what a stream is where tshark does not know better.  "others" are those without a row: right is
# not named, late is that an earlier row would have waited until the timeout.
use strict;
use warnings;

my ($usher, $labels, $known, $folder) = @ARGV;

sub table {
	my %table;

	open my $in, '<', $_[0] or die "$_[0]: $!\n";
	while (<$in>) {
		$table{$1} = $2 if /^([^#\s]\S*)\s+(\S+)/;
	}
	return %table;
}

my %row = table($labels);
my %known = table($known);
my @rows = map { /^(\S+) +\d+ +\d+ / && $1 ne 'redis-inline' ? $1 : () } `$usher --protocols`;
my @rules = map "$_ reply $_", @rows;
my (%count, @remarks);
my $older = 0;

# What the capture says that a stream is.
sub truth {
	my ($file, $label) = @_;

	return $known{$file} if defined $known{$file};
	my @parts = split /:/, $label;

	while (@parts) {
		my $row = $row{join ':', @parts};
		return $row if defined $row;
		pop @parts;
	}
	return '-';
}

# The row that decides, and whether an earlier one would have had it wait.
sub verdict {
	my $waits = 0;

	open my $in, '-|', $usher, @rules, '--log', 'none', "--explain=$folder/$_[0]" or die "$usher: $!\n";
	my @said = <$in>;
	close $in;
	for (@said) {
		my ($says, $name) = /^rule \d+ \(.*?\): (.*): reply (\S+)$/ or next;

		return ($name, $waits) if $says =~ /^YES/ || $says =~ /YES if no more/;
		$waits = 1 if $says =~ /^MORE/;
	}
	return ('-', $waits);
}

while (<STDIN>) {
	chomp;
	my ($file, $label, $port, $bytes, $whole) = split /\t/;
	my $truth = truth($file, $label);
	my ($named, $waits) = verdict($file);
	my $what = $named eq $truth ? ($waits ? 'late' : 'right') : $named eq '-' ? 'unnamed' : 'wrong';

	next if $truth eq 'older';
	if (!$whole && $truth ne '-' && $named eq '-') {
		$older++;
		next;
	}
	$count{$truth}{$what}++;
	$count{$truth}{all}++;
	push @remarks, sprintf "%-8s %-12s %-12s %s\n", $what, $truth, $named, "$file $label port $port, $bytes bytes" .
	    ($whole ? '' : ', no SYN') if $what ne 'right' && ($truth ne '-' || $named ne '-');
}
printf "%-13s %7s %7s %7s %7s %7s\n", qw(PROTOCOL STREAMS RIGHT LATE WRONG UNNAMED);
my %sum;
for my $row ((sort grep { $_ ne '-' } keys %count), 'all', '-') {
	my $c = $row eq 'all' ? \%sum : $count{$row} // {};

	printf "%-13s %7u %7u %7u %7u %7u\n", $row eq '-' ? 'others' : $row, map { $c->{$_} // 0 } qw(all right late wrong unnamed);
	$sum{$_} += $c->{$_} // 0 for qw(all right late wrong unnamed);
}
print "$older streams without a SYN are not named\n";
print sort @remarks;
exit(@remarks > 0);
