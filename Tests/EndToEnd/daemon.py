#!/usr/bin/python3
"""`weir serve` as a service among others: the service manager, the sandbox, a reverse proxy, notifications, the log as JSON."""

import gzip
import http.client
import http.server
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse
from pathlib import Path

import lab as laboratory
from checks import REST, Checks, expect, same, tracker
from lab import bencode, free_port, wait_for
from nginx import Nginx, guide
from webdriver import Browser

checks = Checks(__doc__)
PATIENCE = 60
VARIABLES = ("STATE_DIRECTORY", "XDG_STATE_HOME", "XDG_DOWNLOAD_DIR", "XDG_CONFIG_HOME", "WEIR_CONFIG", "NOTIFY_SOCKET",
             "WATCHDOG_USEC", "WATCHDOG_PID", "CREDENTIALS_DIRECTORY")


def service(at, sections="", start=True, **variables):
    """A Weir with torrents of its own, and nothing but that."""
    weir = laboratory.Weir(at)
    weir.environment = {**{k: v for k, v in os.environ.items() if k not in VARIABLES}, "HOME": str(weir.folder), **variables}
    weir.config.write_text(f"global: {{port: {weir.port}}}\nrollback: {{database_path: {weir.folder}/journal.db}}\n"
                           f"logging: {{file: null, format: json, level: debug}}\n{sections}")
    if start:
        weir.start(env=weir.environment)
    return weir


def records(weir):
    """Every whole line of what it says, as JSON."""
    return [json.loads(line) for line in weir.console().split("\n")[:-1]]


def torrent(name, announce="http://127.0.0.1:1/announce", pieces=1):
    info = {b"length": 16384 * (pieces - 1) + 1, b"name": name.encode(), b"piece length": 16384, b"pieces": bytes(20 * pieces)}
    return bencode({b"announce": announce.encode(), b"info": info})


def add(weir, name):
    """It listens before its torrents are there, and says so."""
    def taken():
        answers.append(weir.call("POST", "/api/ui/torrents/upload?", torrent(name), {"Content-Type": "application/x-bittorrent"}))
        return answers[-1][0] == 200
    answers = []
    try:
        wait_for(taken, PATIENCE, f"adding {name!r}")
    except AssertionError as error:
        raise AssertionError(f"{error}: {answers[-1]}") from None


class Manager:
    """What listens in a service manager's place. A name that begins with an @ is an abstract one."""

    def __init__(self, name):
        self.name = name
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + name[1:] if name.startswith("@") else name)

    def next(self, wanted, seconds=PATIENCE):
        """The next message with these words; others are passed over."""
        deadline = time.monotonic() + seconds
        while True:
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                text = self.socket.recv(4096).decode()
            except TimeoutError:
                raise AssertionError(f"the service manager never heard {wanted}") from None
            if wanted in text.split("\n"):
                return text

    def drain(self):
        self.socket.setblocking(False)
        count = 0
        try:
            while self.socket.recv(4096):
                count += 1
        except BlockingIOError:
            return count


def hears(at, manager):
    weir = service(at, NOTIFY_SOCKET=manager.name, WATCHDOG_USEC="1500000")
    ready = manager.next("READY=1")
    expect("STATUS=1 trackers, torrents of its own" in ready, ready)
    for _ in range(3):
        manager.next("WATCHDOG=1")
    # Held, it feeds no watchdog; what it sent before is read first.
    weir.process.send_signal(signal.SIGSTOP)
    threads = Path(f"/proc/{weir.process.pid}/task")
    wait_for(lambda: all("State:\tT" in (t / "status").read_text() for t in threads.iterdir()), PATIENCE, "the stop")
    manager.drain()
    time.sleep(1.5)
    same(manager.drain(), 0, "messages of a program that stands still")
    weir.process.send_signal(signal.SIGCONT)
    manager.next("WATCHDOG=1")

    weir.process.send_signal(signal.SIGHUP)
    began = manager.next("RELOADING=1")
    microseconds = int(re.search(r"MONOTONIC_USEC=(\d+)", began)[1])
    expect(abs(time.monotonic() - microseconds / 1e6) < PATIENCE, "the time of the reload is of another clock")
    manager.next("READY=1")
    weir.process.terminate()
    manager.next("STOPPING=1")
    same(weir.process.wait(PATIENCE), 0, "the exit code")


