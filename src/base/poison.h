/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Memory that code built with the address sanitizer must not touch, and memory that it may touch again.
 * Without the sanitizer both macros do nothing.
 */

#pragma once

#ifndef __has_feature
#define __has_feature(x) 0 /* not in gcc */
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(addr, size) ((void)(addr), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(addr, size) ((void)(addr), (void)(size))
#endif
