/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DM_PIDFILE_H
#define DM_PIDFILE_H

/*
 * A file with the number of the process that runs. The process holds a lock on it. The lock ends with the
 * process, however that ends: a file that is left over from a crash is used again.
 */

#include <sys/types.h>

/*
 * Opens the file and takes the lock, which children share. A descriptor, or -errno; -EALREADY: *running has
 * the lock, 0 if its number is not known; -EINVAL: it is no regular file; -EEXIST: it has something else
 * than a number. The file is made with the mode 0644. A symbolic link is followed.
 */
int dm_pidfile_open(const char *path, pid_t *running);

/* Writes the number of this process. 0 or -errno. */
int dm_pidfile_write(int fd);

/* Removes the file and gives the lock up. A relative path needs the working directory of before. */
void dm_pidfile_remove(int fd, const char *path);

#endif
