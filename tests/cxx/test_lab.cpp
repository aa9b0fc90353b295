/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Laboratories in C++. */

#include <netinet/in.h>
#include <sys/socket.h>

#include "cxx_case.hpp"
#include <vdestack/lab.hpp>

static const char text[] = "network lan 10.0.0.0/24\nhost web on lan\nhost client on lan\n";

CASE(a_laboratory_ends_with_its_object)
{
	char address[INET6_ADDRSTRLEN];
	vds::laboratory lab(text, vds::laboratory_options().whole(limit).seed(7));

	lab.add("host third on lan\n");
	CHECK_REFUSED(lab.try_host("web"), ENOTCONN);
	lab.start();
	CHECK(lab.host("web").socket(AF_INET, SOCK_STREAM));
	CHECK(lab.address("web:lan", AF_INET, address, sizeof(address)) == "10.0.0.1");
	CHECK_EQ(lab.run("client",
			 vds::arguments("sh", "-c", "[ $VDESTACK_LAB_ADDR_WEB = 10.0.0.1 ]").data()),
		 0);
	const vds::command command = lab.spawn("third", vds::arguments("true").data());
	CHECK(command.wait(limit) == 0);
	vds::laboratory::check(vdestack_lab_cut(lab.get(), "web:lan"));
	CHECK_CONTAINS(vds::draw(lab, VDESTACK_LAB_TEXT).get(), "web");
	CHECK_EQ(vdestack_lab_seed(lab.get()), 7);
	const vds::stack_ref web = lab.host("web");
	vds::laboratory other("");
	other = std::move(lab);
	other = vds::laboratory("");
	CHECK_REFUSED(web.try_socket(AF_INET, SOCK_STREAM), EINVAL);
}

CASE(a_mistake_in_the_text_has_a_line_and_a_column)
{
	CHECK_REFUSED(vds::laboratory::try_create("network\n"), EINVAL);
	CHECK_CONTAINS(vds::laboratory::try_create("network\n").error().message(), "1:");
	CHECK_REFUSED(vds::laboratory::try_create(std::string("a\0b", 3)), EINVAL);
	CHECK_THROWS(vds::laboratory("host a on nothing\n").start(), EINVAL);
}

CASE(a_moved_laboratory_is_refused)
{
	vds::laboratory lab(text), moved(std::move(lab));

	CHECK_REFUSED(lab.try_start(), EINVAL); // NOLINT
	CHECK_REFUSED(lab.try_host("web"), EINVAL);
	CHECK_REFUSED(lab.try_add("host x on lan\n"), EINVAL);
	CHECK_REFUSED(lab.try_run("web", vds::arguments("true").data()), EINVAL);
	CHECK_REFUSED(lab.try_spawn("web", vds::arguments("true").data()), EINVAL);
	CHECK_REFUSED(vds::try_draw(lab, VDESTACK_LAB_DOT), EINVAL);
	moved.start();
}
