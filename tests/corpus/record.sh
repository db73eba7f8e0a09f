#!/bin/bash
# Record what real clients send first: record.sh [NAME...].  Without names: everything whose program is installed.  Writes
# real/NAME.bin and its line in real/INDEX: file | protocol and attributes that usher is to read | how it was made.
set -u
cd "$(dirname "$0")" || exit 1
wanted=" $* "
failed=0
mkdir -p real
# Clients that need a file or two have them in a folder of their own.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
touch real/INDEX
# What the listener and its client are run by, if anything.
RUN=()

# take PACKAGE NAME 'EXPECTED' COMMAND...: PORT in the command is where it is to connect.
take() {
	package=$1 name=$2 expected=$3
	shift 3
	if [ "$wanted" != "  " ]; then
		case $wanted in *" $name "*) ;; *) return ;; esac
	fi
	version=$(dpkg-query -W -f='${Version}' "$package" 2>/dev/null) || { echo "skip $name: $package is not installed"; return; }
	if "${RUN[@]}" perl listen.pl "real/$name.bin" "${QUIET:-300}" "$@"; then
		echo "ok $name $(stat -c %s "real/$name.bin")"
		{ grep -v "^real/$name.bin |" real/INDEX
			echo "real/$name.bin | $expected | $package $version: ${*//"$work"/WORK}"
		} | LC_ALL=C sort > real/INDEX.new
		mv real/INDEX.new real/INDEX
	else
		echo "not ok $name: $*"
		failed=1
	fi
}

ssl="openssl s_client -connect 127.0.0.1:PORT"
# shellcheck disable=SC2086 # $ssl is words
{
take openssl tls-openssl 'tls sni=a.example alpn=h2 alpn=http/1.1 version=1.3' $ssl -servername a.example -alpn h2,http/1.1
take openssl tls-openssl-nosni 'tls version=1.3' $ssl -noservername
take openssl tls-openssl-12 'tls sni=b.example version=1.2' $ssl -servername b.example -tls1_2
take openssl tls-openssl-11 'tls sni=b.example version=1.1' $ssl -servername b.example -tls1_1 -cipher DEFAULT@SECLEVEL=0
take openssl tls-openssl-10 'tls sni=b.example version=1.0' $ssl -servername b.example -tls1 -cipher DEFAULT@SECLEVEL=0
take openssl tls-openssl-split 'tls sni=split.example alpn=aaa* alpn=bbb* alpn=ccc* version=1.3' $ssl -servername split.example \
	-max_send_frag 512 -alpn "$(printf 'a%.0s' $(seq 250)),$(printf 'b%.0s' $(seq 250)),$(printf 'c%.0s' $(seq 250))"
take openssl tls-openssl-postgresql 'tls sni=db.example alpn=postgresql version=1.3' $ssl -servername db.example -alpn postgresql
}
take gnutls-bin tls-gnutls 'tls sni=g.example alpn=h2 version=1.3' gnutls-cli --alpn=h2 --sni-hostname=g.example -p PORT 127.0.0.1
# GnuTLS: without TLS 1.3 its records say 3.0; with %NO_EXTENSIONS the ClientHello ends after the compression methods.
gnutls="gnutls-cli --sni-hostname=g.example -p PORT 127.0.0.1 --priority"
# shellcheck disable=SC2086 # $gnutls is words
{
take gnutls-bin tls-gnutls-10 'tls sni=g.example version=1.0' $gnutls LEGACY:-VERS-ALL:+VERS-TLS1.0
take gnutls-bin tls-gnutls-12 'tls sni=g.example version=1.2' $gnutls NORMAL:-VERS-ALL:+VERS-TLS1.2
take gnutls-bin tls-gnutls-13 'tls sni=g.example version=1.3' $gnutls NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-X25519
take gnutls-bin tls-gnutls-compat 'tls sni=g.example version=1.3' $gnutls NORMAL:%COMPAT
take gnutls-bin tls-gnutls-noextensions 'tls version=1.2' $gnutls NORMAL:-VERS-ALL:+VERS-TLS1.2:%NO_EXTENSIONS
take gnutls-bin tls-gnutls-secure256 'tls sni=g.example version=1.3' $gnutls SECURE256
}
take curl tls-curl 'tls sni=c.example alpn=h2 alpn=http/1.1 version=1.3' \
	curl -sk --resolve c.example:PORT:127.0.0.1 https://c.example:PORT/
