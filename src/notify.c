#include "config.h"

#include "notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
notify_open(struct notify *n)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t length = path != NULL ? strlen(path) : 0;

	*n = (struct notify){ .fd = -1 };
	if (length < 2 || length >= sizeof n->to.un.sun_path || (path[0] != '/' && path[0] != '@'))
		return;
	n->to.un.sun_family = AF_UNIX;
	memcpy(n->to.un.sun_path, path, length);
	if (path[0] == '@')
		n->to.un.sun_path[0] = '\0';
	n->to.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

void
notify_send(const struct notify *n, const char *state)
{
	if (n->fd >= 0)
		sendto(n->fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT, &n->to.sa, n->to.length);
}

int
notify_watchdog_ms(void)
{
	const char *period = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	long long us = period != NULL ? atoll(period) : 0;

	if (us <= 0 || us / 2000 > 24 * 3600 * 1000 || (pid != NULL && atoll(pid) != getpid()))
		return 0;
	return us < 2000 ? 1 : (int)(us / 2000);
}
