/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A path MTU black hole: a router whose link drops packets above 1400 bytes, and no ICMP message says so. A small
 * page arrives at the client, a large one does not. With tcp_mtu_probing=1 the server's TCP finds out.
 *
 * What is known of a failure is in a directory below $VDESTACK_LAB_ARTEFACTS. test_black_hole.py is the same in
 * Python, with captures. Exit status 77: busybox or curl is not installed.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vdestack/conf.h>
#include <vdestack/impair.h>
#include <vdestack/lab.h>

static const char text[] = "network lan 10.0.0.0/24\n"
			   "network wan 10.1.0.0/24\n"
			   "router r on lan on wan\n"
			   "server web on wan 10.1.0.80 run \"busybox httpd -f -p 80 -h %s\" ready tcp 80\n"
			   "host client on lan\n"
			   "link r:wan rx.blackhole=1400\n";
static char folder[] = "/tmp/black_hole.XXXXXX";
static struct vdestack_lab *lab;

static void clean_up(void)
{
	vdestack_lab_delete(lab);
	if (chdir(folder) == 0) {
		(void)unlink("small");
		(void)unlink("large");
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

static void write_page(const char *name, size_t size)
{
	char path[sizeof(folder) + 16];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	check(file != NULL && ftruncate(fileno(file), (off_t)size) == 0 && fclose(file) == 0, "write a page");
}

/* What curl says of a download: its exit status and the bytes that have come. */
static void download(const char *page, char *limit)
{
	char url[64];
	char *argv[] = { "curl", "-s", "-o", "/dev/null", "-w", "%{size_download}", "--max-time", limit, url, NULL };
	struct vdestack_cmd_opts opts = { .size = sizeof(opts), .timeout_ms = 60000 };
	FILE *out = tmpfile();
	char size[32] = "";
	int status;

	check(out != NULL, "make a temporary file");
	opts.out = fileno(out);
	snprintf(url, sizeof(url), "http://10.1.0.80/%s", page);
	status = vdestack_lab_run(lab, "client", argv, &opts);
	check(status != -1 && WIFEXITED(status), "run curl");
	rewind(out);
	check(fgets(size, sizeof(size), out) != NULL, "read what curl has written");
	fclose(out);
	printf("%s: exit %d, %s bytes\n", page, WEXITSTATUS(status), size);
}

int main(void)
{
	struct vdestack_impair_stats rx = { .size = sizeof(rx) };
	char lines[sizeof(text) + sizeof(folder)];

	if (system("command -v busybox curl >/dev/null") != 0)
		return 77;
	if (mkdtemp(folder) == NULL || atexit(clean_up) != 0)
		return 1;
	write_page("small", 500);
	write_page("large", 100000);
	snprintf(lines, sizeof(lines), text, folder);
	lab = vdestack_lab_new(lines, NULL);
	check(lab != NULL && vdestack_lab_start(lab) == 0, "start the lab");

	download("small", "20");
	download("large", "2");
	check(vdestack_impair_get(vdestack_lab_host(lab, "r"), "wan", NULL, NULL, NULL, &rx) == 0, "read counters");
	check(rx.blackholed >= 2, "packets are sent again, and vanish again");

	check(vdestack_sysctl_set(vdestack_lab_host(lab, "web"), "ipv4.tcp_mtu_probing", "1") == 0, "set a sysctl");
	puts("tcp_mtu_probing=1");
	download("large", "30");
	return 0;
}
