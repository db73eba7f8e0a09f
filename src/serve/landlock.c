#include "config.h"

#include "serve/landlock.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The headers of Debian 11 have none of it; the numbers are the same for all machines. */
#ifndef __NR_landlock_create_ruleset
#define __NR_landlock_create_ruleset 444
#define __NR_landlock_add_rule 445
#define __NR_landlock_restrict_self 446
#endif
#define ASK_VERSION 1
#define RULE_PORT 2
/* All that version 1 knows of a file system, then what 2, 3 and 5 added. */
#define FS_VERSION_1 0x1fffULL
#define FS_REFER 0x2000ULL
#define FS_TRUNCATE 0x4000ULL
#define FS_IOCTL_DEV 0x8000ULL
#define TCP_BIND 1ULL
#define TCP_CONNECT 2ULL
#define SCOPE_ABSTRACT_SOCKET 1ULL
#define SCOPE_SIGNAL 2ULL

int
landlock_version(void)
{
	long version = syscall(__NR_landlock_create_ruleset, NULL, 0, ASK_VERSION);

	return version > 0 ? (int)version : 0;
}

/* Allow connecting to all TCP ports that RULES name. */
static int
allow_ports(int ruleset, const struct rules *rules)
{
	struct {
		uint64_t access, port;
	} port = { .access = TCP_CONNECT };

	for (const struct rule *rule = rules->first; rule != NULL; rule = rule->next) {
		if (rule->action.kind != ACTION_CONNECT)
			continue;
		for (size_t i = 0; i < rule->action.count; i++) {
			const struct address *a = &rule->action.endpoints[i].address;

			if (a->length == 0 || !address_is_ip(a))
				continue;
			port.port = (uint64_t)address_port(a);
			if (syscall(__NR_landlock_add_rule, ruleset, RULE_PORT, &port, 0) < 0)
				return -errno;
		}
	}
	return 0;
}

int
landlock_enter(const struct rules *rules, unsigned needs)
{
	struct {
		uint64_t fs, net, scoped;
	} handled = { .fs = FS_VERSION_1, .net = TCP_BIND | TCP_CONNECT, .scoped = SCOPE_SIGNAL };
	int version = landlock_version(), ruleset, r = 0;
	size_t size = version >= 6 ? sizeof handled : version >= 4 ? offsetof(__typeof__(handled), scoped) : sizeof handled.fs;

	if (version == 0)
		return -ENOSYS;
	if (version >= 2)
		handled.fs |= FS_REFER;
	if (version >= 3)
		handled.fs |= FS_TRUNCATE;
	if (version >= 5)
		handled.fs |= FS_IOCTL_DEV;
	if (!(needs & RULES_ABSTRACT))
		handled.scoped |= SCOPE_ABSTRACT_SOCKET;
	ruleset = (int)syscall(__NR_landlock_create_ruleset, &handled, size, 0);
	if (ruleset < 0)
		return -errno;
	if (version >= 4 && rules != NULL)
		r = allow_ports(ruleset, rules);
	if (r == 0 && syscall(__NR_landlock_restrict_self, ruleset, 0) < 0)
		r = -errno;
	close(ruleset);
	return r;
}
