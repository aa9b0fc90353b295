#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     headers.sh INCLUDE-DIR CC
#
# Each public header compiles alone, as strict C99, as C++11, and with the strictest warnings. The attributes
# warn of what they are for, and of nothing else.

set -eu
include=$1 cc=$2
cxx=${CXX:-c++}
warnings="-Wall -Wextra -pedantic-errors -Wshadow -Wundef -Werror"

cd "$include"
for header in *.h vdestack/*.h; do
	[ -f "$header" ] || continue
	echo "$header"
	# shellcheck disable=SC2086
	echo "#include <$header>" | "$cc" -std=c99 -Wstrict-prototypes $warnings -I. -fsyntax-only -xc -
	if command -v "$cxx" >/dev/null; then
		# shellcheck disable=SC2086
		echo "#include <$header>" | "$cxx" -std=c++11 $warnings -I. -fsyntax-only -xc++ -
	fi
done

said=$(mktemp)
trap 'rm -f "$said"' EXIT

# compile CODE [FLAG...]: the code as the body of a function.
compile() {
	printf '#include <vdestack/conf.h>\nvoid f(struct vdestack *s);\nvoid f(struct vdestack *s)\n{\n\t%s\n}\n' \
		"$1" | "$cc" -std=c99 -Wall -Wextra -Werror -I. "${@:2}" -c -o /dev/null -xc -
}

# warns WORDS CODE [FLAG...]: the compiler refuses the function's body, with these words.
warns() {
	local words=$1 code=$2
	shift 2
	if compile "$code" "$@" 2>"$said"; then
		echo "no warning of: $code" >&2
		exit 1
	fi
	grep -q "$words" "$said" || { cat "$said" >&2; exit 1; }
}
warns unused 'vdestack_msocket(s, 2, 1, 0);'
warns unused 'vdestack_new("", 0);'
warns nonnull 'vdestack_link_set_up(s, 0, 1);'
warns deprecated 'vde_delstack(s);' -DVDESTACK_DEPRECATED_LEGACY
compile 'vde_delstack(s); vdestack_delete(s); vdestack_link_set_up(s, "lo", 1);'
compile 'vdestack_link_set_up(s, 0, 1);' -DVDESTACK_BUILDING
# The calls of 0.1 take literals, also from C++, where a literal is no char *.
literals='s = vde_addstack("inproc://lan", "eth0"); vde_stackcmd(s, "/bin/true");'
compile "$literals" -Wwrite-strings
if command -v "$cxx" >/dev/null; then
	printf '#include <vdestack.h>\nvoid f(struct vdestack *s);\nvoid f(struct vdestack *s)\n{\n\t%s\n}\n' \
		"$literals" | "$cxx" -std=c++11 -Wall -Wextra -pedantic-errors -Werror -I. -c -o /dev/null -xc++ -
fi
compile '(void)s;
#if VDESTACK_VERSION_NUMBER / 10000 != VDESTACK_VERSION_MAJOR
#error
#endif'
