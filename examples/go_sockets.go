// SPDX-License-Identifier: LGPL-2.1-or-later

// Go: descriptors of a stack as connections of package net, and a listener that Go makes itself.
//
//   - net.FileConn makes a net.Conn of a connected socket, net.FilePacketConn a net.PacketConn of a bound one. They
//     copy the descriptor and set the copy to non-blocking, so close the file afterwards. The connections have
//     deadlines and wait in Go's poller, as those of net.Dial.
//   - net.ListenConfig makes listeners and packet connections by itself. Its Control puts a socket of the stack on the
//     number of the socket that Go has made, before bind. go_dialer.go does the same for net.Dialer.
//
// vdestack_last_error() belongs to a thread, so the goroutine stays on its thread until it has read it.
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
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

const limit = 20 * time.Second

type stack struct{ handle *C.struct_vdestack }

func newStack(config string) (*stack, error) {
	text := C.CString(config)
	defer C.free(unsafe.Pointer(text))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	handle := C.vdestack_new(text, nil)
	if handle == nil {
		return nil, errors.New(C.GoString(C.vdestack_last_error()))
	}
	return &stack{handle}, nil
}

// Deletes the stack. Once more is no error.
func (s *stack) Close() error {
	if s.handle != nil {
		C.vdestack_delete(s.handle)
		s.handle = nil
	}
	return nil
}

// A file of a descriptor that the C function returns, or the message of the library.
func open(make func() C.int) (*os.File, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	fd := make()
	if fd < 0 {
		return nil, errors.New(C.GoString(C.vdestack_dns_last_error()))
	}
	return os.NewFile(uintptr(fd), "a socket of a stack"), nil
}

// A connection: vdestack_dial() and net.FileConn.
func (s *stack) dial(network, address string) (net.Conn, error) {
	n, a := C.CString(network), C.CString(address)
	defer C.free(unsafe.Pointer(n))
	defer C.free(unsafe.Pointer(a))
	file, err := open(func() C.int { return C.vdestack_dial(s.handle, n, a, C.int(limit.Milliseconds())) })
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return net.FileConn(file)
}

// A UDP socket that is bound: vdestack_listen() and net.FilePacketConn.
func (s *stack) listenPacket(address string) (net.PacketConn, error) {
	n, a := C.CString("udp"), C.CString(address)
	defer C.free(unsafe.Pointer(n))
	defer C.free(unsafe.Pointer(a))
	file, err := open(func() C.int { return C.vdestack_listen(s.handle, n, a) })
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return net.FilePacketConn(file)
}

// What Go has set before it calls Control; the new socket needs it too.
var options = []struct{ level, name int }{
	{syscall.SOL_SOCKET, syscall.SO_BROADCAST},
	{syscall.SOL_SOCKET, syscall.SO_REUSEADDR},
	{syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY},
}

// Puts a socket of the stack on the number of another socket.
func (s *stack) replace(fd int) error {
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
		if value, err := syscall.GetsockoptInt(fd, option.level, option.name); err == nil {
			syscall.SetsockoptInt(int(made), option.level, option.name, value)
		}
	}
	return syscall.Dup3(int(made), fd, syscall.O_CLOEXEC)
}

// A net.ListenConfig whose sockets are those of the stack.
func (s *stack) listenConfig() *net.ListenConfig {
	return &net.ListenConfig{Control: func(network, address string, socket syscall.RawConn) error {
		var failed error
		if err := socket.Control(func(fd uintptr) { failed = s.replace(int(fd)) }); err != nil {
			return err
		}
		return failed
	}}
}

// Greets each client of the listener by its address.
func greet(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		host, _, _ := net.SplitHostPort(client.RemoteAddr().String())
		fmt.Fprintf(client, "hello %s\n", host)
		client.Close()
	}
}

// TCP: a listener by ListenConfig, connections by net.FileConn.
func tcp(there, here *stack) {
	listener, err := there.listenConfig().Listen(context.Background(), "tcp4", "10.0.0.1:7")
	exitOn(err)
	defer listener.Close()
	go greet(listener)
	connection, err := here.dial("tcp", "10.0.0.1:7")
	exitOn(err)
	defer connection.Close()
	exitOn(connection.SetDeadline(time.Now().Add(limit)))
	line, err := bufio.NewReader(connection).ReadString('\n')
	exitOn(err)
	fmt.Print("FileConn: ", line)
	_, err = here.dial("tcp", "10.0.0.1:8")
	fmt.Println("refused:", err != nil)
}

// UDP: ListenPacket of ListenConfig on one side, net.FilePacketConn on the other.
func udp(there, here *stack) {
	server, err := there.listenConfig().ListenPacket(context.Background(), "udp4", "10.0.0.1:7")
	exitOn(err)
	defer server.Close()
	client, err := here.listenPacket("10.0.0.2:7")
	exitOn(err)
	defer client.Close()
	exitOn(client.SetDeadline(time.Now().Add(limit)))
	exitOn(server.SetDeadline(time.Now().Add(limit)))
	_, err = client.WriteTo([]byte("a datagram"), server.LocalAddr())
	exitOn(err)
	buffer := make([]byte, 64)
	n, from, err := server.ReadFrom(buffer)
	exitOn(err)
	fmt.Printf("FilePacketConn: %s from %s\n", buffer[:n], from)
	// A deadline holds as for each connection of Go.
	exitOn(client.SetDeadline(time.Now().Add(time.Millisecond)))
	_, _, err = client.ReadFrom(buffer)
	fmt.Println("deadline:", errors.Is(err, os.ErrDeadlineExceeded))
}

func main() {
	there, err := newStack("vnl=inproc://lan ip=10.0.0.1/24")
	exitOn(err)
	defer there.Close()
	here, err := newStack("vnl=inproc://lan ip=10.0.0.2/24")
	exitOn(err)
	defer here.Close() // the deferred calls of tcp() and udp() have closed the sockets before
	tcp(there, here)
	udp(there, here)
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "go_sockets:", err)
		os.Exit(1)
	}
}
