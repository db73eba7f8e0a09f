#include "config.h"

#include "net/bind.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/listener.h"
#include "net/resolve.h"

/* Long enough for every name that there can be (253), and its port. */
#define TARGET_TEXT 320

/* What a text stands for: an address, or a name to look up.  endpoint points into copy.  any_port: the system chooses it. */
struct target {
	char copy[TARGET_TEXT];
	struct endpoint endpoint;
	bool any_port;
};

static bool
is_bare_port(const char *text)
{
	return isdigit((unsigned char)text[0]) && strpbrk(text, ":.") == NULL;
}

/* As other programs write all addresses. */
static bool
is_everywhere(const char *text)
{
	return strncmp(text, "*:", 2) == 0 || (text[0] == ':' && text[1] != ':');
}

static bool
has_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno != EAFNOSUPPORT;
	close(fd);
	return true;
}

static int
parse(const char *text, struct target *ret, const char **ret_reason)
{
	static const char forms[] =
	    "expected PORT alone, ADDRESS:PORT, NAME:PORT, [IPV6]:PORT, unix:/PATH, unix:@NAME or vsock:CID:PORT";
	const char *prefix = !is_bare_port(text) ? "" : has_ipv6() ? "[::]:" : "0.0.0.0:";
	struct address *a = &ret->endpoint.address;
	size_t length;

	*ret_reason = is_everywhere(text) ? "PORT alone, or [::]:PORT, listens on all addresses" : forms;
	if (is_everywhere(text))
		return -EINVAL;
	length = (size_t)snprintf(ret->copy, sizeof ret->copy, "%s%s", prefix, text);
	if (length >= sizeof ret->copy)
		return -EINVAL;
	/* 0 lets the system choose a port; an endpoint cannot be that */
	ret->any_port = length > 2 && strcmp(ret->copy + length - 2, ":0") == 0 && strncmp(ret->copy, "unix:", 5) != 0;
	if (ret->any_port)
		ret->copy[length - 1] = '1';
	if (endpoint_parse(ret->copy, &ret->endpoint, ret_reason) < 0) {
		if (*ret_reason == endpoint_forms)
			*ret_reason = forms;
		return -EINVAL;
	}
	if (a->length == 0 && ret->endpoint.service == NULL) {
		*ret_reason = "srv: is for backends; listen on an address";
		return -EINVAL;
	}
	if (ret->any_port && a->length == 0)
		ret->copy[length - 1] = '0';
	else if (ret->any_port && a->sa.sa_family == AF_INET)
		a->in.sin_port = 0;
	else if (ret->any_port && a->sa.sa_family == AF_INET6)
		a->in6.sin6_port = 0;
	else if (ret->any_port) {
		*ret_reason = "expected a port";
		return -EINVAL;
	}
	return 0;
}

int
bind_check(const char *text, const char **ret_reason)
{
	struct target t;

	return parse(text, &t, ret_reason);
}

/* All addresses to listen on, each once.  texts: a bit for each of the texts that stand for it.  error: 0, or why it cannot be. */
struct plan {
	size_t count;
	struct wanted {
		struct address address;
		uint32_t texts;
		int error;
	} each[INTAKE_LISTENERS];
};

_Static_assert(BIND_TEXTS <= 32, "a text is a bit");

static int
want(struct plan *p, const struct address *address, uint32_t text)
{
	for (size_t i = 0; i < p->count; i++) {
		struct wanted *w = &p->each[i];

		if (w->address.length != address->length || memcmp(&w->address.sa, &address->sa, address->length) != 0)
			continue;
		/* a port that the system chooses is another one each time that it is asked for */
		if (address_port(address) == 0 && w->texts != text)
			continue;
		w->texts |= text;
		return 0;
	}
	if (p->count == INTAKE_LISTENERS)
		return -ENOSPC;
	p->each[p->count++] = (struct wanted){ .address = *address, .texts = text };
	return 0;
}

/* Add what TEXT stands for to the plan. */
static int
look_up(struct plan *p, const char *text, uint32_t bit, char ret_failure[BIND_FAILURE])
{
	struct address found[RESOLVE_MAX];
	struct target t;
	const char *reason;
	int count = 1, r = parse(text, &t, &reason);

	if (r < 0)
		snprintf(ret_failure, BIND_FAILURE, "\"%s\": %s", text, reason);
	else if (t.endpoint.address.length > 0)
		found[0] = t.endpoint.address;
	else {
		r = count = resolve(t.endpoint.host, t.endpoint.service, RESOLVE_TO_LISTEN, CLOCK_NEVER, found, &reason);
		if (r < 0)
			snprintf(ret_failure, BIND_FAILURE, "\"%s\": cannot resolve %s: %s", text, t.endpoint.host, reason);
	}
	if (r < 0)
		return r;
	for (int i = 0; i < count; i++) {
		address_unmap(&found[i]);
		r = want(p, &found[i], bit);
		if (r < 0) {
			snprintf(ret_failure, BIND_FAILURE, "\"%s\": no more than %d sockets", text, INTAKE_LISTENERS);
			return r;
		}
	}
	return 0;
}

/* Whether an address is none of this machine's: of a name that has others as well it can be left out. */
static bool
is_elsewhere(int error)
{
	return error == -EADDRNOTAVAIL || error == -EAFNOSUPPORT;
}

/* The address that keeps the text of bit BIT from being listened on, or NULL. */
static const struct wanted *
obstacle(const struct plan *p, uint32_t bit)
{
	const struct wanted *elsewhere = NULL;
	bool served = false;

	for (const struct wanted *w = p->each; w < p->each + p->count; w++) {
		if ((w->texts & bit) == 0)
			continue;
		if (w->error != 0 && !is_elsewhere(w->error))
			return w;
		if (w->error == 0)
			served = true;
		else if (elsewhere == NULL)
			elsewhere = w;
	}
	return served ? NULL : elsewhere;
}

/* Open a socket at every address of the plan.  Returns 0, or -errno and which of the texts cannot be listened on. */
static int
carry_out(struct plan *p, struct listeners *listeners, const char *const texts[], size_t count, char ret_failure[BIND_FAILURE])
{
	char address[ADDRESS_TEXT];

	for (size_t i = 0; i < p->count; i++) {
		p->each[i].error = listener_add(listeners, &p->each[i].address);
		if (p->each[i].error != 0 && !is_elsewhere(p->each[i].error))
			break;
	}
	for (size_t i = 0; i < count; i++) {
		const struct wanted *w = obstacle(p, UINT32_C(1) << i);

		if (w == NULL)
			continue;
		address_format(&w->address, address);
		if (strcmp(address, texts[i]) == 0)
			snprintf(ret_failure, BIND_FAILURE, "\"%s\": %s", texts[i], strerror(-w->error));
		else
			snprintf(ret_failure, BIND_FAILURE, "\"%s\": %s: %s", texts[i], address, strerror(-w->error));
		return w->error;
	}
	return 0;
}

int
bind_all(struct listeners *ret, const char *const texts[], size_t count, char ret_failure[BIND_FAILURE])
{
	struct listeners listeners = { 0 };
	struct plan p = { 0 };
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++)
		r = look_up(&p, texts[i], UINT32_C(1) << i, ret_failure);
	if (r == 0)
		r = carry_out(&p, &listeners, texts, count, ret_failure);
	if (r == 0)
		*ret = listeners;
	for (size_t i = 0; r < 0 && i < listeners.count; i++)
		close(listeners.each[i].fd);
	return r;
}
