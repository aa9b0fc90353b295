/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_VDE_STATION_H
#define VDESTACK_TESTS_VDE_STATION_H

/*
 * A station of a VDE network that is held by the case: it sends and receives any frames. It talks with the
 * switch or hub itself, because libvdeplug does not work in a program with the address sanitizer.
 *
 *	the case: binds its datagram socket
 *	          ── a stream socket, DIR/ctl: magic, version 3, kind 0, address of that socket ──▶ the node
 *	          ◀── address of the node's datagram socket for this station ──────────────────────
 *	          ══ frames, one in each datagram ══
 *
 * The node forgets the station when the stream socket ends.
 */

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "case.h"
#include "wire.h"

struct vde_station {
	int fd;      /* frames */
	int control;
};

/* A station of the node at that path, which listens already. name: of its socket, in the case's directory. */
static inline struct vde_station vde_station_open(const char *node, const char *name)
{
	struct __attribute__((packed)) {
		uint32_t magic, version, kind;
		struct sockaddr_un socket;
		char description[8];
	} hello = { 0xfeedface, 3, 0, wire_address(case_path(name)), "station" };
	struct vde_station s = { .fd = wire_open(case_path(name)) };
	char path[100];

	(void)snprintf(path, sizeof(path), "%s/ctl", node);
	struct sockaddr_un sun = wire_address(path);
	s.control = (int)MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	MUST(connect(s.control, (struct sockaddr *)&sun, sizeof(sun)));
	CHECK_EQ(send(s.control, &hello, sizeof(hello), MSG_NOSIGNAL), sizeof(hello));
	CHECK_EQ(recv(s.control, &sun, sizeof(sun), MSG_WAITALL), sizeof(sun));
	MUST(connect(s.fd, (struct sockaddr *)&sun, sizeof(sun)));
	return s;
}

#endif
