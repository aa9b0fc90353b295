#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     man.sh SOURCE-DIR BUILD-DIR CC
#
# The manual pages: mandoc reports nothing. Once installed, each public function
# has a page under its name that shows it, and a line in libvdestack(3) in the group of its header. No page names
# a function that does not exist.

set -eu -o pipefail
command -v mandoc >/dev/null || { echo "mandoc is not installed" >&2; exit 77; }
source=$1 build=$2 cc=$3
status=0

complain() {
	echo "man: $*" >&2
	status=1
}

# One process for all pages, here and below: there are many.
mandoc -T lint -W warning "$source"/docs/man/*.[1-9] || status=1
# mandoc nests enclosures of one line and does not complain: "[EMFILE, [ENOMEM]]"
if grep -nE '^\.(It )?([BDPQ]q) .* [BDPQ]q ' "$source"/docs/man/*.[1-9]; then complain "an enclosure begins within another"; fi

cmake --install "$build" --prefix "$PWD/prefix" >/dev/null
man=$(dirname "$(dirname "$(find prefix -name vdestack_new.3)")")
cd "$man"

# An installed page is one of the sources, or a link for one of the names that such a page has.
declare -A is_name=()
while read -r name; do
	is_name[$name]=yes
done < <(awk '/^\.Nm [^ ]+( ,)?$/ { print $2 substr(FILENAME, length(FILENAME) - 1) }' "$source"/docs/man/*.[1-9])
for page in man?/*; do
	name=${page##*/}
	[ -f "$source/docs/man/$name" ] || [ -n "${is_name[$name]:-}" ] || complain "$page is no name of a page"
done

# What each page shows: "vdestack_new.3 vdestack_delete", and of each name the page that it is a link to.
declare -A shown=() page_of=()
mapfile -t pages < <(grep -L '^\.so ' man3/*.3)
[ "${#pages[@]}" -gt 20 ] || complain "where are the pages?"
while read -r page word; do
	shown[$page $word]=yes
done < <(mandoc -T ascii "${pages[@]}" | sed 's/.\x08//g' | awk '
	NR == FNR { name[NR] = substr($0, 6); next } # without "man3/"
	/^NAME$/ { page = name[++count] }
	/^SYNOPSIS/ { inside = 1 }
	/^DESCRIPTION/ { inside = 0 }
	inside { n = split($0, words, /[^a-z0-9_(]+/); for (i = 1; i <= n; i++) {
		m = split(words[i], parts, "(")
		for (j = 1; j <= m; j++) if (parts[j] != "") print page, parts[j] (j < m ? "(" : "") } }' \
	<(printf '%s\n' "${pages[@]}") - | sort -u)
while read -r name target; do
	page_of[$name]=$target
done < <(awk 'FNR == 1 { name = FILENAME; sub(".*/", "", name); target = $1 == ".so" ? $2 : name
	sub(".*/", "", target); print name, target }' man3/*.3)

shows() { # NAME WORD: whether the page NAME(3) has the word
	[ -n "${shown[${page_of[$1.3]} $2]:-}" ]
}

# The functions that the headers declare, as in symbols.sh, and the macros' family apart.
for header in "$source"/include/*.h "$source"/include/vdestack/*.h; do
	echo "#include \"$header\""
done >"$OLDPWD/all.c"
"$cc" "-I$source/include" -E -P "$OLDPWD/all.c" | grep -oE '\b(vdestack|vde)_[a-z0-9_]+ *\(' | tr -d ' (' |
	grep -v '_fn$' | sort -u >"$OLDPWD/declared"
[ -s "$OLDPWD/declared" ]
while read -r function; do
	if [ ! -f "man3/$function.3" ]; then
		complain "there is no page for $function(3)"
	elif ! shows "$function" "$function("; then
		complain "$function(3) does not show $function()"
	fi
done <"$OLDPWD/declared"

# Those of the family's headers, which are not in libvdestack(3).
for header in "$source"/include/ioth*.h; do
	[ -f "$header" ] || continue
	echo "#include \"$header\"" >"$OLDPWD/family.c"
	"$cc" "-I$source/include" -E -P "$OLDPWD/family.c" | grep -oE '\bioth[a-z]*_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u >"$OLDPWD/of_family"
	[ -s "$OLDPWD/of_family" ]
	while read -r function; do
		[ -f "man3/$function.3" ] || { complain "there is no page for $function(3)" && continue; }
		shows "$function" "$function" || shows "$function" "$function(" || complain "$function(3) does not show $function()"
	done <"$OLDPWD/of_family"
done
while read -r page name section; do
	[ -f "man$section/$name.$section" ] || complain "$page: there is no $name($section)"
done < <(grep -H '^\.\(It \)\?Xr ioth' "$source"/docs/man/*.[1-9] | sed 's/^\([^:]*\):\.\(It \)\?Xr \([^ ]*\) \([0-9]\).*/\1 \3 \4/')

# libvdestack(3): each function once, under the header that declares it, with some words.
list=$source/docs/man/libvdestack.3
sed -n 's/^\.It Xr \(vde[a-z_]*\) 3$/\1/p' "$list" | sort >"$OLDPWD/listed"
diff -u "$OLDPWD/declared" "$OLDPWD/listed" >&2 || complain "libvdestack(3) does not list each function once"
declare -A in_header=() is_declared=([vdestack_log_fn]=yes)
while IFS=: read -r header function; do
	in_header[$header $function]=yes
done < <(cd "$source/include" && grep -oE '\b[a-z0-9_]+\(' ./*.h vdestack/*.h | sed 's|^\./||')
while read -r function; do
	is_declared[$function]=yes
done <"$OLDPWD/declared"
while read -r function header words; do
	[ -n "$words" ] || complain "libvdestack(3) does not say what $function() does"
	[ -n "${in_header[$header $function(]:-}" ] || complain "$function() is not in <$header>"
done < <(awk '/^\.Ss / { header = "" } /^\.In / { header = $2 }
	/^\.It Xr / { name = $3; getline; print name, header, ($0 ~ /^\.(It|El)/ ? "" : $0) }' "$list")

# What a synopsis shows and what pages refer to.
while read -r page function; do
	[ -n "${is_declared[$function]:-}" ] || complain "$page: there is no function $function"
done < <(grep -oE '^\.Fn vde[a-z_]*' "$source"/docs/man/*.[1-9] | sed 's/:\.Fn / /')
while read -r page name section; do
	[ -f "man$section/$name.$section" ] || complain "$page: there is no $name($section)"
done < <(grep -H '^\.\(It \)\{0,1\}Xr ' "$source"/docs/man/*.[1-9] |
	sed -n 's/^\([^:]*\):\.\(It \)\{0,1\}Xr \(vdestack[a-z_]*\|vde_[a-z]*stack[a-z]*\|vde_msocket\) \([0-9]\).*/\1 \3 \4/p')

# Structs in a synopsis are those of the headers, but for comments and what stands behind them.
squeeze() {
	sed 's|/\*.*\*/||; s/[[:space:]]\{1,\}/ /g; s/ *$//'
}
for page in $(grep -l '^struct .* {' "$source"/docs/man/*.3); do
	sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/p' "$page" | sed -n '/^struct .* {/,/^};/p' | squeeze >struct
	[ -s struct ] || continue
	name=$(sed -n '1s/ {$//p' struct)
	cat "$source"/include/*.h "$source"/include/vdestack/*.h | sed -n "/^$name {/,/^};/p" | squeeze >declared
	diff -u declared struct >&2 || complain "$page: $name is another one in the header"
done
exit $status