take wget tls-wget 'tls version=1.3' wget -qO- -t1 --no-check-certificate https://127.0.0.1:PORT/
take curl http-curl 'http method=GET path=/path host=c.example' \
	curl -s --resolve c.example:PORT:127.0.0.1 'http://c.example:PORT/path?query=1'
take curl http-curl-proxy 'http method=GET path=/x host=origin.example' \
	curl -s -x http://127.0.0.1:PORT http://origin.example:8080/x
take curl http-curl-connect 'http method=CONNECT host=origin.example' curl -s -x http://127.0.0.1:PORT https://origin.example/
take curl http-curl-propfind 'http method=PROPFIND path=/dav/ host=127.0.0.1' curl -s -X PROPFIND http://127.0.0.1:PORT/dav/
take curl http-curl-extension 'http method=FROBNICATE path=/ host=127.0.0.1' curl -s -X FROBNICATE http://127.0.0.1:PORT/
take curl http-curl-options 'http method=OPTIONS path=* host=127.0.0.1' \
	curl -s -X OPTIONS --request-target '*' http://127.0.0.1:PORT/
take curl http-curl-h2c 'http method=GET path=/ host=127.0.0.1 upgrade=h2c' curl -s --http2 http://127.0.0.1:PORT/
take curl http-curl-websocket 'http method=GET path=/ws host=127.0.0.1 upgrade=websocket' \
	curl -s -H 'Connection: Upgrade' -H 'Upgrade: websocket' http://127.0.0.1:PORT/ws
take curl http-curl-post 'http method=POST path=/form host=127.0.0.1' curl -s -d a=b http://127.0.0.1:PORT/form
take curl http-curl-v6 'http method=GET path=/ host=[::1]' curl -s -H 'Host: [::1]:8080' http://127.0.0.1:PORT/
take wget http-wget 'http method=GET path=/robots.txt host=127.0.0.1' wget -qO- -t1 http://127.0.0.1:PORT/robots.txt
take curl http2-curl 'http2' curl -s --http2-prior-knowledge http://127.0.0.1:PORT/
take curl socks4-curl 'socks4 destination=192.0.2.7' curl -s --socks4 127.0.0.1:PORT http://192.0.2.7/
take curl socks4a-curl 'socks4 destination=origin.example' \
	curl -s --proxy-user joe:x --socks4a 127.0.0.1:PORT http://origin.example/
take curl socks5-curl 'socks5' curl -s --socks5 127.0.0.1:PORT http://192.0.2.7/
take curl socks5-curl-user 'socks5' curl -s --proxy-user joe:x --socks5-hostname 127.0.0.1:PORT http://origin.example/
take curl proxy-curl 'proxy' curl -s --haproxy-protocol http://127.0.0.1:PORT/
take curl mqtt-curl 'mqtt client_id=* user=joe' curl -s -u joe:secret mqtt://127.0.0.1:PORT/topic
take openssh-client ssh-openssh 'ssh version=2.0 software=OpenSSH_*' \
	ssh -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -p PORT 127.0.0.1
take dropbear-bin ssh-dropbear 'ssh version=2.0 software=dropbear_*' dbclient -y -p PORT 127.0.0.1
take putty-tools ssh-plink 'ssh version=2.0 software=PuTTY_*' plink -batch -ssh -P PORT joe@127.0.0.1
take redis-tools redis-cli 'redis' redis-cli -h 127.0.0.1 -p PORT ping
take redis-tools redis-cli-auth 'redis' redis-cli -h 127.0.0.1 -p PORT -a secret ping
take postgresql-client-15 postgres-psql-ssl 'postgres' psql -h 127.0.0.1 -p PORT -U joe db
take postgresql-client-15 postgres-psql 'postgres user=joe database=db application_name=psql' \
	psql 'host=127.0.0.1 port=PORT user=joe dbname=db sslmode=disable gssencmode=disable'
