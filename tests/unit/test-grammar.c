#include "config.h"

#include <errno.h>
#include <sys/stat.h>

#include "fixture.h"
#include "rule/action.h"
#include "rule/grammar.h"
#include "rule/settings.h"
#include "tap.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A megabyte of storage; every case begins with it empty. */
static struct rules rules;
static struct settings settings;
static struct complaint complaint;

static void
begin(void)
{
	rules_clear(&rules);
	settings_defaults(&settings);
	complaint.text[0] = '\0';
}

/* Read one LINE as the command line has it. */
static int
read_line(const char *line)
{
	begin();
	return grammar_line(&rules, &settings, NULL, 0, line, &complaint);
}

/* Read TEXT as a file. */
static int
read_text(const char *text, size_t length)
{
	begin();
	return grammar_file(&rules, &settings, scratch_file(text, length), &complaint);
}

/* Read the rule in LINE and return it; the test ends if it is none. */
static const struct rule *
rule_of(const char *line)
{
	int r = read_line(line);

	if (!is_int(r, 0, "%s", line))
		printf("# %s\n", complaint.text);
	if (r != 0 || rules.first == NULL)
		die("a rule is needed to go on");
	return rules.first;
}

static void
is_condition(const struct condition *c, enum condition_kind kind, bool negated, const char *what)
{
	if (c == NULL)
		die("%s: no condition", what);
	is_int(c->kind, kind, "%s: the kind of the condition", what);
	is_int(c->negated, negated, "%s: whether the condition is negated", what);
}

static void
test_conditions(void)
{
	static const struct {
		const char *line;
		enum condition_kind kind;
		bool negated;
	} cases[] = {
		{ "any reject", CONDITION_ANY, false },
		{ "ssh reject", CONDITION_PROTOCOL, false },
		{ "!ssh reject", CONDITION_PROTOCOL, true },
		{ "silent reject", CONDITION_SILENT, false },
		{ "silent=300ms reject", CONDITION_SILENT, false },
		{ "!silent reject", CONDITION_SILENT, true },
		{ "stalled reject", CONDITION_STALLED, false },
		{ "bytes=2a320d reject", CONDITION_BYTES, false },
		{ "!bytes=2a320d@3 reject", CONDITION_BYTES, true },
		{ "text=GET reject", CONDITION_BYTES, false },
		{ "regex=^GET reject", CONDITION_REGEX, false },
		{ "!regex='^GET .*$' reject", CONDITION_REGEX, true },
		{ "from=10.0.0.0/8 reject", CONDITION_FROM, false },
		{ "to=::1 reject", CONDITION_TO, false },
		{ "port=443 reject", CONDITION_PORT, false },
		{ "!port=443,80 reject", CONDITION_PORT, true },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct rule *r = rule_of(cases[i].line);

		is_condition(r->conditions, cases[i].kind, cases[i].negated, cases[i].line);
		ok(r->conditions->next == NULL, "a rule of one condition has no second");
		is_int(r->action.kind, ACTION_REJECT, "a rule of one condition has its action");
		is_int(r->number, 1, "the first rule has the number 1");
		is_int(r->line, 0, "a rule of the command line has no line number");
	}
}

/* The pattern at INDEX of the list in LINE is TEXT at OFFSET. */
static void
is_text(size_t index, const char *line, const char *text, size_t offset)
{
	const struct condition *c = rule_of(line)->conditions;
	const struct pattern *p = &c->patterns[index];

	if (index >= c->length)
		die("%s: %zu patterns", line, c->length);
	ok(p->length == strlen(text) && memcmp(p->bytes, text, p->length) == 0, "%s: %s", line, text);
	is_int((long long)p->offset, (long long)offset, "%s: %s is at %zu", line, text, offset);
}

