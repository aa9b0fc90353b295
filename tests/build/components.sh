#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     components.sh SOURCE-DIR BUILD-DIR
#
# Each installed file belongs to exactly one named component, and each component has what its name says.

set -eu -o pipefail
export LC_ALL=C
source=$1 build=$2
components="runtime development tools daemons ioth python doc"

fail() {
	echo "components: $*" >&2
	exit 1
}

stage() { # NAME CMAKE-ARGUMENT...
	local name=$1
	shift
	DESTDIR=$PWD/$name cmake --install "$build" --prefix /usr "$@" >/dev/null
	mkdir -p "$name"
	(cd "$name" && find . ! -type d | sort) >"$name.list"
}

stage all
stage unnamed --component Unspecified
[ ! -s unnamed.list ] || fail "in no component: $(head -n 5 unnamed.list)"
for component in $components; do
	stage "$component" --component "$component"
done

# All files of all components, but those of python, which is installed on request only.
for component in $components; do
	[ "$component" = python ] || cat "$component.list"
done | sort >sum.list
twice=$(uniq -d sum.list)
[ -z "$twice" ] || fail "in two components: $twice"
diff all.list sum.list || fail "what is installed is not the sum of the components"
twice=$(comm -12 python.list all.list)
[ -z "$twice" ] || fail "in python and in another component: $twice"

# Every name of a component in the build files is one of these.
named=$(git -C "$source" grep -hoE '\bCOMPONENT [a-z_]+' -- '*CMakeLists.txt' '*.cmake' 2>/dev/null | sort -u | sed 's/COMPONENT //') || true
for name in $named; do
	case " $components " in
	*" $name "*) ;;
	*) fail "an unknown component: $name" ;;
	esac
done

has() { # COMPONENT REGEX
	grep -qE "^\./usr/$2$" "$1.list" || fail "$1 has no $2"
}
lacks() { # COMPONENT REGEX
	! grep -E "^\./usr/$2$" "$1.list" || fail "$1 has it: $2"
}
has runtime 'lib.*/libvdestack\.so\.0'
lacks runtime '.*(\.h|\.pc|\.cmake|/libvdestack\.so)'
has development 'lib.*/libvdestack\.so'
has development include/vdestack.h
has development 'lib.*/pkgconfig/vdestack\.pc'
lacks development '.*\.so\.[0-9].*'
has tools bin/vdestack
has tools share/man/man1/vdestack-run.1
if grep -q 'libioth\.so' all.list; then
	has development 'lib.*/libioth\.so'
	has ioth 'lib.*/libioth\.so\.0'
	has ioth 'lib.*/ioth/ioth_kernel-r\.so'
	has daemons bin/iothnamed
	has daemons 'lib/systemd/system/iothnamed\.service'
	has daemons share/man/man8/iothnamed.8
fi
has python 'lib/python3.*/vdestack/__init__\.py'
has python 'lib/python3.*/vdestack-.*\.dist-info/METADATA'
has doc share/man/man3/libvdestack.3
has doc 'share/doc/.*/docs/architecture\.md'
