#!/bin/bash
# --explain as a tool for people: a file, a folder of captures, hexadecimal digits; at which byte a rule makes up its mind.
# shellcheck source=tests/lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
need_usher

mkdir "$T/captures" "$T/captures/folder"
printf 'GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n' > "$T/captures/2-http"
printf 'SSH-2.0-OpenSSH_9.2p1\r\n' > "$T/captures/1-ssh"
: > "$T/captures/3-silent"
cat > "$T/rules" << 'END'
# a comment, so that lines and rules are numbered differently
ssh                       exec /usr/sbin/sshd -i
http host=*.example.org   connect 127.0.0.1:8080
silent                    connect 127.0.0.1:3306
END

run "$USHER" --config "$T/rules" --explain="$T/captures/2-http"
is "$STATUS" 0 'a file: status 0'
like "$(sed -n 1p "$T/out")" "^rule 1 \($T/rules:2\): NO at byte 1: exec /usr/sbin/sshd -i\$" 'the byte at which a rule refuses'
like "$(sed -n 2p "$T/out")" "^rule 2 \($T/rules:3\): YES at byte 39: connect 127.0.0.1:8080\$" 'the byte at which a rule holds'
like "$(sed -n 3p "$T/out")" '^rule 3 .*: NO at byte 1:' 'silence ends with the first byte'
is "$(sed -n 4p "$T/out")" \
    'protocol=http method=GET path=/ host=www.example.org bytes=41 decided=39 rule=2 action="connect 127.0.0.1:8080"' 'the logfmt line'
is "$(wc -l < "$T/out")" 4 'and nothing else'

run "$USHER" --explain=hex:'53 53 48 2d' --config "$T/rules"
is "$(tail -n 1 "$T/out")" 'protocol=ssh bytes=4 decided=4 rule=1 action="exec /usr/sbin/sshd -i"' 'hexadecimal digits'
run "$USHER" --explain=hex:47 --config "$T/rules"
like "$(sed -n 2p "$T/out")" 'MORE after 1 byte, NO if no more comes: connect' 'a rule that still waits'
run "$USHER" --explain=hex:5g
is "$STATUS" 66 'digits that are none: status 66'
like "$(cat "$T/err")" 'hex:5g.*expected pairs of hexadecimal digits' 'and a sentence'

run "$USHER" --config "$T/rules" --explain="$T/captures"
is "$STATUS" 0 'a folder: status 0'
is "$(sed -e "s|$T/||" "$T/out")" 'file=captures/1-ssh protocol=ssh version=2.0 software=OpenSSH_9.2p1 bytes=23 decided=4 rule=1 action="exec /usr/sbin/sshd -i"
file=captures/2-http protocol=http method=GET path=/ host=www.example.org bytes=41 decided=39 rule=2 action="connect 127.0.0.1:8080"
file=captures/3-silent protocol=silent bytes=0 decided=0 rule=3 action="connect 127.0.0.1:3306"' 'a line a file, by name'
run "$USHER" --explain="$T/captures"
is "$(sed -n 1p "$T/out")" "file=$T/captures/1-ssh protocol=ssh version=2.0 software=OpenSSH_9.2p1 bytes=23" 'without rules: the protocol'
run "$USHER" --explain="$T/missing"
is "$STATUS" 66 'a file that is not there: status 66'
like "$(cat "$T/err")" 'missing.*No such file or directory' 'and a sentence'

run "$USHER" --check 'mysql connect 127.0.0.1:3306'
is "$STATUS" 78 'a protocol whose server speaks first: status 78'
like "$(cat "$T/err")" '"mysql": its server speaks first.*silent' 'and what to write instead'
finish
