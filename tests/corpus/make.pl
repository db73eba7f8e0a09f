#!/usr/bin/perl
# Make the made-up samples: made/NAME.bin and made/INDEX, a line each: file | protocol and attributes to be read | what it is.
use strict;
use warnings;
use File::Basename qw(dirname);

chdir dirname($0) or die "chdir: $!\n";
my %index;

# sample(NAME, EXPECTED, NOTE, BYTES)
sub sample {
	my ($name, $expected, $note, $bytes) = @_;
	die "two samples $name\n" if $index{$name};
	$index{$name} = "made/$name.bin | $expected | made up: $note\n";
	open my $out, '>:raw', "made/$name.bin" or die "$name: $!\n";
	print $out $bytes;
	close $out or die "$name: $!\n";
}

# hex('00 ff') is two bytes
sub bytes { my ($h) = @_; $h =~ s/\s//g; return pack 'H*', $h }
sub p8 { return pack 'C/a', $_[0] }
sub p16 { return pack 'n/a', $_[0] }
sub p32 { return pack 'N/a', $_[0] }
sub utf16 { my ($s) = @_; return pack('n', length $s) . pack('n*', unpack 'C*', $s) }
sub c24 { my ($s) = @_; return substr(pack('N', length $s), 1) . $s }

# TLS: an extension, a ClientHello with extensions, a message in records of SIZE bytes
sub extension { my ($type, $body) = @_; return pack('n', $type) . p16($body) }
sub sni { return extension(0, p16("\0" . p16($_[0]))) }
sub alpn { return extension(16, p16(join '', map { p8($_) } @_)) }
sub versions { return extension(43, p8(pack 'n*', @_)) }
sub hello {
	my ($legacy, @extensions) = @_;
	my $body = pack('n', $legacy) . ('R' x 32) . p8('S' x 32) . p16(pack 'n*', 0x1301, 0x1302, 0xc02b) . p8("\0");
	$body .= p16(join '', @extensions) if @extensions;
	return "\x01" . c24($body);
}
sub records {
	my ($message, $size) = @_;
	my $out = '';
	for (my $at = 0; $at < length $message; $at += $size) {
		$out .= "\x16\x03\x01" . p16(substr $message, $at, $size);
	}
	return $out;
}

my $hello = hello(0x0303, sni('frag.example'), alpn('h2', 'http/1.1'), versions(0x0304, 0x0303));
my $fragments = 'tls sni=frag.example alpn=h2 alpn=http/1.1 version=1.3';
sample("tls-records-$_", $fragments, "a ClientHello in records of $_ bytes", records($hello, $_)) for 1, 3, 64;
sample('tls-pq', 'tls sni=pq.example alpn=h2 version=1.3', 'key shares of X25519MLKEM768 and X25519: more than one segment',
	records(hello(0x0303, versions(0x5a5a, 0x0304, 0x0303), 
		extension(51, p16(pack('n', 0x11ec) . p16('K' x 1216) . pack('n', 0x1d) . p16('k' x 32))),
		sni('pq.example'), alpn('h2')), 16384));
sample('tls-grease', 'tls alpn=h2 version=1.3 ech=yes', 'GREASE extension, protocol and version; ECH',
	records(hello(0x0303, extension(0x0a0a, ''), alpn("\x1a\x1a", 'h2'), versions(0x8a8a, 0x0304),
		extension(0xfe0d, 'x' x 40)), 16384));
sample('tls-12-noext', 'tls version=1.2', 'no extensions at all', records(hello(0x0303), 16384));
sample('tls-ssl30', 'tls version=3.0', 'SSL 3.0', "\x16\x03\x00" . p16(hello(0x0300)));
sample('tls-legacy-above', 'tls version=1.2', 'a legacy_version beyond TLS 1.2 and no supported_versions',
	records(hello(0x0304), 16384));
sample('tls-cut-extension', 'tls sni=a.example version=1.2', 'the second extension is longer than the list',
	records(hello(0x0303, sni('a.example'), bytes('0010 0040 0000')), 16384));
sample('tls-cut-ciphers', 'tls version=1.2', 'the cipher list is longer than the message',
	"\x16\x03\x01" . p16("\x01" . c24(bytes('0303') . 'R' x 32 . bytes('00 7fff 1301'))));
sample('tls-empty-names', 'tls version=1.2', 'empty SNI and ALPN', records(hello(0x0303, sni(''), alpn('')), 16384));
sample('tls-huge', 'tls', 'a message of 1 MiB is announced', "\x16\x03\x01" . p16("\x01" . bytes('100000 0303') . 'R' x 60));
sample('tls-other-record', 'tls', 'an alert where the rest of the message should be',
	"\x16\x03\x01" . p16("\x01" . bytes('000040 0303') . 'R' x 20) . bytes('15 0301 0002 0228'));
sample('tls-sslv2', 'tls version=1.0', 'the SSLv2 hello of old clients that offer TLS 1.0',
	bytes('802e 01 0301 0015 0000 0010') . bytes('000039 000038 000035 000033 000032 00002f 000007') . 'C' x 16);
sample('tls-sslv2-only', 'tls version=2.0', 'SSLv2 itself, with a session',
	bytes('8031 01 0002 0003 0010 0015') . bytes('010080') . 'S' x 16 . 'C' x 21);

sample('ssh-plain', 'ssh version=2.0 software=x', 'no comment, LF alone', "SSH-2.0-x\n");
sample('ssh-199', 'ssh version=1.99 software=Cisco-1.25', 'both versions, a dash in the name', "SSH-1.99-Cisco-1.25\r\n");
sample('ssh-endless', 'ssh version=2.0', 'a line that does not end', 'SSH-2.0-' . 'x' x 300);
sample('ssh-odd', 'ssh', 'nothing that could be read', "SSH-\0\0\0\0");

sample('http-minimal', 'http method=GET path=/', 'HTTP/1.0 without headers', "GET / HTTP/1.0\r\n\r\n");
sample('http-09', 'http method=GET path=/', 'HTTP/0.9', "GET /\r\n");
sample('http-crlf', 'http method=POST path=/a host=h.example', 'an empty line first',
	"\r\nPOST /a HTTP/1.1\r\nContent-Length: 0\r\nHost: h.example:8080\r\n\r\n");
sample('http-lf', 'http method=GET path=/ host=h.example', 'LF line ends, odd case and white space',
	"GET / HTTP/1.1\nhOST: \t h.example \t\n\n");
sample('http-absolute', 'http method=GET path=/p host=a.example', 'the target overrides Host',
	"GET http://u:p\@a.example:81/p?q=/ HTTP/1.1\r\nHost: other.example\r\n\r\n");
sample('http-absolute-bare', 'http method=GET path=/ host=[2001:db8::1]', 'absolute form without path, IPv6',
	"GET HTTP://[2001:db8::1]:8080 HTTP/1.1\r\n\r\n");
sample('http-two-hosts', 'http method=GET path=/ host=first.example host=second.example', 'two Host headers',
	"GET / HTTP/1.1\r\nHost: first.example\r\nHost: second.example\r\n\r\n");
sample('http-no-host', 'http method=GET path=/x', 'a header that only looks like Host',
	"GET /x HTTP/1.1\r\nX-Host: a\r\nHosts: b\r\nHost:\r\n\r\n");
sample('http-webdav', 'http method=VERSION-CONTROL path=/v host=a', 'a rare method',
	"VERSION-CONTROL /v HTTP/1.1\r\nHost: a\r\n\r\n");
sample('http-ftp', 'http method=GET path=/f host=ftp.example', 'a proxy request for another scheme',
	"GET ftp://ftp.example/f HTTP/1.0\r\n\r\n");
sample('http-endless', 'http method=GET path=/ host=late.example', 'Host after 16 KiB of another header',
	"GET / HTTP/1.1\r\nX: " . 'x' x 17000 . "\r\nHost: late.example\r\n\r\n");
sample('http-connect-v6', 'http method=CONNECT host=[::1]', 'CONNECT to an IPv6 address',
	"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n");

sample('redis-inline-ping', 'redis-inline', 'PING as typed', "PING\r\n");
sample('redis-inline-set', 'redis-inline', 'a SET in small letters', "set key value\n");
sample('redis-inline-get', 'redis-inline', 'a GET', "GET key\r\n");
sample('redis-pipeline', 'redis', 'two commands', "*1\r\n\$4\r\nPING\r\n*2\r\n\$3\r\nGET\r\n\$1\r\na\r\n");
sample('redis-long', 'redis', 'a thousand elements', "*1000\r\n\$4\r\nMSET\r\n");

sub startup { return p32b(bytes('0003 0000') . join '', map { "$_\0" } @_, '') }
sub p32b { my ($s) = @_; return pack('N', 4 + length $s) . $s }
sample('postgres-ssl', 'postgres', 'SSLRequest', bytes('00000008 04d2162f'));
sample('postgres-gss', 'postgres', 'GSSENCRequest', bytes('00000008 04d21630'));
sample('postgres-cancel', 'postgres', 'CancelRequest', bytes('00000010 04d2162e 00001234 deadbeef'));
sample('postgres-cancel-32', 'postgres', 'CancelRequest of protocol 3.2', p32b(bytes('04d2162e 00001234') . 'k' x 32));
sample('postgres-nodatabase', 'postgres user=joe database=joe', 'the database is called as the user', startup('user', 'joe'));
sample('postgres-order', 'postgres database=db user=joe application_name=app', 'another order, protocol 3.2',
	p32b(bytes('0003 0002') . "client_encoding\0UTF8\0database\0db\0user\0joe\0application_name\0app\0\0"));
sample('postgres-short', 'postgres user=joe', 'the length ends inside the list',
	bytes('00000015 0003 0000') . "user\0joe\0data" . "base\0x\0\0");

sample('socks4-bind', 'socks4 destination=192.0.2.1', 'BIND', bytes('04 02 1f90 c0000201') . "joe\0");
sample('socks4-long', 'socks4', '4a with a user name that does not end', bytes('04 01 0050 00000001') . 'u' x 600);
sample('socks5-private', 'socks5', 'a private method', bytes('05 03 00 02 80'));
sample('socks5-pipelined', 'socks5', 'the request comes along', bytes('05 01 00 05 01 00 01 c0000201 0050'));

sub tpkt { my ($rest) = @_; return bytes('0300') . pack('n', 5 + length $rest) . pack('C', length $rest) . $rest }
sample('rdp-mstsc', 'rdp user=joe', 'as mstsc.exe: cookie and negotiation request',
	tpkt(bytes('e0 0000 0000 00') . "Cookie: mstshash=joe\r\n" . bytes('01 00 0800 0b000000')));
sample('rdp-plain', 'rdp', 'no cookie, no negotiation', tpkt(bytes('e0 0000 0000 00')));
sample('rdp-negotiation', 'rdp', 'negotiation request alone', tpkt(bytes('e0 0000 0000 00 01 00 0800 03000000')));
sample('rdp-token', 'rdp', 'a routing token',
	tpkt(bytes('e0 0000 0000 00') . "Cookie: msts=3640205228.15629.0000\r\n" . bytes('01 00 0800 03000000')));
sample('rdp-unended', 'rdp', 'the cookie does not end inside the packet',
	tpkt(bytes('e0 0000 0000 00') . 'Cookie: mstshash=joe') . "\r\n");

sample('mqtt-bridge', 'mqtt client_id=b', 'a bridge sets the highest bit of the level',
	bytes('10 0d 0004 4d515454 84 02 003c') . p16('b'));
sample('mqtt-5-properties', 'mqtt client_id=c user=u', 'properties before and inside the payload',
	"\x10" . p8(bytes('0004 4d515454 05 c6 003c 05 1100000e10') . p16('c') . bytes('05 1800000001') .
		p16('w') . p16('m') . p16('u') . p16('p')));
sample('mqtt-short', 'mqtt', 'the client identifier is longer than the packet',
	bytes('10 0e 0004 4d515454 04 02 003c 0030') . 'abcdefgh');
sample('mqtt-large', 'mqtt client_id=c', 'a will of 20000 bytes: a length of three bytes',
	"\x10" . bytes('b3 9c 01') . bytes('0004 4d515454 04 06 003c') . p16('c') . p16('w') . p16('W' x 20000));

sample('proxy-1-tcp4', 'proxy', 'version 1', "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\nGET / HTTP/1.0\r\n\r\n");
sample('proxy-1-tcp6', 'proxy', 'version 1', "PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n");
sample('proxy-1-unknown', 'proxy', 'version 1, health check', "PROXY UNKNOWN\r\n");
my $v2 = bytes('0d0a0d0a000d0a515549540a');
sample('proxy-2-tcp4', 'proxy', 'version 2', $v2 . bytes('21 11 000c c0000201 c0000202 dc04 01bb') . 'SSH-2.0-x');
sample('proxy-2-tcp6', 'proxy', 'version 2', $v2 . bytes('21 21 0024') . 'a' x 36);
sample('proxy-2-unix', 'proxy', 'version 2', $v2 . bytes('21 31 00d8') . 'u' x 216);
sample('proxy-2-local', 'proxy', 'version 2, LOCAL', $v2 . bytes('20 00 0000'));

sample('bittorrent', 'bittorrent', 'handshake', "\x13BitTorrent protocol" . "\0" x 8 . 'I' x 20 . 'P' x 20);
sample('jdwp', 'jdwp', 'handshake', 'JDWP-Handshake');
sample('rsync', 'rsync', 'greeting', "\@RSYNCD: 31.0 sha512 sha256 sha1 md5 md4\n");
sample('amqp-091', 'amqp version=0-9-1', 'AMQP 0-9-1', 'AMQP' . bytes('00000901'));
sample('zabbix-agent', 'zabbix', 'an active agent', 'ZBXD' . bytes('01 1200000000000000') . '{"request":"ping"}');

sample('bgp-open', 'bgp', 'OPEN', "\xff" x 16 . bytes('001d 01 04 fde8 00b4 0a000001 00'));
sample('bitcoin-testnet4', 'bitcoin', 'version on testnet4',
	bytes('1c163f28') . "version\0\0\0\0\0" . bytes('66000000 01020304') . 'v' x 102);
sample('distcc-lzo', 'distcc', 'protocol 2', 'DIST00000002ARGC00000003ARGV00000003gcc');
sample('adb-cnxn', 'adb', 'connect from host to daemon',
	'CNXN' . bytes('01000001 00001000 07000000 32020000 bcb1a7b1') . "host::\0");
sample('adb-transport', 'adb', 'a line with host-serial', '001bhost-serial:x:get-state');
sample('git-receive', 'git repository=/r host=a.example', 'push over the git protocol, with a port',
	"0029git-receive-pack /r\0host=a.example:9\0");
sample('git-nohost', 'git repository=/r', 'no host', "0017git-upload-pack /r\0");
sample('pjl', 'pjl', 'a print job', "\e%-12345X\@PJL JOB\r\n");
sample('iscsi-login', 'iscsi', 'not immediate',
	bytes('03 87 00 00 00 000040 400000000000 0000 00000001 0000 0000 00000001 00000000') . "\0" x 16 .
	"InitiatorName=iqn.1993-08.org.debian:01:x\0SessionType=Normal\0\0\0\0");
sample('amqp-10-sasl', 'amqp version=1.0', 'AMQP 1.0 with SASL', 'AMQP' . bytes('03010000'));
sample('amqp-10', 'amqp version=1.0', 'AMQP 1.0', 'AMQP' . bytes('00010000'));
sample('amqp-010', 'amqp version=0-10', 'AMQP 0-10', 'AMQP' . bytes('0101000a'));
sample('ceph-v1', 'ceph', 'messenger 1', 'ceph v027' . "\0" x 64);
sample('ceph-v2', 'ceph', 'messenger 2', "ceph v2\n" . bytes('1000 0100000000000000 0000000000000000'));
sample('giop-12', 'giop', 'a request of GIOP 1.2', 'GIOP' . bytes('01020100 00000030') . 'x' x 48);
sample('hadoop', 'hadoop', 'version 9, no SASL', 'hrpc' . bytes('090000'));
sample('hbase', 'hbase', 'simple authentication', 'HBas' . bytes('0050'));
sample('ibmmq', 'ibmmq', 'initial data', 'TSH ' . bytes('0000010c 02 01 31 00 00000000 00000000 00000111 0333 0000') . 'ID  ');
sample('ibmmq-m', 'ibmmq', 'multiplexed', 'TSHM' . bytes('0000010c 00000001 00000000 02 01 31 00'));
sample('opcua-hello', 'opcua', 'Hello',
	'HELF' . bytes('39000000 00000000 00000100 00000100 00000000 00000000 19000000') . 'opc.tcp://127.0.0.1:4840/');
sample('rmi-single', 'rmi', 'single-operation protocol', 'JRMI' . bytes('00024c'));
sample('hl7', 'hl7', 'an ADT message', "\x0bMSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5\r\x1c\r");
sample('t3', 't3', 'as clients of WebLogic', "t3 12.1.2\nAS:2048\nHL:19\n\n");
sample('gearman-echo', 'gearman', 'ECHO_REQ', bytes('00524551 00000010 00000002') . 'hi');
sample('dbus-external', 'dbus', 'SASL EXTERNAL', "\0AUTH EXTERNAL 30\r\n");
sample('xmpp-declared', 'xmpp host=im.example', 'an XML declaration and line ends',
	"<?xml version='1.0' encoding='UTF-8'?>\r\n<stream:stream\n xmlns='jabber:client'\n to='im.example' version='1.0'>");
sample('xmpp-plain', 'xmpp host=im.example', 'no declaration, double quotes',
	'<stream:stream from="joe@im.example" to="im.example" xmlns="jabber:client" ' .
	'xmlns:stream="http://etherx.jabber.org/streams">');
sample('xmpp-noto', 'xmpp', 'nobody is asked for', "<stream:stream xmlns='jabber:client'>");
sample('xmpp-odd', 'xmpp', 'attributes that are none', "<stream:stream to=im.example>");
sample('stomp-connect', 'stomp', 'CONNECT', "CONNECT\naccept-version:1.2\nhost:a.example\n\n\0");
sample('stomp-crlf', 'stomp', 'STOMP, CR LF', "STOMP\r\naccept-version:1.2\r\n\r\n\0");
sample('rtsp-star', 'rtsp', 'OPTIONS for the server', "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n");
sample('rtsp-describe', 'rtsp host=cam.example', 'DESCRIBE with user and port',
	"DESCRIBE rtsp://joe:x\@cam.example:8554/live RTSP/1.0\r\nCSeq: 2\r\n\r\n");
sample('rtsp-play', 'rtsp host=cam.example', 'a short method', "PLAY rtsp://cam.example/ RTSP/1.0\r\n\r\n");
sample('rtsp-upper', 'rtsp host=cam.example', 'a scheme in capitals', "SETUP RTSPS://cam.example RTSP/1.0\r\n\r\n");
sample('sip-bye', 'sip host=192.0.2.1', 'a short method', "BYE sip:joe\@192.0.2.1:5060 SIP/2.0\r\n\r\n");
sample('sip-register', 'sip host=sip.example', 'REGISTER', "REGISTER sip:sip.example SIP/2.0\r\nVia: SIP/2.0/TCP a\r\n\r\n");
sample('sip-invite', 'sip host=sip.example', 'INVITE with parameters after a keep-alive',
	"\r\n\r\nINVITE sips:joe;day=1\@sip.example:5061;transport=tcp SIP/2.0\r\n\r\n");
sample('irc-cap', 'irc', 'capability negotiation', "CAP LS 302\r\nNICK joe\r\nUSER joe 0 * :joe\r\n");
sample('irc-pass', 'irc', 'a password first', "PASS x\r\nNICK joe\r\n");
sample('irc-user', 'irc', 'USER first', "USER joe 0 * :joe\r\n");
sample('memcached-meta', 'memcached', 'a meta command', "mg key v\r\n");
sample('memcached-noop', 'memcached', 'a meta no-op', "mn\r\n");
sample('memcached-set', 'memcached', 'set', "set key 0 0 1\r\na\r\n");
sample('memcached-version', 'memcached', 'version', "version\r\n");
sample('memcached-binary-set', 'memcached', 'a binary set with a key of one letter',
	bytes('80010001 08000000 0000000a 00000000 0000000000000000 0000000000000000') . 'kv');
sample('memcached-binary-noop', 'memcached', 'a binary no-op', bytes('800a0000 00000000 00000000 00000000 0000000000000000'));
sample('beanstalkd-use', 'beanstalkd', 'use', "use tube\r\n");
sample('beanstalkd-put', 'beanstalkd', 'put', "put 0 0 60 2\r\nhi\r\n");
sample('beanstalkd-reserve', 'beanstalkd', 'reserve', "reserve\r\n");
sample('beanstalkd-watch', 'beanstalkd', 'watch', "watch tube\r\nreserve-with-timeout 5\r\n");
sample('tinc-11', 'tinc', 'tinc 1.1', "0 alice 17.7\n");
sample('tinc-invitation', 'tinc', 'joining with an invitation', "0 ?MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz+/A 17.1\n");
sample('tinc-short', 'tinc', 'a name of one letter', "0 a 17\n");
sample('syslog-5424', 'syslog', 'RFC 5424', "<34>1 2026-01-01T00:00:00Z host app - - - hello\n");
sample('syslog-kern', 'syslog', 'the least priority', "<0>hello\n");
sample('syslog-count', 'syslog', 'octet counting', "50 <191>1 2026-01-01T00:00:00Z host app - - - hello....");
sample('tds-prelogin', 'tds', 'as Microsoft clients',
	bytes('1201 0034 0000 0000 000015 0006 01001b 0001 02001c 0001 03001d 0004 ff 0f000000 0000 00 00 00001234'));
sample('dnp3-reset', 'dnp3', 'link reset by the master', bytes('0564 05c0 0100 0004 e921'));
sample('dcerpc-bind', 'dcerpc', 'bind, little-endian', bytes('05000b03 10000000 4800 0000 01000000 b810b810 00000000 01'));
sample('dcerpc-bind-big', 'dcerpc', 'bind, big-endian', bytes('05000b03 00000000 0048 0000 00000001'));
sample('cassandra-startup-4', 'cassandra', 'STARTUP of version 4',
	bytes('04 00 0000 01 00000016 0001 000b') . 'CQL_VERSION' . p16('3.0.0'));
sample('cassandra-startup-5', 'cassandra', 'STARTUP of version 5, beta flag, another stream',
	bytes('05 10 0007 01 00000016 0001 000b') . 'CQL_VERSION' . p16('3.0.0'));
sample('rtmp-ffmpeg', 'rtmp', 'with the version of a player, as ffmpeg', bytes('03 00000000 09007c02') . 'R' x 1528);
sample('rtmp-zero', 'rtmp', 'a time and zeros', bytes('03 12345678 00000000') . 'R' x 1528);
sample('ldap-long', 'ldap', 'a bind with lengths of four bytes, as Windows',
	bytes('3084 00000010 020101 60 84 00000007 020103 0400 8000'));
sample('ldap-search', 'ldap', 'a search of the root, number of two bytes', bytes('3026 02020101 6320') . 'x' x 32);
sample('thrift-framed-binary', 'thrift', 'framed, binary, oneway',
	bytes('00000011 80010004 00000004') . 'ping' . bytes('00000001 00'));
sample('thrift-compact', 'thrift', 'compact, not framed', bytes('8221 01 04') . 'ping' . "\0");
sample('thrift-compact-varint', 'thrift', 'a sequence number of three bytes', bytes('8281 81a201 04') . 'ping' . "\0");
sample('oncrpc-nfs', 'oncrpc program=100003', 'NFS version 3, NULL',
	bytes('80000028 12345678 00000000 00000002 000186a3 00000003 00000000 00000000 00000000 00000000 00000000'));
sample('tacacs-authentication', 'tacacs', 'authentication start', bytes('c0010100 12345678 0000001c') . 'x' x 28);
sample('tacacs-single', 'tacacs', 'single connection, minor version 1', bytes('c1010104 12345678 0000001c') . 'x' x 28);
sample('x11-big', 'x11', 'big-endian', bytes('4200 000b 0000 0000 0000 0000'));
sample('iec104-test', 'iec104', 'TESTFR', bytes('680443000000'));
sample('ajp-cping', 'ajp', 'CPing', bytes('1234 0001 0a'));
sample('diameter-cer', 'diameter', 'Capabilities-Exchange-Request',
	bytes('0100006c 80000101 00000000 12345678 87654321') . 'x' x 88);
sample('radius-accounting', 'radius', 'Accounting-Request', bytes('04 07 001c') . 'A' x 16 . bytes('2806 00000001 0102'));
sample('radius-least', 'radius', 'one attribute without value', bytes('01 01 0016') . 'A' x 16 . bytes('0102'));
sample('telnet-will', 'telnet', 'negotiation', bytes('fffd03 fffb18 fffb1f'));
sample('smb-1', 'smb', 'SMB 1 negotiation', bytes('00000054 ff534d42 72') . 'x' x 79);
sample('smb-139', 'smb', 'a session request on port 139',
	bytes('81000044 20') . 'CKFDENECFDEFFCFGEFFCCACACACACACA' . bytes('00 20') . 'EMEPEDEBEMEIEPFDFECACACACACACACA' . "\0");
sample('stun-binding', 'stun', 'a binding request', bytes('0001 0000 2112a442') . 'T' x 12);
sample('zookeeper-ruok', 'zookeeper', 'a four-letter word', 'ruok');
sample('zookeeper-old', 'zookeeper', 'a client that knows no read-only mode',
	bytes('0000002c 00000000 0000000000000000 00007530 0000000000000000 00000010') . "\0" x 16);
sample('kafka-java', 'kafka', 'ApiVersions 3',
	bytes('0000002b 0012 0003 00000000') . p16('admin-1') . bytes('00 12') . 'apache-kafka-java' .
	bytes('06') . '3.3.1' . bytes('00'));
sample('kafka-null', 'kafka', 'ApiVersions 0 without client identifier', bytes('0000000a 0012 0000 00000001 ffff'));
sample('kafka-metadata', 'kafka', 'Metadata 1 of an old client',
	bytes('00000013 0003 0001 00000002') . p16('rdkafka') . bytes('ffff'));
sub der {
	my ($s) = @_;
	my $n = length $s;
	return ($n < 128 ? pack('C', $n) : $n < 256 ? pack('CC', 0x81, $n) : pack('Cn', 0x82, $n)) . $s;
}
sample("kerberos-$_", 'kerberos', "AS-REQ of $_ bytes and more",
	pack('N/a', "\x6a" . der("\x30" . der('x' x $_)))) for 100, 125, 200, 300;
sample('kerberos-tgs', 'kerberos', 'TGS-REQ', pack('N/a', "\x6c" . der("\x30" . der('x' x 1000))));
sample('tns-connect', 'tns', 'Oracle 12',
	bytes('00ca 0000 01 00 0000 013e 012c 0041 2000 ffff 4f98 0000 0001 0080 004a') . 'x' x 174);
sample('drda-excsat', 'drda', 'EXCSAT', bytes('0026 d0 01 0001 0020 1041 0010 115e') . 'x' x 26);
sample('epmd-port', 'epmd', 'PORT_PLEASE2', pack('n/a', 'znode'));
sample('epmd-port-short', 'epmd', 'a node of one letter', pack('n/a', 'zn'));
sample('epmd-alive', 'epmd', 'ALIVE2', pack('n/a', 'x' . bytes('d431 4d 00 0006 0005 0004') . 'node' . bytes('0000')));
sample('dns-axfr', 'dns', 'AXFR, number 38xx as an OpenVPN packet',
	pack('n/a', bytes('3812 0000 0001 0000 0000 0000 01 61 00 00fc 0001')));
sample('dns-ixfr', 'dns', 'IXFR with its authority',
	pack('n/a', bytes('1234 0000 0001 0000 0001 0000 01 61 00 00fb 0001') . 'x' x 40));
sample('openvpn-auth', 'openvpn opcode=7', 'with tls-auth',
	pack('n/a', bytes('38') . 'S' x 8 . 'H' x 20 . bytes('00000001 65000000 00 00000000')));
sample('openvpn-v3', 'openvpn opcode=10', 'tls-crypt-v2',
	pack('n/a', bytes('50') . 'S' x 8 . bytes('00000001 65000000') . 'W' x 400));
sample('9p-l', '9p', '9P2000.L', bytes('15000000 64 ffff 00200000') . pack('v/a', '9P2000.L'));
sample('9p', '9p', '9P2000', bytes('13000000 64 ffff 00200000') . pack('v/a', '9P2000'));
sample('winbox', 'winbox user=admin', 'EC-SRP5', pack('C', 39) . bytes('06') . "admin\0" . 'K' x 32 . "\1");
sample('winbox-least', 'winbox user=a', 'a user of one letter', pack('C', 35) . bytes('06') . "a\0" . 'K' x 32 . "\0");
sub minecraft { my ($host, $port, $state) = @_; my $s = bytes('00 fd05') . p8($host) . pack('nC', $port, $state); return p8($s) }
sample('minecraft-login', 'minecraft host=mc.example', 'login, protocol 765',
	minecraft('mc.example', 25565, 2) . bytes('0700') . 'Steve');
sample('minecraft-forge', 'minecraft host=mc.example', 'what a mod loader appends', minecraft("mc.example\0FML2\0", 25565, 1));
sample('minecraft-any', 'minecraft host=mc.example.', 'protocol -1, a dot at the end',
	p8(bytes('00 ffffffff0f') . p8('mc.example.') . pack('nC', 25565, 1)));
sample('minecraft-long', 'minecraft host=' . 'h' x 140, 'a packet length of two bytes',
	bytes('9401 00 fd05 8c01') . 'h' x 140 . pack('nC', 25565, 1));
sample('minecraft-legacy', 'minecraft', 'the ping of 1.6', bytes('fe01fa 000b 004d0043007c00500069006e00670048006f0073007400'));
sample('mongodb-hello', 'mongodb', 'OP_MSG', bytes('30000000 01000000 00000000 dd070000 00000000 00') . 'x' x 27);
sample('mongodb-compressed', 'mongodb', 'OP_COMPRESSED', bytes('30000000 0a0b0c0d 00000000 dc070000') . 'x' x 32);
sample('modbus-read', 'modbus', 'read holding registers', bytes('0001 0000 0006 01 03 0000 000a'));

# Requests that may come first, though most clients begin with another.
my %ldap = (unbind => '42 00', delete => '4a 01 61', abandon => '50 01 01', modify => '66 04 0400 3000', add => '68 04 0400 3000',
	rename => '6c 07 0400 0400 0101ff', compare => '6e 04 0400 3000');
sample("ldap-$_", 'ldap', "$_ first (RFC 4511)", "\x30" . p8(bytes('020101' . $ldap{$_}))) for sort keys %ldap;
sample('iec104-i', 'iec104', 'an interrogation first (IEC 60870-5-104)', bytes('680e 0000 0000 64 01 0600 0100 000000 14'));
sample('iec104-s', 'iec104', 'an S frame first', bytes('6804 0100 0000'));
sample('modbus-umas', 'modbus', 'UMAS, function 5A', bytes('0001 0000 0004 00 5a 00 02'));
my %kafka = (produce => 0, fetch => 1, offsets => 2, commit => 8, committed => 9, coordinator => 10, join => 11, sasl => 17,
	producer => 22);
sample("kafka-$_", 'kafka', "request $kafka{$_} first (protocol guide)",
	p32(pack('nnN', $kafka{$_}, 1, 2) . p16('sarama') . 'x' x 20)) for sort keys %kafka;
sample('stun-framed', 'stun', 'ICE over TCP (RFC 4571)', p16(bytes('0001 0008 2112a442') . 'T' x 12 . 'a' x 8));
sample('bgp-update', 'bgp', 'UPDATE (RFC 4271, 4.3)', "\xff" x 16 . bytes('0017 02 0000 0000'));
sample('bgp-notification', 'bgp', 'NOTIFICATION (RFC 4271, 4.5)', "\xff" x 16 . bytes('0015 03 06 02'));
sample('bgp-keepalive', 'bgp', 'KEEPALIVE (RFC 4271, 4.4)', "\xff" x 16 . bytes('0013 04'));
sample('bgp-refresh', 'bgp', 'ROUTE-REFRESH (RFC 2918)', "\xff" x 16 . bytes('0017 05 0001 0001'));
sample('sip-tel', 'sip', 'a telephone number (RFC 3966)', "INVITE tel:+15551234 SIP/2.0\r\nVia: SIP/2.0/TCP a\r\n\r\n");
sample('mongodb-minus', 'mongodb', 'response to -1', bytes('30000000 01000000 ffffffff dd070000 00000000 00') . 'x' x 27);
sample('memcached-binary-get', 'memcached', 'a binary get', bytes('80000001 00000000 00000001') . "\0" x 12 . 'k');

my $cr = 'e0 0000 0001 00';
sample('iso-tsap-s7', 'iso-tsap', 'S7: size, both names (RFC 1006, ISO 8073)', tpkt(bytes("$cr c0010a c1020100 c2020102")));
sample('iso-tsap-names', 'iso-tsap', 'the names first', tpkt(bytes("$cr c1020100 c2020102 c0010a")));
sample('iso-tsap-mms', 'iso-tsap', 'MMS: size, then the called name', tpkt(bytes("$cr c0010d c2020001 c1020001")));
sample('ethernet-ip', 'ethernet-ip', 'RegisterSession (CIP volume 2, chapter 2)', bytes('6500 0400') . "\0" x 20 . bytes('0100 0000'));
sample('ethernet-ip-identity', 'ethernet-ip', 'ListIdentity', bytes('6300 0000') . "\0" x 8 . bytes('c1debed1 00000000 00000000'));
sample('ethernet-ip-services', 'ethernet-ip', 'ListServices', bytes('0400 0000') . "\0" x 20);
sample('ads-info', 'ads', 'ReadDeviceInfo (Beckhoff, AMS header)',
	bytes('0000 20000000 c0a8000a0101 5303 c0a8000b0101 0180 0100 0400 00000000 00000000 01000000'));
sample('synchrophasor-command', 'c37.118', 'send configuration 2 (IEEE C37.118.2, 6.6)',
	crc_ccitt(bytes('aa41 0012 00f1 4489 56c0 0000 0000 0005')));
sub crc_ccitt {
	my ($s) = @_;
	my $crc = 0xffff;
	for my $byte (unpack 'C*', $s) {
		$crc ^= $byte << 8;
		$crc = ($crc & 0x8000 ? $crc << 1 ^ 0x1021 : $crc << 1) & 0xffff for 1 .. 8;
	}
	return $s . pack 'n', $crc;
}
sample('synchrophasor-data', 'c37.118', 'a data frame', crc_ccitt(bytes('aa01 0018 00f1 448956c0 00000000') . 'd' x 8));
sample('elasticsearch', 'elastic', "a handshake (Elasticsearch's TcpHeader)",
	'ES' . bytes('00000030 0000000000000001 08 006d6833 00000000') . 'x' x 29);
sample('elasticsearch-open', 'elastic', 'a handshake of OpenSearch',
	'ES' . bytes('00000030 0000000000000001 08 08206833 00000000') . 'x' x 29);
sample('openwire', 'openwire', 'WIREFORMAT_INFO (OpenWire specification)', p32("\1ActiveMQ" . bytes('0000000c 01 00000000')));
sample('fastcgi', 'fastcgi', 'FCGI_BEGIN_REQUEST (FastCGI 1.0, 3.3 and 5.1)',
	bytes('0101 0001 0008 0000 0001 00 0000000000 0104 0001 0010 0000') . 'x' x 16);
sample('fastcgi-values', 'fastcgi', 'FCGI_GET_VALUES', bytes('0109 0000 0010 0000 0e00') . 'FCGI_MAX_CONNS');
sample('fix', 'fix', 'a logon (FIX 4.4)', "8=FIX.4.4\x019=65\x0135=A\x0149=A\x0156=B\x0134=1\x01");
sample('fix-t', 'fix', 'a logon of FIXT 1.1', "8=FIXT.1.1\x019=65\x0135=A\x01");
sample('pptp', 'pptp', 'Start-Control-Connection-Request (RFC 2637, 2.1)', bytes('009c 0001 1a2b3c4d 0001 0000 0100') . "\0" x 142);
sample('hislip', 'hislip', 'Initialize (IVI-6.1, 6.1)', 'HS' . bytes('00 00 0100 7a7a 0000000000000007') . 'hislip0');
sample('hislip-async', 'hislip', 'AsyncInitialize', 'HS' . bytes('11 00 00000001 0000000000000000'));

# What scanners and odd clients send.
sample('rtsp-path', 'rtsp', 'OPTIONS for a path, as nmap sends it', "OPTIONS / RTSP/1.0\r\n\r\n");
sample('rtsp-path-describe', 'rtsp', 'DESCRIBE of a path', "DESCRIBE /live/0 RTSP/1.0\r\nCSeq: 1\r\n\r\n");
sample('rtsp-at', 'rtsp host=cam.example', 'an @ in the path', "PLAY rtsp://cam.example/a\@b RTSP/1.0\r\n\r\n");
sample('http-options', 'http method=OPTIONS path=/ host=a.example', 'OPTIONS for a path',
	"OPTIONS / HTTP/1.1\r\nHost: a.example\r\n\r\n");
sample('http-odd-target', 'http method=GET path=.', 'a target that is none, as scanners send it', "GET . HTTP/1.0\r\n\r\n");
sample('kerberos-ber', 'kerberos', 'lengths longer than they need to be, as nmap sends them',
	bytes('00000071 6a816e 30816b') . 'x' x 107);
sample('minecraft-legacy-host', 'minecraft host=mc.example', 'a ping of version 1.6',
	"\xfe\x01\xfa" . utf16('MC|PingHost') . pack('nC', 7 + 2 * 10, 74) . utf16('mc.example') . pack('N', 25565));
sample('memcached-cas', 'memcached', 'cas', "cas key 0 -1 2 17\r\nab\r\n");
sample('kafka-versions-5', 'kafka', 'ApiVersions of version 5', pack('N/a', pack('nnN', 18, 5, 1) . p16('c') . "\0" x 8));
sample('synchrophasor-known', 'c37.118', 'a command that other implementations are tested with', bytes('aa410012 1e364485 60300f0b bfd00002 ce00'));
sample('elasticsearch-compressed', 'elastic', 'a compressed request', "ES" . pack('NNNCN', 21, 0, 9, 4, 7170099) . 'x' x 8);

open my $out, '>', 'made/INDEX' or die "made/INDEX: $!\n";
print $out map { $index{$_} } sort keys %index;
close $out or die "made/INDEX: $!\n";
