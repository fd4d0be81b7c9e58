#!/usr/bin/python3
"""`weir seed FOLDER` with thousands of torrents that nobody asks for: how soon it listens, what each costs, that real peers
can wake them, and what their tracker hears.

    many.py [--count 2000] [--pieces 1000] [--seconds 3] [--wakes plain,encrypted] [--listen 2] [--kib 3] [--cpu 5]
"""

import argparse
import asyncio
import hashlib
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.parse

import clients
import lab as laboratory
from lab import bencode, free_port, wait_for

PIECE = 16 * 1024


class Tracker:
    """An HTTP tracker on a thread of its own, with keep-alive. It names one seeder to everybody but the seeder itself."""

    def __init__(self, interval=1800):
        self.interval, self.seeder = interval, None
        self.heard, self.connections = [], 0
        listening = threading.Event()

        async def run():
            server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
            listening.set()
            await server.serve_forever()
        threading.Thread(target=lambda: asyncio.run(run()), daemon=True).start()
        listening.wait(10)
        self.announce = f"http://127.0.0.1:{self.port}/announce"

    async def serve(self, reader, writer):
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                query = dict(pair.split("=", 1) for pair in head.split(b" ", 2)[1].decode().split("?", 1)[1].split("&"))
                self.heard.append(query)
                ours = int(query["port"]) == self.seeder
                peers = socket.inet_aton("127.0.0.1") + self.seeder.to_bytes(2, "big") if self.seeder and not ours else b""
                body = bencode({"interval": self.interval, "complete": 1, "incomplete": 0, "peers": peers})
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def events(self, event, port):
        """Of the seeder, by torrent."""
        found = {}
        for query in list(self.heard):
            if query.get("event", "") == event and int(query["port"]) == port:
                found.setdefault(urllib.parse.unquote_to_bytes(query["info_hash"]), []).append(query)
        return found


class Collection:
    """Torrents of zeros: one sparse file under many names."""

    def __init__(self, folder, count, pieces, announce):
        self.torrents, self.data = folder / "torrents", folder / "data"
        self.size = pieces * PIECE
        for place in (self.torrents, self.data):
            place.mkdir(parents=True, exist_ok=True)
        file = self.data / "zeros"
        with open(file, "wb") as handle:
            handle.truncate(self.size)
        hashes = hashlib.sha1(bytes(PIECE)).digest() * pieces
        self.names = [f"some torrent of a collection {number:05}" for number in range(count)]
        for name in self.names:
            os.link(file, self.data / name)
            info = {"length": self.size, "name": name, "piece length": PIECE, "pieces": hashes, "private": 1}
            (self.torrents / f"{name}.torrent").write_bytes(bencode({"announce": announce, "info": info}))

    def torrent(self, number):
        return self.torrents / f"{self.names[number]}.torrent"


class Seeder:
    """`weir seed` of a collection, or of what a session has."""

    def __init__(self, lab, collection, *options, from_session=False):
        self.lab, self.port = lab, free_port()
        self.runtime = lab.folder / "runtime"
        self.runtime.mkdir(exist_ok=True, mode=0o700)
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": str(self.runtime)}
        self.log = lab.folder / f"seed-{self.port}.log"
        started = time.monotonic()
        what = [] if from_session else [collection.torrents, "--dir", collection.data]
        self.process = lab.start([laboratory.BINARY, "seed", *what, "--port", self.port, *options], self.log.name,
                                 env=self.environment)
        wait_for(lambda: self.is_alive() and laboratory.can_connect(self.port), 60, "listening")
        self.listening = time.monotonic() - started
        wait_for(lambda: self.is_alive() and ("READY" in self.text() or '"ready"' in self.text()), 300, "READY")
        self.ready = time.monotonic() - started

    def text(self):
        return self.log.read_text(errors="replace")

    def is_alive(self):
        if self.process.poll() is not None:
            raise AssertionError(f"weir seed ended with {self.process.returncode}: {self.text()[-2000:]}")
        return True

    def memory(self):
        """RSS and its anonymous part, in KiB."""
        lines = open(f"/proc/{self.process.pid}/status").read().splitlines()
        values = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith(("VmRSS", "RssAnon"))}
        return int(values["VmRSS"]), int(values["RssAnon"])

    def cpu(self):
        """Seconds of all threads so far."""
        base = f"/proc/{self.process.pid}/task"
        return sum(int(open(f"{base}/{task}/schedstat").read().split()[0]) for task in os.listdir(base)) / 1e9

    def idle_cpu(self, seconds):
        """As a share of one core."""
        before, at = self.cpu(), time.monotonic()
        time.sleep(seconds)
        return (self.cpu() - before) / (time.monotonic() - at)

    def why(self, torrent):
        started = time.monotonic()
        done = subprocess.run([str(laboratory.BINARY), "why", str(torrent)], capture_output=True, text=True, timeout=60,
                              env=self.environment)
        if done.returncode:
            raise AssertionError(f"weir why: {done.returncode}: {done.stderr}")
        return done.stdout, time.monotonic() - started

    def stop(self):
        started = time.monotonic()
        self.process.terminate()
        self.process.wait(30)
        if self.process.returncode:
            raise AssertionError(f"weir seed ended with {self.process.returncode}: {self.text()[-3000:]}")
        return time.monotonic() - started


