"""Other people's BitTorrent clients, each with the same two verbs: `seed` a complete torrent, `download` one and say when it is
complete. All live in a lab's folder and namespace, with discovery, uTP and port mapping off."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import lab as laboratory
from lab import free_port, wait_for

# Seconds for a client to start or to check its data: generous, for slow machines that have much else to do.
PATIENCE = 120

LIBTORRENT_PEER = r"""
import json, sys, time
import libtorrent as lt
torrent, folder, address, verb, encryption = sys.argv[1:6]
policy = {"plain": 2, "encrypted": 0}[encryption]
session = lt.session({"listen_interfaces": address, "enable_dht": False, "enable_lsd": False, "enable_upnp": False,
    "enable_natpmp": False, "enable_outgoing_utp": False, "enable_incoming_utp": False, "out_enc_policy": policy,
    "in_enc_policy": policy, "allowed_enc_level": 2 if encryption == "encrypted" else 3, "allow_multiple_connections_per_ip": True,
    "alert_mask": 0, "min_reconnect_time": 1, "ssrf_mitigation": False, "connection_speed": 100})
p = lt.parse_magnet_uri(torrent) if torrent.startswith("magnet:") else lt.add_torrent_params()
if not torrent.startswith("magnet:"):
    p.ti = lt.torrent_info(torrent)
p.save_path = folder
p.flags = (p.flags & ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused))
if verb == "seed":
    p.flags |= lt.torrent_flags.seed_mode
handle = session.add_torrent(p)
while True:
    status = handle.status()
    if status.is_seeding:
        handle.flush_cache()
        print("COMPLETE", flush=True)
        break
    time.sleep(0.05)
time.sleep(100000)
"""


class Client:
    """Common ground: a folder, a port, and a process that says in its own way when it is complete."""

    name = ""
    # Clients that will not dial loopback addresses must be dialled.
    dials = True
    makes_empty_files = True
    # The trackers it asks.
    schemes = ("http", "udp")

    def __init__(self, lab, encryption="plain"):
        self.lab, self.encryption = lab, encryption
        self.port, self.address = free_port(), lab.address
        self.folder = Path(laboratory.tempfile.mkdtemp(dir=lab.folder, prefix=self.name + "-"))
        self.process = None

    def log(self):
        return (self.folder / "log").read_text(errors="replace") if (self.folder / "log").exists() else ""

    def run(self, arguments, **options):
        self.process = self.lab.start(arguments, self.folder / "log", **options)

    def check(self):
        """Raises when the process has ended otherwise than well: nothing more is to be waited for."""
        if self.process is not None and self.process.poll() not in (None, 0):
            raise AssertionError(f"{self.name} ended with {self.process.returncode}: {self.log()[-2000:]}")

    def wait(self, condition, what):
        wait_for(lambda: self.check() or condition(), PATIENCE, f"{self.name} {what}")

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def data_folder(self):
        folder = self.folder / "data"
        folder.mkdir(exist_ok=True)
        return folder


class Libtorrent(Client):
    """Debian's."""

    name = "libtorrent"
    python = sys.executable

    def start(self, torrent, folder, verb):
        self.run([self.python, "-c", LIBTORRENT_PEER, torrent, folder, f"{self.address}:{self.port}", verb, self.encryption])

    def seed(self, torrent, folder):
        self.start(torrent, folder, "seed")
        self.wait(lambda: "COMPLETE" in self.log(), "seeding")

    def download(self, torrent, folder):
        self.start(torrent, folder, "download")

    def is_complete(self):
        return "COMPLETE" in self.log()


class Libtorrent20(Libtorrent):
    name, python = "libtorrent-2.0", None


class Libtorrent21(Libtorrent):
    name, python = "libtorrent-2.1", None


def find(kind, folder):
    """Lets a libtorrent from PyPI be used, if `install` has got it."""
    kind.python = Path(folder) / kind.name / "bin/python"
    return kind.python.exists()


def install(kind, folder):
    """Gets a libtorrent of its own from PyPI; answers whether that worked."""
    place = Path(folder) / kind.name
    version = kind.name.partition("-")[2]
    for command in ([sys.executable, "-m", "venv", place], [place / "bin/pip", "-q", "install", f"libtorrent=={version}.*"]):
        if subprocess.run(command, capture_output=True).returncode != 0:
            shutil.rmtree(place, ignore_errors=True)
            return False
    return True


class Aria2(Client):
    name = "aria2"
    # "udp is not supported yet."
    schemes = ("http",)

    def start(self, torrent, folder, extra):
        crypto = ["--bt-require-crypto=true", "--bt-min-crypto-level=arc4"] if self.encryption == "encrypted" else []
        self.run(["aria2c", "--no-conf", f"--dir={folder}", f"--listen-port={self.port}", "--enable-dht=false",
                  "--enable-dht6=false", "--bt-enable-lpd=false", "--enable-peer-exchange=false", "--summary-interval=0",
                  "--file-allocation=none", "--disable-ipv6", "--bt-tracker-interval=5", *crypto, *extra, torrent])

    def seed(self, torrent, folder):
        self.start(torrent, folder, ["--bt-seed-unverified=true", "--seed-ratio=0.0", "--check-integrity=false",
                                     "--allow-overwrite=true"])
        self.wait(lambda: laboratory.can_connect(self.port, self.address), "seeding")

    def download(self, torrent, folder):
        self.start(torrent, folder, ["--seed-time=0"])

    def is_complete(self):
        return self.process.poll() == 0


