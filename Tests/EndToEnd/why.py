#!/usr/bin/python3
"""`weir why`, `weir doctor` and the verdict under the progress line: real peers and trackers that each do one thing wrong."""

import contextlib
import hashlib
import http.server
import json
import os
import re
import signal
import socket
import stat
import struct
import subprocess
import threading
import time

import lab as laboratory
from checks import Checks, expect, same
from lab import bencode, free_port, wait_for

# Under nohup the signal is ignored, and a session then outlives its terminal on purpose.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

checks = Checks(__doc__)
PIECE = 32 * 1024
NOBODY = 69


class World:
    """A folder, its sockets' place, and one torrent of a few pieces."""

    def __init__(self, at, name="torrent", announce="http://127.0.0.1:1/announce", pieces=8):
        self.at = at
        self.folder = at.folder / name
        self.folder.mkdir()
        self.runtime = at.folder / "runtime"
        self.runtime.mkdir(exist_ok=True, mode=0o700)
        info = {"length": pieces * PIECE, "name": name, "piece length": PIECE,
                "pieces": b"".join(hashlib.sha1(bytes(PIECE)).digest() for _ in range(pieces)), "source": name}
        self.name, self.pieces, self.hash = name, pieces, hashlib.sha1(bencode(info)).digest()
        self.torrent = at.folder / f"{name}.torrent"
        self.torrent.write_bytes(bencode({"announce": announce, "info": info} if announce else {"info": info}))
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": str(self.runtime)}

    def get(self, *options, verb="get"):
        return self.at.start([laboratory.BINARY, verb, self.torrent, "--dir", self.folder, *options], f"{self.name}.log",
                             env=self.environment)

    def run(self, *arguments, check=None):
        done = subprocess.run([str(laboratory.BINARY), *map(str, arguments)], capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, env=self.environment, cwd=self.folder)
        if check is not None and done.returncode != check:
            raise AssertionError(f"weir {arguments}: exit {done.returncode}: {done.stdout[-1500:]}{done.stderr[-1500:]}")
        return done

    def report(self):
        """Of this torrent; nothing when no session has it."""
        done = self.run("why", self.torrent, "--json")
        if done.returncode == NOBODY:
            return None
        same(done.returncode, 0, f"weir why: {done.stderr}")
        return json.loads(done.stdout)["torrents"][0]

    def wait(self, code, seconds=15):
        """Until the verdict has this code; answers the report."""
        seen = []

        def is_there():
            found = self.report()
            seen[:] = [found and found["verdict"]["code"]]
            return found if found and found["verdict"]["code"] == code else None
        try:
            return wait_for(is_there, seconds, code)
        except AssertionError as problem:
            raise AssertionError(f"{problem}; the verdict is {seen}: {self.run('why').stdout}") from None

    def sockets(self):
        folder = self.runtime / "weir"
        return sorted(folder.iterdir()) if folder.exists() else []


def reasons(report):
    return {group["reason"]: group["count"] for group in report["verdict"]["contributors"]}


@contextlib.contextmanager
def peer(script):
    """Listens on loopback and plays `script` to each connection, on a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    ended = threading.Event()

    def play(connection):
        with connection, contextlib.suppress(OSError):
            connection.settimeout(30)
            script(connection, ended)

    def serve():
        while not ended.is_set():
            with contextlib.suppress(TimeoutError):
                threading.Thread(target=play, args=(listener.accept()[0],), daemon=True).start()
        listener.close()
    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        ended.set()


def silent(connection, ended):
    ended.wait(60)


def chokes_for_ever(pieces, first_piece_only=False):
    def play(connection, ended):
        data = b""
        while len(data) < 68:
            more = connection.recv(4096)
            if not more:
                return
            data += more
        if data[0] != 19:
            return  # It tries encryption first; the next connection is plain.
        connection.sendall(b"\x13BitTorrent protocol" + bytes(8) + data[28:48] + b"-XX0001-abcdefghijkl")
        bits = bytearray((pieces + 7) // 8)
        for piece in range(1 if first_piece_only else pieces):
            bits[piece // 8] |= 0x80 >> piece % 8
        connection.sendall(struct.pack(">IB", 1 + len(bits), 5) + bits)
        while not ended.wait(0.05):
            connection.settimeout(0.05)
            with contextlib.suppress(TimeoutError):
                if not connection.recv(65536):
                    return
    return play


@contextlib.contextmanager
def tracker(answer, status=200):
    """An HTTP tracker that says the same to everybody."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/announce"
    finally:
        server.shutdown()


