/* Titles are seen in /proc/PID/cmdline, from outside: each case is a process of its own, this program run again. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "fixture.h"
#include "tap.h"
#include "title.h"

extern char **environ;

/* /proc/self/cmdline, with | for each NUL between words, and none for those at the end. */
static void
print_title(void)
{
	char text[8192];
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd == -1 ? -1 : read(fd, text, sizeof(text));

	while (n > 0 && text[n - 1] == '\0')
		n--;
	for (ssize_t i = 0; i < n; i++)
		putchar(text[i] == '\0' ? '|' : text[i]);
	putchar('\n');
	if (fd != -1)
		close(fd);
}

/* The other half: what a case does in its process. */
static int
act(int argc, char **argv)
{
	static char longest[20000];
	struct title t;

	title_open(argc, argv, &t);
	if (strcmp(argv[1], "plain") == 0)
		print_title();
	title_set(&t, "usher: %s %d", "tls", 1);
	print_title();
	title_set(&t, "usher: %s", "longer than before 203.0.113.9:51234 -> 127.0.0.1:8443");
	print_title();
	title_set(&t, "u");
	print_title();
	printf("%s|%s|%s\n", argv[0], argv[1], argv[argc - 1]);
	printf("%s|%s\n", getenv("FIRST"), getenv("LAST") != NULL ? getenv("LAST") : "");
	memset(longest, 'x', sizeof(longest) - 1);
	title_set(&t, "%s", longest);
	printf("%d\n", t.length > 0 && t.start[t.length - 1] == '\0');
	title_set(NULL, "nothing");
	return 0;
}

/* Run this program with ARGV and ENVIRONMENT.  Returns what it printed. */
static const char *
run(const char *const argv[], const char *const environment[])
{
	static char text[65536];
	int pipe[2];
	size_t n;
	pid_t pid;

	if (pipe2(pipe, O_CLOEXEC) == -1)
		die("pipe: %s", strerror(errno));
	pid = fork_child();
	if (pid == 0) {
		dup2(pipe[1], 1);
		execve("/proc/self/exe", (char **)argv, (char **)environment);
		_exit(98);
	}
	close(pipe[1]);
	n = receive(pipe[0], text, sizeof(text) - 1);
	text[n] = '\0';
	close(pipe[0]);
	is_int(wait_child(pid), 0, "%s: it ends well", argv[1]);
	return text;
}

static void
test_titles(void)
{
	const char *const argv[] = { "usher", "plain", "an argument", "last", NULL };
	const char *const environment[] = { "FIRST=1", "PADDING=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "LAST=2", NULL };

	is_str(run(argv, environment),
	    "usher|plain|an argument|last\n"
	    "usher: tls 1\n"
	    "usher: longer than before 203.0.113.9:51234 -> 127.0.0.1:8443\n"
	    "u\n"
	    "usher|plain|last\n"
	    "1|2\n"
	    "1\n", "as it was until the first title, then each title alone; arguments and environment stay");
}

/* There is little room: what does not fit is cut. */
static void
test_small(void)
{
	const char *const argv[] = { "u", "small", NULL }, *const environment[] = { "FIRST=1", NULL };

	is_str(run(argv, environment), "usher: tls 1\nusher: longer t\nu\nu|small|small\n1|\n1\n", "a title is cut to what there is");
}

/* More than the room that is there without malloc(3). */
static void
test_large(void)
{
	static char padding[40000] = "PADDING=";
	const char *const argv[] = { "usher", "large", NULL }, *const environment[] = { "FIRST=1", padding, "LAST=2", NULL };
	const char *got;

	memset(padding + 8, 'x', sizeof(padding) - 9);
	got = run(argv, environment);
	ok(strncmp(got, "usher: tls 1\n", 13) == 0, "a large environment: a title");
	ok(strstr(got, "\nusher|large|large\n1|2\n1\n") != NULL, "and it stays");
}

/* Somebody has changed the environment: what does not stand behind the arguments is left alone. */
static void
test_moved(void)
{
	char memory[] = "one\0two\0three\0A=1\0B=2", elsewhere[] = "C=3";
	char *argv[] = { memory, memory + 4, memory + 8, NULL }, *environment[] = { elsewhere, memory + 14, NULL };
	char **saved = environ;
	struct title t;

	environ = environment;
	title_open(3, argv, &t);
	environ = saved;
	ok(t.start == memory && t.length == 14, "only what stands together is taken");
	title_set(&t, "title");
	is_str(memory, "title", "for a title");
	ok(strcmp(argv[0], "one") == 0 && strcmp(argv[1], "two") == 0 && strcmp(argv[2], "three") == 0, "the arguments are copies");
	is_str(environment[0], "C=3", "what stands elsewhere stays");
	is_str(environment[1], "A=1", "and what stands behind it");
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		return act(argc, argv);
	test_titles();
	test_small();
	test_large();
	test_moved();
	return done_testing();
}
