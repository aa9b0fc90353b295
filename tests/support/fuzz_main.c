/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Runs a fuzz target without a fuzzer, as an ordinary test:
 *
 *     PROGRAM [-t SECONDS] [-n COUNT] [-s SEED] [DIRECTORY]   mutations of the directory's files, random
 *                                                             bytes: for that long, and that many at least
 *     PROGRAM FILE                                            this one input
 *
 * It does not measure coverage. It finds simple faults and shows that the targets still work. For
 * real fuzzing, build with clang and VDESTACK_FUZZ=ON. An input that crashes is printed. The
 * seed, printed first, repeats the run.
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define INPUT_MAX_BYTES 4096
#define MAX_SEEDS 1024

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	uint8_t bytes[INPUT_MAX_BYTES];
	size_t size;
};

static struct input *seeds[MAX_SEEDS];
static size_t n_seeds;
static uint64_t state;

static uint32_t chance(uint32_t below) /* xorshift64* */
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * UINT64_C(2685821657736338717)) >> 32) % below;
}

static struct input *load(const char *path)
{
	struct input *input = calloc(1, sizeof(*input));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 && input != NULL ? read(fd, input->bytes, INPUT_MAX_BYTES) : -1;

	if (fd >= 0)
		close(fd);
	if (n < 0) {
		free(input);
		return NULL;
	}
	input->size = (size_t)n;
	return input;
}

static void load_directory(const char *path)
{
	DIR *dir = opendir(path);
	char name[4096];

	if (dir == NULL)
		return;
	for (struct dirent *e; (e = readdir(dir)) != NULL && n_seeds < MAX_SEEDS;) {
		(void)snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		if (e->d_name[0] != '.' && (seeds[n_seeds] = load(name)) != NULL)
			n_seeds++;
	}
	closedir(dir);
}

static void insert(struct input *in, size_t at, const uint8_t *bytes, size_t n)
{
	if (n > INPUT_MAX_BYTES - in->size)
		n = INPUT_MAX_BYTES - in->size;
	memmove(in->bytes + at + n, in->bytes + at, in->size - at);
	memcpy(in->bytes + at, bytes, n);
	in->size += n;
}

static void mutate(struct input *in)
{
	static const uint8_t edges[] = { 0, 1, 0x7f, 0x80, 0xff, ' ', '\t', '"', '\'', '\\', '=', '/', ';' };
	size_t at = chance((uint32_t)in->size + 1);
	size_t left = in->size - at;
	uint8_t byte = (uint8_t)chance(256);

	switch (chance(6)) {
	case 0: /* one bit */
		if (left > 0)
			in->bytes[at] ^= (uint8_t)(1u << chance(8));
		break;
	case 1: /* one byte, often a boundary value */
		if (left > 0)
			in->bytes[at] = chance(2) ? byte : edges[chance(sizeof(edges))];
		break;
	case 2:
		insert(in, at, chance(2) ? &byte : &edges[chance(sizeof(edges))], 1);
		break;
	case 3: { /* remove */
		size_t n = left > 0 ? 1 + chance(left < 16 ? (uint32_t)left : 16) : 0;
		memmove(in->bytes + at, in->bytes + at + n, left - n);
		in->size -= n;
		break;
	}
	case 4: /* cut */
		if (chance(4) == 0)
			in->size = at;
		break;
	default: /* a piece of another one */
		if (n_seeds > 0) {
			const struct input *other = seeds[chance((uint32_t)n_seeds)];
			size_t from = chance((uint32_t)other->size + 1);
			size_t n = chance(32);
			insert(in, at, other->bytes + from, n < other->size - from ? n : other->size - from);
		}
	}
}

static void make(struct input *in)
{
	if (n_seeds > 0 && chance(8) != 0) {
		*in = *seeds[chance((uint32_t)n_seeds)];
	} else {
		in->size = chance(chance(4) == 0 ? 2048 : 64);
		for (size_t i = 0; i < in->size; i++)
			in->bytes[i] = (uint8_t)chance(256);
	}
	for (uint32_t n = chance(8); n > 0; n--)
		mutate(in);
}

/* In a buffer of its exact size, so the address sanitizer detects the first byte beyond it. */
static void try(const uint8_t *bytes, size_t size)
{
	uint8_t *exact = malloc(size > 0 ? size : 1);

	if (exact == NULL)
		return;
	memcpy(exact, bytes, size);
	(void)LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

static int run_one(const char *path)
{
	struct input *one = load(path);

	if (one == NULL) {
		perror(path);
		return 1;
	}
	try(one->bytes, one->size);
	free(one);
	return 0;
}

static void run_many(struct input *in, int seconds, unsigned long count)
{
	unsigned long runs = 0;

	for (size_t i = 0; i < n_seeds; i++) {
		*in = *seeds[i];
		try(in->bytes, in->size);
	}
	for (time_t end = time(NULL) + seconds; runs < count || time(NULL) < end; runs++) {
		make(in);
		try(in->bytes, in->size);
	}
	printf("%lu inputs\n", runs);
}

static void report(const struct input *in, int status)
{
	fprintf(stderr, "%s %d on the %zu bytes below; xxd -r -p makes a file of them\n",
		WIFSIGNALED(status) ? "signal" : "exit status",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), in->size);
	for (size_t i = 0; i < in->size; i++)
		fprintf(stderr, "%02x%s", in->bytes[i], i % 32 == 31 ? "\n" : "");
	fprintf(stderr, "\n");
}

/*
 * In a process of its own, with the current input in shared memory, so every kind of crash can be reported.
 */
static int hunt(int seconds, unsigned long count)
{
	int status;
	struct input *in = mmap(NULL, sizeof(*in), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = in != MAP_FAILED ? fork() : -1;

	if (pid == 0) {
		run_many(in, seconds, count);
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("cannot start");
		return 1;
	}
	if (status != 0)
		report(in, status);
	return status != 0;
}

int main(int argc, char **argv)
{
	int seconds = 3, option;
	unsigned long count = 0;
	struct stat st;

	state = (uint64_t)time(NULL) * UINT64_C(0x9e3779b97f4a7c15);
	while ((option = getopt(argc, argv, "t:n:s:")) != -1) {
		if (option == 't')
			seconds = atoi(optarg);
		else if (option == 'n')
			count = strtoul(optarg, NULL, 0);
		else if (option == 's')
			state = strtoull(optarg, NULL, 0);
		else
			return 2;
	}
	state = state != 0 ? state : 1; /* the generator's only fixed point */
	const char *path = argv[optind];
	if (path != NULL && stat(path, &st) == 0 && S_ISREG(st.st_mode))
		return run_one(path);
	if (path != NULL)
		load_directory(path);
	printf("seed 0x%llx, %zu files\n", (unsigned long long)state, n_seeds);
	(void)fflush(stdout);
	int result = hunt(seconds, count);
	for (size_t i = 0; i < n_seeds; i++)
		free(seeds[i]);
	return result;
}
