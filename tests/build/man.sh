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

for page in "$source"/docs/man/*.[1-9]; do
	mandoc -T lint -W warning "$page" || status=1
	# mandoc nests enclosures of one line and does not complain: "[EMFILE, [ENOMEM]]"
	if grep -nE '^\.(It )?([BDPQ]q) .* [BDPQ]q ' "$page"; then complain "$page: an enclosure begins within another"; fi
done

cmake --install "$build" --prefix "$PWD/prefix" >/dev/null
man=$(dirname "$(dirname "$(find prefix -name vdestack_new.3)")")
cd "$man"

# An installed page is one of the sources, or a link for one of the names that such a page has.
for page in man?/*; do
	name=$(basename "$page")
	[ -f "$source/docs/man/$name" ] || grep -qx "\.Nm ${name%.?}\( ,\)\?" "$source"/docs/man/*".${name##*.}" ||
		complain "$page is no name of a page"
done

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
	elif [ -z "$(mandoc -T ascii "man3/$function.3" | sed 's/.\x08//g' |
		sed -n "/^SYNOPSIS/,/^DESCRIPTION/{/\\b$function(/p}")" ]; then
		complain "$function(3) does not show $function()"
	fi
done <"$OLDPWD/declared"

# libvdestack(3): each function once, under the header that declares it, with some words.
list=$source/docs/man/libvdestack.3
sed -n 's/^\.It Xr \(vde[a-z_]*\) 3$/\1/p' "$list" | sort >"$OLDPWD/listed"
diff -u "$OLDPWD/declared" "$OLDPWD/listed" >&2 || complain "libvdestack(3) does not list each function once"
while read -r function header words; do
	[ -n "$words" ] || complain "libvdestack(3) does not say what $function() does"
	grep -q "\b$function(" "$source/include/$header" || complain "$function() is not in <$header>"
done < <(awk '/^\.Ss / { header = "" } /^\.In / { header = $2 }
	/^\.It Xr / { name = $3; getline; print name, header, ($0 ~ /^\.(It|El)/ ? "" : $0) }' "$list")

# What a synopsis shows and what pages refer to.
for page in "$source"/docs/man/*.[1-9]; do
	while read -r function; do
		grep -qx "$function" "$OLDPWD/declared" || [ "$function" = vdestack_log_fn ] ||
			complain "$page: there is no function $function"
	done < <(sed -n 's/^\.Fn \(vde[a-z_]*\).*/\1/p' "$page")
	while read -r name section; do
		[ -f "man$section/$name.$section" ] || complain "$page: there is no $name($section)"
	done < <(sed -n 's/^\.\(It \)\{0,1\}Xr \(vdestack[a-z_]*\|vde_[a-z]*stack[a-z]*\|vde_msocket\) \([0-9]\).*/\2 \3/p' "$page")
done

# Structs in a synopsis are those of the headers, but for comments and what stands behind them.
squeeze() {
	sed 's|/\*.*\*/||; s/[[:space:]]\{1,\}/ /g; s/ *$//'
}
for page in "$source"/docs/man/*.3; do
	sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/p' "$page" | sed -n '/^struct .* {/,/^};/p' | squeeze >shown
	[ -s shown ] || continue
	name=$(sed -n '1s/ {$//p' shown)
	cat "$source"/include/*.h "$source"/include/vdestack/*.h | sed -n "/^$name {/,/^};/p" | squeeze >declared
	diff -u declared shown >&2 || complain "$page: $name is another one in the header"
done
exit $status
