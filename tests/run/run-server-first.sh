#!/bin/bash
# Services whose server speaks first, each with its real server and client through silent=, beside HTTP and SSH on the same port.
# Those whose server or client is not installed are skipped.
# shellcheck source=tests/lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
need tcpserver nginx sshd ssh openssl curl
need_usher

start_nginx
sshd_keys

# Some servers refuse to be root's.  What they need they find below $T/other, which is theirs.
OTHER=$ME
as_other=()
mkdir "$T/other"
if [ "$(id -u)" -eq 0 ]; then
	OTHER=nobody
	chmod 711 "$T"
	chown nobody "$T/other"
	as_other=(setpriv --reuid="$(id -u nobody)" --regid="$(id -g nobody)" --clear-groups)
fi

# share ACTION...: the service, HTTP and SSH on one port, with a timeout that is never what ends the waiting.
share() {
	serve_usher --timeout 1h "http connect 127.0.0.1:$NGINX_PORT" "ssh exec $SSHD -i -f $SSHD_CONFIG -E $T/log/sshd-i" \
	    "tls connect 127.0.0.1:${TLS_PORT:-1}" "silent=1s $*" 'any reject'
}

# beside NAME: what else is on the port.
beside() {
	is "$(curl -s --max-time "$WAIT" "http://127.0.0.1:$PORT/")" 'nginx GET 127.0.0.1 127.0.0.1' "$1: HTTP beside it"
	is "$("${SSH[@]}" -p "$PORT" 127.0.0.1 'echo ssh' 2>> "$T/log/ssh")" ssh "$1: SSH beside it"
	ok "$1: its connections are logged as silent" wait_log 'protocol=silent rule=4 '
}

fetch() {
	run curl -sS --max-time "$WAIT" "$@"
}

# STARTTLS, or no success.
fetch_tls() {
	fetch --resolve "mail.example:$PORT:127.0.0.1" --ssl-reqd --cacert "$T/mail.example.pem" "$@"
}

# --- MySQL ---

if command -v mariadbd > /dev/null && command -v mariadb > /dev/null; then
	start_mariadb
	share "connect 127.0.0.1:$MARIADB_PORT"
	# later clients warn of what they cannot verify
	run mariadb --no-defaults -h 127.0.0.1 -P "$PORT" --connect-timeout="$WAIT" --skip-ssl-verify-server-cert -N -e 'select 41 + 1'
	is "$STATUS/$OUT$ERR" 0/42 'MariaDB: a query'
	beside MariaDB
else
	skip MariaDB 'mariadb is not installed'
fi

# --- SMTP ---

certificate mail.example
if [ -e /usr/bin/aiosmtpd ]; then
	SMTP_PORT=$(free_port)
	start smtp /usr/bin/python3 -u /usr/bin/aiosmtpd -n -l "127.0.0.1:$SMTP_PORT" --tlscert "$T/mail.example.pem" \
	    --tlskey "$T/mail.example.key" --no-requiretls -c aiosmtpd.handlers.Debugging stdout
	await smtp "$SMTP_PORT"
	share "connect 127.0.0.1:$SMTP_PORT"
	printf 'Subject: first\r\n\r\nby curl\r\n' > "$T/message"
	fetch "smtp://127.0.0.1:$PORT/client.example" --mail-from a@client.example --mail-rcpt b@mail.example -T "$T/message"
	is "$STATUS" 0 'SMTP: curl hands in a message'
	ok 'SMTP: the server has the message' wait_log '^by curl' "$T/log/smtp"
	fetch_tls "smtp://mail.example:$PORT/client.example" --mail-from a@client.example --mail-rcpt b@mail.example \
	    -T <(printf 'Subject: second\r\n\r\nby STARTTLS\r\n')
	is "$STATUS" 0 'SMTP: curl hands in a message after STARTTLS, end to end'
	ok 'SMTP: the server has the message that came after STARTTLS' wait_log '^by STARTTLS' "$T/log/smtp"
	if command -v swaks > /dev/null; then
		run swaks --server 127.0.0.1 --port "$PORT" --from a@client.example --to b@mail.example --body 'by swaks' \
		    --timeout "$WAIT"
		is "$STATUS" 0 'SMTP: swaks hands in a message'
	else
		skip 'SMTP: swaks' 'swaks is not installed'
	fi
	beside SMTP
else
	skip SMTP 'aiosmtpd is not installed'
fi

# SMTPS and its like: the client speaks first, and it is TLS.
TLS_PORT=$(free_port)
start tls openssl s_server -accept "127.0.0.1:$TLS_PORT" -cert "$T/mail.example.pem" -key "$T/mail.example.key" -quiet
await tls "$TLS_PORT"
share "connect 127.0.0.1:${SMTP_PORT:-1}"
run openssl s_client -connect "127.0.0.1:$PORT" < /dev/null
like "$OUT" 'CN ?= ?mail\.example' 'SMTPS: s_client is TLS'
ok 'SMTPS: it is logged as TLS' wait_log 'protocol=tls .*rule=3 '

