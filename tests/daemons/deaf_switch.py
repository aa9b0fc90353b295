# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     python3 deaf_switch.py DIR [MAC COUNT]
#
# A switch of VDE that does not serve, in the directory DIR. Without MAC: it takes clients and does not answer
# them. With MAC, of a station: it answers the first client, sends COUNT neighbour solicitations to the station
# as fast as this one reads them, and never reads. A line from standard input ends this connection. From then on it
# takes clients and does not answer.
#
# It prints "ready"; "asked" when all have been sent; "client" for each client that gets no answer.

import os
import socket
import struct
import sys
import time

directory = sys.argv[1]
kept = []


def say(word):
    print(word, flush=True)


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def solicitation(mac):
    address = b"\xfe\x80" + bytes(6) + bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]
    group = b"\xff\x02" + bytes(9) + b"\x01\xff" + address[13:]
    source = b"\xfe\x80" + bytes(13) + b"\x66"
    message = b"\x87" + bytes(7) + address + b"\x01\x01\x02\x00\x00\x00\x00\x66"
    total = checksum(source + group + struct.pack("!II", len(message), 58) + message)
    message = message[:2] + struct.pack("!H", total) + message[4:]
    packet = struct.pack("!IHBB", 0x60000000, len(message), 58, 255) + source + group + message
    return b"\x33\x33" + group[12:] + b"\x02\x00\x00\x00\x00\x66\x86\xdd" + packet


def path_of(request):
    """The socket of a client: behind magic, version and type."""
    return request[14:122].split(b"\0")[0]


def serve_deaf(control, mac, left):
    client = control.accept()[0]
    path = path_of(client.recv(4096))
    data = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    data.bind(os.path.join(directory, "data"))
    data.connect(path)  # the client removes the path when it has the answer
    client.sendall(struct.pack("=H108s", socket.AF_UNIX, data.getsockname().encode()))
    data.setblocking(False)
    while left > 0:  # a station that does not read any more stays here
        try:
            data.send(solicitation(mac))
            left -= 1
        except BlockingIOError:
            time.sleep(0.001)
    say("asked")
    sys.stdin.readline()
    data.close()
    client.close()


def main():
    control = socket.socket(socket.AF_UNIX)
    control.bind(os.path.join(directory, "ctl"))
    control.listen(5)
    say("ready")
    if len(sys.argv) > 2:
        serve_deaf(control, bytes.fromhex(sys.argv[2].replace(":", "")), int(sys.argv[3]))
    while True:
        kept.append(control.accept()[0])
        say("client")


main()