@checks("the service manager hears of the start, a reload and the end, and of the watchdog only while everything turns")
def _(at):
    hears(at, Manager(str(at.folder / "notify")))


@checks("the service manager is reached by an abstract name as well")
def _(at):
    hears(at, Manager(f"@weir-test-{os.getpid()}-{free_port()}"))


@checks("a watchdog that asks for another process is not fed")
def _(at):
    manager = Manager(str(at.folder / "notify"))
    weir = service(at, NOTIFY_SOCKET=manager.name, WATCHDOG_USEC="300000", WATCHDOG_PID="1")
    manager.next("READY=1")
    # Asked after the first beat would have come.
    time.sleep(0.5)
    same(manager.drain(), 0, "messages")
    same(weir.stop(), 0, "the exit code")


def program(at):
    """The binary where everybody may run it."""
    at.folder.chmod(0o755)
    binary = at.folder / "weir-binary"
    shutil.copy(laboratory.BINARY, binary)
    binary.chmod(0o755)
    return binary


# In a mount namespace of its own: everything that is mounted becomes read-only but the state; then the program runs as nobody.
SANDBOX = r"""
set -e
state=$1; shift
mount --make-rprivate /
mount --bind "$state" "$state"
awk '{print $5}' /proc/self/mountinfo | sort -u | while read -r place; do
    case "$place" in /proc*|/sys*|"$state"*) ;; *) mount -o remount,bind,ro "$place" 2>/dev/null || true ;; esac
done
cd "$state"
run="setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all"
for place in / /tmp /var/tmp /etc /dev/shm "$(dirname "$state")"; do
    if touch "$place/weir-touch" 2>/dev/null; then echo "$place can be written"; rm -f "$place/weir-touch"; exit 99; fi
done
exec $run "$@"
"""


@checks("as nobody, with nothing to write to but the state folder, it does its work and stops cleanly")
def _(at):
    weir = laboratory.Weir(at)
    state = weir.folder
    text = (laboratory.ROOT / "Packaging/weir.yaml").read_text()
    expect("/var/lib/weir/journal.db" in text, "the packaged configuration keeps its journal in the state folder")
    weir.config.write_text(text.replace("/var/lib/weir", str(state)) + f"global: {{port: {weir.port}}}\n")
    for path in (state, weir.config):
        os.chown(path, 65534, 65534)
    environment = {"PATH": os.environ["PATH"], "HOME": str(state), "STATE_DIRECTORY": str(state),
                   "RUNTIME_DIRECTORY": str(state / "run"), "WEIR_LAB": "1"}
    weir.process = at.start(["unshare", "-m", "bash", "-c", SANDBOX, "sandbox", state, program(at), "serve", "--config", weir.config],
                            f"{weir.name}.console", cwd=state, env=environment)
    wait_for(weir.answers, PATIENCE, "Weir")
    pid = weir.process.pid
    expect("Uid:\t65534" in open(f"/proc/{pid}/status").read(), "it does not run as nobody")
    add(weir, "one")
    token = wait_for(lambda: re.search(r"set_up_token=(\S+)", weir.console()), PATIENCE, "the token")[1]
    same(weir.call("POST", "/api/access/setup", {"token": token, "name": "me", "password": "long enough"})[0], 200, "a user")
    weir.process.terminate()
    same(weir.process.wait(PATIENCE), 0, f"the exit code\n{weir.console()[-2000:]}")
    written = {path.name for path in state.iterdir()}
    expect({"journal.db", "access.db", "library.db"} <= written, f"the state holds {written}")
    expect("Read-only file system" not in weir.console() and "Permission denied" not in weir.console(), weir.console()[-3000:])


