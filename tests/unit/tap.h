/*
 * A few lines of Test Anything Protocol.  A test has five minutes, for machines are busy; it calls ok(), is_int(), is_str() and
 * ends with done_testing().
 */
#ifndef USHER_TAP_H
#define USHER_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TAP_PRINTF(f, a) __attribute__((format(printf, f, a), unused)) static

static struct {
	unsigned run, failed;
} tap;

/* Whole lines go out at once, so that a child has nothing of ours to write a second time. */
__attribute__((constructor)) static void
tap_begin(void)
{
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	alarm(300);
}

TAP_PRINTF(2, 0) bool
tap_line(bool pass, const char *format, va_list ap)
{
	tap.failed += !pass;
	printf("%sok %u - ", pass ? "" : "not ", ++tap.run);
	vprintf(format, ap);
	putchar('\n');
	return pass;
}

TAP_PRINTF(2, 3) bool
ok(bool pass, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	tap_line(pass, format, ap);
	va_end(ap);
	return pass;
}

TAP_PRINTF(3, 4) bool
is_int(long long got, long long want, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	if (!tap_line(got == want, format, ap))
		printf("# got %lld, want %lld\n", got, want);
	va_end(ap);
	return got == want;
}

TAP_PRINTF(3, 4) bool
is_str(const char *got, const char *want, const char *format, ...)
{
	bool same = got != NULL && want != NULL ? strcmp(got, want) == 0 : got == want;
	va_list ap;

	va_start(ap, format);
	if (!tap_line(same, format, ap))
		printf("# got:  %s\n# want: %s\n", got != NULL ? got : "(null)", want != NULL ? want : "(null)");
	va_end(ap);
	return same;
}

/* The test itself cannot go on: no socket, no process. */
TAP_PRINTF(1, 2) _Noreturn void
die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	printf("Bail out! ");
	vprintf(format, ap);
	putchar('\n');
	va_end(ap);
	fflush(stdout);
	_exit(99);
}

/* Print the plan; a child left behind is a failure.  Returns main's exit status. */
static inline int
done_testing(void)
{
	ok(waitpid(-1, NULL, WNOHANG) == -1, "no child is left");
	printf("1..%u\n", tap.run);
	return tap.failed != 0;
}

#endif