/* What is a list, and what only looks like one. */
static void
test_lists(void)
{
	static const struct {
		const char *line;
		size_t count;
		struct {
			const char *text;
			size_t offset;
		} items[3];
	} cases[] = {
		{ "bytes=474554,504f53 close", 2, { { "GET", 0 }, { "POS", 0 } } },
		{ "!bytes=4745@1,50,41424344@7 close", 3, { { "GE", 1 }, { "P", 0 }, { "ABCD", 7 } } },
		{ "bytes='41,42' close", 2, { { "A", 0 }, { "B", 0 } } },
		{ "text=GET,POS,PUT close", 3, { { "GET", 0 }, { "POS", 0 }, { "PUT", 0 } } },
		{ "text=GET,\"*2\\r\",S@3 close", 3, { { "GET", 0 }, { "*2\r", 0 }, { "S", 3 } } },
		{ "text=\"a,b\" close", 1, { { "a,b", 0 } } },
		{ "text='a,b',c close", 2, { { "a,b", 0 }, { "c", 0 } } },
		{ "text=a','b,c close", 2, { { "a,b", 0 }, { "c", 0 } } },
		{ "text=\"a\\x2cb\",c close", 2, { { "a,b", 0 }, { "c", 0 } } },
		{ "text=a,'b,'@2,c close", 3, { { "a", 0 }, { "b,", 2 }, { "c", 0 } } },
		{ "text=',',',' close", 2, { { ",", 0 }, { ",", 0 } } },
		{ "text='@','@1'@2 close", 2, { { "@", 0 }, { "@1", 2 } } },
		{ "text=a@b@3,'c@4' close", 2, { { "a@b", 3 }, { "c@4", 0 } } },
		{ "text=\"\"a,b'' close", 2, { { "a", 0 }, { "b", 0 } } },
		{ "'text=a,b' close", 1, { { "a,b", 0 } } },
		{ "t'ext'=a,b close", 2, { { "a", 0 }, { "b", 0 } } },
		{ "'!text'=\"a b\",\"c,d\" close", 2, { { "a b", 0 }, { "c,d", 0 } } },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		is_int((long long)rule_of(cases[i].line)->conditions->length, (long long)cases[i].count, "%s", cases[i].line);
		for (size_t item = 0; item < cases[i].count; item++)
			is_text(item, cases[i].line, cases[i].items[item].text, cases[i].items[item].offset);
	}
}

static void
test_values(void)
{
	const struct condition *c = rule_of("bytes=2?F0a?@17 close")->conditions;
	const struct pattern *b = c->patterns;

	is_int((long long)c->length, 1, "bytes= with one pattern has one");
	is_int((long long)b->length, 3, "bytes= has three bytes");
	is_int((long long)b->offset, 17, "bytes= with @17 is at 17");
	ok(b->bytes[0] == 0x20 && b->mask[0] == 0xf0 && b->bytes[1] == 0xf0 && b->mask[1] == 0xff && b->bytes[2] == 0xa0 &&
	    b->mask[2] == 0xf0, "with their masks");
	is_text(0, "text=\"*2\\r\\n\\x24\\\\\\\"\\t\"@2 close", "*2\r\n$\\\"\t", 2);
	ok(rules.first->conditions->patterns->mask[0] == 0xff && rules.first->conditions->patterns->mask[7] == 0xff,
	    "text=: every bit of a byte counts");
	is_text(0, "text='a\\n' close", "a\\n", 0);
	is_text(0, "text=\"me@2\" close", "me@2", 0);
	c = rule_of("silent close")->conditions;
	is_int(c->silent_ms, SILENT_TIMEOUT, "silent without a time is as long as the timeout");
	c = rule_of("silent=300ms close")->conditions;
	is_int(c->silent_ms, 300, "silent=300ms is 300 ms");
	c = rule_of("from=10.0.0.0/8,2001:db8::/32,192.0.2.1 close")->conditions;
	is_int((long long)c->length, 3, "from= has three networks");
	ok(c->networks[0].bits == 8 && c->networks[1].bits == 32 && c->networks[1].family == AF_INET6 && c->networks[2].bits == 32,
	    "from= has its networks in order");
	c = rule_of("port=1,443,65535 close")->conditions;
	ok(c->length == 3 && c->ports[0] == 1 && c->ports[1] == 443 && c->ports[2] == 65535, "port= has three ports");
	c = rule_of("tls sni=git.example.org,*.example.net alpn=h2 !version=1.3 close")->conditions;
	is_condition(c, CONDITION_PROTOCOL, false, "tls");
	is_condition(c->next, CONDITION_ATTRIBUTE, false, "sni");
	is_str(c->next->attribute->name, "sni", "the attribute of tls is sni");
	is_str(c->next->globs[0], "git.example.org", "sni= has its first value");
	is_str(c->next->globs[1], "*.example.net", "sni= has its second value");
	ok(c->next->globs[2] == NULL, "sni= has no third value");
	is_str(c->next->next->attribute->name, "alpn", "the next attribute of tls is alpn");
	is_condition(c->next->next->next, CONDITION_ATTRIBUTE, true, "!version");
	ok(rule_protocol(rules.first) == probe_find("tls"), "the protocol that the rule names");
	ok(rule_protocol(rule_of("!tls reject")) == NULL, "a protocol that the rule excludes is not named");
	ok(rule_of("https reject")->conditions->probe == probe_find("tls"), "an alias is its protocol");
}

