#!/usr/bin/python3
"""What hinders `weir get` and `weir seed`: full and read-only disks, too few descriptors, files that change, ports in use, no
route. Each is told with its name, costs nothing that was fetched, and is over when its cause is."""

import filecmp
import hashlib
import json
import os
import random
import resource
import socket
import subprocess
from pathlib import Path

import lab as laboratory
from checks import Checks, expect, same
from lab import bencode, free_port, wait_for

checks = Checks(__doc__)
PIECE = 64 * 1024
MEBIBYTE = 1 << 20


class Payload:
    """Files of random bytes and their torrent."""

    def __init__(self, at, name="payload", sizes=(3 * MEBIBYTE, 2 * MEBIBYTE + 12345, 700), announce=None):
        self.at, self.name = at, name
        self.folder = at.folder / "source"
        (self.folder / name).mkdir(parents=True)
        data = b""
        files = []
        for number, size in enumerate(sizes):
            part = random.Random(f"{name} {number}").randbytes(size)
            (self.folder / name / f"file {number}").write_bytes(part)
            files.append({"length": size, "path": [f"file {number}"]})
            data += part
        self.size = len(data)
        info = {"files": files, "name": name, "piece length": PIECE,
                "pieces": b"".join(hashlib.sha1(data[i:i + PIECE]).digest() for i in range(0, len(data), PIECE))}
        self.hash = hashlib.sha1(bencode(info)).hexdigest()
        self.torrent = at.folder / f"{name}.torrent"
        self.torrent.write_bytes(bencode({"info": info, **({"announce": announce} if announce else {})}))

    def expect_same(self, folder):
        for place in self.folder.rglob("*"):
            other = folder / place.relative_to(self.folder)
            expect(place.is_dir() or (other.exists() and filecmp.cmp(place, other, shallow=False)), f"{other} differs")


class Session:
    """A `weir get` or `weir seed` with --json."""

    def __init__(self, at, verb, *arguments, prefix=(), **options):
        self.at = at
        self.log = at.folder / f"{verb}-{random.randrange(10**9)}.log"
        self.process = subprocess.Popen([*map(str, prefix), str(laboratory.BINARY), verb, *map(str, arguments), "--json"],
                                        stdin=subprocess.DEVNULL, stdout=open(self.log, "wb"),
                                        stderr=open(f"{self.log}.err", "wb"), **options)
        at.processes.append(self.process)

    def events(self, *kinds):
        found = []
        for line in self.log.read_text().splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if event.get("event") in kinds:
                found.append(event)
        return found

    @property
    def words(self):
        return Path(f"{self.log}.err").read_text(errors="replace")

    def wait_event(self, kind, seconds=30):
        try:
            return wait_for(lambda: self.events(kind), seconds, kind)[-1]
        except AssertionError as problem:
            raise AssertionError(f"{problem}; {self.process.poll()}; {self.words[-800:]}; {self.log.read_text()[-800:]}") from None

    def state(self):
        progress = self.events("progress")
        return progress[-1]["state"] if progress else None

    def end(self):
        """Its exit code after it was asked to stop."""
        self.process.terminate()
        return self.process.wait(30)


def seeder(at, payload, *more):
    port = free_port()
    session = Session(at, "seed", payload.torrent, "--dir", payload.folder, "--port", port, *more)
    session.wait_event("ready")
    return session, f"127.0.0.1:{port}"


def mount(at, name, size):
    """A disk of its own, of so many KiB."""
    place = at.folder / name
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", place], check=True)
    return place


def unmount(place):
    subprocess.run(["umount", "-l", place], check=False)


@checks("a full disk interrupts a download, and it goes on by itself when there is room")
def _(at):
    payload = Payload(at)
    _, peer = seeder(at, payload)
    disk = mount(at, "small", 4096)
    try:
        get = Session(at, "get", payload.torrent, "--dir", disk / "d", "--peer", peer)
        told = get.wait_event("interrupted")
        expect("no space is left" in told["reason"] and str(disk) in told["reason"], told["reason"])
        same(get.process.poll(), None, "weir get ended")
        wait_for(lambda: get.state() == "failed", 10, "the state")
        had = get.events("progress")[-1]["done"]
        expect(had > 0, "nothing was fetched before")
        subprocess.run(["mount", "-o", "remount,size=16m", disk], check=True)
        get.wait_event("finished", 60)
        same(get.process.wait(30), 0, "exit code")
        payload.expect_same(disk / "d")
        total = get.events("ended")[-1]
        expect(total["downloaded"] <= payload.size, f"{total['downloaded']} bytes were fetched of {payload.size}")
    finally:
        unmount(disk)


