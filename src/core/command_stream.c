#include "command.h"
#include "base/error.h"
#include <errno.h>
int vs_command_stream(struct vdestack *stack, const char *line, int *stream)
{
	(void)stack; (void)line; (void)stream;
	return vs_fail(ENOTSUP, "todo");
}
