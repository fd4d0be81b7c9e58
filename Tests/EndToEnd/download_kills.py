#!/usr/bin/python3
"""`weir get` is killed (-9) at random moments of real downloads and started again, many times.

Each download has a rate-limited seeder (libtorrent, aria2 or `weir seed`) and a second leecher that is connected to Weir all the
time; some are encrypted. In the end every file is bit for bit what it should be, no kill has cost more than 5 s of what was
fetched (beside the blocks in flight), and the second leecher has not received one piece that was not right.

    download_kills.py [--count 200] [--lanes 4] [--seed N]
"""

import argparse
import concurrent.futures
import filecmp
import hashlib
import json
import random
import socket
import struct
import subprocess
import sys
import threading
import time
import xmlrpc.client

import lab as laboratory
from lab import bencode, free_port, wait_for

RATE = 3 << 20
STATED_SECONDS = 5
MEBIBYTE = 1 << 20
# How late a seeder's counter is, in seconds.
LAG = {"libtorrent": 0.3, "weir": 1.5, "aria2": 2.5}

# Prints how many bytes it has sent.
LIBTORRENT_SEEDER = r"""
import json, sys, time
import libtorrent as lt
torrent, folder, port, encryption, limit = sys.argv[1:6]
policy = {"plain": 2, "encrypted": 0}[encryption]
session = lt.session({"listen_interfaces": f"127.0.0.1:{port}", "enable_dht": False, "enable_lsd": False, "enable_upnp": False,
    "enable_natpmp": False, "enable_outgoing_utp": False, "enable_incoming_utp": False, "out_enc_policy": policy,
    "in_enc_policy": policy, "allowed_enc_level": 2 if encryption == "encrypted" else 3, "allow_multiple_connections_per_ip": True,
    "alert_mask": 0, "min_reconnect_time": 1, "ssrf_mitigation": False, "max_failcount": 1000000, "peer_timeout": 20,
    "rate_limit_ip_overhead": False})
p = lt.add_torrent_params()
p.ti = lt.torrent_info(torrent)
p.save_path = folder
# The session's own limit does not hold for peers on loopback.
p.upload_limit = int(limit)
p.flags = (p.flags & ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused))
p.flags |= lt.torrent_flags.seed_mode
handle = session.add_torrent(p)
while True:
    print(json.dumps({"up": handle.status().total_payload_upload}), flush=True)
    time.sleep(0.1)
"""


