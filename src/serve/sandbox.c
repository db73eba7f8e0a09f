#include "config.h"

#include "serve/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/number.h"
#include "serve/landlock.h"
#include "serve/seccomp.h"

/* More memory than any rule needs, and more time than any decision takes. */
#define MEMORY (64 * 1024 * 1024)
#define READER_CPU_S 20

/* A sanitizer makes system calls of its own, and maps more memory than there is. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

/* Give up root and all capabilities for USER.  Returns 0 or -errno; the others go in any case. */
static int
give_up_root(const struct user *user)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };
	int r = 0;

	if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
	    setresuid(user->uid, user->uid, user->uid) < 0))
		r = -errno;
	/* an ordinary user may have been given some */
	return syscall(SYS_capset, &header, none) < 0 ? -errno : r;
}

static int
limit(int resource, rlim_t most)
{
	return setrlimit(resource, &(struct rlimit){ most, most });
}

/* What is open stays open; poll(2) refuses more descriptors than may be open. */
static int
limit_reader(bool may_log)
{
	int r = limit(RLIMIT_NOFILE, may_log ? STDERR_FILENO + 2 : 1) | limit(RLIMIT_CPU, READER_CPU_S);

	/* the log may be a file */
	return may_log ? r : r | limit(RLIMIT_FSIZE, 0);
}

/* The part that is the same for all. */
static const char *
enter(const struct user *user, const struct rules *rules, unsigned needs)
{
	const char *failed = NULL;

	if (give_up_root(user) < 0)
		failed = "root cannot be given up";
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return failed != NULL ? failed : "no_new_privs cannot be set";
	if (landlock_enter(rules, needs) < 0 && failed == NULL)
		failed = "Landlock is not to be had";
	if (SANITIZED)
		return failed != NULL ? failed : "a sanitizer is in the way";
	if ((limit(RLIMIT_NPROC, 0) | limit(RLIMIT_CORE, 0) | limit(RLIMIT_AS, MEMORY)) != 0 && failed == NULL)
		failed = "limits cannot be set";
	return failed;
}

static const char *
filter(const char *failed, unsigned what, void (*tell)(int number))
{
	if (SANITIZED || seccomp_enter(what, log_held(), tell) == 0 || failed != NULL)
		return failed;
	return "seccomp is not to be had";
}

const char *
sandbox_reader(pid_t parent, const struct user *user, bool may_log, void (*tell)(int number))
{
	const char *failed = enter(user, NULL, 0);

	/* a change of user undoes it, so not before that */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	if (!SANITIZED && limit_reader(may_log) != 0 && failed == NULL)
		failed = "limits cannot be set";
	return filter(failed, SECCOMP_SNIFF | (may_log ? SECCOMP_LOG : 0), tell);
}

/* A signal's handler, in the middle of a system call of ours: no formatting. */
static void
log_forbidden(int number)
{
	char text[64] = "system call ";

	stpcpy(number_put(text + strlen(text), (unsigned)number), " is none that usher makes: this process ends");
	log_text(LOG_CRIT, text);
}

const char *
sandbox_server(const struct user *user, const struct rules *rules, unsigned needs, bool accepts)
{
	unsigned what = SECCOMP_SNIFF | SECCOMP_RELAY | SECCOMP_LOG | SECCOMP_NARROW;

	if (accepts)
		what |= SECCOMP_ACCEPT;
	if (needs != 0)
		what |= SECCOMP_CONNECT;
	if (needs & RULES_TCP)
		what |= SECCOMP_TCP;
	if (needs & (RULES_PATH | RULES_ABSTRACT))
		what |= SECCOMP_UNIX;
	if (needs & RULES_VSOCK)
		what |= SECCOMP_VSOCK;
	return filter(enter(user, rules, needs), what, log_forbidden);
}

const char *
sandbox_relay(const struct user *user)
{
	return filter(enter(user, NULL, 0), SECCOMP_RELAY | SECCOMP_LOG, log_forbidden);
}

void
sandbox_narrow(void)
{
	filter(NULL, SECCOMP_RELAY | SECCOMP_LOG, log_forbidden);
}

bool
sandbox_features(char text[SANDBOX_FEATURES])
{
	int version = landlock_version();
	bool seccomp = seccomp_is_there();
	char landlock[24] = "no Landlock";

	if (version > 0)
		snprintf(landlock, sizeof landlock, "Landlock %d", version);
	snprintf(text, SANDBOX_FEATURES, "%s, %s", seccomp ? "seccomp" : "no seccomp", landlock);
	return seccomp && version > 0;
}
