#!/usr/bin/python3
"""Bad input of every kind: a clear message with what to do, the right exit code or status, and nothing lost."""

import hashlib
import http.server
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import threading
import time

import lab as laboratory
from checks import REST, Checks, expect, health, same, tracker, wait_for

checks = Checks(__doc__)
DONE, FAILED, USAGE, BAD_INPUT, UNREACHABLE, TRY_AGAIN, BAD_CONFIGURATION = 0, 1, 64, 65, 69, 75, 78

GOOD = """\
global:
  port: {port}
qbittorrent:
  url: http://127.0.0.1:1
  username: admin
  password: secret
trackers:
  - id: a
    pattern: "//a\\\\.example/"
    max_upload_speed: 400000
  - id: rest
    pattern: ".*"
    max_upload_speed: -1
rollback:
  database_path: {folder}/weir.db
logging:
  file: null
"""

# What is wrong, how the good file is changed (old text, new text), and what the message must name.
WRONG_FILES = [
    ("a bracket that is never closed", ("qbittorrent:", "qbittorrent: ["), [":5:"]),
    ("a tab as indentation", ("  url:", "\turl:"), [":4:"]),
    ("text where a number belongs", ("port: {port}", "port: many"), [":2:", "port", "many"]),
    ("a list where a number belongs", ("port: {port}", "port: [1]"), [":2:", "port"]),
    ("a port of 70000", ("port: {port}", "port: 70000"), [":2:", "65535"]),
    ("text where trackers belong", ("trackers:\n", "trackers: none\nothers:\n"), [":7:", "trackers", "list"]),
    ("text in the place of a cap", ("400000", "fast"), [":10:", "max_upload_speed", "fast"]),
    ("a cap of 0", ("400000", "0"), [":10:", "max_upload_speed"]),
    ("a cap of -5", ("400000", "-5"), [":10:", "max_upload_speed", "-1"]),
    ("a cap of 10^30", ("400000", "1" + "0" * 30), [":10:", "max_upload_speed"]),
    ("a duplicate id", ("id: rest", "id: a"), [":11:", "line 8"]),
    ("a missing id", ("- id: a\n    pattern", "- pattern"), [":8:", "id"]),
    ("a pattern that does not compile", ("//a\\\\.example/", "(unclosed"), [":9:", "pattern"]),
    ("a missing catch-all", ('".*"', '"b"'), [":7:", ".*"]),
    ("a catch-all that is not the last", ("//a\\\\.example/", ".*"), [":9:"]),
    ("a priority of 11", ("400000", "400000\n    priority: 11"), [":11:", "priority", "10"]),
    ("a missing password", ("  password: secret\n", ""), ["password", "WEIR_QBITTORRENT_PASSWORD"]),
    ("a variable that is not set", ("secret", "${{NO_SUCH_VARIABLE}}"), [":6:", "NO_SUCH_VARIABLE"]),
    ("an address that is none", ("http://127.0.0.1:1", "ftp://x"), [":4:", "url"]),
    ("the same key twice", ("  password: secret", "  password: secret\n  password: other"), [":7:", "password", "line 6"]),
    ("an unknown strategy", ("port: {port}", "allocation_strategy: fair"), [":2:", "adaptive"]),
    ("a list in the place of sections", None, [":1:"]),
    ("bytes that are no text", None, ["UTF-8"]),
    ("a NUL byte", None, [":"]),
    ("nesting without end", None, [":1:"]),
    ("aliases that multiply", None, [":"]),
    ("3 MB", None, ["1048576"]),
]
WHOLE_FILES = {
    "a list in the place of sections": b"- 1\n- 2\n", "bytes that are no text": b"global: \xff\xfe\n",
    "a NUL byte": b"global:\n  port: 8\x0089\n", "nesting without end": b"[" * 100_000,
    "aliases that multiply": b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
        b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9)) for n in range(9)),
    "3 MB": b"# " + b"x" * 3_000_000,
}


def prepared(at, text=GOOD):
    """A Weir that is not started, with a configuration of its own text."""
    weir = laboratory.Weir(at)
    at.weirs.append(weir)
    weir.config.write_text(text.format(port=weir.port, folder=weir.folder))
    return weir


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


