#include "config.h"

#include "rule/grammar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rule/action.h"
#include "rule/condition.h"
#include "rule/include.h"
#include "rule/parser.h"

/* Fill RULE from its words; WRITTEN is the line as it was before it was cut. */
static int
fill_rule(struct parser *p, struct rule *rule, struct word *words, int count, const char *written)
{
	struct condition **tail = &rule->conditions;
	int i, action = -1, r;

	for (i = 0; i < count && (action = action_find(&words[i])) < 0; i++)
		if ((r = condition_parse(p, rule, &tail, &words[i], written)) < 0)
			return r;
	if (action < 0)
		return parser_refuse(p, written, "expected exec, connect, pass, reply, reject or close behind the conditions");
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
	if (settings_set(settings, words[1].text, words[2].text, &reason) < 0)
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

/* Read the whole of FD into the free part of the storage.  Returns how much that is or -errno, -ENOSPC where it has no room. */
static ssize_t
read_all(int fd, struct rules *rules)
{
	char *start = rules->storage + rules->used;
	size_t room = sizeof rules->storage - rules->used, length = 0;
	int error = ENOSPC;

	while (length < room) {
		ssize_t n = read(fd, start + length, room - length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			return (ssize_t)length;
		if (n < 0) {
			error = errno;
			break;
		}
		length += (size_t)n;
	}
	/* what is free is zero */
	memset(start, 0, length);
	return -error;
}

/* Say why the file that P was to read cannot be.  Returns -ERROR. */
static int
refuse_file(struct parser *p, int error)
{
	const struct parser *from = p->from;

	if (error == ENOSPC)
		complain(p->complaint, from != NULL ? from->origin : p->origin, from != NULL ? from->line : 0,
		    "the rules need more than %d bytes, the text of their files included", RULES_STORAGE);
	else if (from == NULL && error == EAGAIN)
		complain(p->complaint, p->origin, 0, "nothing to read yet; expected a file");
	else if (from == NULL)
		complain(p->complaint, p->origin, 0, "cannot read the rules: %s", strerror(error));
	else if (error == EISDIR)
		complain(p->complaint, from->origin, from->line,
		    "\"%.120s\": a directory; for the files in it: include %.120s/*.conf", p->origin, p->origin);
	else
		complain(p->complaint, from->origin, from->line, "\"%.120s\": cannot read the rules: %s", p->origin,
		    strerror(error));
	return -error;
}

static int parse_line(struct parser *p, struct settings *settings, const char *line);

static int
parse_file(struct parser *p, struct settings *settings)
{
	struct rules *rules = p->rules;
	/*
	 * without O_CLOEXEC, which costs a system call more with musl; it is closed before anything could be executed.  A FIFO is
	 * not waited for.
	 */
	int fd = open(p->origin, O_RDONLY | O_NONBLOCK), r = 0;
	char *line = rules->storage + rules->used, *end, *next;
	ssize_t length = fd < 0 ? -errno : read_all(fd, rules);

	if (fd >= 0)
		close(fd);
	/* gone since its folder was read */
	if (length == -ENOENT && p->may_be_gone)
		return 0;
	if (length < 0)
		return refuse_file(p, (int)-length);
	end = line + length;
	/* a byte order mark, which some editors write, is not part of the first word */
	if (length >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0)
		line += 3;
	/* the text stays where it was read, what is made of it goes behind it */
	rules->used += ((size_t)length + _Alignof(max_align_t)) & ~(_Alignof(max_align_t) - 1);
	for (; line < end && r == 0; line = next + 1) {
		next = memchr(line, '\n', (size_t)(end - line));
		if (next == NULL)
			next = end;
		*next = '\0';
		p->line++;
		if (strlen(line) != (size_t)(next - line))
			return parser_refuse(p, line, "a NUL byte follows; expected a text file");
		r = parse_line(p, settings, line);
	}
	return r;
}

static int
parse_include(struct parser *p, struct settings *settings, const struct word *words, int count)
{
	char **paths;
	int r;

	if (!p->is_file)
		return parser_refuse(p, "include", "belongs into a file; on the command line there is --config FILE");
	if (count != 2 || *words[1].text == '\0')
		return parser_refuse(p, "include", "expected a file or a pattern behind it, e.g. include /etc/usher.d/*.conf");
	r = include_find(p, words[1].text, &paths);
	for (; r == 0 && *paths != NULL; paths++) {
		struct parser included = { p->rules, *paths, 0, p->complaint, true, p, false };

		r = include_check(p, *paths, words[1].text, &included.may_be_gone);
		if (r == 0)
			r = parse_file(&included, settings);
	}
	return r;
}

static int
parse_line(struct parser *p, struct settings *settings, const char *line)
{
	struct word words[WORDS_MAX];
	const char *reason;
	char *written, *cut;
	int count;

	if (line[strspn(line, " \t\r\n")] == '\0' || line[strspn(line, " \t")] == '#')
		return 0;
	written = copy_line(p, line);
	cut = written != NULL ? copy_line(p, line) : NULL;
	if (cut == NULL)
		return -ENOSPC;
	count = words_cut(cut, words, &reason);
	if (count <= 0)
		return count == 0 ? 0 : parser_refuse(p, written, reason);
	if (strcmp(words[0].text, "set") == 0)
		return parse_set(p, settings, words, count);
	if (strcmp(words[0].text, "include") == 0)
		return parse_include(p, settings, words, count);
	return parse_rule(p, words, count, written);
}

int
grammar_line(struct rules *rules, struct settings *settings, const char *origin, unsigned line_number, const char *line,
    struct complaint *ret_complaint)
{
	struct parser p = { rules, line_number > 0 ? origin : "command line", line_number, ret_complaint, false, NULL, false };

	return parse_line(&p, settings, line);
}

int
grammar_file(struct rules *rules, struct settings *settings, const char *path, struct complaint *ret_complaint)
{
	struct parser p = { rules, path, 0, ret_complaint, true, NULL, false };

	return parse_file(&p, settings);
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

/* Why C cannot hold, or NULL. */
static const char *
never_holds(const struct condition *c, int timeout_ms)
{
	if (c->kind == CONDITION_SILENT && timeout_ms > 0 && c->silent_ms > timeout_ms)
		return "its time is longer than the timeout, so it cannot hold; raise the timeout";
	if (timeout_ms > 0 || c->negated)
		return NULL;
	if (c->kind == CONDITION_SILENT && c->silent_ms == SILENT_TIMEOUT)
		return "the timeout is 0, which is never, so it cannot hold; write a time, e.g. silent=300ms";
	if (c->kind == CONDITION_STALLED)
		return "the timeout is 0, which is never, so it cannot hold; set a timeout";
	return NULL;
}

int
grammar_finish(const struct rules *rules, const struct settings *settings, struct complaint *ret_complaint)
{
	for (const struct rule *rule = rules->first; rule != NULL; rule = rule->next)
		for (const struct condition *c = rule->conditions; c != NULL; c = c->next) {
			const char *reason = never_holds(c, settings->timeout_ms);

			if (reason != NULL)
				return complain(ret_complaint, rule->origin, rule->line, "\"%s\": %s",
				    c->kind == CONDITION_SILENT ? "silent" : "stalled", reason);
		}
	return 0;
}