@checks("no peers: the tracker knows nobody")
def _(at):
    with tracker(bencode({"interval": 1800, "complete": 0, "incomplete": 1, "peers": b""})) as url:
        world = World(at, announce=url)
        world.get()
        report = world.wait("tracker_returned_none")
        same((report["trackers"][0]["state"], report["trackers"][0]["peers_returned"]), ("working", 0), "the tracker")
        same(report["pieces"], {"total": 8, "have": 0, "missing": 8, "missing_with_nobody": 8}, "pieces")
        text = world.run("why", check=0).stdout
        for word in (world.name, "what to do:", "Trackers: 1", "works", "tracker_returned_none"):
            expect(word in text, f"{word} is missing in:\n{text}")


@checks("no tracker and no peer: there is no way to learn of peers")
def _(at):
    world = World(at, announce=None)
    world.get()
    report = world.wait("no_peer_source")
    expect("--peer" in report["verdict"]["remedy"], report["verdict"])


@checks("a peer that refuses")
def _(at):
    world = World(at, announce=None)
    world.get("--peer", f"127.0.0.1:{free_port()}")
    report = world.wait("all_refused")
    same(reasons(report), {"refused": 1}, "reasons")
    same([entry["reason"] for entry in report["not_connected"]], ["refused"], "the ledger")


@checks("a peer that accepts and stays silent")
def _(at):
    with peer(silent) as address:
        world = World(at, announce=None)
        world.get("--peer", address, "--encryption", "off")
        found = wait_for(lambda: (r := world.report()) and "handshaking" in reasons(r) and r, 10, "handshaking")
        same([p["address"] for p in found["peers"]], [address], "who is there")
        expect("handshaking" in world.run("why", check=0).stdout, "the table")
        # The handshake's time is up after a while, and the ledger keeps why.
        report = wait_for(lambda: (r := world.report()) and "handshake_timeout" in reasons(r) and r, 30, "handshake_timeout")
        expect(report["not_connected"][0]["address"] == address, report["not_connected"])


@checks("a peer that handshakes and chokes for ever")
def _(at):
    with peer(chokes_for_ever(8)) as address:
        world = World(at, announce=None)
        world.get("--peer", address)
        report = world.wait("waiting_for_unchoke")
        expect(set(reasons(report)) <= {"choked", "choked_nothing_given"}, reasons(report))
        found = report["peers"][0]
        same((found["they_choke"], found["we_interested"], found["pieces"], found["needed_pieces"], found["can_download"]),
             (True, True, 8, 8, False), "what is known of it")
        same(report["pieces"]["missing_with_nobody"], 0, "it has everything")


@checks("a tracker that says a failure: its words, whole and harmless")
def _(at):
    words = "unregistered torrent \u2013 see rule 7.\x1b[2J"
    with tracker(bencode({"failure reason": words})) as url:
        world = World(at, announce=url)
        world.get()
        report = world.wait("tracker_unregistered")
        same((report["trackers"][0]["words"], report["trackers"][0]["state"]), (words, "failing"), "JSON has the words verbatim")
        text = world.run("why", check=0).stdout
        expect("unregistered torrent – see rule 7." in text and "\x1b" not in text, f"the table: {text!r}")


@checks("a tracker's HTTP error, and one that is not there")
def _(at):
    with tracker(b"down for maintenance", 503) as url:
        world = World(at, announce=url)
        world.get()
        report = wait_for(lambda: (r := world.report()) and r["trackers"][0]["state"] == "failing" and r, 10, "a failing tracker")
        expect("503" in world.run("why", check=0).stdout, report["trackers"])
    world = World(at, "second", announce=f"http://127.0.0.1:{free_port()}/announce")
    world.get()
    report = wait_for(lambda: (r := world.report()) and r["trackers"][0]["state"] == "failing" and r, 10, "a failing tracker")
    same((report["trackers"][0]["failures"] >= 1, report["trackers"][0]["peers_returned"]), (True, None), "the tracker")


@checks("torrents are found by file, magnet, hash and name, over several sessions; exit codes")
def _(at):
    one, two = World(at, "alpha one", announce=None), World(at, "beta two", announce=None)
    same(one.run("why").returncode, NOBODY, "nobody runs")
    (one.get(), two.get(verb="seed"))
    wait_for(lambda: one.report() and two.report(), 10, "both sessions")
    for selector, names in (([], {"alpha one", "beta two"}), ([one.torrent], {"alpha one"}), (["BETA"], {"beta two"}),
                            ([two.hash.hex()[:7]], {"beta two"}), ([f"magnet:?xt=urn:btih:{one.hash.hex()}"], {"alpha one"}),
                            ([one.hash.hex().upper()], {"alpha one"})):
        found = json.loads(one.run("why", *selector, "--json", check=0).stdout)
        same({t["name"] for t in found["torrents"]}, names, f"{selector}")
        same((found["omitted"], found["silent_sessions"]), (0, []), "nothing is missing")
    for selector in ("gamma", "f" * 40, "magnet:?xt=urn:btih:" + "f" * 40):
        done = one.run("why", selector)
        same((done.returncode, done.stdout), (NOBODY, ""), selector)
    same(one.run("why", "magnet:?xt=broken").returncode, 65, "a broken magnet")
    broken = at.folder / "broken.torrent"
    broken.write_bytes(b"no")
    same(one.run("why", broken).returncode, 65, "a broken file")


