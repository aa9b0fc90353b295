/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_COMMAND_HPP
#define VDESTACK_COMMAND_HPP

/* Commands in a stack. */

#include <array>

#include <vdestack/stack.hpp>

namespace vds
{
inline namespace VDESTACK_CXX_VARIANT
{

/* The words of a command, for execve(2): `arguments("ip", "-brief", "addr").data()`. They are not copied. */
template <class... Words> std::array<char *, sizeof...(Words) + 1> arguments(const Words &...words) noexcept
{
	/* execve(2) takes char *, and writes nothing */
	return { { const_cast<char *>(static_cast<const char *>(words))..., nullptr } };
}

/* struct vdestack_cmd_opts. What is not set has its default; the pipes are those of the command. */
class command_options
{
public:
	command_options() noexcept
	{
		raw_.size = sizeof(raw_);
	}
	/* The command is killed after this time. */
	command_options &limit(timeout longest) noexcept
	{
		raw_.timeout_ms = longest.option_ms();
		return *this;
	}
	/* VDESTACK_CAP(number)... */
	command_options &caps(std::uint64_t bits) noexcept
	{
		raw_.caps = bits;
		return *this;
	}
	/* Standard streams: a descriptor, which stays open here, or VDESTACK_PIPE, VDESTACK_NULL... */
	command_options &in(int fd) noexcept
	{
		raw_.in = fd;
		return *this;
	}
	command_options &out(int fd) noexcept
	{
		raw_.out = fd;
		return *this;
	}
	command_options &err(int fd) noexcept
	{
		raw_.err = fd;
		return *this;
	}
	/* Both must live until the command has been started. */
	command_options &directory(const char *path) noexcept
	{
		raw_.cwd = path;
		return *this;
	}
	command_options &environment(char *const *envp) noexcept
	{
		raw_.envp = envp;
		return *this;
	}
	const ::vdestack_cmd_opts *get() const noexcept
	{
		return &raw_;
	}

private:
	::vdestack_cmd_opts raw_ = {};
};

namespace detail
{
/* The first of these calls is made by commands of stacks, the other ones by those of a laboratory. */
struct started_command {
	descriptor pid, status;
	std::array<descriptor, 3> pipes;
};

template <class Spawn>
result<started_command> start_command(const command_options &opts, Spawn spawn) noexcept
{
	::vdestack_cmd_opts raw = *opts.get();
	int pipes[3] = { -1, -1, -1 }, status = -1;

	raw.pipe_fds = pipes;
	const result<int> pid = spawn(&raw, &status);
	if (!pid)
		return fails_with(pid.error());
	return started_command{ descriptor(*pid),
				descriptor(status),
				{ { descriptor(pipes[0]), descriptor(pipes[1]), descriptor(pipes[2]) } } };
}
} // namespace detail

/*
 * A command that has been started in a stack. The destructor closes the descriptors and does not end the
 * command: that ends with its stack at the latest, and a signal to pidfd() ends it before.
 */
class command
{
public:
	static result<command> try_create(stack_ref stack, char *const *argv,
					  const command_options &opts = {}) noexcept
	{
		return owned(detail::start_command(opts, [&](const ::vdestack_cmd_opts *raw, int *status) {
			return try_check(::vdestack_spawn(stack.get(), argv, raw, status));
		}));
	}
	/* The wait status (WIFEXITED...), or nothing if the command still runs after this time. */
	result<std::optional<int>> try_wait(timeout longest) const noexcept
	{
		int status = 0;
		if (::vdestack_cmd_wait(started_.status.get(), &status, longest.ms()) == 0)
			return std::optional<int>(status);
		if (errno == ETIMEDOUT)
			return std::optional<int>();
		return fails_with(error::last());
	}

#if VDESTACK_CXX_EXCEPTIONS
	command(stack_ref stack, char *const *argv, const command_options &opts = {})
	    : command(value(try_create(stack, argv, opts)))
	{
	}
	std::optional<int> wait(timeout longest) const
	{
		return value(try_wait(longest));
	}
#endif

	/* For poll(2) and pidfd_send_signal(2). */
	int pidfd() const noexcept
	{
		return started_.pid.get();
	}
	/* Readable when the command has ended. */
	int status_fd() const noexcept
	{
		return started_.status.get();
	}
	/* The program's ends of pipes that the options have asked for. Without one they are empty. */
	descriptor &in() noexcept
	{
		return started_.pipes[0];
	}
	descriptor &out() noexcept
	{
		return started_.pipes[1];
	}
	descriptor &err() noexcept
	{
		return started_.pipes[2];
	}
	/* Behind a call that starts commands elsewhere. */
	static result<command> owned(result<detail::started_command> started) noexcept
	{
		if (!started)
			return fails_with(started.error());
		return command(std::move(*started));
	}

private:
	explicit command(detail::started_command &&started) noexcept : started_(std::move(started))
	{
	}
	detail::started_command started_;
};

/* Runs a command and waits for its end. The wait status; ETIMEDOUT: it was killed at its limit. */
inline result<int> try_run(stack_ref stack, char *const *argv, const command_options &opts = {}) noexcept
{
	return try_check(::vdestack_run(stack.get(), argv, opts.get()));
}

#if VDESTACK_CXX_EXCEPTIONS
inline int run(stack_ref stack, char *const *argv, const command_options &opts = {})
{
	return value(try_run(stack, argv, opts));
}
#endif

} // namespace VDESTACK_CXX_VARIANT
} // namespace vds

#endif
