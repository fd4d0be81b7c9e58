#!/usr/bin/python3
"""The Debian package and its unit under a real systemd: a Debian 12 that is booted in namespaces (machine.py), with a qBittorrent
to govern, a tracker and a downloader outside of it.

    systemd_boot.py [--root FOLDER]    where the Debian is made once, by debootstrap, and kept; else $WEIR_CHROOTS or .build/chroots

The steps build on each other: it ends with the first that fails.
"""

import argparse
import hashlib
import http.client
import json
import os
import random
import re
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

import lab as laboratory
from fake_qbittorrent import FakeQBittorrent
from lab import BINARY, ROOT, bencode, free_port, wait_for
from library_service import expect, same
from machine import Machine, make_root

PATIENCE = 120
# No output may hold them.
CANARIES = {"a credential": "canary-credential-31", "a passkey": "canarypasskey32", "a user's password": "canary own password 33"}
CREDENTIAL, PASSKEY, OWN = CANARIES.values()
STEPS = []


def step(sentence):
    def take(function):
        STEPS.append((sentence, function))
        return function
    return take


class World(laboratory.Lab):
    """One Debian that has Weir, and what Weir talks to."""

    def __init__(self, package, root):
        super().__init__()
        self.package = Path(package)
        self.home = FakeQBittorrent()
        self.home.PASSWORD = CREDENTIAL
        self.home.add(count=4, tracker="a", demand=500_000)
        self.tracker_port = self.tracker()[0]
        self.announce = f"http://127.0.0.1:{self.tracker_port}/announce"
        self.machine = Machine(self, root)
        self.port, self.peers = free_port(), free_port()
        self.key = None
        self.torrents = {}

    def close(self):
        if getattr(self, "machine", None):
            self.machine.close()
        self.home.stop()
        super().close()

    def file(self, path):
        """A file of the Debian, as it is on disk."""
        return self.machine.root / path.lstrip("/")

    def call(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            given = {"Authorization": f"Bearer {self.key}"} if self.key else {}
            if isinstance(body, dict):
                body, given["Content-Type"] = json.dumps(body), "application/json"
            connection.request(method, path, body, {**given, **(headers or {})})
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        finally:
            connection.close()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text

    def is_up(self):
        try:
            return self.call("GET", "/api/v2/app/version")[1] == "v5.1.4"
        except (OSError, http.client.HTTPException):
            return False

    def rows(self):
        return {row["name"]: row for row in self.call("GET", "/api/v2/torrents/info")[1]}

    def unit(self, *names):
        return self.machine.properties("weir.service", *names)

    def main_pid(self):
        """Of Weir, as this script sees it."""
        for name in os.listdir("/proc"):
            try:
                if name.isdigit() and os.readlink(f"/proc/{name}/exe").endswith("/usr/bin/weir") \
                        and "serve" in Path(f"/proc/{name}/cmdline").read_text():
                    return int(name)
            except OSError:
                pass
        raise AssertionError("no Weir is running")

    def journal(self):
        return self.machine.run("journalctl", "-u", "weir", "--no-pager", "-o", "cat", check=0).stdout

    def make(self, name, size):
        """Data, and a .torrent of them with the tracker, and one with a passkey that is not there."""
        data = random.Random(name).randbytes(size)
        pieces = b"".join(hashlib.sha1(data[i:i + 65536]).digest() for i in range(0, size, 65536))
        info = {"length": size, "name": name, "piece length": 65536, "pieces": pieces, "private": 1}
        found = laboratory.Torrent(name, 0, self.announce)
        tiers = [[self.announce], [f"http://tracker.example/{PASSKEY}/announce"]]
        found.info_hash = hashlib.sha1(bencode(info)).hexdigest()
        found.bytes = bencode({"announce": self.announce, "announce-list": tiers, "info": info})
        self.torrents[name] = (found, data)
        (self.folder / f"{name}.torrent").write_bytes(found.bytes)
        return found, data

    def add(self, name, **form):
        torrent = self.torrents[name][0]
        parts = [f'--x\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode() for k, v in form.items()]
        parts += [b'--x\r\nContent-Disposition: form-data; name="torrents"; filename="x.torrent"\r\n\r\n', torrent.bytes,
                  b"\r\n--x--\r\n"]
        status, text = self.call("POST", "/api/v2/torrents/add", b"".join(parts), {"Content-Type": "multipart/form-data; boundary=x"})
        same((status, text), (200, "Ok."), f"adding {name}")

    def download(self, name):
        """By a `weir get` from outside, bit by bit the same."""
        folder = self.folder / f"got {name} {time.monotonic_ns()}"
        done = subprocess.run(
            [BINARY, "get", self.folder / f"{name}.torrent", "--dir", folder, "--port", "0", "--peer", f"127.0.0.1:{self.peers}",
             "--port-mapping", "off"], capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
        same(done.returncode, 0, f"the download: {done.stderr[-1500:]}")
        expect((folder / name).read_bytes() == self.torrents[name][1], "what was downloaded differs")

    def drop_in(self, text):
        folder = self.file("/etc/systemd/system/weir.service.d")
        folder.mkdir(exist_ok=True)
        (folder / "override.conf").write_text(text)
        self.machine.run("systemctl", "daemon-reload", check=0)


@step("the Debian boots, and nothing of it has failed")
def _(world):
    world.machine.boot()
    same(world.machine.run("systemctl", "is-system-running").stdout.strip(), "running",
         world.machine.run("systemctl", "--failed", "--no-legend").stdout)


@step("apt installs the package with what it needs; nothing is started or enabled")
def _(world):
    world.file("/weir.deb").write_bytes(world.package.read_bytes())
    said = world.machine.run("apt-get", "install", "-y", "--no-install-recommends", "/weir.deb", check=0)
    same(world.unit("LoadState", "ActiveState", "UnitFileState"),
         {"LoadState": "loaded", "ActiveState": "inactive", "UnitFileState": "disabled"}, said.stderr)
    verified = world.machine.run("systemd-analyze", "verify", "--man=no", "weir.service")
    same(verified.stderr, "", "what systemd says of the unit")


@step("as it is packaged it starts: ready when `systemctl start` ends, with its state in one place, and the set-up token in the journal")
def _(world):
    world.machine.run("systemctl", "start", "weir", check=0)
    port, world.port = world.port, 8089
    try:
        same(world.call("GET", "/healthz")[0], 200, "asked at once")
    finally:
        world.port = port
    found = world.unit("ActiveState", "SubState", "StatusText", "MainPID", "Result")
    same((found["ActiveState"], found["SubState"]), ("active", "running"), "the unit")
    expect("torrents of its own" in found["StatusText"], found)
    state = world.file("/var/lib/weir")
    status = state.stat()
    expect(status.st_mode & 0o777 == 0o750 and {"journal.db", "access.db", "library.db"} <= {p.name for p in state.iterdir()},
           f"{status.st_mode:o} {list(state.iterdir())}")
    expect(re.search(r"set_up_token=\S+", world.journal()), world.journal())
    world.machine.run("systemctl", "stop", "weir", check=0)
    same(world.unit("ActiveState", "Result"), {"ActiveState": "inactive", "Result": "success"}, "after the stop")


def configure(world, cap):
    text = (ROOT / "Packaging/weir.yaml").read_text()
    text = text[:text.index("# What each tracker may take")].replace("engine:\n", f"engine:\n  enabled: true\n  port: {world.peers}\n")
    world.file("/etc/weir/weir.yaml").write_text(text + f"""
global: {{port: {world.port}, poll_interval: 1, allocation_strategy: equal, on_stop: restore}}
qbittorrent: {{url: "{world.home.url}", username: admin, password: "${{QBIT_PASSWORD}}"}}
trackers:
  - {{id: a, pattern: "//a\\\\.example/", max_upload_speed: {cap}}}
  - {{id: default, pattern: ".*", max_upload_speed: -1}}
""")


@step("a credential that root alone reads opens a qBittorrent, and its limits are set")
def _(world):
    secret = world.file("/etc/weir/credentials/QBIT_PASSWORD")
    secret.write_text(CREDENTIAL + "\n")
    secret.chmod(0o600)
    configure(world, 400_000)
    said = world.machine.run("systemctl", "enable", "--now", "weir")
    same(said.returncode, 0, f"{said.stderr}\n{world.journal()[-2000:]}")
    wait_for(lambda: world.home.sum_of("a") <= 400_000 and all(world.home.limits().values()), PATIENCE, "the limits")
    same({password for _, _, password in world.home.logins}, {CREDENTIAL}, "the passwords that were tried")
    done = world.machine.run("runuser", "-u", "weir", "--", "cat", "/etc/weir/credentials/QBIT_PASSWORD")
    expect(done.returncode != 0, "its user may read the file itself")


@step("it is inside the sandbox: no root, no capability, a filter, its own users, a root that cannot be written")
def _(world):
    pid = world.main_pid()
    status = dict(re.findall(r"^(\w+):\s*(.*)$", Path(f"/proc/{pid}/status").read_text(), re.M))
    expect(status["Uid"].split()[0] != "0", status["Uid"])
    same((status["NoNewPrivs"], status["Seccomp"], int(status["CapBnd"], 16), int(status["CapEff"], 16)), ("1", "2", 0, 0), "its rights")
    for kind in ("user", "mnt", "uts"):
        expect(os.readlink(f"/proc/{pid}/ns/{kind}") != os.readlink(f"/proc/{world.machine.pid}/ns/{kind}"), f"it shares its {kind}")
    for path in ("/", "/usr", "/etc/weir", "/var/lib", "/srv", "/opt"):
        done = subprocess.run(["nsenter", "-t", str(pid), "-m", "touch", f"{path}/weir-touch"], capture_output=True, text=True)
        expect("Read-only file system" in done.stderr, f"{path}: {done.stderr}")
    same(subprocess.run(["nsenter", "-t", str(pid), "-m", "ls", "/home", "/root"], capture_output=True, text=True).stdout.split(),
         ["/home:", "/root:"], "homes")
    exposure = world.machine.run("systemd-analyze", "security", "weir.service").stdout.splitlines()[-1]
    expect(float(re.search(r"([\d.]+)", exposure.split(":")[1])[1]) <= 3.0, exposure)


def as_weir(world, *words):
    """A command of Weir as the guide says it, with `sudo -u weir`; it has no credentials."""
    done = world.machine.run("runuser", "-u", "weir", "--", "weir", *words)
    same(done.returncode, 0, f"weir {' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout


@step("a user is made and databases are backed up beside it, by `sudo -u weir weir …` without the credentials")
def _(world):
    world.file("/password").write_text(OWN + "\n")
    as_weir(world, "user", "add", "anna", "--password-file", "/password")
    world.file("/password").unlink()
    done = json.loads(as_weir(world, "db", "backup", "/var/lib/weir/backup", "--json"))
    same([database["name"] for database in done["databases"]], ["journal", "access", "library"], "what is backed up")
    same(done["databases"][2]["schema_version"] > 0 and as_weir(world, "db", "check").count("ok "), 3, "checked databases")
    before = len(world.home.logins)
    done = world.machine.run("runuser", "-u", "weir", "--", "env", "CREDENTIALS_DIRECTORY=/run/credentials/weir.service", "weir", "doctor")
    expect(len(world.home.logins) > before, f"weir doctor with the service's credentials: {done.stdout}{done.stderr}")
    same({password for _, _, password in world.home.logins}, {CREDENTIAL}, "the passwords that were tried")
    same(world.call("GET", "/api/ui/overview")[0], 401, "without a session")
    status, text = world.call("POST", "/api/access/login", {"name": "anna", "password": OWN})
    same(status, 200, text)
    world.key = as_weir(world, "key", "add", "test", "--role", "admin").strip()
    same(world.call("GET", "/api/ui/overview")[0], 200, "with a key")


@step("with the drop-in of the guide it downloads into a folder of another group and seeds from there, as its tracker sees")
def _(world):
    machine = world.machine
    machine.run("groupadd", "media", check=0)
    media = world.file("/srv/media")
    media.mkdir()
    guide = (ROOT / "Documentation/UserGuide.md").read_text()
    drop_in = re.search(r"`systemctl edit weir`:\n\n((?:    .*\n)+)", guide)[1]
    expect("ReadWritePaths=/srv/media" in drop_in, drop_in)
    seeded, data = world.make("seeded from media.bin", 5_000_000)
    (media / seeded.name).write_bytes(data)
    fetched, data = world.make("fetched into media.bin", 5_000_000)
    world.allow([seeded, fetched])
    wait_for(lambda: world.is_served(world.tracker_port, fetched.info_hash), PATIENCE, "the tracker to know them")
    source = world.folder / "source"
    source.mkdir()
    (source / fetched.name).write_bytes(data)
    for words in (("chgrp", "-R", "media", "/srv/media"), ("chmod", "2770", "/srv/media"), ("chmod", "640", f"/srv/media/{seeded.name}")):
        machine.run(*words, check=0)
    world.add(seeded.name, savepath="/srv/media")
    wait_for(lambda: seeded.name in as_weir(world, "why"), PATIENCE, "the torrent in weir why")
    # It may not reach that folder yet, and says so.
    wait_for(lambda: world.rows()[seeded.name]["state"] in ("error", "missingFiles"), PATIENCE, "the torrent in trouble")
    expect("may not be read" in world.journal(), world.journal()[-1000:])
    world.drop_in("".join(line.strip() + "\n" for line in drop_in.splitlines()))
    machine.run("systemctl", "restart", "weir", check=0)
    world.call("POST", "/api/v2/torrents/recheck", f"hashes={seeded.info_hash}", {"Content-Type": "application/x-www-form-urlencoded"})
    world.call("POST", "/api/v2/torrents/start", f"hashes={seeded.info_hash}", {"Content-Type": "application/x-www-form-urlencoded"})
    wait_for(lambda: world.is_up() and world.rows()[seeded.name]["progress"] == 1, PATIENCE,
             "the check of its data")
    world.download(seeded.name)
    outside = free_port()
    world.start([BINARY, "seed", world.folder / f"{fetched.name}.torrent", "--dir", source, "--port", outside, "--port-mapping", "off"],
                "seed.log")
    wait_for(lambda: world.known(world.tracker_port, fetched.info_hash)[0] == 1, PATIENCE, "the seed outside at the tracker")
    world.add(fetched.name, savepath="/srv/media")
    wait_for(lambda: world.rows()[fetched.name]["progress"] == 1, PATIENCE, "the download into the folder")
    expect((media / fetched.name).read_bytes() == data, "what was downloaded differs")
    same((media / fetched.name).stat().st_gid, media.stat().st_gid, "the group of what it wrote")
    wait_for(lambda: world.known(world.tracker_port, fetched.info_hash)[0] >= 2, PATIENCE, "two seeds at the tracker")
    world.download(fetched.name)


@step("`systemctl reload` takes a new configuration, and keeps the old one when the new one is wrong")
def _(world):
    pid = world.unit("MainPID")
    configure(world, 200_000)
    world.machine.run("systemctl", "reload", "weir", check=0)
    wait_for(lambda: world.home.sum_of("a") <= 200_000, PATIENCE, "the new cap")
    good = world.file("/etc/weir/weir.yaml").read_text()
    world.file("/etc/weir/weir.yaml").write_text(good + "\ntrackers: 3\n")
    world.machine.run("systemctl", "reload", "weir")
    wait_for(lambda: "weir.yaml" in "".join(line for line in world.journal().splitlines() if "refused" in line or "error" in line.lower()),
             PATIENCE, "word of the mistake")
    world.file("/etc/weir/weir.yaml").write_text(good)
    world.machine.run("systemctl", "reload", "weir", check=0)
    wait_for(lambda: world.unit("ActiveState", "SubState") == {"ActiveState": "active", "SubState": "running"}, PATIENCE, "running on")
    same(world.unit("MainPID"), pid, "the process")


def is_again(world, before):
    """Another process is ready in the place of this one, and seeds what it had."""
    wait_for(lambda: world.unit("MainPID", "SubState") not in ({"MainPID": before, "SubState": "running"},)
             and world.unit("SubState")["SubState"] == "running" and world.unit("MainPID")["MainPID"] != before, PATIENCE, "the restart")
    wait_for(lambda: world.is_up() and len(world.rows()) == 2 and all(r["progress"] == 1 for r in world.rows().values()), PATIENCE,
             "its torrents")


@step("one that hangs is ended by the watchdog and started anew, and goes on seeding")
def _(world):
    same(world.unit("WatchdogUSec")["WatchdogUSec"], "1min", "the packaged watchdog")
    # The packaged minute, made short: what is looked at is that it works, not that it is long.
    path = world.file("/etc/systemd/system/weir.service.d/override.conf")
    whole = path.read_text()
    world.drop_in(whole + "\nWatchdogSec=5\nRestartSec=1\n")
    world.machine.run("systemctl", "restart", "weir", check=0)
    before = world.unit("MainPID", "NRestarts")
    # Fed, it lives longer than its watchdog waits.
    asked = time.monotonic()
    wait_for(lambda: time.monotonic() - asked > 12, PATIENCE, "twice the watchdog's time")
    same(world.unit("MainPID", "NRestarts"), before, "with a watchdog that is fed")
    os.kill(world.main_pid(), 19)
    is_again(world, before["MainPID"])
    said = world.machine.run("journalctl", "-u", "weir", "--no-pager", check=0).stdout
    expect("Watchdog timeout" in said and "Failed with result 'watchdog'" in said, said[-2000:])
    world.download("seeded from media.bin")
    world.drop_in(whole)


@step("one that is killed is started anew; one whose configuration is wrong is not, and says where the mistake is")
def _(world):
    path = world.file("/etc/systemd/system/weir.service.d/override.conf")
    whole = path.read_text()
    world.drop_in(whole + "\nRestartSec=1\n")
    before = world.unit("MainPID")["MainPID"]
    os.kill(world.main_pid(), 9)
    is_again(world, before)
    good = world.file("/etc/weir/weir.yaml").read_text()
    world.machine.run("systemctl", "stop", "weir", check=0)
    world.file("/etc/weir/weir.yaml").write_text(good.replace("allocation_strategy: equal", "allocation_strategy: equall"))
    done = world.machine.run("systemctl", "start", "weir")
    expect(done.returncode != 0, "it started")
    found = world.unit("ActiveState", "Result", "ExecMainStatus")
    same(found, {"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "78"}, "the unit")
    expect("did you mean" in world.journal() and "weir.yaml" in world.journal(), world.journal()[-1500:])
    world.file("/etc/weir/weir.yaml").write_text(good)
    world.drop_in(whole)
    world.machine.run("systemctl", "start", "weir", check=0)


@step("a stop is clean and within its time: limits given back, the tracker told, everything there at the next start")
def _(world):
    wait_for(lambda: world.is_up() and len(world.rows()) == 2, PATIENCE, "its torrents")
    wait_for(lambda: all(world.home.limits().values()), PATIENCE, "the limits")
    uploaded = {name: row["uploaded"] for name, row in world.rows().items()}
    # What was counted in the seconds before it was killed may be lost, and no more.
    expect(uploaded["seeded from media.bin"] >= 5_000_000, uploaded)
    begun = time.monotonic()
    world.machine.run("systemctl", "stop", "weir", check=0)
    expect(time.monotonic() - begun < 60, f"it took {time.monotonic() - begun:.1f} s")
    same(world.unit("ActiveState", "Result", "ExecMainStatus"),
         {"ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"}, "the unit")
    expect(not any(world.home.limits().values()), world.home.limits())
    torrent = world.torrents["seeded from media.bin"][0]
    same(world.known(world.tracker_port, torrent.info_hash), (0, 0), "who is left at the tracker")
    world.machine.run("systemctl", "start", "weir", check=0)
    wait_for(lambda: world.is_up() and len(world.rows()) == 2, PATIENCE, "its torrents")
    same({name: row["uploaded"] for name, row in world.rows().items()}, uploaded, "what was uploaded")
    world.download("fetched into media.bin")


@step("it comes up with the machine")
def _(world):
    world.machine.power_off()
    world.machine.boot()
    wait_for(lambda: world.unit("SubState")["SubState"] == "running", PATIENCE, "Weir")
    wait_for(lambda: world.is_up() and len(world.rows()) == 2, PATIENCE, "its torrents")
    world.download("seeded from media.bin")


def newer(world):
    """The same package under a later version."""
    folder = world.folder / "newer"
    subprocess.run(["dpkg-deb", "-R", world.package, folder], check=True)
    control = folder / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: (.*)$", r"Version: \1+later", control.read_text(), flags=re.M))
    (folder / "etc/weir/weir.yaml").write_text((folder / "etc/weir/weir.yaml").read_text() + "# later\n")
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", folder, world.file("/later.deb")], check=True,
                   stdout=subprocess.DEVNULL)


@step("an upgrade restarts a running Weir, with its configuration and its torrents; one that is stopped stays so")
def _(world):
    newer(world)
    before, mine = world.unit("MainPID")["MainPID"], world.file("/etc/weir/weir.yaml").read_text()
    install = ("apt-get", "install", "-y", "--allow-downgrades", "-o", "Dpkg::Options::=--force-confold")
    world.machine.run(*install, "/later.deb", check=0)
    is_again(world, before)
    same(world.file("/etc/weir/weir.yaml").read_text(), mine, "the configuration")
    world.download("fetched into media.bin")
    world.machine.run("systemctl", "stop", "weir", check=0)
    world.machine.run(*install, "/weir.deb", check=0)
    same(world.unit("ActiveState"), {"ActiveState": "inactive"}, "after the change of a stopped one")
    world.machine.run("systemctl", "start", "weir", check=0)


@step("removing stops it and leaves settings and state; purging takes them, and leaves nothing in systemd; what was downloaded stays")
def _(world):
    world.machine.run("apt-get", "remove", "-y", "weir", check=0)
    same(world.unit("ActiveState", "LoadState"), {"ActiveState": "inactive", "LoadState": "not-found"}, "the unit")
    expect(world.file("/etc/weir/weir.yaml").exists() and world.file("/var/lib/weir/library.db").exists(), "settings or state are gone")
    # It comes back as it was.
    world.machine.run("apt-get", "install", "-y", "/weir.deb", check=0)
    same(world.unit("UnitFileState", "ActiveState"), {"UnitFileState": "enabled", "ActiveState": "inactive"}, "installed again")
    world.machine.run("systemctl", "start", "weir", check=0)
    wait_for(lambda: world.is_up() and len(world.rows()) == 2, PATIENCE, "its torrents")
    done = world.machine.run("apt-get", "purge", "-y", "weir", check=0)
    expect(not world.file("/var/lib/weir").exists() and not world.file("/etc/weir").exists(), done.stderr)
    left = world.machine.run("find", "/etc/systemd", "/run/systemd/system", "-name", "weir*", "-not", "-path", "*/weir.service.d*").stdout
    same(left, "", "left in systemd")
    expect(world.file("/srv/media/fetched into media.bin").exists(), "a download is gone")


@step("neither the journal nor what systemd shows of the unit holds a secret")
def _(world):
    said = world.machine.run("journalctl", "--no-pager", "--all", "-o", "export", check=0).stdout
    expect("weir" in said and len(said) > 10_000, "there is no journal")
    said += world.machine.run("systemctl", "show", "weir.service").stdout + world.machine.console()
    for kind, canary in {**CANARIES, "a key": world.key}.items():
        for spelled in (canary, urllib.parse.quote(canary), urllib.parse.quote_plus(canary)):
            expect(spelled not in said, f"{kind} is shown: {[l for l in said.splitlines() if spelled in l][:3]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", help="the folder for the Debian")
    options = parser.parse_args()
    if "WEIR_BOOT_PACKAGE" not in os.environ:
        # The lab has no network to fetch anything by.
        with laboratory.tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "COMPRESSION": "none"}
            package = subprocess.run([ROOT / "Packaging/deb.sh", BINARY, folder], env=environment, check=True, stdout=subprocess.PIPE,
                                     stderr=subprocess.DEVNULL, text=True).stdout.strip()
            environment |= {"WEIR_BOOT_PACKAGE": package, "WEIR_BOOT_ROOT": str(make_root(package, options.root).resolve())}
            sys.exit(subprocess.run([sys.executable, *sys.argv], env=environment).returncode)
    laboratory.enter_namespace()
    world = World(os.environ["WEIR_BOOT_PACKAGE"], os.environ["WEIR_BOOT_ROOT"])
    for sentence, function in STEPS:
        begun = time.monotonic()
        try:
            function(world)
        except Exception as error:
            print(f"{sentence}: FAILED ({type(error).__name__}: {error})", flush=True)
            print(f"its console said:\n{world.machine.console()}\nits journal's end:\n"
                  + world.machine.run("journalctl", "--no-pager", "-n", "40").stdout
                  + world.machine.run("runuser", "-u", "weir", "--", "weir", "why").stdout, flush=True)
            sys.exit(1)
        print(f"{sentence}: ok ({time.monotonic() - begun:.1f} s)", flush=True)
    print(f"{len(STEPS)} passed, 0 failed", flush=True)


if __name__ == "__main__":
    main()
