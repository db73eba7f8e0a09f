/*
 * The process that reads a client's bytes, when somebody else has taken it over: a reader of the test's own runs in its place and
 * does what an attacker would.  What it achieves, it notes in memory that the test can see.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "fixture.h"
#include "rule/grammar.h"
#include "serve/privsep.h"
#include "serve/sandbox.h"
#include "serve/storage.h"
#include "tap.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct rules rules;
static struct settings settings;
static struct storage storage;
static struct session *s = &storage.session;
static struct decision decision;

/* Shared with every reader. */
static struct {
	int achieved;
	pid_t parent;
	int secret;		/* a descriptor that it should not have */
	struct privsep_message message;
} *shared;

static void
begin(const char *const *lines)
{
	struct complaint complaint;

	rules_clear(&rules);
	settings_defaults(&settings);
	settings.timeout_ms = 500;
	for (; *lines != NULL; lines++)
		if (grammar_line(&rules, &settings, NULL, 0, *lines, &complaint) < 0)
			die("%s: %s", *lines, complaint.text);
}

/* A client of 127.0.0.1 says TEXT; READER looks at it. */
static void
play(const char *text, privsep_reader *reader)
{
	struct pair p = pair_open(WIRE_TCP4);

	memset(&storage, 0, sizeof(storage));
	storage.connection = (struct connection){ .fd = p.near, .family = AF_INET };
	storage.connection.peer.length = sizeof(storage.connection.peer) - offsetof(struct address, sa);
	if (getpeername(p.near, &storage.connection.peer.sa, &storage.connection.peer.length) == -1)
		die("getpeername: %s", strerror(errno));
	s->connection = &storage.connection;
	s->title = &storage.title;
	s->settings = &settings;
	s->start = clock_ms();
	s->readings.scratch = s->scratch;
	s->readings.scratch_size = sizeof(s->scratch);
	send_text(p.far, text);
	shutdown(p.far, SHUT_WR);
	shared->achieved = 0;
	privsep_decide(s, &rules, reader, &decision);
	ok(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, "no process is left");
	pair_close(&p);
}

static const char *const some[] = {
	"tls sni=a.example exec /bin/a", "http host=b.example from=127.0.0.0/8 exec /bin/b", "http from=192.0.2.1 exec /bin/c",
	"regex=^x[0-9]+y exec /bin/d", "port=1 exec /bin/e", "http host=c.example reject", NULL,
};

/* --- an honest reader --- */

static void
test_proxied(void)
{
	const char *reason;

	begin(some);
	if (settings_set(&settings, "accept-proxy", "127.0.0.0/8", &reason) < 0)
		die("%s", reason);
	play("PROXY TCP4 192.0.2.1 198.51.100.1 5 1\r\nGET / HTTP/1.0\r\n\r\n", decide);
	ok(decision.end == DECIDE_RULE && s->rule->number == 3, "a rule is chosen by the address of a PROXY protocol header");
	is_int(address_port(&storage.connection.peer), 5, "the client is that of the header");
	is_int(address_port(&storage.connection.local), 1, "the address that it connected to is that of the header");
	is_int((long long)s->sniff.have, 18, "the header is none of the bytes");
	play("PROXY UNKNOWN\r\nGET / HTTP/1.0\r\n\r\n", decide);
	ok(decision.end == DECIDE_NO_RULE && storage.connection.via.length > 0, "a header without addresses leaves them alone");
	play("GET / HTTP/1.0\r\n\r\n", decide);
	ok(decision.end == DECIDE_PROXY_HEADER && decision.fault == PROXY_MISSING, "a header that is missing is reported");
}

static void
test_honest(void)
{
	begin(some);
	play("GET /p HTTP/1.0\r\nHost: b.example\r\n\r\n", decide);
	is_int(decision.end, DECIDE_RULE, "a rule is chosen by the other process");
	ok(s->rule != NULL && s->rule->number == 2, "it is the right rule");
	ok(s->probe != NULL && strcmp(s->probe->name, "http") == 0, "the protocol is known");
	is_int((long long)s->readings.reading.count, 3, "its attributes are known");
	ok(strcmp(s->readings.reading.attribute[2].name, "host") == 0 && s->readings.reading.attribute[2].value.length == 9 &&
	    memcmp(s->readings.reading.attribute[2].value.bytes, "b.example", 9) == 0, "an attribute has its value");
	is_int((long long)s->sniff.have, 36, "how many bytes came is known");
	play("x12y", decide);
	ok(decision.end == DECIDE_RULE && s->rule->number == 4, "a regular expression, which needs memory, is matched");
	play("zzz", decide);
	ok(decision.end == DECIDE_NO_RULE && s->rule == NULL && decision.error == 0, "no rule is chosen by the other process");
	play("", decide);
	is_int(decision.end, DECIDE_CLIENT, "a client that leaves without a word is reported");
	play("GET / HTTP/1.1\r\nHost: ", decide);
	ok(decision.end == DECIDE_UNDECIDED && s->unread != NULL && strcmp(s->unread->name, "host") == 0 && s->rule->number == 2,
	    "an attribute that stayed unread is reported with its rule");
}

