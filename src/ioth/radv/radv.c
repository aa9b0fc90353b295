/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A server is a thread, a port and what it advertises.
 *
 * The calls of the program check the settings and make the messages, so that errors are the caller's, and put
 * an order into the server: new messages, or the end. The thread takes orders between two waits; a descriptor
 * wakes it. Orders are under the lock. The port, the pace and the current messages are the thread's alone,
 * from its start until it has been joined.
 *
 *     RUNNING --(iothradvd_stop)--> ENDING --(last advertisement sent)--> joined, freed
 *
 * A port that cannot be read any more is not waited for: the thread goes on to advertise.
 */

#include <errno.h>
#include <ioth.h>
#include <iothradvd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>

#include "advert.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/opts.h"
#include "ioth/lib/internal.h"
#include "pace.h"
#include "port.h"

#define BATCH 64  /* messages that are received before what is due is sent */
#define ERRORS 16 /* in a row: the port cannot be read any more */

enum phase { RUNNING, ENDING };

struct orders {
	struct radv_adverts adverts;
	unsigned min_s, max_s;
};

struct iothradvd {
	pthread_t thread;
	int wake;
	bool has_mac;
	uint8_t mac[6];
	pthread_mutex_t lock; /* of the two below: written by calls, taken by the thread */
	enum phase phase;
	struct orders *orders; /* NULL: none that are new */
	/* The thread's. */
	struct radv_port *port;
	struct radv_adverts adverts;
	struct radv_pace pace;
	unsigned errors;
};

/* ------------------------------------------------------------------ the thread */

static uint32_t chance(void)
{
	uint32_t value;

	if (getrandom(&value, sizeof(value), GRND_NONBLOCK) != (ssize_t)sizeof(value))
		value = (uint32_t)vs_now_ns() * 2654435761u; /* early after boot: any spread will do */
	return value;
}

static int transmit(struct iothradvd *s, const struct radv_host *to, const struct radv_message *m)
{
	return s->port->ops->send(s->port, to, m->bytes, m->n);
}

static void send_due(struct iothradvd *s)
{
	struct radv_host host;
	int64_t now = vs_now_ms();

	for (;;) {
		switch (radv_pace_due(&s->pace, now, &host)) {
		case RADV_TO_ALL:
			radv_pace_sent(&s->pace, transmit(s, NULL, &s->adverts.usual) == 0, now, chance());
			break;
		case RADV_TO_ONE:
			(void)transmit(s, &host, &s->adverts.usual); /* it will ask again */
			if (s->port->fd < 0)
				radv_pace_lost(&s->pace, now); /* and only one to all opens the network */
			break;
		case RADV_NOTHING:
			return;
		}
	}
}

static void receive_some(struct iothradvd *s)
{
	struct radv_host from;

	for (unsigned i = 0; i < BATCH; i++) {
		enum radv_received r = s->port->ops->receive(s->port, &from);
		if (r == RADV_EMPTY)
			return;
		if (r == RADV_UNREADABLE && ++s->errors >= ERRORS)
			return;
		if (r != RADV_UNREADABLE)
			s->errors = 0;
		if (r == RADV_SOLICITED)
			radv_pace_solicited(&s->pace, &from, vs_now_ms(), chance());
	}
}

static void take_orders(struct iothradvd *s, struct orders *orders)
{
	if (orders == NULL)
		return;
	s->adverts = orders->adverts;
	radv_pace_begin(&s->pace, orders->min_s, orders->max_s, vs_now_ms());
	free(orders);
}

/* Waits until something has to be done. */
static void wait_for_events(struct iothradvd *s)
{
	int64_t next = radv_pace_next(&s->pace);
	struct pollfd fds[2] = { { .fd = s->wake, .events = POLLIN },
				 { .fd = s->errors < ERRORS ? s->port->fd : -1, .events = POLLIN } };
	eventfd_t count;

	if (poll(fds, 2, next == RADV_NEVER ? -1 : vs_left_ms(next)) <= 0)
		return;
	if (fds[0].revents != 0)
		(void)eventfd_read(s->wake, &count);
	if ((fds[1].revents & POLLIN) != 0)
		receive_some(s);
	else if (fds[1].revents != 0)
		s->errors++;
	if (s->port->fd < 0)
		radv_pace_lost(&s->pace, vs_now_ms());
}

static void *serve(void *arg)
{
	struct iothradvd *s = arg;

	for (;;) {
		(void)pthread_mutex_lock(&s->lock);
		struct orders *orders = vs_steal_ptr(s->orders);
		enum phase phase = s->phase;
		(void)pthread_mutex_unlock(&s->lock);
		take_orders(s, orders);
		if (phase == ENDING)
			break;
		send_due(s);
		wait_for_events(s);
	}
	if (s->adverts.says_goodbye && s->port->fd >= 0)
		(void)transmit(s, NULL, &s->adverts.last);
	return NULL;
}

/* ------------------------------------------------------------------ starting and ending */

static void free_server(struct iothradvd *s)
{
	if (s->port != NULL)
		s->port->ops->close(s->port);
	vs_close(s->wake);
	(void)pthread_mutex_destroy(&s->lock);
	free(s->orders);
	free(s);
}

