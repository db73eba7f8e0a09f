#!/bin/bash
# usher-protocols(7) against the table: the same protocols, aliases, attributes, signatures and numbers; examples that are rules.
# shellcheck source=tests/lib.sh disable=SC1091,SC2317
. "$(dirname "$0")/../lib.sh"
need_usher
page=$TESTS/../man/usher-protocols.7

# table: NAME|ALIASES|ATTRIBUTES|SIGNATURE|YES|NO of each row of --protocols, whose first line tells where the columns are.
table() {
	"$USHER" --protocols | awk '
	function cut(from, to) { s = substr($0, from, to - from); sub(/ +$/, "", s); return s }
	NR == 1 { a = index($0, "ATTRIBUTES"); g = index($0, "SIGNATURE"); l = index($0, "ALIASES"); next }
	{ print $1 "|" cut(l, 1000) "|" cut(a, g) "|" cut(g, l) "|" $2 "|" $3 }' | sort
}

# entries PAGE [rules]: the same of the page's list; with rules, NAME|EXAMPLE.
entries() {
	awk -v rules="${2-}" '
	function text(s) { gsub(/\\-/, "-", s); gsub(/\\e/, "\\", s); gsub(/\\&/, "", s); return s }
	function flush() {
		if (name != "")
			print rules != "" ? name "|" rule : name "|" aliases "|" attributes "|" signature "|" yes "|" no
		name = aliases = attributes = signature = yes = no = rule = ""
	}
	/^\.Sh PROTOCOLS/ { inside = 1; next }
	!inside { next }
	/^\.El/ { flush(); exit }
	/^\.It Cm / {
		flush()
		n = split(text(substr($0, 8)), word, / , /)
		name = word[1]
		for (i = 2; i <= n; i++)
			aliases = aliases (i > 2 ? " " : "") word[i]
	}
	/^\.Em "/ && signature == "" { signature = text(substr($0, 6, length($0) - 6)) }
	/^\(YES at byte / { yes = $4 + 0; no = $8 + 0 }
	/^Attributes:$/ { getline; attributes = text(substr($0, 5)); sub(/ \.$/, "", attributes); gsub(/ , /, " ", attributes) }
	/^\.Dl / { rule = text(substr($0, 5)) }' "$1" | sort
}

table > "$T/table"
entries "$page" > "$T/page"
ok '--protocols tells of more than 50 protocols' at_least 51 wc -l < "$T/table"
ok 'usher-protocols(7) has every protocol with its aliases, attributes, signature and numbers, and no other' diff "$T/table" \
    "$T/page"

# What is compared must be compared.
for change in 's/^\.It Cm tls , https/.It Cm tls , http/' 's/^\.Cm sni , alpn/.Cm sni/' 's/^\.Em "a bind of/.Em "a bond of/' \
    's/^(YES at byte 37/(YES at byte 38/' '/^\.It Cm jdwp/d'; do
	sed "$change" "$page" > "$T/changed"
	entries "$T/changed" > "$T/other"
	unlike "$(cmp "$T/page" "$T/other" 2>&1)" '^$' "a page with $change would be found out"
done

"$USHER" --protocols > "$T/protocols"
is "$(awk 'length($0) > 132' "$T/protocols")" '' '--protocols is readable at 132 columns'

# The grammar knows what the table says: every alias is a protocol, every attribute one of its protocol's, and no other is.
: > "$T/wrong"
while IFS='|' read -r name aliases attributes _; do
	for word in $name $aliases; do
		"$USHER" --check "$word close" > /dev/null 2>> "$T/wrong" || echo "$word: no protocol" >> "$T/wrong"
	done
	known=$("$USHER" --check "$name no-such-attribute=x close" 2>&1 | sed -n 's/.* which has \(.*\)/\1/p' | tr -d ,)
	[ "${attributes:-none}" = "$known" ] || echo "$name: has $known, described ${attributes:-none}" >> "$T/wrong"
done < "$T/page"
is "$(cat "$T/wrong")" '' 'every alias can be written in a rule, and the attributes are those that a rule can ask for'

: > "$T/wrong"
while IFS='|' read -r name rule; do
	case $rule in
	"$name "*) ;;
	*) echo "$name: the example is of something else: $rule" >> "$T/wrong" ;;
	esac
	printf '%s\n' "$rule" > "$T/rule"
	"$USHER" --check --config "$T/rule" > "$T/answer" 2>> "$T/wrong" && [ "$(cat "$T/answer")" = '1 rule' ] ||
		echo "$name: --check refuses: $rule" >> "$T/wrong"
done < <(entries "$page" rules)
# An exec'd program need not be here.
is "$(grep -v ': warning: ' "$T/wrong")" '' 'every protocol has an example, which is a rule about it'

# --- servers that speak first ---

sed -n '/^\.Sh SERVERS THAT SPEAK FIRST/,/^\.Sh WITHOUT/p' "$page" | tr '[:upper:]' '[:lower:]' > "$T/section"
: > "$T/wrong"
for name in ftp imap managesieve mariadb mpd mysql nats nntp pop3 smtp vnc; do
	"$USHER" --check "$name close" > /dev/null 2> "$T/answer" && echo "$name: is a protocol now" >> "$T/wrong"
	grep -q "\"$name\": its server speaks first.*silent=300ms" "$T/answer" || cat "$T/answer" >> "$T/wrong"
	grep -qw "$name" "$T/section" || echo "$name: not in usher-protocols(7)" >> "$T/wrong"
done
is "$(cat "$T/wrong")" '' 'the protocols whose server speaks first are named, and a rule for one is answered with silent'

finish
