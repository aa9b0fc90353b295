/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A point-to-point link that is closed while another one is opened on the same path. The plugin calls
 * unlink(2) of this program, so the other one comes at the worst moment.
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libvdeplug.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "pump/link.h"
#include "unit.h"

static char dir[] = "/tmp/vdestack-ptp-XXXXXX";
static char path[sizeof(dir) + 8], vnl[sizeof(path) + 8];

static bool second_comes; /* before the path is unlinked */
static struct vs_link *second;
static int unlinked;

int unlink(const char *name) /* NOLINT: in place of that of the C library */
{
	if (strcmp(name, path) == 0)
		unlinked++;
	if (second_comes) {
		second_comes = false;
		if (vs_link_vde(vnl, &second) < 0)
			second = NULL;
	}
	return unlinkat(AT_FDCWD, name, 0);
}

/* Before libvdeplug does it, which would give the plugin the functions of the C library (RTLD_DEEPBIND). */
static bool load_plugin(void)
{
	Dl_info own;
	char file[4096];

	if (dladdr((const void *)(uintptr_t)&vde_close, &own) == 0 || strrchr(own.dli_fname, '/') == NULL)
		return false;
	(void)snprintf(file, sizeof(file), "%.*s/vdeplug/libvdeplug_ptp.so",
		       (int)(strrchr(own.dli_fname, '/') - own.dli_fname), own.dli_fname);
	return dlopen(file, RTLD_NOW | RTLD_NODELETE) != NULL;
}

static int set_up(void **state)
{
	(void)state;
	if (!load_plugin() || mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/ptp", dir);
	(void)snprintf(vnl, sizeof(vnl), "ptp://%s", path);
	second = NULL;
	unlinked = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	int r = rmdir(dir); /* fails if a path is left */
	(void)memset(dir + sizeof(dir) - 7, 'X', 6);
	return r;
}

static struct vs_link *open_first(void)
{
	struct vs_link *link = NULL;

	assert_int_equal(vs_link_vde(vnl, &link), 0);
	assert_int_equal(access(path, F_OK), 0);
	return link;
}

static void who_opens_meanwhile_keeps_its_path(void **state)
{
	struct sockaddr_un own = { 0 };
	socklen_t len = sizeof(own);

	(void)state;
	struct vs_link *first = open_first();
	second_comes = true;
	vs_link_close(first);
	assert_false(second_comes);    /* the plugin has called unlink() above */
	assert_int_equal(unlinked, 1); /* by the first one; a second time would be a theft */
	if (second != NULL) {          /* it has become the other side */
		assert_int_equal(getsockname(second->data_fd, (struct sockaddr *)&own, &len), 0);
		assert_int_equal(access(own.sun_path, F_OK), 0);
		vs_link_close(second);
	}
}

static void it_is_closed_without_a_descriptor_to_spare(void **state)
{
	struct rlimit before, none;

	(void)state;
	struct vs_link *first = open_first();
	int fd = first->data_fd;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	vs_link_close(first);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(access(path, F_OK), -1);
}

static void it_leaves_no_descriptor(void **state)
{
	(void)state;
	vs_link_close(open_first()); /* loads the plugin */
	int before = vs_unit_count_fds();
	vs_link_close(open_first());
	assert_int_equal(vs_unit_count_fds(), before);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(who_opens_meanwhile_keeps_its_path, set_up, tear_down),
	cmocka_unit_test_setup_teardown(it_is_closed_without_a_descriptor_to_spare, set_up, tear_down),
	cmocka_unit_test_setup_teardown(it_leaves_no_descriptor, set_up, tear_down),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
