#!/bin/bash
# The manual pages against the program: every example is read by usher --check, every flag and protocol is described, and no flag is
# described that is not there.  In the pages a comment before an example says what it is:
#
#     .\" check: rules      a rule file
#     .\" check: command    command lines that begin with usher; tried with --check in front
#     .\" check: explain    a shell command that ends in usher --explain
set -u
export LC_ALL=C

top=$(cd "$(dirname "$0")/../.." && pwd)
usher=${USHER:-$(cd "${top_builddir:-.}" && pwd)/usher}
T=$(mktemp -d "${TMPDIR:-/tmp}/usher-manual.XXXXXX") || exit 1
trap 'rm -rf "$T"' EXIT
count=0
failed=0

ok() { # STATUS DESCRIPTION: what went wrong is in $T/out
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		failed=$((failed + 1))
		echo "not ok $count - $2"
		head -n 40 "$T/out" | sed 's/^/# /'
	fi
}

if [ ! -x "$usher" ]; then
	echo "Bail out! $usher is not built"
	exit 1
fi

# --- examples ---

# extract PAGE: the marked examples, as a reader would copy them, to $T/examples/KIND-LINE.
extract() {
	awk -v folder="$T/examples" '
	/^\.\\" check: / { kind = $3; start = NR; next }
	/^\.Bd -literal/ && kind != "" { file = folder "/" page "-" start "." kind; printf "" > file; next }
	/^\.Ed/ && file != "" { close(file); file = ""; kind = "" }
	/^\.[A-Z]/ && kind != "" && file == "" { print page ":" NR ": no .Bd -literal after the mark" > "/dev/stderr"; exit 1 }
	file != "" {
		sub(/^\\&/, "")
		gsub(/\\-/, "-"); gsub(/\\\(aq/, "\047"); gsub(/\\\(ha/, "^"); gsub(/\\\(ti/, "~"); gsub(/\\\(ga/, "`")
		gsub(/\\e/, "\\")
		print > file
	}' page="$(basename "$1")" "$1"
}

# The programs that examples execute need not be installed here, and --check only warns of that; what it must not do is fail.
mkdir "$T/examples" "$T/bin"
ln -s "$usher" "$T/bin/usher"
for page in usher.8 usher.conf.5 usher-protocols.7; do
	extract "$top/man/$page" > "$T/out" 2>&1
	ok $? "$page: the examples can be found"
done

# with_check FILE: its usher commands with --check in front, one line each.
with_check() {
	sed -e ':a' -e '/\\$/{N;s/\\\n//;ba' -e '}' -e 's/^usher /usher --check /' "$1"
}

check_rules() {
	"$usher" --check --config "$1" > "$T/out" 2>&1
}

# An example that names the system's own rule file is read with one that is there.
check_command() {
	with_check "$1" | sed "s|/etc/usher\.conf|$T/usher.conf|g" > "$T/command"
	grep -q '^usher --check ' "$T/command" || return 1
	PATH=$T/bin:$PATH bash -e "$T/command" > "$T/out" 2>&1
}

check_explain() {
	sed "s|/etc/usher\.conf|$T/usher.conf|g" "$1" > "$T/command"
	PATH=$T/bin:$PATH bash -e -o pipefail "$T/command" > "$T/out" 2>&1 && tail -n 1 "$T/out" | grep -q '^protocol=http .*rule=1 '
}

printf 'http host=www.example.org close\n' > "$T/usher.conf"
for example in "$T"/examples/*; do
	name=$(basename "$example")
	case $name in
	*.rules)
		check_rules "$example"
		ok $? "${name%.rules}: the rules are read"
		grep -c '^[^#]' "$example" > "$T/expected"
		grep -c '^set ' "$example" > "$T/sets"
		echo "$(($(cat "$T/expected") - $(cat "$T/sets"))) rules" > "$T/expected"
		diff "$T/expected" <(grep ' rules*$' "$T/out" | sed 's/rule$/rules/') > "$T/diff"
		status=$?
		cp "$T/diff" "$T/out"
		ok $status "${name%.rules}: as many rules as lines"
		;;
	*.command)
		check_command "$example"
		ok $? "${name%.command}: the command is understood"
		;;
	*.explain)
		check_explain "$example"
		ok $? "${name%.explain}: the command explains"
		;;
	*)
		echo "$name: unknown kind of example" > "$T/out"
		ok 1 "$name: the mark is known"
		;;
	esac
done

# A mistake must be found, or all of the above says nothing.
example=$(find "$T/examples" -name '*.rules' | head -n 1)
{ cat "$example"; echo 'tls connect'; } > "$T/wrong"
if check_rules "$T/wrong"; then false; else grep -q "^usher: $T/wrong:$(wc -l < "$T/wrong"): \"connect\": " "$T/out"; fi
ok $? 'a mistake in an example would be found, with file and line'

# --- flags ---

"$usher" --help > "$T/help"
"$usher" --protocols > "$T/protocols"
sed -n 's/^  --\([a-z][a-z-]*\).*/\1/p' "$T/help" | sort -u > "$T/flags"
sed -n 's/^\.It Fl -\([a-z][a-z-]*\).*/\1/p' "$top/man/usher.8" | sort -u > "$T/described"
test -s "$T/flags" && diff "$T/flags" "$T/described" > "$T/out"
ok $? 'usher(8) describes the flags of --help and no others'
sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/p' "$top/man/usher.8" | grep -o 'Fl -[a-z][a-z-]*' | sed 's/Fl -//' | sort -u > "$T/synopsis"
diff "$T/flags" "$T/synopsis" > "$T/out"
ok $? 'and its synopsis names them all'
sed -n '/^\.Sh SETTINGS/,/^\.Sh EXAMPLES/s/^\.It Li set \([a-z-]*\) \([a-z0-9]*\).*/set \1 \2/p' "$top/man/usher.conf.5" > "$T/settings"
{ cat "$T/settings"; echo 'any close'; } > "$T/file"
test -s "$T/settings" && check_rules "$T/file"
ok $? "usher.conf(5)'s settings can be set"

# --- protocols ---

# What the page says of each is compared by run-protocols.sh.
: > "$T/out"
while read -r name _; do
	grep -q "^\.It Cm ${name//-/\\\\-}\( ,.*\)*$" "$top/man/usher-protocols.7" || echo "$name: not in usher-protocols(7)" >> "$T/out"
done < <(tail -n +2 "$T/protocols")
[ "$(wc -l < "$T/protocols")" -gt 10 ] && [ ! -s "$T/out" ]
ok $? 'usher-protocols(7) has every protocol'

# --- form ---

if command -v mandoc > /dev/null; then
	for page in usher.8 usher.conf.5 usher-protocols.7; do
		mandoc -Tlint -Wwarning "$top/man/$page" > "$T/out" 2>&1 && [ ! -s "$T/out" ]
		ok $? "$page: mandoc has nothing to say"
	done
else
	count=$((count + 1))
	echo "ok $count - mandoc has nothing to say # SKIP mandoc is not installed"
fi

echo "1..$count"
[ "$failed" -eq 0 ]