@checks("it calls nothing of the system that the unit's filter refuses")
def _(at):
    if not shutil.which("strace"):
        raise AssertionError("strace is missing: Packaging/install-packages.sh test")
    unit = (laboratory.ROOT / "Packaging/systemd/weir.service").read_text()
    allowed = set()
    for value in re.findall(r"^SystemCallFilter=(.*)$", unit, re.M):
        names = set(value.lstrip("~").split())
        for group in [name for name in names if name.startswith("@")]:
            names |= calls_of(group)
        allowed = allowed - names if value.startswith("~") else allowed | names
    trace = at.folder / "trace"
    weir = laboratory.Weir(at)
    weir.config.write_text(f"global: {{port: {weir.port}}}\nrollback: {{database_path: {weir.folder}/journal.db}}\n"
                           "logging: {file: null}\n")
    # As nobody, as the unit runs it: who may do everything does more.
    for path in (weir.folder, weir.config):
        os.chown(path, 65534, 65534)
    weir.process = at.start(["strace", "-f", "-qq", "-u", "nobody", "-o", trace, program(at), "serve", "--config", weir.config],
                            f"{weir.name}.console", cwd=weir.folder, env={**os.environ, "HOME": str(weir.folder)})
    try:
        wait_for(weir.answers, PATIENCE, "Weir")
        add(weir, "one")
        end_traced(weir, signal.SIGTERM)
        weir.process.wait(PATIENCE)
    except AssertionError:
        if "ptrace" in weir.console() or "Operation not permitted" in weir.console():
            print("    (this machine lets nobody be traced: not checked)", flush=True)
            return
        raise
    finally:
        end_traced(weir, signal.SIGKILL)
    called = set(re.findall(r"^\d+ +([a-z_0-9]+)\(", trace.read_text(errors="replace"), re.M))
    expect("epoll_ctl" in called, "the trace holds nothing")
    # The first is the service manager's own.
    same(called - allowed - {"execve"}, set(), "calls that the filter refuses")


def end_traced(weir, number):
    """What is traced outlives the one that traces."""
    try:
        children = Path(f"/proc/{weir.process.pid}/task/{weir.process.pid}/children").read_text().split()
    except OSError:
        return
    for child in children:
        os.kill(int(child), number)


def calls_of(group):
    text = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True).stdout
    names = set(re.findall(r"^ +([-@a-z_0-9]+)$", text, re.M))
    for inner in [name for name in names if name.startswith("@") and name != group]:
        names |= calls_of(inner)
    return names


class Proxy(http.server.BaseHTTPRequestHandler):
    """Terminates TLS, as far as it says, for a path of its host, and appends what proxies append. `client` is who asks."""

    protocol_version = "HTTP/1.1"
    port, client, host = 0, "203.0.113.5", "weir.example"

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        upstream = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection", "x-forwarded-for")}
        before = self.headers.get("X-Forwarded-For")
        headers |= {"Host": "127.0.0.1", "X-Forwarded-For": ", ".join(filter(None, [before, self.client])),
                    "X-Forwarded-Proto": "https", "X-Forwarded-Host": self.host}
        upstream.request(self.command, self.path, body or None, headers)
        answer = upstream.getresponse()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            while data := answer.read1(65536):
                self.wfile.write(data)
                self.wfile.flush()
        except (OSError, http.client.HTTPException):
            # One of the two has gone.
            pass
        self.close_connection = True
        upstream.close()

    do_GET = do_POST = pass_on

    def log_message(self, *_):
        pass


def proxy(weir, **values):
    handler = type("BoundProxy", (Proxy,), {"port": weir.port, **values})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server.server_port


