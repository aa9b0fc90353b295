/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define BEGIN "\033[?1049h\033[?25l" /* other screen, no cursor */
#define END "\033[?25h\033[?1049l"

static struct {
	struct termios before;
	sigset_t signals, mask_before;
	int signal_fd;
} screen;

static void put(const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDOUT_FILENO, text, len);
		if (n < 0 && errno != EINTR)
			return; /* the terminal is gone: reading says so */
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
}

static void enter(void)
{
	struct termios raw = screen.before;

	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	put(BEGIN, sizeof(BEGIN) - 1);
}

static void leave(void)
{
	put(END, sizeof(END) - 1);
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &screen.before);
}

int vs_screen_begin(void)
{
	static const int wanted[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH };

	if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &screen.before) < 0)
		return -ENOTTY;
	sigemptyset(&screen.signals);
	for (size_t i = 0; i < VS_COUNT(wanted); i++)
		sigaddset(&screen.signals, wanted[i]);
	screen.signal_fd = signalfd(-1, &screen.signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (screen.signal_fd < 0)
		return -errno;
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigprocmask(SIG_BLOCK, &screen.signals, &screen.mask_before);
	enter();
	return 0;
}

void vs_screen_end(void)
{
	leave();
	(void)close(screen.signal_fd);
	(void)sigprocmask(SIG_SETMASK, &screen.mask_before, NULL);
}

void vs_screen_size(size_t *rows, size_t *columns)
{
	struct winsize w = { 0 };

	(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &w);
	*rows = w.ws_row > 0 ? w.ws_row : 24;
	*columns = w.ws_col > 0 ? w.ws_col : 80;
}

/* Stops as the user wants. Returns when it goes on. */
static void stop(void)
{
	leave();
	(void)raise(SIGSTOP);
	enter();
}

static enum vs_screen_event take_signal(int *key)
{
	struct signalfd_siginfo info;

	if (read(screen.signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return VS_SCREEN_REDRAW;
	switch (info.ssi_signo) {
	case SIGTSTP:
		stop();
		return VS_SCREEN_REDRAW;
	case SIGCONT: /* the terminal may have other settings now */
		enter();
		return VS_SCREEN_REDRAW;
	case SIGWINCH:
		return VS_SCREEN_REDRAW;
	default:
		*key = (int)info.ssi_signo;
		return VS_SCREEN_END;
	}
}

enum vs_screen_event vs_screen_wait(int *left_ms, int *key)
{
	struct pollfd p[] = { { .fd = STDIN_FILENO, .events = POLLIN },
			      { .fd = screen.signal_fd, .events = POLLIN } };
	int64_t deadline = vs_deadline_ms(*left_ms);
	unsigned char byte;

	*key = 0;
	int n = poll(p, VS_COUNT(p), *left_ms);
	*left_ms = vs_left_ms(deadline);
	if (n <= 0)
		return n == 0 ? VS_SCREEN_TIME : VS_SCREEN_REDRAW;
	if (p[1].revents != 0)
		return take_signal(key);
	if (read(STDIN_FILENO, &byte, 1) != 1)
		return VS_SCREEN_END;
	*key = byte;
	return VS_SCREEN_KEY;
}

void vs_screen_draw(const char *text, size_t len)
{
	put("\033[H", 3);
	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t n = end != NULL ? (size_t)(end - text) : len;
		put(text, n);
		put("\033[K", 3); /* the rest of the line */
		text += n;
		len -= n;
		if (end != NULL && len > 1)
			put("\r\n", 2);
		text += end != NULL;
		len -= end != NULL;
	}
	put("\033[J", 3); /* the rest of the screen */
}
