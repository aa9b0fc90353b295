/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CONFIG_ERROR_H
#define VS_CONFIG_ERROR_H

/*
 * Why a configuration or a locator is refused. Nothing in this folder records a message: the caller
 * gets it in a struct and passes it on.
 */

#include <stddef.h>

#define VS_CONFIG_ERROR_MAX 512 /* bytes of a message, with the final NUL */

struct vs_config_error {
	int err;         /* > 0 */
	size_t position; /* in the configuration, counted in bytes from 1; 0: of no place in it */
	char text[VS_CONFIG_ERROR_MAX]; /* the whole message; "": out of memory */
};

/* Fills *error, without a position, and returns -err. */
int vs_config_fail(struct vs_config_error *error, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same when memory is short: the text stays empty, the caller knows what to say. */
int vs_config_fail_memory(struct vs_config_error *error);

#endif
