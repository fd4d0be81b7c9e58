#!/usr/bin/env python3
"""Starts a throw-away qbittorrent-nox on loopback and takes it away again.

    qbittorrent.py --torrents 100 --announce http://127.0.0.1:6969/announce

Prints one JSON line when the server answers and the torrents are loaded:

    {"url": "http://127.0.0.1:40001", "port": 40001, "bittorrent_port": 40002, "pid": 123, "profile": "/tmp/...",
     "user": "admin", "password": "adminadmin", "version": "v4.5.2", "api": "2.8.19", "save_path": "/tmp/..."}

Then it obeys lines on its standard input, and answers each with such a line again:

    restart     ends qBittorrent with SIGTERM and starts it with the same profile and ports
    kill        the same with SIGKILL

At the end of its standard input it stops qBittorrent and removes the profile, unless --profile named one.
Also a module: `make_torrent` and `QBittorrent` serve other scripts. Only the standard library is used.
"""
import argparse, base64, ctypes, hashlib, http.client, json, os, random, secrets, shutil, signal, socket, subprocess, sys
import tempfile, time, urllib.parse


def bencode(value):
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, (list, tuple)):
        return b"l" + b"".join(bencode(item) for item in value) + b"e"
    items = sorted((key.encode() if isinstance(key, str) else key, item) for key, item in value.items())
    return b"d" + b"".join(bencode(key) + bencode(item) for key, item in items) + b"e"