static void
test_actions(void)
{
	const struct action *a = &rule_of("ssh exec /usr/sbin/sshd -i -o 'Banner none'")->action;
	char text[ADDRESS_TEXT];
	struct settings all, own;

	is_int(a->kind, ACTION_EXEC, "exec is the action");
	is_str(a->argv[0], "/usr/sbin/sshd", "exec has its program");
	is_str(a->argv[1], "-i", "exec has its first argument");
	is_str(a->argv[3], "Banner none", "exec has a quoted argument as one");
	ok(a->argv[4] == NULL, "exec has no more arguments than were written");
	is_str(a->text, "exec /usr/sbin/sshd -i -o 'Banner none'", "exec has its text as written");

	a = &rule_of("ssh exec user=4711:4712 dir=/tmp /bin/x user=1")->action;
	ok(strcmp(a->user, "4711:4712") == 0 && a->as.uid == 4711 && a->as.gid == 4712 && strcmp(a->folder, "/tmp") == 0,
	    "exec has the user and the folder that stand before the program");
	ok(strcmp(a->argv[0], "/bin/x") == 0 && strcmp(a->argv[1], "user=1") == 0 && a->argv[2] == NULL,
	    "what stands behind the program is the program's");

	a = &rule_of("any connect 127.0.0.1:22,[::1]:22,unix:/run/x,name.example:ssh")->action;
	is_int(a->kind, ACTION_CONNECT, "connect is the action");
	is_int((long long)a->count, 4, "connect has four addresses");
	is_str(address_format(&a->endpoints[1].address, text), "[::1]:22", "connect has the second address");
	is_str(a->endpoints[0].text, "127.0.0.1:22", "connect has the first address as written");
	is_str(a->endpoints[3].text, "name.example:ssh", "connect has a name as written");
	is_str(a->endpoints[3].host, "name.example", "connect has the host of a name");
	is_str(a->endpoints[3].service, "ssh", "connect has the service of a name");
	is_str(a->text, "connect 127.0.0.1:22,[::1]:22,unix:/run/x,name.example:ssh", "connect has all addresses as written");

	settings_defaults(&all);
	all.idle_timeout_ms = 7;
	all.proxy = PROXY_V1;
	ok(action_settings(a, &all, &own) == &all, "connect without options has the settings of all");
	a = &rule_of("any connect 127.0.0.1:22 proxy=v2 connect-timeout=250ms")->action;
	ok(action_settings(a, &all, &own) == &own && own.proxy == PROXY_V2 && own.connect_timeout_ms == 250,
	    "the options of connect count");
	ok(own.idle_timeout_ms == 7 && all.proxy == PROXY_V1, "the options of connect count for nothing else");
	is_str(a->text, "connect 127.0.0.1:22 proxy=v2 connect-timeout=250ms", "connect has its options as written");

	a = &rule_of("http reply \"HTTP/1.1 301 Moved\\r\\nLocation: https://a.example/\\r\\n\\r\\n\"")->action;
	is_int(a->kind, ACTION_REPLY, "reply is the action");
	is_str(a->reply, "HTTP/1.1 301 Moved\r\nLocation: https://a.example/\r\n\r\n", "reply has its text, escapes resolved");
	is_int((long long)a->count, (long long)strlen(a->reply), "reply has the length of its text");
	is_int(rule_of("any reject")->action.kind, ACTION_REJECT, "reject is the action");
	is_int(rule_of("any close")->action.kind, ACTION_CLOSE, "close is the action");
	is_str(rule_of("  any \t close  \t")->action.text, "close", "white space around a rule is ignored");
}

