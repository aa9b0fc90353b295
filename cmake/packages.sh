# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034
#
# Sourced by ./demo and ./check. On Debian and its derivatives, as root, installs the packages that are
# missing; elsewhere it only prints what is needed.

packages_build="build-essential cmake pkg-config libvdeplug-dev libcap-dev libnl-3-dev libmd-dev libc-ares-dev
	libldns-dev liblwip-dev"
packages_test="libcmocka-dev check nftables libxml2-utils libseccomp-dev libvdestack-dev libcurl4-openssl-dev curl
	vdeplug vde-switch libvdeplug-slirp libvdeplug-vlan libvdeplug-agno libvdeplug-pcap libvdeplug-vdesl
	iperf3 iproute2 iputils-ping netcat-openbsd bind9-dnsutils bind9-host knot-dnsutils ldnsutils
	libuv1-dev libasio-dev libevent-dev libglib2.0-dev libpq-dev libhiredis-dev golang-go rustc default-jdk-headless
	gdb strace valgrind mandoc apparmor python3 dnsmasq-base udhcpd
	util-linux libcap2-bin procps busybox-static git wget openssh-client"

# Servers that tests run themselves, in stacks. As services of this machine they must not run.
packages_servers="nginx haproxy redis-server etcd-server kea-dhcp4-server kea-dhcp6-server isc-dhcp-server udhcpd
	isc-dhcp-relay radvd unbound bind9 apache2 memcached postgresql openssh-server exim4-daemon-light"
# DHCP clients, and one for load. Nothing of them runs by itself.
packages_test="$packages_test isc-dhcp-client dhcpcd-base kea-admin"
packages_test="$packages_test ndisc6 radvdump tshark tcpdump curl socat mptcpize $packages_servers"
# The Python package, and that of Debian.
packages_test="$packages_test python3-pytest python3-pytest-xdist python3-requests python3-setuptools python3-wheel
	python3-build python3-venv python3-pip twine mypy debhelper dh-apparmor dh-python pybuild-plugin-pyproject
	python3-all lintian"
# The documentation as a site. The browser is for tests with the label slow only, which skip without it.
packages_test="$packages_test python3-markdown-it"
packages_slow="chromium"
# The packages of others.
packages_test="$packages_test rpm makepkg libarchive-tools"

# CPython's own tests are packaged for each of its versions.
case $(cat /etc/debian_version 2>/dev/null) in
12*) packages_test="$packages_test libpython3.11-testsuite" ;;
13*) packages_test="$packages_test libpython3.13-testsuite" ;;
esac

need_packages() {
	local package missing=""

	if ! command -v dpkg-query >/dev/null; then
		echo "This is not Debian: what these packages of Debian hold must be here: $*"
		return 0
	fi
	for package in "$@"; do
		case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
		*" installed") ;;
		*) missing="$missing $package" ;;
		esac
	done
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" -ne 0 ]; then
		echo "Please install first, as root:  apt-get install$missing" >&2
		return 1
	fi
	echo "Installing$missing"
	export DEBIAN_FRONTEND=noninteractive
	# The lists of packages may be absent, as in most container images, or too old; fetch them only when they are.
	if ! ls "${APT_LISTS:-/var/lib/apt/lists}"/*_Packages* >/dev/null 2>&1; then
		apt-get update -q
	fi
	install_without_services "$missing"
}

# The name of the service of a package.
service_of() {
	case $1 in
	bind9) echo named ;;
	etcd-server) echo etcd ;;
	exim4-daemon-light) echo exim4 ;;
	nginx-light) echo nginx ;;
	openssh-server) echo ssh ;;
	*) echo "$1" ;;
	esac
}

# A package of a server enables and starts its service. What is installed here is disabled, and starts nothing.
install_without_services() {
	local missing=$1 policy=/usr/sbin/policy-rc.d made="" status=0 package

	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && made=yes
	fi
	# shellcheck disable=SC2086
	apt-get install -y -q --no-install-recommends $missing ||
		{ apt-get update -q && apt-get install -y -q --no-install-recommends $missing; } || status=$?
	[ -z "$made" ] || rm -f "$policy"
	for package in $packages_servers; do
		case " $missing " in
		*" $package "*) [ ! -d /run/systemd/system ] || systemctl -q disable "$(service_of "$package")" || true ;;
		esac
	done
	return "$status"
}
