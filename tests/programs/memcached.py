# SPDX-License-Identifier: LGPL-2.1-or-later
"""memcached: threads, and both transports."""

from harness import case, main


@case
def threads_answer_over_tcp_and_udp(c):
    net = c.network()
    server = c.start(net, "10.0.0.1", ["memcached", "-t", "2", "-U", "11211", "-l", "10.0.0.1"]
                     + (["-u", "root"] if c.root else []))
    c.listens(11211)
    c.listens_udp(11211)
    script = (
        "import socket\n"
        "s = socket.create_connection(('10.0.0.1', 11211), 20)\n"
        "s.sendall(b'set k 0 0 5\\r\\nhello\\r\\n')\n"
        "assert s.recv(100) == b'STORED\\r\\n'\n"
        "d = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "d.settimeout(20)\n"
        "d.sendto(b'\\0\\1\\0\\0\\0\\1\\0\\0get k\\r\\n', ('10.0.0.1', 11211))\n"
        "print(d.recv(100)[8:].split()[-2].decode())\n"
    )
    c.equal(c.client(net, ["python3", "-c", script]), "hello\n")
    c.terminate(server, status=0)


main()
