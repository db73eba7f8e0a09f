/* Titles are seen in /proc/PID/cmdline, from outside: each case is a process of its own, this program run again. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>

#include "fixture.h"
#include "tap.h"
#include "base/title.h"

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

/* The other half: what a case does in its process.  The title has a page of its own, as title.h asks for. */
static int
act(char **argv)
{
	static _Alignas(4096) struct title t, other;
	static char longest[2 * TITLE_SIZE];

	print_title();
	title_format(&t, "usher: %s %d", "tls", 1);
	print_title();
	title_format(&t, "usher: %s", "longer than before 203.0.113.9:51234 -> 127.0.0.1:8443");
	print_title();
	title_set(&t, "u");
	print_title();
	title_set(&other, "usher: elsewhere");
	print_title();
	/* behind the kernel's back: what it shows is what stands there */
	memcpy(other.text, "USHER", 5);
	print_title();
	printf("%s|%s|%s\n", argv[0], argv[1], getenv("FIRST"));
	memset(longest, 'x', sizeof(longest) - 1);
	title_set(&t, longest);
	printf("%zu\n", strlen(t.text));
	/* brk(2) still works where the kernel was told it begins */
	free(malloc(100000));
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
	is_int(wait_child(pid), 0, "%s: the process whose title changes ends with 0", argv[1]);
	return text;
}

static void
test_titles(void)
{
	const char *const argv[] = { "usher", "an argument", NULL }, *const environment[] = { "FIRST=1", NULL };
	char expected[512];
	unsigned size;

	/* CONFIG_CHECKPOINT_RESTORE; qemu-user does not know it either */
	if (prctl(PR_SET_MM, PR_SET_MM_MAP_SIZE, &size, 0, 0) == -1) {
		ok(true, "titles # SKIP PR_SET_MM: %s", strerror(errno));
		return;
	}
	snprintf(expected, sizeof(expected),
	    "usher|an argument\n"
	    "usher: tls 1\n"
	    "usher: longer than before 203.0.113.9:51234 -> 127.0.0.1:8443\n"
	    "u\n"
	    "usher: elsewhere\n"
	    "USHER: elsewhere\n"
	    "usher|an argument|1\n"
	    "%d\n", TITLE_SIZE - 1);
	is_str(run(argv, environment), expected,
	    "ps has the arguments until the first title, then each title alone; arguments and environment stay");
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		return act(argv);
	test_titles();
	return done_testing();
}
