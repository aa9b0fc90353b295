/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "duid.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemons/common/report.h"
#include "proto/be.h"

#define DIRECTORY "/var/lib/namedhcp"
#define TEXT_MAX (3 * VS_DHCP6_DUID_MAX + 1)
#define EPOCH_2000 946684800 /* RFC 8415 section 11.2: seconds from 1970 to 2000 */

enum duid_type { DUID_LLT = 1, DUID_LL = 3, DUID_UUID = 4 };

/* ------------------------------------------------------------------ making one */

static bool has_mac(const uint8_t mac[6])
{
	static const uint8_t none[6];

	return memcmp(mac, none, sizeof(none)) != 0;
}

static int make_random(struct nd_duid *d)
{
	vs_be_put16(d->bytes, DUID_UUID);
	if (getrandom(d->bytes + 2, 16, 0) != 16)
		return -EIO;
	d->n = 18;
	return 0;
}

static int make(struct nd_duid *d, const uint8_t mac[6], enum duid_type type)
{
	if (!has_mac(mac))
		return make_random(d);
	vs_be_put16(d->bytes, (uint16_t)type);
	vs_be_put16(d->bytes + 2, 1); /* Ethernet */
	d->n = 4;
	if (type == DUID_LLT) {
		vs_be_put32(d->bytes + d->n, (uint32_t)(time(NULL) - EPOCH_2000));
		d->n = 8;
	}
	memcpy(d->bytes + d->n, mac, 6);
	d->n = (uint16_t)(d->n + 6);
	return 0;
}

/* ------------------------------------------------------------------ the file */

static int digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c == '\0' ? NULL : strchr(digits, c | 0x20);

	return at == NULL ? -1 : (int)(at - digits);
}

/* One line. */
static int parse(const char *text, struct nd_duid *d)
{
	d->n = 0;
	while (d->n < VS_DHCP6_DUID_MAX) {
		int high = digit(text[0]), low = high < 0 ? -1 : digit(text[1]);
		if (low < 0)
			return -EINVAL;
		d->bytes[d->n++] = (uint8_t)(high << 4 | low);
		text += 2;
		if (*text != ':')
			break;
		text++;
	}
	return (strcmp(text, "\n") == 0 || *text == '\0') && d->n >= VS_DHCP6_DUID_MIN ? 0 : -EINVAL;
}

static int store(int fd, const struct nd_duid *d)
{
	char text[TEXT_MAX + 1];
	int n = 0;

	for (uint16_t i = 0; i < d->n; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%02x%c", d->bytes[i],
			      i + 1 < d->n ? ':' : '\n');
	ssize_t r = pwrite(fd, text, (size_t)n, 0);
	if (r != n) {
		int error = r < 0 ? -errno : -ENOSPC;
		(void)!ftruncate(fd, 0); /* a part would be another identifier, or none */
		return error;
	}
	return fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
}

/* A file that is empty was made by a server that ended before it wrote. */
static int read_or_make(int fd, struct nd_duid *d, const uint8_t mac[6])
{
	char text[TEXT_MAX + 2];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	if (n > 0)
		return parse(text, d);
	int r = make(d, mac, DUID_LLT);
	return r < 0 ? r : store(fd, d);
}

static int open_file(struct nd_duid *d, const char *path, const uint8_t mac[6])
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	VS_AUTO_CLOSE fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);

	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0)
		return errno == EAGAIN || errno == EACCES ? -EALREADY : -errno;
	int r = read_or_make(fd, d, mac);
	if (r < 0)
		return r;
	d->lock = vs_steal_fd(&fd);
	return 0;
}

static int report(const char *path, int error)
{
	if (error == -EALREADY)
		dm_report(DM_ERROR,
			  "another server uses the identifier in %s: give this one a --duidfile of its own",
			  path);
	else if (error == -EINVAL)
		dm_report(DM_ERROR,
			  "%s has no identifier of a server (DUID): remove it, and a new one is made", path);
	else
		dm_report(DM_ERROR, "cannot use the file of the identifier, %s: %s", path, strerror(-error));
	return -1;
}

static const char *default_path(char *text, size_t size)
{
	const char *directory = getenv("STATE_DIRECTORY"); /* of systemd.exec(5) */

	if (directory == NULL || *directory != '/') {
		directory = DIRECTORY;
		(void)mkdir(directory, 0755); /* open() reports what is wrong */
	}
	(void)snprintf(text, size, "%s/duid", directory);
	return text;
}

int nd_duid_open(struct nd_duid *duid, const char *path, const uint8_t mac[6])
{
	char text[4096];
	const char *used = path != NULL ? path : default_path(text, sizeof(text));

	*duid = (struct nd_duid){ .lock = -1 };
	int r = open_file(duid, used, mac);
	if (r == 0)
		return 0;
	if (path != NULL || r == -EALREADY || r == -EINVAL)
		return report(used, r);
	dm_report(DM_NOTICE,
		  "cannot keep the identifier of the server in %s (%s): it changes with the MAC "
		  "address; --duidfile names another file",
		  used, strerror(-r));
	r = make(duid, mac, DUID_LL);
	return r < 0 ? report(used, r) : 0;
}

void nd_duid_close(struct nd_duid *duid)
{
	vs_close(vs_steal_fd(&duid->lock));
}
