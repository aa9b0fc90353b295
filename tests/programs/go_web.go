// SPDX-License-Identifier: LGPL-2.1-or-later

// The net/http of Go as server and client, which knows nothing of stacks.
//
//	go_web serve ADDRESS    tells each client what its address is
//	go_web get URL N        N requests at the same time, each with a connection of its own; prints the last answer
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

func serve(address string) {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		fmt.Fprintln(w, host)
	})
	log.Fatal(http.ListenAndServe(address, nil))
}

func get(url string) string {
	client := http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		log.Fatal(err)
	}
	return string(text)
}

func main() {
	if os.Args[1] == "serve" {
		serve(os.Args[2])
	}
	n, err := strconv.Atoi(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	answers := make(chan string)
	for i := 0; i < n; i++ {
		go func() { answers <- get(os.Args[2]) }()
	}
	text := ""
	for i := 0; i < n; i++ {
		text = <-answers
	}
	fmt.Print(text)
}
