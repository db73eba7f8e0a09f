#!/usr/bin/perl
# Hostile clients and backends.  One process plays both ends of a connection that usher serves, byte by byte as a table says, and
# accounts for every byte: what arrived, in which order, how it ended, what the log says, and how much CPU time usher took.
#
#     hostile.pl USHER FOLDER
#
# Prints TAP.  FOLDER: for sockets, and in its folder log for logs.  A case is one usher on a connection that was accepted here, with its standard error in
# a file.  Every wait is bounded, and what has not ended by then is killed and is a failure.
use strict;
use warnings;
use Errno qw(EAGAIN EINTR);
use Fcntl qw(F_GETFL F_SETFL F_SETFD O_NONBLOCK);
use IO::Poll qw(POLLIN POLLOUT);
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(IPPROTO_TCP MSG_OOB SOL_SOCKET SO_LINGER SO_RCVBUF SO_SNDBUF SOCK_STREAM TCP_NODELAY);
use Time::HiRes qw(time);

my ($usher, $folder) = @ARGV;
defined $folder or die "usage: hostile.pl USHER FOLDER\n";

# Seconds that a case may take, and seconds of CPU time that usher may take in it, besides what the bytes that it moves are worth.
my $limit = $ENV{USHER_TEST_WAIT} // 20;
my $cpu_limit = 0.3;
my $cpu_per_mib = 0.05;

$SIG{PIPE} = 'IGNORE';
$| = 1;

my ($count, $failed) = (0, 0);

sub result {
	my ($good, $description, @details) = @_;

	$count++;
	print $good ? '' : 'not ', "ok $count - $description\n";
	return if $good;
	$failed++;
	print "# $_\n" for @details;
}

# Bytes in which no part is like another, so that what is lost, doubled or moved is seen.
sub pattern {
	my ($length, $seed) = @_;
	my $bytes = '';

	for (my $i = 0; length $bytes < $length; $i++) {
		$bytes .= pack('NN', $seed, $i);
	}
	return substr($bytes, 0, $length);
}

# --- an end of the connection ---
#
# plan: what it does, in order:
#     [send => BYTES], [urgent => BYTE], [finish], [reset], [close]
#     [hold => SECONDS]: nothing, for so long, in which a relay that spins would be seen by its CPU time
#     [until => SUB]: go on when SUB returns true
#     [deaf], [listen]: stop reading, read again; [signal => NAME]: to usher
# got: what arrived.  end: how reading ended: eof or reset.

sub attach {
	my ($e, $socket) = @_;

	fcntl($socket, F_SETFL, fcntl($socket, F_GETFL, 0) | O_NONBLOCK);
	# a Unix socket does not know it
	setsockopt($socket, IPPROTO_TCP, TCP_NODELAY, 1) if $socket->sockdomain != Socket::AF_UNIX;
	$e->{socket} = $socket;
}

sub close_end {
	my ($e) = @_;

	close($e->{socket});
	$e->{socket} = undef;
	$e->{plan} = [];
	$e->{end} //= 'closed';
}

