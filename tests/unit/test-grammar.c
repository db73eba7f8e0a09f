#include "config.h"

#include <errno.h>
#include <sys/stat.h>

#include "fixture.h"
#include "grammar.h"
#include "options.h"
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
	options_defaults(&settings);
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
	is_int(c->kind, kind, "%s: kind", what);
	is_int(c->negated, negated, "%s: negation", what);
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
		ok(r->conditions->next == NULL, "one condition");
		is_int(r->action.kind, ACTION_REJECT, "the action");
		is_int(r->number, 1, "the first rule");
		is_int(r->line, 0, "of the command line");
	}
}

static void
test_values(void)
{
	const struct condition *c = rule_of("bytes=2?F0a?@17 close")->conditions;

	is_int((long long)c->length, 3, "three bytes");
	is_int((long long)c->offset, 17, "at 17");
	ok(c->bytes[0] == 0x20 && c->mask[0] == 0xf0 && c->bytes[1] == 0xf0 && c->mask[1] == 0xff && c->bytes[2] == 0xa0 &&
	    c->mask[2] == 0xf0, "with their masks");
	c = rule_of("text=\"*2\\r\\n\\x24\\\\\\\"\\t\"@2 close")->conditions;
	ok(c->length == 8 && memcmp(c->bytes, "*2\r\n$\\\"\t", 8) == 0, "escapes between double quotes");
	is_int((long long)c->offset, 2, "at 2");
	ok(c->mask[0] == 0xff && c->mask[7] == 0xff, "every bit counts");
	c = rule_of("text='a\\n' close")->conditions;
	ok(c->length == 3 && memcmp(c->bytes, "a\\n", 3) == 0, "none between single quotes");
	c = rule_of("text=\"me@2\" close")->conditions;
	ok(c->length == 4 && memcmp(c->bytes, "me@2", 4) == 0 && c->offset == 0, "an @ between quotes is text");
	c = rule_of("silent close")->conditions;
	is_int(c->silent_ms, SILENT_TIMEOUT, "silent: as long as the timeout");
	c = rule_of("silent=300ms close")->conditions;
	is_int(c->silent_ms, 300, "silent=300ms");
	c = rule_of("from=10.0.0.0/8,2001:db8::/32,192.0.2.1 close")->conditions;
	is_int((long long)c->length, 3, "three networks");
	ok(c->networks[0].bits == 8 && c->networks[1].bits == 32 && c->networks[1].family == AF_INET6 && c->networks[2].bits == 32,
	    "in order");
	c = rule_of("port=1,443,65535 close")->conditions;
	ok(c->length == 3 && c->ports[0] == 1 && c->ports[1] == 443 && c->ports[2] == 65535, "three ports");
	c = rule_of("tls sni=git.example.org,*.example.net alpn=h2 !version=1.3 close")->conditions;
	is_condition(c, CONDITION_PROTOCOL, false, "tls");
	is_condition(c->next, CONDITION_ATTRIBUTE, false, "sni");
	is_str(c->next->attribute->name, "sni", "its name");
	is_str(c->next->globs[0], "git.example.org", "its first value");
	is_str(c->next->globs[1], "*.example.net", "its second");
	ok(c->next->globs[2] == NULL, "and no third");
	is_str(c->next->next->attribute->name, "alpn", "alpn");
	is_condition(c->next->next->next, CONDITION_ATTRIBUTE, true, "!version");
	ok(rule_protocol(rules.first) == probe_find("tls"), "the protocol that the rule names");
	ok(rule_protocol(rule_of("!tls reject")) == NULL, "one that it excludes is not named");
	ok(rule_of("https reject")->conditions->probe == probe_find("tls"), "an alias");
}

