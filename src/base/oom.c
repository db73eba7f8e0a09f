#include "config.h"

#include "base/oom.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/number.h"

/* Half of all the memory that there is would not outweigh it. */
#define ADDED 500
#define MOST 1000

/* What it was, if that has been changed. */
static struct {
	char text[16];
	size_t length;
} before;

static int
open_score(void)
{
	return open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
}

void
oom_volunteer(void)
{
	int fd = open_score();
	ssize_t n = fd < 0 ? -1 : read(fd, before.text, sizeof before.text - 1);
	char text[NUMBER_TEXT];
	long score;

	if (n > 0) {
		score = strtol(before.text, NULL, 10) + ADDED;
		/* not below 0, where an administrator may have put its parent */
		score = score < 0 ? 0 : score > MOST ? MOST : score;
		n = pwrite(fd, text, (size_t)(number_put(text, (unsigned)score) - text), 0) < 0 ? 0 : n;
		before.length = (size_t)n;
	}
	if (fd >= 0)
		close(fd);
}

void
oom_withdraw(void)
{
	int fd = before.length > 0 ? open_score() : -1;
	ssize_t written;

	if (fd < 0)
		return;
	written = pwrite(fd, before.text, before.length, 0);
	(void)written;
	close(fd);
	before.length = 0;
}
