#include "config.h"

#include "rule/settings.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/number.h"

/* Of an IPv6 address. */
#define BITS_MAX 128
/* RFC 2474. */
#define DSCP_MAX 63

/* By number, since names are in a file that may be missing. */
#define NOBODY 65534

const struct setting settings_table[] = {
	{ "timeout", "TIME", SETTING_TIME, offsetof(struct settings, timeout_ms),
	    "how long the first bytes may take (3s; 0: any time)", false },
	{ "connect-timeout", "TIME", SETTING_TIME, offsetof(struct settings, connect_timeout_ms),
	    "how long reaching a backend may take (5s; 0: any time)", true },
	{ "idle-timeout", "TIME", SETTING_TIME, offsetof(struct settings, idle_timeout_ms),
	    "end a relayed connection on which nothing moves for TIME (0: never)", true },
	{ "half-close-timeout", "TIME", SETTING_TIME, offsetof(struct settings, half_close_timeout_ms),
	    "the same once one side has finished sending (10m; 0: never)", true },
	{ "balance", "first|random|source", SETTING_BALANCE, 0,
	    "which of a rule's backends is tried first; source: the same for each client (first, as written)", true },
	{ "stagger", "TIME", SETTING_TIME, offsetof(struct settings, stagger_ms),
	    "how long a backend has to answer before the next is tried as well (250ms; 0: its share of connect-timeout)", true },
	{ "retry", "TIME", SETTING_TIME, offsetof(struct settings, retry_ms),
	    "for how long to try again where no backend is there yet (0: not)", true },
	{ "transparent", NULL, SETTING_BOOL, offsetof(struct settings, transparent),
	    "connect to backends from the client's own address (needs CAP_NET_ADMIN and usher-transparent.service)", true },
	{ "source", "ADDRESS", SETTING_SOURCE, 0,
	    "connect to backends from this address of this machine (any)", true },
	{ "mark", "N", SETTING_COUNT, offsetof(struct settings, mark),
	    "give connections to backends this mark, for routing and firewalls (0: none; needs CAP_NET_ADMIN)", true },
	{ "dscp", "N", SETTING_DSCP, offsetof(struct settings, dscp),
	    "give packets to backends this DSCP, from 0 to 63 (0)", true },
	{ "tcp-fast-open", NULL, SETTING_BOOL, offsetof(struct settings, fast_open),
	    "send the first bytes to a backend with the SYN, where it allows that", true },
	{ "user-timeout", "TIME", SETTING_TIME, offsetof(struct settings, user_timeout_ms),
	    "how long a side of a relayed connection may leave bytes unacknowledged (0: as the system has it)", true },
	{ "keepalive", "off|IDLE,INTERVAL,N", SETTING_KEEPALIVE, 0,
	    "after IDLE without a byte, ask a side of a relayed connection N times, every INTERVAL, if it is there (60s,15s,4)",
	    true },
	{ "proxy", "off|v1|v2", SETTING_PROXY, 0,
	    "tell backends the client's address by a PROXY protocol header of this version (off)", true },
	{ "accept-proxy", "NETWORK,...", SETTING_NETWORKS, offsetof(struct settings, accept_proxy),
	    "have connections from these networks begin with a PROXY protocol header, and no others (off)", false },
	{ "client-address", "auto|socket|environment", SETTING_CLIENT, 0,
	    "whom to believe where socket and environment name different clients (auto: see usher(8), STARTING)", false },
	{ "undecided", "close|next", SETTING_UNDECIDED, 0,
	    "what happens where an attribute that a rule asks about cannot be read (close)", false },
	{ "sandbox", "auto|require|off", SETTING_SANDBOX, 0,
	    "whether a process that reads what a client sends must, or may not, be locked in (auto: as far as can be)", false },
	{ "user", "NAME|UID[:GID]", SETTING_USER, 0,
	    "whom a process that reads what a client sends becomes, where usher was started as root (65534, nobody)", false },
	{ "log", "WHERE", SETTING_LOG, offsetof(struct settings, log),
	    "auto, stderr, syslog or none (auto: stderr, but syslog where that is the client's socket)", false },
	{ "verbose", NULL, SETTING_BOOL, offsetof(struct settings, verbose),
	    "log what led to the decision", false },
	{ "max-connections", "N", SETTING_COUNT, offsetof(struct settings, max_connections),
	    "when listening: no more than N connections at a time (1000; 0: no limit)", false },
	{ "max-per-source", "N", SETTING_COUNT, offsetof(struct settings, max_per_source),
	    "when listening: refuse more than N connections of one address at a time (0: no limit)", false },
	{ "source-prefix", "BITS", SETTING_BITS, offsetof(struct settings, source_prefix),
	    "when listening: IPv6 addresses that share BITS count as one (64)", false },
	{ "when-full", "wait|refuse", SETTING_FULL, 0,
	    "when listening: what happens beyond --max-connections (wait: they stay in the backlog)", false },
	{ "drain", "TIME", SETTING_TIME, offsetof(struct settings, drain_ms),
	    "when listening: how long to wait on SIGTERM for connections to end (without: until they have)", false },
	{ "idle-exit", "TIME", SETTING_TIME, offsetof(struct settings, idle_exit_ms),
	    "when listening: exit when there was no connection for TIME (0: never)", false },
	{ 0 },
};

