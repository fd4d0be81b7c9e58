#!/usr/bin/python3
"""What strangers write: torrents and magnet links that are bombs, names that lead out of a folder or into a terminal, metadata
from lying peers, and secrets that must not be shown."""

import contextlib
import hashlib
import json
import os
import re
import socket
import struct
import subprocess
import threading
import time
import urllib.parse

import lab as laboratory
from checks import Checks, expect, same
from hostile import PIECE, Session, answers, extension, listener, packed
from lab import bencode, wait_for

checks = Checks(__doc__)
BAD = 65
# Control characters, and marks that turn the direction of writing.
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
EVIL = "\x1b]0;owned\x07\x1b[2J\u009b31m\u202egpj.exe\u2028\ufeff\x00é"


def text(value):
    return str(len(value)).encode() + b":" + value


def numbered(count, form):
    return b"".join(form(number) for number in range(count))


def listed(count, name=b"n", folders=b""):
    """A v1 torrent of many files of a byte each."""
    files = numbered(count, lambda n: b"d6:lengthi1e4:pathl" + folders + text(b"%x" % n) + b"ee")
    return b"d4:infod5:filesl" + files + b"e4:name" + text(name) + b"12:piece lengthi16777216e6:pieces20:" + bytes(20) + b"ee"


def tree(count, depth):
    """A v2 torrent of many empty files in a deep folder with long names."""
    body = numbered(count, lambda n: text(b"%06x" % n) + b"d0:d6:lengthi0eee")
    body += text(b"zzzzzzz") + b"d0:d6:lengthi1e11:pieces root32:" + b"x" * 32 + b"ee"
    body = b"d" + body + b"e"
    for number in range(depth):
        body = b"d" + text(b"%0240x" % number) + body + b"e"
    return b"d4:infod9:file tree" + body + b"12:meta versioni2e4:name1:n12:piece lengthi16384eee"


def unsorted(count):
    return b"d4:infod" + b"".join(text(b"%07d" % (n * 7919 % count)) + b"0:" for n in range(count)) + b"ee"


def pieces(count):
    return b"d4:infod6:lengthi%de4:name1:n12:piece lengthi16384e6:pieces%d:" % (16384 * count, 20 * count) + bytes(20 * count) + b"ee"


# What each file is, and whether it may be taken.
BOMBS = {
    "a million lists within each other": (lambda: b"l" * 1_000_000, False),
    "three million integers": (lambda: b"d4:infol" + b"i0e" * 3_000_000 + b"ee", False),
    "two million empty dictionaries": (lambda: b"d4:infol" + b"de" * 1_200_000 + b"ee", False),
    "600,000 keys out of order": (lambda: unsorted(600_000), False),
    "a string of 4 GB that is not there": (lambda: b"d4:info4294967295:", False),
    "a string of 2^70 bytes": (lambda: b"d4:info1180591620717411303424:", False),
    "250,000 files": (lambda: listed(250_000), True),
    "250,000 files below a long name": (lambda: listed(250_000, b"n" * 240), False),
    "a million files": (lambda: listed(1_000_000), False),
    "250,000 files eleven long folders deep": (lambda: tree(250_000, 11), False),
    "25,000 files eighty folders deep": (lambda: listed(25_000, folders=text(b"d") * 80), True),
    "a file of 2^62 bytes": (lambda: b"d4:infod6:lengthi4611686018427387904e4:name1:n12:piece lengthi16384e6:pieces20:" + bytes(20) + b"ee", False),
    "1.6 million pieces": (lambda: pieces(1_600_000), True),
    "two million pieces": (lambda: pieces(2_000_000), False),
    "a file of 100 MB": (lambda: bytes(100_000_000), False),
}


# Small, because a child is charged with what its parent had when it began.
MEASURE = """
import os, sys, time
started = time.monotonic()
log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
process = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)])
_, status, usage = os.wait4(process, 0)
print(os.waitstatus_to_exitcode(status), time.monotonic() - started, usage.ru_maxrss / 1024)
"""


def measured(arguments, log):
    """Exit code, seconds, and the most memory in MiB."""
    done = subprocess.run(["/usr/bin/python3", "-ISc", MEASURE, log, *map(str, arguments)], capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL)
    code, seconds, memory = done.stdout.split()
    return int(code), float(seconds), float(memory)


