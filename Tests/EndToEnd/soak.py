#!/usr/bin/python3
"""`weir serve` under constant change for long: torrents come and go, readers of events too, people log in and fail to, trackers fail,
a governed qBittorrent (a fake) restarts. Memory, descriptors and threads must not grow.

    soak.py --minutes 20              in real time
    soak.py --hours 24 --speed 2880   with clocks that run faster (Support/fast_clock.c), until so many hours have passed for it

The slope of resident memory is fitted to the second half, with its 95 % confidence interval; `--slope` MB per hour fails the run
when the whole interval lies above it. Of faster clocks the hour is the process's own.
"""

import argparse
import hashlib
import http.client
import math
import os
import random
import socket
import subprocess
import sys
import time

import lab as laboratory
from fake_qbittorrent import FakeQBittorrent
from lab import bencode, wait_for
from library_service import Governing, expect, resident

MB = 1_000_000


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def fit(points):
    """The slope of a line through points and the half of its 95 % confidence interval. Neighbours are alike: they are joined to
    twenty means first."""
    size = max(1, len(points) // 20)
    points = [tuple(sum(p[axis] for p in points[n:n + size]) / size for axis in (0, 1)) for n in range(0, len(points) - size + 1, size)]
    count = len(points)
    mean_x, mean_y = (sum(p[axis] for p in points) / count for axis in (0, 1))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    rest = sum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in points)
    return slope, 2.1 * math.sqrt(rest / max(1, count - 2) / spread)


class Fast(laboratory.Weir):
    """With clocks that run faster."""

    environment = {}

    def start(self, **options):
        super().start(env={**os.environ, **self.environment}, **options)


