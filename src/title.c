#include "config.h"

#include "title.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Arguments and environment that are larger than this stay where they are, and then there are no titles. */
#define ROOM (128 * 1024)

/* Where the strings of LIST end if they stand one behind the other from END on. */
static char *
end_of(char *const list[], char *end)
{
	for (size_t i = 0; list[i] != NULL && list[i] == end; i++)
		end = list[i] + strlen(list[i]) + 1;
	return end;
}

/* Have the strings of LIST point into *TO, behind copies of them, as far as they stand between START and END. */
static void
move(char *list[], const char *start, const char *end, char **to)
{
	for (size_t i = 0; list[i] != NULL; i++) {
		size_t size = strlen(list[i]) + 1;

		if (list[i] < start || list[i] >= end)
			continue;
		list[i] = memcpy(*to, list[i], size);
		*to += size;
	}
}

void
title_open(int argc, char **argv, struct title *ret)
{
	extern char **environ;
	/* static: pages of it that are not needed cost nothing, and there is no system call */
	static char room[ROOM];
	char *start = argv[0], *end, *to = room;

	*ret = (struct title){ 0 };
	if (argc < 1 || environ == NULL)
		return;
	end = end_of(environ, end_of(argv, start));
	if ((size_t)(end - start) > sizeof room)
		return;
	*ret = (struct title){ start, (size_t)(end - start) };
	move(argv, start, end, &to);
	move(environ, start, end, &to);
}

void
title_set(const struct title *t, const char *format, ...)
{
	va_list arguments;
	int n;

	if (t == NULL || t->length == 0)
		return;
	va_start(arguments, format);
	n = vsnprintf(t->start, t->length, format, arguments);
	va_end(arguments);
	/* proc(5): a last byte of the arguments that is not NUL tells the kernel to look for the end behind them */
	if (n >= 0 && (size_t)n < t->length)
		memset(t->start + n, 0, t->length - (size_t)n);
}
