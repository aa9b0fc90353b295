#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     site.sh CASE SOURCE-DIR PYTHON [TOOL]
#
# The documentation as a site. Each case builds it in a directory of its own.

set -eu -o pipefail
case=$1 source=$2 python=$3
here=$(cd "$(dirname "$0")" && pwd)
cd "$VDESTACK_TEST_TMP"
export PYTHONDONTWRITEBYTECODE=1

if [ "$case" != pictures_are_those_of_real_runs ]; then
	command -v mandoc >/dev/null || { echo "mandoc is not installed" >&2; exit 77; }
	"$python" -c 'import markdown_it' 2>/dev/null || { echo "python3-markdown-it is not installed" >&2; exit 77; }
fi

fail() {
	echo "$*" >&2
	exit 1
}

build() { # OUTPUT [SOURCE-DIR]
	"$python" "${2:-$source}/docs/site/build" "$1"
}

# A part of the sources that makes a site of its own.
copy_of_sources() {
	mkdir copy
	cp -r "$source"/{README.md,CHANGELOG.md,CONTRIBUTING.md,SECURITY.md,COPYING,CMakeLists.txt,docs,examples,include} copy
	mkdir copy/python
	(cd "$source" && cp --parents python/README.md data/packaging/README.md cmake/packages.sh tests/*/*.md tests/README.md "$OLDPWD/copy" 2>/dev/null) || true
}

# plant FILE SED-EXPRESSION, in a copy of the built site.
plant() {
	sed -i "$2" "planted/$1"
	! cmp -s "site/$1" "planted/$1" || fail "nothing was planted in $1"
}

# The program must have complained about what was planted, with these words.
noticed() { # WORDS
	grep -qF -- "$1" report || { cat report; fail "this mistake is not noticed: $1"; }
}

# Few pages, so that it does not take minutes.
in_a_browser() { # WORDS FILE SED-EXPRESSION
	rm -rf planted
	cp -r site planted
	plant "$2" "$3"
	find planted -name '*.html' ! -path "planted/docs/performance.html" -delete
	local status=0
	"$python" "$here/browser.py" pages_are_readable planted >report 2>&1 || status=$?
	[ "$status" != 77 ] || { cat report; exit 77; } # there is no browser
	[ "$status" != 0 ] || fail "a mistake is not noticed: $1"
	noticed "$1"
}

case $case in
pictures_are_those_of_real_runs)
	for program in busybox curl; do
		command -v $program >/dev/null || { echo "$program is not installed" >&2; exit 77; }
	done
	"$python" "$source/docs/site/pictures" "$4" made
	"$python" "$here/pictures.py" "$source/docs/pictures" made
	sed 's/>client /&again /' made/map.svg >changed.svg
	mv changed.svg made/map.svg
	! "$python" "$here/pictures.py" "$source/docs/pictures" made >/dev/null || fail "another picture is not noticed"
	;;
links_and_anchors_lead_to_something)
	build site
	"$python" "$here/pages.py" site
	;;
the_same_sources_make_the_same_files)
	build one
	build two
	diff -r one two
	;;
mistakes_are_noticed)
	build site
	cp -r site planted
	plant docs/programs.html 's|href="recipes.html"|href="recipe.html"|'
	plant README.html 's|id="build-and-install"|id="build"|'
	plant docs/rules.html 's|<h2 id="[^"]*"|<h2 id="same"|'
	plant docs/local.html 's|href="../style.css"|href="https://example.org/style.css"|'
	plant docs/lab.html 's|<h1 |<h1 style="color: red" |'
	plant style.css '$a @import "https://example.org/fonts.css";'
	plant docs/performance.html 's|alt="[^"]*"|alt=""|'
	plant docs/stats.html 's|h2|h4|g'
	plant docs/picox.html 's|<main |<div |; s|</main>|</div>|'
	plant docs/python.html 's|label for="[^"]*"|label|'
	plant docs/capture.html "s|default-src 'none'; ||"
	plant docs/publish.html '0,/<\/h2>/s|</h2>|</h3>|'
	cp site/docs/offload.html planted/orphan.html
	! "$python" "$here/pages.py" planted >report || fail "mistakes are not noticed"
	noticed "docs/programs.html: the link recipe.html leads to no file"
	noticed "the link ../README.html#build-and-install leads to no anchor"
	noticed "docs/rules.html: the id same is there twice"
	noticed "docs/local.html: https://example.org/style.css is loaded from another place"
	noticed "docs/lab.html: <h1> has the attribute style, which the policy forbids"
	noticed "style.css:$(wc -l <planted/style.css): it may load something: @import"
	noticed "docs/performance.html: the picture performance/"
	noticed "docs/stats.html: a heading of level 4 follows one of level 1"
	noticed "docs/picox.html: there is no <main>"
	noticed "docs/python.html: the field"
	noticed "docs/capture.html: there is no policy that forbids requests to other hosts"
	noticed "docs/publish.html: </h3> does not close ['h2']"
	noticed "orphan.html: no page has a link to it"
	;;
a_directory_with_other_files_is_not_replaced)
	mkdir site
	echo mine >site/file
	! build site 2>message || fail "it was replaced"
	grep -q "name an empty directory" message
	[ "$(cat site/file)" = mine ] || fail "a file was changed"
	build new/site
	touch new/site/old.html
	build new/site
	[ ! -e new/site/old.html ] || fail "a page of an earlier build is still there"
	;;
a_link_that_leads_nowhere_stops_the_build)
	copy_of_sources
	cd copy
	echo 'A [link](nowhere.md).' >>docs/rules.md
	! build ../site "$PWD" 2>../message || fail "the site was built"
	grep -q "docs/rules.md: a link leads to nowhere.md, which does not exist" ../message || { cat ../message; exit 1; }
	[ ! -e ../site ] || fail "something was written"
	;;
the_browser_notices_mistakes)
	build site
	page=docs/performance.html
	in_a_browser "contrast" style.css '$a main { color: #999; }'
	in_a_browser "13px" style.css '$a main { font-size: 13px; }'
	in_a_browser "wider than the window" style.css '$a main p { min-width: 60rem; }'
	in_a_browser "its style sheet is not used" $page 's|style-src|style-src-elem https: ; x|'
	in_a_browser "console:" $page "s|<main |<script>throw 1</script><main |"
	in_a_browser "is not shown" $page 's|src="performance/ratios.svg"|src="performance/results.html"|'
	in_a_browser "a screen reader sees no main" $page 's|<main |<div |; s|</main>|</div>|'
	;;
*)
	build site
	"$python" "$here/browser.py" "$case" site
	;;
esac
