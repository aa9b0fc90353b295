# SPDX-License-Identifier: LGPL-2.1-or-later
"""A service with two networks: haproxy, with a web server on each. A cable is pulled.

The client sees no error: a request that cannot reach the first server goes to the second one.
"""

from common import need, nginx, until

LAB = """
network front 10.0.0.0/24
network red 10.1.0.0/24
network blue 10.2.0.0/24

server web1 on red 10.1.0.2 run "WEB1" ready tcp 80
server web2 on blue 10.2.0.2 run "WEB2" ready tcp 80
server proxy on front 10.0.0.1 on red 10.1.0.1 on blue 10.2.0.1 run "sh -c 'haproxy -db -f CONFIG | tee LOG'" ready tcp 80
host client on front
"""

HAPROXY = """
global
    log stdout format raw daemon
defaults
    mode http
    log global
    option httpclose
    option redispatch
    retries 1
    timeout connect 1s
    timeout check 1s
    timeout client 10s
    timeout server 10s
frontend service
    bind :80
    default_backend webs
backend webs
    balance first
    default-server check inter 200ms fall 2 rise 2
    server red 10.1.0.2:80
    server blue 10.2.0.2:80
"""


def test_the_service_fails_over_when_a_cable_is_pulled(lab_factory, tmp_path):
    need("haproxy", "curl")
    config, log = tmp_path / "haproxy.cfg", tmp_path / "haproxy.log"
    config.write_text(HAPROXY)
    text = LAB.replace("CONFIG", str(config)).replace("LOG", str(log))
    for n, colour in ("1", b"red"), ("2", b"blue"):
        text = text.replace(f"WEB{n}", nginx(tmp_path / f"web{n}", {"index.html": colour}))
    lab = lab_factory(text)

    def ask():
        """The answer that the client gets: the colour, or the error."""
        curl = ["curl", "-sS", "--max-time", "15", "-w", " %{http_code}", f"http://{lab.address('proxy:front')}/"]
        *_, body, code = lab.run("client", curl, capture_output=True, text=True, check=True).stdout.split()
        return body if code == "200" else code

    def notices(change, colour):
        """Waits for a line of haproxy's log that is not older than this call."""
        seen = log.read_text().count(f"webs/{colour} is {change}")
        return lambda: until(
            f"haproxy notices that {colour} is {change}",
            lambda: log.read_text().count(f"webs/{colour} is {change}") > seen,
        )

    print("both cables are in:", ask())

    down = notices("DOWN", "red")
    lab.cut("proxy:red")
    print("red is pulled, the first request:", ask())
    down()
    print("haproxy has noticed:", ask())

    down = notices("DOWN", "blue")
    lab.cut("proxy:blue")
    down()
    print("both are pulled:", ask())

    up = notices("UP", "red")
    lab.restore("proxy:red")
    up()
    print("red is back:", ask())
