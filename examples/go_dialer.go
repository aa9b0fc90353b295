// SPDX-License-Identifier: LGPL-2.1-or-later

// Go in two stacks: a web server in one, the client of net/http in the other.
//
// Go makes its sockets by the system call, so there is no library to replace: neither a default stack nor a
// preloaded library has an effect. There are two ways:
//
//   - net.FileListener, net.FileConn and net.FilePacketConn make Go's objects from descriptors. The server here
//     does that. They copy the descriptor, so close the file afterwards.
//   - Control of net.Dialer and net.ListenConfig is called when Go has made the socket, before bind, connect and
//     epoll. It can put a socket of the stack on the same number, by dup3. So all that takes a Dialer works: the
//     client of net/http here. Go has set some options of the first socket by then; the second needs them too.
//
// Names are looked up in the host network.
//
// A goroutine may change its thread between two calls of C, and vdestack_last_error() belongs to a thread: so
// both calls are in one C function, or the goroutine is locked to its thread.
package main

/*
#cgo pkg-config: vdestack-nointerpose vdestack-dns
#include <stdlib.h>
#include <vdestack.h>
#include <vdestack/dial.h>
#include <vdestack/dns.h>
*/
import "C"

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

type stack struct{ handle *C.struct_vdestack }

func newStack(config string) (stack, error) {
	text := C.CString(config)
	defer C.free(unsafe.Pointer(text))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	handle := C.vdestack_new(text, nil)
	if handle == nil {
		return stack{}, fmt.Errorf("%s", C.GoString(C.vdestack_last_error()))
	}
	return stack{handle}, nil
}

// A listener of the stack, from a descriptor.
func (s stack) listen(network, address string) (net.Listener, error) {
	n, a := C.CString(network), C.CString(address)
	defer C.free(unsafe.Pointer(n))
	defer C.free(unsafe.Pointer(a))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	fd := C.vdestack_listen(s.handle, n, a)
	if fd < 0 {
		return nil, fmt.Errorf("%s", C.GoString(C.vdestack_dns_last_error()))
	}
	file := os.NewFile(uintptr(fd), address)
	defer file.Close()
	return net.FileListener(file)
}

// What Go sets before it calls Control.
var options = []struct{ level, name int }{
	{syscall.SOL_SOCKET, syscall.SO_BROADCAST},
	{syscall.SOL_SOCKET, syscall.SO_REUSEADDR},
	{syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY},
}

// Puts a socket of the stack on the number of another socket.
func (s stack) replace(fd int) error {
	var number [3]int
	for i, name := range []int{syscall.SO_DOMAIN, syscall.SO_TYPE, syscall.SO_PROTOCOL} {
		var err error
		if number[i], err = syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, name); err != nil {
			return err
		}
	}
	flags := syscall.SOCK_CLOEXEC | syscall.SOCK_NONBLOCK
	made, err := C.vdestack_msocket(s.handle, C.int(number[0]), C.int(number[1]|flags), C.int(number[2]))
	if made < 0 {
		return err
	}
	defer syscall.Close(int(made))
	for _, option := range options {
		value, err := syscall.GetsockoptInt(fd, option.level, option.name)
		if err == nil {
			syscall.SetsockoptInt(int(made), option.level, option.name, value)
		}
	}
	return syscall.Dup3(int(made), fd, syscall.O_CLOEXEC)
}

// For Control of a net.Dialer or net.ListenConfig.
func (s stack) control(network, address string, socket syscall.RawConn) error {
	var failed error
	if err := socket.Control(func(fd uintptr) { failed = s.replace(int(fd)) }); err != nil {
		return err
	}
	return failed
}

func main() {
	there, err := newStack("vnl=inproc://lan ip=10.0.0.1/24 ip=fc00::1/64")
	exitOn(err)
	here, err := newStack("vnl=inproc://lan ip=10.0.0.2/24 ip=fc00::2/64")
	exitOn(err)
	listener, err := there.listen("tcp", ":80")
	exitOn(err)
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		fmt.Fprintf(w, "hello %s", host)
	}))

	dialer := &net.Dialer{Control: here.control, Timeout: 20 * time.Second}
	client := &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}}
	for _, address := range []string{"10.0.0.1", "[fc00::1]"} {
		answer, err := client.Get("http://" + address + "/")
		exitOn(err)
		page, err := io.ReadAll(answer.Body)
		exitOn(err)
		answer.Body.Close()
		fmt.Printf("%s: %s\n", address, page)
	}
	client.CloseIdleConnections() // the stacks are deleted after their sockets are closed
	listener.Close()
	C.vdestack_delete(here.handle)
	C.vdestack_delete(there.handle)
	_, err = newStack("ip=10.0.0.1/99")
	fmt.Println("refused:", err != nil)
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "go_dialer:", err)
		os.Exit(1)
	}
}
