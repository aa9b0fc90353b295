#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     snippets.sh SOURCE-DIR CC [FLAG...]
#
# The examples in the manual pages, README.md and docs/*.md are compiled as C99 without a warning.
# Whole programs are run as well. They must exit with 0 and write what the page says: the literal block after
# the line "Its output:". Every page in section 3 or 7 has such a program; of those of the Internet of Threads, the
# pages in the list below. An example with a constructor is compiled as a shared object (unchanged.sh runs it), and
# a plugin of libioth as well. The other examples are put into a function with a `stack`: of libioth in that family's
# pages, else of libvdestack.
# The FLAGs make a program find the library. README.md's program is examples/hello.c.

set -eu -o pipefail
source=$1 cc=$2
shift 2
n=0 ran=0

# The pages of the Internet of Threads, if its libraries are among the FLAGs.
family=no
case "$*" in *libioth.so*) family=yes ;; esac

# The literal blocks of a page's EXAMPLES section, each into a file of its own: PREFIX.1, ... What a program
# writes goes into PREFIX.N.expected, where N is that of the program.
blocks_of_page() {
	awk -v prefix="$2" '
		/^\.Sh / { examples = ($2 == "EXAMPLES") }
		/^\.Ed/ { inside = 0 }
		examples && inside { gsub(/\\e/, "\\"); gsub(/\\&/, ""); gsub(/\\-/, "-"); print > file }
		/^\.Bd -literal/ {
			inside = 1
			if (examples) file = prefix "." (output ? count ".expected" : ++count)
			output = 0
		}
		/^Its output:/ { output = 1 }
	' "$1"
}

blocks_of_markdown() {
	awk -v prefix="$2" '
		/^```/ { if (inside) { inside = 0; next } inside = ($0 == "```c"); if (inside) { count++; next } }
		inside { print > (prefix "." count) }
	' "$1"
}

main_pages_of_family="ioth.7 ioth_config.3 ioth_newstack.3 iothaddr.3 iothdns_init.3 iothradvd_start.3"

wrap_fragment() { # FILE TYPE-OF-STACK
	cat <<-'END_OF_HEAD'
	#define _GNU_SOURCE
	#include <arpa/inet.h>
	#include <errno.h>
	#include <ioth.h>
	#include <iothaddr.h>
	#include <iothconf.h>
	#include <iothdns.h>
	#include <iothradvd.h>
	#include <stdio.h>
	#include <stdlib.h>
	#include <string.h>
	#include <sys/socket.h>
	#include <unistd.h>
	#include <vdestack.h>
	#include <vdestack/conf.h>
	#include <vdestack/dial.h>
	#include <vdestack/dns.h>
	#include <vdestack/lab.h>
	END_OF_HEAD
	printf 'int fragment(struct %s *stack);\nint fragment(struct %s *stack)\n{\n\t{\n' "$2" "$2"
	cat "$1"
	printf '\t}\n\treturn stack == NULL;\n}\n'
}

for page in "$source"/docs/man/*.[37]; do # those of programs have no C
	case $(basename "$page") in ioth*) [ $family = yes ] || continue ;; esac
	blocks_of_page "$page" "$(basename "$page")"
done
for page in "$source"/README.md "$source"/docs/*.md; do
	blocks_of_markdown "$page" "$(basename "$page")"
done

for block in *.[37].[0-9] *.md.[0-9]; do
	[ -f "$block" ] || continue
	n=$((n + 1))
	if grep -q '^int main' "$block"; then
		cp "$block" "$block.c"
		"$cc" -std=gnu99 -pedantic -Wall -Wextra -Werror "$block.c" -o "$block.run" "$@"
		echo "running $block"
		"./$block.run" >"$block.output" || { echo "$block: exit status $?" >&2; exit 1; }
		if [ -f "$block.expected" ]; then
			diff -u "$block.expected" "$block.output" >&2 || { echo "$block writes something else" >&2; exit 1; }
		fi
		ran=$((ran + 1))
	elif grep -q '^__attribute__((constructor))\|^void \*ioth_[a-z]*_newstack(' "$block"; then
		cp "$block" "$block.c"
		"$cc" -std=gnu99 -pedantic -Wall -Wextra -Werror -shared -fPIC "$block.c" -o "$block.so" "$@"
	else
		case $block in
		ioth*) wrap_fragment "$block" ioth ;;
		*) wrap_fragment "$block" vdestack ;;
		esac >"$block.c"
		"$cc" -std=gnu99 -Wall -Wextra -Werror -Wno-missing-field-initializers -Wno-misleading-indentation -fsyntax-only "$block.c" \
			"-I$source/include" || { echo "$block does not compile" >&2; exit 1; }
	fi
done
echo "$n examples compiled, $ran of them run"
for page in "$source"/docs/man/*.[37]; do
	page=$(basename "$page")
	case $page in ioth*) echo " $main_pages_of_family " | grep -F " $page " >/dev/null && [ $family = yes ] || continue ;; esac
	if [ ! -f "$page.1.expected" ] || [ ! -f "$page.1.output" ]; then
		echo "$page has no program in EXAMPLES whose output it shows" >&2
		exit 1
	fi
done
if [ "$n" -lt 15 ] || [ "$ran" -lt 5 ]; then
	echo "where are the examples?" >&2
	exit 1
fi

# The first line of the example is its licence.
sed 1d "$source/examples/hello.c" | diff -u - README.md.1 || { echo "README.md does not show examples/hello.c" >&2; exit 1; }