/* Words may be quoted as a whole or in part. */
static void
test_quoting(void)
{
	static const char *const same[] = {
		"text=\"a b\" exec /bin/x \"c d\"", "'text=a b' exec /bin/x 'c d'", "text=a' 'b exec /bin/x c\" \"d",
		"\"text=a b\"  exec\t/bin/x\tc' 'd", "text='a'\" \"'b' 'exec' /bin/x 'c d'",
	};

	for (size_t i = 0; i < COUNT(same); i++) {
		const struct rule *r = rule_of(same[i]);

		ok(r->conditions->patterns->length == 3 && memcmp(r->conditions->patterns->bytes, "a b", 3) == 0,
		    "a quoted condition has its space");
		is_str(r->action.argv[1], "c d", "a quoted argument has its space");
	}
	is_str(rule_of("any exec /bin/x '' \"\" '#' a#b")->action.argv[1], "", "an empty word between quotes is an argument");
	is_str(rules.first->action.argv[3], "#", "a # between quotes is an argument");
	is_str(rules.first->action.argv[4], "a#b", "a # within a word is part of it");
	is_str(rule_of("any exec /bin/x '\"' \"'\"")->action.argv[1], "\"", "a double quote between single quotes is an argument");
	is_str(rules.first->action.argv[2], "'", "a single quote between double quotes is an argument");
}

