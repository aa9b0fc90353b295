#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     relocate.sh CASE MOVER LOADER LIBRARY
#
# The keeper is found however the library is installed. Each case copies the library's file to another place,
# and the programs (mover.c) get their library from there. What cannot work fails soon, with a reason.

set -eu -o pipefail
case=$1 mover=$2 loader=$3 library=$(readlink -f "$4")
soname=libvdestack.so.0

cp "$mover" mover
cp "$loader" loader
mkdir lib
cp "$library" "lib/$soname"
chmod 755 "lib/$soname"

# expect STATUS TEXT COMMAND...: the command must end with STATUS within ten seconds, and its output must
# contain TEXT.
expect() {
	local status=0 wanted=$1 text=$2
	shift 2
	timeout 10 "$@" >printed 2>&1 || status=$?
	if [ "$status" -ne "$wanted" ] || ! grep -qF -- "$text" printed; then
		echo "$*: exit status $status, expected $wanted and \"$text\"; it printed:" >&2
		cat printed >&2
		exit 1
	fi
}

# Starts the program, waits until it pauses, runs a command, continues it; STATUS and TEXT as above.
while_paused() {
	local status=0 wanted=$1 text=$2 action=$3
	shift 3
	mkfifo go
	timeout 20 "$@" <go >printed 2>&1 &
	local pid=$!
	exec 9>go
	for _ in $(seq 200); do
		grep -q waiting printed 2>/dev/null && break
		sleep 0.05
	done
	grep -q waiting printed
	"$action"
	echo >&9
	wait "$pid" || status=$?
	exec 9>&-
	if [ "$status" -ne "$wanted" ] || ! grep -qF -- "$text" printed; then
		echo "$*: exit status $status, expected $wanted and \"$text\"; it printed:" >&2
		cat printed >&2
		exit 1
	fi
}

# A root directory with both programs and all they need, but not the library.
make_root() {
	mkdir root
	cp mover loader root/
	{ ldd ./mover; ldd "$library"; } | grep -o '/[^ ]*' | sort -u | while read -r file; do
		case $file in */"$soname") continue ;; esac
		mkdir -p "root$(dirname "$file")"
		cp -L "$file" "root$file"
	done
}

export LD_LIBRARY_PATH=$PWD/lib

case $case in
copied)
	mkdir "another place"
	mv "lib/$soname" "another place/"
	LD_LIBRARY_PATH="$PWD/another place" expect 0 stack ./mover stack stack
	;;
symbolic_link)
	mkdir real
	mv "lib/$soname" "real/some.other.name"
	ln -s "../real/some.other.name" "lib/$soname"
	expect 0 stack ./mover stack
	;;
not_executable)
	chmod 644 "lib/$soname"
	expect 0 stack ./mover stack
	;;
relative_path_and_another_directory)
	mkdir elsewhere
	LD_LIBRARY_PATH=lib expect 0 stack ./mover cd elsewhere stack
	LD_LIBRARY_PATH=lib expect 0 stack ./mover cd / stack cd "$PWD/elsewhere" stack
	;;
not_executable_and_relative)
	chmod 644 "lib/$soname"
	LD_LIBRARY_PATH=lib expect 0 stack ./mover cd / stack
	;;
loaded_by_path)
	LD_LIBRARY_PATH='' expect 0 stack ./loader load "$PWD/lib/$soname" stack
	LD_LIBRARY_PATH='' expect 0 stack ./loader load "lib/$soname" cd / stack
	chmod 644 "lib/$soname"
	LD_LIBRARY_PATH='' expect 0 stack ./loader load "./lib/$soname" cd / stack
	;;
unloaded)
	export LD_LIBRARY_PATH=
	expect 0 gone ./loader load "$PWD/lib/$soname" unload
	expect 0 gone ./loader load "$PWD/lib/$soname" stack unload
	expect 0 gone ./loader load "$PWD/lib/$soname" stack unload load "$PWD/lib/$soname" stack unload
	expect 0 stack ./loader load "$PWD/lib/$soname" keep unload load "$PWD/lib/$soname" stack
	;;
