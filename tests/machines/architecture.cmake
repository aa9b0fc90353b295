# SPDX-License-Identifier: LGPL-2.1-or-later
#
# CMake's toolchain file for one of Debian's architectures, used by the script "architectures" beside it:
#
#     cmake -S . -B DIR --toolchain tests/machines/architecture.cmake
#           -DARCHITECTURE_TRIPLET=s390x-linux-gnu -DARCHITECTURE_CPU=s390x -DARCHITECTURE_SYSROOT=DIR
#
# ARCHITECTURE_TRIPLET  how Debian names the compiler, and the directory of the libraries
# ARCHITECTURE_LIBRARIES  the latter, where it is another name (i386)
# ARCHITECTURE_CPU      the name of the processor, as qemu-user has it
# ARCHITECTURE_SYSROOT  what the architecture's packages contain, unpacked
# The machine runs i386's programs itself, all others' by qemu-user.

set(names ARCHITECTURE_TRIPLET ARCHITECTURE_LIBRARIES ARCHITECTURE_CPU ARCHITECTURE_SYSROOT)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ${names})
if(NOT ARCHITECTURE_LIBRARIES)
  set(ARCHITECTURE_LIBRARIES "${ARCHITECTURE_TRIPLET}")
endif()

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR "${ARCHITECTURE_CPU}")
set(CMAKE_C_COMPILER "${ARCHITECTURE_TRIPLET}-gcc")
set(CMAKE_CXX_COMPILER CMAKE_CXX_COMPILER-NOTFOUND) # its packages bring another C library; one example needs it
set(CMAKE_SYSROOT "${ARCHITECTURE_SYSROOT}")
set(CMAKE_LIBRARY_ARCHITECTURE "${ARCHITECTURE_LIBRARIES}")
foreach(kind IN ITEMS LIBRARY INCLUDE PACKAGE)
  set(CMAKE_FIND_ROOT_PATH_MODE_${kind} ONLY)
endforeach()
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(ENV{PKG_CONFIG_SYSROOT_DIR} "${ARCHITECTURE_SYSROOT}")
set(ENV{PKG_CONFIG_LIBDIR}
  "${ARCHITECTURE_SYSROOT}/usr/lib/${ARCHITECTURE_LIBRARIES}/pkgconfig:${ARCHITECTURE_SYSROOT}/usr/share/pkgconfig")


if(NOT ARCHITECTURE_CPU STREQUAL "i386")
  set(CMAKE_CROSSCOMPILING_EMULATOR "qemu-${ARCHITECTURE_CPU};-L;${ARCHITECTURE_SYSROOT}")
endif()