/* What a line must not be, and a word that the complaint must quote; everything names where it stands. */
static void
test_errors(void)
{
	static const struct {
		const char *line, *read;
	} cases[] = {
		{ "nonsense reject", "nonsense" },
		{ "ssh", "ssh" },
		{ "ssh frobnicate", "frobnicate" },
		{ "reject", "reject" },
		{ "exec /bin/x", "exec" },
		{ "any exec", "exec" },
		{ "any exec bin/x", "bin/x" },
		{ "any exec sshd -i", "sshd" },
		{ "any exec user=daemon", "exec" },
		{ "any exec user=nobody-of-this-name /bin/x", "user=nobody-of-this-name" },
		{ "any exec user= /bin/x", "user=" },
		{ "any exec dir=tmp /bin/x", "dir=tmp" },
		{ "any exec home=/tmp /bin/x", "home=/tmp" },
		{ "any connect", "connect" },
		{ "any connect 127.0.0.1", "127.0.0.1" },
		{ "any connect 127.0.0.1:22,", "," },
		{ "any connect ,127.0.0.1:22", "," },
		{ "any connect 127.0.0.1:99999", "127.0.0.1:99999" },
		{ "any connect 127.0.0.1:22 127.0.0.1:23", "127.0.0.1:23" },
		{ "any connect 127.0.0.1:22, 127.0.0.1:23", "," },
		{ "any connect 127.0.0.1:22 proxy", "proxy" },
		{ "any connect 127.0.0.1:22 proxy=", "proxy=" },
		{ "any connect 127.0.0.1:22 proxy=v3", "proxy=v3" },
		{ "any connect 127.0.0.1:22 proxy=v2 idle-timeout=soon", "idle-timeout=soon" },
		{ "any connect 127.0.0.1:22 proxy=v2 proxy=v1", "proxy=v1" },
		{ "any connect 127.0.0.1:22 timeout=3s", "timeout=3s" },
		{ "any connect 127.0.0.1:22 accept-proxy=127.0.0.1", "accept-proxy=127.0.0.1" },
		{ "any connect 127.0.0.1:22 frob=1", "frob=1" },
		{ "any connect 127.0.0.1:22,unix:/run/x transparent", "unix:/run/x" },
		{ "any connect vsock:2:22 transparent=yes", "vsock:2:22" },
		{ "any connect 127.0.0.1:22 transparent=maybe", "transparent=maybe" },
		{ "any connect proxy=v2 127.0.0.1:22", "proxy=v2" },
		{ "any connect unix:relative", "unix:relative" },
		{ "any connect srv:", "srv:" },
		{ "any connect srv:name.example", "srv:name.example" },
		{ "any connect srv:_ssh.example", "srv:_ssh.example" },
		{ "any connect srv:_ssh._tcp.example.org:22", "srv:_ssh._tcp.example.org:22" },
		{ "any pass", "pass" },
		{ "any pass 127.0.0.1:22", "127.0.0.1:22" },
		{ "any pass unix:/run/x,vsock:2:22", "vsock:2:22" },
		{ "any pass name:22", "name:22" },
		{ "any pass unix:/run/x proxy=v2", "proxy=v2" },
		{ "any connect [name]:22", "[name]:22" },
		{ "any reply", "reply" },
		{ "any reply a b", "b" },
		{ "any reject now", "now" },
		{ "any close now", "now" },
		{ "bytes= reject", "bytes" },
		{ "bytes=2 reject", "2" },
		{ "bytes=2g reject", "2g" },
		{ "bytes=2a@ reject", "@" },
		{ "bytes=2a@x reject", "@x" },
		{ "bytes=2a@-1 reject", "@-1" },
		{ "bytes=2a@65536 reject", "@65536" },
		{ "bytes=2a,2b2c@65535 reject", "2b2c" },
		{ "text=bc@65535 reject", "bc" },
		{ "bytes reject", "bytes" },
		{ "text= reject", "text" },
		{ "text=\"\" reject", "text" },
		{ "text=\"a\"@x reject", "@x" },
		{ "text=\"\\q\" reject", "\\q" },
		{ "text=\"\\x4\" reject", "\\x4" },
		{ "text=\"open reject", "open" },
		{ "text='open reject", "open" },
		{ "bytes=41, reject", "," },
		{ "bytes=,41 reject", "," },
		{ "bytes=41,,42 reject", "," },
		{ "bytes=41,4 reject", "\"4\"" },
		{ "bytes=41,4g reject", "4g" },
		{ "bytes=41,@2 reject", "\"\"" },
		{ "bytes=41,42@x reject", "@x" },
		{ "bytes=41@x,42 reject", "@x" },
		{ "bytes=41@1@2 reject", "41@1" },
		{ "text=a, reject", "," },
		{ "text=,a reject", "," },
		{ "text=a,,b reject", "," },
		{ "text=a,'' reject", "," },
		{ "text=a,@2 reject", "," },
		{ "text=@2 reject", "text" },
		{ "text=a@x,b reject", "@x" },
		{ "text=a,b@65536 reject", "@65536" },
		{ "text=me@example.org reject", "@example.org" },
		{ "text=a,\"b reject", "closing" },
		{ "regex=( reject", "(" },
		{ "regex=[a reject", "[a" },
		{ "regex= reject", "regex" },
		{ "from= reject", "from" },
		{ "from=10.0.0.1/8 reject", "10.0.0.1/8" },
		{ "from=localhost reject", "localhost" },
		{ "from=10.0.0.0/8,, reject", "," },
		{ "to=10.0.0.0/33 reject", "10.0.0.0/33" },
		{ "port=0 reject", "0" },
		{ "port=65536 reject", "65536" },
		{ "port=4294967297 reject", "4294967297" },
		{ "port=18446744073709551617 reject", "18446744073709551617" },
		{ "port=+80 reject", "+80" },
		{ "bytes=16@65536 reject", "65536" },
		{ "bytes=16@4294967297 reject", "4294967297" },
		{ "bytes=16@18446744073709551617 reject", "18446744073709551617" },
		{ "bytes=16@+1 reject", "+1" },
		{ "port=ssh reject", "ssh" },
		{ "port=80, reject", "," },
		{ "silent= reject", "silent" },
		{ "silent=soon reject", "soon" },
		{ "silent=-1s reject", "-1s" },
		{ "sni=a reject", "sni" },
		{ "ssh sni=a reject", "sni" },
		{ "tls sni= reject", "sni" },
		{ "tls sni=a,,b reject", "," },
		{ "frob=a reject", "frob" },
		{ "! reject", "!" },
		{ "!!ssh reject", "!" },
		{ "ssh=1 reject", "ssh" },
		{ "mysql connect 127.0.0.1:3306", "mysql" },
		{ "ssh tls reject", "tls" },
		{ "=x reject", "x" },
		{ "set timeout 3s", "set" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char want[64];

		snprintf(want, sizeof(want), "%s", cases[i].read);
		is_int(read_line(cases[i].line), -EINVAL, "the rule is refused: %s", cases[i].line);
		ok(strncmp(complaint.text, "command line: ", 14) == 0 && strstr(complaint.text, want) != NULL, "%s",
		    complaint.text);
		ok(rules.count == 0 && rules.first == NULL, "a rule that is refused is not added");
	}
}

/* A complaint must be one line whatever was read, and say file and line. */
static void
test_error_position(void)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *read;
	} cases[] = {
		{ "nonsense reject", 1, "nonsense" },
		{ "ssh close\n\n# comment\n  \nany frob\nhttp close\n", 5, "frob" },
		{ "ssh close\r\nany frob\r\n", 2, "frob" },
		{ "set\n", 1, "set" },
		{ "set timeout\n", 1, "set" },
		{ "set timeout 3s 4s\n", 1, "set" },
		{ "ssh close\nset frob 3s\n", 2, "frob" },
		{ "set timeout soon\n", 1, "soon" },
		{ "set config /etc/x\n", 1, "config" },
		{ "set log nowhere\n", 1, "nowhere" },
		{ "set verbose maybe\n", 1, "maybe" },
		{ "any reply \"\n\"\n", 1, "reply" },
	};
	char want[200];

	for (size_t i = 0; i < COUNT(cases); i++) {
		int r = read_text(cases[i].text, strlen(cases[i].text));

		is_int(r, -EINVAL, "file %zu is refused", i);
		snprintf(want, sizeof(want), "%s:%u: ", scratch_path("file"), cases[i].line);
		ok(strncmp(complaint.text, want, strlen(want)) == 0, "the complaint tells where: %s", complaint.text);
		ok(strstr(complaint.text + strlen(want), cases[i].read) != NULL, "the complaint tells what was read");
		ok(strstr(complaint.text, "\n") == NULL && strstr(complaint.text, "\r") == NULL, "the complaint is one line");
	}
}