take mosquitto-clients mqtt-mosquitto-31 'mqtt client_id=dev1' mosquitto_pub -p PORT -i dev1 -V mqttv31 -t a -m b
take mosquitto-clients mqtt-mosquitto-311 'mqtt client_id=dev1 user=joe' \
	mosquitto_pub -p PORT -i dev1 -u joe -P secret -V mqttv311 -t a -m b --will-topic w --will-payload gone
take mosquitto-clients mqtt-mosquitto-5 'mqtt client_id=dev1 user=joe' \
	mosquitto_pub -p PORT -i dev1 -u joe -P secret -V mqttv5 -t a -m b --will-topic w --will-payload gone
take mosquitto-clients mqtt-mosquitto-noid 'mqtt' mosquitto_sub -p PORT -V mqttv5 -t a

printf '[libdefaults]\ndefault_realm=A.EXAMPLE\ndns_lookup_kdc=false\nudp_preference_limit=1\n' > "$work/krb5"
printf '[realms]\nA.EXAMPLE={\nkdc=127.0.0.1:KDC\n}\n' >> "$work/krb5"
printf 'joe\nsecret\n' > "$work/login"
mkdir -p "$work/tinc/hosts"
printf 'Name = alice\nConnectTo = bob\nDeviceType = dummy\n' > "$work/tinc/tinc.conf"
cat > "$work/tinc.sh" <<END
cd $work/tinc && echo "Address = 127.0.0.1 \$1" > hosts/bob && tincd -c . -K2048
cat rsa_key.pub >> hosts/bob
exec tincd -c . -D --pidfile=$work/pid
END
echo 'int x;' > "$work/x.c"
cat > "$work/Rmi.java" <<'END'
public class Rmi {
	public static void main(String[] a) throws Exception {
		java.rmi.registry.LocateRegistry.getRegistry("127.0.0.1", Integer.parseInt(a[0])).list();
	}
}
END

cat > "$work/mongodb.py" <<'END'
import pymongo
import sys
pymongo.MongoClient("127.0.0.1", int(sys.argv[1])).admin.command("ping")
END
cat > "$work/cassandra.py" <<'END'
import sys
from cassandra.cluster import Cluster
Cluster(["127.0.0.1"], port=int(sys.argv[1])).connect()
END
cat > "$work/stomp.py" <<'END'
import sys
import stomp
stomp.Connection([("127.0.0.1", int(sys.argv[1]))]).connect("a", "b")
END
cat > "$work/xmpp.py" <<'END'
import sys
import slixmpp
c = slixmpp.ClientXMPP("joe@a.example", "x")
c.connect(("127.0.0.1", int(sys.argv[1])), use_ssl=False)
c.process()
END
cat > "$work/zookeeper.py" <<'END'
import sys
from kazoo.client import KazooClient
KazooClient("127.0.0.1:" + sys.argv[1]).start()
END
cat > "$work/thrift.py" <<'END'
import sys
from thrift.protocol import TBinaryProtocol
from thrift.transport import TSocket
t = TSocket.TSocket("127.0.0.1", int(sys.argv[1]))
t.open()
p = TBinaryProtocol.TBinaryProtocol(t)
p.writeMessageBegin("ping", 1, 1)
t.flush()
t.read(1)
END
cat > "$work/thrift-framed.py" <<'END'
import sys
from thrift.protocol import TCompactProtocol
from thrift.transport import TSocket, TTransport
t = TTransport.TFramedTransport(TSocket.TSocket("127.0.0.1", int(sys.argv[1])))
t.open()
p = TCompactProtocol.TCompactProtocol(t)
p.writeMessageBegin("ping", 1, 1)
p.writeStructBegin("a")
p.writeFieldStop()
p.writeStructEnd()
p.writeMessageEnd()
t.flush()
t.readFrame()
END