/* --- what an attacker would try; each is noted when it works --- */

static void
achieve(bool worked)
{
	if (worked)
		shared->achieved++;
}

#define READER(name) static void name(struct session *session, const struct rules *r, struct decision *d)
#define UNUSED ((void)session, (void)r, (void)d)

READER(opens) { UNUSED; achieve(open("/etc/passwd", O_RDONLY) >= 0); }
READER(creates) { UNUSED; achieve(open("/tmp/usher-test-captured", O_CREAT | O_WRONLY, 0600) >= 0); }
READER(makes_socket) { UNUSED; achieve(socket(AF_INET, SOCK_STREAM, 0) >= 0); }
READER(connects) { UNUSED; struct sockaddr_in to = { .sin_family = AF_INET };
	achieve(connect(session->connection->fd, (struct sockaddr *)&to, sizeof(to)) == 0); }
READER(executes) { UNUSED; execve("/bin/true", (char *[]){ NULL }, (char *[]){ NULL }); }
READER(forks) { UNUSED; pid_t pid = fork(); if (pid == 0) _exit(0); achieve(pid > 0); }
READER(traces) { UNUSED; achieve(ptrace(PTRACE_ATTACH, shared->parent, NULL, NULL) == 0); }
READER(signals) { UNUSED; achieve(kill(shared->parent, SIGWINCH) == 0); }
READER(reads_parent) { UNUSED; achieve(syscall(SYS_process_vm_readv, shared->parent, NULL, 0, NULL, 0, 0) == 0); }
READER(becomes_root) { UNUSED; achieve(setuid(0) == 0 && geteuid() == 0); }
READER(maps_code) { UNUSED; achieve(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
	MAP_FAILED); }
READER(sets_tcp) { UNUSED; int on = 1; achieve(setsockopt(session->connection->fd, IPPROTO_TCP, 1, &on, sizeof(on)) == 0); }
READER(makes_pipe) { UNUSED; int fd[2]; achieve(pipe(fd) == 0); }
READER(duplicates) { UNUSED; achieve(fcntl(0, F_DUPFD, 100) >= 0); }
READER(becomes_dumpable) { UNUSED; achieve(prctl(PR_SET_DUMPABLE, 1) == 0); }

/* These need no call that is not allowed. */
READER(reads_secret) { UNUSED; char c; achieve(recv(shared->secret, &c, 1, MSG_DONTWAIT) == 1); }
READER(fills_memory)
{
	UNUSED;
	for (int i = 0; i < 256; i++) {
		char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			_exit(0);
		memset(p, 1, 1 << 20);
	}
	achieve(true);
}
READER(spins) { UNUSED; for (;;) ; }
READER(sleeps) { UNUSED; for (;;) poll(NULL, 0, 1000); }
READER(ends) { UNUSED; _exit(0); }
READER(crashes) { UNUSED; __builtin_trap(); }
READER(survives) { UNUSED; signal(SIGSYS, SIG_IGN); signal(SIGTERM, SIG_IGN); achieve(open("/etc/passwd", O_RDONLY) >= 0); }

/* Write N bytes of the test's message, TIMES times. */
static void
write_raw(size_t n, int times)
{
	for (int i = 0; i < times; i++)
		if (write(1, &shared->message, n) != (ssize_t)n)
			_exit(1);
	_exit(0);
}

READER(says) { UNUSED; write_raw(sizeof(shared->message), 1); }
READER(says_twice)
{
	UNUSED;
	if (write(1, &shared->message, sizeof(shared->message)) > 0)
		shared->message.rule = 6;
	write_raw(sizeof(shared->message), 1);
}
READER(says_less) { UNUSED; write_raw(sizeof(shared->message) - 1, 1); }
READER(says_one_byte) { UNUSED; write_raw(1, 1); }
READER(says_for_ever) { UNUSED; write_raw(4096, 1 << 30); }

static void
ignore(int number)
{
	(void)number;
}

/* Whether this system has filters of system calls, as qemu-user and a sanitizer's build have not. */
static bool
has_filters(void)
{
	pid_t pid = fork_child();

	if (pid == 0) {
		sandbox_reader(getppid(), &settings.user, false, ignore);
		_exit(open("/dev/null", O_RDONLY) < 0);
	}
	return wait_child(pid) == 128 + SIGSYS;
}

