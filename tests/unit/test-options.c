#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "fixture.h"
#include "rule/grammar.h"
#include "options.h"
#include "rule/rule.h"
#include "tap.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define WORDS 12

static struct rules rules;
static struct options options;
static struct complaint complaint;

/* Parse the arguments behind the program's name.  What was read from them may point into them until the next call. */
static int
parse(const char *const words[WORDS])
{
	static char text[WORDS][256];
	char *argv[WORDS + 2] = { text[0] };
	int argc = 1;

	snprintf(text[0], sizeof(text[0]), "usher");
	for (; argc <= WORDS && words[argc - 1] != NULL; argc++) {
		argv[argc] = argc < WORDS ? text[argc] : NULL;
		if (argv[argc] == NULL)
			die("too many words");
		snprintf(text[argc], sizeof(text[argc]), "%s", words[argc - 1]);
	}
	rules_clear(&rules);
	options_defaults(&options);
	complaint.text[0] = '\0';
	return options_parse(argc, argv, &options, &rules, &complaint);
}

static void
test_flags(void)
{
	is_int(parse((const char *const[WORDS]){ "--timeout", "1s", "--connect-timeout=2s", "--idle-timeout", "3s", "--log=none",
	    "--verbose", "any close" }), 0, "flags with a value behind them or behind =");
	is_int(options.settings.timeout_ms, 1000, "--timeout");
	is_int(options.settings.connect_timeout_ms, 2000, "--connect-timeout");
	is_int(options.settings.idle_timeout_ms, 3000, "--idle-timeout");
	is_int(options.settings.log, LOG_TO_NONE, "--log");
	ok(options.settings.verbose, "--verbose");
	is_int(options.mode, MODE_SERVE, "flags and rules: usher serves");
	is_int(rules.count, 1, "flags and a rule: one rule is read");
	is_int(parse((const char *const[WORDS]){ "--timeout", "1s", "--timeout=4s", "any close" }), 0, "a flag may come twice");
	is_int(options.settings.timeout_ms, 4000, "of a flag that comes twice the last counts");
	is_int(parse((const char *const[WORDS]){ "any close", "--timeout=4s" }), 0, "a flag may come behind a rule");
	is_int(options.settings.timeout_ms, 4000, "a flag behind a rule counts");
}

static void
test_modes(void)
{
	static const struct {
		const char *words[WORDS];
		enum mode mode;
	} cases[] = {
		{ { "--check", "any close" }, MODE_CHECK },
		{ { "any close", "--check" }, MODE_CHECK },
		{ { "--explain", "any close" }, MODE_EXPLAIN },
		{ { "--explain" }, MODE_EXPLAIN },
		{ { "--protocols" }, MODE_PROTOCOLS },
		{ { "--version" }, MODE_VERSION },
		{ { "--help" }, MODE_HELP },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		is_int(parse(cases[i].words), 0, "%s", cases[i].words[0]);
		is_int(options.mode, cases[i].mode, "a flag that is a mode sets it");
	}
}

