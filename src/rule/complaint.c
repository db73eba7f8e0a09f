#include "config.h"

#include "rule/complaint.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int
complain(struct complaint *c, const char *origin, unsigned line, const char *format, ...)
{
	va_list arguments;
	size_t n = 0;

	c->text[0] = '\0';
	if (origin != NULL)
		n = (size_t)snprintf(c->text, sizeof c->text, line > 0 ? "%.200s:%u: " : "%.200s: ", origin, line);
	va_start(arguments, format);
	vsnprintf(c->text + n, sizeof c->text - n, format, arguments);
	va_end(arguments);
	return -EINVAL;
}