# Do what can be done of the plan now.  Returns whether it waits for room to send.
sub act {
	my ($e) = @_;

	while (my $step = $e->{plan}[0]) {
		my ($what, $value) = @$step;

		if ($what eq 'send') {
			my $n = send($e->{socket}, substr($value, 0, 262144), Socket::MSG_NOSIGNAL);
			if (!defined $n) {
				return 1 if $!{EAGAIN} || $!{EINTR};
				# whoever is told here is not told again by read(2)
				$e->{refused} = 1;
				$e->{plan} = [];
				return 0;
			}
			$e->{sent} += $n;
			$step->[1] = substr($value, $n);
			next if length $step->[1];
		} elsif ($what eq 'urgent') {
			my $n = send($e->{socket}, $value, MSG_OOB | Socket::MSG_NOSIGNAL);
			return 1 if !defined $n && ($!{EAGAIN} || $!{EINTR});
			$e->{refused} = 1 if !defined $n;
		} elsif ($what eq 'finish') {
			shutdown($e->{socket}, 1);
		} elsif ($what eq 'reset') {
			setsockopt($e->{socket}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
			close_end($e);
			return 0;
		} elsif ($what eq 'close') {
			close_end($e);
			return 0;
		} elsif ($what eq 'hold') {
			$e->{until} //= time + $value;
			return 0 if time < $e->{until};
			$e->{until} = undef;
		} elsif ($what eq 'until') {
			return 0 unless $value->();
		} elsif ($what eq 'deaf') {
			$e->{deaf} = 1;
		} elsif ($what eq 'listen') {
			$e->{deaf} = 0;
		} elsif ($what eq 'signal') {
			kill $value, $e->{usher};
		} else {
			die "no such step: $what\n";
		}
		shift @{ $e->{plan} };
	}
	return 0;
}

sub take {
	my ($e) = @_;

	for (1 .. 16) {
		my $n = sysread($e->{socket}, my $chunk, 262144);
		if (!defined $n) {
			return if $!{EAGAIN} || $!{EINTR};
			$e->{end} = $!{ECONNRESET} || $!{EPIPE} ? 'reset' : "error: $!";
			return;
		}
		if ($n == 0) {
			$e->{end} = $e->{refused} ? 'reset' : 'eof';
			return;
		}
		$e->{got} .= $chunk;
	}
}

# Play both ends until both have done and seen everything, or until DEADLINE.  Returns whether they have.
sub play {
	my ($deadline, @ends) = @_;

	while (time < $deadline) {
		my $poll = IO::Poll->new;
		my $left = 0;

		for my $e (@ends) {
			next unless $e->{socket};
			my $full = act($e);
			next unless $e->{socket};
			my $mask = 0;
			$mask |= POLLIN if !$e->{deaf} && !$e->{end};
			$mask |= POLLOUT if $full;
			$poll->mask($e->{socket} => $mask) if $mask;
			$left++ if @{ $e->{plan} } || !$e->{end};
		}
		return 1 unless $left;
		# a plan may wait for what the other end sees
		$poll->poll(0.01);
		for my $e (@ends) {
			next unless $e->{socket};
			take($e) if $poll->events($e->{socket}) & ~POLLOUT && !$e->{deaf} && !$e->{end};
		}
	}
	return 0;
}

# --- a case ---

my $serial = 0;

# A listening socket of KIND, tcp or unix, and a connection to it: (client's side, accepted side).
sub listener {
	my ($kind) = @_;

	$serial++;
	return $kind eq 'tcp' ? IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5)
	    : IO::Socket::UNIX->new(Local => "$folder/s$serial", Listen => 5) // die "listen: $!\n";
}

sub address {
	my ($listener) = @_;

	return $listener->isa('IO::Socket::INET') ? '127.0.0.1:' . $listener->sockport : 'unix:' . $listener->hostpath;
}

sub connection {
	my ($listener) = @_;
	my $client;

	if ($listener->isa('IO::Socket::INET')) {
		$client = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $listener->sockport) or die "connect: $!\n";
	} else {
		$client = IO::Socket::UNIX->new(Peer => $listener->hostpath) or die "connect: $!\n";
	}
	return ($client, $listener->accept // die "accept: $!\n");
}

# Start usher on SOCKET.  Returns its process id.
sub start {
	my ($socket, $log, @arguments) = @_;
	my $pid = fork // die "fork: $!\n";

	return $pid if $pid;
	POSIX::dup2(fileno($socket), 0);
	POSIX::dup2(0, 1);
	my $file = POSIX::open($log, POSIX::O_WRONLY() | POSIX::O_CREAT() | POSIX::O_TRUNC(), 0600) // POSIX::_exit(99);
	POSIX::dup2($file, 2);
	POSIX::close($_) for 3 .. 255;
	$SIG{PIPE} = 'DEFAULT';
	exec { $usher } $usher, @arguments or POSIX::_exit(98);
}

# Wait for PID until DEADLINE.  Returns (wait status or undef, seconds of CPU time).
sub await {
	my ($pid, $deadline) = @_;
	my @before = times;

	while (time < $deadline) {
		if (waitpid($pid, POSIX::WNOHANG()) == $pid) {
			my $status = $?;
			my @after = times;
			return ($status, $after[2] + $after[3] - $before[2] - $before[3]);
		}
		select(undef, undef, undef, 0.005);
	}
	kill 'KILL', $pid;
	waitpid($pid, 0);
	my @after = times;
	return (undef, $after[2] + $after[3] - $before[2] - $before[3]);
}

