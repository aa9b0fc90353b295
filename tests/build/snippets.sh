#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     snippets.sh SOURCE-DIR CC [FLAG...]
#
# The examples in the manual pages, README.md and docs/*.md are compiled as C99 without a warning.
# Whole programs are run as well. They must exit with 0 and write what the page says: the literal block after
# the line "Its output:". Every page in section 3 or 7 has such a program. An example with a constructor is
# compiled as a shared object (unchanged.sh runs it). The other examples are put into a function with a `stack`.
# The FLAGs make a program find the library. README.md's program is examples/hello.c.

set -eu -o pipefail
source=$1 cc=$2
shift 2
n=0 ran=0

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

wrap_fragment() {
	cat <<-'END_OF_HEAD'
	#define _GNU_SOURCE
	#include <arpa/inet.h>
	#include <errno.h>
	#include <stdio.h>
	#include <string.h>
	#include <sys/socket.h>
	#include <unistd.h>
	#include <vdestack.h>
	#include <vdestack/conf.h>
	#include <vdestack/dial.h>
	#include <vdestack/dns.h>
	int fragment(struct vdestack *stack);
	int fragment(struct vdestack *stack)
	{
	END_OF_HEAD
	cat "$1"
	printf '\treturn stack == NULL;\n}\n'
}

for page in "$source"/docs/man/*.[1-9]; do
	blocks_of_page "$page" "$(basename "$page")"
done
for page in "$source"/README.md "$source"/docs/*.md; do
	blocks_of_markdown "$page" "$(basename "$page")"
done

for block in *.[1-9].[0-9] *.md.[0-9]; do
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
	elif grep -q '^__attribute__((constructor))' "$block"; then
		cp "$block" "$block.c"
		"$cc" -std=gnu99 -pedantic -Wall -Wextra -Werror -shared -fPIC "$block.c" -o "$block.so" "$@"
	else
		wrap_fragment "$block" >"$block.c"
		"$cc" -std=gnu99 -Wall -Wextra -Werror -Wno-missing-field-initializers -Wno-misleading-indentation -c "$block.c" -o /dev/null \
			"-I$source/include" || { echo "$block does not compile" >&2; exit 1; }
	fi
done
echo "$n examples compiled, $ran of them run"
for page in "$source"/docs/man/*.[37]; do
	page=$(basename "$page")
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