# --- IMAP and POP3 ---

# Dovecot as an ordinary user, with one user of its own.
start_dovecot() {
	IMAP_PORT=$(free_port)
	POP3_PORT=$(free_port)
	IMAP_PROXY=$(free_port)
	mkdir -p "$T/other/mail" "$T/other/run"
	cp "$T/mail.example.pem" "$T/mail.example.key" "$T/other"
	cat > "$T/other/dovecot.conf" << END
protocols = imap pop3
listen = 127.0.0.1
haproxy_trusted_networks = 127.0.0.1
base_dir = $T/other/run
state_dir = $T/other/run
log_path = /dev/stderr
default_internal_user = $OTHER
default_internal_group = $(id -gn "$OTHER")
default_login_user = $OTHER
disable_plaintext_auth = no
ssl = yes
ssl_cert = <$T/other/mail.example.pem
ssl_key = <$T/other/mail.example.key
mail_location = maildir:$T/other/mail
first_valid_uid = 1
passdb {
	driver = static
	args = password=secret
}
userdb {
	driver = static
	args = uid=$(id -u "$OTHER") gid=$(id -g "$OTHER") home=$T/other
}
service imap-login {
	chroot =
	inet_listener imap {
		port = $IMAP_PORT
	}
	inet_listener imaps {
		port = 0
	}
	inet_listener imap-proxy {
		port = $IMAP_PROXY
		haproxy = yes
	}
}
service pop3-login {
	chroot =
	inet_listener pop3 {
		port = $POP3_PORT
	}
	inet_listener pop3s {
		port = 0
	}
}
service anvil {
	chroot =
}
service stats {
	chroot =
}
END
	if [ "$OTHER" != "$ME" ]; then
		chown -R "$OTHER" "$T/other"
	fi
	start dovecot "${as_other[@]}" dovecot -F -c "$T/other/dovecot.conf"
	await dovecot "$IMAP_PORT"
	await dovecot "$POP3_PORT"
}

if command -v dovecot > /dev/null && [ -x /usr/lib/dovecot/imap ] && [ -x /usr/lib/dovecot/pop3 ]; then
	start_dovecot
	share "connect 127.0.0.1:$IMAP_PORT"
	printf 'Subject: third\r\n\r\nby IMAP\r\n' > "$T/message"
	fetch -u joe:secret "imap://127.0.0.1:$PORT/INBOX" -T "$T/message"
	is "$STATUS/$ERR" 0/ 'IMAP: a message is stored'
	fetch -u joe:secret "imap://127.0.0.1:$PORT/INBOX;MAILINDEX=1"
	like "$OUT" 'by IMAP' 'IMAP: the message is fetched'
	fetch_tls -u joe:secret "imap://mail.example:$PORT/INBOX;MAILINDEX=1"
	like "$OUT" 'by IMAP' 'IMAP: the message is fetched after STARTTLS, end to end'
	beside IMAP
	for version in v1 v2; do
		share "connect 127.0.0.1:$IMAP_PROXY proxy=$version"
		fetch --interface 127.0.0.5 -u joe:secret "imap://127.0.0.1:$PORT/INBOX;MAILINDEX=1"
		like "$OUT" 'by IMAP' "IMAP: the message is fetched, proxy=$version"
		ok "IMAP: Dovecot's log has the client's address, proxy=$version" wait_log "Login: user=<joe>.*rip=127\.0\.0\.5, lip=127\.0\.0\.1" "$T/log/dovecot"
		: > "$T/log/dovecot"
	done
	share "connect 127.0.0.1:$POP3_PORT"
	fetch -u joe:secret "pop3://127.0.0.1:$PORT/1"
	like "$OUT" 'by IMAP' 'POP3: the same message is fetched'
	fetch_tls -u joe:secret "pop3://mail.example:$PORT/1"
	like "$OUT" 'by IMAP' 'POP3: the message is fetched after STLS, end to end'
	beside POP3

	# Two of this kind on one port: silence does not tell which is meant, only what is not in the bytes can.
	serve_usher "silent=1s from=127.0.0.2 connect 127.0.0.1:$POP3_PORT" "silent=1s connect 127.0.0.1:$IMAP_PORT" \
	    "silent=1s connect 127.0.0.1:$POP3_PORT"
	talk --await='OK' 127.0.0.1:"$PORT"
	like "$ANSWER" '^\* OK ' 'IMAP and POP3: who says nothing is greeted by the first'
	fetch --interface 127.0.0.2 -u joe:secret "pop3://127.0.0.1:$PORT/1"
	like "$OUT" 'by IMAP' "IMAP and POP3: the client's address can tell: POP3"
	fetch -u joe:secret "imap://127.0.0.1:$PORT/INBOX;MAILINDEX=1"
	like "$OUT" 'by IMAP' "IMAP and POP3: the client's address can tell: IMAP"