static void
test_file(void)
{
	static const char text[] = "# a comment\n\n\tset timeout 5s\nset connect-timeout 250ms\nset idle-timeout 1h\nset log none\n"
	    "set verbose yes\n   # another\nssh exec /usr/sbin/sshd -i\n'any' reject";
	static const char crlf[] = "set timeout 7\r\nssh exec /usr/sbin/sshd -i\r\n\r\n# comment\r\nany connect 127.0.0.1:22\r\n";

	is_int(read_text(text, sizeof(text) - 1), 0, "a file without a newline at its end is read");
	is_int(rules.count, 2, "a file of two rules has two");
	is_int(settings.timeout_ms, 5000, "a file: set timeout counts");
	is_int(settings.connect_timeout_ms, 250, "a file: set connect-timeout counts");
	is_int(settings.idle_timeout_ms, 3600 * 1000, "a file: set idle-timeout counts");
	is_int(settings.log, LOG_TO_NONE, "a file: set log counts");
	is_int(settings.verbose, true, "a file: set verbose counts");
	is_int(rules.first->line, 9, "a file: the line of the first rule");
	is_int(rules.last->line, 10, "a file: the line of the second rule");
	is_int(rules.last->number, 2, "a file: the number of the second rule");
	is_str(rules.first->origin, scratch_path("file"), "a file: its rules have its name");
	ok(rules.first->next == rules.last && rules.last->next == NULL, "a file: its rules are in order");

	is_int(read_text(crlf, sizeof(crlf) - 1), 0, "a file with CRLF is read");
	is_int(rules.count, 2, "a file with CRLF: it has two rules");
	is_int(settings.timeout_ms, 7000, "a file with CRLF: its setting counts");
	is_str(rules.first->action.argv[1], "-i", "a file with CRLF: there is no CR in an argument");
	ok(rules.first->action.argv[2] == NULL, "a file with CRLF: CR is no argument");
	is_str(rules.last->action.text, "connect 127.0.0.1:22", "a file with CRLF: there is no CR in what is logged");
}

