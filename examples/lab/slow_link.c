/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A slow link, and the time limits of an HTTP client: curl, with a server behind 64 kbit/s and a delay. A table has the
 * impairments, curl's options and its exit status.
 *
 * What is known of a failure is in a directory below $VDESTACK_LAB_ARTEFACTS. test_slow_link.py is the same in
 * Python, with what curl writes. Exit status 77: busybox or curl is not installed.
 */

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <vdestack/lab.h>

static const char text[] = "network lan 10.0.0.0/24\n"
			   "server web on lan 10.0.0.80 run \"busybox httpd -f -p 80 -h %s\" ready tcp 80\n"
			   "host client on lan\n";
static char folder[] = "/tmp/slow_link.XXXXXX";
static struct vdestack_lab *lab;

/* Each limit is one of curl: at least min_s seconds pass, as the link is slow or curl waits so long. */
static const struct step {
	const char *words; /* what happens to the server's port */
	const char *page;
	char *option, *value;
	int status; /* 28: a time limit was met */
	double min_s;
} steps[] = {
	{ "unimpaired", "page", "--max-time", "20", 0, 0 },
	{ "rate=64kbit delay=100ms", "page", "--max-time", "20", 0, 2.2 },
	{ "rate=64kbit delay=100ms", "big", "--max-time", "1.5", 28, 1.5 },
	{ "rate=64kbit delay=100ms", "big", "--speed-limit", "20000", 28, 2 },
	{ "unimpaired delay=1500ms", "page", "--connect-timeout", "1", 28, 1 },
	{ "unimpaired", "big", "--max-time", "20", 0, 0 },
};

static void clean_up(void)
{
	vdestack_lab_delete(lab);
	if (chdir(folder) == 0) {
		(void)unlink("page");
		(void)unlink("big");
		(void)rmdir(folder);
	}
}

/* Ends the program if a step has failed, and leaves the artefacts. */
static void check(int ok, const char *step)
{
	if (ok)
		return;
	fprintf(stderr, "%s: %s\n", step, vdestack_lab_last_error());
	if (lab != NULL && vdestack_lab_fail(lab, step) == 1)
		fprintf(stderr, "artefacts: %s\n", vdestack_lab_artefacts(lab));
	exit(1);
}

static void write_page(const char *name, off_t size)
{
	char path[sizeof(folder) + 16];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	check(file != NULL && ftruncate(fileno(file), size) == 0 && fclose(file) == 0, "write a page");
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void take(const struct step *s)
{
	char url[64];
	char *argv[] = { "curl", "-s", "-o", "/dev/null", "--speed-time", "2", s->option, s->value, url, NULL };
	struct vdestack_cmd_opts opts = { .size = sizeof(opts), .timeout_ms = 60000 };
	double begin, passed;
	int status;

	snprintf(url, sizeof(url), "http://10.0.0.80/%s", s->page);
	check(vdestack_lab_impair(lab, "web:lan", s->words) == 0, "impair the link");
	begin = seconds();
	status = vdestack_lab_run(lab, "client", argv, &opts);
	passed = seconds() - begin;
	check(status != -1 && WIFEXITED(status), "run curl");
	printf("%s, %s, %s %s: exit %d\n", s->words, s->page, s->option, s->value, WEXITSTATUS(status));
	check(WEXITSTATUS(status) == s->status, "curl's exit status");
	check(passed >= s->min_s - 0.02, "the time that has passed");
}

int main(void)
{
	char lines[sizeof(text) + sizeof(folder)];

	if (system("command -v busybox curl >/dev/null") != 0)
		return 77;
	if (mkdtemp(folder) == NULL || atexit(clean_up) != 0)
		return 1;
	write_page("page", 16000);
	write_page("big", 1000000);
	snprintf(lines, sizeof(lines), text, folder);
	lab = vdestack_lab_new(lines, NULL);
	check(lab != NULL && vdestack_lab_start(lab) == 0, "start the lab");
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		take(&steps[i]);
	return 0;
}
