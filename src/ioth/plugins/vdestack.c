/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Plugin vdestack: a network namespace of libvdestack with interfaces on VDE networks.
 *
 * Each network becomes a section of a configuration, "iface=NAME vnl=LOCATOR". The options of the stack's
 * name are words of vdestack_config(7), and stand behind those of the first network. Programs of this family
 * expect interfaces down until they are configured. So an interface is up only if the options give it an
 * address, a route, an address source or the word eth; no other is up for a moment.
 */

#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "ioth/lib/system_calls.h"
#include "preload/linger.h"
#include <vdestack/conf.h>

struct stack {
	vs_fail_fn *fail;
	struct vdestack *vdestack;
	pid_t maker; /* the process that made it */
};

VS_PLUGIN extern const char *const ioth_vdestack_license;
const char *const ioth_vdestack_license = "SPDX-License-Identifier: LGPL-2.1-or-later";

/* libioth's, the same in each call. Written before the first stack is there. */
static void *(*_Atomic get_data)(void);

/* ------------------------------------------------------------------ networks */

/* A network as the program writes it: IFNAME:VNL, or VNL. */
struct network {
	char name[IF_NAMESIZE];
	const char *vnl;
};

/*
 * IFNAME: stands before "://", if that is there, and before a command ("="). What cannot be the name of an
 * interface is a part of the locator. Without one the name is vdeN, N the position.
 */
static void read_network(const char *text, unsigned position, struct network *network)
{
	const char *scheme = strstr(text, "://");
	size_t len = strcspn(text, ":/= \t");

	network->vnl = text;
	if (text[len] == ':' && text + len != scheme && len > 0 && len < IF_NAMESIZE) {
		memcpy(network->name, text, len);
		network->name[len] = '\0';
		network->vnl = text + len + 1;
	} else {
		(void)snprintf(network->name, sizeof(network->name), "vde%u", position);
	}
}

static bool has_network(const char *text)
{
	return text != NULL && text[0] != '\0';
}

/* "" stands for no network, alone or in a list, where it takes its position. */
static unsigned count(const char *vnlv[])
{
	unsigned n = 0;

	while (vnlv[n] != NULL)
		n++;
	return n;
}

/* ------------------------------------------------------------------ the configuration */

/* In quotes: every byte as it is. */
static void put_quoted(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

/* The caller frees it. NULL: out of memory. */
static char *make_config(const char *vnlv[], const char *options)
{
	char *config = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&config, &len);
	const char *rest = options;

	if (out == NULL)
		return NULL;
	for (unsigned i = 0; i < count(vnlv); i++) {
		struct network network;
		if (!has_network(vnlv[i]))
			continue;
		read_network(vnlv[i], i, &network);
		fputs("iface=", out);
		put_quoted(out, network.name);
		fputs(" vnl=", out);
		put_quoted(out, network.vnl);
		fprintf(out, " %s\n", rest);
		rest = "";
	}
	fputs(rest, out); /* without a network */
	bool failed = ferror(out) != 0;
	if (fclose(out) != 0 || failed) {
		free(config);
		return NULL;
	}
	return config;
}

/* ------------------------------------------------------------------ the functions of a stack */

static int make_socket(int domain, int type, int protocol)
{
	const struct stack *s = get_data();

	return vdestack_msocket(s->vdestack, domain, type, protocol);
}

static int list_interfaces(void *stackdata, struct ifaddrs **list)
{
	struct stack *s = stackdata;

	return vdestack_getifaddrs(s->vdestack, list);
}

static int configure(void *stackdata, const char *words, unsigned flags, int timeout_ms)
{
	struct stack *s = stackdata;

	return vs_control_configure(s->vdestack, s->fail, words, flags, timeout_ms);
}

static int sources(void *stackdata, const char *ifname, struct vdestack_source *list, size_t n)
{
	struct stack *s = stackdata;

	return vs_control_sources(s->vdestack, s->fail, ifname, list, n);
}

static int events(void *stackdata)
{
	struct stack *s = stackdata;

	return vs_control_events(s->vdestack, s->fail);
}

static int resolvconf(void *stackdata, const char *ifname, char *buf, size_t size)
{
	struct stack *s = stackdata;

	return vs_control_resolvconf(s->vdestack, s->fail, ifname, buf, size);
}

static void enter_functions(struct ioth_functions *f)
{
	get_data = f->getstackdata;
	f->socket = make_socket;
	vs_ioth_system_calls(f);
	f->getifaddrs = list_interfaces;
	f->freeifaddrs = vdestack_freeifaddrs;
	f->configure = configure;
	f->sources = sources;
	f->events = events;
	f->resolvconf = resolvconf;
}

/* ------------------------------------------------------------------ making and ending */

static struct vdestack *make(const char *vnlv[], const char *options, vs_fail_fn *fail)
{
	const struct vdestack_opts opts = { .size = sizeof(opts),
					    .flags = VDESTACK_NO_WAIT | VDESTACK_LINKS_DOWN };
	char *config = make_config(vnlv, options);

	if (config == NULL) {
		(void)fail(ENOMEM, "cannot make a stack: out of memory");
		return NULL;
	}
	struct vdestack *vdestack = vdestack_new(config, &opts);
	int saved = errno;
	free(config);
	errno = saved;
	if (vdestack == NULL)
		(void)vs_control_fail(fail);
	return vdestack;
}

VS_PLUGIN int ioth_vdestack_delstack(void *stackdata);
VS_PLUGIN void *ioth_vdestack_newstack(const char *vnlv[], const char *options,
				       struct ioth_functions *functions);

int ioth_vdestack_delstack(void *stackdata)
{
	struct stack *s = stackdata;

	/*
	 * As the kernel of the host does: what a closed socket has left is still sent. The stack goes on when
	 * a child of its maker ends a copy, so there is nothing to wait for.
	 */
	if (getppid() != s->maker && vs_linger_is_needed(s->vdestack))
		vs_linger(&s->vdestack, 1);
	(void)vdestack_delete(s->vdestack); /* it fails for handles that are none only */
	free(s);
	return 0;
}

void *ioth_vdestack_newstack(const char *vnlv[], const char *options, struct ioth_functions *functions)
{
	struct stack *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->fail = functions->fail;
	s->maker = getpid();
	s->vdestack = make(vnlv, options, s->fail);
	if (s->vdestack == NULL) {
		free(s);
		return NULL;
	}
	enter_functions(functions);
	return s;
}