static void
test_odd_files(void)
{
	static const char nul[] = "ssh close\nany\0 close\n";
	const char *path;

	is_int(read_text("", 0), 0, "an empty file is read");
	is_int(rules.count, 0, "an empty file has no rules");
	is_int(read_text("\n\n# only this", 13), 0, "a file of comments is read");
	is_int(rules.count, 0, "a file of comments has no rules");
	is_int(read_text("\xef\xbb\xbfssh close\n", 13), 0, "a byte order mark before the first word is skipped");
	is_int(read_text("\xef\xbb\xbf", 3), 0, "a file of a byte order mark is empty");
	is_int(read_text("\xef\xbb", 2), -EINVAL, "a part of a byte order mark is refused");
	is_int(read_text(nul, sizeof(nul) - 1), -EINVAL, "a file with a NUL byte is refused");
	ok(strstr(complaint.text, ":2: ") != NULL && strstr(complaint.text, "NUL") != NULL, "%s", complaint.text);

	begin();
	path = scratch_path("missing");
	is_int(grammar_file(&rules, &settings, path, &complaint), -ENOENT, "a file that is not there is refused");
	ok(strstr(complaint.text, path) != NULL && strstr(complaint.text, strerror(ENOENT)) != NULL, "%s", complaint.text);
	begin();
	is_int(grammar_file(&rules, &settings, "/", &complaint), -EISDIR, "a folder in place of a file is refused");
	ok(strstr(complaint.text, strerror(EISDIR)) != NULL, "%s", complaint.text);
}

/* Root reads everything, so somebody else tries. */
static void
test_unreadable(void)
{
	const char *path = scratch_file("any close\n", 10);
	pid_t pid = fork_child();

	if (pid == 0) {
		if (chmod(path, 0) == -1 || (geteuid() == 0 && setuid(65534) == -1))
			_exit(98);
		begin();
		_exit(grammar_file(&rules, &settings, path, &complaint) != -EACCES ||
		    strstr(complaint.text, strerror(EACCES)) == NULL);
	}
	is_int(wait_child(pid), 0, "a file that may not be read is refused");
	unlink(path);
}

/* Limits are met with a sentence. */
static void
test_limits(void)
{
	static char line[600000];
	size_t n = 0;
	int r = 0;
	unsigned added;

	/* a long word is a word */
	memset(line, 'x', 100000);
	memcpy(line, "any exec /bin/", 14);
	line[100000] = '\0';
	is_int(read_line(line), 0, "a line of 100000 bytes is read");
	is_int((long long)strlen(rules.first->action.argv[0]), 100000 - 9, "a line of 100000 bytes: its word is whole");

	/* a complaint about it is not as long */
	memcpy(line, "any frob /bin/", 14);
	is_int(read_line(line), -EINVAL, "a long line that is wrong is refused");
	ok(strlen(complaint.text) < sizeof(complaint.text) && strstr(complaint.text, "frob") != NULL,
	    "a long line that is wrong is quoted in part");

	/* more than there is room for */
	memset(line, 'x', sizeof(line) - 1);
	memcpy(line, "any exec /bin/", 14);
	is_int(read_line(line), -ENOSPC, "a line that does not fit into memory is refused");
	ok(strlen(complaint.text) > 20, "%s", complaint.text);

	for (n = 0; n < 3000; n++)
		memcpy(line + 2 * n, "a ", 2);
	memcpy(line, "any exec /a ", 12);
	line[2 * n] = '\0';
	r = read_line(line);
	ok(r == 0 || r == -EINVAL || r == -ENOSPC, "three thousand words are read, or refused for a reason that is told");
	ok(r == 0 || strncmp(complaint.text, "command line: ", 14) == 0, "%s", complaint.text);

	begin();
	for (added = 0, r = 0; added < 100000 && r == 0; added += r == 0)
		r = grammar_line(&rules, &settings, "file", added + 1, "tls sni=a.example,b.example alpn=h2 exec /usr/bin/x a b c",
		    &complaint);
	is_int(r, -ENOSPC, "rules without end are refused");
	ok(added >= 500, "%u rules fit", added);
	is_int(rules.count, added, "the rules that fit were counted");
	snprintf(line, sizeof(line), "file:%u: ", added + 1);
	ok(strncmp(complaint.text, line, strlen(line)) == 0, "%s", complaint.text);

	begin();
	for (n = 0; n + 11 < sizeof(line); n += 10)
		memcpy(line + n, "any close\n", 10);
	r = grammar_file(&rules, &settings, scratch_file(line, n), &complaint);
	ok(r == -ENOSPC, "a file with too many rules is refused");
	ok(strlen(complaint.text) > 20, "%s", complaint.text);
}

