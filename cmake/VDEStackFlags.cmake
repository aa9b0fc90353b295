# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What our own targets are compiled with. Both are linked PRIVATE, so neither reaches a
# consumer of the library nor a parent project.
#
#   vdestack_flags      language, warnings
#   vdestack_sanitizer  the sanitizers of VDESTACK_SANITIZE; does nothing when that is empty

add_library(vdestack_flags INTERFACE)
target_compile_features(vdestack_flags INTERFACE c_std_11)
# Defined empty: a source that has its own "#define _GNU_SOURCE" then agrees with it. C++
# compilers define it themselves.
target_compile_definitions(vdestack_flags INTERFACE "$<$<COMPILE_LANGUAGE:C>:_GNU_SOURCE=>")
# c-ares 1.18 of Debian 12 has none of the calls that take the place of those that c-ares 1.34 of Debian 13 warns of.
target_compile_definitions(vdestack_flags INTERFACE CARES_NO_DEPRECATED)
# -Wno-psabi: no notes on 32-bit machines about what releases of gcc before 11 aligned otherwise (64-bit
# atomics). No such structure is shared with code that another compiler has built.
target_compile_options(vdestack_flags INTERFACE
  -Wall -Wextra -Wshadow -Wpointer-arith -Wformat=2 -Wvla -Wundef -Wno-psabi
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes>
  $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>
  $<$<BOOL:${VDESTACK_WERROR}>:-Werror>)

add_library(vdestack_sanitizer INTERFACE)
if(VDESTACK_SANITIZE)
  target_compile_options(vdestack_sanitizer INTERFACE
    "-fsanitize=${VDESTACK_SANITIZE}" -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(vdestack_sanitizer INTERFACE "-fsanitize=${VDESTACK_SANITIZE}")
endif()
