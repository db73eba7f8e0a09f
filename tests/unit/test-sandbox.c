/*
 * The sandbox of a process that serves a connection by itself, and of one that only relays: what a process that somebody else has
 * taken over can still do.  test-privsep has the same for one that only reads.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/title.h"
#include "fixture.h"
#include "net/dial.h"
#include "net/relay.h"
#include "rule/grammar.h"
#include "serve/landlock.h"
#include "serve/sandbox.h"
#include "serve/seccomp.h"
#include "tap.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* An ordinary user, whom root is for a while. */
#define SOMEBODY 4711

static struct rules rules;
static struct settings settings;
static struct address backend, elsewhere;
static int backend_fd, elsewhere_fd;
static pid_t parent;

enum phase { SERVER, RELAY, NARROWED };

static const char *const phases[] = { "a process that serves", "a process that relays", "a process that served and now relays" };

static void
begin_rules(const char *line)
{
	struct complaint complaint;

	rules_clear(&rules);
	settings_defaults(&settings);
	if (grammar_line(&rules, &settings, NULL, 0, line, &complaint) < 0)
		die("%s: %s", line, complaint.text);
}

static const char *
enter(enum phase phase)
{
	const char *failed;

	if (phase == RELAY)
		return sandbox_relay(&settings.user);
	failed = sandbox_server(&settings.user, &rules, rules_need(&rules), false);
	if (phase == NARROWED)
		sandbox_narrow();
	return failed;
}

/* Whether this system has what there is to be seen, as qemu-user and a sanitizer's build have not. */
static bool
has_filters(void)
{
	pid_t pid = fork_child();

	if (pid == 0) {
		close(STDERR_FILENO);
		enter(SERVER);
		_exit(open("/dev/null", O_RDONLY) < 0);
	}
	return wait_child(pid) == 128 + SIGSYS;
}

/* --- what an attacker would try: true when it works --- */

static bool opens(void) { return open("/etc/passwd", O_RDONLY) >= 0; }
static bool opens_shadow(void) { return open("/etc/shadow", O_RDONLY) >= 0; }
static bool opens_memory(void) { return open("/proc/self/mem", O_RDWR) >= 0; }
static bool creates(void) { return open("/tmp/usher-was-here", O_CREAT | O_WRONLY, 0600) >= 0; }
static bool removes(void) { return unlink("/tmp/usher-not-here") == 0 || errno == ENOENT; }
static bool changes_mode(void) { return chmod("/tmp", 01777) == 0; }
static bool executes(void) { return execl("/bin/true", "true", (char *)NULL) == 0; }
static bool forks(void) { return fork() >= 0; }
static bool traces(void) { return ptrace(PTRACE_ATTACH, parent, NULL, NULL) == 0; }
static bool signals(void) { return kill(parent, 0) == 0; }
static bool signals_itself(void) { return kill(getpid(), 0) == 0; }
static bool becomes_root(void) { return setuid(0) == 0; }
static bool changes_root(void) { return chroot("/") == 0; }
static bool waits_for(void) { return waitpid(-1, NULL, WNOHANG) >= 0 || errno == ECHILD; }
static bool listens(void) { return listen(backend_fd, 1) == 0; }
static bool binds(void) { return bind(backend_fd, &backend.sa, backend.length) == 0; }
static bool accepts(void) { return accept4(elsewhere_fd, NULL, NULL, 0) >= 0; }
static bool duplicates(void) { return dup(0) >= 0; }
static bool becomes_dumpable(void) { return prctl(PR_SET_DUMPABLE, 1) == 0; }
static bool lifts_limits(void) { return setrlimit(RLIMIT_AS, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY }) == 0; }
static bool makes_unix(void) { return socket(AF_UNIX, SOCK_STREAM, 0) >= 0; }
static bool makes_datagram(void) { return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0; }
static bool makes_raw(void) { return socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6) >= 0; }
static bool makes_netlink(void) { return socket(AF_NETLINK, SOCK_RAW, 0) >= 0; }
static bool makes_packet(void) { return socket(AF_PACKET, SOCK_RAW, 0) >= 0; }
static bool makes_vsock(void) { return socket(AF_VSOCK, SOCK_STREAM, 0) >= 0; }
static bool makes_pair(void) { return socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){ -1, -1 }) == 0; }

static bool
reads_parent(void)
{
	char byte;
	struct iovec here = { &byte, 1 }, there = { &parent, 1 };

	return process_vm_readv(parent, &here, 1, &there, 1, 0) == 1;
}

