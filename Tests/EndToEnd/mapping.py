#!/usr/bin/python3
"""The port mapping of `weir seed` and `weir doctor`, behind a router in a namespace of its own: a small one that does what the
test says, and Debian's miniupnpd.

    mapping.py
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import clients
import interop
import lab as laboratory
from lab import free_port, wait_for

INSIDE, ROUTER = "10.78.0.2", "10.78.0.1"


class Router:
    """A namespace with the other end of our only line out."""

    def __init__(self, lab):
        self.lab, self.process, self.count = lab, None, 0
        other = lab.start(["unshare", "-n", "sleep", "infinity"], "namespace.log")
        mine = os.readlink("/proc/self/ns/net")
        wait_for(lambda: os.readlink(f"/proc/{other.pid}/ns/net") != mine, 60, "the namespace")
        self.inside = ["nsenter", "-t", str(other.pid), "-n"]
        for command in (
            f"ip link add up0 type veth peer name lan0 netns {other.pid}", f"ip addr add {INSIDE}/24 dev up0", "ip link set up0 up",
            f"ip route add default via {ROUTER}"):
            if "route" in command:
                for there in (f"ip addr add {ROUTER}/24 dev lan0", "ip link set lan0 up", "ip link set lo up",
                              "ip link add wan0 type veth peer name wan1", "ip addr add 44.1.2.3/24 dev wan0", "ip link set wan0 up",
                              "ip link set wan1 up"):
                    subprocess.run([*self.inside, *there.split()], check=True)
            subprocess.run(command.split(), check=True)

    def run(self, *command, ready):
        self.stop()
        self.count += 1
        self.file = self.lab.folder / f"router-{self.count}.log"
        self.process = self.lab.start([*self.inside, *command], self.file.name)
        wait_for(lambda: re.search(ready, self.said()), 60, "the router")

    def small(self, *options):
        self.run(sys.executable, Path(__file__).with_name("router.py"), ROUTER, *options, ready="UP")

    def real(self, nat_pmp):
        settings = self.lab.folder / "miniupnpd.conf"
        settings.write_text(f"ext_ifname=wan0\next_ip=44.1.2.3\nlistening_ip=lan0\nenable_natpmp={nat_pmp}\nenable_upnp=yes\n"
                            "secure_mode=no\nport=0\nuuid=00000000-0000-0000-0000-000000000000\n"
                            "allow 1024-65535 10.78.0.0/24 1024-65535\n")
        self.run("miniupnpd", "-d", "-f", settings, ready="HTTP listening")

    def said(self):
        return self.file.read_text(errors="replace") if self.file.exists() else ""

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)


def doctor():
    done = subprocess.run([laboratory.BINARY, "doctor", "--engine", "--json"], capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL)
    return next(finding["engine"] for finding in json.loads(done.stdout)["findings"]
                if finding.get("engine", {}).get("code", "").startswith("mapping_"))


def seed_once(lab, payload, router, *waits, more=()):
    """Seeds until the router has said what is waited for, and ends; answers all that the router said, and the seconds the end
    took."""
    seeder = clients.Weir(lab)
    try:
        seeder.run([laboratory.BINARY, "seed", payload.torrent, "--dir", payload.folder, *seeder.arguments(), *more])
        seeder.wait(lambda: "READY" in seeder.log(), "seeding")
        for words in waits:
            seeder.wait(lambda: re.search(words.format(port=seeder.port), router.said()), f"being mapped ({words})")
    finally:
        seeder.close()
    return router.said(), seeder.port


def main():
    laboratory.enter_namespace()
    lab = laboratory.Lab()
    router = Router(lab)
    payload = interop.Payload(lab, "mapped", 1 << 20, 1, "http", lab.tracker()[0])
    payload.renew()

    router.small()
    said, port = seed_once(lab, payload, router, "NAT-PMP map {port} {port} 3600")
    assert f"NAT-PMP remove {port} 0 0" in said and "UPnP" not in said, said
    print("NAT-PMP: mapped, and removed at the end", flush=True)
    assert (found := doctor())["code"] == "mapping_works", found

    router.small("--lease", "1")
    said, port = seed_once(lab, payload, router, "(NAT-PMP map {port} {port} 3600\n){{3}}")
    print("NAT-PMP: renewed before the lease ends", flush=True)

    router.small("--nat-pmp", "no")
    said, port = seed_once(lab, payload, router, "UPnP map {port} {port} 3600")
    assert f"UPnP remove - {port} -" in said, said
    print("UPnP: mapped, and removed at the end", flush=True)

    router.small("--nat-pmp", "refuse", "--upnp", "permanent")
    said, port = seed_once(lab, payload, router, "UPnP map {port} {port} 3600\nUPnP map {port} {port} 0")
    assert f"UPnP remove - {port} -" in said, said
    print("UPnP: a router that maps only for ever", flush=True)

    router.small("--nat-pmp", "no", "--upnp", "conflict")
    said, port = seed_once(lab, payload, router, r"UPnP map {port} {port} 3600\nUPnP map {port} \d+ 3600")
    other = re.findall(rf"UPnP map {port} (\d+) ", said)[-1]
    assert other != str(port) and f"UPnP remove - {other} -" in said, said
    print("UPnP: another port where somebody has ours", flush=True)

    router.small("--nat-pmp", "refuse", "--upnp", "refuse")
    assert (found := doctor())["code"] == "mapping_failed", found
    router.small("--nat-pmp", "no", "--upnp", "no")
    assert (found := doctor())["code"] == "mapping_unavailable", found
    print("doctor: says that the router refuses, or does not answer", flush=True)

    router.small()
    said, _ = seed_once(lab, payload, router, more=["--port-mapping", "off"])
    assert said.strip() == "UP", said
    print("off: the router is not asked", flush=True)

    if shutil.which("miniupnpd"):
        for nat_pmp, words in (("yes", "NAT-PMP"), ("no", "UPnP")):
            router.real(nat_pmp)
            seed_once(lab, payload, router, "{port}")
            found = doctor()
            # Without nf_tables in the kernel it is spoken to all the same, and has to refuse.
            can = "send_batch failed" not in router.said()
            assert found["code"] == ("mapping_works" if can else "mapping_failed"), f"{found} {router.said()[-3000:]}"
            print(f"miniupnpd: {'mapped' if can else 'refuses, its kernel having no nf_tables,'} by {words}", flush=True)
    else:
        print("miniupnpd is not installed: left out", flush=True)
    router.stop()
    print("passed")


if __name__ == "__main__":
    sys.exit(main())