class Churn:
    """One step changes a little of everything."""

    torrents_kept, readers_kept = 60, 20

    def __init__(self, at, weir, fake, seed):
        self.at, self.weir, self.fake, self.chance = at, weir, fake, random.Random(seed)
        self.number = self.steps = self.failures = 0
        self.torrents = []
        self.readers = []
        self.is_up = True

    def torrent(self):
        self.number += 1
        name = f"churn{self.number}"
        info = {"length": 65536, "name": name, "piece length": 16384, "pieces": hashlib.sha1(bytes(16384)).digest() * 4}
        with open(self.weir.downloads / name, "wb") as file:
            file.truncate(65536)
        self.torrents.append((hashlib.sha1(bencode(info)).hexdigest(), name))
        # A tracker that is not there, one that has no name, and one that answers nonsense: on many hosts, each of which is asked
        # ten times a second at most, so that no queue grows for want of their time.
        host = f"127.{1 + self.number // 62500}.{self.number // 250 % 250}.{1 + self.number % 250}"
        place = [f"{host}:1", f"nowhere{self.number % 100}.invalid", f"{host}:{self.weir.port}"][self.number % 3]
        return bencode({"announce": f"http://{place}/announce", "info": info})

    def step(self):
        self.steps += 1
        chance = self.chance
        self.try_to(lambda: self.weir.call("POST", "torrents/add", {"skip_checking": "true"}, [self.torrent() for _ in range(3)]))
        if len(self.torrents) > self.torrents_kept:
            gone = [self.torrents.pop(chance.randrange(len(self.torrents))) for _ in range(3)]
            self.post("torrents/delete", hashes="|".join(info_hash for info_hash, _ in gone), deleteFiles="true")
        some = "|".join(info_hash for info_hash, _ in chance.sample(self.torrents, min(5, len(self.torrents))))
        tag = f"tag{chance.randrange(5)}"
        action = chance.choice(["stop", "start", "recheck", "reannounce", "addTags", "removeTags", "setUploadLimit", "setCategory"])
        self.post(f"torrents/{action}", hashes=some, tags=tag, limit=chance.randrange(1 << 20), category="")
        for path in ("torrents/info", "sync/maindata", f"sync/maindata?rid={chance.randrange(1, 1 << 31)}", "transfer/info"):
            self.try_to(lambda: self.weir.call("GET", path))
        self.post("auth/login", username="nobody", password=str(self.steps))
        for path in ("/api/ui/overview", "/api/ui/torrents", "/metrics", "/api/access/session", "/stats", "/nothing"):
            self.ask("GET", path)
        self.ask("POST", "/api/access/login", {"name": "nobody", "password": "wrong"})
        self.ask("POST", "/webhook", {"hash": f"{chance.getrandbits(160):040x}", "event": "added"})
        self.read_events()
        if self.steps % 40 == 20:
            self.fake.stop()
            self.is_up = False
        elif self.steps % 40 == 0:
            self.fake.start()
            self.is_up = True

    def post(self, path, **form):
        self.try_to(lambda: self.weir.call("POST", path, form))

    def ask(self, method, path, body=None):
        self.try_to(lambda: self.weir.weir.call(method, path, body, timeout=10))

    def try_to(self, act):
        # With clocks that run a thousand times as fast, a request may be too slow.
        try:
            act()
        except (OSError, ValueError, AssertionError, http.client.HTTPException):
            self.failures += 1

    def read_events(self):
        """A reader comes, and the oldest goes; every third never reads."""
        try:
            one = socket.create_connection(("127.0.0.1", self.weir.port), timeout=5)
            one.sendall(b"GET /api/ui/events HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % self.weir.port)
            one.setblocking(False)
            self.readers.append(one)
        except OSError:
            self.failures += 1
        for number, reader in enumerate(self.readers):
            try:
                while number % 3 and reader.recv(1 << 16):
                    pass
            except OSError:
                pass
        while len(self.readers) > self.readers_kept:
            self.readers.pop(0).close()


def sample(weir):
    pid = weir.process.pid
    return resident(weir), descriptors(pid), threads(pid)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, help="of real time")
    parser.add_argument("--hours", type=float, help="for the process")
    parser.add_argument("--speed", type=float, default=1)
    parser.add_argument("--slope", type=float, default=0.1, help="MB per hour")
    parser.add_argument("--pause", type=float, default=0.2, help="seconds between two steps")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    seconds = options.minutes * 60 if options.minutes else (options.hours or 1) * 3600 / options.speed
    laboratory.enter_namespace()
    at = laboratory.Lab()
    if options.speed > 1:
        source = laboratory.ROOT / "Tests/Support/fast_clock.c"
        # Before the processes that wait in nothing but this test.
        compiler = next(c for c in ("cc", "gcc", "clang") if subprocess.run(["sh", "-c", f"command -v {c}"], capture_output=True).returncode == 0)
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", at.folder / "fast_clock.so", source, "-ldl"], check=True)
        Fast.environment = {"LD_PRELOAD": str(at.folder / "fast_clock.so"), "WEIR_CLOCK_SPEED": str(options.speed)}
    laboratory.Weir = Fast
    fake = FakeQBittorrent("fake", "5.1.0")
    fake.add(count=50, tracker="alpha", demand=100_000)
    tracker = {"id": "alpha", "name": "alpha", "pattern": "alpha", "max_upload_speed": 2_000_000, "priority": 1}
    rest = {"id": "rest", "name": "rest", "pattern": ".*", "max_upload_speed": -1, "priority": 1}
    weir = Governing(at, [fake], [tracker, rest], poll_interval=5)
    weir.downloads.mkdir()
    weir.start()
    churn = Churn(at, weir, fake, options.seed)
    begun = time.monotonic()
    points = []
    while (passed := time.monotonic() - begun) < seconds:
        churn.step()
        points.append((time.monotonic() - begun, *sample(weir)))
        expect(weir.process.poll() is None, "the service has ended: " + weir.weir.console()[-2000:])
        time.sleep(min(options.pause, max(0, seconds - passed)))
    hours = seconds * options.speed / 3600
    second_half = points[len(points) // 2:]
    per_second, margin = fit([(p[0], p[1] / MB) for p in second_half])
    factor = 3600 / options.speed
    slope, margin = per_second * factor, margin * factor
    print(f"{hours:.1f} h of its time in {seconds:.0f} s: {churn.steps} steps, {churn.number} torrents, {churn.failures} requests failed",
          flush=True)
    for name, column, unit in (("memory", 1, MB), ("descriptors", 2, 1), ("threads", 3, 1)):
        values = [p[column] / unit for p in points]
        quarter = max(1, len(values) // 4)
        means = [sum(values[n:n + quarter]) / quarter for n in range(0, quarter * 4, quarter)]
        print(f"{name:12} by quarter {', '.join(f'{mean:.1f}' for mean in means)}; most {max(values):.1f}", flush=True)
    print(f"memory grows by {slope:+.3f} ± {margin:.3f} MB an hour", flush=True)
    problems = []
    if slope - margin > options.slope:
        problems.append(f"memory grows by at least {slope - margin:.3f} MB an hour")
    last, middle = points[-len(points) // 8:], points[len(points) // 2:len(points) * 5 // 8]
    # Each torrent that is awake has its folder open, and perhaps a file.
    for name, column, slack in (("descriptors", 2, Churn.torrents_kept if churn.steps < 1000 else 25), ("threads", 3, 3)):
        before, after = (sum(p[column] for p in part) / len(part) for part in (middle, last))
        if after > before + slack:
            problems.append(f"{name}: {before:.0f}, then {after:.0f}")
    # It still works, at its own pace.
    status, _ = weir.call("GET", "torrents/info")
    expect(status == 200, f"torrents/info answered {status}")
    weir.process.terminate()
    code = weir.process.wait(60)
    if code != 0:
        problems.append(f"it ended with {code}: " + weir.weir.console()[-1500:])
    for problem in problems:
        print("FAILED", problem, flush=True)
    at.close()
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
