/* Who goes first when memory runs out, and that a program that is executed does not inherit it. */
#include "config.h"

#include <fcntl.h>

#include "base/oom.h"
#include "fixture.h"
#include "tap.h"

static int
score(void)
{
	char text[16] = "";
	int fd = open("/proc/self/oom_score_adj", O_RDONLY);

	if (fd == -1 || read(fd, text, sizeof(text) - 1) <= 0)
		die("/proc/self/oom_score_adj cannot be read");
	close(fd);
	return atoi(text);
}

static void
set_score(const char *text)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	if (fd == -1 || write(fd, text, strlen(text)) == -1)
		die("/proc/self/oom_score_adj cannot be written");
	close(fd);
}

int
main(void)
{
	static const struct {
		const char *before;
		int during;
	} cases[] = { { "200", 700 }, { "800", 1000 }, { "1000", 1000 } };
	int own = score();

	oom_withdraw();
	is_int(score(), own, "without a change there is nothing to take back");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		pid_t pid = fork_child();

		if (pid == 0) {
			set_score(cases[i].before);
			oom_volunteer();
			if (score() != cases[i].during)
				_exit(1);
			oom_withdraw();
			_exit(score() == atoi(cases[i].before) ? 0 : 2);
		}
		is_int(wait_child(pid), 0, "from %s to %d and back", cases[i].before, cases[i].during);
	}
	oom_volunteer();
	ok(score() >= own && score() >= 0, "whoever volunteers has no less than before");
	return done_testing();
}
