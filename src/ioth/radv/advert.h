/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RADV_ADVERT_H
#define RADV_ADVERT_H

/* From settings to the bytes of an advertisement. */

#include <iothradvd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The least MTU of IPv6, without its header. */
#define RADV_MESSAGE_MAX (1280 - 40)

struct radv_message {
	size_t n;
	uint8_t bytes[RADV_MESSAGE_MAX];
};

/* Of one version of the settings. */
struct radv_adverts {
	struct radv_message usual, last; /* the last one says that the router ends */
	bool says_goodbye;               /* something in the usual one has to be taken back */
};

/*
 * Checks the settings and makes the messages. mac: the hardware address of the router, NULL if it is not
 * known. 0, or -EINVAL or -EMSGSIZE and the reason in why, of len bytes.
 */
int radv_adverts_make(const struct iothradvd_opts *o, const uint8_t *mac, struct radv_adverts *out, char *why,
		      size_t len);

#endif
