# SPDX-License-Identifier: LGPL-2.1-or-later
"""iperf3: streams in both directions, and datagrams."""

import json

from harness import case, main


def measure(c, *options):
    net = c.network()
    server = c.start(net, "10.0.0.1", ["iperf3", "-s", "-1"])
    c.listens(5201)
    result = json.loads(c.client(net, ["iperf3", "-J", "-c", "10.0.0.1", *options]))
    c.ends(server)
    return result["end"]


@case
def four_streams_arrive(c):
    end = measure(c, "-t", "1", "-P", "4")
    c.check(end["sum_received"]["bytes"] > 1 << 20, f"{end['sum_received']}")


@case
def the_server_sends_too(c):
    end = measure(c, "-n", "8M", "-R")
    c.check(end["sum_received"]["bytes"] >= 8 << 20, f"{end['sum_received']}")


@case
def datagrams_arrive(c):
    end = measure(c, "-u", "-b", "5M", "-n", "500K", "-l", "1000")
    c.check(end["sum"]["packets"] >= 500 and end["sum"]["lost_percent"] < 50, f"{end['sum']}")


main()