cat > "$work/bird" <<'END'
router id 192.0.2.1;
protocol device { }
protocol bgp neighbour {
	local 127.0.0.1 as 64512;
	neighbor 127.0.0.1 port NEIGHBOUR as 64513;
	multihop;
	ipv4 { import all; export none; };
}
END
# A torrent, and a tracker that knows one peer: us.
cat > "$work/torrent.py" <<'END'
import hashlib
import http.server
import os
import socket
import struct
import subprocess
import sys

folder, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
peer = socket.inet_aton(address) + struct.pack("!H", port)


class Tracker(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"d8:intervali1800e5:peers6:" + peer + b"e")


tracker = http.server.HTTPServer(("127.0.0.1", 0), Tracker)
url = b"http://127.0.0.1:%d/announce" % tracker.server_port
piece = hashlib.sha1(bytes(16384)).digest()
info = b"d6:lengthi16384e4:name1:x12:piece lengthi16384e6:pieces20:" + piece + b"e"
os.makedirs(folder)
with open(folder + "/settings.json", "w") as f:
    f.write('{"utp-enabled": false, "dht-enabled": false, "lpd-enabled": false}')
with open(folder + "/x.torrent", "wb") as f:
    f.write(b"d8:announce%d:%s4:info%se" % (len(url), url, info))
subprocess.Popen(["transmission-cli", "-et", "-M", "-p", "0", "-g", folder, "-w", folder, folder + "/x.torrent"])
tracker.serve_forever()
END
mkdir -p "$work/profanity"
cat > "$work/profanity.sh" <<END
sed "s/SERVER/\$1/" $work/accounts > $work/profanity/accounts
export XDG_DATA_HOME=$work XDG_CONFIG_HOME=$work TERM=xterm
exec script -qec 'profanity -a joe@a.example' /dev/null
END
printf '[joe@a.example]\nenabled=true\njid=joe@a.example\nserver=127.0.0.1\nport=SERVER\n' > "$work/accounts"
printf 'tls.policy=disable\nauth.policy=legacy\npassword=x\nresource=r\n' >> "$work/accounts"

take curl rtsp-curl 'rtsp' curl -s rtsp://127.0.0.1:PORT/stream
take kcat kafka-kcat 'kafka' kcat -b 127.0.0.1:PORT -L
take ldap-utils ldap-ldapsearch 'ldap' ldapsearch -x -H ldap://127.0.0.1:PORT
take ldap-utils ldap-starttls 'ldap' ldapsearch -ZZ -x -H ldap://127.0.0.1:PORT
take smbclient smb-smbclient 'smb' smbclient -p PORT -N -L //127.0.0.1
take smbclient smb-smbclient-nt1 'smb' smbclient -p PORT -N -L //127.0.0.1 -m NT1 --option='client min protocol=NT1'
take freerdp2-x11 rdp-xfreerdp 'rdp user=joe' xvfb-run -a xfreerdp /v:127.0.0.1:PORT /u:joe /p:x /cert:ignore
take sipsak sip-sipsak 'sip host=127.0.0.1' sipsak -E tcp -s sip:joe@127.0.0.1:PORT
take openvpn openvpn 'openvpn opcode=7' openvpn --client --dev null --proto tcp-client --remote 127.0.0.1 PORT --nobind \
	--ca /etc/ssl/certs/ca-certificates.crt --auth-user-pass "$work/login"
take tinc tinc 'tinc' \
	sh "$work/tinc.sh" PORT
