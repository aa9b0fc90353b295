#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     interpose.sh CASE SOURCE INCLUDE-DIR CC LIBRARY NOINTERPOSE-LIBRARY
#
# Which socket(2) a program gets, depending on how it is linked with the library. The default stack works
# or fails with a reason.

set -eu -o pipefail
case=$1 source=$2 include=$3 cc=$4 library=$5 quiet=$6
flags=(-Wall -Wextra -Werror -O1 "-I$include" "-Wl,-rpath,$(dirname "$library")" "-Wl,-rpath,$PWD")
preload="LD_PRELOAD=$(dirname "$library")/libvdestack.so.0"
cat >main.c <<'END'
int examine(const char *mode, const char *text);
int main(int argc, char **argv)
{
	return argc > 1 ? examine(argv[1], argc > 2 ? argv[2] : "") : 2;
}
END

case $case in
linked)
	"$cc" "$source" -o program "$library" "${flags[@]}"
	./program redirected
	;;
linked_without_interposition)
	"$cc" "$source" -o program "$quiet" "${flags[@]}"
	nm -D --defined-only "$quiet" | grep ' socket$' >/dev/null && { echo "$quiet shows socket()" >&2; exit 1; }
	./program alone "link the program with libvdestack"
	;;
loaded) # by dlopen(3), as a plugin or ctypes does
	"$cc" "$source" -o program "-DLOAD=\"$library\"" "${flags[@]}"
	./program alone "$(dirname "$library")/libvdestack.so"
	env "$preload" ./program redirected
	;;
behind_a_library) # the program is linked with a library, which is linked with this one
	"$cc" -shared -fPIC -DPART "$source" -o libpart.so "$library" "${flags[@]}"
	"$cc" main.c -o program ./libpart.so "${flags[@]}"
	./program alone "LD_PRELOAD="
	env "$preload" ./program redirected
	;;
both) # a library wants no interposition, its program does: the program's choice counts for both
	"$cc" -shared -fPIC -DPART "$source" -o libpart.so "$quiet" "${flags[@]}"
	"$cc" main.c -o program -Wl,--no-as-needed "$library" ./libpart.so "${flags[@]}"
	./program redirected
	;;
*)
	echo "interpose.sh: no case $case" >&2
	exit 2
	;;
esac