@checks("torrent files that are bombs cost bounded time and memory")
def _(at):
    path, log = at.folder / "bomb.torrent", at.folder / "bomb.log"
    _, _, base = measured([laboratory.BINARY, "version"], log)
    seen = []
    for name, (make, isGood) in BOMBS.items():
        path.write_bytes(make())
        code, seconds, memory = measured([laboratory.BINARY, "show", "--json", path], log)
        words = log.read_text(errors="replace")[:200]
        seen.append(f"{name}: {path.stat().st_size / 1e6:.1f} MB, {memory - base:.0f} MiB, {seconds:.1f} s")
        if isGood:
            same(code, 0, f"{name}: {words}")
        else:
            same(code, BAD, f"{name}: {words}")
        # The file itself lies in memory once, and everything that is made of it beside it.
        bound = path.stat().st_size / (1 << 20) + (128 if isGood else 64)
        expect(memory - base <= bound, f"{name}: {memory - base:.0f} MiB, more than {bound:.0f}")
        expect(seconds < 20, f"{name}: {seconds:.1f} s")
    if os.environ.get("WEIR_FIGURES"):
        print("\n".join(seen), flush=True)


@checks("magnet links that are bombs or nonsense are refused at once")
def _(at):
    good = "magnet:?xt=urn:btih:" + "a" * 40
    cases = {"magnet:": False, "magnet:?": False, "magnet:?xt=": False, "magnet:?xt=urn:btih:": False, good[:-1]: False, good + "a": False,
             good: True, good.upper().replace("MAGNET", "magnet").replace("XT=URN:BTIH", "xt=urn:btih"): True, good + "&" * 5000: True,
             good + "&tr=" + "x" * 100_000: False, good + "&tr=http://t.example/a" * 3000: None, good + "&dn=" + "%00%1b%0a../../etc": True,
             good + "&x.pe=999.1.1.1:99999999&x.pe=[::]:0": True, good + "&so=0-99999999999999999999": False, good + "&so=5-1": False,
             good + "&xt=urn:btih:" + "b" * 40: False, good + "&xt=urn:btmh:1220": False, good + "&ws=file:///etc/passwd": True,
             good + "&tr=%": True, good + "&xt.1=x&xt.2=y": True, "magnet:?xt=urn:btih:" + "é" * 20: False}
    log = at.folder / "log"
    for link, isGood in cases.items():
        code, seconds, memory = measured([laboratory.BINARY, "show", link], log)
        words = log.read_text(errors="replace")
        expect(code in ((0, BAD) if isGood is None else (0,) if isGood else (BAD,)), f"{link[:90]}: {code} {words[:200]}")
        expect(seconds < 5 and memory < 64, f"{link[:90]}: {seconds:.1f} s, {memory:.0f} MiB")
        expect(not CONTROL.search(words) and "passwd" not in words, f"{link[:90]}: {words!r}")


@contextlib.contextmanager
def peer(script):
    """A peer that is dialled; plays `script(connection)` after the handshakes. Says how often it was."""
    server = socket.create_server(("127.0.0.1", 0))
    calls = []

    def play(connection):
        with connection, contextlib.suppress(OSError):
            connection.settimeout(20)
            data = b""
            while len(data) < 68:
                part = connection.recv(68 - len(data))
                if not part:
                    return
                data += part
            calls.append(time.monotonic())
            connection.sendall(b"\x13BitTorrent protocol" + bytes(5) + b"\x10\x00\x05" + data[28:48] + b"-XX0001-" + os.urandom(12))
            script(connection)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=play, args=(server.accept()[0],), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.getsockname()[1]}", calls
    finally:
        server.close()


def messages(connection):
    """The messages that come, as kind and payload."""
    data = b""
    while True:
        while len(data) >= 4 and len(data) >= 4 + (length := struct.unpack(">I", data[:4])[0]):
            if length:
                yield data[4], data[5:4 + length]
            data = data[4 + length:]
        part = connection.recv(65536)
        if not part:
            return
        data += part


