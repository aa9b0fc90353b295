/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_ERROR_H
#define VS_DNS_ERROR_H

/*
 * The message of a thread's last failing call. This library has one of its own: it knows only the public
 * calls of libvdestack, which can read its message but not set it.
 */

/* Records a message; a longer one is cut. */
__attribute__((format(printf, 1, 2))) void vs_dns_error_set(const char *fmt, ...);

/* Records a message and returns `code`, an EAI_.... */
__attribute__((format(printf, 2, 3))) int vs_dns_fail(int code, const char *fmt, ...);

/* The EAI_... for an errno: EAI_MEMORY, or EAI_SYSTEM with errno set. The message is "what: cause". */
int vs_dns_fail_errno(int err, const char *what);

#endif
