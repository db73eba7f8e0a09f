#!/bin/bash
# The manual pages and README.md against the program: usher --check reads every example, every flag and protocol is described, and no
# flag is described that is not there.  In README.md rules are fenced as ```usher.  In the pages a comment before an example says what
# it is:
#
#     .\" check: rules      a rule file
#     .\" check: command    command lines that begin with usher; tried with --check in front
#     .\" check: explain    a shell command that ends in usher --explain
# shellcheck source=tests/lib.sh disable=SC1091,SC2317
. "$(dirname "$0")/../lib.sh"
need_usher
man=$TESTS/../man

# quiet COMMAND...: it succeeds and says nothing.
quiet() {
	"$@" > "$T/quiet" 2>&1 && [ ! -s "$T/quiet" ] && return
	cat "$T/quiet"
	return 1
}

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
ln -s "$USHER" "$T/bin/usher"
for page in usher.8 usher.conf.5 usher-protocols.7; do
	ok "$page: every marked example is in a literal display" extract "$man/$page"
done
# readme_rules: the same of README.md.
readme_rules() {
	awk -v folder="$T/examples" '
	/^```usher$/ { file = folder "/README.md-" NR ".rules"; next }
	/^```/ { file = "" }
	file != "" { print > file }' "$man/../README.md" && ls "$T"/examples/README.md-*.rules
}
ok 'README.md has examples of rules' readme_rules

# with_check FILE: its usher commands with --check in front, one line each.
with_check() {
	sed -e ':a' -e '/\\$/{N;s/\\\n//;ba' -e '}' -e 's/^usher /usher --check /' "$1"
}

# A folder of the system's is not looked into: what is in it is not of the manual.
check_rules() {
	sed -i "s|/etc/usher\.d|$T/usher.d|" "$1"
	"$USHER" --check --config "$1"
}

# counts_rules FILE: --check tells as many rules as there are lines that are neither comments nor settings nor an include.
counts_rules() {
	local expected

	expected=$(grep -vE '^(set|include) ' "$1" | grep -c '^[^#]')
	check_rules "$1" 2>&1 | grep -xE "$expected rules?" || { echo "not $expected rules"; check_rules "$1"; return 1; }
}

# An example that names the system's own rule file is read with one that is there.
check_command() {
	with_check "$1" | sed "s|/etc/usher\.conf|$T/usher.conf|g" > "$T/command"
	grep -q '^usher --check ' "$T/command" || { echo 'no command line of usher'; return 1; }
	PATH=$T/bin:$PATH bash -e "$T/command"
}

check_explain() {
	sed "s|/etc/usher\.conf|$T/usher.conf|g" "$1" > "$T/command"
	PATH=$T/bin:$PATH bash -e -o pipefail "$T/command" > "$T/explained" 2>&1 && tail -n 1 "$T/explained" | grep -q '^protocol=http .*rule=1 ' && return
	cat "$T/explained"
	return 1
}

printf 'http host=www.example.org close\n' > "$T/usher.conf"
for example in "$T"/examples/*; do
	name=$(basename "$example")
	case $name in
	*.rules)
		ok "${name%.rules}: --check reads the rules" check_rules "$example"
		ok "${name%.rules}: --check counts a rule a line" counts_rules "$example"
		;;
	*.command) ok "${name%.command}: --check understands the command" check_command "$example" ;;
	*.explain) ok "${name%.explain}: the command explains which rule gets HTTP" check_explain "$example" ;;
	*) result 1 "$name: the kind of example is known" ;;
	esac
done

# A mistake must be found, or all of the above says nothing.
finds_mistake() {
	{ cat "$1"; echo 'tls connect'; } > "$T/wrong"
	! check_rules "$T/wrong" > "$T/mistake" 2>&1 && grep -q "^usher: $T/wrong:$(wc -l < "$T/wrong"): \"connect\": " "$T/mistake" && return
	cat "$T/mistake"
	return 1
}
ok 'a mistake in an example would be found, with file and line' finds_mistake "$(find "$T/examples" -name '*.rules' | head -n 1)"

# --- flags ---

same() { # FILE FILE: and not empty
	[ -s "$1" ] && diff "$1" "$2"
}

"$USHER" --help > "$T/help"
"$USHER" --protocols > "$T/protocols"
sed -n 's/^  --\([a-z][a-z-]*\).*/\1/p' "$T/help" | sort -u > "$T/flags"
sed -n 's/^\.It Fl -\([a-z][a-z-]*\).*/\1/p' "$man/usher.8" | sort -u > "$T/described"
ok 'usher(8) describes the flags of --help and no others' same "$T/flags" "$T/described"
sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/p' "$man/usher.8" | grep -o 'Fl -[a-z][a-z-]*' | sed 's/Fl -//' | sort -u > "$T/synopsis"
ok 'the synopsis of usher(8) names the flags of --help and no others' same "$T/flags" "$T/synopsis"

# --- the system calls of the sandbox: those of seccomp.c, less their variants for times of 64 bits ---
grep -o '__NR_[a-z0-9_]*' "$man/../src/serve/seccomp.c" |
    sed -E 's/__NR_//; s/_time64$//; s/^(clock_gettime|fcntl)64$/\1/; s/^mmap2$/mmap/' | sort -u > "$T/calls"
sed -n '/^\.Ss What a process cannot do/,/^\.Ss What is not promised/p' "$man/usher.8" > "$T/section"
{
	sed -n 's/^\.It \([a-z].*\)/\1/p' "$T/section" | sed 's/ Ta .*//; s/:.*//; s/ (.*//' | tr -d ' ' | tr ',' '\n'
	sed -n '/^Who logs/,/^\.Pp/p' "$T/section" | grep -oE '\b(sendto|getpid|connect|accept4|prctl)\b'
} | sort -u > "$T/written"
ok 'usher(8) names the system calls of the sandbox and no others' same "$T/calls" "$T/written"
sed -n '/^\.Sh SETTINGS/,/^\.Sh EXAMPLES/s/^\.It Li set \([a-z-]*\) \([a-z0-9,]*\).*/set \1 \2/p' "$man/usher.conf.5" > "$T/settings"
{ cat "$T/settings"; echo 'any close'; } > "$T/file"
ok 'usher.conf(5) describes settings' test -s "$T/settings"
ok "usher.conf(5)'s settings can be set" check_rules "$T/file"
sed -n 's/^  --\([a-z][a-z-]*\).* \*  *.*/\1/p' "$T/help" | sort > "$T/settable"
sed 's/^set \([a-z-]*\).*/\1/' "$T/settings" | sort -u > "$T/names"
ok 'usher.conf(5) has the settings that --help marks with *, and no others' same "$T/settable" "$T/names"

# --- protocols ---

# What the page says of each is compared by run-protocols.sh.
: > "$T/missing"
while read -r name _; do
	grep -q "^\.It Cm ${name//-/\\\\-}\( ,.*\)*$" "$man/usher-protocols.7" || echo "$name" >> "$T/missing"
done < <(tail -n +2 "$T/protocols")
ok '--protocols has more than ten lines' at_least 11 wc -l < "$T/protocols"
is "$(cat "$T/missing")" '' 'usher-protocols(7) has every protocol of --protocols'

# --- form ---

for page in usher.8 usher.conf.5 usher-protocols.7; do
	if command -v mandoc > /dev/null; then
		ok "$page: mandoc has nothing to say" quiet mandoc -Tlint -Wwarning "$man/$page"
	else
		skip "$page: mandoc has nothing to say" 'mandoc is not installed'
	fi
done

finish
