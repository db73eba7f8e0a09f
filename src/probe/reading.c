#include "config.h"

#include "probe/reading.h"

#include <string.h>

bool
reading_lacks(const struct reading *r, const char *name)
{
	return !r->complete || (r->partial && (r->cut == NULL || strcmp(r->cut, name) == 0));
}

static bool
has(const struct reading *r, const char *name)
{
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->attribute[i].name, name) == 0)
			return true;
	return false;
}

void
reading_add(struct reading *r, const char *name, struct span value)
{
	/* The last places are kept for the first values of other attributes, so that no list can push one of them out. */
	if (r->count == READING_ATTRIBUTES || (r->count > READING_ATTRIBUTES - PROBE_ATTRIBUTES && has(r, name))) {
		r->cut = !r->partial || (r->cut != NULL && strcmp(r->cut, name) == 0) ? name : NULL;
		r->partial = true;
		return;
	}
	r->attribute[r->count++] = (struct attribute){ name, value };
}

void
reading_is_partial(struct reading *r)
{
	r->partial = true;
	r->cut = NULL;
}

uint8_t *
reading_keep(struct reading *r, struct span value)
{
	uint8_t *kept = r->scratch;

	if (value.length > r->scratch_left)
		return NULL;
	if (value.length > 0)
		memcpy(kept, value.bytes, value.length);
	r->scratch += value.length;
	r->scratch_left -= value.length;
	return kept;
}