take git git-clone 'git repository=/r/repo.git host=127.0.0.1' git clone git://127.0.0.1:PORT/r/repo.git "$work/clone"
take git git-archive 'git repository=/r host=127.0.0.1' git archive --remote=git://127.0.0.1:PORT/r HEAD
take rsync rsync-client 'rsync' rsync rsync://127.0.0.1:PORT/
take adb adb-devices 'adb' adb -H 127.0.0.1 -P PORT devices
take bind9-dnsutils dns-dig 'dns' dig +tcp +tries=1 -p PORT @127.0.0.1 example.org
take bind9-dnsutils dns-dig-plain 'dns' dig +tcp +tries=1 +noedns -p PORT @127.0.0.1 example.org MX
take zabbix-sender zabbix-sender 'zabbix' zabbix_sender -z 127.0.0.1 -p PORT -s host -k key -o 1
# shellcheck disable=SC2016 # the inner shell reckons
take x11-utils x11-xdpyinfo 'x11' sh -c 'exec xdpyinfo -display 127.0.0.1:$((PORT - 6000))'
take libmemcached-tools memcached-memcstat 'memcached' memcstat --servers=127.0.0.1:PORT
take libmemcached-tools memcached-memccat 'memcached' memccat --servers=127.0.0.1:PORT key
take libmemcached-tools memcached-memccat-binary 'memcached' memccat --binary --servers=127.0.0.1:PORT key
take freetds-bin tds-tsql-74 'tds' env TDSVER=7.4 tsql -H 127.0.0.1 -p PORT -U sa -P x
take freetds-bin tds-tsql-70 'tds' env TDSVER=7.0 tsql -H 127.0.0.1 -p PORT -U sa -P x
take freetds-bin tds-tsql-50 'tds' env TDSVER=5.0 tsql -H 127.0.0.1 -p PORT -U sa -P x
take distcc distcc-client 'distcc' \
	env DISTCC_HOSTS=127.0.0.1:PORT DISTCC_FALLBACK=0 DISTCC_DIR="$work" distcc gcc -c "$work/x.c" -o "$work/x.o"
take amqp-tools amqp-publish 'amqp version=0-9-1' amqp-publish -u amqp://127.0.0.1:PORT -r key -b x
take python3-pymongo mongodb-pymongo 'mongodb' /usr/bin/python3 -P "$work/mongodb.py" PORT
take python3-cassandra cassandra-python 'cassandra' /usr/bin/python3 -P "$work/cassandra.py" PORT
take python3-stomp stomp-python 'stomp' /usr/bin/python3 -P "$work/stomp.py" PORT
take gearman-tools gearman 'gearman' gearman -h 127.0.0.1 -p PORT -f f x
take erlang-base epmd-names 'epmd' epmd -port PORT -names
take dbus-bin dbus-send 'dbus' dbus-send --bus=tcp:host=127.0.0.1,port=PORT --dest=a.b / a.b.c
take dcmtk dicom-echoscu 'dicom' echoscu 127.0.0.1 PORT
take mbpoll modbus-mbpoll 'modbus' mbpoll -m tcp -p PORT -1 127.0.0.1
take freeradius-utils radius-radclient 'radius' sh -c 'echo User-Name=joe | radclient -P tcp 127.0.0.1:PORT auth secret'
take freeradius-utils radius-status 'radius' sh -c 'echo Message-Authenticator=0 | radclient -P tcp 127.0.0.1:PORT status secret'
take krb5-user kerberos-kinit 'kerberos' \
	sh -c "sed s/KDC/PORT/ $work/krb5 > $work/krb5.conf; KRB5_CONFIG=$work/krb5.conf exec kinit joe"
