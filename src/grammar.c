#include "config.h"

#include "grammar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parser.h"

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

int
parser_refuse(struct parser *p, const char *read, const char *expected)
{
	return complain(p->complaint, p->origin, p->line, "\"%.120s\": %s", read, expected);
}

void *
parser_reserve(struct parser *p, size_t size)
{
	struct rules *r = p->rules;
	void *space = r->storage + r->used;

	size = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	if (size > sizeof r->storage - r->used) {
		complain(p->complaint, p->origin, p->line, "the rules need more than %zu bytes", sizeof r->storage);
		return NULL;
	}
	r->used += size;
	return space;
}

char **
parser_list(struct parser *p, char *list, size_t *ret_count)
{
	size_t count = 1;
	char **items;

	for (const char *c = list; *c != '\0'; c++)
		count += *c == ',';
	items = parser_reserve(p, (count + 1) * sizeof *items);
	if (items == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		items[i] = list;
		list += strcspn(list, ",");
		*list++ = '\0';
		if (*items[i] == '\0') {
			parser_refuse(p, ",", "an item of the list is empty");
			return NULL;
		}
	}
	*ret_count = count;
	return items;
}

/* Fill RULE from its words; WRITTEN is the line as it was before it was cut. */
static int
fill_rule(struct parser *p, struct rule *rule, struct word *words, int count, const char *written)
{
	struct condition **tail = &rule->conditions;
	int i, action = -1, r;

	for (i = 0; i < count && (action = action_find(&words[i])) < 0; i++)
		if ((r = condition_parse(p, rule, &tail, &words[i])) < 0)
			return r;
	if (action < 0)
		return parser_refuse(p, written, "expected exec, connect, reply, reject or close behind the conditions");
	if (i == 0)
		return parser_refuse(p, words[0].text, "expected a condition before it; any holds always");
	rule->action.text = written + words[i].start;
	return action_parse(p, &rule->action, action, words + i + 1, count - i - 1);
}

static int
parse_rule(struct parser *p, struct word *words, int count, const char *written)
{
	struct rule *rule = parser_reserve(p, sizeof *rule);
	int r;

	if (rule == NULL)
		return -ENOSPC;
	rule->origin = p->origin;
	rule->line = p->line;
	r = fill_rule(p, rule, words, count, written);
	if (r < 0) {
		rule_clear(rule);
		return r;
	}
	rule->number = ++p->rules->count;
	if (p->rules->last != NULL)
		p->rules->last->next = rule;
	else
		p->rules->first = rule;
	p->rules->last = rule;
	return 0;
}

static int
parse_set(struct parser *p, struct settings *settings, const struct word *words, int count)
{
	const char *reason;

	if (p->line == 0)
		return parser_refuse(p, "set", "belongs into a file; on the command line there are flags, e.g. --timeout 3s");
	if (count != 3)
		return parser_refuse(p, "set", "expected a name and a value behind it, e.g. set timeout 3s");
	if (options_set(settings, words[1].text, words[2].text, &reason) < 0)
		return complain(p->complaint, p->origin, p->line, "\"set %.60s %.60s\": %s", words[1].text, words[2].text, reason);
	return 0;
}

/* A copy of LINE without white space at its end. */
static char *
copy_line(struct parser *p, const char *line)
{
	size_t length = strlen(line);
	char *copy;

	while (length > 0 && strchr(" \t\r\n", line[length - 1]) != NULL)
		length--;
	copy = parser_reserve(p, length + 1);
	if (copy != NULL)
		memcpy(copy, line, length);
	return copy;
}

int
grammar_line(struct rules *rules, struct settings *settings, const char *origin, unsigned line_number, const char *line,
    struct complaint *ret_complaint)
{
	struct parser p = { rules, line_number > 0 ? origin : "command line", line_number, ret_complaint };
	struct word words[WORDS_MAX];
	const char *reason;
	char *written, *cut;
	int count;

	if (line[strspn(line, " \t\r\n")] == '\0' || line[strspn(line, " \t")] == '#')
		return 0;
	written = copy_line(&p, line);
	cut = written != NULL ? copy_line(&p, line) : NULL;
	if (cut == NULL)
		return -ENOSPC;
	count = words_cut(cut, words, &reason);
	if (count <= 0)
		return count == 0 ? 0 : parser_refuse(&p, written, reason);
	if (strcmp(words[0].text, "set") == 0)
		return parse_set(&p, settings, words, count);
	return parse_rule(&p, words, count, written);
}

/* Read the whole of FD into the free part of the storage.  Returns how much that is or -errno. */
static ssize_t
read_all(int fd, struct rules *rules)
{
	char *start = rules->storage + rules->used;
	size_t room = sizeof rules->storage - rules->used, length = 0;

	for (;;) {
		ssize_t n = read(fd, start + length, room - length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return (ssize_t)length;
		length += (size_t)n;
		if (length == room)
			return -EFBIG;
	}
}

int
grammar_file(struct rules *rules, struct settings *settings, const char *path, struct complaint *ret_complaint)
{
	/* without O_CLOEXEC, which costs a system call more with musl; it is closed before anything could be executed */
	int fd = open(path, O_RDONLY), r = 0;
	char *line = rules->storage + rules->used, *end, *next;
	ssize_t length = fd < 0 ? -errno : read_all(fd, rules);
	unsigned number = 0;

	if (fd >= 0)
		close(fd);
	if (length < 0) {
		complain(ret_complaint, path, 0, "cannot read the rules: %s", strerror((int)-length));
		return (int)length;
	}
	end = line + length;
	/* the text stays where it was read, what is made of it goes behind it */
	rules->used += ((size_t)length + _Alignof(max_align_t)) & ~(_Alignof(max_align_t) - 1);
	for (; line < end && r == 0; line = next + 1) {
		next = memchr(line, '\n', (size_t)(end - line));
		if (next == NULL)
			next = end;
		*next = '\0';
		number++;
		if (strlen(line) != (size_t)(next - line))
			return complain(ret_complaint, path, number, "\"%.120s\": a NUL byte follows; expected a text file", line);
		r = grammar_line(rules, settings, path, number, line, ret_complaint);
	}
	return r;
}

int
grammar_flag(struct rules *rules, struct settings *settings, const char *protocol, const char *address,
    struct complaint *ret_complaint)
{
	char line[512];

	if ((size_t)snprintf(line, sizeof line, "%s connect %s", protocol, address) >= sizeof line)
		return complain(ret_complaint, NULL, 0, "--%s: the address is too long", protocol);
	return grammar_line(rules, settings, NULL, 0, line, ret_complaint);
}

int
grammar_finish(const struct rules *rules, const struct settings *settings, struct complaint *ret_complaint)
{
	for (const struct rule *rule = rules->first; rule != NULL; rule = rule->next)
		for (const struct condition *c = rule->conditions; c != NULL; c = c->next)
			if (c->kind == CONDITION_SILENT && c->silent_ms > settings->timeout_ms)
				return complain(ret_complaint, rule->origin, rule->line,
				    "\"silent=%dms\": longer than the timeout of %dms, so it cannot hold; raise the timeout",
				    c->silent_ms, settings->timeout_ms);
	return 0;
}