@checks("sockets: private, gone after an end, swept after a kill; a stopped session delays nobody for long")
def _(at):
    world = World(at, announce=None)
    process = world.get()
    wait_for(world.report, 10, "a report")
    place = world.runtime / "weir"
    same(stat.S_IMODE(place.stat().st_mode), 0o700, "the folder's mode")
    same([s.name for s in world.sockets()], [f"{process.pid}.sock"], "named by its process")
    process.send_signal(signal.SIGTERM)
    process.wait(15)
    same(world.sockets(), [], "after an end")

    process = at.start(["nohup", laboratory.BINARY, "get", world.torrent, "--dir", world.folder], "torrent.log", env=world.environment)
    wait_for(world.report, 10, "a report")
    process.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    expect(world.report(), "nohup keeps it")
    process.kill()
    process.wait()
    same(len(world.sockets()), 1, "a kill leaves it behind")
    same(world.run("why").returncode, NOBODY, "nobody is behind it")
    same(world.sockets(), [], "swept")

    process = world.get()
    wait_for(world.report, 10, "a report")
    process.send_signal(signal.SIGSTOP)
    started = time.monotonic()
    done = world.run("why")
    expect(done.returncode == NOBODY and "does not answer" in done.stderr and time.monotonic() - started < 9, done)
    process.send_signal(signal.SIGCONT)
    wait_for(world.report, 10, "it answers again")

    # A folder that others may look into is not used; the session runs all the same.
    process.kill()
    other = World(at, "other", announce=None)
    other.runtime = at.folder / "open"
    (other.runtime / "weir").mkdir(parents=True)
    (other.runtime / "weir").chmod(0o755)
    other.environment["XDG_RUNTIME_DIR"] = str(other.runtime)
    other.get()
    wait_for(lambda: other.report(), 10, "the fallback")
    same(other.sockets(), [], "in a folder that is open to others")


@checks("hostile clients: the session answers others, and lets go of them")
def _(at):
    world = World(at, announce=None)
    process = world.get()
    wait_for(world.report, 10, "a report")
    path = str(world.sockets()[0])

    def connect(data=b""):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(10)
        client.connect(path)
        client.sendall(data)
        return client
    for data in (b"\n", b"GET / HTTP/1.1\r\n", b'{"version":1}\n', b'{"version":2,"command":"why"}\n', b"[" * 3000 + b"\n", b"\xff\n",
                 b'{"version":1,"command":"why","id":"xyz"}\n', b"x" * 5000):
        with contextlib.suppress(ConnectionError):
            client = connect(data)
            if b"GET" in data:
                client.shutdown(socket.SHUT_WR)
            same(client.recv(100), b"", f"{data[:40]}")
    # More than it serves at once: silent ones, and ones that ask and never read.
    crowd = [connect() for _ in range(8)] + [connect(b'{"version":1,"command":"why","tree":true}\n') for _ in range(12)]
    started = time.monotonic()
    wait_for(world.report, 12, "the session is held")
    expect(time.monotonic() - started < 9, f"answered after {time.monotonic() - started:.1f} s")
    for client in crowd[:4]:
        same(client.recv(100), b"", "a silent client is let go of")
    same(process.poll(), None, "the session")


@checks("the verdict stands below the progress on a terminal, and -v logs what each peer waits for")
def _(at):
    with peer(chokes_for_ever(8)) as address, tracker(bencode({"failure reason": "go away, unregistered torrent"})) as url:
        world = World(at, announce=url)
        log = at.folder / "typescript"
        command = f"stty cols 150; exec {laboratory.BINARY} get {world.torrent} --dir {world.folder}"
        at.start(["script", "-qefc", command, log], "script.log", env={**world.environment, "TERM": "xterm"})
        world.wait("tracker_unregistered")
        shown = wait_for(lambda: (t := log.read_text(errors="replace")) and "unregistered" in t and t, 10, "the verdict")
        drawn = [part for part in re.split(r"\x1b\[J", shown) if "unregistered" in part][0].splitlines()
        # `script` itself begins with a line.
        drawn = [line for line in drawn if not line.startswith("Script started")]
        expect("0.0 %" in drawn[0] and "unregistered" in drawn[1] and "→" in drawn[2], f"what is on the screen: {drawn}")
        # What stands still is explained also where that is normal.
        choked = World(at, "choked", announce=None)
        log = at.folder / "choked.typescript"
        command = f"exec {laboratory.BINARY} get {choked.torrent} --dir {choked.folder} --peer {address}"
        terminal = at.start(["script", "-qefc", command, log], "script.log", env={**choked.environment, "TERM": "xterm"})
        wait_for(lambda: log.exists() and "chokes us still" in log.read_text(errors="replace"), 10, "the verdict of the other")
        terminal.kill()
        wait_for(lambda: choked.report() is None, 10, "the session ends with its terminal")
        # JSON has it as well.
        second = World(at, "second", announce=None)
        second.get("--peer", address, "--json")

        def verdict():
            lines = (at.folder / "second.log").read_text().splitlines()
            return any(json.loads(line).get("verdict") == "waiting_for_unchoke" for line in lines)
        wait_for(verdict, 15, "the verdict in JSON lines")