def metadata(size, give):
    """Announces metadata of a size, and answers each request with what `give(piece)` makes."""
    def play(connection):
        connection.sendall(extension(0, {"m": {"ut_metadata": 3}, "metadata_size": size}) + packed(14))
        number = None
        for kind, payload in messages(connection):
            if kind != 20:
                continue
            if payload[0] == 0:
                found = re.search(rb"11:ut_metadatai(\d+)e", payload)
                number = int(found[1]) if found else None
            elif payload[0] == 3 and number:
                piece = int(re.search(rb"5:piecei(\d+)e", payload)[1])
                for answer in give(number, piece):
                    connection.sendall(answer)
    return play


def part(number, piece, size, data):
    return extension(number, {"msg_type": 1, "piece": piece, "total_size": size}, data)


MIB = 1 << 20
LIARS = {
    "no bytes": metadata(0, lambda n, p: []),
    "minus one byte": metadata(-1, lambda n, p: []),
    "2 GiB": metadata(1 << 31, lambda n, p: []),
    "5 GB": metadata(5_000_000_000, lambda n, p: []),
    "2^63 - 1 bytes": metadata((1 << 63) - 1, lambda n, p: []),
    "another dictionary": metadata(20_000, lambda n, p: [part(n, p, 20_000, bytes(16384 if p == 0 else 3616))]),
    "30 MB of noise": metadata(30 * MIB, lambda n, p: [part(n, p, 30 * MIB, bytes(16384))]),
    "another size than announced": metadata(20_000, lambda n, p: [part(n, p, 30 * MIB, bytes(16384))]),
    "parts that are too long": metadata(20_000, lambda n, p: [part(n, p, 20_000, bytes(17_000))]),
    "parts that do not exist": metadata(20_000, lambda n, p: [part(n, 9, 20_000, bytes(16384))]),
    "everything twice": metadata(20_000, lambda n, p: [part(n, p, 20_000, bytes(16384))] * 2),
    "changing its mind": metadata(20_000, lambda n, p: [extension(0, {"m": {"ut_metadata": 3}, "metadata_size": 40_000 + p})]),
    "refusals": metadata(20_000, lambda n, p: [extension(n, {"msg_type": 2, "piece": p})]),
}


@checks("a magnet's metadata from lying peers: memory stays bounded, and the honest one is heard")
def _(at):
    info = {"length": 4 * PIECE, "name": "real", "piece length": PIECE, "pieces": hashlib.sha1(bytes(PIECE)).digest() * 4}
    whole = bencode(info)
    link = "magnet:?xt=urn:btih:" + hashlib.sha1(whole).hexdigest()
    isHonest = threading.Event()

    def honest(connection):
        isHonest.wait(60)
        metadata(len(whole), lambda n, p: [part(n, p, len(whole), whole)])(connection)
    with contextlib.ExitStack() as servers:
        dialled = [servers.enter_context(peer(script)) for script in LIARS.values()]
        address, _ = servers.enter_context(peer(honest))
        options = [word for address, _ in [*dialled, (address, None)] for word in ("--peer", address)]
        session = Session(at, "get", link, name="real", info=info, options=["--encryption", "off", *options])
        wait_for(lambda: all(calls for _, calls in dialled), 20, "all are dialled")
        time.sleep(2)
        session.is_well(memory=48, files=40)
        isHonest.set()
        wait_for(lambda: "metadata: real" in session.text(), 40, "the metadata")
        session.is_well(memory=48, files=40)


def zeros(connection):
    """A seed of zeros."""
    connection.sendall(packed(14) + packed(1))
    for kind, payload in messages(connection):
        if kind == 6:
            piece, offset, length = struct.unpack(">III", payload)
            connection.sendall(packed(7, piece, offset, data=bytes(length)))


NAMES = [["..", "victim"], ["..", "..", "outside", "victim"], ["/etc/victim"], ["a", "..", "..", "victim"], ["CON"], [".."], ["."], [""],
         ["a\0b"], ["\\\\srv\\x"], ["C:\\x"], ["x" * 300], ["\u202egpj.exe"], ["\x1b[2Jname"], ["same"], ["same"], ["SAME"], ["é"],
         ["e\u0301"], ["same", "below"], ["swap", "victim"]]