threads_keep_it_loaded)
	expect 0 "still there" ./loader load "$PWD/lib/$soname" inprocess unload load "$PWD/lib/$soname" inprocess
	;;
loaded_by_name)
	expect 0 stack ./loader load "$soname" cd / stack
	;;
run_by_the_dynamic_linker)
	linker=$(ldd ./mover | grep -o '/[^ ]*ld-linux[^ ]*\|/[^ ]*/ld64[^ ]*' | head -n 1)
	expect 0 stack "$linker" ./mover stack
	chmod 644 "lib/$soname"
	expect 0 stack "$linker" ./mover cd / stack
	;;
chroot_with_library)
	make_root
	mkdir root/lib.here
	cp "lib/$soname" root/lib.here/
	# a program of the chroot, then one that goes there itself
	LD_LIBRARY_PATH=/lib.here expect 0 stack chroot root /mover stack
	mkdir -p "root$PWD"
	cp -r lib "root$PWD/"
	expect 0 stack ./mover chroot root stack
	expect 0 stack ./mover keep chroot root stack
	chmod 644 "root/lib.here/$soname" "root$PWD/lib/$soname"
	LD_LIBRARY_PATH=/lib.here expect 0 stack chroot root /mover stack
	expect 0 stack ./mover chroot root stack
	;;
chroot_without_library)
	make_root
	expect 3 "errno ENOENT: cannot start the keeper" ./mover chroot root stack
	# with a stack that lives the keeper is there
	expect 0 stack ./mover keep chroot root stack
	;;
deleted_while_running)
	remove() { rm "lib/$soname"; }
	while_paused 3 "errno ENOENT: cannot start the keeper" remove ./mover pause stack
	;;
moved_while_running)
	away() { mv lib gone; }
	while_paused 3 "errno ENOENT: cannot start the keeper" away ./mover pause stack
	;;
deleted_while_a_stack_lives)
	remove() { rm "lib/$soname"; }
	while_paused 0 stack remove ./mover keep pause stack
	;;
upgraded_while_running)
	upgrade() { cp "$library" lib/new && mv lib/new "lib/$soname"; }
	while_paused 0 stack upgrade ./mover pause stack
	;;
another_version_while_running)
	# the number of the protocol, wherever it stands in the code
	another() {
		perl -0777 -pe 's/[\x01-\x1f]\x00\x73\x76/\x63\x00\x73\x76/g' "$library" >lib/new
		if cmp -s lib/new "$library"; then
			echo "the number of the protocol is not in $library" >&2
			exit 1
		fi
		chmod 755 lib/new
		mv lib/new "lib/$soname"
	}
	while_paused 3 "errno EPROTO: cannot start the keeper: the file of this library has been replaced by another version" \
		another ./mover pause stack
	;;
another_file_while_running)
	another() { echo "no library" >lib/new && mv lib/new "lib/$soname"; }
	while_paused 3 "cannot start the keeper: it ended before it was ready; its file (this library) may have been replaced" \
		another ./mover pause stack
	;;
replaced_by_another_user_while_running)
	chown nobody lib
	planted() {
		printf '#!/bin/sh\n: >%s/mark\n' "$PWD" >lib/new
		chmod 755 lib/new
		mv lib/new "lib/$soname"
	}
	while_paused 3 "cannot start the keeper" planted ./mover pause stack
	[ ! -e mark ] || { echo "what was planted has run" >&2; exit 1; }
	grep -qF "errno EPERM: cannot start the keeper: the library's file has been replaced, and $PWD/lib belongs to another user" printed
	;;
unreadable_while_running)
	unreadable() { chmod 0 lib; }
	while_paused 3 "errno EACCES: cannot start the keeper" unreadable ./mover pause stack
	chmod 755 lib
	;;
program_by_itself)
	# the output for a person who runs the library's file
	expect 0 "This is a library" "lib/$soname"
	;;
*)
	echo "there is no case $case" >&2
	exit 1
	;;
esac
