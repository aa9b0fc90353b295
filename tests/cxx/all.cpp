/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Uses every template of the headers, so that warnings.sh sees them instantiated. It is only compiled. */

#include <vdestack.hpp>
#include <vdestack/dial.hpp>
#include <vdestack/dns.hpp>
#include <vdestack/lab.hpp>
#include <vdestack/lookups.hpp>

vds::result<void> use(vds::stack &stack, const vds::resolver &dns, vds::laboratory &lab, const std::string &text);

vds::result<void> use(vds::stack &stack, const vds::resolver &dns, vds::laboratory &lab, const std::string &text)
{
	using namespace std::chrono_literals;
	const auto words = vds::arguments("true", text.c_str());
	vds::stack other = std::move(stack);
	auto command = vds::command::try_create(other, words.data(), vds::command_options().limit(1s));
	auto spawned = lab.try_spawn(text, words.data());
	auto lookup = vds::lookup::try_create(dns, text);
	auto group = vds::lookup_group::try_create(dns);
	auto dialling = vds::dialling::try_create(other, "tcp", text, vds::forever);

	stack = std::move(other);
	if (!command || !spawned || !lookup || !group || !dialling)
		return vds::fails_with(vds::error(EINVAL, text.c_str()));
	for (const ::addrinfo &found : *dns.try_addresses(text))
		(void)found;
	for (const ::vdestack_dns_txt &found : *dns.try_texts(text))
		(void)vds::text_of(found);
	(void)lookup->try_finish();
	(void)lookup->try_finish_records();
	(void)group->try_next();
	(void)dialling->try_finish();
	(void)command->try_wait(std::chrono::duration<float>(0.5F));
	(void)vds::try_draw(lab, VDESTACK_LAB_SVG);
	return stack.try_wait_ready(std::chrono::minutes(1));
}
