/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "seeds.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------ numbers */

/* splitmix64's last step: neighbouring numbers become unlike ones. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static uint64_t mix_text(uint64_t x, const char *text)
{
	for (; *text != '\0'; text++)
		x = mix(x + UINT64_C(0x9e3779b97f4a7c15) + (unsigned char)*text);
	return mix(x + 0x100); /* the end, so that "ab" "c" is not "a" "bc" */
}

uint64_t vs_lab_seeds_of(uint64_t lab, const char *host, const char *network, char direction)
{
	uint64_t x = mix_text(mix_text(lab, host), network);

	x = mix(x + (unsigned char)direction) >> 1;
	return x != 0 ? x : 1;
}

/* ------------------------------------------------------------------ words */

static bool begins(const char *word, size_t len, const char *with)
{
	return len >= strlen(with) && strncmp(word, with, strlen(with)) == 0;
}

struct vs_lab_seed_words vs_lab_seeds_read(const char *words)
{
	static const char between[] = " \t\n;,"; /* as in the configuration string */
	struct vs_lab_seed_words found = { 0 };

	for (words += strspn(words, between); *words != '\0'; words += strspn(words, between)) {
		size_t len = strcspn(words, between);
		if (len == strlen("unimpaired") && begins(words, len, "unimpaired"))
			found = (struct vs_lab_seed_words){ .anew = true };
		else if (begins(words, len, "seed="))
			found.tx = found.rx = true;
		else if (begins(words, len, "tx.seed="))
			found.tx = true;
		else if (begins(words, len, "rx.seed="))
			found.rx = true;
		else
			found.works = true;
		words += len;
	}
	return found;
}

char *vs_lab_seeds_add(uint64_t lab, const char *host, const char *network, const char *words)
{
	struct vs_lab_seed_words found = vs_lab_seeds_read(words);
	char tx[40] = "", rx[40] = "", *all;

	if (!found.tx)
		(void)snprintf(tx, sizeof(tx), " tx.seed=%" PRIu64, vs_lab_seeds_of(lab, host, network, 't'));
	if (!found.rx)
		(void)snprintf(rx, sizeof(rx), " rx.seed=%" PRIu64, vs_lab_seeds_of(lab, host, network, 'r'));
	return asprintf(&all, "%s\n%s%s", words, tx, rx) < 0 ? NULL : all;
}