/* failure: what the decision says, or NULL: anything. */
struct hostile {
	const char *what;
	privsep_reader *reader;
	const char *failure;
};

static void
test_captured(void)
{
	static const struct hostile cases[] = {
		{ "open a file", opens, "tried system call" },
		{ "create a file", creates, "tried system call" },
		{ "make a socket", makes_socket, "tried system call" },
		{ "connect the client's socket", connects, "tried system call" },
		{ "execute", executes, "tried system call" },
		{ "fork", forks, "tried system call" },
		{ "trace the parent", traces, "tried system call" },
		{ "signal the parent", signals, "tried system call" },
		{ "read the parent's memory", reads_parent, "tried system call" },
		{ "become root", becomes_root, "tried system call" },
		{ "map memory that can be executed", maps_code, "tried system call" },
		{ "set a TCP option", sets_tcp, "tried system call" },
		{ "make a pipe", makes_pipe, "tried system call" },
		{ "duplicate a descriptor", duplicates, "tried system call" },
		{ "become dumpable", becomes_dumpable, "tried system call" },
		{ "read a descriptor of the parent's", reads_secret, NULL },
		{ "fill the memory", fills_memory, "" },
		{ "ignore SIGSYS", survives, NULL },
	};
	bool filters = has_filters();

	begin(some);
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (!filters) {
			printf("# not run without filters of system calls: %s\n", cases[i].what);
			continue;
		}
		play("GET / HTTP/1.0\r\n\r\n", cases[i].reader);
		is_int(shared->achieved, 0, "a captured reader cannot %s", cases[i].what);
		if (cases[i].failure != NULL)
			/* a libc that blocks signals around the call leaves no time to say which it was */
			ok(decision.end == DECIDE_SYSTEM && (strstr(decision.failure, cases[i].failure) != NULL ||
			    strstr(decision.failure, "signal 31") != NULL),
			    "it is said: %s", decision.failure);
	}
}

static void
test_useless(void)
{
	static const struct hostile cases[] = {
		{ "spins", spins, "no answer in time" },
		{ "sleeps", sleeps, "no answer in time" },
		{ "ends", ends, "did not answer" },
		{ "crashes", crashes, "" },
	};

	begin(some);
	settings.timeout_ms = 50;
	for (size_t i = 0; i < COUNT(cases); i++) {
		play("x", cases[i].reader);
		ok(decision.end == DECIDE_SYSTEM && s->rule == NULL, "a reader that %s gets no rule chosen", cases[i].what);
		ok(strstr(decision.failure, cases[i].failure) != NULL, "a reader that %s: %s", cases[i].what, decision.failure);
	}
}

/* --- wrong messages --- */

/* A message that is right: HTTP by rule 2. */
static struct privsep_message *
good(void)
{
	struct privsep_message *m = &shared->message;

	memset(m, 0, sizeof(*m));
	m->end = DECIDE_RULE;
	m->rule = 2;
	m->probe = (uint32_t)(probe_find("http") - probes) + 1;
	m->have = 36;
	m->count = 1;
	m->attributes[0].name = 2;
	m->attributes[0].length = 9;
	memcpy(m->text, "b.example", 9);
	return m;
}

static void
refused(const char *what)
{
	play("GET / HTTP/1.0\r\n\r\n", says);
	ok(decision.end == DECIDE_SYSTEM && s->rule == NULL && s->readings.reading.count == 0 && *decision.failure != '\0',
	    "a message %s is refused: %s", what, decision.failure);
}

/* A message that is right but for what a PROXY protocol header is said to have named. */
static struct privsep_message *
proxied(const char *from, const char *from_port, const char *to, const char *to_port)
{
	struct privsep_message *m = good();

	m->proxied = 1;
	if (address_from_text(from, from_port, &m->peer) < 0 || address_from_text(to, to_port, &m->local) < 0)
		die("%s %s", from, to);
	return m;
}