class Payload:
    def __init__(self, lab, name, chance):
        self.folder = lab.folder / f"payload-{name}"
        (self.folder / name).mkdir(parents=True)
        self.size = chance.randrange(24, 40) * MEBIBYTE + chance.randrange(100_000)
        self.piece = chance.choice([64, 256, 1024]) * 1024
        data = chance.randbytes(self.size)
        cuts = sorted(chance.randrange(self.size + 1) for _ in range(chance.randrange(1, 9)))
        files = []
        for number, (start, end) in enumerate(zip([0, *cuts], [*cuts, self.size])):
            (self.folder / name / f"file {number}").write_bytes(data[start:end])
            files.append({"length": end - start, "path": [f"file {number}"]})
        info = {"files": files, "name": name, "piece length": self.piece,
                "pieces": b"".join(hashlib.sha1(data[i:i + self.piece]).digest() for i in range(0, self.size, self.piece))}
        self.torrent = lab.folder / f"{name}.torrent"
        self.torrent.write_bytes(bencode({"info": info}))
        self.data, self.info_hash = data, hashlib.sha1(bencode(info)).digest()
        self.pieces = -(-self.size // self.piece)

    def length(self, piece):
        return min(self.piece, self.size - piece * self.piece)

    def differs_from(self, folder):
        for place in self.folder.rglob("*"):
            other = folder / place.relative_to(self.folder)
            if place.is_file() and not (other.exists() and filecmp.cmp(place, other, shallow=False)):
                return f"{other.name} is not what it should be"
        return None


class Process:
    """Something that prints JSON lines; `last` has the newest value of each key."""

    def __init__(self, lab, arguments):
        self.last, self.seen = {}, []
        self.errors = open(lab.folder / "errors.log", "ab")
        self.process = subprocess.Popen([str(a) for a in arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=self.errors, text=True)
        lab.processes.append(self.process)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            try:
                value = json.loads(line)
            except ValueError:
                continue
            self.seen.append(value)
            self.last.update(value)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()


class Follower:
    """A leecher of our own, which compares every block that Weir sends with what it should be."""

    def __init__(self, payload, port):
        self.payload, self.port = payload, port
        self.received, self.wrong, self.has, self.is_closed = 0, [], set(), False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.is_closed:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                    connection.settimeout(10)
                    self.talk(connection)
            except (OSError, ValueError):
                time.sleep(0.2)

    def talk(self, connection):
        identity = b"-XX0001-" + random.randbytes(12)
        connection.sendall(b"\x13BitTorrent protocol" + bytes(8) + self.payload.info_hash + identity)
        data = connection.makefile("rb")
        if len(data.read(68)) < 68:
            raise ValueError("closed")
        connection.sendall(struct.pack(">IB", 1, 2))
        offered, choked, asked = set(), True, None
        while not self.is_closed:
            head = data.read(4)
            if len(head) < 4:
                raise ValueError("closed")
            body = data.read(struct.unpack(">I", head)[0])
            if body[:1] == b"\x00":
                choked, asked = True, None
            elif body[:1] == b"\x01":
                choked = False
            elif body[:1] == b"\x04":
                offered.add(struct.unpack(">I", body[1:5])[0])
            elif body[:1] == b"\x05":
                offered |= {n for n in range(self.payload.pieces) if body[1 + n // 8] >> (7 - n % 8) & 1}
            elif body[:1] == b"\x07":
                piece, offset = struct.unpack(">II", body[1:9])
                start = piece * self.payload.piece + offset
                if body[9:] != self.payload.data[start:start + len(body) - 9]:
                    differing = [i for i, (a, b) in enumerate(zip(body[9:], self.payload.data[start:])) if a != b]
                    self.wrong.append(f"piece {piece} at {offset}: {len(differing)} bytes differ, from {differing[0]} to "
                                      f"{differing[-1]}")
                self.received += len(body) - 9
                self.has.add((piece, offset))
                asked = None
            if asked is None and not choked:
                asked = next(((p, o) for p in sorted(offered) for o in range(0, self.payload.length(p), 16384)
                              if (p, o) not in self.has), None)
                if asked:
                    piece, offset = asked
                    connection.sendall(struct.pack(">IBIII", 13, 6, piece, offset,
                                                   min(16384, self.payload.length(piece) - offset)))


class Seeder:
    """Sends at most RATE bytes a second, and says how many it has sent."""

    def __init__(self, lab, kind, payload, encryption):
        self.kind, self.port = kind, free_port()
        self.rpc = free_port()
        if kind == "libtorrent":
            arguments = [sys.executable, "-c", LIBTORRENT_SEEDER, payload.torrent, payload.folder, self.port, encryption, RATE]
        elif kind == "aria2":
            crypto = ["--bt-require-crypto=true", "--bt-min-crypto-level=arc4"] if encryption == "encrypted" else []
            arguments = ["aria2c", "--no-conf", f"--dir={payload.folder}", f"--listen-port={self.port}", "--enable-dht=false",
                         "--enable-dht6=false", "--bt-enable-lpd=false", "--enable-peer-exchange=false", "--seed-ratio=0.0",
                         "--bt-seed-unverified=true", "--check-integrity=false", "--allow-overwrite=true", "--disable-ipv6",
                         f"--max-upload-limit={RATE}", "--enable-rpc", f"--rpc-listen-port={self.rpc}", "--quiet", *crypto,
                         payload.torrent]
        else:
            arguments = [laboratory.BINARY, "seed", payload.torrent, "--dir", payload.folder, "--port", self.port, "--json", "--up",
                         str(RATE), *(["--encryption", "require"] if encryption == "encrypted" else [])]
        self.peer = Process(lab, arguments)
        wait_for(lambda: laboratory.can_connect(self.port), 30, f"{kind} seeding")

    @property
    def sent(self):
        if self.kind == "aria2":
            active = xmlrpc.client.ServerProxy(f"http://127.0.0.1:{self.rpc}/rpc").aria2.tellActive(["uploadLength"])
            return int(active[0]["uploadLength"]) if active else 0
        return self.peer.last.get("up" if self.kind == "libtorrent" else "uploaded", 0)


class Download:
    def __init__(self, lab, number, chance):
        self.lab, self.chance = lab, chance
        name = f"d{number}"
        self.encryption = chance.choice(["plain", "plain", "encrypted"])
        self.payload = Payload(lab, name, chance)
        self.seeder = Seeder(lab, chance.choice(["libtorrent", "libtorrent", "aria2", "weir"]), self.payload, self.encryption)
        self.folder = lab.folder / f"target-{name}"
        self.port = free_port()
        self.follower = Follower(self.payload, self.port)
        self.what = f"{name}: {self.seeder.kind}, {self.encryption}, {self.payload.size >> 20} MiB"

    @property
    def fetched(self):
        return self.seeder.sent

    def watch(self, weir, seconds):
        """Kills it after this time, unless it has ended. Answers what was fetched by when, and when it was killed."""
        end, history = time.monotonic() + seconds, []
        while weir.process.poll() is None:
            history.append((time.monotonic(), self.fetched))
            if time.monotonic() >= end:
                weir.kill()
                return history, time.monotonic()
            time.sleep(0.1)
        return history, None

    def settled(self):
        """What was fetched, once the counters have come to rest: they lag by seconds."""
        time.sleep(0.3)
        fetched, since = self.fetched, time.monotonic()
        while self.seeder.kind != "libtorrent" and time.monotonic() - since < 2.5:
            time.sleep(0.25)
            now = self.fetched
            if now != fetched:
                fetched, since = now, time.monotonic()
        return fetched

    def start(self):
        weir = Process(self.lab, [laboratory.BINARY, "get", self.payload.torrent, "--dir", self.folder, "--port", self.port,
                                  "--json", "--peer", f"127.0.0.1:{self.seeder.port}",
                                  # The second leecher takes no encryption.
                                  *(["--encryption", "prefer"] if self.encryption == "encrypted" else [])])
        begun = wait_for(lambda: weir.process.poll() is not None or self.begun(weir), 60, "a start")
        return weir, begun

    @staticmethod
    def begun(weir):
        """What it had when it began to download: its first word of that."""
        return next((v for v in list(weir.seen) if v.get("state") in ("downloading", "seeding")), None)

    def run(self, kills):
        """Kills it so many times, or until it is complete. Answers for each kill the bytes that were fetched in vain."""
        lost, had, before = [], None, 0
        self.excess = []
        deadline = time.monotonic() + 240
        while True:
            weir, _ = self.start()
            begun = self.begun(weir) or {"done": self.payload.size, "downloaded": 0}
            now_had = begun["done"] - begun["downloaded"]
            if had is not None:
                lost.append(life - (now_had - had))
                self.excess.append(lost[-1] - allowed)
            had = now_had
            if len(lost) >= kills:
                weir.process.wait(max(1, deadline - time.monotonic()))
            else:
                history, killed = self.watch(weir, self.chance.uniform(0.2, 10))
                if killed:
                    fetched = self.settled()
                    life, before = fetched - before, fetched
                    # What was fetched in the stated time, by counters that lag.
                    begin = killed - STATED_SECONDS - LAG[self.seeder.kind]
                    allowed = fetched - max([count for at, count in history if at <= begin], default=0)
                    continue
            if weir.process.returncode != 0:
                raise AssertionError(f"weir get ended with {weir.process.returncode}")
            break
        problem = self.payload.differs_from(self.folder)
        if problem:
            raise AssertionError(problem)
        rest = [place.name for place in self.folder.iterdir() if place.name.startswith(".")]
        if rest:
            raise AssertionError(f"left behind: {rest}")
        if self.follower.wrong:
            raise AssertionError(f"the second leecher was given wrong bytes: {self.follower.wrong[:5]}")
        return lost

    def close(self):
        self.seeder.peer.kill()
        self.follower.is_closed = True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--lanes", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    laboratory.enter_namespace()
    lab = laboratory.Lab()
    left, guard, failures, lost, served = [options.count], threading.Lock(), [], [], [0]
    numbers = iter(range(1_000_000))

    def lane(_):
        while True:
            with guard:
                if left[0] <= 0 or len(failures) > 5:
                    return
                number = next(numbers)
                share = min(3, left[0])
                left[0] -= share
            download, found = None, []
            try:
                download = Download(lab, number, random.Random(options.seed * 1_000_003 + number))
                found = download.run(share)
                # Beside what was fetched in the stated time: blocks are under way, and pieces that are not complete count as
                # nothing in what Weir says it has, though it has their blocks.
                for bytes_lost, excess in zip(found, download.excess):
                    if excess > MEBIBYTE + 4 * download.payload.piece:
                        raise AssertionError(f"a kill cost {bytes_lost} bytes, {excess} more than came in {STATED_SECONDS} s")
            except Exception as failure:  # Whatever it is: the other lanes go on.
                failures.append(f"{download.what if download else number}: {type(failure).__name__}: {failure}")
                print("FAILED", failures[-1], flush=True)
            finally:
                if download:
                    served[0] += download.follower.received
                    download.close()
                    subprocess.run(["rm", "-rf", download.folder, download.payload.folder], check=False)
            with guard:
                # A download that was complete before its kills were used up gives them back.
                left[0] += share - len(found)
                lost.extend(found)
                if download:
                    print(f"{download.what}: {len(found)} kills, lost {[round(b / MEBIBYTE, 1) for b in found]} MiB", flush=True)

    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(options.lanes) as pool:
        list(pool.map(lane, range(options.lanes)))
    seconds = sorted(b / RATE for b in lost) or [0]
    print(f"{len(lost)} kills in {time.monotonic() - started:.0f} s; each cost {sum(seconds) / len(seconds):.1f} s of the rate on "
          f"average, {seconds[-1]:.1f} s at most; the second leechers were given {served[0] >> 20} MiB, none of it wrong", flush=True)
    if not served[0]:
        failures.append("the second leechers got nothing: that proves nothing")
    if len(lost) < options.count:
        failures.append("not as many kills as were wanted")
    for failure in failures:
        print("FAILED", failure)
    print(f"{len(lost)} kills, {len(failures)} failed", flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
