# SPDX-License-Identifier: LGPL-2.1-or-later
"""Split brain: five nodes of etcd. The network is cut between two of them, the leader among them, and three.

The two lose their leader and write nothing, the three elect one and go on. When the network is healed, all five agree.
"""

import base64
import json
import urllib.error
import urllib.request

from common import need, until

NAMES = [f"n{n}" for n in range(1, 6)]
ADDRESSES = {name: f"10.0.0.{n}" for n, name in enumerate(NAMES, 1)}
NODE = (
    "server {name} on lan {address} ready tcp 2380 run '"
    "etcd --name {name} --data-dir {folder}/{name} --initial-cluster {cluster} --log-level error"
    " --listen-peer-urls http://{address}:2380 --initial-advertise-peer-urls http://{address}:2380"
    " --listen-client-urls http://{address}:2379 --advertise-client-urls http://{address}:2379'\n"
)


class Node:
    """One node, asked from its own host by etcd's JSON gateway."""

    def __init__(self, lab, name):
        self.host, self.url = lab.host(name), f"http://{ADDRESSES[name]}:2379/v3/"
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(self, path, timeout=20, **values):
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        with self.host, self.opener.open(self.url + path, json.dumps(encoded).encode(), timeout) as answer:
            return json.load(answer)

    def leader(self):
        """The number of the leader that this node follows, or None."""
        try:
            return self.call("maintenance/status").get("leader")
        except OSError:
            return None

    def put(self, key, value, timeout=20):
        """Whether the cluster has agreed to it in time."""
        try:
            return "header" in self.call("kv/put", timeout, key=key, value=value)
        except (urllib.error.HTTPError, OSError):
            return False

    def get(self, key):
        """What the cluster agrees upon, not what this node believes."""
        found = self.call("kv/range", key=key).get("kvs")
        return base64.b64decode(found[0]["value"]).decode() if found else None


def common_leader(nodes):
    """The leader that all of these nodes follow, or None."""
    leaders = {node.leader() for node in nodes}
    return leaders.pop() if len(leaders) == 1 else None


def test_the_majority_elects_a_leader_and_the_minority_loses_it(lab_factory, tmp_path):
    need("etcd")
    cluster = ",".join(f"{name}=http://{address}:2380" for name, address in ADDRESSES.items())
    text = "network lan 10.0.0.0/24\n"
    for name, address in ADDRESSES.items():
        text += NODE.format(name=name, address=address, folder=tmp_path, cluster=cluster)
    lab = lab_factory(text)
    nodes = {name: Node(lab, name) for name in NAMES}

    first = until("all nodes follow one leader", lambda: common_leader(nodes.values()))
    ids = {name: node.call("maintenance/status")["header"]["member_id"] for name, node in nodes.items()}
    assert nodes["n1"].put("colour", "red")
    print("five nodes, one leader:", nodes["n5"].get("colour"))

    few = [name for name in NAMES if ids[name] == first]
    few.append(next(name for name in NAMES if name not in few))
    many = [name for name in NAMES if name not in few]
    lab.partition("lan", few, many)
    second = until("the majority elects", lambda: (found := common_leader([nodes[n] for n in many])) != first and found)
    assert second in [ids[name] for name in many]
    assert until("the majority writes", lambda: nodes[many[0]].put("colour", "blue"))
    print("three of five, another leader:", nodes[many[1]].get("colour"))

    until("the minority loses its leader", lambda: all(nodes[name].leader() is None for name in few))
    print("two of five, no leader; a write is accepted:", nodes[few[0]].put("lost", "white", timeout=1))

    lab.heal("lan")
    until("all nodes follow one leader again", lambda: common_leader(nodes.values()))
    print("healed, five nodes:", *sorted({nodes[name].get("colour") for name in NAMES}))
    assert len({nodes[name].get("lost") for name in NAMES}) == 1
