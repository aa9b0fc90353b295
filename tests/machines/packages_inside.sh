#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Run by `packages` as root in a root directory with a release of Debian: builds the packages of /src, and runs the
# tests of debian/tests as an ordinary user, or as root where they ask for it. Those that break the testbed come
# first, before anything of ours is installed.

set -eu -o pipefail
failed="" skipped=""

apt() {
	apt-get -y -q --no-install-recommends "$@" >/apt.log 2>&1 || { tail -n 20 /apt.log; return 1; }
}

cd /src
rm -f /etc/apt/sources.list.d/packages.list
apt update
apt install dpkg-dev lintian apparmor
if [ ! -e /packages/.ready ]; then # packages that were built elsewhere are tested only
	apt build-dep ./
	rm -rf /packages /build
	mkdir -p /packages /build/source
	cp -r /src/. /build/source
	version=$(sed -n '1s/^libvdestack (\(.*\)-[^-]*) .*/\1/p' debian/changelog)
	tar -C /build --transform "s|^source|libvdestack-$version|" --exclude=source/debian \
		-czf "/build/libvdestack_$version.orig.tar.gz" source
	if ! (cd /build/source && DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" dpkg-buildpackage -us -uc) >/build.log 2>&1; then
		tail -n 30 /build.log
		exit 1
	fi
	# The address of the maintainer is that of the person who uploads, who is not known here.
	lintian --allow-root --pedantic -E --fail-on error,warning,pedantic --tag-display-limit 0 \
		--suppress-tags bogus-mail-host,bogus-mail-host-in-debian-changelog /build/*.changes || failed="$failed lintian"
	mv /build/*.deb /packages
fi
if [ -e /etc/apparmor.d/abi/4.0 ]; then # the profiles of the packages of tools have the permission userns
	dpkg-deb --fsys-tarfile /packages/vdestack-tools_*.deb | tar -xO ./etc/apparmor.d/vdestack | grep -w userns >/dev/null || failed="$failed userns"
fi

(cd /packages && dpkg-scanpackages -m . >Packages 2>/dev/null)
echo "deb [trusted=yes] file:/packages ./" >/etc/apt/sources.list.d/packages.list
apt update
id tester >/dev/null 2>&1 || useradd -m tester

# The paragraphs of debian/tests/control, a line each: NAME|DEPENDS|RESTRICTIONS.
paragraphs() {
	awk -v RS= '{
		n = split($0, lines, "\n"); name = depends = restrictions = ""
		for (i = 1; i <= n; i++) {
			if (sub(/^Tests: */, "", lines[i])) name = lines[i]
			if (sub(/^Depends: */, "", lines[i])) depends = lines[i]
			if (sub(/^Restrictions: */, "", lines[i])) restrictions = lines[i]
		}
		if (name != "") print name "|" depends "|" restrictions
	}' debian/tests/control
}

count=0
while IFS='|' read -r name depends restrictions <&3; do
	count=$((count + 1))
	rm -rf /tmp/autopkgtest
	mkdir -m 1777 /tmp/autopkgtest
	as=(runuser -u tester -- env)
	case $restrictions in
	*needs-root*) as=(env) ;;
	esac
	status=0
	# shellcheck disable=SC2086
	apt install ${depends//,/} || status=1
	[ "$status" != 0 ] ||
		timeout 300 "${as[@]}" AUTOPKGTEST_TMP=/tmp/autopkgtest "/src/debian/tests/$name" >/test.log 2>&1 || status=$?
	case $status in
	0) echo "passed: $name: $(tail -n 1 /test.log)" ;;
	77) echo "skipped: $name: $(tail -n 1 /test.log)"; skipped="$skipped $name" ;;
	*) echo "failed: $name, status $status"; cat /test.log; failed="$failed $name" ;;
	esac
done 3< <(paragraphs)
[ "$count" -ge 5 ] || failed="$failed control"

# Files of another package are in nobody's way, and removal leaves nothing.
apt purge 'libvdestack*' 'vdestack-*' 'libioth*' iothnamed iothradvd otip-utils python3-vdestack || failed="$failed purge"
left=$(find /usr /etc -path '*vdestack*' -not -path '*/packages.list' | head -n 5)
[ -z "$left" ] || { echo "left after purge: $left"; failed="$failed left"; }
[ -z "$failed" ] || { echo "failed:$failed"; exit 1; }
