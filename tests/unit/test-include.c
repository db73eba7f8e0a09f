#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "fixture.h"
#include "rule/grammar.h"
#include "rule/include.h"
#include "rule/settings.h"
#include "tap.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct rules rules;
static struct settings settings;
static struct complaint complaint;
static char folder[128];

/* NAME is below the scratch folder, TEXT is what stands in it. */
static void
make(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		die("%s: %s", path, strerror(errno));
}

static void
make_folder(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (mkdir(path, 0755) == -1)
		die("%s: %s", path, strerror(errno));
}

/* Remove NAME, a file or an empty folder. */
static void
drop(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (remove(path) == -1)
		die("%s: %s", path, strerror(errno));
}

/* Read TEXT as the file "main". */
static int
read_main(const char *text)
{
	static char path[256];

	make("main", text);
	snprintf(path, sizeof(path), "%s/main", folder);
	rules_clear(&rules);
	settings_defaults(&settings);
	complaint.text[0] = '\0';
	return grammar_file(&rules, &settings, path, &complaint);
}

/* What each rule replies, with its file and line: "a main:1, b x.conf:2". */
static const char *
all(void)
{
	static char text[1024];
	size_t n = 0;

	text[0] = '\0';
	for (const struct rule *r = rules.first; r != NULL; r = r->next) {
		const char *origin = r->origin;

		if (strncmp(origin, folder, strlen(folder)) == 0)
			origin += strlen(folder) + 1;
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s %s:%u", n > 0 ? ", " : "", r->action.reply, origin,
		    r->line);
	}
	return text;
}

/* Reading TEXT as "main" gives these rules. */
static void
gives(const char *text, const char *expected)
{
	int r = read_main(text);

	if (!is_int(r, 0, "%s", text))
		printf("# %s\n", complaint.text);
	is_str(all(), expected, "gives the rules");
}

/* Reading TEXT as "main" is an error at WHERE, a file and line below the scratch folder, and the sentence has EXPECTED. */
static void
fails(const char *text, int error, const char *where, const char *expected)
{
	char want[256];

	is_int(read_main(text), error, "%s", text);
	snprintf(want, sizeof(want), "%s/%s: \"", folder, where);
	ok(strncmp(complaint.text, want, strlen(want)) == 0 && strstr(complaint.text, expected) != NULL, "%s", complaint.text);
}

static void
test_order(void)
{
	char text[512];

	make("10.conf", "# ten\nany reply b\n");
	make("9.conf", "any reply c");
	make("B.conf", "any reply d\nany reply e\n");
	make("a.conf", "\n\n\nany reply f\n");
	gives("any reply a\ninclude *.conf\nany reply z\n",
	    "a main:1, b 10.conf:2, c 9.conf:1, d B.conf:1, e B.conf:2, f a.conf:4, z main:3");
	is_int(rules.last->number, 7, "numbers go on through all files");
	gives("include 9.conf\n  include\t10.conf \n", "c 9.conf:1, b 10.conf:2");
	gives("include 9.conf\ninclude 9.conf\n", "c 9.conf:1, c 9.conf:1");
	gives("include [0-9].conf\ninclude ??.conf", "c 9.conf:1, b 10.conf:2");
	gives("include ./9.conf", "c ./9.conf:1");
	gives("'include' \"9.co\"'nf'", "c 9.conf:1");
	snprintf(text, sizeof(text), "include %s/9.conf\ninclude %s/1*", folder, folder);
	gives(text, "c 9.conf:1, b 10.conf:2");
	make("set.conf", "set timeout 7s\n");
	gives("set timeout 5s\ninclude set.conf\nany reply a", "a main:3");
	is_int(settings.timeout_ms, 7000, "a setting counts from where its file is included");
	gives("include set.conf\nset timeout 5s\n", "");
	is_int(settings.timeout_ms, 5000, "until the next");
	drop("set.conf");
	for (const char *const *name = (const char *const[]){ "10.conf", "9.conf", "B.conf", "a.conf", NULL };
	    *name != NULL; name++)
		drop(*name);
	gives("include *.conf\nany reply a", "a main:2");
	gives("include no-such-folder/*.conf\nany reply a", "a main:2");
	gives("include main/*.conf\nany reply a", "a main:2");
	gives("#include x\nany reply a", "a main:2");
}

