/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The calls of <iothconf.h> that configure. */

#include <errno.h>
#include <iothconf.h>
#include <string.h>

#include "apply.h"
#include "ioth/lib/internal.h"
#include "plan.h"

int ioth_config(struct ioth *stack, const char *config)
{
	struct vs_config_error error;
	struct vs_plan plan;
	int r = vs_plan_read(config, VS_CALL_CONFIG, &error, &plan);

	if (r < 0)
		return vs_plan_fail(r, &error);
	r = vs_plan_apply(stack, &plan);
	int err = errno;
	vs_plan_free(&plan);
	errno = err;
	return r;
}

/* Ends a stack that could not be configured. The message and errno stay those of the configuration. */
static struct ioth *give_up(struct ioth *stack)
{
	char message[512] = "";
	int err = errno;

	strncpy(message, ioth_last_error(), sizeof(message) - 1);
	(void)ioth_delstack(stack);
	(void)ioth_internal_fail(err, "%s", message);
	return NULL;
}

struct ioth *ioth_newstackc(const char *stack_config)
{
	struct vs_config_error error;
	struct vs_plan plan;
	int r = vs_plan_read(stack_config, VS_CALL_NEWSTACK, &error, &plan);

	if (r < 0) {
		(void)vs_plan_fail(r, &error);
		return NULL;
	}
	struct ioth *stack = ioth_newstackv(plan.stack, (const char **)plan.vnlv);
	if (stack != NULL && vs_plan_apply(stack, &plan) < 0)
		stack = give_up(stack);
	int err = errno;
	vs_plan_free(&plan);
	errno = err;
	return stack;
}