static void
test_messages(void)
{
	struct networks loopback;
	const char *reason;

	if (networks_parse("127.0.0.0/8", &loopback, &reason) < 0)
		die("%s", reason);

	begin(some);
	good();
	play("GET / HTTP/1.0\r\n\r\n", says);
	ok(decision.end == DECIDE_RULE && s->rule->number == 2 && s->readings.reading.count == 1,
	    "a message that is right is believed");

	good()->end = DECIDE_UNDECIDED;
	shared->message.unread = 1;
	play("GET / HTTP/1.0\r\n\r\n", says);
	ok(decision.end == DECIDE_UNDECIDED && strcmp(s->unread->name, "protocol") == 0,
	    "so is one of a rule that has not seen enough");

	good()->end = DECIDE_SYSTEM + 1;
	refused("with an end that there is not");
	good()->end = UINT32_MAX;
	refused("with an end of all ones");
	good()->error = -1;
	refused("with an errno below 0");
	good()->error = EIO;
	refused("with a rule and an errno");
	good()->rule = 7;
	refused("with a rule that there is not");
	good()->rule = UINT32_MAX;
	refused("with a rule of all ones");
	good()->rule = 0;
	refused("without the rule that it has chosen");
	good()->rule = 3;
	refused("with a rule for other clients");
	good()->rule = 5;
	refused("with a rule for another port");
	good()->end = DECIDE_NO_RULE;
	refused("with a rule, and none chosen");
	good()->unread = 1;
	refused("with an attribute that was not read, and a rule chosen");
	good()->end = DECIDE_UNDECIDED;
	refused("that is undecided about nothing");
	good()->end = DECIDE_UNDECIDED;
	shared->message.unread = 4;
	refused("that is undecided about an address");
	good()->end = DECIDE_UNDECIDED;
	shared->message.unread = UINT32_MAX;
	refused("that is undecided about a condition that there is not");
	good()->probe = 1000;
	refused("with a protocol that there is not");
	good()->probe = 0;
	refused("with an attribute of no protocol");
	good()->have = SNIFF_MAX + 1;
	refused("with more bytes than are looked at");
	good()->count = READING_ATTRIBUTES + 1;
	refused("with too many attributes");
	good()->count = UINT32_MAX;
	refused("with attributes of all ones");
	good()->attributes[0].name = 4;
	refused("with an attribute that the protocol has not");
	good()->attributes[0].length = PRIVSEP_TEXT + 1;
	refused("with a value that does not fit");
	good()->count = 2;
	shared->message.attributes[1].length = PRIVSEP_TEXT - 8;
	refused("with values that do not fit together");

	good()->fault = PROXY_CRC;
	refused("with a fault of a PROXY protocol header, and a rule");
	good()->fault = PROXY_FAULTS;
	shared->message.end = DECIDE_PROXY_HEADER;
	shared->message.rule = 0;
	refused("with a fault that there is not");
	proxied("192.0.2.1", "1", "198.51.100.1", "1");
	refused("with a PROXY protocol header from a client that may send none");
	settings.accept_proxy = loopback;
	proxied("192.0.2.1", "1", "198.51.100.1", "1")->rule = 3;
	play("GET / HTTP/1.0\r\n\r\n", says);
	ok(decision.end == DECIDE_RULE && s->rule->number == 3 && address_port(&storage.connection.peer) == 1 &&
	    storage.connection.via.length > 0, "the addresses of a PROXY protocol header are believed where it may be");
	proxied("192.0.2.1", "1", "198.51.100.1", "1");
	refused("with a rule for clients other than that of the header");
	ok(storage.connection.via.length == 0, "a message that is refused leaves the addresses alone");
	proxied("192.0.2.1", "1", "198.51.100.1", "1")->peer.length = 0;
	refused("with a header and no client");
	proxied("127.0.0.1", "1", "198.51.100.1", "1")->peer.length++;
	refused("with a client whose address is too long");
	proxied("127.0.0.1", "1", "198.51.100.1", "1")->peer.length = UINT32_MAX;
	refused("with a client whose address is of all ones");
	proxied("127.0.0.1", "1", "198.51.100.1", "1")->local.sa.sa_family = AF_VSOCK;
	refused("with an address of our own that no header has");
	proxied("127.0.0.1", "1", "198.51.100.1", "1")->proxied = 2;
	refused("with a header, twice");
	settings.accept_proxy = (struct networks){ 0 };

	good();
	play("x", says_twice);
	ok(decision.end == DECIDE_SYSTEM ? s->rule == NULL : s->rule->number == 2, "a second message changes nothing: %s",
	    decision.failure);
	play("x", says_less);
	ok(decision.end == DECIDE_SYSTEM && s->rule == NULL, "most of a message is refused: %s", decision.failure);
	play("x", says_one_byte);
	ok(decision.end == DECIDE_SYSTEM && s->rule == NULL, "a byte of a message is refused: %s", decision.failure);
	play("x", says_for_ever);
	ok(decision.end == DECIDE_SYSTEM && s->rule == NULL, "messages without end are refused: %s", decision.failure);
}

int
main(void)
{
	int secret[2];

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || socketpair(AF_UNIX, SOCK_STREAM, 0, secret) == -1)
		die("%s", strerror(errno));
	send_text(secret[1], "secret");
	shared->secret = secret[0];
	shared->parent = getpid();
	test_honest();
	test_proxied();
	test_captured();
	test_useless();
	test_messages();
	return done_testing();
}