def wake(lab, collection, number, encryption):
    """A real libtorrent downloads one of them; answers the seconds."""
    leecher = clients.Libtorrent(lab, encryption)
    started = time.monotonic()
    leecher.download(collection.torrent(number), leecher.data_folder())
    try:
        wait_for(leecher.is_complete, 60, f"libtorrent downloading, {encryption}")
        took = time.monotonic() - started
        file = leecher.data_folder() / collection.names[number]
        if file.stat().st_size != collection.size or file.read_bytes().count(0) != collection.size:
            raise AssertionError(f"{file.name} differs")
        return took
    except AssertionError as problem:
        raise AssertionError(f"{problem}\n{leecher.log()[-1000:]}") from None
    finally:
        leecher.close()


def restart(lab, collection, tracker, options):
    """A session that starts again reads no torrent file, and its torrents wake from its record."""
    session = lab.folder / "session"
    first = Seeder(lab, collection, "--session", session)
    first.stop()
    torrents = collection.torrents.rename(collection.torrents.with_name("elsewhere"))
    try:
        second = Seeder(lab, collection, "--session", session, from_session=True)
    finally:
        torrents.rename(collection.torrents)
    tracker.seeder = second.port
    rss = second.memory()[0]
    took = wake(lab, collection, 3, "plain")
    words, _ = second.why(collection.torrent(3))
    second.stop()
    print(f"with a session: READY after {first.ready:.2f} s, and after {second.ready:.2f} s from its record, RSS "
          f"{rss / 1024:.1f} MB; libtorrent: {took:.2f} s", flush=True)
    return ["the session's start was too slow"] if second.listening > options.listen else []


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--pieces", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=3, help="of idling")
    parser.add_argument("--wakes", default="plain,encrypted")
    parser.add_argument("--listen", type=float, default=2, help="the most seconds until it listens")
    parser.add_argument("--kib", type=float, default=3, help="the most each torrent takes above an empty seeder")
    parser.add_argument("--cpu", type=float, default=5, help="the most of a core while idle, in percent")
    options = parser.parse_args()
    laboratory.enter_namespace()
    lab = laboratory.Lab()
    tracker = Tracker()

    one = Seeder(lab, Collection(lab.folder / "one", 1, options.pieces, tracker.announce))
    time.sleep(1)
    base = one.memory()[0]
    one.stop()
    collection = Collection(lab.folder / "many", options.count, options.pieces, tracker.announce)
    seeder = Seeder(lab, collection)
    tracker.seeder = seeder.port
    time.sleep(1)
    rss, anonymous = seeder.memory()
    each = (rss - base) / options.count
    cpu = seeder.idle_cpu(options.seconds)
    print(f"{options.count} torrents: listening after {seeder.listening:.2f} s, READY after {seeder.ready:.2f} s, RSS "
          f"{rss / 1024:.1f} MB ({anonymous / 1024:.1f} anonymous), {each:.2f} KiB each above {base / 1024:.1f} MB, idle "
          f"{cpu * 100:.2f} % of a core", flush=True)
    problems = []
    if seeder.listening > options.listen:
        problems.append("it listened too late")
    if each > options.kib:
        problems.append("a torrent takes too much memory")
    if cpu * 100 > options.cpu:
        problems.append("it works too much for nothing")

    words, took = seeder.why(collection.torrent(1))
    print(f"weir why of one that sleeps: {took:.2f} s: {words.splitlines()[0]}", flush=True)
    for number, encryption in enumerate(options.wakes.split(",") if options.wakes else []):
        number = options.count // 2 + number
        print(f"libtorrent, {encryption}: {wake(lab, collection, number, encryption):.2f} s", flush=True)
        words, _ = seeder.why(collection.torrent(number))

    took = seeder.stop()
    started = tracker.events("started", seeder.port)
    stopped = tracker.events("stopped", seeder.port)
    again = [h for h, queries in started.items() if len(queries) > 1]
    print(f"{len(started)} torrents were announced, {len(stopped)} of them told stopped in {took:.2f} s over "
          f"{tracker.connections} connections", flush=True)
    if again:
        problems.append(f"{len(again)} torrents were started twice")
    if not started:
        problems.append("no tracker heard of any")
    if set(stopped) != set(started):
        problems.append(f"{len(set(started) - set(stopped))} torrents were not told stopped")
    # As often as a libtorrent has downloaded all of it, the tracker was told so.
    uploads = sorted(int(queries[-1]["uploaded"]) for queries in stopped.values() if int(queries[-1]["uploaded"]))
    if any(number < collection.size for number in uploads):
        problems.append(f"uploads of {uploads} bytes were told")
    problems += restart(lab, collection, tracker, options)
    for problem in problems:
        print(f"FAILED: {problem}", flush=True)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