take coturn stun-turnutils 'stun' turnutils_uclient -y -t -p PORT -u joe -w x 127.0.0.1
take rtmpdump rtmp-rtmpdump 'rtmp' rtmpdump -r rtmp://127.0.0.1:PORT/app/x -o /dev/null
take python3-slixmpp xmpp-slixmpp 'xmpp host=a.example' /usr/bin/python3 -P "$work/xmpp.py" PORT
take sendxmpp xmpp-sendxmpp 'xmpp host=a.example' sh -c 'echo x | sendxmpp -u joe -j 127.0.0.1:PORT -o a.example -p x joe@a.example'
take python3-kazoo zookeeper-kazoo 'zookeeper' /usr/bin/python3 -P "$work/zookeeper.py" PORT
take python3-thrift thrift-python 'thrift' /usr/bin/python3 -P "$work/thrift.py" PORT
take python3-thrift thrift-python-framed 'thrift' /usr/bin/python3 -P "$work/thrift-framed.py" PORT
take irssi irc-irssi 'irc' script -qec "irssi --home=$work/irssi -c 127.0.0.1 -p PORT -n joe" /dev/null
take bsdutils syslog-logger 'syslog' logger -T -n 127.0.0.1 -P PORT hello
take bsdutils syslog-logger-count 'syslog' logger -T --octet-count -n 127.0.0.1 -P PORT hello
take openjdk-17-jdk-headless jdwp-jdb 'jdwp' jdb -attach 127.0.0.1:PORT
take openjdk-17-jdk-headless rmi-registry 'rmi' java "$work/Rmi.java" PORT
take ffmpeg rtsp-ffmpeg 'rtsp host=127.0.0.1' ffmpeg -nostdin -rtsp_transport tcp -i rtsp://127.0.0.1:PORT/stream -f null -
take ffmpeg rtmp-ffmpeg-play 'rtmp' ffmpeg -nostdin -i rtmp://127.0.0.1:PORT/app/stream -f null -
take bird2 bgp-bird 'bgp' \
	sh -c "sed s/NEIGHBOUR/PORT/ $work/bird > $work/bird.conf; exec bird -f -c $work/bird.conf -s $work/bird.ctl -P $work/bird.pid"
take libiscsi-bin iscsi-ls 'iscsi' iscsi-ls iscsi://127.0.0.1:PORT
# shellcheck disable=SC2016 # the inner shell reckons
take rpcbind oncrpc-rpcinfo 'oncrpc program=100003' \
	sh -c 'exec rpcinfo -a 127.0.0.1.$((PORT / 256)).$((PORT % 256)) -T tcp 100003 3'
# The minus has telnet negotiate at once on a port that is not 23; it ends at the end of its input, so that is held open.
take inetutils-telnet telnet-inetutils 'telnet' sh -c '{ echo "open 127.0.0.1 -PORT"; exec sleep 15; } | inetutils-telnet'
take profanity xmpp-profanity 'xmpp host=a.example' sh "$work/profanity.sh" PORT
# transmission refuses peers in 127.0.0.0/8, so it gets a network namespace with another address.
# shellcheck disable=SC2016 # the inner shell's words
RUN=(unshare -n env LISTEN=192.0.2.1 sh -c 'ip link set lo up && ip address add "$LISTEN/32" dev lo && exec "$@"' sh)
take transmission-cli bittorrent-transmission 'bittorrent' /usr/bin/python3 -P "$work/torrent.py" "$work/torrent" 192.0.2.1 PORT
RUN=()
nmap="nmap -Pn -n -sT 127.0.0.1 -p PORT --script"
# shellcheck disable=SC2086 # $nmap is words
{
take nmap ajp-nmap 'ajp' $nmap +ajp-methods
take nmap bitcoin-nmap 'bitcoin' $nmap +bitcoin-info
take nmap drda-nmap 'drda' $nmap +drda-info
take nmap tns-nmap 'tns' $nmap +oracle-tns-version
take nmap giop-nmap 'giop' $nmap +giop-info
take nmap dicom-nmap 'dicom' $nmap +dicom-ping
take nmap iec104-nmap 'iec104' $nmap +iec-identify
take nmap telnet-nmap 'telnet' $nmap +telnet-encryption
take nmap oncrpc-nmap 'oncrpc program=100000' $nmap +rpcinfo
take nmap iscsi-nmap 'iscsi' $nmap +iscsi-info
take nmap jdwp-nmap 'jdwp' $nmap +jdwp-version
}
exit "$failed"
