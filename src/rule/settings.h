/* What can be set: by `set NAME VALUE' in a rule file, and by the flag --NAME VALUE. */
#ifndef USHER_SETTINGS_H
#define USHER_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/log.h"
#include "net/balance.h"
#include "net/intake.h"
#include "net/proxy_header.h"
#include "net/relay.h"

/* The most connections that can be asked for. */
#define SETTINGS_COUNT_MAX 1000000

/* What becomes of a connection where not all of the sandbox is to be had; or no sandbox at all. */
enum sandbox_mode { SANDBOX_AUTO, SANDBOX_REQUIRE, SANDBOX_OFF };

/* Whom a process that was started as root becomes. */
struct user {
	uid_t uid;
	gid_t gid;
};

/*
 * Times in milliseconds.  timeout_ms, connect_timeout_ms, idle_timeout_ms, half_close_timeout_ms and idle_exit_ms 0: never;
 * drain_ms -1: for ever.  max_connections and max_per_source 0: no limit.
 * stagger_ms, retry_ms, balance, transparent, source, mark, dscp, fast_open: see dial.h; user_timeout_ms, keepalive: relay.h.
 * accept_proxy: from where a connection must begin with a PROXY protocol header.
 * proxy: which header a backend gets in front of the client's bytes.
 * undecided_next: where a rule's attribute could not be read, try the next rule, rather than close.
 * source_prefix: bits of an IPv6 address that make a source.  refuse_when_full: refuse beyond max_connections, rather than leave in
 * the backlog.
 */
struct settings {
	int timeout_ms;
	int connect_timeout_ms;
	int idle_timeout_ms;
	int half_close_timeout_ms;
	int stagger_ms;
	int retry_ms;
	enum balance balance;
	bool transparent;
	struct cidr source;
	int mark;
	int dscp;
	bool fast_open;
	int user_timeout_ms;
	struct keepalive keepalive;
	enum proxy_version proxy;
	struct networks accept_proxy;
	enum client_address client_address;
	enum log_target log;
	bool verbose;
	int max_connections;
	int max_per_source;
	int source_prefix;
	bool refuse_when_full;
	bool undecided_next;
	enum sandbox_mode sandbox;
	struct user user;
	int drain_ms;
	int idle_exit_ms;
};

enum setting_kind {
	SETTING_TIME, SETTING_COUNT, SETTING_BITS, SETTING_FULL, SETTING_UNDECIDED, SETTING_CLIENT, SETTING_LOG, SETTING_SANDBOX,
	SETTING_USER, SETTING_PROXY, SETTING_BALANCE, SETTING_NETWORKS, SETTING_SOURCE, SETTING_DSCP,
	SETTING_KEEPALIVE, SETTING_BOOL,
};

/*
 * One of them.  argument: what --help calls its value; NULL: the flag takes none and means yes.  offset: of the field in struct
 * settings, where the kind alone does not say which it is.  of_connect: it is also an option of `connect', for that rule alone.
 */
struct setting {
	const char *name;
	const char *argument;
	enum setting_kind kind;
	size_t offset;
	const char *help;
	bool of_connect;
};

/* All of them; ends with a row that has no name. */
extern const struct setting settings_table[];

void settings_defaults(struct settings *ret);

/* The one whose name is the LENGTH characters at NAME, or NULL. */
const struct setting *settings_find(const char *name, size_t length);

/* Whether connecting by SETTINGS takes what a process that reads from clients may not do. */
bool settings_need_admin(const struct settings *settings);

/* Set NAME to VALUE.  Returns 0, or -EINVAL and a static sentence in *ret_reason. */
int settings_set(struct settings *settings, const char *name, const char *value, const char **ret_reason);

/*
 * Parse a user: a name, a number, or numbers of user and group as UID:GID.  Returns 0 or -EINVAL and a static sentence in
 * *ret_reason.
 */
int settings_user(const char *text, struct user *ret, const char **ret_reason);

/* Parse 300ms, 3s, 2m, 1h or a bare number of seconds.  Returns 0 or -EINVAL and a static sentence in *ret_reason. */
int settings_time(const char *text, int *ret_ms, const char **ret_reason);

#endif