@checks("a download that ended on a full disk has lost nothing when it is started again")
def _(at):
    payload = Payload(at)
    _, peer = seeder(at, payload)
    disk = mount(at, "small", 4096)
    try:
        get = Session(at, "get", payload.torrent, "--dir", disk, "--peer", peer)
        get.wait_event("interrupted")
        had = wait_for(lambda: get.state() == "failed" and get.events("progress")[-1]["done"], 10, "the state")
        same(get.end(), 75, "exit code")
        subprocess.run(["mount", "-o", "remount,size=16m", disk], check=True)
        get = Session(at, "get", payload.torrent, "--dir", disk, "--peer", peer)
        same(get.process.wait(60), 0, "exit code")
        fetched = get.events("ended")[-1]["downloaded"]
        expect(fetched <= payload.size - had, f"{fetched} bytes fetched again, though {had} of {payload.size} were there")
        payload.expect_same(disk)
    finally:
        unmount(disk)


@checks("a read-only folder is named; the download begins when it may be written")
def _(at):
    payload = Payload(at)
    _, peer = seeder(at, payload)
    disk = mount(at, "fixed", 16384)
    try:
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        get = Session(at, "get", payload.torrent, "--dir", disk / "down", "--peer", peer)
        told = get.wait_event("interrupted")
        expect("may not be written" in told["reason"] and str(disk) in told["reason"], told["reason"])
        expect("no notes for a fast resume" in get.words, get.words)
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        same(get.process.wait(60), 0, f"exit code: {get.words}")
        payload.expect_same(disk / "down")
    finally:
        unmount(disk)


@checks("something else in the place of a file is named, and nothing is lost")
def _(at):
    payload = Payload(at)
    _, peer = seeder(at, payload)
    target = at.folder / "target"
    (target / payload.name / "file 1").mkdir(parents=True)
    get = Session(at, "get", payload.torrent, "--dir", target, "--peer", peer)
    told = get.wait_event("interrupted")
    expect("something else than a file" in told["reason"] and "file 1" in told["reason"], told["reason"])
    (target / payload.name / "file 1").rmdir()
    same(get.process.wait(90), 0, f"exit code: {get.words}")
    payload.expect_same(target)
    expect(get.events("ended")[-1]["downloaded"] <= payload.size, "something was fetched twice")


