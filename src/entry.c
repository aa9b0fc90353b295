/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The library's file as a program.
 *
 * The shared object has a program interpreter and an entry point, so the kernel executes it like any other
 * program. Keepers and runners are started so. There is no second file that could be missing, of another
 * version, or left behind when the library is moved.
 */

#include <stdio.h>
#include <string.h>

#include "keeper/start.h"
#include "runner/runner.h"
#include "wire/roles.h"
#include <vdestack.h>

#if defined(__x86_64__) && defined(__ILP32__)
#define INTERPRETER "/libx32/ld-linux-x32.so.2"
#elif defined(__x86_64__)
#define INTERPRETER "/lib64/ld-linux-x86-64.so.2"
#elif defined(__i386__)
#define INTERPRETER "/lib/ld-linux.so.2"
#elif defined(__aarch64__)
#define INTERPRETER "/lib/ld-linux-aarch64.so.1"
#elif defined(__arm__) && defined(__ARM_PCS_VFP)
#define INTERPRETER "/lib/ld-linux-armhf.so.3"
#elif defined(__riscv) && __riscv_xlen == 64
#define INTERPRETER "/lib/ld-linux-riscv64-lp64d.so.1"
#elif defined(__powerpc64__)
#define INTERPRETER "/lib64/ld64.so.2"
#elif defined(__s390x__)
#define INTERPRETER "/lib/ld64.so.1"
#elif defined(__loongarch64)
#define INTERPRETER "/lib64/ld-linux-loongarch-lp64d.so.1"
#else
#error "add the path of this architecture's dynamic linker here"
#endif

extern const char vs_interpreter[];
__attribute__((section(".interp"), used)) const char vs_interpreter[] = INTERPRETER;

int main(int argc, char **argv)
{
	const char *role = argc > 0 ? argv[0] : "";

	if (strcmp(role, VS_KEEPER_NAME) == 0)
		return vs_keeper_main();
	if (strcmp(role, VS_RUNNER_NAME) == 0)
		return vs_runner_main();
	printf("libvdestack %s: network stacks of a program's own.\n"
	       "This is a library; link programs with -lvdestack.\n",
	       vdestack_version());
	return 0;
}
