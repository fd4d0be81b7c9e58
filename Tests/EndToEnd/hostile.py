#!/usr/bin/python3
"""Hostile peers, trackers, torrents and magnet links against the real binary: what it must survive, with its memory and its
descriptors counted."""

import contextlib
import gzip
import hashlib
import json
import os
import random
import re
import resource
import socket
import struct
import subprocess
import threading
import time

import lab as laboratory
from checks import Checks, expect, same
from lab import bencode, free_port, wait_for

checks = Checks(__doc__)
PIECE = 32 * 1024
PIECES = 64
BAD = 65
# What one check's enemies may cost the process, in MiB.
MEMORY = 24


def packed(kind, *words, data=b""):
    """A message of the wire protocol."""
    body = bytes([kind]) + b"".join(struct.pack(">I", word & 0xFFFFFFFF) for word in words) + data
    return struct.pack(">I", len(body)) + body


class Session:
    """A `weir get` or `weir seed` of a torrent of zeros."""

    def __init__(self, at, verb, argument=None, announce=None, name="torrent", options=(), info=None):
        self.at, self.port = at, free_port()
        self.folder = at.folder / f"{name}-{verb}"
        self.folder.mkdir()
        self.info = info or {"length": PIECES * PIECE, "name": name, "piece length": PIECE,
                             "pieces": hashlib.sha1(bytes(PIECE)).digest() * PIECES}
        self.hash = hashlib.sha1(bencode(self.info)).digest()
        self.torrent = at.folder / f"{name}.torrent"
        self.torrent.write_bytes(bencode({"announce": announce, "info": self.info} if announce else {"info": self.info}))
        if verb == "seed":
            with open(self.folder / name, "wb") as file:
                file.truncate(PIECES * PIECE)
        runtime = at.folder / "runtime"
        runtime.mkdir(exist_ok=True, mode=0o700)
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": str(runtime), "XDG_STATE_HOME": str(at.folder / "state")}
        self.log = at.folder / f"{name}-{verb}.log"
        self.process = at.start([laboratory.BINARY, verb, argument or self.torrent, "--dir", self.folder, "--port", self.port, *options],
                                self.log.name, env=self.environment)
        wait_for(self.answers, 20, f"{verb} listens")
        wait_for(self.report, 20, "a report")
        self.rest()

    def answers(self):
        expect(self.process.poll() is None, f"it ended: {self.text()}")
        return laboratory.can_connect(self.port)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)

    def text(self):
        return self.log.read_text(errors="replace")

    def rest(self):
        """What it needs without an enemy."""
        self.memory, self.files = self.resident(), self.descriptors()

    def resident(self):
        status = (laboratory.Path("/proc") / str(self.process.pid) / "status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def report(self):
        done = subprocess.run([str(laboratory.BINARY), "why", "--json"], capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, env=self.environment)
        torrents = json.loads(done.stdout)["torrents"] if done.returncode == 0 else []
        return next((t for t in torrents if t["id"] == self.hash.hex()), None)

    def is_well(self, memory=MEMORY, files=2):
        """It runs, took no more memory than that, and gave back the descriptors of enemies that left."""
        same(self.process.poll(), None, "it runs")
        grown = self.resident() - self.memory
        expect(grown <= memory, f"{grown:.1f} MiB more than the {self.memory:.1f} before")
        wait_for(lambda: self.descriptors() <= self.files + files, 20, f"descriptors as before ({self.files})")

    def connect(self, reserved=bytes(5) + b"\x10\x00\x05", hash=None, greeted=True):
        """A peer that has shaken hands."""
        peer = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        if greeted:
            peer.sendall(b"\x13BitTorrent protocol" + reserved + (hash or self.hash) + b"-XX0001-" + os.urandom(12))
        return peer


def is_closed(peer, seconds=15):
    """Whether the other side ends the connection."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        peer.settimeout(max(0.01, end - time.monotonic()))
        try:
            if not peer.recv(65536):
                return True
        except TimeoutError:
            return False
        except OSError:
            return True
    return False


def honest(session, pieces=2):
    """Whether an honest peer still gets data."""
    with session.connect() as peer:
        peer.sendall(packed(2))
        data = b""
        wanted = pieces * (9 + PIECE // 2)
        asked = False
        end = time.monotonic() + 15
        while time.monotonic() < end and len(data) < wanted:
            data += peer.recv(65536)
            if not asked and packed(1) in data:
                asked, data = True, b""
                for piece in range(pieces):
                    peer.sendall(packed(6, piece, 0, PIECE // 2))
        return len(data) >= wanted


EXTENDED = 20
# Each breaks one rule of BEP 3, 6, 9, 10 or 11 in a way that no honest client does.
DEADLY = {
    "a length of 4 GiB": b"\xff\xff\xff\xff",
    "a length of 16 MiB": struct.pack(">IB", 1 << 24, 7),
    "have of a piece beyond the last": packed(4, PIECES),
    "have of piece 2^32-1": packed(4, 0xFFFFFFFF),
    "a have of five bytes": packed(4, 1, data=b"x"),
    "a bit field that is too short": packed(5, data=bytes(PIECES // 8 - 1)),
    "a bit field that is too long": packed(5, data=bytes(PIECES // 8 + 1)),
    "a bit field of 1 MiB": packed(5, data=bytes(1 << 20)),
    "haveAll twice": packed(14) + packed(14),
    "haveAll behind haveNone": packed(15) + packed(14),
    "a request beyond the last piece": packed(6, PIECES, 0, 16384),
    "a request of 1 MiB": packed(6, 0, 0, 1 << 20),
    "a request of 2 GiB": packed(6, 0, 0, 1 << 31),
    "a request of nothing": packed(6, 0, 0, 0),
    "a request whose end overflows": packed(6, 0, 0xFFFFFFFF, 16384),
    "pieces that nobody asked for": packed(7, 0, 0, data=bytes(16384)) * 20,
    "a piece without data": packed(7, 0, 0),
    "a piece beyond the last": packed(7, PIECES, 0, data=bytes(16384)),
    "a cancel of 13 bytes too many": packed(8, 0, 0, 16384, data=bytes(13)),
    "an extended message without a number": packed(EXTENDED),
    "an extended message of 512 KiB": packed(EXTENDED, data=b"\0" + bytes(1 << 19)),
    "an allowed fast of a piece beyond the last": packed(17, PIECES),
    "ten thousand and one empty messages": bytes(4) * 10_001,
}


def extension(number, value, data=b""):
    return packed(EXTENDED, data=bytes([number]) + (value if isinstance(value, bytes) else bencode(value)) + data)


HELLO = extension(0, {"m": {"ut_metadata": 3, "ut_pex": 4}, "v": "\x1b]0;owned\x07\x1b[2J\u202eevil", "reqq": 2**31})
# Odd, useless or much, but no reason to end a connection at once.
BEARABLE = {
    "unknown messages": packed(77, data=bytes(1000)) * 50,
    "cancels of what was never asked for": packed(8, 0, 0, 16384) * 20_000,
    "suggestions and allowances for ever": (packed(13, 1) + packed(17, 2)) * 20_000,
    "have of all pieces again and again": b"".join(packed(4, piece) for piece in range(PIECES)) * 300,
    "v2 hash requests": packed(21, data=bytes(48)) * 100,
    "an extension handshake that is no dictionary": extension(0, b"i5e"),
    "extension handshakes without an end": HELLO * 2000,
    "nested lists": extension(0, b"l" * 50_000),
    "metadata of no bytes": extension(0, {"m": {"ut_metadata": 3}, "metadata_size": 0}),
    "metadata of fewer than no bytes": extension(0, {"m": {"ut_metadata": 3}, "metadata_size": -1}),
    "metadata of 2 GiB": extension(0, {"m": {"ut_metadata": 3}, "metadata_size": 1 << 31}),
    "metadata pieces that are not there": HELLO + b"".join(
        extension(2, {"msg_type": 0, "piece": n}) for n in (-1, 1, 1 << 20, 1 << 31, 1 << 62)),
    "metadata that nobody asked for": HELLO + extension(2, {"msg_type": 1, "piece": 0, "total_size": 9}, bytes(9)),
    "peer exchange of 5,000 contacts again and again": HELLO + extension(1, {"added": os.urandom(30_000), "added.f": bytes(5000)}) * 60,
    "peer exchange of bad contacts": HELLO + extension(1, {"added": b"\x7f\0\0\1\0\x50\0\0\0\0\0\x50\xe0\0\0\1\0\x50\1\1\1\1\0\0"}),
    "peer exchange that is no bencoding": HELLO + extension(1, b"\xff" * 1000),
    "a number that nobody knows": extension(200, b"x" * 1000) * 50,
}


@checks("peers that break a rule are let go of; others are served; memory and descriptors stay")
def _(at):
    session = Session(at, "seed")
    for name, words in DEADLY.items():
        with session.connect() as peer:
            with contextlib.suppress(OSError):
                peer.sendall(words)
            expect(is_closed(peer), f"{name}: the connection goes on")
        expect(session.process.poll() is None, f"{name}: it ended: {session.text()}")
    session.is_well()
    expect(honest(session), "an honest peer is not served")


@checks("peers that are a nuisance cost neither memory nor descriptors, and nobody else")
def _(at):
    session = Session(at, "seed")
    for name, words in BEARABLE.items():
        with session.connect() as peer:
            with contextlib.suppress(OSError):
                peer.settimeout(3)
                peer.sendall(words)
            is_closed(peer, 0.1)
        expect(session.process.poll() is None, f"{name}: it ended: {session.text()}")
    session.is_well()
    expect(honest(session), "an honest peer is not served")


@checks("a peer that asks for ever and never reads is not answered into memory")
def _(at):
    session = Session(at, "seed")
    peers = []
    for words in (packed(2) + packed(6, 0, 0, 16384) * 40_000, HELLO + extension(2, {"msg_type": 0, "piece": 0}) * 40_000,
                  packed(2) + packed(6, PIECES - 1, 16384, 16384) * 40_000):
        peer = session.connect()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.settimeout(2)
        with contextlib.suppress(OSError):
            peer.sendall(words)
        peers.append(peer)
    expect(honest(session), "an honest peer is not served beside them")
    for peer in peers:
        peer.close()
    session.is_well()


@checks("slow openings: the place of the slowest goes to newcomers, and all are let go of in time")
def _(at):
    session = Session(at, "seed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, max(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    slow = []
    for _ in range(700):
        with contextlib.suppress(OSError):
            slow.append(session.connect(greeted=False))
    started = time.monotonic()
    for step in range(3):
        for peer in slow:
            with contextlib.suppress(OSError):
                peer.send(b"\x13BitTorrent protocol"[step:step + 1])
        time.sleep(0.3)
    expect(honest(session), "an honest peer is not served beside 700 slow ones")
    expect(time.monotonic() - started < 8, f"only after {time.monotonic() - started:.1f} s, when the slow ones were gone")
    expect(all(is_closed(peer, 20) for peer in slow), "a slow one stays")
    expect(time.monotonic() - started < 30, f"the last one went after {time.monotonic() - started:.1f} s")
    for peer in slow:
        peer.close()
    session.is_well()


@checks("a storm of connections, and strangers' noise in place of handshakes")
def _(at):
    session = Session(at, "seed")
    chance = random.Random(4)
    for noise in (b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x13BitTorrent protocol",
                  b"\0" * 96, b"\0" * 2000, chance.randbytes(96), chance.randbytes(3000), b"\x13BitTorrent protocol" + bytes(48)):
        for _ in range(40):
            with contextlib.suppress(OSError), session.connect(greeted=False) as peer:
                peer.sendall(noise)
    for _ in range(1000):
        with contextlib.suppress(OSError):
            session.connect(greeted=False).close()
    with session.connect(hash=os.urandom(20)) as peer:
        expect(is_closed(peer), "a stranger to this torrent stays")
    expect(honest(session), "an honest peer is not served after them")
    session.is_well()


@contextlib.contextmanager
def listener(play):
    """A TCP server that plays `play(connection, request)` to whoever sends a request; notes the first line of each."""
    server = socket.create_server(("127.0.0.1", 0), backlog=100)
    requests = []

    def serve(connection):
        with connection, contextlib.suppress(OSError):
            connection.settimeout(20)
            data = b""
            while b"\r\n\r\n" not in data and len(data) < 65536:
                part = connection.recv(65536)
                if not part:
                    return
                data += part
            requests.append(data.split(b"\r\n")[0].decode("latin-1"))
            play(connection, data)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server.getsockname()[1], requests
    finally:
        server.close()


def answers(body, head=b"HTTP/1.1 200 OK\r\n", length=True):
    def play(connection, _):
        connection.sendall(head + (b"Content-Length: %d\r\n" % len(body) if length else b"") + b"\r\n" + body)
    return play


def endless(head, part):
    def play(connection, _):
        connection.sendall(head)
        while True:
            connection.sendall(part)
    return play


MANY = {"interval": 1800, "peers": os.urandom(6 * 300_000)}
DICTIONARIES = b"d8:intervali1800e5:peersl" + b"d2:ip9:10.0.0.994:porti%dee" % 6881 * 60_000 + b"ee"
ANSWERS = {
    "300,000 peers": answers(bencode(MANY)),
    "60,000 peers as dictionaries": answers(DICTIONARIES),
    "6 MB of peers": answers(bencode({"interval": 1800, "peers": bytes(6_000_000)})),
    "an interval of 2^62": answers(bencode({"interval": 1 << 62, "min interval": 1 << 62, "peers": b""})),
    "a negative interval": answers(bencode({"interval": -5, "min interval": -(1 << 62), "peers": b"x"})),
    "an interval of nothing": answers(bencode({"interval": 0, "peers": b"\x7f\0\0\1\0\0"})),
    "no length and 1 GB": endless(b"HTTP/1.1 200 OK\r\n\r\n", bytes(1 << 20)),
    "chunks for ever": endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + bytes(65536) + b"\r\n"),
    "a gzip bomb": answers(gzip.compress(bytes(200 << 20)), b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"),
    "headers for ever": endless(b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"y" * 1000 + b"\r\n"),
    "a header of 10 MB": answers(b"", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 10_000_000 + b"\r\n"),
    "nesting": answers(b"d5:peers" + b"l" * 1_000_000),
    "hostile words": answers(bencode({"failure reason": "\x1b]0;owned\x07\x1b[2J\u202ekcatta " + "x" * 100_000})),
    "a length of less than nothing": answers(b"", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n", length=False),
    "a length of 2^64": answers(b"de", b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n", length=False),
    "no HTTP": answers(b"\xff" * 10_000, b"", length=False),
    "a bare end": lambda connection, _: None,
}


@checks("a tracker may answer what it likes")
def _(at):
    servers = contextlib.ExitStack()
    with servers:
        ports = {name: servers.enter_context(listener(play)) for name, play in ANSWERS.items()}
        # One torrent with all of them in one tier after another would end with the first that works.
        def ask(part):
            sessions = []
            for name in part:
                port, requests = ports[name]
                session = Session(at, "get", announce=f"http://127.0.0.1:{port}/announce", name=re.sub(r"\W", "-", name))
                sessions.append((name, session, requests))
            for name, session, requests in sessions:
                wait_for(lambda: requests, 20, f"{name}: a request")
            for name, session, _ in sessions:
                found = wait_for(lambda: (r := session.report()) and r["trackers"][0]["state"] not in ("announcing", "waiting") and r, 30,
                                 f"{name}: an outcome")
                tracker = found["trackers"][0]
                words = tracker.get("words") or ""
                expect(len(words) <= 3 * 1024, f"{name}: {len(words)} bytes of words")
                wait = tracker.get("next_announce_seconds")
                expect(wait is None or 0 <= wait <= 86_400, f"{name}: asks again in {wait} s")
                session.is_well()
                session.stop()
        names = list(ANSWERS)
        for start in range(0, len(names), 6):
            ask(names[start:start + 6])


@checks("a tracker leads nowhere that the torrent itself may not reach")
def _(at):
    with listener(answers(b"d8:intervali1800e5:peers0:e")) as (inside, asked):
        targets = {
            f"http://127.0.0.1:{inside}/admin?announce": 0, f"http://127.0.0.1:{inside}/admin": 0, "file:///etc/passwd": 0,
            f"gopher://127.0.0.1:{inside}/announce": 0, f"//127.0.0.1:{inside}/shutdown": 0,
            f"http://localhost:{inside}/x": 0, f"http://2130706433:{inside}/x": 0, f"http://[::ffff:127.0.0.1]:{inside}/x": 0,
            "http://169.254.169.254/latest/meta-data/": 0, f"http://127.0.0.1:{inside}/announce": 1,
        }
        for number, (target, wanted) in enumerate(targets.items()):
            asked.clear()
            head = f"HTTP/1.1 302 Found\r\nLocation: {target}\r\n".encode()
            with listener(answers(b"", head)) as (port, first):
                session = Session(at, "get", announce=f"http://127.0.0.1:{port}/announce", name=f"redirect{number}")
                wait_for(lambda: first, 20, "a request")
                wait_for(lambda: (r := session.report()) and r["trackers"][0]["state"] in ("working", "failing") and r, 20, f"{target}: an outcome")
                same(len(asked), wanted, f"requests that came to {target}: {asked}")
                session.stop()
        # Directly as well, and a circle of redirects ends.
        for number, url in enumerate((f"http://127.0.0.1:{inside}/admin?x=/announce", f"http://127.0.0.1:{inside}/reset",
                                      f"http://user:word@127.0.0.1:{inside}/reset", f"http://127.0.0.1:{inside}/a%0d%0aX-Evil:%201/b")):
            asked.clear()
            session = Session(at, "get", announce=url, name=f"direct{number}")
            wait_for(lambda: (r := session.report()) and r["trackers"][0]["state"] == "failing" and r, 20, f"{url}: an outcome")
            same(asked, [], f"requests that came to {url}")
            session.stop()
    circle = []

    def turn(connection, _):
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /announce\r\nContent-Length: 0\r\n\r\n")
    with listener(turn) as (port, circle):
        session = Session(at, "get", announce=f"http://127.0.0.1:{port}/announce", name="circle")
        wait_for(lambda: (r := session.report()) and r["trackers"][0]["state"] == "failing" and r, 20, "the end of the circle")
        expect(len(circle) <= 6, f"{len(circle)} redirects were followed")


if __name__ == "__main__":
    checks.main()
