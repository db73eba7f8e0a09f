#include "config.h"

#include "base/ratelimit.h"
#include "tap.h"

int
main(void)
{
	struct rate_limit l = { 0 };
	uint64_t suppressed = 77;

	ok(rate_limit_allows(&l, 1000, &suppressed), "the first message is logged");
	is_int((long long)suppressed, 0, "no message was suppressed before it");
	ok(!rate_limit_allows(&l, 1000, &suppressed), "the next message at the same time is not logged");
	ok(!rate_limit_allows(&l, 1000 + RATE_LIMIT_MS - 1, &suppressed), "a message just before the minute is over is not logged");
	ok(rate_limit_allows(&l, 1000 + RATE_LIMIT_MS, &suppressed), "the first message after a minute is logged");
	is_int((long long)suppressed, 2, "the first message after a minute has the number of those that were suppressed");
	ok(!rate_limit_allows(&l, 1001 + RATE_LIMIT_MS, &suppressed), "a message right after that one is not logged");
	ok(rate_limit_allows(&l, 1000 + 10 * RATE_LIMIT_MS, &suppressed), "a message after a long pause is logged");
	is_int((long long)suppressed, 1, "the count of what was suppressed began anew");
	return done_testing();
}
