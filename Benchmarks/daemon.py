#!/usr/bin/python3
"""What `weir serve` costs with 30,000 torrents: start, memory, idle processor time, how fast its API is while 500 readers listen to
events, what 1,000 readers cost of whom some never read, and the full answer to `sync/maindata`.

    daemon.py [--torrents 30000] [--readers 500] [--stalled 300] [--idle 30] [--announcing 60]
              [--calls 2000] [--strict]

`--strict` holds the bounds that are promised: 150 MB, 1.5 % of a core, p99 of 20 ms. Only loopback.
"""

import argparse
import asyncio
import hashlib
import http.client
import json
import os
import re
import selectors
import signal
import socket
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Tests/EndToEnd"))
import lab as laboratory  # noqa: E402
from lab import bencode  # noqa: E402
from library_service import Service, expect  # noqa: E402

MB = 1_000_000
TICK = os.sysconf("SC_CLK_TCK")


def cpu(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def memory(pid, name="VmRSS"):
    return int(re.search(rf"{name}:\s+(\d+)", open(f"/proc/{pid}/status").read())[1]) * 1024


def reset_peak(pid):
    Path(f"/proc/{pid}/clear_refs").write_text("5")


class Tracker:
    """Says to everybody that nobody else is there, and to come again in half an hour."""

    def __init__(self):
        self.asked = 0
        self.loop = asyncio.new_event_loop()
        server = self.loop.run_until_complete(asyncio.start_server(self.serve, "0.0.0.0", 0, backlog=1000))
        self.port = server.sockets[0].getsockname()[1]
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    async def serve(self, reader, writer):
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self.asked += 1
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\nd8:intervali1800e5:peers0:e")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()


class Readers:
    """Listeners to the page's events. Those that are stalled send their request and never read."""

    def __init__(self, port):
        self.port, self.sockets, self.ended, self.bytes = port, [], 0, 0
        self.selector = selectors.DefaultSelector()
        self.is_ending = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def open(self, count, stalled=False):
        for _ in range(count):
            one = socket.socket()
            if stalled:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.connect(("127.0.0.1", self.port))
            one.sendall(b"GET /api/ui/events HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % self.port)
            self.sockets.append(one)
            if not stalled:
                one.setblocking(False)
                self.selector.register(one, selectors.EVENT_READ)

    def run(self):
        while not self.is_ending:
            for key, _ in self.selector.select(0.2):
                try:
                    data = key.fileobj.recv(1 << 16)
                except OSError:
                    data = b""
                self.bytes += len(data)
                if not data:
                    self.ended += 1
                    self.selector.unregister(key.fileobj)

    def close(self):
        self.is_ending = True
        self.thread.join()
        for one in self.sockets:
            one.close()


def latencies(port, count, path="/api/v2/torrents/info?limit=1"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    found = []
    for _ in range(count):
        begun = time.perf_counter()
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        found.append((time.perf_counter() - begun) * 1000)
        expect(answer.status == 200, f"{path}: {answer.status}")
        time.sleep(0.002)
    found.sort()
    return {"p50": found[len(found) // 2], "p99": found[int(len(found) * 0.99)], "max": found[-1]}


def in_words(times):
    return ", ".join(f"{name} {value:.1f} ms" for name, value in times.items())


def full_answer(port, path, encoding=None):
    """Seconds, bytes on the wire, and how long other requests took meanwhile."""
    done, others = threading.Event(), []

    def ask():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while not done.is_set():
            begun = time.perf_counter()
            connection.request("GET", "/api/v2/app/version")
            connection.getresponse().read()
            others.append((time.perf_counter() - begun) * 1000)
            time.sleep(0.001)
    thread = threading.Thread(target=ask)
    thread.start()
    begun = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as one:
        header = f"Accept-Encoding: {encoding}\r\n" if encoding else ""
        one.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n{header}\r\n".encode())
        total = 0
        while data := one.recv(1 << 18):
            total += len(data)
    seconds = time.perf_counter() - begun
    done.set()
    thread.join()
    return seconds, total, max(others)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torrents", type=int, default=30000)
    parser.add_argument("--readers", type=int, default=500)
    parser.add_argument("--stalled", type=int, default=300)
    parser.add_argument("--idle", type=float, default=30)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--announcing", type=float, default=60, help="seconds at most to wait for the first announces")
    parser.add_argument("--strict", action="store_true")
    options = parser.parse_args()
    laboratory.enter_namespace()
    at = laboratory.Lab()
    tracker = Tracker()
    weir = Service(at)
    weir.start()
    pieces = hashlib.sha1(bytes(16384)).digest() * 60
    begun = time.monotonic()
    for start in range(0, options.torrents, 500):
        weir.do("torrents/add", {"skip_checking": "true"}, [bencode({
            "announce": f"http://127.0.0.{1 + n % 40}:{tracker.port}/{n % 40:032x}/announce",
            "info": {"length": 16384 * 60, "name": f"torrent number {n} with a usual name of some length 1080p",
                     "piece length": 16384, "pieces": pieces, "private": 1}})
            for n in range(start, min(start + 500, options.torrents))])
    print(f"{options.torrents} torrents added in {time.monotonic() - begun:.1f} s, {memory(weir.process.pid) / MB:.0f} MB", flush=True)
    weir.stop(signal.SIGKILL)
    tracker.asked = 0
    begun = time.monotonic()
    seconds = weir.start()
    laboratory.wait_for(lambda: weir.call("GET", "torrents/count")[1] == b"%d" % options.torrents, 60, "the torrents")
    pid = weir.process.pid
    print(f"after a kill: up after {seconds:.2f} s, {memory(pid) / MB:.0f} MB", flush=True)
    while tracker.asked < options.torrents and time.monotonic() - begun < options.announcing:
        time.sleep(1)
    print(f"{tracker.asked} announces in {time.monotonic() - begun:.0f} s", flush=True)
    used = cpu(pid)
    time.sleep(options.idle)
    idle = (cpu(pid) - used) / options.idle * 100
    print(f"idle: {idle:.2f} % of a core, {memory(pid) / MB:.0f} MB", flush=True)
    print(f"API, nobody listens: {in_words(latencies(weir.port, options.calls))}", flush=True)
    readers = Readers(weir.port)
    readers.open(options.readers)
    time.sleep(5)
    used, begun = cpu(pid), time.monotonic()
    listened = latencies(weir.port, options.calls)
    share = (cpu(pid) - used) / (time.monotonic() - begun) * 100
    print(f"API, {options.readers} listen: {in_words(listened)}; {share:.1f} % of a core, {memory(pid) / MB:.0f} MB", flush=True)
    listening = memory(pid)
    readers.open(max(0, 1000 - options.readers - options.stalled))
    readers.open(options.stalled, stalled=True)
    time.sleep(3)
    reset_peak(pid)
    # Each of these is an event of every torrent, or a "reset" in its place.
    for tag in ("a", "b", "c"):
        for start in range(0, options.torrents, 2500):
            rows = weir.get("torrents/info", limit=2500, offset=start)
            weir.do("torrents/addTags", {"hashes": "|".join(row["hash"] for row in rows), "tags": tag})
    crowd = latencies(weir.port, options.calls)
    print(f"API, 1000 listen, {options.stalled} of them never read, and all torrents change: {in_words(crowd)}; "
          f"peak {memory(pid, 'VmHWM') / MB:.0f} MB, {readers.ended} readers were cut", flush=True)
    readers.close()
    time.sleep(3)
    for path in ("/api/v2/sync/maindata", "/api/v2/torrents/info"):
        for encoding in (None, "gzip"):
            reset_peak(pid)
            before = memory(pid)
            seconds, total, other = full_answer(weir.port, path, encoding)
            print(f"{path}{' gzip' if encoding else ''}: {total / MB:.1f} MB in {seconds:.2f} s, others waited at most {other:.1f} ms, "
                  f"peak {(memory(pid, 'VmHWM') - before) / MB:+.1f} MB", flush=True)
    weir.stop()
    at.close()
    problems = []
    if listening > 150 * MB:
        problems.append(f"{listening / MB:.0f} MB")
    if idle > 1.5:
        problems.append(f"{idle:.2f} % of a core when idle")
    if listened["p99"] > 20:
        problems.append(f"p99 of {listened['p99']:.1f} ms")
    for problem in problems:
        print("PAST THE BOUND:", problem)
    sys.exit(1 if problems and options.strict else 0)


if __name__ == "__main__":
    main()
