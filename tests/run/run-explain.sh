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
like "$(sed -n 1p "$T/out")" "^rule 1 \($T/rules:2\): NO at byte 1: exec /usr/sbin/sshd -i\$" \
    'a file: the byte at which a rule refuses'
like "$(sed -n 2p "$T/out")" "^rule 2 \($T/rules:3\): YES at byte 39: connect 127.0.0.1:8080\$" \
    'a file: the byte at which a rule holds'
like "$(sed -n 3p "$T/out")" '^rule 3 .*: NO at byte 1:' 'a file: silence ends with the first byte'
is "$(sed -n 4p "$T/out")" \
    'protocol=http method=GET path=/ host=www.example.org bytes=41 decided=39 rule=2 action="connect 127.0.0.1:8080"' 'a file: the logfmt line'
is "$(wc -l < "$T/out")" 4 'a file: nothing is written but a line a rule and the logfmt line'

run "$USHER" --explain=hex:'53 53 48 2d' --config "$T/rules"
is "$(tail -n 1 "$T/out")" 'protocol=ssh bytes=4 decided=4 rule=1 action="exec /usr/sbin/sshd -i"' \
    'hexadecimal digits are explained'
run "$USHER" --explain=hex:47 --config "$T/rules"
like "$(sed -n 2p "$T/out")" 'MORE after 1 byte, NO if no more comes: connect' 'a rule that still waits says so'
run "$USHER" --explain=hex:5g
is "$STATUS" "$EX_NOINPUT" 'digits that are none: status EX_NOINPUT'
like "$(cat "$T/err")" 'hex:5g.*expected pairs of hexadecimal digits' 'digits that are none: a sentence tells what was expected'

run "$USHER" --config "$T/rules" --explain="$T/captures"
is "$STATUS" 0 'a folder: status 0'
is "$(sed -e "s|$T/||" "$T/out")" 'file=captures/1-ssh protocol=ssh version=2.0 software=OpenSSH_9.2p1 bytes=23 decided=4 rule=1 action="exec /usr/sbin/sshd -i"
file=captures/2-http protocol=http method=GET path=/ host=www.example.org bytes=41 decided=39 rule=2 action="connect 127.0.0.1:8080"
file=captures/3-silent protocol=silent bytes=0 decided=0 rule=3 action="connect 127.0.0.1:3306"' 'a folder: a line a file, in the order of names'
run "$USHER" --explain="$T/captures"
is "$(sed -n 1p "$T/out")" "file=$T/captures/1-ssh protocol=ssh version=2.0 software=OpenSSH_9.2p1 bytes=23" \
    'a folder, without rules: the protocol of each'
run "$USHER" --explain="$T/missing"
is "$STATUS" "$EX_NOINPUT" 'a file that is not there: status EX_NOINPUT'
like "$(cat "$T/err")" 'missing.*No such file or directory' 'a file that is not there: a sentence tells why'

# an attribute that cannot be read: a request that ends before its Host header
undecided=('http host=admin.example reject' 'http connect 127.0.0.1:8080')
printf 'GET / HTTP/1.1\r\nAccept: */*\r\n' > "$T/cut"
run "$USHER" --explain="$T/cut" "${undecided[@]}"
is "$STATUS" 0 'undecided: status 0'
like "$(sed -n 1p "$T/out")" '^rule 1 .*: MORE after 29 bytes, UNDECIDED if no more comes: reject$' 'undecided: the rule says so'
like "$(sed -n 2p "$T/out")" '^rule 2 .*: YES at byte [0-9]+: connect 127\.0\.0\.1:8080$' 'undecided: the next rule would hold'
is "$(sed -n 3p "$T/out")" 'protocol=http method=GET path=/ bytes=29 decided=29 undecided=1 attribute=host' \
    'undecided: no rule is picked'
run "$USHER" --explain="$T/cut" --undecided next "${undecided[@]}"
is "$(tail -n 1 "$T/out")" 'protocol=http method=GET path=/ bytes=29 decided=29 rule=2 action="connect 127.0.0.1:8080"' \
    '--undecided next: the next rule is picked'

run "$USHER" --check 'mysql connect 127.0.0.1:3306'
is "$STATUS" "$EX_CONFIG" 'a protocol whose server speaks first: status EX_CONFIG'
like "$(cat "$T/err")" '"mysql": its server speaks first.*silent' \
    'a protocol whose server speaks first: the complaint says what to write instead'
finish
