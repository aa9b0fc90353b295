/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_HPP
#define VDESTACK_HPP

/*
 * libvdestack for C++17 and later: types that own what the calls of <vdestack.h> return. Headers only; a
 * program links what a C program links. docs/cplusplus.md of the source is the guide.
 *
 *     vds::stack left("vnl=inproc://lan ip=10.0.0.1/24");
 *     vds::socket out = left.socket(AF_INET, SOCK_DGRAM);
 *
 * The namespace is vds, because `vdestack` is the struct of the C headers. This header includes all that
 * libvdestack itself has. The resolver and the laboratory are libraries of their own, and so are their
 * headers: <vdestack/dns.hpp>, <vdestack/dial.hpp>, <vdestack/lab.hpp>.
 *
 *  - A type that owns something can be moved and not copied. A moved-from object owns nothing; calls on it
 *    fail with EINVAL or EBADF, and it can be assigned to.
 *  - A constructor makes what the type owns, or throws vds::failure. The static function try_create() with
 *    the same arguments returns a vds::result instead. Other calls have a twin in the same way: x() throws,
 *    try_x() returns a result. With -fno-exceptions there are only the functions that do not throw.
 *  - A destructor frees what the object owns, and keeps errno.
 *  - Nothing is allocated but what C allocates, and by exceptions; there is no global state. What C says of
 *    threads, signals and fork(2) holds: two threads may use one object if both only call its const
 *    functions.
 *  - What owns nothing has no wrapper. The C function is called with get(), and check() throws for it:
 *
 *        vds::check(vdestack_link_set_mtu(left.get(), "vde0", 9000));
 */

#include <vdestack/capture.hpp>
#include <vdestack/command.hpp>
#include <vdestack/error.hpp>
#include <vdestack/events.hpp>
#include <vdestack/stack.hpp>
#include <vdestack/values.hpp>

#endif
