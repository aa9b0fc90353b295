/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TESTS_NETNS_FAKE_CORE_H
#define VS_TESTS_NETNS_FAKE_CORE_H

/* A simulated stack: the network namespace of the calling thread. */

struct vdestack {
	int receive_buffer; /* SO_RCVBUF of the sockets made in it; 0 = the kernel's default */
};

#endif
