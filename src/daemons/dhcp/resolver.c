/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "resolver.h"

#include <errno.h>
#include <iothconf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "words.h"

#define EVERY_MS 5000

/* The text of a resolv.conf with the servers of the option. A dead one costs two seconds of a thread. */
static int list_servers(const char *list, char *text, size_t size)
{
	char word[64];
	int n = snprintf(text, size, "options timeout:1 attempts:2\n");

	while (dh_word(&list, word, sizeof(word)) && n > 0 && (size_t)n < size)
		n += snprintf(text + n, size - (size_t)n, "nameserver %s\n", word);
	return n > 0 && (size_t)n < size ? 0 : -E2BIG;
}

static int open_text(struct dh_resolver *r, const char *text)
{
	r->text = strdup(text);
	if (r->text == NULL)
		return -ENOMEM;
	r->dns = iothdns_init_strcfg(r->stack, r->text);
	return r->dns == NULL ? -errno : 0;
}

static int open_any(struct dh_resolver *r, const struct dh_settings *s)
{
	char text[512];

	if (s->nameserver != NULL) {
		int error = list_servers(s->nameserver, text, sizeof(text));
		return error < 0 ? error : open_text(r, text);
	}
	r->follows = r->stack != NULL;
	VS_AUTO_FREE char *own = r->follows ? ioth_resolvconf(r->stack, NULL) : NULL;
	if (own != NULL && *own != '\0')
		return open_text(r, own);
	r->path = s->resolvconf != NULL ? s->resolvconf : IOTHDNS_DEFAULT_RESOLV_CONF;
	r->dns = iothdns_init(r->stack, (char *)(uintptr_t)r->path);
	if (r->dns != NULL)
		return 0;
	return errno == ENOENT && s->resolvconf == NULL ? open_text(r, "") : -errno;
}

int dh_resolver_open(struct dh_resolver *r, const struct dh_settings *settings, const struct dh_link *link)
{
	*r = (struct dh_resolver){ .stack = link->dnsstack };
	(void)pthread_mutex_init(&r->lock, NULL);
	int error = open_any(r, settings);
	if (error < 0)
		dm_report(DM_ERROR, "cannot look names up by the servers of %s: %s",
			  r->path != NULL                ? r->path
			  : settings->nameserver != NULL ? "--nameserver"
							 : "the stack",
			  strerror(-error));
	return error < 0 ? -1 : 0;
}

void dh_resolver_close(struct dh_resolver *r)
{
	iothdns_fini(r->dns);
	free(r->text);
	(void)pthread_mutex_destroy(&r->lock);
}

/* Without memory the old ones stay. */
static void set_text_locked(struct dh_resolver *r, char *text)
{
	if (text == NULL || *text == '\0' || iothdns_update_strcfg(r->dns, text) < 0) {
		free(text);
		return;
	}
	free(r->text);
	r->text = text;
}

void dh_resolver_follow(struct dh_resolver *r, int64_t now_ms)
{
	if (!r->follows)
		return;
	(void)pthread_mutex_lock(&r->lock);
	bool due = now_ms >= r->next_ms;
	if (due)
		r->next_ms = now_ms + EVERY_MS;
	(void)pthread_mutex_unlock(&r->lock);
	if (!due)
		return;
	char *text = ioth_resolvconf(r->stack, NULL); /* NULL: nothing has changed */
	(void)pthread_mutex_lock(&r->lock);
	set_text_locked(r, text);
	(void)pthread_mutex_unlock(&r->lock);
}

/* With the same name servers; a path of r->path as it is now. */
static struct iothdns *copy_resolver(struct dh_resolver *r)
{
	(void)pthread_mutex_lock(&r->lock);
	struct iothdns *dns = r->text != NULL ? iothdns_init_strcfg(r->stack, r->text)
					      : iothdns_init(r->stack, (char *)(uintptr_t)r->path);
	(void)pthread_mutex_unlock(&r->lock);
	return dns;
}

void dh_resolver_ask(struct dh_resolver *r, const char *name, enum dh_kind kind, struct dh_answer *answer)
{
	if (strpbrk(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL) {
		dh_lookup(r->dns, name, kind, answer);
		return;
	}
	struct iothdns *own = copy_resolver(r);
	if (own != NULL)
		dh_lookup(own, name, kind, answer);
	else
		*answer = (struct dh_answer){ .outcome = DH_FAILED };
	iothdns_fini(own);
}

void dh_resolver_flush(struct dh_resolver *r)
{
	int error = 0;

	(void)pthread_mutex_lock(&r->lock);
	if (r->text != NULL)
		(void)iothdns_update_strcfg(r->dns, r->text);
	else if (iothdns_update(r->dns, (char *)(uintptr_t)r->path) < 0)
		error = errno;
	(void)pthread_mutex_unlock(&r->lock);
	if (error != 0)
		dm_report(DM_NOTICE, "the name servers stay as they are: cannot read %s: %s", r->path,
			  strerror(error));
}
