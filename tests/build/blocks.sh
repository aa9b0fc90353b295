#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     blocks.sh SOURCE-DIR TOOL LIBRARY LAB-LIBRARY PYTHON [planted]
#
# Each block of code in documents and manual pages says what it is, and is run or checked as that (blocks.py). The
# programs and libraries of the build tree are found as if they were installed. With the word planted, blocks with
# mistakes are in the place of the documents, and each must be noticed.

set -eu -o pipefail
source=$1 tool=$2 library=$3 lab=$4 python=$5
here=$(cd "$(dirname "$0")" && pwd)
. "$here/installed.sh"
cd "$VDESTACK_TEST_TMP"
use_as_installed "$source" "$tool" "$library" "$lab"
if [ "${6:-}" = planted ]; then
	mkdir -p planted/docs/man planted/docs/tasks planted/include planted/tests/build
	cp "$source/tests/build/consume.sh" planted/tests/build
	cp "$source"/include/vdestack.h planted/include
	cat >planted/README.md <<-'END'
	```sh
	true
	vdestack run vnl=none -- false || exit 3
	```
	```sh not run: it cannot
	vdestack list --no-such-option
	```
	```sh not run: it cannot
	vdestack run vnl=vde:///tmp/net ip=10.0.0.1/99 -- true
	```
	```sh not run: no
	true
	```
	```config
	vnl=inproc://lan ip=10.0.0.1/24
	vnl=inproc://lan ipp=10.0.0.1/24
	```
	```lab
	host a on nowhere
	```
	```rules
	remote=10.0.0.0/99 use a
	```
	```text
	vdestack list
	```
	```nonsense
	```
	```
	no kind
	```

	    only indented
	END
	printf '```python\nimport no_such_module\n```\n' >planted/docs/python_page.md
	printf '.Sh DESCRIPTION\n.Dl vdestack list\n.\\" struct\n.Bd -literal\nstruct x {\n};\n.Ed\n' >planted/docs/man/page.1
	! BLOCKS_LIMIT_S=2 "$python" "$here/blocks.py" "$PWD/planted" >report || { cat report; exit 1; }
	cat report
	for line in "README.md:1: vdestack run vnl=none" "README.md:5: vdestack list has no option" \
		'README.md:8: vdestack enter: configuration word "ip=10.0.0.1/99"' "README.md:11: there is no reason" \
		'README.md:14: vdestack enter: configuration word "ipp=' "README.md:18: " "README.md:21: " \
		"README.md:24: this is a command" "README.md:27: there is no kind nonsense" \
		"README.md:29: this block does not say" "README.md:33: this block does not say" \
		"docs/python_page.md:1: " "docs/man/page.1:2: this block does not say" "docs/man/page.1:4: no header has this"; do
		grep -qF -- "$line" report || { echo "this is not noticed: $line" >&2; exit 1; }
	done
	rm -r installed
	exit 0
fi
status=0
"$python" "$here/blocks.py" "$source" || status=$?
rm -r installed
exit $status