def paths(names):
    info = {"files": [{"length": 20_000, "path": path} for path in names]
            + [{"attr": "l", "length": 0, "path": ["lead-out"], "symlink path": ["..", "..", "outside", "victim"]},
               {"attr": "l", "length": 0, "path": ["round"], "symlink path": ["round"]}],
            "name": "../root", "piece length": PIECE}
    pieces, rest = divmod(20_000 * len(names), PIECE)
    info["pieces"] = hashlib.sha1(bytes(PIECE)).digest() * pieces + (hashlib.sha1(bytes(rest)).digest() if rest else b"")
    return bencode({"info": info})


@checks("no name and no link leads out of the folder, also not while links are put there")
def _(at):
    outside, victim = at.folder / "outside", at.folder / "outside/victim"
    outside.mkdir()
    victim.write_text("untouched")
    ended = threading.Event()

    def swap(root):
        while not ended.is_set():
            for step in (lambda: os.rename(root / "swap", root / "swap.was"), lambda: os.symlink(outside, root / "swap"),
                         lambda: time.sleep(0.001), lambda: os.unlink(root / "swap"), lambda: os.rename(root / "swap.was", root / "swap")):
                with contextlib.suppress(OSError):
                    step()

    def get(name, names, before=None, beside=None):
        """Runs until it ends; answers what it said."""
        torrent, folder = at.folder / f"{name}.torrent", at.folder / name
        torrent.write_bytes(paths(names))
        root = folder / "..root"
        root.mkdir(parents=True)
        if before:
            (root / "swap").symlink_to(before)
        with peer(zeros) as (address, _):
            process = at.start([laboratory.BINARY, "get", torrent, "--dir", folder, "--encryption", "off", "--peer", address],
                               f"{name}.log")
            thread = threading.Thread(target=beside or (lambda _: None), args=(root,), daemon=True)
            thread.start()
            log = at.folder / f"{name}.log"
            with contextlib.suppress(AssertionError):
                # It may wait for the cause to be gone.
                wait_for(lambda: process.poll() is not None or before and "swap" in log.read_text(errors="replace"), 8 if beside else 25,
                         "an end")
            ended.set()
            thread.join()
            ended.clear()
            process.terminate()
            process.wait(20)
        same(victim.read_text(), "untouched", f"{name}: the file outside")
        same(os.listdir(outside), ["victim"], f"{name}: the folder outside")
        said = log.read_text(errors="replace")
        expect(not CONTROL.search(said), f"{name}: it said {said[:300]!r}")
        return process.returncode, said, root
    code, said, root = get("clean", NAMES)
    same(code, 0, f"the exit code, having said {said}")
    found = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    same(len(found), len(NAMES), f"files: {found}")
    for path in root.rglob("*"):
        # A link that leads to itself, or to nothing, leads nowhere.
        expect(not path.exists() or path.resolve().is_relative_to(root), f"{path} leads to {os.path.realpath(path)}")
    code, said, _ = get("linked", NAMES, before=outside)
    expect(code == 1 and "swap" in said, f"a folder that is a link outward: {code} {said}")
    code, said, _ = get("relative", NAMES, before="../../outside")
    expect(code == 1 and "swap" in said, f"a folder that is a relative link outward: {code} {said}")
    get("raced", NAMES, beside=swap)
    names = set(os.listdir(at.folder))
    same({name for name in names if not re.match("(clean|linked|relative|raced|outside)", name)}, set(), "beside the folders")