else
	skip 'IMAP and POP3' 'dovecot is not installed'
fi

# --- FTP ---

# ftp_config: vsftpd as an ordinary user, for anonymous reading.
ftp_config() { # YES|NO: whether it listens itself
	mkdir "$T/other/ftp"
	echo 'by FTP' > "$T/other/ftp/file"
	chmod 755 "$T/other" "$T/other/ftp"
	cat > "$T/vsftpd.conf" << END
listen=$1
listen_address=127.0.0.1
listen_port=$FTP_PORT
background=NO
run_as_launching_user=YES
anonymous_enable=YES
anon_root=$T/other/ftp
ftp_username=$ME
local_enable=NO
seccomp_sandbox=NO
xferlog_enable=NO
END
}

if command -v vsftpd > /dev/null; then
	FTP_PORT=$(free_port)
	ftp_config YES
	cp "$T/vsftpd.conf" "$T/vsftpd-relayed.conf"
	sed -i 's/^listen=YES/listen=NO/' "$T/vsftpd.conf"
	start vsftpd vsftpd "$T/vsftpd-relayed.conf"
	await vsftpd "$FTP_PORT"
	share "connect 127.0.0.1:$FTP_PORT"
	fetch "ftp://127.0.0.1:$PORT/file"
	is "$OUT" 'by FTP' 'FTP: relayed, a file is fetched by EPSV'
	fetch --disable-epsv "ftp://127.0.0.1:$PORT/file"
	is "$OUT" 'by FTP' 'FTP: relayed, a file is fetched by PASV'
	beside FTP
	# Data connections are between client and server alone, which check each other's addresses.
	fetch -v --interface 127.0.0.2 "ftp://127.0.0.1:$PORT/file"
	like "$ERR" '425 Security: Bad IP' 'FTP: relayed, passive: the data connection is from another address, and refused'
	fetch -v --interface 127.0.0.2 --ftp-port 127.0.0.2 --disable-eprt "ftp://127.0.0.1:$PORT/file"
	like "$ERR" '500 Illegal PORT' 'FTP: relayed, active: the server refuses to connect to another address'
	share "exec $(command -v vsftpd) $T/vsftpd.conf"
	fetch --interface 127.0.0.2 "ftp://127.0.0.1:$PORT/file"
	is "$OUT" 'by FTP' 'FTP: executed, passive: a file is fetched'
	fetch --interface 127.0.0.2 --ftp-port 127.0.0.2 --disable-eprt "ftp://127.0.0.1:$PORT/file"
	is "$OUT" 'by FTP' 'FTP: executed, active: a file is fetched'
else
	skip FTP 'vsftpd is not installed'
fi

# --- VNC ---

if command -v x11vnc > /dev/null && command -v vncsnapshot > /dev/null; then
	VNC_PORT=$(free_port)
	head -c $((64 * 48 * 4)) /dev/zero | tr '\0' 'U' > "$T/frame"
	start vnc env -u DISPLAY HOME="$T" x11vnc -rawfb "file:$T/frame@64x48x32" -rfbport "$VNC_PORT" -listen 127.0.0.1 -no6 \
	    -forever -shared -nopw -quiet
	await vnc "$VNC_PORT"
	share "connect 127.0.0.1:$VNC_PORT"
	# The display's number is the port less 5900.
	run vncsnapshot -quiet "127.0.0.1:$((PORT - 5900))" "$T/snapshot.jpg"
	is "$STATUS" 0 'VNC: a snapshot is taken'
	is "$(head -c 3 "$T/snapshot.jpg" | od -An -tx1)" ' ff d8 ff' 'VNC: the snapshot is a picture'
	beside VNC
else
	skip VNC 'x11vnc or vncsnapshot is not installed'
fi

# --- NATS ---

if command -v nats-server > /dev/null; then
	NATS_PORT=$(free_port)
	start nats nats-server -a 127.0.0.1 -p "$NATS_PORT"
	await nats "$NATS_PORT"
	share "connect 127.0.0.1:$NATS_PORT"
	# No client is packaged: its conversation, step by step.
	perl "$TESTS/helpers/converse.pl" --timeout="$WAIT" --log="$T/nats" "127.0.0.1:$PORT" 'await=^INFO \{.*\r\n' \
	    'send=CONNECT {"verbose":false}'$'\r\nSUB a 1\r\nPUB a 5\r\nhello\r\nPING\r\n' 'await=PONG\r\n'
	like "$(cat "$T/nats")" $'MSG a 1 5\r\nhello\r\n(PONG\r\n)?' 'NATS: what was published comes back'
	beside NATS
else
	skip NATS 'nats-server is not installed'
fi

finish
