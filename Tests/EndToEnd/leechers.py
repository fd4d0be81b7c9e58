"""Leeching peers that cost next to nothing: hundreds of connections in one thread, each speaking as much of BEP 3 as it takes
to be served. What they ask for is thrown away; what is kept is how many bytes of payload have come, and when.

Every peer has a loopback address and a peer id of its own, so that a seeder sees hundreds of strangers."""

import errno
import os
import random
import selectors
import socket
import struct
import threading
import time

BLOCK = 16 * 1024


class Peer:
    """One connection to one seeder for one torrent. `rate` is what it wants in bytes a second; None is all it can get. `depth`
    is how many blocks it asks for ahead."""

    def __init__(self, number, group, torrent, piece, port, rate, depth):
        self.group, self.port, self.rate, self.depth = group, port, rate, depth
        self.info_hash = bytes.fromhex(torrent.info_hash)
        self.pieces, self.piece = torrent.size // piece, piece
        self.address = f"127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}"
        self.peer_id = b"-XX0001-" + os.urandom(12)
        self.chance = random.Random(number)
        self.socket = None
        self.again_at = 0.0
        # Those who want little do not all ask at the same moment.
        self.tokens, self.filled_at = self.chance.random() * BLOCK, None

    def reset(self):
        self.buffer = bytearray()
        self.out = bytearray()
        self.skip = 0
        self.is_greeted = False
        self.is_choked = True
        self.waiting = 0
        self.place = self.chance.randrange(self.pieces) * (self.piece // BLOCK)


class LightLeechers:
    """Peers in a thread of their own, with what each group of them has received, sampled four times a second."""

    def __init__(self):
        self.peers = []
        self.selector = selectors.DefaultSelector()
        self.received = {}
        # (time, {group: payload bytes}) of all samples.
        self.samples = []
        self.drops = 0
        self.is_ending = False
        self.paused = set()
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def add(self, group, torrent, piece, port, rate=None, depth=24):
        self.received.setdefault(group, 0)
        self.peers.append(Peer(len(self.peers), group, torrent, piece, port, rate, depth))

    def start(self):
        self.thread.start()

    def close(self):
        self.is_ending = True
        self.thread.join()

    def connected(self):
        return sum(peer.socket is not None and peer.is_greeted for peer in self.peers)

    def pause(self, group, is_paused=True):
        """Those of the group leave, or come again."""
        with self.lock:
            (self.paused.add if is_paused else self.paused.discard)(group)

    def rates(self, group, start, end):
        """The means over any 10 s between the two times, of one group or a sum of several."""
        groups = [group] if isinstance(group, str) else group
        kept = [(at, sum(sums[g] for g in groups)) for at, sums in self.samples if start <= at <= end]
        found, later = [], 0
        for at, total in kept:
            while later < len(kept) and kept[later][0] < at + 10:
                later += 1
            if later == len(kept):
                break
            found.append((kept[later][1] - total) / (kept[later][0] - at))
        return found

    def mean(self, group, start, end):
        groups = [group] if isinstance(group, str) else group
        kept = [(at, sum(sums[g] for g in groups)) for at, sums in self.samples if start <= at <= end]
        return (kept[-1][1] - kept[0][1]) / max(0.01, kept[-1][0] - kept[0][0])

    # What the thread does.

    def run(self):
        sampled = 0.0
        while not self.is_ending:
            now = time.monotonic()
            if now >= sampled + 0.25:
                sampled = now
                self.samples.append((now, dict(self.received)))
                self.dial(now)
            for key, events in self.selector.select(0.02):
                if events & selectors.EVENT_READ:
                    self.read(key.data)
                if key.data.socket is not None and events & selectors.EVENT_WRITE:
                    self.flush(key.data)
            now = time.monotonic()
            for peer in self.peers:
                if peer.rate is not None and peer.socket is not None and not peer.is_choked:
                    self.ask(peer, now)
        for peer in self.peers:
            self.drop(peer)

    def dial(self, now):
        with self.lock:
            paused = set(self.paused)
        begun = 0
        for peer in self.peers:
            if peer.group in paused:
                if peer.socket is not None:
                    self.drop(peer)
                continue
            if peer.socket is None and now >= peer.again_at and begun < 20:
                begun += 1
                peer.reset()
                peer.socket = socket.socket()
                peer.socket.setblocking(False)
                peer.socket.bind((peer.address, 0))
                code = peer.socket.connect_ex(("127.0.0.1", peer.port))
                if code not in (0, errno.EINPROGRESS):
                    peer.socket.close()
                    peer.socket = None
                    continue
                peer.out += b"\x13BitTorrent protocol" + bytes(8) + peer.info_hash + peer.peer_id
                self.selector.register(peer.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, peer)

    def drop(self, peer):
        if peer.socket is None:
            return
        self.selector.unregister(peer.socket)
        peer.socket.close()
        peer.socket = None
        peer.again_at = time.monotonic() + 1
        self.drops += 1

    def read(self, peer):
        try:
            data = peer.socket.recv(256 * 1024)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            return self.drop(peer)
        # The middle of a block is counted and thrown away.
        if peer.skip >= len(data):
            peer.skip -= len(data)
            self.received[peer.group] += len(data)
            if peer.skip == 0:
                self.block_came(peer)
            return
        if peer.skip:
            self.received[peer.group] += peer.skip
            data = data[peer.skip:]
            peer.skip = 0
            self.block_came(peer)
        peer.buffer += data
        self.parse(peer)

    def parse(self, peer):
        if not peer.is_greeted:
            if len(peer.buffer) < 68:
                return
            if peer.buffer[28:48] != peer.info_hash:
                return self.drop(peer)
            del peer.buffer[:68]
            peer.is_greeted = True
            peer.out += struct.pack(">IB", 1, 2)
        at, end = 0, len(peer.buffer)
        while end - at >= 4:
            length = int.from_bytes(peer.buffer[at:at + 4], "big")
            if length > 1 << 20:
                return self.drop(peer)
            kind = peer.buffer[at + 4] if length and end - at > 4 else None
            if kind == 7:
                if end - at < 13:
                    break
                payload, here = length - 9, end - at - 13
                self.received[peer.group] += min(payload, here)
                if here < payload:
                    peer.skip = payload - here
                    at = end
                    break
                self.block_came(peer)
            elif end - at < 4 + length:
                break
            elif kind == 0:
                peer.is_choked = True
                peer.waiting = 0
            elif kind == 1:
                peer.is_choked = False
                self.ask(peer, time.monotonic())
            at += 4 + length
        del peer.buffer[:at]
        self.flush(peer)

    def block_came(self, peer):
        peer.waiting = max(0, peer.waiting - 1)
        if peer.rate is None:
            self.ask(peer, 0)

    def ask(self, peer, now):
        allowed = peer.depth
        if peer.rate is not None:
            if peer.filled_at is not None:
                peer.tokens = min(max(2.0 * BLOCK, peer.rate * 2.0), peer.tokens + (now - peer.filled_at) * peer.rate)
            peer.filled_at = now
            allowed = min(peer.depth, peer.waiting + int(peer.tokens // BLOCK))
        asked = False
        while not peer.is_choked and peer.waiting < allowed:
            piece, block = divmod(peer.place, peer.piece // BLOCK)
            peer.out += struct.pack(">IBIII", 13, 6, piece, block * BLOCK, BLOCK)
            peer.place = (peer.place + 1) % (peer.pieces * (peer.piece // BLOCK))
            peer.waiting += 1
            asked = True
            if peer.rate is not None:
                peer.tokens -= BLOCK
        if asked:
            self.flush(peer)

    def flush(self, peer):
        if peer.socket is None:
            return
        try:
            while peer.out:
                del peer.out[:peer.socket.send(peer.out)]
        except BlockingIOError:
            pass
        except OSError:
            return self.drop(peer)
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if peer.out else 0)
        if self.selector.get_key(peer.socket).events != wanted:
            self.selector.modify(peer.socket, wanted, peer)
