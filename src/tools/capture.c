/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * `vdestack capture`: the frames of an interface of another program's stack, in a file.
 *
 * The keeper of that program writes the file. This process opens it, waits, and says what was captured. When
 * it ends in any way, the capture ends.
 */

#include "capture.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "escape.h"
#include "target.h"
#include <vdestack.h>
#include <vdestack/capture.h>

#define TOOL "vdestack capture"

static const char help[] =
	"Usage: vdestack capture [OPTION...] PID[:STACK[:IFACE]]\n"
	"Writes the frames of an interface of the program PID, for Wireshark. Without IFACE: of vde0.\n"
	"  -w FILE     to FILE, or to standard output if it is - or not given\n"
	"  -s BYTES    of each frame that are kept (262144)\n"
	"  -c COUNT    ends after so many frames\n"
	"  -C SIZE     of a file: 5000000, 5k, 5M; without -W and -G it ends when the file is full\n"
	"  -W FILES    a ring of so many, FILE.00, FILE.01, ...; with -G ends after so many\n"
	"  -G SECONDS  then begins another file; FILE is a format of strftime(3)\n"
	"  -B KIB      for frames that are not written yet (8192)\n"
	"  -q          says nothing at the end\n"
	"  -h, --help\n"
	"Exit status: 0 done, 1 it could not begin or has ended by an error, 64 usage.\n";

struct options {
	struct vdestack_capture_opts capture;
	const char *file;
	unsigned seconds, files;
	bool quiet;
};

static void say(const char *text)
{
	(void)fprintf(stderr, TOOL ": ");
	vs_escape_plain(stderr, text);
	(void)fputc('\n', stderr);
}

/* ------------------------------------------------------------------ command line */

/* A number, with k, M or G behind it if `units`. */
static bool read_number(const char *text, uint64_t least, uint64_t most, bool units, uint64_t *out)
{
	static const char letters[] = "kMG";
	char *end;

	errno = 0;
	unsigned long long n = strtoull(text, &end, 10);
	const char *unit = units && *end != '\0' ? strchr(letters, *end) : NULL;
	if (errno != 0 || end == text || text[0] < '0' || text[0] > '9' ||
	    *(unit != NULL ? end + 1 : end) != '\0')
		return false;
	for (const char *at = letters; unit != NULL && at <= unit; at++) {
		if (n > UINT64_MAX / 1024)
			return false;
		n *= 1024;
	}
	*out = n;
	return n >= least && n <= most;
}

static bool read_option(struct options *o, int c, const char *text)
{
	uint64_t n = 0;
	bool good = true;

	switch (c) {
	case 'w':
		o->file = text;
		break;
	case 's':
		good = read_number(text, 1, 262144, false, &n);
		o->capture.snaplen = (uint32_t)n;
		break;
	case 'c':
		good = read_number(text, 1, UINT64_MAX, false, &o->capture.frames);
		break;
	case 'C':
		good = read_number(text, 4096, UINT64_MAX, true, &o->capture.file_bytes);
		break;
	case 'W':
		good = read_number(text, 1, 100000, false, &n);
		o->files = (unsigned)n;
		break;
	case 'G':
		good = read_number(text, 1, 1000000, false, &n);
		o->seconds = (unsigned)n;
		break;
	case 'B':
		good = read_number(text, 64, 262144, false, &n);
		o->capture.buffer_bytes = n * 1024;
		break;
	case 'q':
		o->quiet = true;
		break;
	default:
		return false;
	}
	if (!good)
		(void)fprintf(stderr, TOOL ": -%c cannot be \"%.40s\"\n", c, text);
	return good;
}

/* 0, or an exit status. */
static int check_options(struct options *o)
{
	const char *problem = NULL;
	bool to_output = o->file == NULL || strcmp(o->file, "-") == 0;

	if (to_output && isatty(STDOUT_FILENO))
		problem = "standard output is a terminal; name a file with -w, "
			  "or pipe it into wireshark -k -i -";
	else if (to_output && (o->files > 1 || o->seconds > 0))
		problem = "-W and -G need a file, -w FILE";
	else if (o->files > 1 && o->seconds == 0 && (o->capture.file_bytes == 0 || o->files > 64))
		problem = "-W needs -C, and makes 64 files at most";
	if (problem != NULL) {
		(void)fprintf(stderr, TOOL ": %s\n", problem);
		return EX_USAGE;
	}
	o->capture.size = sizeof(o->capture);
	o->capture.fd = STDOUT_FILENO;
	o->capture.path = to_output ? NULL : o->file;
	o->capture.files = o->seconds == 0 ? o->files : 0;
	return 0;
}