/* With all signals blocked: they are for the threads of the program. */
static int start_thread(struct iothradvd *s)
{
	sigset_t all, before;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(&s->thread, NULL, serve, s);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

#define START "cannot start a router: "
#define CHANGE "cannot change a router: "

static int fail(int r, const char *what, const char *why)
{
	return ioth_internal_fail(-r, "%s%s", what, why);
}

/* The caller's struct of any version, and the orders that it is. NULL after a message. */
static struct orders *read_orders(const struct iothradvd_opts *given, const uint8_t *mac, const char *what)
{
	struct iothradvd_opts o;
	char why[128] = "out of memory";
	struct orders *orders;

	memset(&o, 0, sizeof(o));
	int r = given == NULL ? -EINVAL : vs_opts_read(given, sizeof(size_t), &o, sizeof(o));
	if (r < 0) {
		(void)fail(r, what, "its struct iothradvd_opts is not of this library's version");
		return NULL;
	}
	orders = malloc(sizeof(*orders));
	r = orders == NULL ? -ENOMEM : radv_adverts_make(&o, mac, &orders->adverts, why, sizeof(why));
	if (r < 0) {
		free(orders);
		(void)fail(r, what, why);
		return NULL;
	}
	orders->min_s = o.min_interval;
	orders->max_s = o.max_interval;
	return orders;
}

static struct iothradvd *new_server(struct radv_port *port)
{
	struct iothradvd *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->has_mac = port->has_mac;
	memcpy(s->mac, port->mac, 6);
	if (s->wake < 0 || pthread_mutex_init(&s->lock, NULL) != 0) {
		vs_close(s->wake);
		free(s);
		return NULL;
	}
	s->port = port;
	return s;
}

static struct iothradvd *start(const struct iothradvd_opts *given, struct radv_port *port)
{
	struct iothradvd *s = new_server(port);
	int r;

	if (s == NULL) {
		(void)fail(errno == 0 ? -ENOMEM : -errno, START, strerror(errno));
		int saved = errno;
		port->ops->close(port);
		errno = saved;
		return NULL;
	}
	s->orders = read_orders(given, s->has_mac ? s->mac : NULL, START);
	if (s->orders != NULL) {
		r = start_thread(s); /* from here on it may have taken the orders */
		if (r == 0)
			return s;
		(void)fail(r, START, "no thread can be made");
	}
	int saved = errno;
	free_server(s);
	errno = saved;
	return NULL;
}

struct iothradvd *iothradvd_start_opts(const struct iothradvd_opts *given)
{
	VS_NO_CANCEL;
	/* What is wrong with the settings is found before a network is opened. */
	struct orders *tried = read_orders(given, NULL, START);
	struct iothradvd_opts o;

	if (tried == NULL)
		return NULL;
	free(tried);
	memset(&o, 0, sizeof(o));
	(void)vs_opts_read(given, sizeof(size_t), &o, sizeof(o));
	struct radv_port *port =
		o.vnl != NULL ? radv_port_vde(o.vnl, o.macaddr) : radv_port_stack(o.stack, o.ifindex);
	return port == NULL ? NULL : start(given, port);
}

int iothradvd_check(const struct iothradvd_opts *opts)
{
	struct orders *orders = read_orders(opts, NULL, "");

	if (orders == NULL)
		return -1;
	free(orders);
	return 0;
}

static void wake(struct iothradvd *s)
{
	(void)eventfd_write(s->wake, 1);
}

int iothradvd_update(struct iothradvd *s, const struct iothradvd_opts *opts)
{
	VS_NO_CANCEL;

	if (s == NULL)
		return fail(-EINVAL, CHANGE, "there is none");
	struct orders *orders = read_orders(opts, s->has_mac ? s->mac : NULL, CHANGE);
	if (orders == NULL)
		return -1;
	(void)pthread_mutex_lock(&s->lock);
	struct orders *old = s->orders;
	s->orders = orders;
	(void)pthread_mutex_unlock(&s->lock);
	free(old);
	wake(s);
	return 0;
}

void iothradvd_stop(struct iothradvd *s)
{
	VS_NO_CANCEL;

	if (s == NULL)
		return;
	int saved = errno;
	(void)pthread_mutex_lock(&s->lock);
	s->phase = ENDING;
	(void)pthread_mutex_unlock(&s->lock);
	wake(s);
	(void)pthread_join(s->thread, NULL);
	free_server(s);
	errno = saved;
}

/* ------------------------------------------------------------------ the family's calls */

static struct iothradvd *start_old(struct iothradvd_opts *o, int period, const struct iothraprefix *pdata,
				   int npdata)
{
	if (period < 0 || npdata < 0) {
		(void)fail(-EINVAL, START, "a negative number");
		return NULL;
	}
	o->size = sizeof(*o);
	o->max_interval = (unsigned)period;
	o->prefixes = pdata;
	o->n_prefixes = (size_t)npdata;
	return iothradvd_start_opts(o);
}

struct iothradvd *iothradvd_start(struct ioth *stack, unsigned ifindex, int period,
				  const struct iothradata *data, const struct iothraprefix *pdata, int npdata)
{
	struct iothradvd_opts o = { .stack = stack, .ifindex = ifindex, .data = data };

	return start_old(&o, period, pdata, npdata);
}

struct iothradvd *iothradvd_vdestart(const char *vnl, const void *macaddr, int period,
				     const struct iothradata *data, const struct iothraprefix *pdata,
				     int npdata)
{
	/* NULL is libvdeplug's default network. */
	struct iothradvd_opts o = { .vnl = vnl != NULL ? vnl : "", .macaddr = macaddr, .data = data };

	return start_old(&o, period, pdata, npdata);
}
