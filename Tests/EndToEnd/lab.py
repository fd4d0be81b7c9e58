"""A swarm on loopback for the end-to-end tests: a private network namespace, a real tracker, real qBittorrents, and
libtorrent leechers. Everything lives in one temporary folder and dies with the test."""

import atexit
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "Tests/EndToEnd"), str(ROOT / "Tests/Support"), str(ROOT / "Tests/Support/scripts")]
import link  # noqa: E402
import qbittorrent  # noqa: E402
from qbittorrent import bencode, free_port  # noqa: E402

BINARY = Path(os.environ.get("WEIR_BINARY", ROOT / ".build/release/weir"))
PIECE = 256 * 1024


def enter_namespace():
    """Runs the calling script again in namespaces of its own: a network that is only loopback, and mounts that end with it."""
    if os.environ.get("WEIR_LAB") == "1":
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        # Where `weir why` finds sessions that have no other place: those of this script, and not whatever else runs here.
        sessions = Path(f"/tmp/weir-{os.geteuid()}")
        sessions.mkdir(mode=0o700, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0700,size=1m", "none", sessions], check=True)
        return
    if os.geteuid() != 0 or not shutil.which("unshare"):
        sys.exit("the swarm needs root and unshare, to make a network namespace of its own")
    os.environ["WEIR_LAB"] = "1"
    os.execvp("unshare", ["unshare", "-n", "-m", sys.executable, *sys.argv])


class Torrent:
    """A torrent of zeros: a sparse file for who seeds it. `source` makes its info-hash its own."""

    def __init__(self, name, size, announce, private=True):
        self.name, self.size, self.announce = name, size, announce
        pieces, rest = divmod(size, PIECE)
        assert rest == 0
        info = {"length": size, "name": name, "piece length": PIECE, "source": name,
                "pieces": hashlib.sha1(bytes(PIECE)).digest() * pieces}
        if private:
            info["private"] = 1
        self.info_hash = hashlib.sha1(bencode(info)).hexdigest()
        tiers = [announce] if isinstance(announce, str) else announce
        self.bytes = bencode({"announce": tiers[0], "announce-list": [[t] for t in tiers], "info": info})


class Lab:
    """Folder, processes and ports of one test."""

    # Where the tracker and the clients are.
    address = "127.0.0.1"
    # What runs a command in the other namespace, if there is one.
    far = ()

    def __init__(self):
        base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = Path(tempfile.mkdtemp(prefix="weir-lab-", dir=base))
        self.processes = []
        atexit.register(self.close)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    def close(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.kill()
                process.wait()
        self.processes = []
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, arguments, log, **options):
        out = open(self.folder / log, "ab")
        process = subprocess.Popen([str(a) for a in arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                   **options)
        self.processes.append(process)
        return process

    def make_distant(self, delay=25, loss=1):
        """Makes a second namespace at the end of a line with that delay (milliseconds) and loss (per cent) each way, which
        `far` runs commands in."""
        other = self.start(["unshare", "-n", "sleep", "infinity"], "namespace.log")
        mine = os.readlink("/proc/self/ns/net")
        wait_for(lambda: os.readlink(f"/proc/{other.pid}/ns/net") != mine, 60, "the namespace")
        self.start([sys.executable, Path(__file__).with_name("link.py"), other.pid, "--delay", delay, "--loss", loss], "link.log")
        wait_for(lambda: "UP" in (self.folder / "link.log").read_text(), 60, "the line between the namespaces")
        self.address = link.HERE
        self.far = ("nsenter", "-t", str(other.pid), "-n")

    def tracker(self, count=1):
        """A real tracker on `count` ports; answers the ports. It knows the torrents named by `allow`."""
        ports = [free_port() for _ in range(count)]
        folder = self.folder / "tracker"
        folder.mkdir()
        self.allowed = folder / "allowed"
        self.allowed.touch()
        # It leaves root and looks for its list as another user.
        for path, mode in ((self.folder, 0o755), (folder, 0o755), (self.allowed, 0o644)):
            path.chmod(mode)
        arguments = ["opentracker", "-i", self.address, "-d", folder, "-w", "allowed"]
        for port in ports:
            arguments += ["-p", port, "-P", port]
        self.opentracker = self.start(arguments, "tracker.log", cwd=folder)
        for port in ports:
            wait_for(lambda: can_connect(port, self.address), 60, "the tracker")
        return ports

    def allow(self, torrents):
        """Debian's opentracker serves only the torrents on its list, which it reads again when it is told to."""
        with open(self.allowed, "a") as file:
            file.writelines(t.info_hash + "\n" for t in torrents)
        self.opentracker.send_signal(signal.SIGHUP)

    def known(self, port, info_hash):
        """How many complete and incomplete peers the tracker on this port knows of a torrent."""
        answer = self.ask_tracker(port, "scrape", info_hash)
        counts = [re.search(name + rb"i(\d+)e", answer) for name in (b"8:complete", b"10:incomplete")]
        return tuple(int(count[1]) if count else 0 for count in counts)

    def is_served(self, port, info_hash):
        """Whether the tracker serves a torrent; asked in the name of a peer that is gone at once."""
        who = {"peer_id": "-XX0000-" + "0" * 12, "port": 1, "left": 1, "uploaded": 0, "downloaded": 0, "compact": 1}
        answers = [self.ask_tracker(port, "announce", info_hash, event=event, **who) for event in ("started", "stopped")]
        return b"failure" not in answers[0]

    def ask_tracker(self, tracker_port, what, info_hash, **more):
        # Trackers take a plus sign for what it is.
        query = urllib.parse.urlencode({"info_hash": bytes.fromhex(info_hash), **more}, quote_via=urllib.parse.quote)
        try:
            with urllib.request.urlopen(f"http://{self.address}:{tracker_port}/{what}?{query}", timeout=10) as answer:
                return answer.read()
        except OSError:
            return b"failure"


def can_connect(port, address="127.0.0.1"):
    try:
        socket.create_connection((address, port), timeout=1).close()
        return True
    except OSError:
        return False


def wait_for(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds} s")


class QBittorrent:
    """A real qbittorrent-nox with a profile of its own in the lab. `root` runs it inside a chroot, which sees the same lab:
    the caller has bound the temporary folder into it."""

    USER, PASSWORD = "admin", "adminadmin"

    def __init__(self, lab, name, root=None, pseudo_trackers=False):
        self.lab, self.name = lab, name
        self.profile = lab.folder / name
        self.payload = self.profile / "payload"
        self.payload.mkdir(parents=True)
        # Each key where old and new versions look for it.
        everywhere = {"MaxUploads": -1, "MaxUploadsPerTorrent": -1, "Encryption": 2}
        self.server = qbittorrent.QBittorrent(
            profile=self.profile, chroot=root, user=self.USER, password=self.PASSWORD, peer_exchange=pseudo_trackers)
        self.server.settings = {
            "BitTorrent": {"Session\\BTProtocol": "TCP", "Session\\MultiConnectionsPerIp": "true",
                           **{f"Session\\{key}": value for key, value in everywhere.items()}},
            "Preferences": {"Connection\\UPnP": "false", "Connection\\PortRangeMin": self.listen,
                            "Queueing\\QueueingEnabled": "false", "Bittorrent\\LSD": "false",
                            "Bittorrent\\DHT": str(pseudo_trackers).lower(), "Bittorrent\\PeX": str(pseudo_trackers).lower(),
                            **{f"Bittorrent\\{key}": value for key, value in everywhere.items()}}}
        self.start()

    @property
    def port(self):
        return self.server.port

    @property
    def listen(self):
        return self.server.bittorrent_port

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self.server.start()
        self.lab.processes.append(self.server.process)
        self.server.login()

    def kill(self):
        self.server.end(signal.SIGKILL)

    def stop(self):
        self.server.end(patience=60)

    def call(self, path, form=None):
        status, text = self.server.call("POST" if form is not None else "GET", path, form)
        if status >= 300:
            raise AssertionError(f"{path}: {status} {text[:200]}")
        return text.decode("utf-8", "replace")

    def version(self):
        return self.call("app/version")

    def info(self):
        return json.loads(self.call("torrents/info"))

    def limits(self):
        """Upload limit by hash; None is unlimited."""
        return {t["hash"]: t["up_limit"] if t["up_limit"] > 0 else None for t in self.info()}

    def set_limit(self, hashes, limit):
        self.call("torrents/setUploadLimit", {"hashes": "|".join(hashes), "limit": limit or 0})

    def add(self, torrents, seed=True, settings=None):
        """Adds torrents as complete (their payload is a sparse file) or as empty."""
        for torrent in torrents if seed else []:
            with open(self.payload / torrent.name, "ab") as file:
                file.truncate(torrent.size)
        switch = "true" if seed else "false"
        self.server.add([t.bytes for t in torrents],
                        {"skip_checking": switch, "seedMode": switch, "savepath": str(self.payload), **(settings or {})})
        if seed:
            wait_for(lambda: all(t["progress"] == 1 for t in self.info()), 60, "seeding")


class Leechers:
    """One libtorrent session that downloads torrents from named seeders."""

    def __init__(self, lab):
        import libtorrent
        self.lt = libtorrent
        self.folder = Path(tempfile.mkdtemp(dir=lab.folder))
        self.session = libtorrent.session({
            "listen_interfaces": f"127.0.0.1:{free_port()}", "enable_dht": False, "enable_lsd": False,
            "enable_upnp": False, "enable_natpmp": False, "enable_outgoing_utp": False, "enable_incoming_utp": False,
            "allow_multiple_connections_per_ip": True, "out_enc_policy": 2, "in_enc_policy": 2,
            "alert_mask": 0, "connection_speed": 500, "active_limit": -1, "active_downloads": -1,
            "torrent_connect_boost": 50, "min_reconnect_time": 1, "rate_limit_ip_overhead": False})
        self.handles = {}

    def add(self, torrent, ports, limit=0):
        """`limit` bytes per second is the demand; 0 is as much as it can get."""
        lt = self.lt
        parameters = lt.add_torrent_params()
        parameters.ti = lt.torrent_info(lt.bdecode(torrent.bytes))
        parameters.save_path = str(self.folder)
        parameters.download_limit = limit
        handle = self.session.add_torrent(parameters)
        for port in ports:
            handle.connect_peer(("127.0.0.1", port))
        self.handles[torrent.name] = (handle, ports)

    def again(self, torrent):
        """Downloads a torrent once more from the beginning."""
        handle, ports = self.handles.pop(torrent.name)
        limit = handle.download_limit()
        self.session.remove_torrent(handle, self.lt.options_t.delete_files)
        self.add(torrent, ports, max(0, limit))

    def set_demand(self, name, limit):
        self.handles[name][0].set_download_limit(limit)

    def received(self):
        """Payload bytes so far, by torrent name."""
        return {name: handle.status().total_payload_download for name, (handle, _) in self.handles.items()}

    def close(self):
        self.session.pause()
        for handle, _ in self.handles.values():
            self.session.remove_torrent(handle)
        self.handles = {}
        del self.session
        shutil.rmtree(self.folder, ignore_errors=True)


class Weir:
    """A Weir under test, with a configuration and a folder of its own."""

    def __init__(self, lab, name="weir"):
        self.lab, self.name = lab, name
        self.folder = lab.folder / name
        self.folder.mkdir(exist_ok=True)
        self.port = free_port()
        self.process = None

    @property
    def config(self):
        return self.folder / "weir.yaml"

    def configure(self, instances, trackers, sections=None, **settings):
        """Writes the configuration. `trackers` is a list of dictionaries; `settings` go to `global`."""
        lines = ["global:", f"  port: {self.port}"]
        lines += [f"  {key}: {json.dumps(value)}" for key, value in settings.items()]
        lines += [f"{name}: {json.dumps(values)}" for name, values in (sections or {}).items()]
        lines.append("qbittorrent:")
        for instance in instances:
            # What a test wants to say of one instance beside or in place of the usual.
            keys = {"name": instance.name, "url": instance.url, "username": instance.USER, "password": instance.PASSWORD,
                    **getattr(instance, "configured", {})}
            lines.append("  - " + json.dumps({key: value for key, value in keys.items() if value is not None}))
        lines.append("trackers:")
        for tracker in trackers:
            lines.append("  - " + json.dumps(tracker))
        lines += ["rollback:", f"  database_path: {self.folder}/weir.db", "logging:", "  level: DEBUG",
                  f"  file: {self.folder}/weir.log", ""]
        temporary = self.folder / "weir.yaml.new"
        temporary.write_text("\n".join(lines))
        temporary.rename(self.config)

    def start(self, **options):
        self.process = self.lab.start([BINARY, "serve", "--config", self.config], f"{self.name}.console",
                                      cwd=self.folder, **options)
        wait_for(self.answers, 20, "Weir")

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"Weir ended with {self.process.returncode}:\n{self.console()[-3000:]}")
        return can_connect(self.port)

    def console(self):
        return (self.lab.folder / f"{self.name}.console").read_text(errors="replace")

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        return self.process.returncode

    def kill(self):
        self.process.kill()
        self.process.wait()

    def call(self, method, path, body=None, headers=None, timeout=60):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        given = {"Content-Type": "application/json"} if data else {}
        connection.request(method, path, data, {**given, **(headers or {})})
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        connection.close()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text

    def run(self, *arguments, check=None, **options):
        """Runs a command of the binary with this configuration; answers the completed process."""
        done = subprocess.run([str(BINARY), *map(str, arguments)], cwd=self.folder, capture_output=True, text=True,
                              timeout=120, stdin=subprocess.DEVNULL, **options)
        if check is not None and done.returncode != check:
            raise AssertionError(f"weir {' '.join(map(str, arguments))}: exit {done.returncode}, not {check}\n"
                                 f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done