@checks("nothing that strangers write reaches the terminal raw: names, comments, trackers' words, clients' names")
def _(at):
    info = {"files": [{"length": PIECE, "path": [EVIL, EVIL]}], "name": EVIL, "piece length": PIECE,
            "pieces": hashlib.sha1(bytes(PIECE)).digest(), "source": EVIL}
    torrent = at.folder / "evil.torrent"
    words = bencode({"failure reason": EVIL, "warning message": EVIL})

    def chokes(connection):
        connection.sendall(extension(0, {"m": {"ut_pex": 1, EVIL: 2}, "v": EVIL + "client"}) + packed(14))
        for _ in messages(connection):
            pass
    with listener(answers(words)) as (port, _), peer(chokes) as (address, _):
        torrent.write_bytes(bencode({"announce": f"http://127.0.0.1:{port}/announce", "comment": EVIL, "created by": EVIL,
                                     "announce-list": [[f"http://127.0.0.1:{port}/announce"], ["http://\x1b[2J.example/announce"]],
                                     "info": info, "url-list": ["http://h.example/\u202e"]}))
        runtime = at.folder / "runtime"
        runtime.mkdir(mode=0o700)
        environment = {**os.environ, "XDG_RUNTIME_DIR": str(runtime), "TERM": "xterm"}

        def run(*arguments):
            done = subprocess.run([str(laboratory.BINARY), *map(str, arguments)], capture_output=True, timeout=60, stdin=subprocess.DEVNULL,
                                  env=environment, cwd=at.folder)
            return (done.stdout + done.stderr).decode()
        folder = at.folder / "get"
        folder.mkdir()
        # One torrent is downloaded to one place once at a time.
        command = f"exec {laboratory.BINARY} get {torrent} --encryption off --peer {address} -v --dir {folder}"
        at.start(["script", "-qefc", command, at.folder / "typescript"], "script.log", env=environment)
        at.start(["bash", "-c", f"{command}-json --json"], "json.log", env=environment)
        wait_for(lambda: "1 connected" in run("why"), 30, "the peer is seen")
        wait_for(lambda: "owned" in run("why"), 20, "the tracker's words are seen")
        seen = {"show": run("show", torrent), "show --json": run("show", torrent, "--json"), "why": run("why"), "why --json": run("why", "--json"),
                "verify": run("verify", torrent, "--dir", folder), "verify --json": run("verify", torrent, "--dir", folder, "--json"),
                "doctor": run("doctor", "--engine", "--torrent", torrent),
                "show of a link": run("show", "magnet:?xt=urn:btih:" + "a" * 40 + "&dn=" + urllib.parse.quote(EVIL)),
                "a file that is not there": run("show", EVIL.replace("\0", "")), "why of nothing": run("why", EVIL.replace("\0", "")),
                "get of nothing": run("get", EVIL.replace("\0", "")), "an option": run("get", torrent, "--select", EVIL.replace("\0", ""))}
        wait_for(lambda: "END PEER DIAGNOSTICS" in (at.folder / "typescript").read_text(errors="replace"), 40, "the block of -v")
        seen["get on a terminal"] = (at.folder / "typescript").read_text(errors="replace")
        seen["get --json"] = (at.folder / "json.log").read_text(errors="replace")
        for place, shown in seen.items():
            # Where it writes over its own lines, and what `script` adds.
            own = re.sub(r"\x1b\[\d+A\x1b\[J|\r\n", "", shown)
            if place.endswith("terminal"):
                own = own.replace("\r", "").replace("\x04\x08\x08", "")
            elif "json" in place:
                # JSON escapes what controls; the rest is for programs.
                own = re.sub("[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\x7f-\x9f]", "", own)
            found = CONTROL.search(own.replace("\n", ""))
            expect(not found, f"{place}: {found and found[0]!r} in {own[max(0, found.start() - 80):found.start() + 80]!r}" if found else "")


CANARIES = {"path": "c4nary0123456789abcdef0123456789", "short": "Ab3xQ", "query": "qu3ry", "user": "us3rname", "password": "pa55w0rd", "udp": "udpc4nary"}


