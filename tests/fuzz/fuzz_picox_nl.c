/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whatever a program sends to a netlink socket of the user-space stack: what reaches the stack is valid, and
 * all answers are messages that libnl can read.
 */

#include <fuzz.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#define MODEL_CHECK(condition) CHECK(condition)
#include <picox_model.h>

static void check_answers(struct model *m)
{
	struct nlmsghdr *hdr = (struct nlmsghdr *)(void *)m->sent;
	int left = (int)m->n_sent;

	for (; nlmsg_ok(hdr, left); hdr = nlmsg_next(hdr, &left)) {
		struct nlattr *attrs[64];
		size_t fixed = hdr->nlmsg_type == RTM_NEWLINK   ? sizeof(struct ifinfomsg)
			       : hdr->nlmsg_type == RTM_NEWADDR ? sizeof(struct ifaddrmsg)
								: sizeof(struct rtmsg);
		if (hdr->nlmsg_type < NLMSG_MIN_TYPE)
			CHECK(hdr->nlmsg_type == NLMSG_ERROR || hdr->nlmsg_type == NLMSG_DONE);
		else
			CHECK(nlmsg_parse(hdr, (int)fixed, attrs, 63, NULL) == 0);
	}
	CHECK(left == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct model model;
	struct vs_pxnl nl = { .ops = &model_ops, .arg = &model, .port = 77 };
	void *exact = malloc(size > 0 ? size : 1); /* a read beyond it is detected */

	CHECK(exact != NULL);
	memcpy(exact, data, size);
	model_init(&model);
	(void)vs_pxnl_serve(&nl, exact, size);
	check_answers(&model);
	free(exact);
	return 0;
}
