# SPDX-License-Identifier: LGPL-2.1-or-later
"""PostgreSQL: a process for each client."""

import glob
import os
import pwd
import shutil
import signal

from harness import case, main


def programs(c):
    """The folder of the programs, which is not in PATH."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not found:
        c.skip("there is no postgresql")
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        c.skip("there is no user postgres")
    return found[-1]


def as_postgres(c, *argv):
    c.need("setpriv")
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *argv]


def start(c, net):
    """A new cluster, and its server, which gives up root in the run."""
    bin_ = programs(c)
    data = c.folder("data")
    os.chmod(c.tmp, 0o755)
    shutil.chown(data, "postgres", "postgres")
    c.client(net, as_postgres(c, bin_ + "/initdb", "-N", "-A", "trust", "-D", data))
    with open(data + "/pg_hba.conf", "a", encoding="ascii") as f:
        f.write("host all all 10.0.0.0/24 trust\n")
    server = c.start(net, "10.0.0.1", as_postgres(c, bin_ + "/postgres", "-D", data, "-k", data, "-F",
                                                  "-c", "listen_addresses=10.0.0.1"))
    c.listens(5432)
    c.logged("ready to accept connections")
    return server


def query(c, net, text):
    return c.client(net, ["psql", "-h", "10.0.0.1", "-U", "postgres", "-Atc", text]).strip()


@case
def a_process_for_each_client_answers_queries(c):
    net = c.network()
    server = start(c, net)
    query(c, net, "create table t (n int)")
    query(c, net, "insert into t select generate_series(1, 1000)")
    c.equal(query(c, net, "select sum(n), host(inet_client_addr()), host(inet_server_addr()) from t"),
            f"500500|10.0.0.{200 + c.clients}|10.0.0.1")
    c.terminate(server, signal.SIGINT, 0)


main()