/* Usage is one thing, a bad rule another: they have different exit statuses. */
static void
test_errors(void)
{
	static const struct {
		const char *words[WORDS];
		int error;
		const char *read;
	} cases[] = {
		{ { "--frobnicate", "any close" }, EINVAL, "frobnicate" },
		{ { "--frobnicate=3", "any close" }, EINVAL, "frobnicate" },
		{ { "--time", "3s", "any close" }, EINVAL, "time" },
		{ { "-v", "any close" }, EINVAL, "-v" },
		{ { "-", "any close" }, EINVAL, "-" },
		{ { "any close", "--timeout" }, EINVAL, "timeout" },
		{ { "any close", "--config" }, EINVAL, "config" },
		{ { "any close", "--config=" }, EINVAL, "config" },
		{ { "any close", "--ssh" }, EINVAL, "ssh" },
		{ { "--timeout=", "any close" }, EINVAL, "timeout" },
		{ { "--timeout=soon", "any close" }, EINVAL, "soon" },
		{ { "--timeout", "-3s", "any close" }, EINVAL, "-3s" },
		{ { "--log=nowhere", "any close" }, EINVAL, "nowhere" },
		{ { "--check=yes", "any close" }, EINVAL, "check" },
		{ { "--help=me" }, EINVAL, "help" },
		{ { "--nonsense", "127.0.0.1:22" }, EINVAL, "nonsense" },
		{ { "any frob" }, EBADMSG, "frob" },
		{ { "ssh", "exec", "/usr/sbin/sshd" }, EBADMSG, "ssh" },
		{ { "--ssh", "nowhere" }, EBADMSG, "nowhere" },
		{ { "--ssh=" }, EBADMSG, "connect" },
		{ { "--config", "/nonexistent/usher.conf" }, EBADMSG, "/nonexistent/usher.conf" },
		{ { "--timeout=1s", "silent=2s close" }, EBADMSG, "silent" },
		{ { "silent=2s close", "--timeout=1s" }, EBADMSG, "silent" },
		{ { "set timeout 3s" }, EBADMSG, "set" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		is_int(parse(cases[i].words), -cases[i].error, "%s %s", cases[i].words[0],
		    cases[i].words[1] != NULL ? cases[i].words[1] : "");
		ok(strstr(complaint.text, cases[i].read) != NULL, "%s", complaint.text);
		ok(strchr(complaint.text, '\n') == NULL, "a complaint is one line");
	}
	is_int(parse((const char *const[WORDS]){ "silent=4s close", "--timeout=5s" }), 0,
	    "a timeout behind the rule that needs it");
}

/* Rules come in the order in which they are given, wherever they come from. */
static void
test_order(void)
{
	static const char *const want[] = {
		"connect 127.0.0.1:22",
		"close",
		"exec /bin/one",
		"exec /bin/two",
		"connect 127.0.0.1:8443",
		"connect 127.0.0.1:1",
		NULL,
	};
	static const char text[] = "set timeout 9s\nhttp exec /bin/one\nhttp2 exec /bin/two\n";
	const char *words[WORDS] = { "--ssh", "127.0.0.1:22", "redis close", "--config", NULL, "--tls=127.0.0.1:8443", "--any",
		"127.0.0.1:1" };
	const struct rule *r;
	size_t i = 0;

	words[4] = scratch_file(text, sizeof(text) - 1);
	is_int(parse(words), 0, "rules from flags, files and arguments are read");
	for (r = rules.first; r != NULL && want[i] != NULL; r = r->next, i++) {
		is_str(r->action.text, want[i], "rule %zu", i + 1);
		is_int(r->number, (long long)i + 1, "rules from everywhere: the number of each");
		is_int(r->line, i == 2 ? 2 : i == 3 ? 3 : 0, "rules from everywhere: the line of each");
	}
	ok(r == NULL && want[i] == NULL, "rules from everywhere: there are no more");
	is_int(options.settings.timeout_ms, 9000, "rules from everywhere: the file's setting counts");
	is_str(options.config, scratch_path("file"), "rules from everywhere: the file is told");
}

static void
test_many_configs(void)
{
	const char *words[WORDS] = { "--config", NULL, "--config", NULL };

	words[1] = words[3] = scratch_file("any close\n", 10);
	is_int(parse(words), 0, "a file may be named twice");
	is_int(rules.count, 2, "a file that is named twice is read twice");
	words[1] = words[3] = scratch_file("# none\nset timeout 1s\n", 22);
	is_int(parse(words), -EBADMSG, "files without a rule are refused");
	ok(strstr(complaint.text, "file: no rule in it") != NULL, "%s", complaint.text);
	words[2] = "any close";
	words[3] = NULL;
	is_int(parse(words), 0, "a file without a rule may add settings to the rules of the command line");
	words[2] = "--explain";
	is_int(parse(words), -EBADMSG, "--explain --config needs a rule in the file");
	words[2] = "--config";
	words[1] = words[3] = scratch_file("any frob\n", 9);
	is_int(parse(words), -EBADMSG, "a bad file is refused");
	ok(strstr(complaint.text, "file:1: ") != NULL && strstr(complaint.text, "frob") != NULL, "%s", complaint.text);
}

/* --help names every flag that there is, and goes to standard output. */
static void
test_help(void)
{
	static const char *const flags[] = {
		"--config",
		"--check",
		"--explain",
		"--protocols",
		"--timeout",
		"--connect-timeout",
		"--idle-timeout",
		"--log",
		"--verbose",
		"--version",
		"--help",
		"ssh",
		"tls",
		"http",
	};
	static char text[65536];
	int out[2];
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) == -1)
		die("pipe: %s", strerror(errno));
	pid = fork_child();
	if (pid == 0) {
		if (dup2(out[1], 1) == -1)
			_exit(98);
		options_help();
		_exit(fflush(stdout) != 0);
	}
	close(out[1]);
	receive(out[0], text, sizeof(text) - 1);
	close(out[0]);
	is_int(wait_child(pid), 0, "--help ends with 0");
	for (size_t i = 0; i < COUNT(flags); i++)
		ok(strstr(text, flags[i]) != NULL, "--help names %s", flags[i]);
}

int
main(void)
{
	test_flags();
	test_modes();
	test_errors();
	test_order();
	test_many_configs();
	test_help();
	rules_clear(&rules);
	fixture_end();
	return done_testing();
}
