#include "config.h"

#include "base/title.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The linker's names for where the program begins, and where its code and its initialised data end. */
extern const char __executable_start[], etext[], edata[];

/*
 * PR_SET_MM_MAP, the one way to move the command line that needs no privilege, sets everything that the kernel knows of a process's
 * memory.  It takes no part in what the memory does, but for brk; so what is not at hand may be near the truth.
 */
static void
show(const struct title *t)
{
	uint64_t brk = (uint64_t)syscall(SYS_brk, 0), end = (uintptr_t)t->text + sizeof t->text;
	struct prctl_mm_map map = {
		.start_code = (uintptr_t)__executable_start,
		.end_code = (uintptr_t)etext,
		.start_data = (uintptr_t)etext,
		.end_data = (uintptr_t)edata,
		.start_brk = brk,
		.brk = brk,
		.start_stack = (uintptr_t)&brk,
		.arg_start = (uintptr_t)t->text,
		.arg_end = end,
		.env_start = end,
		.env_end = end,
		.exe_fd = (uint32_t)-1,
	};

	prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0);
}

void
title_set(struct title *t, const char *text)
{
	size_t length = strnlen(text, sizeof t->text - 1);

	memcpy(t->text, text, length);
	/* to the end: proc(5), a last byte that is not NUL has the kernel look for the end behind it */
	memset(t->text + length, 0, sizeof t->text - length);
	if (!t->shown)
		show(t);
	t->shown = true;
}

void
title_format(struct title *t, const char *format, ...)
{
	char text[TITLE_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	title_set(t, text);
}
