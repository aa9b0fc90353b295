/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records of any type. */

#include <errno.h>
#include <string.h>

#include "answer.h"
#include "error.h"
#include "lookup.h"
#include "no_cancel.h"
#include <vdestack/dns.h>

int vdestack_dns_query(struct vdestack_dns *dns, const char *name, int type,
		       const struct vdestack_dns_answer **answer)
{
	VS_DNS_NO_CANCEL;
	struct vdestack_dns_lookup lookup;

	if (dns == NULL || name == NULL || answer == NULL)
		return vs_dns_fail_errno(EINVAL, "no resolver, no name, or no place for the answer");
	vs_lookup_begin_type(&lookup, dns, name, type);
	int code = vs_lookup_finish(&lookup);
	if (code == 0) {
		*answer = &lookup.answer->face;
		lookup.answer = NULL;
	}
	int err = errno;
	vs_lookup_end(&lookup);
	errno = err;
	return code;
}

void vdestack_dns_free_answer(const struct vdestack_dns_answer *answer)
{
	/* The face is the first member. */
	vs_answer_unref((struct vs_answer *)(uintptr_t)answer);
}

int vdestack_dns_expand(const struct vdestack_dns_answer *answer, const unsigned char *at, char *buf,
			size_t size)
{
	uint8_t wire[VS_NAME_WIRE_MAX];
	size_t len;

	if (answer == NULL || at < answer->message || at >= answer->message + answer->message_size) {
		errno = EINVAL;
		return -1;
	}
	int used = vs_name_unpack(answer->message, answer->message_size, (size_t)(at - answer->message), wire,
				  &len);
	int err = used < 0 ? used : vs_name_text(wire, len, buf, size);
	if (err < 0) {
		vs_dns_error_set(err == -ERANGE ? "the buffer is too small for the name"
						: "the name is malformed");
		errno = -err;
		return -1;
	}
	return used;
}
