#!/usr/bin/python3
"""Weir with its own engine, and a small swarm on loopback that wants more than the trackers' caps give.

    demo.py [--seconds N] [--port N]     stops by itself after N seconds; otherwise with Ctrl-C
"""

import argparse
import http.server
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

WEIR = Path(__file__).resolve().parents[1] / ".build/release/weir"
# By tracker: the cap in bytes a second, how many torrents, and how many peers want each.
TRACKERS = {"alpha": (2_000_000, 3, 2), "beta": (1_000_000, 2, 2), "gamma": (500_000, 2, 1)}
SIZE = 64 << 20


class Tracker(http.server.BaseHTTPRequestHandler):
    """The least that peers need to find each other (BEP 3, 23)."""

    swarms = {}
    lock = threading.Lock()

    def do_GET(self):
        query = dict(pair.split("=", 1) for pair in urllib.parse.urlsplit(self.path).query.split("&") if "=" in pair)
        key = (self.server.server_port, urllib.parse.unquote_to_bytes(query.get("info_hash", "")))
        peer = (self.client_address[0], int(query.get("port", 0)))
        with self.lock:
            swarm = self.swarms.setdefault(key, {})
            if query.get("event") == "stopped":
                swarm.pop(peer, None)
            else:
                swarm[peer] = query.get("left") == "0"
            peers = b"".join(socket.inet_aton(host) + struct.pack(">H", port) for host, port in swarm if (host, port) != peer)
            seeds = sum(swarm.values())
        body = b"d8:completei%de10:incompletei%de8:intervali60e5:peers%d:%se" % (
            seeds, len(swarm) - seeds, len(peers), peers)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Peer:
    """Downloads a torrent, forgets it, and begins again."""

    def __init__(self, torrent, folder, seeder):
        self.torrent, self.folder, self.seeder = torrent, folder, seeder
        self.begin()

    def begin(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self.process = subprocess.Popen(
            [WEIR, "get", self.torrent, "--dir", self.folder, "--port", "0", "--peer", f"127.0.0.1:{self.seeder}", "--json",
             "--port-mapping", "off"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def look(self):
        if self.process.poll() is not None:
            self.begin()


def ask(port, path, data=None, kind="application/json"):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=data, headers={"Content-Type": kind} if data else {})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read()


def make_torrents(folder, ports):
    """By tracker the .torrent files of its torrents; the data are holes, which cost no disk."""
    torrents = {}
    for name, (_, count, _) in TRACKERS.items():
        torrents[name] = []
        for number in range(count):
            data = folder / "downloads" / f"{name} {number}.bin"
            with open(data, "wb") as file:
                file.truncate(SIZE + number)
            torrent = folder / f"{name}-{number}.torrent"
            subprocess.run([WEIR, "create", data, "--tracker", f"http://127.0.0.1:{ports[name]}/announce", "--private",
                            "--output", torrent], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            torrents[name].append(torrent)
    return torrents


def configuration(folder, ports, port, listen):
    trackers = [{"id": name, "name": name, "pattern": f":{ports[name]}/", "max_upload_speed": cap, "priority": 5}
                for name, (cap, _, _) in TRACKERS.items()]
    trackers.append({"id": "default", "name": "everything else", "pattern": ".*", "max_upload_speed": -1, "priority": 1})
    file = folder / "weir.yaml"
    # Every JSON text is YAML.
    file.write_text(json.dumps({
        "global": {"host": "127.0.0.1", "port": port},
        "engine": {"enabled": True, "port": listen, "directory": str(folder / "downloads"), "state": str(folder / "state")},
        "trackers": trackers, "rollback": {"database_path": str(folder / "state/journal.db")},
        "logging": {"file": str(folder / "weir.log")}}))
    return file


def run(options, folder):
    (folder / "downloads").mkdir()
    (folder / "state").mkdir()
    servers = {name: http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tracker) for name in TRACKERS}
    for server in servers.values():
        threading.Thread(target=server.serve_forever, daemon=True).start()
    ports = {name: server.server_port for name, server in servers.items()}
    listen = free_port()
    torrents = make_torrents(folder, ports)
    log = open(folder / "console", "wb")
    weir = subprocess.Popen([WEIR, "serve", "--config", configuration(folder, ports, options.port, listen)],
                            stdout=log, stderr=log, start_new_session=True)
    peers = []
    try:
        wait_until_up(weir, options.port, folder)
        for group in torrents.values():
            for torrent in group:
                add(options.port, torrent)
        print(f"\n    The dashboard: http://127.0.0.1:{options.port}\n\n"
              "    A demonstration: seven torrents of three trackers, and peers that want more than the caps give.\n"
              "    To use Weir for yourself: .build/release/weir serve\n", flush=True)
        for name, (_, _, count) in TRACKERS.items():
            for number, torrent in enumerate(torrents[name]):
                peers += [Peer(torrent, folder / f"peer-{name}-{number}-{n}", listen) for n in range(count)]
        watch(weir, peers, torrents, options, folder)
    finally:
        for process in [weir] + [peer.process for peer in peers]:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in [weir] + [peer.process for peer in peers]:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_until_up(weir, port, folder):
    for _ in range(200):
        if weir.poll() is not None:
            sys.exit("Weir did not start:\n" + (folder / "console").read_text(errors="replace")[-2000:])
        try:
            ask(port, "/healthz")
            return
        except OSError:
            time.sleep(0.1)
    sys.exit("Weir does not answer")


def add(port, torrent):
    boundary = "weir-demo"
    body = b"".join([
        f'--{boundary}\r\nContent-Disposition: form-data; name="skip_checking"\r\n\r\ntrue\r\n'.encode(),
        f'--{boundary}\r\nContent-Disposition: form-data; name="torrents"; filename="{torrent.name}"\r\n\r\n'.encode(),
        torrent.read_bytes(), f"\r\n--{boundary}--\r\n".encode()])
    answer = ask(port, "/api/v2/torrents/add", body, f"multipart/form-data; boundary={boundary}")
    if answer != b"Ok.":
        sys.exit(f"Weir did not take {torrent.name}: {answer!r}")


def watch(weir, peers, torrents, options, folder):
    print("".join(f"{f'{name}, cap {cap / 1e6:.1f} MB/s':>26}" for name, (cap, _, _) in TRACKERS.items()), flush=True)
    started = last = time.monotonic()
    before = uploaded(options.port)
    while options.seconds is None or time.monotonic() - started < options.seconds:
        time.sleep(5)
        if weir.poll() is not None:
            sys.exit("Weir ended:\n" + (folder / "console").read_text(errors="replace")[-2000:])
        now, sent = time.monotonic(), uploaded(options.port)
        rates = {name: (sent.get(name, 0) - before.get(name, 0)) / (now - last) for name in TRACKERS}
        print("".join(f"{f'{rates[name] / 1e6:.2f} MB/s':>26}" for name in TRACKERS), flush=True)
        last, before = now, sent
        for peer in peers:
            peer.look()


def uploaded(port):
    """By tracker the bytes that its torrents have uploaded."""
    sums = {}
    for torrent in json.loads(ask(port, "/api/v2/torrents/info")):
        name = torrent["name"].split(" ")[0]
        sums[name] = sums.get(name, 0) + torrent["uploaded"]
    return sums


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--port", type=int, default=8089)
    options = parser.parse_args()
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", options.port)) == 0:
            sys.exit(f"port {options.port} is in use: is a Weir running? Choose another with --port")
    folder = Path(tempfile.mkdtemp(prefix="weir-demo-"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        run(options, folder)
    except KeyboardInterrupt:
        pass
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
