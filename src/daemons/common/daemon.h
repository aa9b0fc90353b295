/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DM_DAEMON_H
#define DM_DAEMON_H

/*
 * The life of a daemon, the same in the foreground and in the background:
 *
 *     dm_daemon_begin()   checks and locks the pidfile, goes into the background
 *     ...                 the program opens what it needs; SIGTERM and SIGINT end it as usual
 *     dm_daemon_ready()   the pidfile has the number; the command that started the daemon returns 0 now, and
 *                         the service manager knows it
 *     ...                 the program serves until dm_daemon_signal() says DM_STOP
 *     dm_daemon_end()     removes the pidfile
 *
 * A program that ends before it is ready makes the command return its exit status, and its messages are on
 * the terminal of the user. From then on they are in syslog.
 */

#include <stdbool.h>

struct dm_daemon {
	const char *pidfile; /* NULL: none */
	bool background;
	/* Private. */
	int lock, signals, launcher;
	char *path;
};

/*
 * Before any thread is made. 0, or -1 after a message. Descriptors 0, 1 and 2 that are closed are /dev/null
 * from now on.
 */
int dm_daemon_begin(struct dm_daemon *d);

/*
 * 0, or -1 after a message. The thread that calls this is the one that calls dm_daemon_signal(). In the
 * background the working directory is / from now on: paths that are used later are made absolute before, see
 * dm_path().
 */
int dm_daemon_ready(struct dm_daemon *d);

/* Readable when a signal is there; for poll(2). The daemon's. */
int dm_daemon_signals(const struct dm_daemon *d);

enum dm_signal {
	DM_NONE,
	DM_STOP,  /* SIGTERM, SIGINT */
	DM_RELOAD /* SIGHUP */
};

/* Takes a signal that is there. Never blocks. */
enum dm_signal dm_daemon_signal(struct dm_daemon *d);

void dm_daemon_end(struct dm_daemon *d);

/* A path of the user, absolute. The caller frees it; NULL: no memory, or no working directory. */
char *dm_path(const char *path);

/*
 * Makes the path of the configuration file absolute, for a program that reads it again in the background.
 * NULL and "-" stay. *memory is what the caller frees when the path is not used any more, or NULL. 0, or -1
 * after a message.
 */
int dm_keep_rcfile(const char **rcfile, char **memory);

#endif