@checks("with too few descriptors for its files, a torrent is fetched and served all the same")
def _(at):
    payload = Payload(at, sizes=[PIECE // 3] * 300)
    few = ["prlimit", "--nofile=40:40"]
    port = free_port()
    seed = Session(at, "seed", payload.torrent, "--dir", payload.folder, "--port", port, prefix=few)
    seed.wait_event("ready")
    target = at.folder / "target"
    get = Session(at, "get", payload.torrent, "--dir", target, "--peer", f"127.0.0.1:{port}", prefix=few)
    same(get.process.wait(90), 0, f"exit code: {get.words}")
    payload.expect_same(target)
    same(seed.process.poll(), None, f"weir seed ended: {seed.words}")


@checks("no descriptor left for a file: told, and over when the limit is raised")
def _(at):
    payload = Payload(at)
    _, peer = seeder(at, payload)
    target = at.folder / "target"
    get = Session(at, "get", payload.torrent, "--dir", target, "--peer", peer, "--down", "1M")
    wait_for(lambda: any(p["done"] > MEBIBYTE // 2 for p in get.events("progress")), 20, "progress")
    held = len(os.listdir(f"/proc/{get.process.pid}/fd"))
    resource.prlimit(get.process.pid, resource.RLIMIT_NOFILE, (min(held, 3), 4096))
    # Files that are open stay so: the next one makes trouble, if it is there before the end.
    told = wait_for(lambda: get.events("interrupted", "ended"), 60, "trouble")[-1]
    if told["event"] == "interrupted":
        expect("no file descriptor is left" in told["reason"], told["reason"])
    resource.prlimit(get.process.pid, resource.RLIMIT_NOFILE, (4096, 4096))
    same(get.process.wait(90), 0, f"exit code: {get.words}")
    payload.expect_same(target)
    expect(told["event"] == "interrupted", "no descriptor was ever missing")


@checks("a file cut short or taken away while it is seeded stops the torrent, until it is back")
def _(at):
    payload = Payload(at)
    whole = (payload.folder / payload.name / "file 0").read_bytes()
    for damage in ("cut", "gone"):
        seed, peer = seeder(at, payload)
        place = payload.folder / payload.name / "file 0"
        if damage == "cut":
            os.truncate(place, 1000)
        else:
            place.rename(at.folder / "aside")
        target = at.folder / f"target-{damage}"
        get = Session(at, "get", payload.torrent, "--dir", target, "--peer", peer)
        told = seed.wait_event("interrupted")
        expect("file 0" in told["reason"], told["reason"])
        expect(("cut short" if damage == "cut" else "does not exist") in told["reason"], told["reason"])
        wait_for(lambda: seed.state() == "failed", 10, "the state")
        if damage == "cut":
            place.write_bytes(whole)
        else:
            (at.folder / "aside").rename(place)
        wait_for(lambda: seed.state() == "seeding", 30, "seeding again")
        same(get.process.wait(90), 0, f"exit code: {get.words}")
        same((target / payload.name / "file 0").read_bytes() == whole, True, "what was fetched is right")
        same(seed.end(), 0, "exit code of weir seed")


@checks("a file changed under a seed is told of, and not one wrong byte is served")
def _(at):
    payload = Payload(at)
    place = payload.folder / payload.name / "file 0"
    original = place.read_bytes()
    with open(place, "r+b") as file:
        file.seek(3 * PIECE + 5)
        file.write(b"changed!")
    seed, peer = seeder(at, payload)
    get = Session(at, "get", payload.torrent, "--dir", at.folder / "target", "--peer", peer)
    told = seed.wait_event("damaged")
    expect("file 0" in told["reason"], told["reason"])
    wait_for(lambda: get.events("progress") and get.events("progress")[-1]["pieces_had"] == get.events("progress")[-1]["pieces"] - 1,
             30, "all pieces but one")
    place.write_bytes(original)
    same(get.end(), 75, "exit code")


@checks("a download whose files were changed while it was away fetches only what differs")
def _(at):
    payload = Payload(at, sizes=(3 * MEBIBYTE, 3 * MEBIBYTE))
    _, peer = seeder(at, payload)
    target = at.folder / "target"
    get = Session(at, "get", payload.torrent, "--dir", target, "--peer", peer, "--down", "400K", "--sequential")
    # The first file was complete for longer than it takes to note it.
    wait_for(lambda: any(p["done"] > 5.2 * MEBIBYTE for p in get.events("progress")), 60, "most of it")
    get.process.kill()
    get.process.wait()
    files = [target / payload.name / f"file {n}" for n in (0, 1)]
    before = sum(f.stat().st_blocks * 512 for f in files if f.exists())
    with open(files[0], "r+b") as file:
        file.seek(PIECE * 4)
        file.write(bytes(100))
    get = Session(at, "get", payload.torrent, "--dir", target, "--peer", peer)
    same(get.process.wait(60), 0, f"exit code: {get.words}")
    payload.expect_same(target)
    fetched = get.events("ended")[-1]["downloaded"]
    expect(fetched < 2 * MEBIBYTE, f"{fetched} of {payload.size} bytes were fetched again; {before} had been there")


@checks("files that were named first come first, and the space of what is selected is taken before")
def _(at):
    payload = Payload(at, sizes=(2 * MEBIBYTE, 2 * MEBIBYTE, 2 * MEBIBYTE))
    _, peer = seeder(at, payload)
    target = at.folder / "target"
    get = Session(at, "get", payload.torrent, "--dir", target, "--peer", peer, "--down", "500K",
                  "--select", "0,2", "--first", "2", "--preallocate")
    places = [target / payload.name / f"file {n}" for n in range(3)]
    originals = [(payload.folder / payload.name / f"file {n}").read_bytes() for n in range(3)]
    wait_for(lambda: places[2].exists() and places[2].stat().st_size == len(originals[2]), 20, "the second file to begin")
    for n in (0, 2):
        expect(places[n].stat().st_blocks * 512 >= len(originals[n]), f"file {n} holds its space from the start")
    wait_for(lambda: places[2].read_bytes() == originals[2], 40, "the file that was named first")
    had = places[0].read_bytes()
    right = sum(had[i:i + PIECE] == originals[0][i:i + PIECE] for i in range(0, len(had), PIECE))
    expect(right <= len(had) / PIECE / 2, f"{right} pieces of the other file came meanwhile")
    same(get.process.wait(60), 0, f"exit code: {get.words}")
    expect(not places[1].exists() and places[0].read_bytes() == originals[0], "what was selected, and nothing else")


@checks("damaged notes are told of and set aside; what is there is hashed, and nothing is lost")
def _(at):
    payload = Payload(at)
    _, peer = seeder(at, payload)
    target = at.folder / "target"
    get = Session(at, "get", payload.torrent, "--dir", target, "--peer", peer, "--down", "700K")
    had = wait_for(lambda: [p["done"] for p in get.events("progress") if p["done"] > 2 * MEBIBYTE], 30, "half")[-1]
    get.process.kill()
    get.process.wait()
    notes = target / f".{payload.hash}.weir"
    expect(notes.exists(), "no notes")
    for extra in target.glob(f".{payload.hash}.weir-*"):
        extra.unlink()
    notes.write_bytes(b"damaged" * 1000)
    get = Session(at, "get", payload.torrent, "--dir", target, "--peer", peer)
    same(get.process.wait(60), 0, f"exit code: {get.words}")
    expect("damaged" in get.words and "hashed" in get.words, get.words)
    payload.expect_same(target)
    fetched = get.events("ended")[-1]["downloaded"]
    expect(fetched <= payload.size - had, f"{fetched} bytes were fetched, though {had} of {payload.size} were there")
    same([p.name for p in target.iterdir() if p.name.startswith(".")], [], "left behind")


@checks("a second download of one torrent into one folder is refused, and into another is not")
def _(at):
    payload = Payload(at)
    _, peer = seeder(at, payload)
    target = at.folder / "target"
    get = Session(at, "get", payload.torrent, "--dir", target, "--peer", peer, "--down", "300K")
    wait_for(lambda: get.events("progress"), 20, "progress")
    second = Session(at, "get", payload.torrent, "--dir", target, "--peer", peer)
    same(second.process.wait(20), 75, "exit code")
    expect(str(get.process.pid) in second.words and "already" in second.words, second.words)
    third = Session(at, "get", payload.torrent, "--dir", at.folder / "other", "--peer", peer)
    same(third.process.wait(60), 0, f"exit code: {third.words}")
    same(get.end(), 75, "exit code")


@checks("a session goes on with all its torrents without reading them; a second process on it is refused")
def _(at):
    payload = Payload(at)
    session = at.folder / "session"
    port = free_port()
    first = Session(at, "seed", payload.torrent, "--dir", payload.folder, "--session", session, "--port", port)
    first.wait_event("ready")
    second = Session(at, "seed", "--session", session)
    same(second.process.wait(20), 75, "exit code")
    expect(str(first.process.pid) in second.words, second.words)
    get = Session(at, "get", payload.torrent, "--dir", at.folder / "one", "--peer", f"127.0.0.1:{port}")
    same(get.process.wait(60), 0, "exit code")
    same(first.end(), 0, "exit code")
    again = Session(at, "seed", "--session", session, "--port", port)
    again.wait_event("ready")
    reads = Path(f"/proc/{again.process.pid}/io").read_text()
    read = int(next(line for line in reads.splitlines() if line.startswith("rchar")).split()[1])
    expect(read < MEBIBYTE, f"{read} bytes were read at the start")
    get = Session(at, "get", payload.torrent, "--dir", at.folder / "two", "--peer", f"127.0.0.1:{port}")
    same(get.process.wait(60), 0, "exit code")
    payload.expect_same(at.folder / "two")
    # It slept until it was asked, and counts on from where it was.
    wait_for(lambda: any(event["total_uploaded"] == 2 * payload.size for event in again.events("progress")), 20, "both uploads in the total")
    again.process.kill()
    again.process.wait()
    third = Session(at, "seed", "--session", session, "--port", port)
    third.wait_event("ready")
    same(third.end(), 0, "exit code")


@checks("a damaged session is refused with its name, and left as it is")
def _(at):
    session = at.folder / "session"
    session.mkdir()
    (session / "session.sqlite").write_bytes(b"no database" * 100)
    seed = Session(at, "seed", "--session", session)
    same(seed.process.wait(20), 65, "exit code")
    expect("session.sqlite" in seed.words, seed.words)
    same((session / "session.sqlite").read_bytes(), b"no database" * 100, "the file")


@checks("a port in use is named, with an exit code that says to try again")
def _(at):
    payload = Payload(at)
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        with socket.create_server(("::", port), family=socket.AF_INET6):
            for verb, more in (("get", ["--dir", at.folder / "t"]), ("seed", ["--dir", payload.folder])):
                session = Session(at, verb, payload.torrent, *more, "--port", port)
                same(session.process.wait(20), 75, f"exit code of {verb}: {session.words}")
                expect(str(port) in session.words and "in use" in session.words, session.words)


@checks("no route to a peer or a tracker: the torrent waits, and says of what")
def _(at):
    payload = Payload(at, announce="http://192.0.2.1:6969/announce")
    get = Session(at, "get", payload.torrent, "--dir", at.folder / "t", "--peer", "192.0.2.7:6881", "--verbose")
    done = wait_for(lambda: [p for p in get.events("progress") if p.get("verdict") not in (None, "starting")], 30, "a verdict")[-1]
    expect(done["verdict"], "no verdict")
    same(get.process.poll(), None, "weir get ended")
    same(get.end(), 75, "exit code")


if __name__ == "__main__":
    checks.main()