def refused(weir, code, *words):
    """`weir serve` ends with this code and a message that has these words."""
    started = time.monotonic()
    done = weir.run("serve", "--config", weir.config)
    expect(time.monotonic() - started < 5, "it takes long to be refused")
    same(done.returncode, code, f"exit code ({done.stderr[-300:]})")
    for word in words:
        expect(word in done.stderr, f"{word!r} is not in: {done.stderr[-600:]}")
    return done.stderr


for name, change, words in WRONG_FILES:
    def wrong_file(at, name=name, change=change, words=words):
        weir = prepared(at, GOOD.replace(*change) if change else GOOD)
        if not change:
            weir.config.write_bytes(WHOLE_FILES[name])
        place = f"{weir.config}"
        for command in (["config", "check"], ["serve"], ["plan"]):
            done = weir.run(*command, "--config", weir.config)
            same(done.returncode, BAD_CONFIGURATION, f"{command}: exit code ({done.stderr[-300:]})")
            for word in [place, *words]:
                expect(word in done.stderr, f"{command}: {word!r} is not in: {done.stderr[-600:]}")
            expect(len(done.stderr) < 4000, f"{command}: {len(done.stderr)} characters")
        report = json.loads(weir.run("config", "check", "--json", "--config", weir.config, check=BAD_CONFIGURATION).stdout)
        expect(report["valid"] is False and report["problems"], report)
        expect(not (weir.folder / "weir.db").exists(), "a database was made")
    checks(f"a configuration with {name}")(wrong_file)


@checks("a configuration file that is not there, and one that is a directory")
def _(at):
    weir = prepared(at)
    missing = weir.run("serve", "--config", weir.folder / "no.yaml", check=BAD_CONFIGURATION)
    expect("no.yaml" in missing.stderr and "config init" in missing.stderr, missing.stderr)
    expect(str(at.folder) in weir.run("serve", "--config", at.folder, check=BAD_CONFIGURATION).stderr, "the directory's name")


@checks("an unknown key is a warning with the nearest known one")
def _(at):
    weir = prepared(at, GOOD.replace("port: {port}", "port: {port}\n  update_intervall: 60"))
    done = weir.run("config", "check", "--config", weir.config, check=DONE)
    expect(":3:" in done.stderr and "update_interval" in done.stderr and "valid" in done.stdout, done.stderr + done.stdout)


@checks("a pattern that is exponential elsewhere costs no time")
def _(at):
    weir = prepared(at, GOOD.replace("//a\\\\.example/", "^(a+)+$|(x+x+)+y"))
    started = time.monotonic()
    for url in ("a" * 4000 + "!", "x" * 4000, "http://" + "ax" * 2000):
        weir.run("match", url, "--config", weir.config, check=DONE)
    expect(time.monotonic() - started < 1, f"{time.monotonic() - started:.1f} s for three URLs")


@checks("a database path that cannot be written")
def _(at):
    weir = prepared(at, GOOD.replace("{folder}/weir.db", "/proc/no/such/weir.db"))
    refused(weir, FAILED, "/proc/no/such/weir.db", "directory")
    disk = at.folder / "disk"
    disk.mkdir()
    weir.config.write_text(GOOD.format(port=weir.port, folder=disk))
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", disk], check=True)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    refused(weir, FAILED, f"{disk}/weir.db", "may not be written")
    expect("not writable" in weir.run("doctor", "--config", weir.config, check=FAILED).stdout, "the doctor does not see it")
    (at.folder / "weir.db").mkdir()
    weir.config.write_text(GOOD.format(port=weir.port, folder=at.folder))
    refused(weir, FAILED, f"{at.folder}/weir.db")


def with_database(at):
    """A Weir that has governed, and was stopped; its database."""
    home = at.fake(count=4, tracker="a", demand=900_000)
    weir = at.weir([home], [tracker("a", 400_000), REST], on_stop="keep")
    same(weir.stop(), 0, "exit code")
    return home, weir, weir.folder / "weir.db"