static void
test_actions(void)
{
	const struct action *a = &rule_of("ssh exec /usr/sbin/sshd -i -o 'Banner none'")->action;
	char text[ADDRESS_TEXT];

	is_int(a->kind, ACTION_EXEC, "exec");
	is_str(a->argv[0], "/usr/sbin/sshd", "its program");
	is_str(a->argv[1], "-i", "first argument");
	is_str(a->argv[3], "Banner none", "a quoted one");
	ok(a->argv[4] == NULL, "and no more");
	is_str(a->text, "exec /usr/sbin/sshd -i -o 'Banner none'", "as written");

	a = &rule_of("any connect 127.0.0.1:22,[::1]:22,unix:/run/x,name.example:ssh")->action;
	is_int(a->kind, ACTION_CONNECT, "connect");
	is_int((long long)a->count, 4, "to four");
	is_str(address_format(&a->endpoints[1].address, text), "[::1]:22", "the second");
	is_str(a->endpoints[0].text, "127.0.0.1:22", "the first as written");
	is_str(a->endpoints[3].text, "name.example:ssh", "a name as written");
	is_str(a->endpoints[3].host, "name.example", "its host");
	is_str(a->endpoints[3].service, "ssh", "its service");
	is_str(a->text, "connect 127.0.0.1:22,[::1]:22,unix:/run/x,name.example:ssh", "all as written");

	a = &rule_of("http reply \"HTTP/1.1 301 Moved\\r\\nLocation: https://a.example/\\r\\n\\r\\n\"")->action;
	is_int(a->kind, ACTION_REPLY, "reply");
	is_str(a->reply, "HTTP/1.1 301 Moved\r\nLocation: https://a.example/\r\n\r\n", "its text");
	is_int((long long)a->count, (long long)strlen(a->reply), "its length");
	is_int(rule_of("any reject")->action.kind, ACTION_REJECT, "reject");
	is_int(rule_of("any close")->action.kind, ACTION_CLOSE, "close");
	is_str(rule_of("  any \t close  \t")->action.text, "close", "white space around a rule");
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

		ok(r->conditions->length == 3 && memcmp(r->conditions->bytes, "a b", 3) == 0, "the condition");
		is_str(r->action.argv[1], "c d", "the argument");
	}
	is_str(rule_of("any exec /bin/x '' \"\" '#' a#b")->action.argv[1], "", "an empty word is one");
	is_str(rules.first->action.argv[3], "#", "a quoted #");
	is_str(rules.first->action.argv[4], "a#b", "a # within a word");
	is_str(rule_of("any exec /bin/x '\"' \"'\"")->action.argv[1], "\"", "quotes quote each other");
	is_str(rules.first->action.argv[2], "'", "both ways");
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
		{ "any connect", "connect" },
		{ "any connect 127.0.0.1", "127.0.0.1" },
		{ "any connect 127.0.0.1:22,", "," },
		{ "any connect ,127.0.0.1:22", "," },
		{ "any connect 127.0.0.1:99999", "127.0.0.1:99999" },
		{ "any connect 127.0.0.1:22 proxy=v2", "proxy=v2" },
		{ "any connect unix:relative", "unix:relative" },
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
		{ "bytes reject", "bytes" },
		{ "text= reject", "text" },
		{ "text=\"\" reject", "text" },
		{ "text=\"a\"@x reject", "@x" },
		{ "text=\"\\q\" reject", "\\q" },
		{ "text=\"\\x4\" reject", "\\x4" },
		{ "text=\"open reject", "open" },
		{ "text='open reject", "open" },
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
		is_int(read_line(cases[i].line), -EINVAL, "command line: %s", cases[i].line);
		ok(strncmp(complaint.text, "command line: ", 14) == 0 && strstr(complaint.text, want) != NULL, "%s",
		    complaint.text);
		ok(rules.count == 0 && rules.first == NULL, "no rule was added");
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

		is_int(r, -EINVAL, "file %zu", i);
		snprintf(want, sizeof(want), "%s:%u: ", scratch_path("file"), cases[i].line);
		ok(strncmp(complaint.text, want, strlen(want)) == 0, "where: %s", complaint.text);
		ok(strstr(complaint.text + strlen(want), cases[i].read) != NULL, "what was read");
		ok(strstr(complaint.text, "\n") == NULL && strstr(complaint.text, "\r") == NULL, "in one line");
	}
}

static void
test_file(void)
{
	static const char text[] = "# a comment\n\n\tset timeout 5s\nset connect-timeout 250ms\nset idle-timeout 1h\nset log none\n"
	    "set verbose yes\n   # another\nssh exec /usr/sbin/sshd -i\n'any' reject";
	static const char crlf[] = "set timeout 7\r\nssh exec /usr/sbin/sshd -i\r\n\r\n# comment\r\nany connect 127.0.0.1:22\r\n";

	is_int(read_text(text, sizeof(text) - 1), 0, "a file without a newline at its end");
	is_int(rules.count, 2, "two rules");
	is_int(settings.timeout_ms, 5000, "set timeout");
	is_int(settings.connect_timeout_ms, 250, "set connect-timeout");
	is_int(settings.idle_timeout_ms, 3600 * 1000, "set idle-timeout");
	is_int(settings.log, LOG_TO_NONE, "set log");
	is_int(settings.verbose, true, "set verbose");
	is_int(rules.first->line, 9, "the line of the first");
	is_int(rules.last->line, 10, "and of the second");
	is_int(rules.last->number, 2, "its number");
	is_str(rules.first->origin, scratch_path("file"), "the file");
	ok(rules.first->next == rules.last && rules.last->next == NULL, "in order");

	is_int(read_text(crlf, sizeof(crlf) - 1), 0, "a file written elsewhere: CRLF");
	is_int(rules.count, 2, "two rules");
	is_int(settings.timeout_ms, 7000, "its setting");
	is_str(rules.first->action.argv[1], "-i", "no CR in an argument");
	ok(rules.first->action.argv[2] == NULL, "nor as one");
	is_str(rules.last->action.text, "connect 127.0.0.1:22", "nor in what is logged");
}

