/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_INDIRECT_H
#define VS_KEEPER_INDIRECT_H

#include "config/locator.h"

/*
 * Judges the locators that libvdeplug would read from files. For a locator that is the path of a regular
 * file, it reads one from the file's first line. For an empty one it reads ~/.vdeplug/default or
 * ~/.vde2/default.switch. Paths are those of this thread's root and working directory.
 */
enum vs_locator_verdict vs_indirect_judge(const char *text);

#endif
