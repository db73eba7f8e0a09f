#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "rule/settings.h"
#include "tap.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct settings settings;

static void
test_user(void)
{
	static const struct {
		const char *value, *reason;
		unsigned uid, gid;
	} cases[] = {
		{ "4711", NULL, 4711, 4711 },
		{ "4711:4712", NULL, 4711, 4712 },
		{ "4294967294:4294967294", NULL, 4294967294U, 4294967294U },
		{ "0", "not root", 0, 0 },
		{ "0:1", "not root", 0, 0 },
		{ "1:0", "not root", 0, 0 },
		{ "root", "not root", 0, 0 },
		{ "1:", "expected a user", 0, 0 },
		{ ":1", "no user of this name", 0, 0 },
		{ "1:2:3", "expected a user", 0, 0 },
		{ "1x", "expected a user", 0, 0 },
		{ "1:x", "expected a user", 0, 0 },
		/* (uid_t)-1 means none */
		{ "4294967295", "no user of this name", 0, 0 },
		{ "1:4294967295", "expected a user", 0, 0 },
		{ "", "no user of this name", 0, 0 },
		{ "nobody-of-this-name", "no user of this name", 0, 0 },
	};
	struct settings set;
	const char *reason;

	for (size_t i = 0; i < COUNT(cases); i++) {
		int r;

		settings_defaults(&set);
		reason = "";
		r = settings_set(&set, "user", cases[i].value, &reason);
		if (cases[i].reason == NULL)
			ok(r == 0 && set.user.uid == cases[i].uid && set.user.gid == cases[i].gid, "set user %s counts",
			    cases[i].value);
		else
			ok(r == -EINVAL && strstr(reason, cases[i].reason) != NULL && set.user.uid == 65534,
			    "set user \"%s\" is refused: %s", cases[i].value, reason);
	}
	is_int(settings_set(&set, "user", "daemon", &reason), 0, "set user takes a name");
	ok(set.user.uid != 0 && set.user.uid != 65534, "set user daemon is daemon's number");
}

/* What is said of the sockets to backends. */
static void
test_sockets(void)
{
	static const char *const bad[][2] = {
		{ "dscp", "64" }, { "dscp", "-1" }, { "dscp", "AF11" }, { "mark", "0x1" }, { "mark", "-1" }, { "source", "" },
		{ "source", "10.0.0.0/8" }, { "source", "name" }, { "source", "127.0.0.1:80" }, { "keepalive", "" },
		{ "keepalive", "60s" }, { "keepalive", "60s,15s" }, { "keepalive", "60s,15s,0" }, { "keepalive", "60s,15s,128" },
		{ "keepalive", "0,15s,4" }, { "keepalive", "1500ms,15s,4" }, { "keepalive", "10h,15s,4" },
		{ "keepalive", "60s,15s,4," }, { "keepalive", ",15s,4" }, { "balance", "least" }, { "transparent", "maybe" },
		{ "tcp-fast-open", "1" },
	};
	struct settings set, before;
	const char *reason;

	settings_defaults(&set);
	ok(!settings_need_admin(&set), "by default connecting takes nothing");
	ok(set.keepalive.idle_s == 60 && set.keepalive.interval_s == 15 && set.keepalive.count == 4, "the default keepalive");
	for (size_t i = 0; i < COUNT(bad); i++) {
		before = set;
		reason = "";
		is_int(settings_set(&set, bad[i][0], bad[i][1], &reason), -EINVAL, "set %s \"%s\" is refused: %s", bad[i][0],
		    bad[i][1], reason);
		ok(strncmp(reason, "expected ", 9) == 0 && memcmp(&before, &set, sizeof(set)) == 0, "what is refused sets nothing");
	}
	is_int(settings_set(&set, "keepalive", "2m,10,3", &reason), 0, "set keepalive is accepted");
	ok(set.keepalive.idle_s == 120 && set.keepalive.interval_s == 10 && set.keepalive.count == 3,
	    "set keepalive has its values");
	is_int(settings_set(&set, "keepalive", "off", &reason), 0, "set keepalive off is accepted");
	is_int(set.keepalive.idle_s, 0, "set keepalive off counts");
	is_int(settings_set(&set, "source", "2001:db8::1", &reason), 0, "set source is accepted");
	ok(set.source.family == AF_INET6 && settings_need_admin(&set), "set source counts");
	is_int(settings_set(&set, "source", "any", &reason), 0, "set source any is accepted");
	ok(!settings_need_admin(&set), "set source any undoes it");
	is_int(settings_set(&set, "dscp", "46", &reason), 0, "set dscp is accepted");
	ok(set.dscp == 46 && settings_need_admin(&set), "set dscp counts");
}