void
settings_defaults(struct settings *ret)
{
	*ret = (struct settings){
		.timeout_ms = 3000,
		.user = { NOBODY, NOBODY },
		.connect_timeout_ms = 5000,
		.half_close_timeout_ms = 10 * 60 * 1000,
		.stagger_ms = 250,
		.keepalive = { 60, 15, 4 },
		.log = LOG_TO_AUTO,
		.max_connections = 1000,
		.source_prefix = 64,
		.drain_ms = -1,
	};
}

const struct setting *
settings_find(const char *name, size_t length)
{
	for (const struct setting *s = settings_table; s->name != NULL; s++)
		if (strlen(s->name) == length && memcmp(s->name, name, length) == 0)
			return s;
	return NULL;
}

int
settings_time(const char *text, int *ret_ms, const char **ret_reason)
{
	static const struct {
		const char *name;
		int ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "", 1000 }, { "m", 60 * 1000 }, { "h", 60 * 60 * 1000 } };
	static const char too_long[] = "expected a time of 24 days at most";
	const char *unit;
	uint64_t value;
	int r = number_take(text, INT_MAX, &value, &unit);

	*ret_reason = r == -ERANGE ? too_long : "expected a time such as 300ms, 3s, 2m or 1h";
	if (r < 0)
		return -EINVAL;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strcmp(unit, units[i].name) != 0)
			continue;
		if (value > (uint64_t)(INT_MAX / units[i].ms)) {
			*ret_reason = too_long;
			return -EINVAL;
		}
		*ret_ms = (int)value * units[i].ms;
		return 0;
	}
	return -EINVAL;
}

/* Which of the words in NAMES, parted by spaces and in the order of their enum, VALUE is; -1: none. */
static int
which(const char *value, const char *names)
{
	size_t length = strlen(value), n;

	for (int i = 0; *names != '\0'; i++, names += n + (names[n] == ' ')) {
		n = strcspn(names, " ");
		if (n == length && memcmp(names, value, n) == 0)
			return i;
	}
	return -1;
}

static int
set_number(int *field, const char *value, uint64_t most, const char **ret_reason)
{
	uint64_t n;

	if (number_parse(value, most, &n) < 0) {
		*ret_reason = most == BITS_MAX ? "expected a number from 0 to 128"
		    : most == DSCP_MAX         ? "expected a number from 0 to 63"
					       : "expected a number from 0 to 1000000";
		return -EINVAL;
	}
	*field = (int)n;
	return 0;
}

static int
set_choice(bool *field, const char *value, const char *no, const char *yes)
{
	*field = strcmp(value, yes) == 0;
	return *field || strcmp(value, no) == 0 ? 0 : -EINVAL;
}

int
settings_user(const char *text, struct user *ret, const char **ret_reason)
{
	const struct passwd *entry;
	const char *rest;
	uint64_t uid, gid;

	*ret_reason = "expected a user by name or number, or numbers of user and group as 65534:65534";
	if (number_take(text, UINT32_MAX - 1, &uid, &rest) == 0) {
		gid = uid;
		if (*rest != '\0' && (*rest != ':' || number_parse(rest + 1, UINT32_MAX - 1, &gid) < 0))
			return -EINVAL;
	} else {
		entry = getpwnam(text);
		if (entry == NULL) {
			*ret_reason = "there is no user of this name";
			return -EINVAL;
		}
		uid = entry->pw_uid;
		gid = entry->pw_gid;
	}
	*ret = (struct user){ (uid_t)uid, (gid_t)gid };
	return 0;
}

/* The same for who reads what a client sends. */
static int
set_user(struct user *user, const char *value, const char **ret_reason)
{
	struct user u;

	if (settings_user(value, &u, ret_reason) < 0)
		return -EINVAL;
	*ret_reason = "expected a user who is not root, nor of root's group";
	if (u.uid == 0 || u.gid == 0)
		return -EINVAL;
	*user = u;
	return 0;
}

