/* What may have come of a run, and what not. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "run.h"

static void __attribute__((format(printf, 2, 3)))
complain(struct outcome *o, const char *format, ...)
{
	size_t used = strlen(o->why);
	va_list arguments;

	o->verdict = BAD;
	va_start(arguments, format);
	if (used > 0 && used + 3 < sizeof o->why)
		used += (size_t)sprintf(o->why + used, "; ");
	vsnprintf(o->why + used, sizeof o->why - used, format, arguments);
	va_end(arguments);
}

/* Whether a line of level 4 or worse has ERROR's text. */
static bool
is_told(const struct run *r, int error, int level)
{
	char copy[sizeof r->text], *save;

	memcpy(copy, r->text, sizeof copy);
	for (char *line = strtok_r(copy, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save))
		if (line[0] == '<' && line[1] <= '0' + level && strstr(line, strerror(error)) != NULL)
			return true;
	return false;
}

static bool
has(const struct run *r, const char *text)
{
	return strstr(r->text, text) != NULL;
}

/* Whether a line says which side went. */
static bool
names_side(const struct run *r)
{
	return has(r, " end=client-reset") || has(r, " end=backend-reset") || (r->also_right != NULL && has(r, r->also_right));
}

/* Its libc has its own words for what happened. */
bool
is_resolver(const struct testcase *c)
{
	/* process 1 looks at the bytes */
	return c->process > 1 && strstr(c->scenario->rules, "%N") != NULL;
}

/* A process that serves has ended: does its status, and its line, say whose fault it was? */
static void
judge_blame(const struct run *r, int status, bool full, struct outcome *o)
{
	const struct testcase *c = r->c;
	bool log_is_read = r->s->shape != ACCEPTED_ALL;

	if (is_resolver(c) && !full) {
		if (status != 69 || !has(r, "\"cannot resolve localhost: "))
			complain(o, "status %d, or no line says that the name cannot be resolved", status);
		return;
	}
	switch (c->class) {
	case FAULT_PASSING:
	case FAULT_LOG:
		if (!full)
			complain(o, "not served in full");
		if (status != 0)
			complain(o, "status %d", status);
		if (log_is_read && c->class == FAULT_PASSING && !has(r, " end="))
			complain(o, "no line tells of the connection");
		break;
	case FAULT_PEER:
		if (!full && status != 0)
			complain(o, "status %d for what the peer did", status);
		if (log_is_read && !full && !names_side(r))
			complain(o, "no line names the side that broke");
		break;
	case FAULT_BACKEND:
		if (!full && status != 69)
			complain(o, "status %d and not 69", status);
		if (log_is_read && !full && !is_told(r, c->fault->error, 3))
			complain(o, "no line says: %s", strerror(c->fault->error));
		break;
	case FAULT_SYSTEM:
		if (!full && (status == 0 || status == 64))
			complain(o, "status %d, and not served in full", status);
		if (log_is_read && (!full || status != 0) && !is_told(r, c->fault->error, 3))
			complain(o, "no line at level error says: %s", strerror(c->fault->error));
		break;
	}
}

/* A listening usher: one connection may suffer, the others are served, and the parent stays until it is told to go. */
static void
judge_listening(const struct run *r, int status, struct outcome *o)
{
	bool told = is_told(r, r->c->fault != NULL ? r->c->fault->error : 0, 4);
	bool is_log = r->c->class == FAULT_LOG;

	if (r->client_number <= 1 && r->full == 0 && status != 0 && told)
		return;		/* it could not begin, and says so */
	if (status != 0)
		complain(o, "the parent ended with status %d after %u clients, %u of them served", status, r->client_number,
		    r->full);
	else if (r->full + 1 < CLIENTS)
		complain(o, "only %u of %d clients were served", r->full, CLIENTS);
	else if (r->full < CLIENTS && (is_log || r->c->class == FAULT_PASSING))
		complain(o, "a client was not served in full");
	else if (r->full < CLIENTS && r->c->class == FAULT_PEER && !names_side(r))
		complain(o, "no line names the side that broke");
	else if (r->full < CLIENTS && r->c->class != FAULT_PEER && !told)
		complain(o, "a client was not served and no line says: %s", strerror(r->c->fault->error));
	if (strstr(r->text, "was killed by signal") != NULL)
		complain(o, "a child crashed");
}

void
judge(const struct run *r, struct outcome *o)
{
	int status = WIFEXITED(r->status) ? WEXITSTATUS(r->status) : -1;
	char tail[161];
	size_t skip = r->text_length > 160 ? r->text_length - 160 : 0;

	o->verdict = GOOD;
	if (r->c != NULL && r->c->call != NULL && !r->injected) {
		o->verdict = NOT_REACHED;
		/* nothing was made to fail, so nothing may have */
		if (!r->hung)
			return;
	}
	if (r->wrong_reached)
		complain(o, "the wrong target was reached");
	if (r->false_bytes)
		complain(o, "bytes that the other side did not send");
	if (r->short_end)
		complain(o, "a part of an answer ended like a whole one");
	if (r->short_request && !r->s->is_unix && r->c->class != FAULT_PASSING)
		complain(o, "a part of a request ended like a whole one");
	if (r->hung)
		complain(o, "a process stayed");
	else if (WIFSIGNALED(r->status))
		complain(o, "ended by signal %d", WTERMSIG(r->status));
	else if (is_listening(r->s))
		judge_listening(r, status, o);
	else
		judge_blame(r, status, r->full > 0, o);
	if (o->verdict != BAD)
		return;
	snprintf(tail, sizeof tail, "%s", r->text + skip);
	for (char *p = tail; *p != '\0'; p++)
		if (*p == '\n')
			*p = '|';
	complain(o, "status %d, %u/%u served, log: %s", status, r->full, r->client_number, tail);
}
