# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Sourced. Makes the programs and libraries of the build tree found as if they were installed: by PATH, pkg-config, the
# dynamic linker and Python. The directory `installed` is made in the current one.

use_as_installed() { # SOURCE-DIR TOOL LIBRARY LAB-LIBRARY
	local libraries
	mkdir installed
	ln -s "$(dirname "$2")"/* installed
	write_pc "$1" vdestack "$3"
	write_pc "$1" vdestack-lab "$4"
	export PKG_CONFIG_PATH=$PWD/installed
	libraries=$(dirname "$3"):$(dirname "$4")
	export LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
	export PATH=$PWD/installed:/usr/bin:$PATH
	VDESTACK_LIBRARY=$(dirname "$3")
	export VDESTACK_LIBRARY PYTHONPATH=$1/python/src PYTHONDONTWRITEBYTECODE=1
	export PYTEST_ADDOPTS="-p vdestack.pytest_plugin -p no:cacheprovider"
	# With these pytest says more than the documents show.
	unset CI BUILD_NUMBER
}

write_pc() { # SOURCE-DIR MODULE LIBRARY
	cat >"installed/$2.pc" <<-PC
	Name: $2
	Description: the build tree
	Version: 1
	Cflags: -I$1/include
	Libs: -L$(dirname "$3") -l$2
	PC
}