/* A folder's own name is no pattern; what a file includes is relative to that file and not to who includes it. */
static void
test_folders(void)
{
	make_folder("d [*]\\?");
	make_folder("d [*]\\?/e");
	make("d [*]\\?/1", "any reply a\ninclude e/*\n");
	make("d [*]\\?/2", "any reply b\ninclude [1]x\n");
	make("d [*]\\?/e/1", "any reply c\n");
	make("d [*]\\?/e/2", "any reply d\ninclude ../3\n");
	make("d [*]\\?/3", "any reply e\ninclude x[*]\n");
	gives("include 'd \\[\\*]\\\\\\?/1'", "a d [*]\\?/1:1, c d [*]\\?/e/1:1, d d [*]\\?/e/2:1, e d [*]\\?/e/../3:1");
	gives("include 'd*/2'", "b d [*]\\?/2:1");
	gives("include d*/[12]", "a d [*]\\?/1:1, c d [*]\\?/e/1:1, d d [*]\\?/e/2:1, e d [*]\\?/e/../3:1, b d [*]\\?/2:1");
	drop("d [*]\\?/e/1");
	drop("d [*]\\?/e/2");
	drop("d [*]\\?/e");
	drop("d [*]\\?/1");
	drop("d [*]\\?/2");
	drop("d [*]\\?/3");
	drop("d [*]\\?");
}

/* What editors and packages leave behind does not count, unless it is asked for by its whole name. */
static void
test_left_behind(void)
{
	static const char *const names[] = {
		"x~", "x.conf~", "x.bak", "x.dpkg-old", "x.conf.dpkg-new", "x.orig", "x.rpmnew", "x.rpmorig", "x.conf.rpmsave",
		"x.swp",
		"x.ucf-dist", ".x.conf.swp", ".x",
	};
	char text[64], expected[64];

	make("x", "any reply x");
	make("x.dpkg", "any reply y");
	for (size_t i = 0; i < COUNT(names); i++)
		make(names[i], "any reply left");
	gives("include x*", "x x:1, y x.dpkg:1");
	gives("include *x", "x x:1");
	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(text, sizeof(text), "include %s", names[i]);
		snprintf(expected, sizeof(expected), "left %s:1", names[i]);
		gives(text, expected);
		drop(names[i]);
	}
	drop("x");
	drop("x.dpkg");
}

static void
test_errors(void)
{
	char expected[256];

	fails("any close\ninclude", -EINVAL, "main:2", "\"include\"");
	fails("include a b", -EINVAL, "main:1", "\"include\"");
	fails("include ''", -EINVAL, "main:1", "\"include\"");
	snprintf(expected, sizeof(expected), "\"%s/x\": cannot read the rules: %s", folder, strerror(ENOENT));
	fails("\ninclude x\n", -ENOENT, "main:2", expected);
	make("x.conf", "any close\n\nany frob\n");
	fails("any close\ninclude x.conf", -EINVAL, "x.conf:3", "frob");
	fails("any close\ninclude *.conf", -EINVAL, "x.conf:3", "frob");
	make("x.conf", "any close\ninclude y\n");
	fails("include x.conf", -ENOENT, "x.conf:2", "/y\": cannot read");
	make("x.conf", "set timeout soon\n");
	fails("include x.conf", -EINVAL, "x.conf:1", "soon");
	make("x.conf", "silent=1h close\n");
	is_int(read_main("include x.conf"), 0, "what is only wrong in company");
	is_int(grammar_finish(&rules, &settings, &complaint), -EINVAL, "is found at the end");
	ok(strstr(complaint.text, "/x.conf:1: ") != NULL, "%s", complaint.text);
	drop("x.conf");

	make_folder("d");
	snprintf(expected, sizeof(expected), "include %s/d/*.conf", folder);
	fails("include d", -EISDIR, "main:1", expected);
	fails("include [d]", -EISDIR, "main:1", expected);
	drop("d");

	rules_clear(&rules);
	is_int(grammar_line(&rules, &settings, NULL, 0, "include /etc/usher.d/*.conf", &complaint), -EINVAL,
	    "the command line includes nothing");
	ok(strncmp(complaint.text, "command line: \"include\": ", 25) == 0, "%s", complaint.text);
	is_int(grammar_line(&rules, &settings, "file", 3, "include /etc/usher.d/*.conf", &complaint), -EINVAL,
	    "nor does a single line");
	is_int(rules.count, 0, "no rule was added");
}

