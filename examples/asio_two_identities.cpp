/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Asio (the headers without Boost): two identities of one program in one io_context.
 *
 * A server in a stack of its own greets each client by its address. The program is two of these clients, one
 * in each of two stacks. A socket of Asio takes a socket of a stack by assign(), and owns it then; so does an
 * acceptor. All that Asio has works with them: here asynchronous reading, in one thread.
 *
 * Names would be looked up in the host network: Asio's resolver calls getaddrinfo(3). <vdestack/lookups.hpp>
 * has the stack's own.
 */

#include <chrono>
#include <iostream>
#include <string>

#include <asio.hpp>
#include <vdestack.hpp>

using asio::ip::tcp;

namespace {

/* Accepts connections of clients and greets each of them. */
class server {
public:
	server(asio::io_context &context, const vds::stack &stack, const tcp::endpoint &at) : acceptor(context)
	{
		vds::socket made = stack.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC);

		acceptor.assign(at.protocol(), made.get());
		(void)made.release(); /* assign() has not failed: the acceptor owns it */
		acceptor.set_option(tcp::acceptor::reuse_address(true));
		acceptor.bind(at);
		acceptor.listen();
	}
	void greet(int clients)
	{
		if (clients == 0)
			return;
		acceptor.async_accept([this, clients](const asio::error_code &error, tcp::socket peer) {
			if (error)
				throw std::system_error(error);
			text = "hello " + peer.remote_endpoint().address().to_string();
			asio::write(peer, asio::buffer(text));
			greet(clients - 1);
		});
	}

private:
	tcp::acceptor acceptor;
	std::string text;
};

/* Connects from its stack, and reads what the server says. */
class identity {
public:
	identity(asio::io_context &context, const vds::stack &stack) : socket(context)
	{
		vds::socket made = stack.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC);

		socket.assign(tcp::v4(), made.get());
		(void)made.release();
	}
	void ask(const tcp::endpoint &at)
	{
		socket.async_connect(at, [this](const asio::error_code &error) {
			if (error)
				throw std::system_error(error);
			asio::async_read(socket, asio::dynamic_buffer(text),
					 [this](const asio::error_code &end, std::size_t) {
						 if (end != asio::error::eof)
							 throw std::system_error(end);
						 socket.close();
					 });
		});
	}
	/* What the server has said. */
	const std::string &answer() const
	{
		return text;
	}

private:
	tcp::socket socket;
	std::string text;
};

} // namespace

int main()
try {
	vds::stack there("vnl=inproc://lan ip=10.0.0.1/24");
	vds::stack home("vnl=inproc://lan ip=10.0.0.2/24"), work("vnl=inproc://lan ip=10.0.0.3/24");
	const tcp::endpoint at(asio::ip::make_address("10.0.0.1"), 7);
	asio::io_context context; /* ends before the stacks, and with it their sockets */

	server greeter(context, there, at);
	identity first(context, home), second(context, work);
	greeter.greet(2);
	first.ask(at);
	second.ask(at);
	context.run_for(std::chrono::seconds(20));
	std::cout << "home: " << first.answer() << "\nwork: " << second.answer() << "\n";
	return 0;
} catch (const std::exception &error) {
	std::cerr << "asio_two_identities: " << error.what() << "\n";
	return 1;
}