static bool
maps_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool
makes_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page != MAP_FAILED && mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
}

/* Twice what is allowed. */
static bool
fills_memory(void)
{
	size_t got = 0;

	for (size_t i = 0; i < 128; i++)
		got += mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
	return got == 128;
}

/* A port that no rule has. */
static bool
connects_elsewhere(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && connect(fd, &elsewhere.sa, elsewhere.length) == 0;
}

static bool
connects(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && connect(fd, &backend.sa, backend.length) == 0;
}

/* In which phases it is to be tried, and what ends it: the filter, or an error. */
#define IN(phase) (1U << (phase))
#define IN_ALL (IN(SERVER) | IN(RELAY) | IN(NARROWED))

struct attempt {
	const char *what;
	bool (*try)(void);
	unsigned phases;
	bool by_filter;
};

static const struct attempt attempts[] = {
	{ "open a file", opens, IN_ALL, true },
	{ "open /etc/shadow", opens_shadow, IN_ALL, true },
	{ "open its own memory", opens_memory, IN_ALL, true },
	{ "create a file", creates, IN_ALL, true },
	{ "remove a file", removes, IN_ALL, true },
	{ "change a file's mode", changes_mode, IN_ALL, true },
	{ "execute", executes, IN_ALL, true },
	{ "fork", forks, IN_ALL, true },
	{ "trace the parent", traces, IN_ALL, true },
	{ "signal the parent", signals, IN_ALL, true },
	{ "signal itself", signals_itself, IN_ALL, true },
	{ "read the parent's memory", reads_parent, IN_ALL, true },
	{ "become root", becomes_root, IN_ALL, true },
	{ "change its root", changes_root, IN_ALL, true },
	{ "wait for processes", waits_for, IN_ALL, true },
	{ "listen", listens, IN_ALL, true },
	{ "bind", binds, IN_ALL, true },
	{ "accept", accepts, IN_ALL, true },
	{ "duplicate a descriptor", duplicates, IN_ALL, true },
	{ "become dumpable", becomes_dumpable, IN_ALL, true },
	{ "lift its limits", lifts_limits, IN_ALL, true },
	{ "make a Unix socket", makes_unix, IN_ALL, true },
	{ "make a UDP socket", makes_datagram, IN_ALL, true },
	{ "make a raw socket", makes_raw, IN_ALL, true },
	{ "make a netlink socket", makes_netlink, IN_ALL, true },
	{ "make a packet socket", makes_packet, IN_ALL, true },
	{ "make a vsock socket", makes_vsock, IN_ALL, true },
	{ "make a pair of sockets", makes_pair, IN_ALL, true },
	{ "map memory that can be executed", maps_code, IN_ALL, true },
	{ "make memory that can be executed", makes_code, IN_ALL, true },
	{ "fill the memory", fills_memory, IN_ALL, false },
	{ "connect to the backend once more", connects, IN(RELAY) | IN(NARROWED), true },
	{ "connect elsewhere", connects_elsewhere, IN(RELAY) | IN(NARROWED), true },
};

/* Returns how a process that is in PHASE and tries it ends; LOG gets what it logs. */
static int
attempt(enum phase phase, bool (*try)(void), bool as_root, char *log, size_t size)
{
	int pipe[2];
	size_t length;
	pid_t pid;

	if (pipe2(pipe, O_CLOEXEC) == -1)
		die("pipe: %s", strerror(errno));
	pid = fork_child();
	if (pid == 0) {
		dup2(pipe[1], STDERR_FILENO);
		close(pipe[0]);
		close(pipe[1]);
		if (!as_root && geteuid() == 0 && (setresgid(SOMEBODY, SOMEBODY, SOMEBODY) == -1 ||
		    setresuid(SOMEBODY, SOMEBODY, SOMEBODY) == -1))
			_exit(2);
		enter(phase);
		_exit(try());
	}
	close(pipe[1]);
	length = receive(pipe[0], log, size - 1);
	log[length] = '\0';
	close(pipe[0]);
	return wait_child(pid);
}

