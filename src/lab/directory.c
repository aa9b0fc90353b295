/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "state.h"

char *vs_lab_directory_path(const struct vdestack_lab *lab, const char *name)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s", lab->directory, name) < 0 ? NULL : path;
}

/* All addresses of all hosts, those of IPv4 first. */
static void write_hosts(FILE *out, const struct vs_lab_topology *t)
{
	char text[VS_LAB_ADDR_TEXT];

	(void)fputs("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n", out);
	for (int f = 0; f < 2; f++)
		for (size_t i = 0; i < t->n_hosts; i++)
			for (size_t j = 0; j < t->hosts[i].n_ports; j++) {
				vs_lab_addr_text(&t->hosts[i].ports[j].addrs[f], text);
				if (text[0] != '\0')
					(void)fprintf(out, "%s\t%s\n", text, t->hosts[i].name);
			}
}

static int make_hosts(const struct vdestack_lab *lab)
{
	char *path = vs_lab_directory_path(lab, "hosts");
	/* commands that change their user read it too, where it is mounted */
	int fd = path != NULL ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644) : -1;
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
	int err = errno;

	free(path);
	if (out == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return -err;
	}
	write_hosts(out, lab->t);
	return fclose(out) == 0 ? 0 : -errno;
}

int vs_lab_directory_make(struct vdestack_lab *lab)
{
	const char *base = getenv("TMPDIR");
	char *path = NULL;
	int r;

	if (lab->directory != NULL)
		return 0;
	if (base == NULL || base[0] != '/')
		base = "/tmp";
	if (asprintf(&path, "%s/vdestack-lab-XXXXXX", base) < 0)
		return vs_lab_error(ENOMEM, "out of memory for a temporary directory");
	if (mkdtemp(path) == NULL) {
		int err = errno;
		free(path);
		return vs_lab_error(err,
				    "cannot make a temporary directory in %s: %s; set TMPDIR to another one",
				    base, strerror(err));
	}
	lab->directory = path;
	r = make_hosts(lab);
	return r < 0 ? vs_lab_error(-r, "cannot write the hosts file in %s: %s", path, strerror(-r)) : 0;
}

void vs_lab_directory_remove(struct vdestack_lab *lab)
{
	bool ours = lab->directory != NULL && lab->maker == getpid();
	DIR *dir = ours ? opendir(lab->directory) : NULL;
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir != NULL)
		(void)closedir(dir);
	if (ours)
		(void)rmdir(lab->directory);
	free(lab->directory);
	lab->directory = NULL;
}
