#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     release.sh CASE SOURCE-DIR
#
# .ci/release, in a clone of the repository.

set -eu -o pipefail
case=$1 source=$2 top=$PWD
[ -e "$source/.git" ] || { echo "the source is no checkout of git"; exit 77; }

fail() {
	echo "release: $*" >&2
	[ ! -s "$top/printed" ] || cat "$top/printed" >&2
	exit 1
}

export HOME=$PWD GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
git clone -q --no-hardlinks "$source" clone
cp "$source/.ci/release" clone/.ci/release # as edited, not only as committed
cd clone
git config user.name tester
git config user.email tester@localhost
version=$(.ci/release version)
git commit -q -a -m "the script" >/dev/null || true

refused() { # COMMAND PIECE-OF-MESSAGE
	! .ci/release "$1" >"$top/printed" 2>&1 || fail "$1 accepts it: $2"
	grep -qF -- "$2" "$top/printed" || fail "no message \"$2\""
	rm "$top/printed"
}

# A state that can be released.
release_it() {
	sed -i "0,/^## .*/s//## $version, 2026-06-01/" CHANGELOG.md
	sed -i '1s/UNRELEASED/unstable/' debian/changelog
	git commit -q -a -m release >/dev/null || true
	.ci/release check >"$top/printed" 2>&1 || fail "a release is refused"
	rm "$top/printed"
}

case $case in
versions_agree)
	.ci/release versions || fail "they do not"
	;;
what_is_not_ready_is_refused)
	release_it
	sed -i "0,/^## .*/s//## $version, not released yet/" CHANGELOG.md
	refused check "not committed"
	refused check 'CHANGELOG.md begins with "## '"$version"', not released yet"'
	git checkout -q .
	sed -i 's/^version = .*/version = "0.0.1"/' python/pyproject.toml
	refused versions 'python/pyproject.toml has version "0.0.1"'
	git checkout -q .
	sed -i 's/^pkgver=.*/pkgver=7/' data/packaging/PKGBUILD
	refused versions 'PKGBUILD has version "7"'
	git checkout -q .
	sed -i '1s/(.*)/(3.0.0-1)/' debian/changelog
	refused versions 'debian/changelog has version "3.0.0"'
	git checkout -q .
	sed -i '1s/unstable/UNRELEASED/' debian/changelog
	refused check UNRELEASED
	git checkout -q .
	git tag "v$version"
	refused check "the tag v$version exists"
	! .ci/release make out >"$top/printed" 2>&1 || fail "make does not check"
	[ ! -e out ] || fail "make writes before it checks"
	;;
archives_of_a_commit_are_the_same)
	release_it
	.ci/release make ../one >../printed || fail "make: $(cat ../printed)"
	grep -q "git tag -s v$version" ../printed || fail "no instruction for the tag"
	git clone -q . ../other
	(umask 077; cd ../other; TZ=Pacific/Kiritimati LC_ALL=C.UTF-8 .ci/release archive ../two >/dev/null)
	cmp "../one/libvdestack-$version.tar.gz" "../two/libvdestack-$version.tar.gz" || fail "they differ"
	cmp ../one/SHA256SUMS ../two/SHA256SUMS
	(cd ../two && sha256sum --quiet -c SHA256SUMS)
	tar -tzf "../one/libvdestack-$version.tar.gz" | grep -v '/$' | sed "s|^libvdestack-$version/||" | sort >../listed
	git ls-files | sort | diff - ../listed || fail "the archive has other files than the commit"
	tar -xzf "../one/libvdestack-$version.tar.gz" -C ..
	[ "$(cd "../libvdestack-$version" && .ci/release version)" = "$version" ] || fail "another version in it"
	;;
*) fail "no such case" ;;
esac