static void
test_flag(void)
{
	begin();
	is_int(grammar_flag(&rules, &settings, "ssh", "127.0.0.1:22", &complaint), 0, "--ssh with an address is a rule");
	is_int(grammar_flag(&rules, &settings, "any", "unix:/run/x,127.0.0.1:1", &complaint), 0,
	    "--any with two addresses is a rule");
	is_int(grammar_flag(&rules, &settings, "silent", "127.0.0.1:3306", &complaint), 0, "--silent with an address is a rule");
	is_int(rules.count, 3, "three flags are three rules");
	is_str(rules.first->action.text, "connect 127.0.0.1:22", "a flag has the text of the rule that it is");
	is_int(rules.first->conditions->kind, CONDITION_PROTOCOL, "a flag has its protocol as the condition");
	is_int((long long)rules.first->next->action.count, 2, "a flag with two addresses has two");
	is_int(rules.last->number, 3, "the numbers of the rules of flags go on");
	ok(grammar_flag(&rules, &settings, "ssh", "nowhere", &complaint) < 0, "a flag with a bad address is refused");
	ok(strstr(complaint.text, "nowhere") != NULL, "%s", complaint.text);
	begin();
	ok(grammar_flag(&rules, &settings, "ssh", "", &complaint) < 0, "a flag without an address is refused");
	begin();
	ok(grammar_flag(&rules, &settings, "ssh", "127.0.0.1:22 127.0.0.1:23", &complaint) < 0, "a flag with two words is refused");
}

static void
test_finish(void)
{
	static const char *const never[] = { "set timeout 0\nsilent close\n", "set timeout 0\nstalled close\n" };
	static const char *const fine[] = { "set timeout 0\nsilent=1h close\n", "set timeout 0\n!silent close\n",
	    "stalled close\n" };

	rule_of("silent=5s close");
	ok(grammar_finish(&rules, &settings, &complaint) < 0, "silent= longer than the timeout is refused");
	ok(strncmp(complaint.text, "command line: ", 14) == 0, "%s", complaint.text);
	settings.timeout_ms = 5000;
	is_int(grammar_finish(&rules, &settings, &complaint), 0, "silent= as long as the timeout is accepted");
	rule_of("silent close");
	is_int(grammar_finish(&rules, &settings, &complaint), 0, "silent without a time is accepted");
	for (size_t i = 0; i < COUNT(never); i++) {
		is_int(read_text(never[i], strlen(never[i])), 0, "%s", never[i]);
		is_int(grammar_finish(&rules, &settings, &complaint), -EINVAL, "a rule that never holds is refused");
		ok(strstr(complaint.text, "file:2: \"s") != NULL, "%s", complaint.text);
	}
	for (size_t i = 0; i < COUNT(fine); i++) {
		is_int(read_text(fine[i], strlen(fine[i])), 0, "%s", fine[i]);
		is_int(grammar_finish(&rules, &settings, &complaint), 0, "a rule that can hold is accepted");
	}
	begin();
	is_int(grammar_finish(&rules, &settings, &complaint), 0, "no rules are accepted");
}

static void
test_nothing(void)
{
	static const char *const lines[] = { "", " ", "\t", "# any close", "  # any close", "#", "\r", "\v", "\f",
		" \f# any close" };

	for (size_t i = 0; i < COUNT(lines); i++) {
		is_int(read_line(lines[i]), 0, "a line that says nothing is read");
		is_int(rules.count, 0, "a line that says nothing adds no rule");
	}
}

int
main(void)
{
	test_nothing();
	test_conditions();
	test_values();
	test_lists();
	test_actions();
	test_quoting();
	test_errors();
	test_error_position();
	test_file();
	test_odd_files();
	test_unreadable();
	test_limits();
	test_flag();
	test_finish();
	rules_clear(&rules);
	fixture_end();
	return done_testing();
}