sub first_difference {
	my ($got, $want) = @_;
	my $length = length $got < length $want ? length $got : length $want;

	for (my $from = 0; $from < $length; $from += 4096) {
		my $n = $length - $from < 4096 ? $length - $from : 4096;
		next if substr($got, $from, $n) eq substr($want, $from, $n);
		for my $i ($from .. $from + $n - 1) {
			return $i if substr($got, $i, 1) ne substr($want, $i, 1);
		}
	}
	return $length;
}

# What END should have seen: bytes => exactly these; within => a beginning of these; end => a list of ends that are right.
sub complaints {
	my ($name, $e, $want) = @_;
	my @wrong;

	if (defined $want->{bytes} && $e->{got} ne $want->{bytes}) {
		push @wrong, sprintf('%s got %d bytes and not %d; they differ from byte %d', $name, length $e->{got},
		    length $want->{bytes}, first_difference($e->{got}, $want->{bytes}));
	}
	if (defined $want->{within} && substr($want->{within}, 0, length $e->{got}) ne $e->{got}) {
		push @wrong, sprintf('%s got %d bytes that are no beginning of what was sent, from byte %d', $name, length $e->{got},
		    first_difference($e->{got}, $want->{within}));
	}
	if (defined $want->{end} && !grep { $_ eq ($e->{end} // 'nothing') } @{ $want->{end} }) {
		push @wrong, sprintf('%s saw %s, not %s', $name, $e->{end} // 'no end', join(' or ', @{ $want->{end} }));
	}
	return @wrong;
}

# case NAME => { client, backend: kinds of sockets; flags; rules; plans => SUB(client, backend) giving both plans;
#     small: client or backend, the one with a small receive buffer; see: what each end sees; log: a regular expression for the last line; status (0) }.
# Without a backend's plan nobody may reach the backend.
sub try_case {
	my ($name, %c) = @_;
	my $backend_listener = listener($c{backend} // 'tcp');
	my ($client_socket, $served) = connection(listener($c{client} // 'tcp'));
	my @rules = $c{rules} ? $c{rules}->(address($backend_listener)) : ('any connect ' . address($backend_listener));
	my $log = "$folder/log/usher-$count";
	my $deadline = time + $limit;
	my ($client, $backend) = map { { got => '', plan => [], sent => 0 } } 1 .. 2;
	my ($client_plan, $backend_plan) = $c{plans}->($client, $backend);
	my (@wrong, $pid);

	attach($client, $client_socket);
	setsockopt($client_socket, SOL_SOCKET, SO_RCVBUF, 65536) if ($c{small} // '') eq 'client';
	# what is accepted has it from the listener
	setsockopt($backend_listener, SOL_SOCKET, SO_RCVBUF, 65536) if ($c{small} // '') eq 'backend';
	$client->{plan} = $client_plan;
	$backend->{plan} = $backend_plan // [];
	$pid = start($served, $log, '--log', 'stderr', @{ $c{flags} // [] }, @rules);
	$client->{usher} = $pid;
	close($served);
	while ($backend_plan && !@wrong && !$backend->{socket}) {
		my $poll = IO::Poll->new;

		$poll->mask($backend_listener => POLLIN);
		act($client) if $client->{socket};
		$poll->poll(0.01);
		if ($poll->events($backend_listener)) {
			attach($backend, scalar $backend_listener->accept);
		} elsif (time > $deadline) {
			push @wrong, 'nobody reached the backend';
		}
	}
	my @ends = $backend->{socket} ? ($client, $backend) : ($client);
	if (!@wrong && !play($deadline, @ends)) {
		push @wrong, sprintf('not over after %d s: client %s, backend %s', $limit, $client->{end} // 'goes on',
		    $backend->{end} // 'goes on');
	}
	close_end($_) for grep { $_->{socket} } @ends;
	my ($status, $cpu) = await($pid, @wrong ? time : $deadline);
	my $moved = (length($client->{got}) + length($backend->{got})) / 1048576;
	my $most = $cpu_limit + $cpu_per_mib * $moved;

	if (!$backend_plan) {
		my $poll = IO::Poll->new;
		$poll->mask($backend_listener => POLLIN);
		$poll->poll(0);
		push @wrong, 'somebody reached the backend' if $poll->events($backend_listener);
	}
	push @wrong, complaints('the client', $client, $c{see}{client} // {});
	push @wrong, complaints('the backend', $backend, $c{see}{backend} // {});
	push @wrong, 'usher had to be killed' if !defined $status;
	push @wrong, sprintf('status %d.%d', $status >> 8, $status & 127) if defined $status && $status != ($c{status} // 0) << 8;
	push @wrong, sprintf('usher took %.2f s of CPU time, at most %.2f were expected', $cpu, $most) if $cpu > $most;
	open(my $file, '<', $log) or die "$log: $!\n";
	my @lines = <$file>;
	chomp @lines;
	push @wrong, "the log does not end as /$c{log}/ says" if $c{log} && ($lines[-1] // '') !~ $c{log};
	push @wrong, scalar(@lines) . ' lines in the log' if @lines != 1;
	# what went through must be what is said to have gone through
	if (!@wrong && $lines[-1] =~ /bytes_in=(\d+) bytes_out=(\d+)/ && $c{exact}) {
		push @wrong, "bytes_in=$1, the backend got " . length $backend->{got} if $1 != length $backend->{got};
		push @wrong, "bytes_out=$2, the client got " . length $client->{got} if $2 != length $client->{got};
	}
	result(!@wrong, $name, @wrong, map { "log: $_" } @lines);
}

# --- the cases ---

my $big = pattern(3 * 1048576, 1);
my $small = pattern(3000, 2);
my $answer = pattern(200_000, 3);

# Whether this system knows urgent bytes on sockets of KIND.
sub knows_urgent {
	my ($kind) = @_;
	my ($a, $b) = connection(listener($kind));

	return defined send($a, 'u', MSG_OOB);
}
my %urgent = map { $_ => knows_urgent($_) } qw(tcp unix);

# Both directions of the same case.  SENDER and RECEIVER are 'client' or 'backend'; the sender's plan, what the receiver does, and what
# each sees are written once.  PLANS gets (sender, receiver) as ends.
sub both_ways {
	my ($name, %c) = @_;

	for my $sender (qw(client backend)) {
		my $receiver = $sender eq 'client' ? 'backend' : 'client';
		for my $client (qw(tcp unix)) {
			for my $backend (qw(tcp unix)) {
				my %kind = (client => $client, backend => $backend);
				my @see = $c{see}->($kind{$sender}, $kind{$receiver}, $sender);
				my %see = ($sender => $see[0], $receiver => $see[1]);

				next if $c{unless} && $c{unless}->($kind{$sender}, $kind{$receiver});
				try_case("$name, from the $sender, $client to $backend", client => $client, backend => $backend,
				    flags => $c{flags}, small => $c{small} ? $receiver : undef, exact => $c{exact}, status => $c{status},
				    plans => sub {
					my ($client_end, $backend_end) = @_;
					my @plans = $sender eq 'client' ? $c{plans}->($client_end, $backend_end)
					    : $c{plans}->($backend_end, $client_end);
					return $sender eq 'client' ? @plans : reverse @plans;
				    },
				    see => \%see, log => $c{log}->($sender, $receiver));
			}
		}
	}
}

sub got { # END, COUNT: whether it has read so much
	my ($e, $n) = @_;
	return sub { length $e->{got} >= $n };
}

# What comes before the attack: a chat, or so much that the relay splices.
my %before = (chat => $small, bulk => substr($big, 0, 1048576));

for my $phase (sort keys %before) {
	my $first = $before{$phase};

	# urgent bytes: none is lost, none stops what follows
	both_ways("$phase, then an urgent byte, more and the end",
	    unless => sub { !$urgent{ $_[0] } },
	    exact => 1,
	    plans => sub {
		my ($s, $r) = @_;
		return ([ [ send => $first ], [ urgent => '!' ], [ send => $big ], ['finish'] ],
		    [ [ until => sub { defined $r->{end} } ], [ send => $answer ], ['finish'] ]);
	    },
	    see => sub { ({ bytes => $answer, end => ['eof'] }, { bytes => "$first!$big", end => ['eof'] }) },
	    log => sub { "end=$_[0]\$" });
	both_ways("$phase, then an urgent byte right before the end",
	    unless => sub { !$urgent{ $_[0] } },
	    exact => 1,
	    plans => sub {
		my ($s, $r) = @_;
		return ([ [ send => $first ], [ urgent => '!' ], ['finish'] ], [ [ until => sub { defined $r->{end} } ], ['finish'] ]);
	    },
	    see => sub { ({ bytes => '', end => ['eof'] }, { bytes => "$first!", end => ['eof'] }) },
	    log => sub { "end=$_[0]\$" });
	both_ways("$phase, then an urgent byte and a pause",
	    unless => sub { !$urgent{ $_[0] } },
	    exact => 1,
	    plans => sub {
		my ($s, $r) = @_;
		return ([ [ send => $first ], [ urgent => '!' ], [ hold => 0.5 ], [ send => 'more' ], ['finish'] ],
		    [ [ until => sub { defined $r->{end} } ], ['finish'] ]);
	    },
	    see => sub { ({ bytes => '', end => ['eof'] }, { bytes => "$first!more", end => ['eof'] }) },
	    log => sub { "end=$_[0]\$" });
	both_ways("$phase, then urgent bytes between others",
	    unless => sub { !$urgent{ $_[0] } },
	    exact => 1,
	    plans => sub {
		my ($s, $r) = @_;
		return ([ [ send => $first ], (map { ([ urgent => '!' ], [ send => "$_" x 50 ]) } 1 .. 200), ['finish'] ],
		    [ [ until => sub { defined $r->{end} } ], ['finish'] ]);
	    },
	    see => sub {
		({ bytes => '', end => ['eof'] }, { bytes => $first . join('', map { '!' . "$_" x 50 } 1 .. 200), end => ['eof'] });
	    },
	    log => sub { "end=$_[0]\$" });
	both_ways("$phase, then an urgent byte and silence: the idle timeout comes",
	    unless => sub { !$urgent{ $_[0] } },
	    exact => 1,
	    flags => [ '--idle-timeout', '500ms' ],
	    plans => sub {
		my ($s, $r) = @_;
		return ([ [ send => $first ], [ urgent => '!' ] ], []);
	    },
	    see => sub { ({ bytes => '' }, { bytes => "$first!" }) },
	    log => sub { 'end=idle-timeout$' });

	# a byte at a time
	both_ways("$phase, then a byte at a time",
	    exact => 1,
	    plans => sub {
		my ($s, $r) = @_;
		return ([ [ send => $first ], (map { [ send => $_ ] } split(//, $small)), ['finish'] ],
		    [ [ until => sub { defined $r->{end} } ], [ send => $answer ], ['finish'] ]);
	    },
	    see => sub { ({ bytes => $answer, end => ['eof'] }, { bytes => "$first$small", end => ['eof'] }) },
	    log => sub { "end=$_[0]\$" });

	# a window that stays shut for a while, and then opens
	both_ways("$phase, then a receiver that does not read for half a second",
	    exact => 1,
	    small => 1,
	    plans => sub {
		my ($s, $r) = @_;
		return ([ [ send => $first ], [ until => got($r, length $first) ], [ send => $big ], ['finish'] ],
		    [ [ until => got($r, length $first) ], ['deaf'], [ hold => 0.5 ], ['listen'],
			[ until => sub { defined $r->{end} } ], [ send => $answer ], ['finish'] ]);
	    },
	    see => sub { ({ bytes => $answer, end => ['eof'] }, { bytes => "$first$big", end => ['eof'] }) },
	    log => sub { "end=$_[0]\$" });

	# a window that never opens
	both_ways("$phase, then a receiver that never reads again: the idle timeout comes",
	    flags => [ '--idle-timeout', '500ms' ],
	    plans => sub {
		my ($s, $r) = @_;
		return ([ [ send => $first ], [ until => got($r, length $first) ], [ send => $big x 8 ] ],
		    [ [ until => got($r, length $first) ], ['deaf'], [ until => sub { defined $s->{end} || $s->{refused} } ], ['listen'] ]);
	    },
	    see => sub { ({ bytes => '' }, { within => $first . $big x 8 }) },
	    log => sub { 'end=idle-timeout$' });

	# resets: a Unix socket knows none, so its end may look like an orderly one
	both_ways("$phase, then a reset by the sender",
	    plans => sub {
		my ($s, $r) = @_;
		return ([ [ send => $first ], [ until => got($r, length $first) ], [ send => $small ], ['reset'] ], []);
	    },
	    see => sub { ({}, { within => "$first$small", end => $_[0] eq 'unix' || $_[1] eq 'unix' ? [ 'eof', 'reset' ] : ['reset'] }) },
	    log => sub { "end=$_[0](-reset)?\$" });
	both_ways("$phase, then a reset by the receiver",
	    plans => sub {
		my ($s, $r) = @_;
		return ([ [ send => $first ], [ until => got($r, length $first) ], [ send => $big ] ],
		    [ [ until => got($r, length $first) ], ['reset'] ]);
	    },
	    see => sub { ({ bytes => '', end => $_[0] eq 'unix' || $_[1] eq 'unix' ? [ 'eof', 'reset' ] : ['reset'] }, { bytes => $first }) },
	    log => sub { "end=$_[1](-reset)?\$" });
	both_ways("$phase, then a receiver that closes on what it has not read",
	    plans => sub {
		my ($s, $r) = @_;
		return ([ [ send => $first ], [ until => got($r, length $first) ], [ send => $big ] ],
		    [ [ until => got($r, length $first) ], ['deaf'], [ hold => 0.1 ], ['close'] ]);
	    },
	    see => sub { ({ bytes => '', end => $_[0] eq 'unix' ? [ 'eof', 'reset' ] : ['reset'] }, { bytes => $first }) },
	    log => sub { "end=$_[1](-reset)?\$" });

	# half-closes in every order
	both_ways("$phase, then the sender finishes and is answered, at length",
	    exact => 1,
	    plans => sub {
		my ($s, $r) = @_;
		return ([ [ send => $first ], ['finish'] ], [ [ until => sub { defined $r->{end} } ], [ send => $big ], ['finish'] ]);
	    },
	    see => sub { ({ bytes => $big, end => ['eof'] }, { bytes => $first, end => ['eof'] }) },
	    log => sub { "end=$_[0]\$" });
	both_ways("$phase, then the receiver finishes first and is sent more",
	    exact => 1,
	    plans => sub {
		my ($s, $r) = @_;
		return ([ [ send => $first ], [ until => sub { defined $s->{end} } ], [ send => $big ], ['finish'] ],
		    [ [ until => got($r, length $first) ], ['finish'] ]);
	    },
	    see => sub { ({ bytes => '', end => ['eof'] }, { bytes => "$first$big", end => ['eof'] }) },
	    log => sub { "end=$_[1]\$" });
	both_ways("$phase, then both finish at once",
	    exact => 1,
	    plans => sub {
		my ($s, $r) = @_;
		return ([ [ send => $first ], ['finish'] ], [ [ send => $answer ], ['finish'] ]);
	    },
	    see => sub { ({ bytes => $answer, end => ['eof'] }, { bytes => $first, end => ['eof'] }) },
	    log => sub { 'end=(client|backend)$' });
	both_ways("$phase, then the sender finishes and the receiver is reset",
	    plans => sub {
		my ($s, $r) = @_;
		return ([ [ send => $first ], ['finish'] ], [ [ until => sub { defined $r->{end} } ], [ send => $small ], ['reset'] ]);
	    },
	    see => sub {
		({ within => $small, end => $_[0] eq 'unix' || $_[1] eq 'unix' ? [ 'eof', 'reset' ] : ['reset'] },
		    { bytes => $first, end => [ 'eof', 'closed' ] });
	    },
	    log => sub { "end=($_[0]|$_[1](-reset)?)\$" });
	both_ways("$phase, then the sender finishes, and its peer neither sends nor closes",
	    flags => [ '--half-close-timeout', '500ms' ],
	    plans => sub {
		my ($s, $r) = @_;
		return ([ [ send => $first ], ['finish'] ], []);
	    },
	    see => sub { ({ bytes => '' }, { bytes => $first }) },
	    log => sub { 'end=half-close-timeout$' });
}

# --- before the verdict ---

my @ssh = (rules => sub { ("ssh connect $_[0]", 'any reject') }, flags => [ '--timeout', '1h' ]);

for my $kind (qw(tcp unix)) {
	next unless $urgent{$kind};
	for my $at (0, 1, 3) {
		my ($head, $byte, $tail) = (substr('SSH-2.0-x', 0, $at), substr('SSH-2.0-x', $at, 1), substr("SSH-2.0-x\r\n", $at + 1));

		# TCP does not show what is behind an urgent byte to who only looks: decided by what is before it, and at once
		if ($kind eq 'tcp' && $at > 0) {
			try_case("urgent byte $at before the verdict: what is before it decides, $kind", @ssh, client => $kind,
			    plans => sub { ([ [ send => $head ], [ urgent => $byte ], [ send => $tail ] ]) },
			    see => { client => { bytes => '' } }, log => 'end=reject$');
			next;
		}
		for my $when ('while usher is stopped', 'all at once', 'then a pause') {
			try_case("urgent byte $at before the verdict, $when, $kind", @ssh, client => $kind, exact => 1,
			    plans => sub {
				my (undef, $backend) = @_;
				my @stop = $when eq 'while usher is stopped' ? ([ hold => 0.2 ], [ signal => 'STOP' ]) : ();

				return ([ @stop, $at ? [ send => $head ] : (), [ urgent => $byte ], $when eq 'then a pause' ? [ hold => 0.2 ] : (),
				    [ send => $tail ], ['finish'], @stop ? [ signal => 'CONT' ] : () ],
				    [ [ until => sub { defined $backend->{end} } ], [ send => $answer ], ['finish'] ]);
			    },
			    see => { client => { bytes => $answer, end => ['eof'] }, backend => { bytes => "SSH-2.0-x\r\n", end => ['eof'] } },
			    log => 'protocol=ssh .*end=client$');
		}
	}
}
for my $kind (qw(tcp unix)) {
	try_case("a byte at a time before the verdict, $kind", @ssh, client => $kind, exact => 1,
	    plans => sub { ([ (map { ([ send => $_ ], [ hold => 0.02 ]) } split(//, 'SSH-2.0-x')), ['finish'] ], [ [ hold => 0.05 ], ['finish'] ]) },
	    see => { backend => { bytes => 'SSH-2.0-x', end => ['eof'] } }, log => 'protocol=ssh .*end=(client|backend)$');
	try_case("a reset before the verdict, $kind", @ssh, client => $kind,
	    plans => sub { ([ [ send => 'SS' ], [ hold => 0.1 ], ['reset'] ]) },
	    log => 'end=(client-reset|reject)$');
	try_case("the end before the verdict, $kind", @ssh, client => $kind,
	    plans => sub { ([ [ send => 'SS' ], [ hold => 0.1 ], ['finish'] ]) },
	    log => 'end=reject$');
	try_case("the end before the first byte, $kind", @ssh, client => $kind,
	    plans => sub { ([ ['finish'] ]) }, see => { client => { bytes => '' } }, log => 'end=client$');
	try_case("silence and then nothing, $kind", client => $kind, rules => sub { ("ssh connect $_[0]", 'any reject') },
	    flags => [ '--timeout', '300ms' ], plans => sub { ([]) }, see => { client => { bytes => '' } }, log => 'end=reject$');
	try_case("64 KiB of what could still be HTTP, $kind", client => $kind,
	    rules => sub { ("http host=a.example connect $_[0]", 'any reject') }, flags => [ '--timeout', '2s' ],
	    plans => sub { ([ [ send => 'GET / HTTP/1.1' . "\r\nX: y" x 20000 ] ]) },
	    see => { client => { bytes => '' } }, log => 'end=(undecided|reject)$');
	try_case("a reply to a client that does not read, $kind", client => $kind, small => 'client',
	    rules => sub { ('any reply "' . 'x' x 200 . '"') }, flags => [ '--timeout', '500ms' ],
	    plans => sub { ([ [ send => 'hello' ], ['deaf'], [ hold => 0.8 ], ['listen'] ]) },
	    see => { client => { bytes => 'x' x 200 } }, log => 'end=reply$');
	try_case("a reply to a client that sends for ever, $kind", client => $kind,
	    rules => sub { ('any reply bye') }, flags => [ '--timeout', '500ms' ],
	    plans => sub { ([ [ send => 'y' x 67108864 ] ]) },
	    see => { client => { within => 'bye' } }, log => 'end=reply$');
	try_case("a reject of a client that sends for ever, $kind", client => $kind,
	    rules => sub { ('any reject') }, plans => sub { ([ [ send => 'y' x 67108864 ] ]) },
	    see => { client => { bytes => '' } }, log => 'end=reject$');
}

print "1..$count\n";
exit($failed > 0);