@checks("keys in announce URLs are in no output but that of show --secrets, nor in what other users may read")
def _(at):
    keys = CANARIES

    def refuses(connection, request):
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\nnot me")
    with listener(refuses) as (port, asked), listener(answers(b"", f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/{keys['path']}/announce\r\n".encode())) as (moved, _):
        host = f"127.0.0.1:{port}"
        urls = [f"http://{host}/{keys['path']}/announce", f"http://{host}/{keys['short']}/announce", f"http://{host}/announce?uk={keys['query']}",
                f"http://{keys['user']}:{keys['password']}@{host}/announce", f"udp://{host}/{keys['udp']}", f"http://{host}/{keys['short']}",
                f"http://127.0.0.1:{moved}/announce", f"http://no.such.host.invalid/{keys['path']}/announce",
                f"https://{host}/{keys['path']}/announce"]
        info = {"length": PIECE, "name": "kept", "piece length": PIECE, "pieces": hashlib.sha1(bytes(PIECE)).digest(), "private": 1}
        torrent = at.folder / "kept.torrent"
        torrent.write_bytes(bencode({"announce": urls[0], "announce-list": [[url] for url in urls], "info": info}))
        broken = at.folder / "broken.torrent"
        broken.write_bytes(bencode({"announce": urls[0], "info": info})[:-2])
        quoted = "".join("&tr=" + urllib.parse.quote(url, safe="") for url in urls)
        link = "magnet:?xt=urn:btih:" + "c" * 40 + quoted
        runtime = at.folder / "runtime"
        runtime.mkdir(mode=0o700)
        environment = {**os.environ, "XDG_RUNTIME_DIR": str(runtime), "XDG_STATE_HOME": str(at.folder / "state"), "HOME": str(at.folder / "home")}
        for name in ("home", "get", "seed", "link"):
            (at.folder / name).mkdir()
        (at.folder / "seed/kept").write_bytes(bytes(PIECE))

        def run(*arguments):
            done = subprocess.run([str(laboratory.BINARY), *map(str, arguments)], capture_output=True, timeout=120, stdin=subprocess.DEVNULL,
                                  env=environment, cwd=at.folder)
            return (done.stdout + done.stderr).decode(errors="replace")
        sessions = [at.start([laboratory.BINARY, verb, argument, "--dir", at.folder / name, "-v", *more], f"{name}{len(more)}.log", env=environment)
                    for verb, argument, name, more in (("get", torrent, "get", ()), ("get", torrent, "get", ("--json",)), ("get", link, "link", ()),
                                                       ("seed", torrent, "seed", ()), ("seed", torrent, "seed", ("--json",)))]
        wait_for(lambda: len(asked) > 8, 30, "trackers are asked")
        wait_for(lambda: run("why").count("403") >= 1, 20, "a refusal is known")
        seen = {}
        for arguments in (["show", torrent], ["show", torrent, "--json"], ["show", link], ["show", link, "--json"], ["show", broken],
                          ["show", link + "&xt=urn:btih:zz"], ["get", link + "&xt=urn:btih:zz"], ["why", link.replace("c" * 40, "d" * 40)],
                          ["why", link + "&xt=urn:btih:zz"], ["why"], ["why", "--json"], ["verify", torrent, "--dir", at.folder / "seed"],
                          ["verify", torrent, "--json"], ["doctor", "--engine", "--torrent", torrent],
                          ["doctor", "--engine", "--torrent", torrent, "--json"], ["seed", broken], ["create", "home", "-t", urls[3] + " x"],
                          ["create", "seed", "-o", "made.torrent", "-t", urls[0], "-t", urls[2]],
                          ["create", "seed", "-o", "made2.torrent", "-t", urls[0], "--json"]):
            seen[" ".join(str(a)[:30] for a in arguments)] = run(*arguments)
        for session in sessions:
            session.terminate()
        for session in sessions:
            session.wait(30)
        for path in at.folder.glob("*.log"):
            seen[path.name] = path.read_text(errors="replace")
        found = [f"{kind} in {place}: …{shown[max(0, shown.index(key) - 60):shown.index(key) + 40]}…"
                 for kind, key in keys.items() for place, shown in seen.items() if key in shown]
        same(found, [], "where keys were found")
        # What is asked for is given.
        whole = run("show", torrent, "--secrets")
        expect(all(key in whole for key in keys.values()), whole)
        # Files that a session leaves behind and that hold a key are for their owner only.
        for folder, _, names in os.walk(at.folder):
            for name in names:
                path = laboratory.Path(folder) / name
                if path.suffix == ".torrent" and path.parent == at.folder:
                    continue
                data = path.read_bytes().decode("latin-1")
                if any(key in data for key in keys.values()):
                    expect(path.stat().st_mode & 0o077 == 0, f"{path} holds a key and has mode {path.stat().st_mode:o}")


if __name__ == "__main__":
    checks.main()
