# SPDX-License-Identifier: LGPL-2.1-or-later
"""redis: commands of a client, a replica, a snapshot by a child."""

from harness import case, main


def redis(c, net, address, *options):
    folder = c.folder(f"redis-{address}")
    server = c.start(
        net,
        address,
        ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--dir", folder, "--save", "", *options],
    )
    c.wait(lambda: server.pid in c.listeners(6379), "redis")
    return server


def command(c, net, address, *words):
    c.need("redis-cli")
    return c.client(net, ["redis-cli", "-h", address, *words]).strip()


@case
def a_client_sets_and_gets_a_key(c):
    net = c.network()
    server = redis(c, net, "10.0.0.1")
    c.equal(command(c, net, "10.0.0.1", "set", "key", "value"), "OK")
    c.equal(command(c, net, "10.0.0.1", "get", "key"), "value")
    c.contains(command(c, net, "10.0.0.1", "client", "list"), "addr=10.0.0.203:")
    c.terminate(server, status=0)


@case
def a_replica_in_another_stack_follows(c):
    net = c.network()
    server = redis(c, net, "10.0.0.1")
    # The child that sends the first copy is a fork of the server.
    copy = redis(c, net, "10.0.0.2", "--replicaof", "10.0.0.1", "6379")
    c.logged("Finished with success")
    command(c, net, "10.0.0.1", "set", "key", "value")
    # WAIT counts for the writes of its own connection only.
    c.wait(lambda: command(c, net, "10.0.0.2", "get", "key") == "value", "the value in the replica")
    c.terminate(copy, status=0)
    c.terminate(server, status=0)


@case
def a_benchmark_with_threads_and_many_connections_ends(c):
    net = c.network()
    c.need("redis-benchmark")
    server = redis(c, net, "10.0.0.1", "--io-threads", "2")
    words = ["redis-benchmark", "-h", "10.0.0.1", "-n", "2000", "-c", "40", "--threads", "2", "-t", "set,get", "--csv"]
    lines = c.client(net, words).split("\n")
    c.check(any("GET" in line for line in lines), f"there are results: {lines}")
    c.terminate(server, status=0)


main()