def payload_bytes(name, size):
    """The content of a payload: pseudo-random, the same for the same name."""
    block = hashlib.shake_256(name.encode()).digest(1 << 16)
    return (block * (size // len(block) + 1))[:size]


def make_torrent(name, source, tiers, size=16384, piece_length=16384, private=True):
    """A single-file torrent of `payload_bytes(name, size)`: (info-hash in hexadecimal, the file's bytes).

    `tiers` is a list of lists of announce URLs. `source` tells torrents with the same content apart.
    """
    content = payload_bytes(name, size)
    pieces = b"".join(
        hashlib.sha1(content[start:start + piece_length]).digest() for start in range(0, size, piece_length))
    info = {"length": size, "name": name, "piece length": piece_length, "pieces": pieces, "source": source}
    if private:
        info["private"] = 1
    torrent = {"info": info}
    if tiers:
        torrent["announce"] = tiers[0][0]
        torrent["announce-list"] = tiers
    return hashlib.sha1(bencode(info)).hexdigest(), bencode(torrent)


given_ports = set()


def free_port():
    """A port that nobody listens at, never given twice, and below those that the system gives to outgoing connections:
    nobody takes it by chance before its user is there."""
    while True:
        port = random.randrange(12000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in given_ports:
            given_ports.add(port)
            return port


def pbkdf2(password):
    salt = secrets.token_bytes(16)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 100_000)
    return f"{base64.b64encode(salt).decode()}:{base64.b64encode(key).decode()}"


def die_with_parent():
    """Run in the child: it shall not outlive this script, however that ends (PR_SET_PDEATHSIG is 1).

    It shall also see signals: a thread that starts programs may have them blocked, which is inherited.
    """
    os.setsid()
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class QBittorrent:
    """One server with its own profile.

    With `chroot`, the program of a Debian tree in that directory is run; the profile lies inside.
    `settings` are further lines of qBittorrent.conf: {"Preferences": {"WebUI\\\\LocalHostAuth": "false"}}.
    """

    def __init__(self, profile=None, chroot=None, port=None, user="admin", password="adminadmin", address="127.0.0.1",
                 settings=None, peer_exchange=False):
        self.chroot = os.path.abspath(chroot) if chroot else ""
        self.keeps_profile = profile is not None
        base = os.path.join(self.chroot, "tmp") if self.chroot else None
        self.profile = os.path.abspath(profile) if profile else tempfile.mkdtemp(prefix="qbittorrent-", dir=base)
        self.user, self.password, self.address = user, password, address
        self.port, self.bittorrent_port = port or free_port(), free_port()
        self.save_path = os.path.join(self.profile, "downloads")
        self.cookies, self.process = {}, None
        self.settings, self.peer_exchange = settings or {}, peer_exchange
        os.makedirs(self.save_path, exist_ok=True)

    def inside(self, path):
        """A path as the server sees it. One outside the chroot is bound into it at the same place."""
        return path[len(self.chroot):] if path.startswith(self.chroot) else path

    def write_settings(self):
        # Peers on one machine would otherwise find each other (and themselves) past the tracker.
        discovery = "true" if self.peer_exchange else "false"
        sections = {
            "LegalNotice": {"Accepted": "true"},
            "BitTorrent": {
                "Session\\Port": self.bittorrent_port, "Session\\DHTEnabled": discovery,
                "Session\\LSDEnabled": "false", "Session\\PeXEnabled": discovery,
                "Session\\QueueingSystemEnabled": "false",
                "Session\\DefaultSavePath": self.inside(self.save_path), "Session\\GlobalMaxSeedingMinutes": "-1",
            },
            "Preferences": {
                "WebUI\\Address": self.address, "WebUI\\Port": self.port, "WebUI\\Username": self.user,
                "WebUI\\Password_PBKDF2": f'"@ByteArray({pbkdf2(self.password)})"',
                "WebUI\\Password_ha1": f"@ByteArray({hashlib.md5(self.password.encode()).hexdigest()})",
                "Connection\\ResolvePeerCountries": "false",
            },
        }
        for section, values in self.settings.items():
            sections.setdefault(section, {}).update(values)
        folder = os.path.join(self.profile, "qBittorrent", "config")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "qBittorrent.conf"), "w") as file:
            for section, values in sections.items():
                file.write(f"[{section}]\n" + "".join(f"{key}={value}\n" for key, value in values.items()) + "\n")

    def start(self, patience=60):
        if not os.path.exists(os.path.join(self.profile, "qBittorrent", "config", "qBittorrent.conf")):
            self.write_settings()
        self.cookies = {}
        command = ["qbittorrent-nox", f"--profile={self.inside(self.profile)}", f"--webui-port={self.port}"]
        if self.chroot:
            command = ["chroot", self.chroot] + command
        environment = dict(os.environ, HOME=self.inside(self.profile), TMPDIR=self.inside(self.profile),
                           LC_ALL="C.UTF-8")
        self.log = open(os.path.join(self.profile, "output.log"), "ab")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        env=environment, preexec_fn=die_with_parent)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"qbittorrent-nox ended with status {self.process.returncode}: {self.output()}")
            try:
                if self.call("GET", "app/webapiVersion")[0] in (200, 403):
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise RuntimeError(f"qbittorrent-nox does not answer after {patience} s: {self.output()}")

    def output(self):
        with open(os.path.join(self.profile, "output.log"), "rb") as file:
            return file.read()[-2000:].decode(errors="replace").strip()

    def end(self, how=signal.SIGTERM, patience=20):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        self.process = None

    def remove(self):
        self.end(signal.SIGKILL)
        if not self.keeps_profile:
            shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method, action, form=None, body=None, content_type="application/x-www-form-urlencoded"):
        """One request: (status, body)."""
        connection = http.client.HTTPConnection(self.address, self.port, timeout=120)
        headers = {}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if form is not None:
            body = urllib.parse.urlencode(form).encode()
        if body is not None:
            headers["Content-Type"] = content_type
        try:
            connection.request(method, "/api/v2/" + action, body, headers)
            answer = connection.getresponse()
            for name, value in answer.getheaders():
                if name.lower() == "set-cookie":
                    key, _, rest = value.partition("=")
                    self.cookies[key] = rest.split(";")[0]
            return answer.status, answer.read()
        except http.client.HTTPException as failure:
            raise OSError(str(failure))
        finally:
            connection.close()

    def login(self):
        status, body = self.call("POST", "auth/login", {"username": self.user, "password": self.password})
        if status not in (200, 204) or body == b"Fails.":
            raise RuntimeError(f"login answered {status}")

    def add(self, torrents, fields=None, per_call=250):
        """Adds the bytes of torrent files; waits until all are listed."""
        before = self.count()
        options = {"savepath": self.inside(self.save_path), "skip_checking": "true", "seedMode": "true",
                   "autoTMM": "false", **(fields or {})}
        for start in range(0, len(torrents), per_call):
            boundary = secrets.token_hex(16)
            part = f"--{boundary}\r\nContent-Disposition: form-data; name="
            body = "".join(f'{part}"{name}"\r\n\r\n{value}\r\n' for name, value in options.items()).encode()
            for place, torrent in enumerate(torrents[start:start + per_call]):
                head = f'{part}"torrents"; filename="{place}.torrent"\r\nContent-Type: application/x-bittorrent\r\n\r\n'
                body += head.encode() + torrent + b"\r\n"
            body += f"--{boundary}--\r\n".encode()
            status, answer = self.call("POST", "torrents/add", body=body,
                                       content_type=f"multipart/form-data; boundary={boundary}")
            if status not in (200, 202) or answer == b"Fails.":
                raise RuntimeError(f"torrents/add answered {status} {answer[:100]}")
        deadline = time.monotonic() + 120
        while self.count() < before + len(torrents):
            if time.monotonic() > deadline:
                raise RuntimeError(f"only {self.count() - before} of {len(torrents)} torrents were added")
            time.sleep(0.2)

    def count(self):
        status, body = self.call("GET", "torrents/info")
        if status != 200:
            raise RuntimeError(f"torrents/info answered {status}")
        return len(json.loads(body))

    def write_payload(self, name, size):
        with open(os.path.join(self.save_path, name), "wb") as file:
            file.write(payload_bytes(name, size))

    def description(self):
        self.login()
        return {
            "url": f"http://{self.address}:{self.port}", "port": self.port, "bittorrent_port": self.bittorrent_port,
            "pid": self.process.pid, "profile": self.profile, "user": self.user, "password": self.password,
            "version": self.call("GET", "app/version")[1].decode(),
            "api": self.call("GET", "app/webapiVersion")[1].decode(), "save_path": self.save_path,
        }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chroot", help="directory of another Debian, whose qbittorrent-nox is run")
    parser.add_argument("--profile", help="keep the profile in this directory")
    parser.add_argument("--port", type=int, help="of the Web API; a free one when not given")
    parser.add_argument("--user", default="admin")
    parser.add_argument("--password", default="adminadmin")
    parser.add_argument("--no-login", action="store_true", help="loopback needs no login (LocalHostAuth=false)")
    parser.add_argument("--peer-exchange", action="store_true", help="switch DHT and PeX on")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION/KEY=VALUE",
                        help="a further line of qBittorrent.conf")
    parser.add_argument("--torrents", type=int, default=0, help="so many tiny torrents, complete")
    parser.add_argument("--public", action="store_true", help="torrents without the private flag")
    parser.add_argument("--announce", action="append", default=[], metavar="URL[,URL]",
                        help="a tier of trackers for each torrent; {n} becomes the torrent's number")
    options = parser.parse_args()
    if not options.chroot and not shutil.which("qbittorrent-nox"):
        sys.exit("qbittorrent-nox is not installed: apt-get install qbittorrent-nox")

    settings = {}
    for line in options.set:
        place, _, value = line.partition("=")
        section, _, key = place.partition("/")
        settings.setdefault(section, {})[key] = value
    if options.no_login:
        settings.setdefault("Preferences", {})["WebUI\\LocalHostAuth"] = "false"
    server = QBittorrent(options.profile, options.chroot, options.port, options.user, options.password,
                         settings=settings, peer_exchange=options.peer_exchange)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        server.start()
        server.login()
        if options.torrents:
            server.write_payload("payload.bin", 16384)
            tiers = [tier.split(",") for tier in options.announce]
            server.add([
                make_torrent("payload.bin", f"test {number}",
                             [[url.replace("{n}", str(number)) for url in tier] for tier in tiers],
                             private=not options.public)[1]
                for number in range(options.torrents)])
        print(json.dumps(server.description()), flush=True)
        for line in sys.stdin:
            ways = {"restart": signal.SIGTERM, "kill": signal.SIGKILL}
            if line.strip() not in ways:
                sys.exit(f"unknown command {line.strip()!r}")
            server.end(ways[line.strip()])
            server.start()
            print(json.dumps(server.description()), flush=True)
    finally:
        server.remove()


if __name__ == "__main__":
    main()