static void
test_attempts(bool as_root)
{
	const char *who = as_root ? "root" : "ordinary";
	char log[256];

	for (size_t i = 0; i < COUNT(attempts); i++)
		for (enum phase phase = SERVER; phase <= NARROWED; phase++) {
			const struct attempt *a = &attempts[i];
			int end;

			if (!(a->phases & IN(phase)))
				continue;
			end = attempt(phase, a->try, as_root, log, sizeof(log));
			is_int(end, a->by_filter ? 128 + SIGSYS : 0, "%s: %s cannot %s", who, phases[phase], a->what);
			/* a libc that blocks signals around the call leaves no time to say which it was */
			if (a->by_filter && a->try != forks && a->try != becomes_root)
				ok(strstr(log, "usher: system call ") != NULL && strstr(log, "this process ends") != NULL,
				    "%s: the log says which call it was: %.40s", who, log);
		}
	if (landlock_version() < 4) {
		printf("# this kernel's Landlock knows of no ports\n");
		return;
	}
	is_int(attempt(SERVER, connects_elsewhere, as_root, log, sizeof(log)), 0, "%s: who serves reaches no port but the rules'",
	    who);
}

/* --- what must go on working --- */

/* Relay between a client and the backend; PHASE decides who has connected. */
static void
test_honest(enum phase phase, bool as_root)
{
	struct pair client = pair_open(WIRE_TCP4);
	struct relay_options options = { .idle_ms = 20000 };
	static const struct dial_options any_time = { .deadline = CLOCK_NEVER };
	static uint8_t buffer[RELAY_BUFFER];
	static char bulk[1 << 20], back[1 << 20];
	bool whole = landlock_version() > 0;
	char byte;
	int far;
	pid_t sender, pid = fork_child();

	if (pid == 0) {
		struct relay_result result;
		struct title title = { 0 };
		struct address peer;
		char failure[DIAL_FAILURE];
		int fd = -1;

		close(client.far);
		if (!as_root && geteuid() == 0 && setresuid(SOMEBODY, SOMEBODY, SOMEBODY) == -1)
			_exit(2);
		if (phase == RELAY)
			fd = dial(rules.first->action.endpoints, 1, &any_time, &peer, failure);
		/* a kernel without Landlock, or a container that forbids it, takes nothing from the rest */
		if (enter(phase) != NULL && whole)
			_exit(3);
		if (phase != RELAY)
			fd = dial(rules.first->action.endpoints, 1, &any_time, &peer, failure);
		if (fd < 0)
			_exit(4);
		title_set(&title, "usher: a title");
		if (phase == SERVER)
			sandbox_narrow();
		options.buffer = buffer;
		relay(client.near, fd, &options, &result);
		log_line(LOG_INFO, "a line");
		_exit(result.bytes[RELAY_CLIENT] != sizeof(bulk) || result.bytes[RELAY_BACKEND] != 2);
	}
	close(client.near);
	if (!ok(poll_for(backend_fd, POLLIN) & POLLIN, "the backend is connected to")) {
		close(client.far);
		is_int(wait_child(pid), 0, "a process that relays");
		return;
	}
	far = accept(backend_fd, NULL, NULL);
	sender = fork_child();
	if (sender == 0) {
		send_all(client.far, bulk, sizeof(bulk));
		shutdown(client.far, SHUT_WR);
		_exit(0);
	}
	is_int((long long)receive(far, back, sizeof(back)), sizeof(bulk), "bytes to the backend pass, in bulk");
	is_int((long long)receive(far, &byte, 1), 0, "and their end");
	send_all(far, "ok", 2);
	close(far);
	is_int((long long)receive(client.far, back, 2), 2, "bytes from the backend pass");
	is_int((long long)receive(client.far, &byte, 1), 0, "and their end");
	close(client.far);
	is_int(wait_child(sender), 0, "all was sent");
	is_int(wait_child(pid), 0, "%s: %s serves to the end", as_root ? "root" : "ordinary", phases[phase]);
}

int
main(void)
{
	char line[64];
	bool is_root = geteuid() == 0;

	backend_fd = listener(WIRE_TCP4, 8, &backend);
	elsewhere_fd = listener(WIRE_TCP4, 8, &elsewhere);
	parent = getpid();
	snprintf(line, sizeof(line), "any connect 127.0.0.1:%u", ntohs(backend.in.sin_port));
	begin_rules(line);
	if (!has_filters()) {
		ok(true, "there is no sandbox to be seen without filters of system calls");
		return done_testing();
	}
	for (int as_root = 0; as_root <= is_root; as_root++) {
		test_attempts(as_root);
		test_honest(SERVER, as_root);
		test_honest(RELAY, as_root);
	}
	return done_testing();
}