def stays_as_it_is(home, weir, path, *words):
    """Every command that would write refuses this database and leaves it alone, and sends nothing."""
    before, limits, sets = digest(path), home.limits(), len(home.sets)
    refused(weir, FAILED, str(path), *words)
    for command in (["rollback", "--yes"], ["pause"]):
        done = weir.run(*command, "--config", weir.config)
        same(done.returncode, FAILED, f"{command}: exit code ({done.stdout}{done.stderr})")
    same(digest(path), before, "the database")
    same((home.limits(), len(home.sets)), (limits, sets), "limits")


@checks("a database from a newer version")
def _(at):
    home, weir, path = with_database(at)
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()
    stays_as_it_is(home, weir, path, "newer version")


@checks("a database that is cut short")
def _(at):
    home, weir, path = with_database(at)
    whole = path.read_bytes()
    for size in (0, 10, 100, 4096, 5000, len(whole) // 2, len(whole) - 4096, len(whole) - 1):
        path.write_bytes(whole[:size])
        for companion in ("-wal", "-shm"):
            path.with_name(path.name + companion).unlink(missing_ok=True)
        stays_as_it_is(home, weir, path)
    path.write_bytes(whole)
    weir.run("rollback", "--yes", "--config", weir.config, check=DONE)
    same(set(home.limits().values()), {None}, "limits after the rollback with the whole database")


@checks("a database that is overwritten")
def _(at):
    home, weir, path = with_database(at)
    whole = path.read_bytes()
    for place in (0, 16, 30, 60, 100):
        path.write_bytes(whole[:place] + b"\xa5" * 8 + whole[place + 8:])
        before = digest(path)
        done = weir.run("serve", "--config", weir.config) if place in (0, 16, 60) else None
        expect(done is None or done.returncode == FAILED and str(path) in done.stderr, f"byte {place}: {done}")
        same(digest(path), before, f"byte {place}: the database")


@checks("a database of another program, and a file that is none")
def _(at):
    home = at.fake()
    weir = at.weir([home], [REST], start=False)
    path = weir.folder / "weir.db"
    foreign = sqlite3.connect(path)
    foreign.execute("CREATE TABLE songs (name TEXT)")
    foreign.commit()
    foreign.close()
    stays_as_it_is(home, weir, path, "songs")
    path.write_text("a shopping list\n" * 400)
    stays_as_it_is(home, weir, path, "not an SQLite database")


@checks("a port that is in use, and a host that is none")
def _(at):
    weir = prepared(at)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", weir.port))
        taken.listen()
        refused(weir, TRY_AGAIN, str(weir.port), "in use")
    weir = prepared(at, GOOD.replace("port: {port}", "port: {port}\n  host: no.such.host.invalid"))
    refused(weir, TRY_AGAIN, "no.such.host.invalid")


@checks("nobody answers at qBittorrent's address: serve goes on, and says so")
def _(at):
    weir = prepared(at, GOOD.replace("127.0.0.1:1", f"127.0.0.1:{laboratory.free_port()}"))
    done = weir.run("plan", "--config", weir.config, check=UNREACHABLE)
    expect("refused" in done.stderr, done.stderr)
    doctor = weir.run("doctor", "--config", weir.config, check=FAILED).stdout
    expect("PROBLEM" in doctor and "→" in doctor, doctor)
    status = weir.run("status", "--config", weir.config, check=UNREACHABLE)
    expect("weir serve" in status.stderr, status.stderr)
    weir.start()
    wait_for(lambda: health(weir)["status"] == "unhealthy", 5, "health")
    same(weir.call("POST", "/cycle/force")[0], 502, "a forced cycle")
    same(weir.call("GET", "/preview/next-cycle")[0], 502, "a preview")
    same(weir.stop(), 0, "exit code")


@checks("something else answers at qBittorrent's address")
def _(at):
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = b"<!DOCTYPE html><html><body>A router's login page</body></html>"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        do_POST = do_GET

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    weir = prepared(at, GOOD.replace("127.0.0.1:1", f"127.0.0.1:{server.server_address[1]}"))
    expect("not qBittorrent" in weir.run("plan", "--config", weir.config, check=UNREACHABLE).stderr, "what plan says")
    expect("not qBittorrent" in weir.run("doctor", "--config", weir.config, check=FAILED).stdout, "what doctor says")
    server.shutdown()


@checks("a name, a password and a tracker that are hostile text do no harm")
def _(at):
    home = at.fake(count=3, tracker="a", demand=900_000)
    name = "x\x1b]0;owned\x07\n\"'$(touch /tmp/owned)<img src=x onerror=alert(1)>"
    home.change(list(home.limits()), name=name, category=name, tags=name)
    home.add(1, "rest", demand=1, urls=["http://a\x1b[31m\"\n#{}.example/announce", "not a url", "", "udp://[::1]:bad/"])
    weir = at.weir([home], [tracker("a", 300_000), REST])
    expect(home.sum_of("a") <= 300_000, "the cap")
    shown = weir.run("status", "--config", weir.config, check=DONE).stdout + weir.console()
    expect("\x1b" not in shown, "an escape sequence reached the terminal")


def raw(port, data, timeout=5):
    """Sends bytes; answers all that comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.sendall(data)
        try:
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        received = b""
        try:
            while (part := connection.recv(65536)):
                received += part
        except OSError:
            pass
        return received


def served(at):
    home = at.fake(count=3, tracker="a", demand=900_000)
    return at.weir([home], [tracker("a", 300_000), REST])


@checks("API: unknown paths, wrong methods, bad parameters")
def _(at):
    weir = served(at)
    status, body = weir.call("GET", "/no/such/path")
    expect(status == 404 and body["error"]["code"] == "not_found" and isinstance(body["detail"], str), body)
    connection = laboratory.http.client.HTTPConnection("127.0.0.1", weir.port)
    for method, path, allowed in (("GET", "/rollback", "POST"), ("POST", "/health", "GET, HEAD"), ("DELETE", "/config", "GET, HEAD"),
                                  ("PUT", "/webhook", "POST")):
        connection.request(method, path)
        answer = connection.getresponse()
        answer.read()
        same((answer.status, answer.getheader("Allow")), (405, allowed), f"{method} {path}")
    for path, wanted in (("/match/test", 422), ("/match/test?url=a&url=b", 400), ("/match/test?url=a&detailed=maybe", 422),
                         ("/history?limit=0", 400), ("/history?limit=x", 400), ("/history?hash=zz", 400),
                         ("/match/test?url=" + "a" * 9000, 400)):
        status, body = weir.call("GET", path)
        expect(status == wanted and body["error"]["message"], f"{path[:60]}: {status} {body}")


@checks("API: bad bodies")
def _(at):
    weir = served(at)
    for body, wanted in ((b"", 400), (b"{", 400), (b"[]", 400), (b'{"confirm": "yes"}', 400), (b'{"confirm": false}', 400),
                         (b'{"confirm": 1}', 400), (b"[" * 10_000, 400), (b"\xff\xfe", 400), (b'{"confirm": true} x', 400),
                         (b'{"a": 1e999999}', 400), (b'{"confirm": true, "reason": 7}', 400),
                         (b'{"confirm": true, "reason": "' + b"x" * 20_000 + b'"}', 413)):
        status, answer = weir.call("POST", "/rollback", body or None, {"Content-Type": "application/json"})
        expect(status == wanted and answer["error"]["message"], f"{body[:40]}: {status} {answer}")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    good = "0" * 40
    for body, wanted in ((f"hash={good}&hash={good}", 400), (f"event=add&event=delete&hash={good}", 400), ("event=add", 400),
                         ("hash=xyz", 400), (f"hash={good}0", 400), ("hash=", 400), ("&" * 5000, 400), (f"hash={good}%", 400),
                         (f"hash={good}&name=" + "x" * 70_000, 413), ("&".join(f"a{n}=1" for n in range(2000)), 400)):
        status, answer = weir.call("POST", "/webhook", body.encode(), form)
        expect(status == wanted and answer["error"]["message"], f"{body[:40]}: {status} {answer}")
    status, answer = weir.call("POST", "/webhook", b"x", {"Content-Type": "image/png"})
    same(status, 415, "an image as a webhook")
    same(health(weir)["paused"], False, "whether something was rolled back")


@checks("API: what is no HTTP, or hostile HTTP")
def _(at):
    weir = served(at)
    port = weir.port
    host = f"Host: 127.0.0.1:{port}\r\n".encode()
    head = b"POST /rollback HTTP/1.1\r\n" + host + b"Content-Type: application/json\r\n"
    body = b'{"confirm": true}'
    cases = [
        b"\0" * 100, b"\r\n" * 1000, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n" + host + b"Host: evil.example\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + host + b"\r\n",
        b"GET / HTTP/1.1\r\n" + host + b"".join(b"X-%d: y\r\n" % n for n in range(10_000)) + b"\r\n",
        b"GET / HTTP/1.1\r\n" + host + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
        b"GET /%00%ff%zz HTTP/1.1\r\n" + host + b"\r\n", b"GET /../../etc/passwd HTTP/1.1\r\n" + host + b"\r\n",
        head + b"Content-Length: 17\r\nContent-Length: 5\r\n\r\n" + body,
        head + b"Content-Length: 17\r\nTransfer-Encoding: chunked\r\n\r\n" + body,
        head + b"Content-Length: -1\r\n\r\n" + body, head + b"Content-Length: 99999999999999999999\r\n\r\n" + body,
        head + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + body, head + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
    ]
    for case in cases:
        answer = raw(port, case)
        status = answer.split(b" ")[1:2]
        expect(not answer or status and status[0][:1] in (b"2", b"4", b"5") and b"root:" not in answer, f"{case[:60]}: {answer[:200]}")
        expect(not answer.startswith(b"HTTP/1.1 2") or case.startswith(b"\r\n"), f"{case[:60]} was accepted: {answer[:80]}")
    same(health(weir)["paused"], False, "whether something was rolled back")


@checks("API: slow and silent clients do not shut others out")
def _(at):
    weir = served(at)
    silent = [socket.create_connection(("127.0.0.1", weir.port)) for _ in range(200)]
    for connection in silent[:100]:
        connection.sendall(b"POST /webhook HTTP/1.1\r\nHo")
    started = time.monotonic()
    same(weir.call("GET", "/healthz")[0], 200, "status")
    expect(time.monotonic() - started < 0.5, f"{time.monotonic() - started:.1f} s beside 200 silent clients")
    for connection in silent:
        connection.close()


@checks("API: after a storm of connections it answers again at once")
def _(at):
    weir = served(at)
    for _ in range(3):
        storm = []
        for _ in range(3000):
            try:
                storm.append(socket.create_connection(("127.0.0.1", weir.port), timeout=0.2))
            except OSError:
                break
        for connection in storm:
            connection.close()
    started = time.monotonic()
    same(weir.call("GET", "/healthz")[0], 200, "status")
    expect(time.monotonic() - started < 2, f"{time.monotonic() - started:.1f} s after the storm")


@checks("a folder that is missing for log, database and dry run is made")
def _(at):
    home = at.fake(count=2, tracker="a", demand=900_000)
    weir = at.weir([home], [tracker("a", 300_000), REST], start=False, dry_run=True, dry_run_store_path="./deep/er/dry.json")
    text = weir.config.read_text()
    weir.config.write_text(text.replace(f"{weir.folder}/weir.log", "./some/logs/weir.log").replace(
        f"{weir.folder}/weir.db", "./some/data/weir.db"))
    weir.start()
    for path in ("some/logs/weir.log", "some/data/weir.db", "deep/er/dry.json"):
        wait_for(lambda: (weir.folder / path).exists(), 5, path)
    expect("cannot be written" not in weir.console(), weir.console())


if __name__ == "__main__":
    # What the commands say is compared in English.
    os.environ["LC_ALL"] = "C.UTF-8"
    shutil.rmtree("/tmp/owned", ignore_errors=True)
    checks.main()
