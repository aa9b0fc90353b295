/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "draw.h"

#include <errno.h>

#include "error.h"
#include "text.h"

int vs_lab_draw(const struct vs_lab_topology *t, unsigned format, char **drawn)
{
	static void (*const formats[])(FILE *, const struct vs_lab_topology *) = { vs_lab_draw_text,
										   vs_lab_draw_dot,
										   vs_lab_draw_svg };
	struct vs_lab_text text;

	if (format >= sizeof(formats) / sizeof(formats[0]))
		return vs_lab_error(EINVAL, "an unknown format; use one of enum vdestack_lab_format");
	if (vs_lab_text_begin(&text) < 0)
		return -ENOMEM;
	formats[format](text.out, t);
	*drawn = vs_lab_text_end(&text);
	return *drawn != NULL ? 0 : -ENOMEM;
}
