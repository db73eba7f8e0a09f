/*
 * A parser that somebody else has taken over: in a build of usher for tests it stands in place of the one for git.
 *
 * What a client sends is the name of what it is to try.  If that works, the client gets "ACHIEVED".
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe/probes.h"

#define DESCRIPTORS 64

static bool opens_shadow(void) { return open("/etc/shadow", O_RDONLY) >= 0; }
static bool opens_passwd(void) { return open("/etc/passwd", O_RDONLY) >= 0; }
static bool creates(void) { return open("/tmp/usher-was-here", O_CREAT | O_WRONLY, 0600) >= 0; }
static bool executes(void) { return execl("/bin/true", "true", (char *)NULL) == 0; }
static bool forks(void) { return fork() >= 0; }
static bool traces(void) { return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0; }
static bool signals(void) { return kill(getppid(), SIGSTOP) == 0; }
static bool signals_all(void) { return kill(-1, 0) == 0; }
static bool becomes_root(void) { return setuid(0) == 0 && open("/etc/shadow", O_RDONLY) >= 0; }
static bool dumps(void) { return prctl(PR_SET_DUMPABLE, 1) == 0; }

/* A port that no rule has. */
static bool
connects(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(1), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* nobody listens there: that it is refused is the answer of a machine that was reached */
	return fd >= 0 && (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 || errno == ECONNREFUSED);
}

static bool
sends_datagram(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) == 1;
}

/* Whatever else is open: the client's connection is the one that has something to peek at. */
static bool
reads_others(void)
{
	char byte;

	for (int fd = STDERR_FILENO + 1; fd < DESCRIPTORS; fd++)
		if (recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 1 && read(fd, &byte, 1) == 1)
			return true;
	return false;
}

/* Answers for a parent that waits for one: too short, too long, of all ones. */
static bool
answers(void)
{
	static char nonsense[1 << 17];

	memset(nonsense, 0xff, sizeof(nonsense));
	for (int fd = 0; fd < DESCRIPTORS; fd++) {
		int type;
		socklen_t size = sizeof(type);

		/* not to the client nor to the log */
		if (fd != STDERR_FILENO && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
			(void)!write(fd, nonsense, sizeof(nonsense));
	}
	return false;
}

static bool
fills_memory(void)
{
	size_t got = 0;

	for (size_t i = 0; i < 256; i++) {
		char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p != MAP_FAILED)
			memset(p, 1, 1 << 20);
		got += p != MAP_FAILED;
	}
	return got == 256;
}

static bool
maps_code(void)
{
	return mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool
spins(void)
{
	for (volatile int on = 1; on;)
		;
	return false;
}

static bool
crashes(void)
{
	volatile uintptr_t nowhere = 16;

	*(volatile char *)nowhere = 1;
	return false;
}

static const struct {
	const char *name;
	bool (*try)(void);
} attacks[] = {
	{ "shadow", opens_shadow }, { "passwd", opens_passwd }, { "create", creates }, { "execute", executes }, { "fork", forks },
	{ "trace", traces }, { "signal", signals }, { "signal-all", signals_all }, { "root", becomes_root }, { "dump", dumps },
	{ "connect", connects }, { "datagram", sends_datagram }, { "others", reads_others }, { "answer", answers },
	{ "memory", fills_memory }, { "code", maps_code }, { "spin", spins }, { "crash", crashes },
};

/* To the client, which is the one stream that is open: write(2) is there in every sandbox. */
static void
boast(void)
{
	for (int fd = 0; fd < DESCRIPTORS; fd++) {
		int type = 0;
		socklen_t size = sizeof(type);

		if (fd != STDERR_FILENO && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM)
			(void)!write(fd, "ACHIEVED", 8);
	}
}

enum verdict
probe_git(struct span in, struct reading *r)
{
	(void)r;
	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		size_t length = strlen(attacks[i].name);

		if (in.length == length + 1 && memcmp(in.bytes, attacks[i].name, length) == 0 && in.bytes[length] == '!')
			if (attacks[i].try())
				boast();
	}
	return in.length > 0 && in.bytes[in.length - 1] == '!' ? PROBE_NO : PROBE_MORE;
}
