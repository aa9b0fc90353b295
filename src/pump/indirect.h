/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_INDIRECT_H
#define VS_PUMP_INDIRECT_H

#include "config/locator.h"

/*
 * libvdeplug takes a path of a regular file for the locator in its first line, and no locator at all
 * for one in ~/.vdeplug/default or ~/.vde2/default.switch. Looks there, as this thread would find it,
 * and judges what it finds.
 */
enum vs_locator_verdict vs_indirect_judge(const char *text);

#endif