@checks("after 30 s a log says how far it is and what is in the way; with -v a block")
def _(at):
    with peer(chokes_for_ever(8)) as address:
        world = World(at, announce=None)
        world.get("--peer", address, "-v")
        lonely = World(at, name="lonely", announce=None)
        lonely.get()
        text = wait_for(lambda: "END PEER DIAGNOSTICS" in (t := (at.folder / "torrent.log").read_text()) and t, 36, "the block")
        for part in ("Verdict:", f"Peer {address}", "they_choke=true", "has 8 pieces, 8 that we need", "Can download: false", "Pipeline:",
                     "Progress: 0/8 pieces"):
            expect(part in text, f"{part} is missing in\n{text}")
        lines = wait_for(lambda: (at.folder / "lonely.log").read_text().splitlines(), 36, "a line")
        expect("0.0 %" in lines[0] and "lonely" in lines[0] and "There is no way to learn of peers." in lines[1], lines)


def engine(world, *options):
    """What `weir doctor` finds, by code."""
    done = world.run("doctor", *options, "--json")
    found = {f["engine"]["code"]: f for f in json.loads(done.stdout)["findings"] if "engine" in f}
    same(done.returncode, 1 if any(f["verdict"] == "problem" for f in found.values()) else 0, f"the exit code for {sorted(found)}")
    return found


@checks("the doctor looks at port, routes, names, trackers, files and folder")
def _(at):
    with tracker(b"") as url:
        world = World(at, announce=url)
        found = engine(world, "--torrent", world.torrent, "--dir", world.folder)
        # A network of loopback alone has no way out.
        expect({"port_untested", "routes_none", "trackers_reached", "folder_fine", "descriptors_enough"} <= found.keys(), sorted(found))
        same(list(world.folder.iterdir()), [], "left in the folder")
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        found = engine(world, "--torrent", world.torrent, "--dir", world.folder / "none", "--port", str(port))
        expect({"port_in_use", "trackers_fail", "folder_failing"} <= found.keys(), sorted(found))
        expect(str(port) in found["port_in_use"]["text"] and "--port" in found["port_in_use"]["remedy"], found["port_in_use"])
        expect("connection refused" in found["trackers_fail"]["text"], found["trackers_fail"])
    text = world.run("doctor", "--dir", world.folder, check=1).stdout
    expect("PROBLEM  engine: There is no way out of this machine." in text and "→" in text, text)
    # Where there is no configuration the engine is what is left to look at; one that was named must be there.
    expect("routes_none" in engine(world), "without a configuration")
    same(world.run("doctor", "--config", world.folder / "none.yaml").returncode, 78, "a configuration that is not there")
    same(world.run("doctor", "--port", "x").returncode, 64, "a port that is no number")
    same(world.run("doctor", "--torrent", world.folder / "none.torrent").returncode, 65, "a torrent that is not there")


@checks("too many open files: the session waits instead of turning in circles, and answers again")
def _(at):
    world = World(at, announce=None)
    listening = free_port()
    world.at.start(["bash", "-c", f"ulimit -n 24; exec '{laboratory.BINARY}' seed '{world.torrent}' --dir '{world.folder}' "
                    f"--port {listening}"], "torrent.log", env=world.environment)
    process = world.at.processes[-1]
    wait_for(world.report, 10, "a report")
    crowd = [socket.create_connection(("127.0.0.1", listening)) for _ in range(40)]

    def spent():
        fields = (laboratory.Path("/proc") / str(process.pid) / "stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    wait_for(lambda: len(os.listdir(f"/proc/{process.pid}/fd")) >= 23, 10, "all descriptors are taken")
    before = spent()
    time.sleep(2)
    expect(spent() - before < 0.5, f"{spent() - before:.2f} s of processor in 2 s")
    for connection in crowd:
        connection.close()
    wait_for(world.report, 10, "it answers again")


if __name__ == "__main__":
    checks.main()
