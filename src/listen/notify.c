#include "config.h"

#include "listen/notify.h"

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"

#define DAY_MS (24 * 3600 * 1000)

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
	uint64_t us, number;

	/* the largest number is systemd's word for never */
	if (period == NULL || number_parse(period, UINT64_MAX - 1, &us) < 0 || us == 0)
		return 0;
	if (pid != NULL && (number_parse(pid, INT_MAX, &number) < 0 || (pid_t)number != getpid()))
		return 0;
	/* more often than asked for does no harm; not at all would end us */
	if (us / 2000 > DAY_MS)
		return DAY_MS;
	return us < 2000 ? 1 : (int)(us / 2000);
}