/* Seconds of TEXT up to a comma, at least one. */
static int
take_seconds(const char **text, int *ret)
{
	char word[16];
	size_t length = strcspn(*text, ",");
	const char *reason;
	int ms;

	if (length >= sizeof word)
		return -EINVAL;
	memcpy(word, *text, length);
	word[length] = '\0';
	if (settings_time(word, &ms, &reason) < 0 || ms < 1000 || ms % 1000 != 0 || (*text)[length] != ',')
		return -EINVAL;
	*text += length + 1;
	*ret = ms / 1000;
	return 0;
}

static int
set_keepalive(struct keepalive *keepalive, const char *value, const char **ret_reason)
{
	struct keepalive k = { 0 };
	uint64_t count;

	*ret_reason = "expected off, or two times of whole seconds and a number up to 127 such as 60s,15s,4";
	if (strcmp(value, "off") != 0) {
		/* the kernel's limits, see tcp(7) */
		if (take_seconds(&value, &k.idle_s) < 0 || take_seconds(&value, &k.interval_s) < 0 || k.idle_s > 32767 ||
		    k.interval_s > 32767 || number_parse(value, 127, &count) < 0 || count == 0)
			return -EINVAL;
		k.count = (int)count;
	}
	*keepalive = k;
	return 0;
}

static int
set_source(struct cidr *source, const char *value, const char **ret_reason)
{
	struct cidr c = { 0 };

	if (strcmp(value, "any") != 0) {
		if (cidr_parse(value, &c, ret_reason) < 0)
			return -EINVAL;
		*ret_reason = "expected one address, or any";
		if (c.bits != (c.family == AF_INET ? 32 : 128))
			return -EINVAL;
	}
	*source = c;
	return 0;
}

bool
settings_need_admin(const struct settings *settings)
{
	return settings->transparent || settings->source.family != 0 || settings->mark != 0 || settings->dscp != 0;
}

int
settings_set(struct settings *settings, const char *name, const char *value, const char **ret_reason)
{
	const struct setting *s = settings_find(name, strlen(name));
	char *field;
	int choice;

	if (s == NULL) {
		*ret_reason = "no setting of this name; usher --help marks with * what a file can set";
		return -EINVAL;
	}
	field = (char *)settings + s->offset;

	switch (s->kind) {
	case SETTING_TIME:
		return settings_time(value, (int *)(void *)field, ret_reason);
	case SETTING_COUNT:
		return set_number((int *)(void *)field, value, SETTINGS_COUNT_MAX, ret_reason);
	case SETTING_BITS:
		return set_number((int *)(void *)field, value, BITS_MAX, ret_reason);
	case SETTING_CLIENT:
		choice = which(value, "auto socket environment");
		*ret_reason = "expected auto, socket or environment";
		if (choice >= 0)
			settings->client_address = (enum client_address)choice;
		return choice < 0 ? -EINVAL : 0;
	case SETTING_FULL:
		*ret_reason = "expected wait or refuse";
		return set_choice(&settings->refuse_when_full, value, "wait", "refuse");
	case SETTING_UNDECIDED:
		*ret_reason = "expected close or next";
		return set_choice(&settings->undecided_next, value, "close", "next");
	case SETTING_LOG:
		choice = which(value, "auto stderr syslog none");
		*ret_reason = "expected auto, stderr, syslog or none";
		if (choice >= 0)
			settings->log = (enum log_target)choice;
		return choice < 0 ? -EINVAL : 0;
	case SETTING_SANDBOX:
		choice = which(value, "auto require off");
		*ret_reason = "expected auto, require or off";
		if (choice >= 0)
			settings->sandbox = (enum sandbox_mode)choice;
		return choice < 0 ? -EINVAL : 0;
	case SETTING_PROXY:
		choice = which(value, "off v1 v2");
		*ret_reason = "expected off, v1 or v2";
		if (choice >= 0)
			settings->proxy = (enum proxy_version)choice;
		return choice < 0 ? -EINVAL : 0;
	case SETTING_BALANCE:
		choice = which(value, "first random source");
		*ret_reason = "expected first, random or source";
		if (choice >= 0)
			settings->balance = (enum balance)choice;
		return choice < 0 ? -EINVAL : 0;
	case SETTING_SOURCE:
		return set_source(&settings->source, value, ret_reason);
	case SETTING_DSCP:
		return set_number(&settings->dscp, value, DSCP_MAX, ret_reason);
	case SETTING_KEEPALIVE:
		return set_keepalive(&settings->keepalive, value, ret_reason);
	case SETTING_NETWORKS:
		if (strcmp(value, "off") != 0)
			return networks_parse(value, (struct networks *)(void *)field, ret_reason);
		*(struct networks *)(void *)field = (struct networks){ 0 };
		return 0;
	case SETTING_USER:
		return set_user(&settings->user, value, ret_reason);
	case SETTING_BOOL:
		*ret_reason = "expected yes or no";
		return set_choice((bool *)(void *)field, value, "no", "yes");
	}
	return -EINVAL;
}
