# SPDX-License-Identifier: LGPL-2.1-or-later
"""A name server of a few addresses, and an HTTP server, in a stack."""

from __future__ import annotations

import http.server
import socket
import threading

DEADLINE = 20


class NameServer:
    """Answers questions for A records; everything else has no answer. `asked` are the names."""

    def __init__(self, stack, names):
        self.names, self.asked = names, []
        self.socket = stack.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("10.0.0.1", 53))
        self.thread = threading.Thread(target=self.serve)

    def serve(self):
        while True:
            question, client = self.socket.recvfrom(2048)
            if not question:
                return
            self.socket.sendto(self.answer(question), client)

    def answer(self, question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1 : at + 1 + question[at]].decode().lower())
            at += 1 + question[at]
        name, kind = ".".join(labels), question[at + 1 : at + 3]
        self.asked.append(name)
        address = self.names.get(name)
        found = b""
        if address and kind == b"\0\1":
            found = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(address)
        code = 0 if address else 3
        head = question[:2] + bytes([0x81, 0x80 | code]) + b"\0\1" + (b"\0\1" if found else b"\0\0") + b"\0\0\0\0"
        return head + question[12 : at + 5] + found

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.socket.sendto(b"", self.socket.getsockname())
        self.thread.join(DEADLINE)
        self.socket.close()
        assert not self.thread.is_alive()


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.client_address[0].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class WebServer:
    """Answers each GET with the client's address, on port 80."""

    def __init__(self, stack):
        with stack:
            self.server = http.server.ThreadingHTTPServer(("10.0.0.1", 80), _Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join(DEADLINE)
        self.server.server_close()
        assert not self.thread.is_alive()