def ask(port, method, path, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
    given = {"Content-Type": "application/json"} if isinstance(body, dict) else {}
    connection.request(method, path, data, {**given, **{k.replace("_", "-"): v for k, v in headers.items()}})
    answer = connection.getresponse()
    return answer.status, answer.read().decode("utf-8", "replace"), answer


BEHIND = "server: {base_path: weir, trusted_proxies: [127.0.0.1]}\n"


@checks("behind a reverse proxy with a path of its own: page, users, cookies, back-off and the facade")
def _(at):
    weir = service(at, BEHIND)
    weir.config.write_text(weir.config.read_text().replace("global: {", "global: {allowed_hosts: [weir.example], "))
    weir.process.send_signal(signal.SIGHUP)
    here, there, evil = proxy(weir), proxy(weir, client="198.51.100.7"), proxy(weir, host="evil.example")
    wait_for(lambda: ask(here, "GET", "/weir/healthz")[0] == 200, PATIENCE, "the new configuration")

    status, _, answer = ask(here, "GET", "/weir", Accept="text/html")
    same((status, answer.getheader("Location")), (308, "/weir/"), "the path without its slash")
    status, page, _ = ask(here, "GET", "/weir/", Accept="text/html")
    expect(status == 200 and "<title>Weir" in page, page[:200])
    seen, waiting = set(), [urllib.parse.urljoin("/weir/", path) for path in re.findall(r'(?:href|src)="([^"#]+)"', page)]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        expect(path.startswith("/weir/"), f"the page asks for {path}")
        status, text, _ = ask(here, "GET", path)
        same(status, 200, path)
        if path.endswith(".js"):
            waiting += [urllib.parse.urljoin(path, name) for name in re.findall(r'from "([^"]+)"', text)]
    expect(len(seen) > 10, f"only {seen}")

    # Who comes by a proxy is nobody's guest, though the proxy is on this machine.
    same(weir.call("GET", "/api/ui/overview")[0], 200, "the overview from this machine")
    for path in ("/weir/api/ui/overview", "/weir/api/ui/torrents", "/weir/config"):
        same(ask(here, "GET", path)[0], 401, path)
    same(ask(here, "GET", "/weir/api/v2/torrents/info")[0], 403, "the facade")
    same(ask(here, "POST", "/weir/pause", {})[0], 401, "a command")
    same(ask(evil, "GET", "/weir/")[0], 403, "another name")
    # Without the proxy nobody's word counts.
    same(weir.call("GET", "/", None, {"X-Forwarded-Host": "evil.example", "Host": "evil.example"})[0], 403, "a forged name")

    token = next(r["set_up_token"] for r in records(weir) if "set_up_token" in r)
    status, text, answer = ask(here, "POST", "/weir/api/access/setup", {"token": token, "name": "me", "password": "long enough"},
                               Origin="https://weir.example", Sec_Fetch_Site="same-origin")
    same(status, 200, text)
    cookie = answer.getheader("Set-Cookie")
    expect("Path=/weir/" in cookie and cookie.endswith("; Secure") and "HttpOnly; SameSite=Strict" in cookie, cookie)
    session = cookie.split(";")[0]
    same(ask(here, "GET", "/weir/api/ui/overview", Cookie=session)[0], 200, "the overview with a session")
    same(ask(here, "POST", "/weir/pause", {}, Cookie=session, Origin="https://evil.example")[0], 403, "a foreign page")

    wrong = {"name": "me", "password": "wrong password"}
    found = [ask(here, "POST", "/weir/api/access/login", wrong, X_Forwarded_For=f"192.0.2.{n}")[0] for n in range(8)]
    expect(found[0] == 401 and found[-1] == 429, f"guesses: {found}")
    right = {"name": "me", "password": "long enough"}
    same(ask(there, "POST", "/weir/api/access/login", right)[0], 200, "another client of the same proxy")
    refused = {r.get("address") for r in records(weir) if r["message"] == "a log-in was refused"}
    same(refused, {"203.0.113.5"}, "the addresses in the log")

    status, text, answer = ask(there, "POST", "/weir/api/v2/auth/login", b"username=me&password=long enough".replace(b" ", b"+"),
                               Content_Type="application/x-www-form-urlencoded", Origin="https://weir.example")
    same((status, text), (200, "Ok."), "the facade's log-in")
    sid = answer.getheader("Set-Cookie")
    expect("path=/weir/" in sid and sid.endswith("; Secure"), sid)
    same(ask(there, "GET", "/weir/api/v2/app/version", Cookie=sid.split(";")[0])[1], "v5.1.4", "the facade")
    same(weir.stop(), 0, "the exit code")
    expect("long enough" not in weir.console() and session.split("=")[1] not in weir.console(), "a secret is in the log")


def as_the_guide_says(at):
    """A Weir with the settings that the guide has for nginx, and a user; and an nginx with its lines."""
    settings = guide()["yaml"]
    expect("allowed_hosts: [home.example]" in settings and "trusted_proxies: [127.0.0.1]" in settings, settings)
    weir = service(at, settings[settings.index("server:"):], start=False)
    weir.config.write_text(weir.config.read_text().replace("global: {", "global: {allowed_hosts: [home.example], "))
    weir.start(env=weir.environment)
    add(weir, "<img src=x>")
    token = wait_for(lambda: next((r["set_up_token"] for r in records(weir) if "set_up_token" in r), None), PATIENCE, "the token")
    status, text = weir.call("POST", "/api/access/setup", {"token": token, "name": "me", "password": "long enough"})
    same(status, 200, text)
    return weir, Nginx(at, weir.port)


class Visitor:
    """Somebody at an address of their own, who comes by https."""

    def __init__(self, front, address):
        self.front, self.address, self.cookie = front, address, None

    def send(self, method, path, body=None, **headers):
        context = ssl.create_default_context(cafile=self.front.log.with_name("certificate.pem"))
        connection = http.client.HTTPSConnection("127.0.0.1", self.front.port, timeout=PATIENCE, context=context,
                                                 source_address=(self.address, 0))
        given = {"Host": f"home.example:{self.front.port}"} | ({"Cookie": self.cookie} if self.cookie else {})
        if isinstance(body, dict):
            given |= {"Content-Type": "application/json", "Origin": f"https://home.example:{self.front.port}",
                      "Sec-Fetch-Site": "same-origin"}
            body = json.dumps(body).encode()
        connection.request(method, path, body, {**given, **{k.replace("_", "-"): v for k, v in headers.items()}})
        return connection.getresponse()

    def ask(self, *words, **headers):
        answer = self.send(*words, **headers)
        return answer.status, answer.read(), answer

    def log_in(self, password="long enough", **headers):
        status, _, answer = self.ask("POST", "/weir/api/access/login", {"name": "me", "password": password}, **headers)
        if status == 200:
            self.cookie = answer.getheader("Set-Cookie").split(";")[0]
        return status, answer.getheader("Set-Cookie")


@checks("behind a real nginx with the guide's lines: log-in and real addresses, large bodies, compression, news at once")
def _(at):
    weir, front = as_the_guide_says(at)
    anna, eve = Visitor(front, "127.0.0.7"), Visitor(front, "127.0.0.66")
    same(anna.ask("GET", "/weir/api/ui/overview")[0], 401, "the overview of nobody")
    guesses = [eve.log_in(f"guess {n}", X_Forwarded_For="127.0.0.1")[0] for n in range(8)]
    expect(guesses[0] == 401 and guesses[-1] == 429, f"guesses: {guesses}")
    status, cookie = anna.log_in()
    expect(status == 200 and "Path=/weir/" in cookie and cookie.endswith("; Secure"), f"{status} {cookie}")
    same({r.get("address") for r in records(weir) if r["message"] == "a log-in was refused"}, {"127.0.0.66"}, "who guessed, in the log")
    same(anna.ask("GET", "/weir", Accept="text/html")[0], 301, "the path without its slash")

    # Compressed on the way, and still known by its tag.
    status, body, answer = anna.ask("GET", "/weir/ui/main.js", Accept_Encoding="gzip")
    same((status, answer.getheader("Content-Encoding")), (200, "gzip"), "a script")
    expect(b"import" in gzip.decompress(body), "the script")
    same(anna.ask("GET", "/weir/ui/main.js", Accept_Encoding="gzip", If_None_Match=answer.getheader("ETag"))[0], 304, "the script again")

    # News comes while the answer goes on, although nginx buffers others.
    news = anna.send("GET", "/weir/api/ui/events", Accept_Encoding="gzip")
    same((news.status, news.getheader("Content-Encoding")), (200, None), "the news")
    large = torrent("in the news", pieces=80_000)
    expect(len(large) > 1 << 20, "nginx would take that by itself")
    status, text, _ = anna.ask("POST", "/weir/api/ui/torrents/upload?", large, Content_Type="application/x-bittorrent",
                               Origin=f"https://home.example:{front.port}")
    same(status, 200, text)
    seen, until = b"", time.monotonic() + PATIENCE
    while b"in the news" not in seen:
        expect(time.monotonic() < until, f"no news of it: {seen[-500:]}")
        seen += news.read1(65536)
    # An nginx that buffers sends 16 KiB together, and that is half a minute of news.
    news.fp.raw._sock.settimeout(0.2)
    try:
        while len(seen) < 16384:
            seen += news.read1(65536)
    except TimeoutError:
        pass
    expect(len(seen) < 12288, f"{len(seen)} bytes of news came together")
    same(weir.stop(), 0, "the exit code")
    expect("long enough" not in weir.console() and anna.cookie.split("=")[1] not in weir.console(), "a secret is in the log")


@checks("the page works in a browser, by https behind nginx, below a path and on another port")
def _(at):
    weir, front = as_the_guide_says(at)
    browser = Browser(hosts="MAP home.example 127.0.0.1", takes_any_certificate=True)
    try:
        browser.open(f"https://home.example:{front.port}/weir")
        browser.run_async("""fetch("api/access/login", {method: "POST", headers: {"content-type": "application/json"},
            body: JSON.stringify({name: "me", password: "long enough"})}).then((answer) => done(answer.status))""")
        browser.open(f"https://home.example:{front.port}/weir")
        browser.wait("document.body.textContent.includes('<img src=x>')", "the torrent in the list", PATIENCE)
        browser.wait("document.querySelector('#live')?.dataset.state === 'live'", "live news", PATIENCE)
        same(browser.run("return location.pathname"), "/weir/", "the address")
        same(browser.run("return [watched.policy, watched.errors]"), [[], []], "reports of the browser")
    finally:
        browser.close()


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.owner.lock:
            status = self.owner.statuses.pop(0) if self.owner.statuses else 204
            self.owner.got.append((self.path, dict(self.headers), body.decode(), status))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Phone:
    """Whom notifications reach."""

    def __init__(self):
        self.got, self.statuses, self.lock = [], [], threading.Lock()
        handler = type("BoundReceiver", (Receiver,), {"owner": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook/canary-path"

    def taken(self, event):
        with self.lock:
            return [json.loads(body) for _, _, body, status in self.got if status < 300 and json.loads(body)["event"] == event]

    def wait(self, event):
        return wait_for(lambda: self.taken(event), PATIENCE, f"the message {event}")[0]


SECRET = "canary-secret-of-the-receiver"


@checks("people are told by a webhook: what happens, once, again after a failure, and no secret in it")
def _(at):
    phone = Phone()
    home = at.fake(count=3, tracker="music", demand=1000, prefix="canary-song")
    home.change(list(home.torrents)[:1], state="stalledUP")
    told = {"url": phone.url, "patience": 1, "secret": SECRET}
    weir = at.weir([home], [tracker("music", 10_000_000), REST], {"notifications": told})
    done = weir.run("notify", "test", "--config", weir.config, check=0)
    expect("taken" in done.stdout, done.stdout)
    path, headers, _, _ = phone.got[0]
    same((path, headers["X-Weir-Secret"]), ("/hook/canary-path", SECRET), "what the receiver sees")
    same(phone.taken("test")[0]["title"], "Weir can reach you", "the test")
    phone.statuses = [302]
    same(weir.run("notify", "test", "--config", weir.config).returncode, 77, "a redirect is an answer that says no")
    phone.statuses = [503]
    same(weir.run("notify", "test", "--config", weir.config).returncode, 69, "a receiver that fails")
    expect(all(path == "/hook/canary-path" for path, *_ in phone.got), "a redirect was followed")

    phone.statuses = [500]
    home.stop()
    down = phone.wait("instance_down")
    expect(down["lines"][0].startswith("home: ") and down["urgency"] == "high", down)
    home.start()
    same(phone.wait("instance_up")["lines"], ["home"], "the instance is back")
    same(weir.call("POST", "/rollback", {"confirm": True, "reason": "canary"})[0], 200, "the rollback")
    expect("have the limit back" in phone.wait("rollback")["message"], "the rollback's message")
    one = next(iter(home.torrents))
    for _ in range(20):
        same(weir.call("POST", "/webhook", {"event": "complete", "hash": one})[0], 202, "the webhook")
    weir.call("POST", "/webhook", {"event": "complete", "hash": "f" * 40})
    complete = phone.wait("torrent_complete")
    same((complete["count"], len(complete["lines"])), (1, 1), "one torrent is complete, and an invented one is not told")

    good = weir.config.read_text()
    weir.config.write_text(good + "no_such_section: [\n")
    expect("weir.yaml" in phone.wait("configuration_refused")["message"], "the place of the error")
    # Another receiver takes effect as soon as the file is saved.
    other = Phone()
    weir.config.write_text(good.replace(phone.url, other.url))
    wait_for(lambda: "configuration changed" in weir.console(), PATIENCE, "the reload")
    weir.config.write_text(good.replace(phone.url, other.url) + "]\n")
    other.wait("configuration_refused")
    same(weir.stop(), 0, "the exit code")
    for _, _, body, _ in phone.got + other.got:
        for secret in (SECRET, "canary-path", "adminadmin", "passkey"):
            expect(secret not in body, f"{secret} is in {body}")
    for secret in (SECRET, "canary-path"):
        expect(secret not in weir.console(), f"{secret} is in the log")


@checks("an own torrent that fails is told with its verdict, and a receiver that hangs delays nothing")
def _(at):
    silent = socket.create_server(("127.0.0.1", 0))
    weir = service(at, f"notifications: {{url: 'http://127.0.0.1:{silent.getsockname()[1]}/', patience: 1, timeout: 1}}\n")
    phone = Phone()
    for number in range(5):
        add(weir, f"hanging {number}")
    text = weir.config.read_text()
    weir.config.write_text(re.sub(r"url: '[^']*'", f"url: '{phone.url}'", text))
    trouble = phone.wait("torrent_trouble")
    expect(re.search(r"^hanging \d: .*\(tracker_\w+\)$", trouble["lines"][0]), trouble)
    same(weir.stop(), 0, "the exit code")
    silent.close()


@checks("the log as JSON is one object a line with the documented keys, whatever names torrents have")
def _(at):
    weir = service(at)
    names = ["a\"b\\c", "line\nbreak\r\n{\"message\":\"forged\"}", "\x1b]0;title\x07", "‮evil", "tab\tand \u2028", "é日本", "x" * 200]
    for name in names:
        add(weir, name)
    add(weir, "named after a key of ours, message=forged")
    wait_for(lambda: sum(r["message"] == "torrent added" for r in records(weir)) == len(names) + 1, PATIENCE, "the lines")
    same(weir.stop(), 0, "the exit code")
    whole = weir.console()
    expect(not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u2028\u202e]", whole), "something in the log steers a terminal")
    for line in whole.rstrip("\n").split("\n"):
        pairs = json.loads(line, object_pairs_hook=list)
        keys = [key for key, _ in pairs]
        same(keys[:3], ["time", "level", "message"], line)
        same(len(set(keys)), len(keys), f"a key twice: {line}")
        found = dict(pairs)
        expect(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found["time"]), line)
        expect(found["level"] in ("debug", "info", "warning", "error"), line)
        expect(found["message"] != "forged", line)


if __name__ == "__main__":
    checks.main()
