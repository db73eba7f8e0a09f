/*
 * usage: faults USHER FOLDER [PATTERN]
 *
 * Have every system call of every scenario fail once with every errno that it can, and look at what comes of it: the right target
 * or none, no byte at the client that is not its answer, no part of an answer that ends like a whole one, no process that stays,
 * and an exit status and a log line that say whose fault it was.  PATTERN (fnmatch(3)) picks cases by name:
 * scenario/call-N@process=ERRNO. Prints TAP; works on as many cases at a time as there are processors.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"

#define CASES_MAX 8000

/* Shared by the workers. */
static struct shared {
	atomic_uint next;
	struct outcome outcomes[CASES_MAX];
} *shared;
static struct testcase cases[CASES_MAX];
static unsigned case_count;
static const char *folder;
const char *usher, *myself;

_Noreturn void
fail(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

/* Note the cases that this call can be. */
void
record(struct run *r, unsigned process, const struct call *call, unsigned nth, const struct inject_call *c)
{
	for (const struct fault *f = call->faults; f->name != NULL; f++) {
		struct testcase t = { r->s, call, f, 0, process, nth, LOG_READ };

		if (!call_can_fail(call, f, c->pid, c->arguments, &t.class))
			continue;
		/* bulk is the same again and again */
		if (nth > (r->s->bulk_up + r->s->bulk_down > 0 ? 9u : 40u))
			continue;
		if (case_count == CASES_MAX)
			fail("more cases than there is room for");
		cases[case_count++] = t;
	}
}

static const char *const log_names[] = { "read", "reader-gone", "full", "closed", "device-full" };

static void
case_name(const struct testcase *c, char *to, size_t size)
{
	if (c->call == NULL)
		snprintf(to, size, "%s/log=%s", c->scenario->name, log_names[c->log]);
	else
		snprintf(to, size, "%s/%s-%u@%u=%s", c->scenario->name, c->call->name, c->nth, c->process, c->fault->name);
}

static int
watch_children(void)
{
	sigset_t chld;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	return (int)syscall(__NR_signalfd4, -1, &chld, 8, O_NONBLOCK | O_CLOEXEC);
}

static void
work(unsigned worker)
{
	static struct run r;
	char path[150];
	int children = watch_children();

	snprintf(path, sizeof path, "%s/w%u", folder, worker);
	for (;;) {
		unsigned i = atomic_fetch_add(&shared->next, 1);

		if (i >= case_count)
			break;
		/* how often a process polls or reads is a matter of chance */
		for (int tries = 0; tries < 3 && shared->outcomes[i].verdict <= NOT_REACHED; tries++) {
			run(&r, cases[i].scenario, &cases[i], path, children);
			judge(&r, &shared->outcomes[i]);
		}
	}
}

/* Run every scenario once as it is; that one must be served in full, or the test is wrong. */
static void
record_all(void)
{
	static struct run r;
	char path[150];
	int children = watch_children();

	snprintf(path, sizeof path, "%s/record", folder);
	for (size_t i = 0; i < scenario_count; i++) {
		const struct scenario *s = &scenarios[i];

		run(&r, s, NULL, path, children);
		if (r.full != (is_listening(s) ? CLIENTS : 1u) || r.hung || r.status != 0) {
			printf("Bail out! %s fails without any fault: %u served, status %x%s: %s\n", s->name, r.full,
			    (unsigned)r.status, r.hung ? ", hangs" : "", r.text);
			fflush(stdout);
			_exit(1);
		}
		for (enum log_state log = LOG_GONE; log <= LOG_DEVICE_FULL && s->shape != ACCEPTED_ALL; log++)
			cases[case_count++] = (struct testcase){ .scenario = s, .class = FAULT_LOG, .log = log };
	}
}

/* Keep the cases that PATTERN names. */
static void
pick(const char *pattern)
{
	unsigned kept = 0;
	char name[128];

	for (unsigned i = 0; i < case_count; i++) {
		case_name(&cases[i], name, sizeof name);
		if (fnmatch(pattern, name, 0) == 0)
			cases[kept++] = cases[i];
	}
	case_count = kept;
}

static bool
same_line(const struct testcase *a, const struct testcase *b)
{
	return a->scenario == b->scenario && a->call == b->call;
}

/* A line of TAP for each call of each scenario.  Returns whether all is well. */
static bool
report(void)
{
	unsigned number = 0, bad = 0, done = 0;
	static bool told[CASES_MAX];
	char name[128];

	for (unsigned i = 0; i < case_count; i++) {
		unsigned of = 0, failed = 0;

		if (told[i])
			continue;
		for (unsigned j = i; j < case_count; j++) {
			struct outcome *o = &shared->outcomes[j];

			if (told[j] || !same_line(&cases[i], &cases[j]))
				continue;
			told[j] = true;
			of += o->verdict != NOT_REACHED;
			if (o->verdict != BAD && o->verdict != NOT_RUN)
				continue;
			case_name(&cases[j], name, sizeof name);
			printf("# %s: %s\n", name, o->verdict == NOT_RUN ? "was not run" : o->why);
			failed++;
		}
		done += of;
		bad += failed;
		printf("%sok %u - %s: %s fails in every way (%u cases)\n", failed > 0 ? "not " : "", ++number,
		    cases[i].scenario->name, cases[i].call != NULL ? cases[i].call->name : "writing the log", of);
	}
	printf("# %u cases, %u of them failed; %u were not reached again\n", done, bad, case_count - done);
	printf("1..%u\n", number);
	return bad == 0;
}

/* What `exec' becomes. */
static int
be_program(void)
{
	char line[100];

	if (read(0, line, sizeof line) <= 0 || write(1, "program\n", 8) != 8)
		return 1;
	return 0;
}

int
main(int argc, char **argv)
{
	static char self[4096];
	long workers = sysconf(_SC_NPROCESSORS_ONLN);

	if (argc == 2 && strcmp(argv[1], "--program") == 0)
		return be_program();
	if (argc < 3)
		return 64;
	usher = argv[1];
	folder = argv[2];
	if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
		fail("/proc/self/exe");
	myself = self;
	signal(SIGPIPE, SIG_IGN);
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		fail("mmap");
	record_all();
	if (argc > 3)
		pick(argv[3]);
	fflush(stdout);
	for (long i = 0; i < workers; i++) {
		pid_t pid = fork();

		if (pid < 0)
			fail("fork");
		if (pid == 0) {
			work((unsigned)i);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	return report() ? 0 : 1;
}
