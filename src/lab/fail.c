/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The artefacts of a failure, in a directory of their own below the configured one:
 *
 *     why.txt  lab.txt  lab.svg  lab.dot      reason and seed, text, pictures
 *     HOST.txt  HOST.events                   addresses, routes, neighbours, counters; what happened when
 *     HOST.out  HOST-NETWORK.pcapng           output of its server, captures
 *
 * A file that cannot be written does not keep the others from being written: the first error is returned.
 */

#include "fail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "directory.h"
#include "draw.h"
#include "error.h"
#include "files.h"
#include "links.h"
#include "report.h"
#include "state.h"
#include <vdestack/lab.h>

/* ------------------------------------------------------------------ directory */

/* The directory and those above it. */
static int make_base(const char *base)
{
	char *path = strdup(base);

	for (char *c = path; path != NULL && c != NULL;) {
		c = strchr(c + 1, '/');
		if (c != NULL)
			*c = '\0';
		if (mkdir(path, 0777) < 0 && errno != EEXIST && errno != EROFS && errno != EACCES) {
			int err = errno;
			free(path);
			return -err;
		}
		if (c != NULL)
			*c = '/';
	}
	free(path);
	return path != NULL ? 0 : -ENOMEM;
}

/* A new directory; the name says which process and which lab of it. */
static int make_directory(const struct vdestack_lab *lab, char **made)
{
	int r = make_base(lab->artefacts);

	for (unsigned i = 1; r == 0 && i < 10000; i++) {
		char *path;
		if (asprintf(&path, "%s/lab-%d-%u-%u", lab->artefacts, (int)getpid(), lab->number, i) < 0)
			return -ENOMEM;
		if (mkdir(path, 0777) == 0) {
			*made = path;
			return 0;
		}
		r = errno == EEXIST ? 0 : -errno;
		free(path);
	}
	return r < 0 ? r : -EEXIST;
}

/* A new file in it. first: where the first error goes. */
static FILE *make_file(const char *directory, const char *name, const char *suffix, int *first)
{
	char *path = NULL;
	int fd = asprintf(&path, "%s/%s%s", directory, name, suffix) < 0
			 ? -1
			 : open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (out == NULL && *first == 0)
		*first = -errno;
	if (out == NULL && fd >= 0)
		(void)close(fd);
	free(path);
	return out;
}

static void end_file(FILE *out, int *first)
{
	int failed = ferror(out);

	if ((fclose(out) != 0 || failed) && *first == 0)
		*first = -EIO;
}

/* ------------------------------------------------------------------ files */

static void write_why(const struct vdestack_lab *lab, const char *directory, const char *why, int *first)
{
	FILE *out = make_file(directory, "why", ".txt", first);
	time_t now = time(NULL);
	char text[40] = "";
	struct tm tm;

	if (out == NULL)
		return;
	if (gmtime_r(&now, &tm) != NULL)
		(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	(void)fprintf(out, "%s\n\ntime: %s\nprocess: %d\nseed: %" PRIu64 "\n",
		      why != NULL ? why : "no reason was given", text, (int)getpid(), lab->seed);
	/* The options come before the environment. */
	(void)fprintf(out,
		      lab->own_seed ? "repeat with: the seed %" PRIu64 " in the options of the lab\n"
				    : "repeat with: VDESTACK_LAB_SEED=%" PRIu64 "\n",
		      lab->seed);
	end_file(out, first);
}

static void write_pictures(const struct vdestack_lab *lab, const char *directory, int *first)
{
	static void (*const draw[])(FILE *, const struct vs_lab_topology *) = { vs_lab_draw_svg,
										vs_lab_draw_dot,
										vs_lab_draw_text };
	static const char *const suffixes[] = { ".svg", ".dot", ".addresses.txt" };
	FILE *out = make_file(directory, "lab", ".txt", first);

	if (out != NULL) {
		(void)fwrite(lab->text, 1, lab->len, out);
		end_file(out, first);
	}
	for (size_t i = 0; i < 3 && lab->t != NULL; i++) {
		out = make_file(directory, "lab", suffixes[i], first);
		if (out == NULL)
			continue;
		draw[i](out, lab->t);
		end_file(out, first);
	}
}

static void write_host(struct vdestack_lab *lab, size_t host, const char *directory, int *first)
{
	const struct vs_lab_member *m = &lab->members[host];
	const char *name = lab->t->hosts[host].name;
	FILE *out = m->stack != NULL ? make_file(directory, name, ".txt", first) : NULL;

	if (out != NULL) {
		vs_lab_report_state(out, lab, host);
		end_file(out, first);
	}
	out = m->events >= 0 ? make_file(directory, name, ".events", first) : NULL;
	if (out != NULL) {
		vs_lab_report_events(out, m->events);
		end_file(out, first);
	}
}

/* Output of servers, captures, the hosts file. */
static void copy_files(const struct vdestack_lab *lab, const char *directory, int *first)
{
	DIR *dir = lab->directory != NULL ? opendir(lab->directory) : NULL;
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		char *from, *to = NULL;
		if (entry->d_name[0] == '.')
			continue;
		from = vs_lab_directory_path(lab, entry->d_name);
		int r = from == NULL || asprintf(&to, "%s/%s", directory, entry->d_name) < 0
				? -ENOMEM
				: vs_lab_copy_file(from, to);
		if (r < 0 && *first == 0)
			*first = r;
		free(from);
		free(to);
	}
	if (dir != NULL)
		(void)closedir(dir);
}

int vs_lab_fail(struct vdestack_lab *lab, const char *why)
{
	char *directory = NULL;
	int r, first = 0;

	if (lab->artefacts == NULL)
		return 0;
	r = make_directory(lab, &directory);
	if (r < 0)
		return vs_lab_error(-r, "cannot make a directory for artefacts in %s: %s", lab->artefacts,
				    strerror(-r));
	write_why(lab, directory, why, &first);
	write_pictures(lab, directory, &first);
	for (size_t i = 0; lab->members != NULL && i < lab->t->n_hosts; i++)
		write_host(lab, i, directory, &first);
	vs_lab_links_stop_captures(lab);
	copy_files(lab, directory, &first);
	free(lab->written);
	lab->written = directory;
	return first < 0 ? vs_lab_error(-first, "cannot write all artefacts to %s: %s", directory,
					strerror(-first))
			 : 1;
}

int vdestack_lab_fail(struct vdestack_lab *lab, const char *why)
{
	if (lab == NULL)
		return vs_lab_edge(vs_lab_error(EINVAL, "no lab"));
	return vs_lab_edge(vs_lab_fail(lab, why));
}