/* ------------------------------------------------------------------ capturing */

/* The user's own format, as with tcpdump. */
static bool write_name(const char *format, char *name, size_t size)
{
	time_t now = time(NULL);
	struct tm local;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	return localtime_r(&now, &local) != NULL && strftime(name, size, format, &local) > 0;
#pragma GCC diagnostic pop
}

static int begin(struct vdestack *stack, const char *ifname, const struct options *o)
{
	struct vdestack_capture_opts opts = o->capture;
	char name[4096];

	if (o->seconds > 0) {
		if (!write_name(o->file, name, sizeof(name))) {
			say("the name of the file is too long");
			return -1;
		}
		opts.path = name;
	}
	int fd = vdestack_capture_start(stack, ifname, &opts);
	if (fd < 0)
		say(vdestack_last_error());
	return fd;
}

struct totals {
	uint64_t written, dropped;
};

/* 0, or 1 with a message. A reader of standard output that has gone has seen enough. */
static int end(int fd, struct totals *t)
{
	struct vdestack_capture_stats s = { .size = sizeof(s) };
	int r = vdestack_capture_stop(fd, &s);

	t->written += s.written;
	t->dropped += s.dropped + s.os_dropped;
	if (r == 0 || errno == EPIPE)
		return 0;
	say(vdestack_last_error());
	return 1;
}

static int signals_fd(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction now;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < VS_COUNT(ends); i++) /* what is ignored, by nohup(1), stays so */
		if (sigaction(ends[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			sigaddset(&set, ends[i]);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

enum waited { TIME_OVER, CAPTURE_ENDED, SIGNALLED };

static enum waited await(int fd, int signals, unsigned seconds)
{
	struct pollfd p[] = { { .fd = fd, .events = POLLIN }, { .fd = signals, .events = POLLIN } };
	int64_t deadline = seconds > 0 ? vs_deadline_ms((int)seconds * 1000) : INT64_MAX;

	for (;;) {
		int left = deadline == INT64_MAX ? -1 : vs_left_ms(deadline);
		(void)poll(p, 2, left);
		if (p[1].revents != 0)
			return SIGNALLED;
		if (p[0].revents != 0)
			return CAPTURE_ENDED;
		if (deadline != INT64_MAX && vs_left_ms(deadline) == 0)
			return TIME_OVER;
	}
}

static int capture(struct vdestack *stack, const char *ifname, const struct options *o)
{
	int signals = signals_fd(), fd = begin(stack, ifname, o), status = fd < 0;
	struct totals totals = { 0 };
	unsigned files = 1;

	while (fd >= 0) {
		enum waited why = await(fd, signals, o->seconds);
		bool again = why == TIME_OVER && (o->files == 0 || files++ < o->files);
		/* Before the other one ends, so no frame is missed. */
		int next = again ? begin(stack, ifname, o) : -1;
		status |= end(fd, &totals) | (again && next < 0);
		fd = next;
	}
	if (!o->quiet && (status == 0 || totals.written > 0))
		(void)fprintf(stderr, TOOL ": %" PRIu64 " frames captured, %" PRIu64 " dropped\n",
			      totals.written, totals.dropped);
	return status;
}

int vs_capture_main(int argc, char *argv[])
{
	static const struct option long_options[] = { { "help", no_argument, NULL, 'h' },
						      { NULL, 0, NULL, 0 } };
	struct options o = { .file = NULL };
	int c;

	while ((c = getopt_long(argc, argv, "w:s:c:C:W:G:B:qh", long_options, NULL)) != -1) {
		if (c == 'h')
			return fputs(help, stdout) < 0 || fflush(stdout) != 0 ? EX_IOERR : 0;
		if (!read_option(&o, c, optarg))
			return EX_USAGE;
	}
	if (optind != argc - 1) {
		(void)fprintf(stderr, "usage: vdestack capture [OPTION...] PID[:STACK[:IFACE]]; see -h\n");
		return EX_USAGE;
	}
	int status = check_options(&o);
	if (status != 0)
		return status;
	const char *ifname = vs_target_interface(argv[optind]);
	if (ifname == NULL || ifname[0] == '\0')
		ifname = "vde0";
	struct vdestack *stack = vs_target_attach(TOOL, argv[optind]);
	return stack == NULL ? 1 : capture(stack, ifname, &o);
}