class Transmission(Client):
    name = "transmission"
    dials = False
    makes_empty_files = False

    def start(self, torrent, folder):
        config = self.folder / "config"
        config.mkdir()
        self.rpc = free_port()
        level = {"plain": 0, "encrypted": 2}[self.encryption]
        (config / "settings.json").write_text(json.dumps({
            "rpc-port": self.rpc, "rpc-bind-address": "127.0.0.1", "rpc-authentication-required": False,
            "rpc-whitelist-enabled": False, "peer-port": self.port, "dht-enabled": False, "lpd-enabled": False,
            "pex-enabled": False, "utp-enabled": False, "port-forwarding-enabled": False, "encryption": level,
            "download-dir": str(folder), "cache-size-mb": 0, "message-level": 3, "bind-address-ipv4": self.address}))
        self.run(["transmission-daemon", "-f", "-g", config])
        self.wait(lambda: laboratory.can_connect(self.rpc), "starting")
        self.remote("--add", torrent, "--download-dir", folder)

    def remote(self, *arguments):
        return subprocess.run(["transmission-remote", str(self.rpc), *map(str, arguments)], capture_output=True, text=True,
                              timeout=PATIENCE).stdout

    def seed(self, torrent, folder):
        self.start(torrent, folder)
        self.remote("-t", "all", "--verify")
        self.wait(self.is_complete, "checking")
        self.remote("-t", "all", "--reannounce")

    def download(self, torrent, folder):
        self.start(torrent, folder)

    def is_complete(self):
        return "Percent Done: 100%" in self.remote("-t", "all", "--info") and "Verif" not in self.remote("-l")


class RTorrent(Client):
    name = "rtorrent"

    def __init__(self, lab, encryption="plain"):
        super().__init__(lab, encryption)
        # It tells hosts apart by their address alone. Having dialled itself, whom the tracker names like everybody, it takes
        # nobody else of its own address: so it has one of its own.
        if not lab.far:
            self.address = "127.0.0.2"

    def start(self, torrent, folder):
        session = self.folder / "session"
        session.mkdir()
        crypto = {"plain": "none", "encrypted": "allow_incoming,require,require_RC4,enable_retry"}[self.encryption]
        configuration = self.folder / "rtorrent.rc"
        configuration.write_text(
            f"network.port_range.set = {self.port}-{self.port}\nnetwork.bind_address.set = {self.address}\n"
            f"dht.mode.set = disable\nprotocol.pex.set = no\ntrackers.use_udp.set = yes\n"
            f"protocol.encryption.set = {crypto}\nsession.path.set = {session}\ndirectory.default.set = {folder}\n"
            f"pieces.hash.on_completion.set = yes\nsystem.daemon.set = true\n"
            # The metadata of a magnet link is a download of its own.
            f"method.set_key = event.download.finished, mark, "
            f"\"branch=d.is_meta=,,\\\"execute.nothrow=touch,{self.folder}/finished\\\"\"\n"
            f"load.start = \"{torrent}\"\n")
        self.run(["rtorrent", "-n", "-o", f"import={configuration}"],
                 env={**os.environ, "TERM": "dumb", "HOME": str(self.folder)})

    def seed(self, torrent, folder):
        self.start(torrent, folder)
        self.wait(lambda: laboratory.can_connect(self.port, self.address), "starting")

    def download(self, torrent, folder):
        self.start(torrent, folder)

    def is_complete(self):
        return (self.folder / "finished").exists()


class QBittorrent(Client):
    name = "qbittorrent"

    def start(self, torrent, folder, seeding):
        self.server = laboratory.QBittorrent(self.lab, self.folder.name + "-profile")
        self.process = self.server.server.process
        mode = {"plain": 2, "encrypted": 1}[self.encryption]
        self.server.call("app/setPreferences", {"json": json.dumps({"encryption": mode})})
        switch = "true" if seeding else "false"
        settings = {"skip_checking": switch, "savepath": str(folder), "paused": "false"}
        if isinstance(torrent, str) and torrent.startswith("magnet:"):
            self.server.call("torrents/add", {**settings, "urls": torrent})
        else:
            self.server.server.add([Path(torrent).read_bytes()], settings)
        self.port = self.server.listen

    def seed(self, torrent, folder):
        self.start(torrent, folder, True)
        self.wait(self.is_complete, "seeding")

    def download(self, torrent, folder):
        self.start(torrent, folder, False)

    def is_complete(self):
        return all(t["progress"] == 1 for t in self.server.info()) and bool(self.server.info())

    def close(self):
        self.server.stop()


class Weir(Client):
    name = "weir"

    def arguments(self):
        return ["--port", str(self.port)] + (["--encryption", "require"] if self.encryption == "encrypted" else [])

    def seed(self, torrent, folder):
        self.run([*self.lab.far, laboratory.BINARY, "seed", torrent, "--dir", folder, *self.arguments()])
        self.wait(lambda: "READY" in self.log(), "seeding")

    def download(self, torrent, folder, *more):
        self.run([*self.lab.far, laboratory.BINARY, "get", torrent, "--dir", folder, "--json", *self.arguments(), *more])

    def is_complete(self):
        return self.process.poll() == 0


OTHERS = {c.name: c for c in (Libtorrent, Libtorrent20, Libtorrent21, QBittorrent, Transmission, RTorrent, Aria2)}

FROM_PYPI = (Libtorrent20, Libtorrent21)


def installed():
    """The clients that this machine has."""
    programs = {"qbittorrent": "qbittorrent-nox", "transmission": "transmission-daemon", "rtorrent": "rtorrent",
                "aria2": "aria2c"}
    return [name for name in OTHERS if OTHERS[name] not in FROM_PYPI and (name not in programs or shutil.which(programs[name]))]
