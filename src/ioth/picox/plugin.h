/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_PLUGIN_H
#define PX_PLUGIN_H

/* The parts of the plugin. Their functions are those of struct ioth_functions: -1 and errno on failure. */

#include <ioth.h>

/* calls.c, accept.c, options.c, transfer.c, configure.c: each enters its functions. */
void px_plugin_calls(struct ioth_functions *f);
void px_plugin_accept(struct ioth_functions *f);
void px_plugin_options(struct ioth_functions *f);
void px_plugin_transfer(struct ioth_functions *f);
void px_plugin_configure(struct ioth_functions *f);

#endif
