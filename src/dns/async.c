/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Lookups for programs with an event loop. A lookup that is started without a group gets one of its own,
 * which ends with it.
 */

#include <errno.h>
#include <stdlib.h>

#include "answer.h"
#include "error.h"
#include "group.h"
#include "lookup.h"
#include "no_cancel.h"
#include <vdestack/dns.h>

/* What is asked for. */
struct request {
	bool of_type;
	const char *name;
	const char *service; /* of addresses */
	const struct addrinfo *hints;
	int type;            /* of records */
};

static void release(struct vdestack_dns_lookup *l)
{
	struct vdestack_dns_group *group = l->group;
	bool alone = l->alone, ours = vs_group_is_ours(group);

	vs_group_remove(l);
	if (alone)
		vs_group_delete(group);
	else if (ours)
		vs_group_arm(group);
}

/* NULL: a group of its own. */
static struct vdestack_dns_lookup *start(struct vdestack_dns *dns, struct vdestack_dns_group *group,
					 const struct request *request, void *data)
{
	struct vdestack_dns_lookup *l = malloc(sizeof(*l));
	struct vdestack_dns_group *own = NULL;

	if (l == NULL) {
		vs_dns_error_set("out of memory");
		errno = ENOMEM;
		return NULL;
	}
	if (group == NULL)
		group = own = vs_group_new(dns);
	if (group == NULL) {
		free(l);
		return NULL;
	}
	if (request->of_type)
		vs_lookup_begin_type(l, dns, request->name, request->type);
	else
		vs_lookup_begin(l, dns, request->name, request->service, request->hints);
	l->alone = own != NULL;
	l->data = data;
	vs_group_add(group, l);
	vs_group_arm(group);
	return l;
}

/* Reports what is wrong, if anything is. */
static bool may_start(const void *handle, const char *what, const struct request *request)
{
	if (handle != NULL && (request->name != NULL || !request->of_type))
		return true;
	vs_dns_error_set("no %s", handle == NULL ? what : "name");
	errno = EINVAL;
	return false;
}

static struct vdestack_dns_lookup *start_alone(struct vdestack_dns *dns, const struct request *request)
{
	VS_DNS_NO_CANCEL;

	return may_start(dns, "resolver", request) ? start(dns, NULL, request, NULL) : NULL;
}

static struct vdestack_dns_lookup *start_in(struct vdestack_dns_group *group, const struct request *request,
					    void *data)
{
	VS_DNS_NO_CANCEL;

	if (!may_start(group, "group", request))
		return NULL;
	if (vs_group_is_ours(group))
		return start(vs_group_resolver(group), group, request, data);
	vs_dns_error_set("this group was made by another process");
	errno = ECANCELED;
	return NULL;
}

struct vdestack_dns_lookup *vdestack_dns_start(struct vdestack_dns *dns, const char *node,
					       const char *service, const struct addrinfo *hints)
{
	return start_alone(dns, &(struct request){ .name = node, .service = service, .hints = hints });
}

struct vdestack_dns_lookup *vdestack_dns_start_type(struct vdestack_dns *dns, const char *name, int type)
{
	return start_alone(dns, &(struct request){ .of_type = true, .name = name, .type = type });
}

struct vdestack_dns_lookup *vdestack_dns_group_start(struct vdestack_dns_group *group, const char *node,
						     const char *service, const struct addrinfo *hints,
						     void *data)
{
	return start_in(group, &(struct request){ .name = node, .service = service, .hints = hints }, data);
}

struct vdestack_dns_lookup *vdestack_dns_group_start_type(struct vdestack_dns_group *group, const char *name,
							  int type, void *data)
{
	return start_in(group, &(struct request){ .of_type = true, .name = name, .type = type }, data);
}

int vdestack_dns_fd(const struct vdestack_dns_lookup *lookup)
{
	if (lookup != NULL)
		return vs_group_fd(lookup->group);
	vs_dns_error_set("no lookup");
	errno = EINVAL;
	return -1;
}

/* 0: it goes on. 1: it is done, and its code is to be reported. Negative: it is another process's. */
static int work(struct vdestack_dns_lookup *l)
{
	if (!vs_group_is_ours(l->group))
		return vs_dns_fail(EAI_CANCELED, "this lookup was begun by another process");
	if (!l->done)
		vs_group_work(l->group);
	if (l->done)
		return 1;
	vs_group_arm(l->group);
	return 0;
}

/* 0: it goes on. 1: it has its result. Negative: an error code. */
static int go_on(struct vdestack_dns_lookup *l)
{
	int r = work(l);

	if (r > 0) {
		r = vs_lookup_report(l);
		if (r == 0)
			r = 1;
	}
	return r;
}

/* Frees a lookup that has ended. Keeps errno, which belongs to r. */
static int end(struct vdestack_dns_lookup *l, int r)
{
	int err = errno;

	release(l);
	errno = err;
	return r;
}

int vdestack_dns_finish(struct vdestack_dns_lookup *lookup, struct addrinfo **res)
{
	VS_DNS_NO_CANCEL;

	if (lookup == NULL || res == NULL || lookup->of_type)
		return vs_dns_fail_errno(EINVAL, "no lookup of addresses, or no place for the result");
	int r = go_on(lookup);
	if (r == 0)
		return 0;
	if (r > 0) {
		*res = lookup->res;
		lookup->res = NULL;
	}
	return end(lookup, r);
}

int vdestack_dns_finish_type(struct vdestack_dns_lookup *lookup, const struct vdestack_dns_answer **answer)
{
	VS_DNS_NO_CANCEL;

	if (lookup == NULL || answer == NULL || !lookup->of_type)
		return vs_dns_fail_errno(EINVAL, "no lookup of records, or no place for the answer");
	int r = go_on(lookup);
	if (r == 0)
		return 0;
	if (r > 0) {
		*answer = &lookup->answer->face;
		lookup->answer = NULL;
	}
	return end(lookup, r);
}

void vdestack_dns_cancel(struct vdestack_dns_lookup *lookup)
{
	VS_DNS_NO_CANCEL;

	if (lookup != NULL)
		release(lookup);
}
