/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_BASE_AUDIT_ARCH_H
#define VS_BASE_AUDIT_ARCH_H

/* The architecture of this program's system calls, as seccomp(2) calls it. 0: it is not in this list. */

#include <linux/audit.h>

#if defined(__x86_64__)
#define VS_AUDIT_ARCH AUDIT_ARCH_X86_64
#elif defined(__i386__)
#define VS_AUDIT_ARCH AUDIT_ARCH_I386
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define VS_AUDIT_ARCH AUDIT_ARCH_AARCH64
#elif defined(__arm__) && defined(__ARMEL__)
#define VS_AUDIT_ARCH AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define VS_AUDIT_ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define VS_AUDIT_ARCH AUDIT_ARCH_PPC64LE
#elif defined(__powerpc64__)
#define VS_AUDIT_ARCH AUDIT_ARCH_PPC64
#elif defined(__s390x__)
#define VS_AUDIT_ARCH AUDIT_ARCH_S390X
#elif defined(__mips__) && defined(__MIPSEL__) && _MIPS_SIM == _ABI64
#define VS_AUDIT_ARCH AUDIT_ARCH_MIPSEL64
#elif defined(__mips__) && defined(__MIPSEL__) && _MIPS_SIM == _ABIO32
#define VS_AUDIT_ARCH AUDIT_ARCH_MIPSEL
#elif defined(__loongarch64) && defined(AUDIT_ARCH_LOONGARCH64)
#define VS_AUDIT_ARCH AUDIT_ARCH_LOONGARCH64
#else
#define VS_AUDIT_ARCH 0
#endif

#endif
