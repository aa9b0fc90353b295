// SPDX-License-Identifier: LGPL-2.1-or-later

// A program without libc, for tests/system/run.sh: prints its interfaces, their addresses, and those of a name.
package main

import (
	"fmt"
	"net"
	"os"
)

func main() {
	interfaces, err := net.Interfaces()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, i := range interfaces {
		addresses, _ := i.Addrs()
		fmt.Println(i.Name, addresses)
	}
	addresses, err := net.LookupHost(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(addresses)
}
