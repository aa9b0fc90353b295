#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Python in two stacks: an asyncio server in one, an asyncio client and http.client in the other.

socket.socket(fileno=) takes a socket of a stack, and asyncio takes such a socket by sock=. ctypes loads
libvdestack-nointerpose, because the library comes after the C library here, so a default stack would have no
effect. Python looks names up in the host network.

ctypes releases Python's lock during a call, so other threads go on.
"""

import asyncio
import ctypes
import http.client
import os
import socket

lib = ctypes.CDLL("libvdestack-nointerpose.so.0", use_errno=True)
lib.vdestack_new.restype = ctypes.c_void_p
lib.vdestack_new.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
lib.vdestack_msocket.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_int]
lib.vdestack_delete.argtypes = [ctypes.c_void_p]
lib.vdestack_last_error.restype = ctypes.c_char_p


def fail():
    raise OSError(ctypes.get_errno(), lib.vdestack_last_error().decode())


class Stack:
    def __init__(self, config):
        self.handle = lib.vdestack_new(config.encode(), None) or fail()

    def socket(self, family=socket.AF_INET, kind=socket.SOCK_STREAM, protocol=0):
        fd = lib.vdestack_msocket(self.handle, family, kind | socket.SOCK_CLOEXEC, protocol)
        return socket.socket(fileno=fd) if fd >= 0 else fail()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        lib.vdestack_delete(self.handle)


async def greet(reader, writer):
    request = await reader.readline()
    text = "hello " + writer.get_extra_info("peername")[0]
    if request.startswith(b"GET"):
        text = f"HTTP/1.0 200 OK\r\n\r\n{text}"
    writer.write(text.encode())
    writer.close()


async def by_asyncio(here):
    sock = here.socket()
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("10.0.0.1", 80))
    reader, writer = await asyncio.open_connection(sock=sock)
    writer.write(b"hello\n")
    print("asyncio:", (await reader.read()).decode())
    writer.close()
    await writer.wait_closed()


def by_http_client(here):
    connection = http.client.HTTPConnection("10.0.0.1")
    connection.sock = here.socket()  # so it does not make one
    connection.sock.settimeout(20)
    connection.sock.connect(("10.0.0.1", 80))
    connection.request("GET", "/")
    print("http.client:", connection.getresponse().read().decode())
    connection.close()


async def run(there, here):
    sock = there.socket()
    sock.bind(("10.0.0.1", 80))
    server = await asyncio.start_server(greet, sock=sock)
    await asyncio.wait_for(by_asyncio(here), 20)
    await asyncio.get_running_loop().run_in_executor(None, by_http_client, here)
    server.close()  # the stacks are deleted after their sockets are closed
    await server.wait_closed()


def refused():
    try:
        Stack("ip=10.0.0.1/99")
    except OSError as error:
        print("refused:", os.strerror(error.errno))


with Stack("vnl=inproc://lan ip=10.0.0.1/24") as network1, Stack("vnl=inproc://lan ip=10.0.0.2/24") as network2:
    asyncio.run(run(network1, network2))
refused()
