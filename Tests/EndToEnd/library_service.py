"""`weir serve` with torrents of its own, as tests drive it: through /api/v2."""

import hashlib
import http.client
import json
import os
import signal
import time
import urllib.parse

import lab as laboratory
from lab import free_port, wait_for


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def same(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what}: {found!r}, not {wanted!r}")


class Service:
    """A `weir serve` without any configuration."""

    def __init__(self, at, name="weir"):
        self.at = at
        self.home = at.folder / name
        self.home.mkdir()
        self.state, self.downloads = self.home / "state", self.home / "downloads"
        self.port = free_port()
        self.log = f"{name}.log"
        self.process = None

    def start(self):
        environment = {**os.environ, "HOME": str(self.home), "WEIR_GLOBAL_PORT": str(self.port)}
        for name in ("STATE_DIRECTORY", "XDG_STATE_HOME", "XDG_DOWNLOAD_DIR", "XDG_CONFIG_HOME", "WEIR_CONFIG"):
            environment.pop(name, None)
        begun = time.monotonic()
        self.process = self.at.start(
            [laboratory.BINARY, "serve", "--state", self.state, "--downloads", self.downloads], self.log,
            env=environment, cwd=self.home)
        wait_for(self.is_up, 120, "the service")
        return time.monotonic() - begun

    def is_up(self):
        expect(self.process.poll() is None, "the service has ended: " + (self.at.folder / self.log).read_text()[-2000:])
        try:
            return self.call("GET", "app/version")[0] == 200
        except OSError:
            return False

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(60)
        if how == signal.SIGTERM:
            same(self.process.returncode, 0, "the exit code")

    def call(self, method, path, form=None, files=()):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {}
        body = None
        if files:
            boundary = "weir" + hashlib.sha1(os.urandom(8)).hexdigest()
            parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
                     for key, value in (form or {}).items()]
            parts += [f'--{boundary}\r\nContent-Disposition: form-data; name="torrents"; filename="{n}.torrent"\r\n'
                      "Content-Type: application/x-bittorrent\r\n\r\n".encode() + data + b"\r\n"
                      for n, data in enumerate(files)]
            body = b"".join(parts) + f"--{boundary}--\r\n".encode()
            headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
        elif form is not None:
            body = urllib.parse.urlencode(form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, "/api/v2/" + path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def do(self, path, form=None, files=(), status=200):
        found, body = self.call("POST", path, form or {}, files)
        same(found, status, f"{path} answered {body[:300]!r}")
        return body

    def get(self, path, **query):
        status, body = self.call("GET", path + ("?" + urllib.parse.urlencode(query) if query else ""))
        same(status, 200, f"{path} answered {body[:300]!r}")
        return json.loads(body)

    def info(self, info_hash=None):
        rows = self.get("torrents/info", **({"hashes": info_hash} if info_hash else {}))
        if info_hash is None:
            return {row["hash"]: row for row in rows}
        return rows[0] if rows else None


class Governing(Service):
    """The same beside a real qBittorrent, under the same caps."""

    def __init__(self, at, instances, trackers, poll_interval=1):
        super().__init__(at, "both")
        self.log = "governing.console"
        self.weir = laboratory.Weir(at, "governing")
        self.port = self.weir.port
        self.weir.configure(
            instances, trackers, {"engine": {"enabled": True, "state": str(self.state), "directory": str(self.downloads)}},
            poll_interval=poll_interval, headroom=0)

    def start(self):
        self.weir.start()
        self.process = self.weir.process
        wait_for(self.is_up, 120, "the service")


def listening_port(weir):
    """The port on which the process takes peers: the one that is not its API's."""
    pid = weir.process.pid
    inodes = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            inodes.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
        except FileNotFoundError:
            # It was closed meanwhile.
            pass
    for line in open("/proc/net/tcp").read().splitlines()[1:]:
        parts = line.split()
        port = int(parts[1].split(":")[1], 16)
        if parts[3] == "0A" and f"socket:[{parts[9]}]" in inodes and port != weir.port:
            return port
    raise AssertionError("the engine listens nowhere")


def resident(weir):
    for line in open(f"/proc/{weir.process.pid}/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