static void
test_odd_files(void)
{
	static const char nul[] = "ssh close\nany\0 close\n";
	const char *path;

	is_int(read_text("", 0), 0, "an empty file");
	is_int(rules.count, 0, "has no rules");
	is_int(read_text("\n\n# only this", 13), 0, "a file of comments");
	is_int(rules.count, 0, "has none either");
	is_int(read_text(nul, sizeof(nul) - 1), -EINVAL, "a NUL byte");
	ok(strstr(complaint.text, ":2: ") != NULL && strstr(complaint.text, "NUL") != NULL, "%s", complaint.text);

	begin();
	path = scratch_path("missing");
	is_int(grammar_file(&rules, &settings, path, &complaint), -ENOENT, "a file that is not there");
	ok(strstr(complaint.text, path) != NULL && strstr(complaint.text, strerror(ENOENT)) != NULL, "%s", complaint.text);
	begin();
	is_int(grammar_file(&rules, &settings, "/", &complaint), -EISDIR, "a folder");
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
	is_int(wait_child(pid), 0, "a file that may not be read");
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
	is_int(read_line(line), 0, "a line of 100000 bytes");
	is_int((long long)strlen(rules.first->action.argv[0]), 100000 - 9, "its word is whole");

	/* a complaint about it is not as long */
	memcpy(line, "any frob /bin/", 14);
	is_int(read_line(line), -EINVAL, "a long line that is wrong");
	ok(strlen(complaint.text) < sizeof(complaint.text) && strstr(complaint.text, "frob") != NULL, "is quoted in part");

	/* more than there is room for */
	memset(line, 'x', sizeof(line) - 1);
	memcpy(line, "any exec /bin/", 14);
	is_int(read_line(line), -ENOSPC, "a line that does not fit");
	ok(strlen(complaint.text) > 20, "%s", complaint.text);

	for (n = 0; n < 3000; n++)
		memcpy(line + 2 * n, "a ", 2);
	memcpy(line, "any exec /a ", 12);
	line[2 * n] = '\0';
	r = read_line(line);
	ok(r == 0 || r == -EINVAL || r == -ENOSPC, "three thousand words");
	ok(r == 0 || strncmp(complaint.text, "command line: ", 14) == 0, "%s", complaint.text);

	begin();
	for (added = 0, r = 0; added < 100000 && r == 0; added += r == 0)
		r = grammar_line(&rules, &settings, "file", added + 1, "tls sni=a.example,b.example alpn=h2 exec /usr/bin/x a b c",
		    &complaint);
	is_int(r, -ENOSPC, "rules without end");
	ok(added >= 500, "%u fit", added);
	is_int(rules.count, added, "and were counted");
	snprintf(line, sizeof(line), "file:%u: ", added + 1);
	ok(strncmp(complaint.text, line, strlen(line)) == 0, "%s", complaint.text);

	begin();
	for (n = 0; n + 11 < sizeof(line); n += 10)
		memcpy(line + n, "any close\n", 10);
	r = grammar_file(&rules, &settings, scratch_file(line, n), &complaint);
	ok(r == -ENOSPC || r == -EFBIG, "a file with too many rules");
	ok(strlen(complaint.text) > 20, "%s", complaint.text);
}

static void
test_flag(void)
{
	begin();
	is_int(grammar_flag(&rules, &settings, "ssh", "127.0.0.1:22", &complaint), 0, "--ssh 127.0.0.1:22");
	is_int(grammar_flag(&rules, &settings, "any", "unix:/run/x,127.0.0.1:1", &complaint), 0, "--any with two addresses");
	is_int(grammar_flag(&rules, &settings, "silent", "127.0.0.1:3306", &complaint), 0, "--silent");
	is_int(rules.count, 3, "three rules");
	is_str(rules.first->action.text, "connect 127.0.0.1:22", "as a rule would be written");
	is_int(rules.first->conditions->kind, CONDITION_PROTOCOL, "the condition");
	is_int((long long)rules.first->next->action.count, 2, "two addresses");
	is_int(rules.last->number, 3, "numbers go on");
	ok(grammar_flag(&rules, &settings, "ssh", "nowhere", &complaint) < 0, "a bad address");
	ok(strstr(complaint.text, "nowhere") != NULL, "%s", complaint.text);
	begin();
	ok(grammar_flag(&rules, &settings, "ssh", "", &complaint) < 0, "no address");
	begin();
	ok(grammar_flag(&rules, &settings, "ssh", "127.0.0.1:22 127.0.0.1:23", &complaint) < 0, "two words");
}

static void
test_finish(void)
{
	rule_of("silent=5s close");
	ok(grammar_finish(&rules, &settings, &complaint) < 0, "silent= longer than the timeout");
	ok(strncmp(complaint.text, "command line: ", 14) == 0, "%s", complaint.text);
	settings.timeout_ms = 5000;
	is_int(grammar_finish(&rules, &settings, &complaint), 0, "as long as it");
	rule_of("silent close");
	is_int(grammar_finish(&rules, &settings, &complaint), 0, "without a time");
	begin();
	is_int(grammar_finish(&rules, &settings, &complaint), 0, "no rules");
}

static void
test_nothing(void)
{
	static const char *const lines[] = { "", " ", "\t", "# any close", "  # any close", "#", "\r", "\v", "\f",
		" \f# any close" };

	for (size_t i = 0; i < COUNT(lines); i++) {
		is_int(read_line(lines[i]), 0, "a line that says nothing");
		is_int(rules.count, 0, "adds nothing");
	}
}

int
main(void)
{
	test_nothing();
	test_conditions();
	test_values();
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