static void
test_circles(void)
{
	char name[16], text[64], expected[256], path[256], other[256];

	fails("any close\ninclude main", -EINVAL, "main:2", "itself");
	fails("include m*", -EINVAL, "main:1", "itself");
	make("x", "\ninclude main\n");
	fails("include x", -EINVAL, "x:2", "itself");
	/* by a name that is not the same */
	fails("include ./main", -EINVAL, "main:1", "itself");
	snprintf(path, sizeof(path), "%s/main", folder);
	snprintf(other, sizeof(other), "%s/link", folder);
	if (symlink(path, other) == -1)
		die("symlink: %s", strerror(errno));
	fails("include link", -EINVAL, "main:1", "itself");
	drop("link");
	drop("x");

	/* main includes 1, which includes 2, ... */
	for (unsigned i = 1; i <= INCLUDE_DEPTH + 1; i++) {
		snprintf(name, sizeof(name), "%u", i);
		snprintf(text, sizeof(text), i < INCLUDE_DEPTH ? "include %u\n" : "any reply deep\n", i + 1);
		make(name, text);
	}
	snprintf(expected, sizeof(expected), "deep %u:1", INCLUDE_DEPTH);
	gives("include 1", expected);
	snprintf(name, sizeof(name), "%u", INCLUDE_DEPTH);
	snprintf(text, sizeof(text), "any close\ninclude %u\n", INCLUDE_DEPTH + 1);
	make(name, text);
	snprintf(name, sizeof(name), "%u:2", INCLUDE_DEPTH);
	fails("include 1", -EINVAL, name, "8 deep");
	for (unsigned i = 1; i <= INCLUDE_DEPTH + 1; i++) {
		snprintf(name, sizeof(name), "%u", i);
		drop(name);
	}
}

/* Everything stands in one storage, and the names of the files do too. */
static void
test_storage(void)
{
	static char many[200000];
	int before = count_descriptors(), r;

	for (size_t n = 0; n + 18 < sizeof(many); n += 17)
		memcpy(many + n, "# only a comment\n", 18);
	make("x", many);
	gives("include x\ninclude x\nany reply a\n", "a main:3");
	r = read_main("include x\ninclude x\ninclude x\ninclude x\n");
	is_int(r, -ENOSPC, "files that do not fit are refused");
	ok(strstr(complaint.text, "/main:4: ") != NULL && strstr(complaint.text, "need more than") != NULL, "%s", complaint.text);
	drop("x");
	make("x.conf", "");
	for (size_t n = 0; n + 15 < sizeof(many); n += 15)
		memcpy(many + n, "include x.con?\n", 16);
	r = read_main(many);
	is_int(r, -ENOSPC, "more names than fit");
	ok(strstr(complaint.text, "/main:") != NULL && strstr(complaint.text, "the rules need more than") != NULL, "%s",
	    complaint.text);
	is_int(count_descriptors(), before, "no file stays open");
	drop("x.conf");
}

/* Root reads everything, so somebody else tries. */
static void
test_unreadable(void)
{
	static const struct {
		const char *main, *where;
	} cases[] = {
		{ "any close\ninclude d/x\n", "main:2" }, { "include d/*\n", "main:1" }, { "include hidden/*.conf", "main:1" },
		{ "include hidden/x.conf", "main:1" }, { "include h*/x.conf", "main:1" },
	};
	char path[256], want[512];

	make_folder("d");
	make("d/x", "any close\n");
	make_folder("hidden");
	snprintf(path, sizeof(path), "%s/d/x", folder);
	if (chmod(path, 0) == -1 || chmod(folder, 0777) == -1)
		die("chmod: %s", strerror(errno));
	snprintf(path, sizeof(path), "%s/hidden", folder);
	if (chmod(path, 0) == -1)
		die("chmod: %s", strerror(errno));
	for (size_t i = 0; i < COUNT(cases); i++) {
		pid_t pid;

		make("main", "");
		snprintf(path, sizeof(path), "%s/main", folder);
		chmod(path, 0666);
		pid = fork_child();
		if (pid == 0) {
			int r;

			if (geteuid() == 0 && setuid(65534) == -1)
				_exit(98);
			r = read_main(cases[i].main);
			snprintf(want, sizeof(want), "%s/%s: \"%s/", folder, cases[i].where, folder);
			_exit(r != -EACCES || strncmp(complaint.text, want, strlen(want)) != 0 ||
			    strstr(complaint.text, strerror(EACCES)) == NULL);
		}
		is_int(wait_child(pid), 0, "may not be read: %s", cases[i].main);
	}
	drop("d/x");
	drop("d");
	drop("hidden");
}

int
main(void)
{
	snprintf(folder, sizeof(folder), "%s", scratch_path(""));
	folder[strlen(folder) - 1] = '\0';
	test_order();
	test_folders();
	test_left_behind();
	test_errors();
	test_circles();
	test_storage();
	test_unreadable();
	rules_clear(&rules);
	fixture_end();
	return done_testing();
}
