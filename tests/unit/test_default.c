/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * socket(2) in a default stack that is deleted or replaced at a given moment of the call. The slots are
 * real. The keeper is simulated. So is the other thread: it acts when the call reaches certain functions.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/default.h"
#include "core/handle.h"
#include "unit.h"

/* The keeper's answer: 0 with a copy of a descriptor that identifies the stack. */
static struct {
	void (*before_acquire)(void); /* once */
	void (*in_the_call)(void);    /* once */
	void (*after_release)(void);  /* once */
	int result;
	struct vs_slot *served; /* by the last call */
} played;

static struct vdestack *first, *second;

struct vs_slot *__real_vs_slot_acquire(struct vdestack *stack);
void __real_vs_slot_release(struct vs_slot *slot);
void __wrap_vs_slot_release(struct vs_slot *slot);
struct vs_slot *__wrap_vs_slot_acquire(struct vdestack *stack);
int __wrap_vs_quick_call_socket(struct vs_slot *slot, int domain, int type, int protocol, int *fd);

static void once(void (**action)(void))
{
	void (*act)(void) = *action;

	*action = NULL;
	if (act != NULL)
		act();
}

struct vs_slot *__wrap_vs_slot_acquire(struct vdestack *stack)
{
	once(&played.before_acquire);
	return __real_vs_slot_acquire(stack);
}

void __wrap_vs_slot_release(struct vs_slot *slot)
{
	__real_vs_slot_release(slot);
	once(&played.after_release);
}

int __wrap_vs_quick_call_socket(struct vs_slot *slot, int domain, int type, int protocol, int *fd)
{
	(void)domain, (void)type, (void)protocol;
	once(&played.in_the_call);
	if (vs_slot_retired(slot)) { /* its door was cut */
		errno = ENOTCONN;
		return -ENETDOWN;
	}
	if (played.result < 0)
		return played.result;
	played.served = slot;
	*fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return *fd >= 0 ? 0 : -errno;
}

/* ------------------------------------------------------------------ what the other thread does */

/* Up to the moment at which the handle is deleted and still the default. */
static void first_is_being_deleted(void)
{
	struct vs_slot *slot;
	bool busy;

	assert_true(vs_slot_retire(first, &slot, &busy));
	vs_slot_release_retired(slot);
}

static void first_is_deleted(void)
{
	first_is_being_deleted();
	vs_default_forget(first);
}

static void first_is_replaced_and_deleted(void)
{
	assert_int_equal(vdestack_set_default(second), 0);
	first_is_deleted();
}

static void first_is_deleted_and_replaced(void)
{
	first_is_deleted();
	assert_int_equal(vdestack_set_default(second), 0);
}

/* ------------------------------------------------------------------ helpers */

static struct vdestack *make(void)
{
	struct vs_slot *slot = vs_slot_new();

	assert_non_null(slot);
	return vs_slot_publish(slot);
}

static int setup(void **state)
{
	(void)state;
	memset(&played, 0, sizeof(played));
	first = make();
	second = make();
	return vdestack_set_default(first);
}

/* A call of socket(2) that must succeed: NULL for the host, else the slot that served it. */
static struct vs_slot *server_of_call(void)
{
	played.served = NULL;
	errno = 4711;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = errno, domain = 0;
	socklen_t len = sizeof(domain);

	assert_true(fd >= 0);
	assert_int_equal(err, 4711);
	if (played.served == NULL)
		assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len), 0);
	assert_int_equal(close(fd), 0);
	return played.served;
}

static bool is_slot_of(struct vs_slot *slot, struct vdestack *stack)
{
	struct vs_slot *its = __real_vs_slot_acquire(stack);

	if (its != NULL)
		__real_vs_slot_release(its);
	return its != NULL && its == slot;
}

static void check_refused(int expected)
{
	errno = 0;
	assert_int_equal(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), -1);
	assert_int_equal(errno, expected);
}

/* ------------------------------------------------------------------ cases */

static void a_default_deleted_before_it_is_used_returns_a_socket_of_the_host(void **state)
{
	(void)state;
	played.before_acquire = first_is_being_deleted;
	assert_null(server_of_call());
	assert_null(vdestack_get_default());
}

static void a_default_deleted_during_the_call_returns_a_socket_of_the_host(void **state)
{
	(void)state;
	played.in_the_call = first_is_being_deleted;
	assert_null(server_of_call());
	assert_null(vdestack_get_default());
	assert_int_equal(vdestack_set_default(second), 0);
	assert_true(is_slot_of(server_of_call(), second));
}

static void a_default_replaced_before_it_is_used_returns_a_socket_of_the_new_one(void **state)
{
	(void)state;
	played.before_acquire = first_is_replaced_and_deleted;
	assert_true(is_slot_of(server_of_call(), second));
	assert_ptr_equal(vdestack_get_default(), second);
}

static void a_default_replaced_during_the_call_returns_a_socket_of_the_new_one(void **state)
{
	(void)state;
	played.in_the_call = first_is_deleted_and_replaced;
	assert_true(is_slot_of(server_of_call(), second));
	assert_ptr_equal(vdestack_get_default(), second);
}

static void a_dead_keeper_is_an_error_and_never_the_host(void **state)
{
	(void)state;
	played.result = -ENETDOWN;
	check_refused(ENETDOWN);
	assert_ptr_equal(vdestack_get_default(), first);
	check_refused(ENETDOWN);
	assert_int_equal(vdestack_set_thread_default(first), 0);
	check_refused(ENETDOWN);
}

static void a_thread_whose_default_is_deleted_is_refused_at_every_moment(void **state)
{
	(void)state;
	assert_int_equal(vdestack_set_default(second), 0);
	assert_int_equal(vdestack_set_thread_default(first), 0);
	assert_true(is_slot_of(server_of_call(), first));
	played.in_the_call = first_is_deleted;
	check_refused(EINVAL);
	check_refused(EINVAL);
	assert_int_equal(vdestack_set_thread_default(NULL), 0);
	assert_true(is_slot_of(server_of_call(), second));
}

static void a_default_deleted_while_it_is_being_set_is_forgotten(void **state)
{
	(void)state;
	assert_int_equal(vdestack_set_default(NULL), 0);
	played.after_release = first_is_deleted; /* after the check, before the store */
	(void)!vdestack_set_default(first);
	assert_null(played.after_release);
	assert_null(vdestack_get_default());
	assert_null(server_of_call());
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_default_deleted_before_it_is_used_returns_a_socket_of_the_host,
				       setup),
		cmocka_unit_test_setup(a_default_deleted_during_the_call_returns_a_socket_of_the_host, setup),
		cmocka_unit_test_setup(a_default_replaced_before_it_is_used_returns_a_socket_of_the_new_one,
				       setup),
		cmocka_unit_test_setup(a_default_replaced_during_the_call_returns_a_socket_of_the_new_one,
				       setup),
		cmocka_unit_test_setup(a_dead_keeper_is_an_error_and_never_the_host, setup),
		cmocka_unit_test_setup(a_thread_whose_default_is_deleted_is_refused_at_every_moment, setup),
		cmocka_unit_test_setup(a_default_deleted_while_it_is_being_set_is_forgotten, setup),
	};

	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
