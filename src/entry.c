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

/* The dynamic linkers of the GNU C library. */
#if defined(__x86_64__) && defined(__ILP32__)
#define INTERPRETER "/libx32/ld-linux-x32.so.2"
#elif defined(__x86_64__)
#define INTERPRETER "/lib64/ld-linux-x86-64.so.2"
#elif defined(__i386__)
#define INTERPRETER "/lib/ld-linux.so.2"
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define INTERPRETER "/lib/ld-linux-aarch64.so.1"
#elif defined(__aarch64__)
#define INTERPRETER "/lib/ld-linux-aarch64_be.so.1"
#elif defined(__arm__) && defined(__ARM_PCS_VFP)
#define INTERPRETER "/lib/ld-linux-armhf.so.3"
#elif defined(__arm__)
#define INTERPRETER "/lib/ld-linux.so.3"
#elif defined(__riscv) && __riscv_xlen == 64 && defined(__riscv_float_abi_double)
#define INTERPRETER "/lib/ld-linux-riscv64-lp64d.so.1"
#elif defined(__riscv) && __riscv_xlen == 64 && defined(__riscv_float_abi_soft)
#define INTERPRETER "/lib/ld-linux-riscv64-lp64.so.1"
#elif defined(__powerpc64__) && defined(_CALL_ELF) && _CALL_ELF == 2
#define INTERPRETER "/lib64/ld64.so.2"
#elif defined(__powerpc64__)
#define INTERPRETER "/lib64/ld64.so.1"
#elif defined(__s390x__)
#define INTERPRETER "/lib/ld64.so.1"
#elif defined(__loongarch64)
#define INTERPRETER "/lib64/ld-linux-loongarch-lp64d.so.1"
#elif defined(__mips__) && defined(_ABI64) && _MIPS_SIM == _ABI64
#define INTERPRETER "/lib64/ld.so.1"
#elif defined(__mips__) && defined(_ABIO32) && _MIPS_SIM == _ABIO32
#define INTERPRETER "/lib/ld.so.1"
#else
#error "add the path of this architecture's dynamic linker here"
#endif

extern const char vs_interpreter[];
__attribute__((section(".interp"), used)) const char vs_interpreter[] = INTERPRETER;

#ifdef __riscv
/*
 * A program's start. The C library's own (Scrt1.o) is not for shared objects here: it sets the global pointer
 * from a .preinit_array. Code of shared objects does not use that register.
 * Arguments: main, argc, argv, two that are no longer used, what is called at exit, the end of the stack.
 */
__asm__(".pushsection .text\n"
	".globl _start\n"
	".type _start, @function\n"
	"_start:\n"
	"	.cfi_startproc\n"
	"	.cfi_undefined ra\n"
	"	mv	a5, a0\n"
	"	la	a0, main\n"
	"	ld	a1, 0(sp)\n"
	"	addi	a2, sp, 8\n"
	"	andi	sp, sp, -16\n"
	"	li	a3, 0\n"
	"	li	a4, 0\n"
	"	mv	a6, sp\n"
	"	call	__libc_start_main@plt\n"
	"	ebreak\n"
	"	.cfi_endproc\n"
	".size _start, . - _start\n"
	".popsection\n");
#endif

int main(int argc, char **argv)
{
	const char *role = argc > 0 ? argv[0] : "";

	if (strcmp(role, VS_KEEPER_NAME) == 0)
		return vs_keeper_main(argc > 1 && strcmp(argv[1], VS_KEEPER_LOCAL) == 0);
	if (strcmp(role, VS_RUNNER_NAME) == 0)
		return vs_runner_main();
	printf("libvdestack %s: network stacks of a program's own.\n"
	       "This is a library; link programs with -lvdestack.\n",
	       vdestack_version());
	return 0;
}
