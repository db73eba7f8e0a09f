#!/usr/bin/perl
# streams.pl FOLDER NAME < FIELDS: what each client of a capture sent first, a file a TCP connection in FOLDER, and a line for it on
# standard output: file, label, server's port, bytes, whether its beginning was seen.  FIELDS is what tshark prints, see captures.sh.
#
# The client is who sent the SYN.  Many captures have none; where the first packet has data and goes to the lower port, its sender is
# taken for a client that has just begun, and the last column is 0, for that may be wrong.  A connection of which the first segment
# with data is missing or was cut is left out, and what comes after a hole is.
use strict;
use warnings;

use constant MOST => 65536;

my ($folder, $name) = @ARGV;
my %streams;

# The protocol that the dissector found above TCP, or an empty string: tpkt:cotp:s7comm, tls.
sub label {
	my @above = split /:/, $_[0] =~ s/.*\btcp\b:?//r;

	return join ':', grep { !/^(data|tcp\.segments|data-text-lines|media|mime_multipart|xml|json|gquic|x509.*|pkix.*|mptcp)$/ } @above;
}

while (<STDIN>) {
	chomp;
	my ($id, $source, $source6, $from, $to, $syn, $ack, $sequence, $length, $payload, $protocols) = split /\t/;

	next unless defined $protocols && $id ne '' && $sequence =~ /^\d+$/ && $to ne '';
	my $is_first = !defined $streams{$id};
	my $s = $streams{$id} //= { syn => 0 };
	my $end = ($source || $source6 || '') . "/$from";

	$_ = /^(1|True)$/ for $syn, $ack;
	if ($syn && !$ack && !defined $s->{client}) {
		@$s{qw(client port next syn)} = ($end, $to, ($sequence + 1) & 0xffffffff, 1);
	} elsif ($is_first && !$syn && $payload ne '' && $to < $from) {
		@$s{qw(client port next)} = ($end, $to, $sequence);
	}
	next unless defined $s->{client};
	my $label = label($protocols);
	my $side = $end eq $s->{client} ? 'client' : 'server';

	$s->{label}{$side} //= $label if $label ne '';
	next if $payload eq '' || $syn;
	next if $side ne 'client';

	my $bytes = pack 'H*', $payload;

	$s->{cut}{$sequence} = 1 if length $bytes < ($length || 0);
	$s->{data}{$sequence} = $bytes if !defined $s->{data}{$sequence} || length $s->{data}{$sequence} < length $bytes;
}

for my $id (sort { $a <=> $b } keys %streams) {
	my $s = $streams{$id};
	my ($bytes, $more) = ('', 1);

	next unless defined $s->{client};
	while ($more && length $bytes < MOST) {
		$more = 0;
		for my $sequence (keys %{$s->{data} // {}}) {
			my $data = $s->{data}{$sequence};
			my $known = ($s->{next} - $sequence) & 0xffffffff;

			next if $known >= length $data;
			$bytes .= substr $data, $known;
			$s->{next} = ($s->{next} + length($data) - $known) & 0xffffffff;
			$more = !$s->{cut}{$sequence};
			last;
		}
	}
	next if $bytes eq '';
	my $file = "$name.$id" =~ s{/}{_}gr;

	open my $out, '>:raw', "$folder/$file" or die "$folder/$file: $!\n";
	print $out substr $bytes, 0, MOST;
	close $out or die "$folder/$file: $!\n";
	printf "%s\t%s\t%s\t%u\t%u\n", $file, $s->{label}{client} // $s->{label}{server} // '-', $s->{port}, length $bytes, $s->{syn};
}