static void
test_time(void)
{
	static const struct {
		const char *text;
		int ms;		/* -1: no time */
	} cases[] = {
		{ "300ms", 300 },
		{ "3s", 3000 },
		{ "2m", 120000 },
		{ "1h", 3600000 },
		{ "5", 5000 },
		{ "0", 0 },
		{ "0ms", 0 },
		{ "001s", 1000 },
		{ "0000000000001s", 1000 },
		{ "2147483647ms", 2147483647 },
		{ "596h", 596 * 3600 * 1000 },
		{ "", -1 },
		{ "s", -1 },
		{ "ms", -1 },
		{ "-1s", -1 },
		{ "+1s", -1 },
		{ "1.5s", -1 },
		{ "3 s", -1 },
		{ " 3s", -1 },
		{ "3s ", -1 },
		{ "3S", -1 },
		{ "3x", -1 },
		{ "3sx", -1 },
		{ "1d", -1 },
		{ "soon", -1 },
		{ "0x3", -1 },
		{ "1e3", -1 },
		{ "99999999999999999999", -1 },
		{ "18446744073709551617", -1 },
		{ "4294967297ms", -1 },
		{ "999999h", -1 },
		{ "2147483648ms", -1 },
		{ "2147484", -1 },
		{ "597h", -1 },
		{ "2147483649", -1 },
		{ "4294967296", -1 },
		{ "9223372036854775809ms", -1 },
		{ "18446744073709551616", -1 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *reason = NULL;
		int ms = 77, r = settings_time(cases[i].text, &ms, &reason);

		is_int(r, cases[i].ms < 0 ? -EINVAL : 0, "time \"%s\"", cases[i].text);
		is_int(ms, cases[i].ms < 0 ? 77 : cases[i].ms, "a time has its milliseconds, and what is none sets nothing");
		if (cases[i].ms < 0)
			ok(reason != NULL && *reason != '\0', "what is no time: there is a reason");
	}
}

static void
test_set(void)
{
	static const char *const bad[][2] = {
		{ "timeout", "soon" }, { "timeout", "" }, { "undecided", "maybe" }, { "when-full", "close" }, { "log",
		    "" }, { "log", "file" },
		{ "verbose", "maybe" }, { "verbose", "" }, { "frob", "1" },
		{ "", "1" }, { "config", "/etc/x" }, { "check", "yes" }, { "help", "yes" }, { "ssh", "127.0.0.1:22" },
	};
	static const char *const numbers[] = {
		"1000001", "2147483647", "2147483648", "2147483649", "4294967295", "4294967296", "4294967297",
		    "9223372036854775807",
		"9223372036854775808", "9223372036854775809", "18446744073709551615", "18446744073709551616",
		    "18446744073709551617", "-1", "+1",
		" 1", "1 ", "", "0x10",
	};
	const char *reason = NULL;

	settings_defaults(&settings);
	for (size_t i = 0; i < COUNT(numbers); i++) {
		reason = NULL;
		is_int(settings_set(&settings, "max-connections", numbers[i], &reason), -EINVAL,
		    "set max-connections \"%s\" is refused", numbers[i]);
		is_str(reason, "expected a number from 0 to 1000000", "set max-connections: the reason names the range");
		reason = NULL;
		is_int(settings_set(&settings, "source-prefix", numbers[i], &reason), -EINVAL,
		    "set source-prefix \"%s\" is refused", numbers[i]);
		is_str(reason, "expected a number from 0 to 128", "set source-prefix: the reason names the range");
	}
	is_int(settings.max_connections, 1000, "set max-connections that is refused sets nothing");
	is_int(settings_set(&settings, "max-connections", "0001000000", &reason), 0, "a number may have zeros in front");
	is_int(settings.max_connections, 1000000, "a number with zeros in front has its value");
	settings_defaults(&settings);
	is_int(settings.timeout_ms, 3000, "the default timeout is 3 s");
	is_int(settings.connect_timeout_ms, 5000, "the default connect-timeout is 5 s");
	is_int(settings.idle_timeout_ms, 0, "the default idle-timeout is none");
	is_int(settings.log, LOG_TO_AUTO, "the default log is auto");
	ok(!settings.verbose, "the default is not verbose");

	is_int(settings_set(&settings, "timeout", "300ms", &reason), 0, "set timeout is accepted");
	is_int(settings.timeout_ms, 300, "set timeout has its value");
	is_int(settings_set(&settings, "connect-timeout", "2m", &reason), 0, "set connect-timeout is accepted");
	is_int(settings.connect_timeout_ms, 120000, "set connect-timeout has its value");
	is_int(settings_set(&settings, "idle-timeout", "1h", &reason), 0, "set idle-timeout is accepted");
	is_int(settings.idle_timeout_ms, 3600000, "set idle-timeout has its value");
	ok(!settings.undecided_next, "the default: what is undecided is closed");
	is_int(settings_set(&settings, "undecided", "next", &reason), 0, "set undecided next is accepted");
	ok(settings.undecided_next, "set undecided next counts");
	is_int(settings_set(&settings, "undecided", "close", &reason), 0, "set undecided close is accepted");
	ok(!settings.undecided_next, "set undecided close counts");
	is_int(settings.sandbox, SANDBOX_AUTO, "the default sandbox is auto");
	is_int(settings_set(&settings, "sandbox", "require", &reason), 0, "set sandbox is accepted");
	is_int(settings.sandbox, SANDBOX_REQUIRE, "set sandbox has its value");
	is_int(settings_set(&settings, "sandbox", "none", &reason), -EINVAL, "set sandbox none is refused");
	is_str(reason, "expected auto, require or off", "set sandbox none: what is expected is told");
	ok(settings.user.uid == 65534 && settings.user.gid == 65534, "the default user is nobody, by number");
	test_user();
	test_sockets();
	is_int(settings.proxy, PROXY_OFF, "the default proxy is off");
	is_int(settings_set(&settings, "proxy", "v2", &reason), 0, "set proxy is accepted");
	is_int(settings.proxy, PROXY_V2, "set proxy has its value");
	is_int(settings_set(&settings, "proxy", "2", &reason), -EINVAL, "set proxy 2 is refused");
	is_str(reason, "expected off, v1 or v2", "set proxy 2: what is expected is told");
	ok(networks_are_empty(&settings.accept_proxy), "the default accept-proxy is off");
	is_int(settings_set(&settings, "accept-proxy", "10.0.0.0/8,unix", &reason), 0, "set accept-proxy is accepted");
	ok(settings.accept_proxy.count == 1 && settings.accept_proxy.with_unix, "set accept-proxy has its value");
	is_int(settings_set(&settings, "accept-proxy", "yes", &reason), -EINVAL, "set accept-proxy yes is refused");
	ok(settings.accept_proxy.count == 1, "set accept-proxy that is refused sets nothing");
	is_int(settings_set(&settings, "accept-proxy", "off", &reason), 0, "set accept-proxy off is accepted");
	ok(networks_are_empty(&settings.accept_proxy), "set accept-proxy off counts");
	is_int(settings_set(&settings, "log", "syslog", &reason), 0, "set log is accepted");
	is_int(settings.log, LOG_TO_SYSLOG, "set log has its value");
	is_int(settings_set(&settings, "verbose", "yes", &reason), 0, "set verbose yes is accepted");
	ok(settings.verbose, "set verbose yes counts");
	is_int(settings_set(&settings, "verbose", "no", &reason), 0, "set verbose no is accepted");
	ok(!settings.verbose, "set verbose no counts");
	for (size_t i = 0; i < COUNT(bad); i++) {
		reason = NULL;
		is_int(settings_set(&settings, bad[i][0], bad[i][1], &reason), -EINVAL,
		    "set %s %s is refused", bad[i][0], bad[i][1]);
		ok(reason != NULL && *reason != '\0', "a setting that is refused: there is a reason");
	}
}

int
main(void)
{
	test_time();
	test_set();
	return done_testing();
}
