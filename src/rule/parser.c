#include "config.h"

#include "rule/parser.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

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

int
parser_list(struct parser *p, char *list, char ***ret_items, size_t *ret_count)
{
	size_t count = 1;
	char **items;

	for (const char *c = list; *c != '\0'; c++)
		count += *c == ',';
	items = parser_reserve(p, (count + 1) * sizeof *items);
	if (items == NULL)
		return -ENOSPC;
	for (size_t i = 0; i < count; i++) {
		items[i] = list;
		list += strcspn(list, ",");
		*list++ = '\0';
		if (*items[i] == '\0')
			return parser_refuse(p, ",", "an item of the list is empty");
	}
	*ret_items = items;
	*ret_count = count;
	return 0;
}
