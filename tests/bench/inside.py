# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a server and its clients where it is started, and prints what they did as "name value unit".

    inside.py WORKLOAD N CONNECTIONS-PROGRAM COOKIE

tests/bench/run starts it on the loopback of a private namespace, by ip netns exec, and under both engines of
`vdestack run`. Server and clients are on 127.0.0.1 of one network in each. COOKIE is the cookie of the host's
network namespace.
"""

import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time

PORT = 7080
SO_NETNS_COOKIE = 71
DEADLINE_S = 20
NGINX = """daemon off; master_process on; worker_processes 1; user root; pid {dir}/pid; error_log {dir}/error;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
  server {{ listen 127.0.0.1:{port} backlog=1024; location / {{ return 200 "ok\\n"; }} }} }}
"""
APACHE = """LoadModule mpm_prefork_module /usr/lib/apache2/modules/mod_mpm_prefork.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
ServerName localhost
ServerRoot {dir}
DefaultRuntimeDir {dir}
PidFile {dir}/pid
ErrorLog {dir}/error
User www-data
Group www-data
Listen 127.0.0.1:{port}
DocumentRoot {dir}/files
KeepAlive Off
StartServers 8
MinSpareServers 8
MaxSpareServers 16
MaxConnectionsPerChild 0
"""


def number(pattern, text):
    m = re.search(pattern, text, re.M)
    if m is None:
        sys.exit("no figure in: " + text[-500:])
    return float(m.group(1))


class Place:
    def __init__(self, directory, own):
        self.dir, self.own = directory, own

    def file(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w") as f:
            f.write(text.format(dir=self.dir, port=PORT))
        return path

    def nginx(self):
        return ["nginx", "-e", self.dir + "/error", "-c", self.file("nginx.conf", NGINX)]

    def apache(self):
        os.mkdir(self.dir + "/files")
        self.file("files/index.html", "ok\n")
        return ["apache2", "-f", self.file("apache.conf", APACHE), "-DFOREGROUND"]

    def redis(self):
        return ["redis-server", "--bind", "127.0.0.1", "--port", str(PORT), "--save", "", "--appendonly", "no", "--dir", self.dir]

    def forking(self):
        return [self.own, "serve", str(PORT)]


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=100).stdout


def wrk(n, _):
    out = run("wrk", "-t1", "-c16", "-d%ss" % n, "http://127.0.0.1:%d/" % PORT)
    return number(r"^Requests/sec:\s*([0-9.]+)", out), "requests", number(r"^\s*([0-9]+) requests in", out)


def ab(n, _):
    out = run("ab", "-q", "-n", n, "-c", "8", "http://127.0.0.1:%d/index.html" % PORT)
    if number(r"^Failed requests:\s*(\d+)", out) or "Non-2xx" in out:
        sys.exit("requests failed: " + out)
    return number(r"^Requests per second:\s*([0-9.]+)", out), "connections", None


def redis(n, _):
    out = run("redis-benchmark", "-p", str(PORT), "-t", "get", "-n", n, "-c", "20", "--csv")
    return number(r'^"GET","([0-9.]+)"', out), "requests", float(n)


def connect(n, own):
    return number(r"^connections.rate ([0-9.]+)", run(own, "connect", str(PORT), n)), "connections", None


# name -> its server, its clients. Clients return a rate, of what, and how many there were if the processor time counts.
WORKLOADS = {
    "nginx": (Place.nginx, wrk), "redis": (Place.redis, redis), "nginx-connections": (Place.nginx, ab),
    "apache": (Place.apache, ab), "forking": (Place.forking, connect),
}


def wait_for(server):
    end = time.monotonic() + DEADLINE_S
    while server.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", PORT), 1).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.02)
    sys.exit("%s does not listen" % server.args[0])


def read(path):
    with open(path) as f:
        return f.read()


def proof(what, pid, cookie):
    """What the kernel reports: where a socket is, and what is in the process."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        its = int.from_bytes(s.getsockopt(socket.SOL_SOCKET, SO_NETNS_COOKIE, 8), sys.byteorder)
    print("proof %s: sockets in %s network, seccomp %s, shim %s" % (
        what, "the host's" if its == cookie else "another",
        "filter" if re.search(r"^Seccomp:\s*2$", read("/proc/%s/status" % pid), re.M) else "none",
        "loaded" if "libvdestack-preload" in read("/proc/%s/maps" % pid) else "absent"))


def main():
    workload, n, own, cookie = sys.argv[1:]
    if workload in ("sockets", "start"): # a program alone
        proof("program", "self", int(cookie))
        sys.stdout.flush()
        os.execv(own, [own, workload, n])
    make, clients = WORKLOADS[workload]
    directory = tempfile.mkdtemp(prefix="inside-")
    os.chmod(directory, 0o755)
    place = Place(directory, own)
    server = subprocess.Popen(getattr(place, make.__name__)(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        wait_for(server)
        proof("server", server.pid, int(cookie))
        rate, what, count = clients(n, own)
        print("%s.rate %.1f 1/s" % (what, rate))
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(directory, ignore_errors=True)
    if count:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        print("%s.cpu %.3f us" % (what, (used.ru_utime + used.ru_stime) * 1e6 / count))


main()
