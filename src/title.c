#include "config.h"

#include "title.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
	/* nearly always enough, and then there is no system call */
	static char room[16384];
	char *start = argv[0], *end, *copy;

	*ret = (struct title){ 0 };
	if (argc < 1 || environ == NULL)
		return;
	end = end_of(environ, end_of(argv, start));
	copy = (size_t)(end - start) <= sizeof room ? room : malloc((size_t)(end - start));
	if (copy == NULL)
		return;
	*ret = (struct title){ start, (size_t)(end - start) };
	move(argv, start, end, &copy);
	move(environ, start, end, &copy);
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
