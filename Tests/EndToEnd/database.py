#!/usr/bin/python3
"""The daemon's data: backups and restores, users and keys beside a running service, damaged databases, two Weirs on one
qBittorrent, a quota that is used up, and clocks that jump."""

import errno
import fcntl
import hashlib
import http.client
import json
import os
import random
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import lab as laboratory
from checks import REST, Checks, expect, health, same, tracker, wait_for

checks = Checks(__doc__)
A = [tracker("a", 400_000), REST]
FAILED, BAD_INPUT, TRY_AGAIN, REFUSED, USAGE = 1, 65, 75, 77, 64
NOBODY = 65534
NAMES = {"journal": "weir.db", "access": "access.db", "library": "state/library.db"}


def keeper(at, start=True, **options):
    """A Weir with all three databases: a governed qBittorrent, an engine, users and keys."""
    home = at.fake(count=4, tracker="a", demand=500_000)
    weir = at.weir([home], A, {"engine": {"enabled": True, "state": f"{at.folder}/weir0/state",
                                          "directory": f"{at.folder}/weir0/files"}}, start=False, **options)
    if start:
        weir.start()
        wait_for(lambda: health(weir)["managed_torrents"] == 4, 30, "four governed torrents")
    return home, weir


def config(weir):
    return ["--config", weir.config]


def add_user(weir, name, password="long enough", check=0):
    file = weir.folder / "password"
    file.write_text(password + "\n")
    return weir.run("user", "add", name, "--password-file", file, *config(weir), check=check)


def log_in(weir, name="anna", password="long enough"):
    """The cookie, or the status."""
    connection = http.client.HTTPConnection("127.0.0.1", weir.port, timeout=60)
    connection.request("POST", "/api/access/login", json.dumps({"name": name, "password": password}),
                       {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    return answer.getheader("Set-Cookie").split(";")[0] if answer.status == 200 else answer.status


def digests(folder, name=""):
    """Of the files of a database below a folder, or of all, their logs too, but not logs with nothing
    in them."""
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*.db*") if path.is_file() and path.stat().st_size and path.name.startswith(name) and not path.name.endswith((".lock", "-shm"))}


def rows(path, sql):
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return database.execute(sql).fetchall()
    finally:
        database.close()


@checks("a backup is made while Weir runs, says what is in it, and brings everything back")
def _(at):
    home, weir = keeper(at)
    add_user(weir, "anna")
    key = weir.run("key", "add", "sonarr", "--role", "control", *config(weir), check=0).stdout.strip()
    backup = at.folder / "backup"
    done = json.loads(weir.run("db", "backup", backup, "--json", *config(weir), check=0).stdout)
    same([d["name"] for d in done["databases"]], ["journal", "access", "library"], "what is in it")
    for path in (backup, *backup.iterdir()):
        same(stat.S_IMODE(path.stat().st_mode), 0o700 if path == backup else 0o600, f"the mode of {path.name}")
    manifest = json.loads((backup / "manifest.json").read_text())
    for entry in manifest["databases"]:
        same(hashlib.sha256((backup / entry["file"]).read_bytes()).hexdigest(), entry["sha256"], "the hash")
    same((manifest["format"], manifest["weir_version"]), ("weir-backup", weir.run("version").stdout.split()[1]), "the manifest")
    same(weir.run("db", "backup", backup, *config(weir)).returncode, USAGE, "a second one into the same folder")
    same(weir.run("db", "restore", backup, "--yes", *config(weir)).returncode, TRY_AGAIN, "a restore while Weir runs")
    same(weir.run("db", "check", *config(weir)).returncode, 0, "a check while Weir runs")
    # Afterwards everything changes.
    weir.run("key", "revoke", "sonarr", *config(weir), check=0)
    weir.run("user", "remove", "anna", "--force", *config(weir), check=0)
    weir.call("POST", "/rollback", {"confirm": True})
    weir.stop()
    same(weir.run("db", "restore", backup, *config(weir)).returncode, REFUSED, "a restore that nobody confirmed")
    said = weir.run("db", "restore", backup, "--yes", *config(weir), check=0)
    expect("before-" in said.stdout and "weir serve" in said.stderr, said)
    same(rows(weir.folder / "weir.db", "SELECT count(*) FROM originals WHERE restored_at IS NULL"), [(4,)], "originals")
    weir.start()
    cookie = log_in(weir)
    same(weir.call("GET", "/stats", headers={"Cookie": cookie})[0], 200, "the user of the backup")
    same(weir.call("GET", "/stats", headers={"X-API-Key": key})[0], 200, "the key of the backup")
    wait_for(lambda: sum(home.limits().values()) <= 400_000 and all(home.limits().values()), 30, "the caps")
    same(weir.call("POST", "/rollback", {"confirm": True}, {"X-API-Key": key})[0], 200, "a rollback")
    same(set(home.limits().values()), {None}, "the limits of before Weir")
    weir.stop()
    # On another machine: nothing is there yet.
    for name in NAMES.values():
        for path in weir.folder.glob(f"{name}*"):
            path.unlink()
    weir.run("db", "restore", backup, "--yes", *config(weir), check=0)
    same(json.loads(weir.run("db", "check", "--json", *config(weir), check=0).stdout)["databases"][2]["verdict"], "whole", "check")


@checks("the session of `weir seed` is backed up while it runs, checked, and brought back; it is not taken for another database")
def _(at):
    weir = laboratory.Weir(at)
    torrent = laboratory.Torrent("kept", 2 * laboratory.PIECE, "http://127.0.0.1:1/announce")
    file, session, backup = at.folder / "kept.torrent", at.folder / "session", at.folder / "backup"
    file.write_bytes(torrent.bytes)
    (at.folder / "kept").write_bytes(bytes(torrent.size))
    named = ("--session", session)

    def seed(*what):
        process = at.start([laboratory.BINARY, "seed", *what, *named, "--port", "0", "--port-mapping", "off"], "seed.log",
                           env={**os.environ, "XDG_RUNTIME_DIR": str(at.folder)})
        # `weir why` knows it when it is there.
        wait_for(lambda: "kept" in weir.run("why", "kept", env={**os.environ, "XDG_RUNTIME_DIR": str(at.folder)}).stdout, 60, "the torrent")
        return process

    def end(process):
        process.terminate()
        same(process.wait(60), 0, "the exit code of the seeder")
    at.folder.chmod(0o700)
    same(weir.run("db", "backup", backup, *named).returncode, FAILED, "a backup of nothing")
    seeder = seed(file, "--dir", at.folder)
    done = json.loads(weir.run("db", "backup", backup, "--json", *named, check=0).stdout)
    same([d["name"] for d in done["databases"]], ["session"], "what is in it")
    expect(str(session / "session.sqlite") in weir.run("db", "check", *named, check=0).stdout, "the check")
    same(weir.run("db", "restore", backup, "--yes", *named).returncode, TRY_AGAIN, "a restore while it runs")
    end(seeder)
    same(weir.run("db", "restore", backup, "--yes", "--state", at.folder).returncode, BAD_INPUT, "a restore as something else")
    # On another machine: the session is gone, and the torrent's file too.
    shutil.rmtree(session)
    file.unlink()
    session.mkdir()
    weir.run("db", "restore", backup, "--yes", *named, check=0)
    end(seed())
    path = session / "session.sqlite"
    path.write_bytes(path.read_bytes()[:100] + b"x" * 5000)
    same(weir.run("db", "check", *named).returncode, BAD_INPUT, "the check of a damaged one")


@checks("a damaged backup is refused before anything is touched")
def _(at):
    _, weir = keeper(at)
    backup = at.folder / "backup"
    weir.run("db", "backup", backup, *config(weir), check=0)
    weir.stop()
    before = digests(weir.folder)
    for damage in ("flip", "cut", "missing", "manifest", "newer"):
        copy = at.folder / damage
        shutil.copytree(backup, copy)
        file, manifest = copy / "library.db", copy / "manifest.json"
        data = file.read_bytes()
        if damage == "flip":
            file.write_bytes(data[:9000] + bytes([data[9000] ^ 4]) + data[9001:])
        elif damage == "cut":
            file.write_bytes(data[:-4096])
        elif damage == "missing":
            file.unlink()
        elif damage == "manifest":
            manifest.write_text(manifest.read_text()[:-20])
        else:
            database = sqlite3.connect(file)
            database.execute("PRAGMA user_version = 99")
            database.close()
            value = json.loads(manifest.read_text())
            value["databases"][2] |= {"bytes": file.stat().st_size, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
            manifest.write_text(json.dumps(value))
        done = weir.run("db", "restore", copy, "--yes", *config(weir))
        same(done.returncode, BAD_INPUT, f"{damage}: {done.stderr}")
        expect("Nothing was changed" in done.stderr and str(copy) in done.stderr, done.stderr)
        same(digests(weir.folder), before, f"{damage}: the databases")


@checks("kill -9 at any moment of a restore: nothing is lost, and the next one ends it")
def _(at):
    _, weir = keeper(at)
    backup = at.folder / "backup"
    weir.run("db", "backup", backup, *config(weir), check=0)
    add_user(weir, "anna")
    weir.stop()
    chance = random.Random(5)
    refused = 0
    for turn in range(15):
        process = subprocess.Popen([laboratory.BINARY, "db", "restore", backup, "--yes", *map(str, config(weir))],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0, 0.12))
        process.kill()
        process.wait()
        for name in NAMES.values():
            expect((weir.folder / name).stat().st_size > 0, f"{name} is gone")
        users = [rows(path, "SELECT count(*) FROM users") for path in weir.folder.glob("access.db*")
                 if not path.name.endswith((".lock", "-wal", "-shm", ".part"))]
        expect([(1,)] in users, f"turn {turn}: the user is in none of the databases: {users}")
        refused += weir.run("db", "check", *config(weir)).returncode == BAD_INPUT
    weir.run("db", "restore", backup, "--yes", *config(weir), check=0)
    weir.run("db", "check", *config(weir), check=0)
    expect(not list(weir.folder.rglob("*.restoring*")), "something waits still")


@checks("users and keys change beside a running Weir, at once; no secret is in any command line")
def _(at):
    _, weir = keeper(at)
    token = next(line.split("set_up_token=")[1].split()[0] for line in weir.console().splitlines() if "set_up_token=" in line)
    add_user(weir, "anna")
    add_user(weir, "bert")
    same(weir.call("POST", "/api/access/setup", {"token": token, "name": "eve", "password": "long enough"})[0], 409, "the token")
    anna, bert = log_in(weir), log_in(weir, "bert")
    key = weir.run("key", "add", "grafana", "--role", "read", *config(weir), check=0).stdout.strip()
    expect(key.startswith("weir_") and len(key) == 69, "the key")
    same(weir.call("GET", "/stats", headers={"X-API-Key": key})[0], 200, "the new key")
    same(weir.call("POST", "/pause", headers={"X-API-Key": key})[0], 403, "what it may not")
    expect(key not in weir.run("key", "list", *config(weir), check=0).stdout, "the key is shown again")
    same(weir.run("key", "add", "grafana", "--role", "read", *config(weir)).returncode, USAGE, "a name that is taken")

    def stream(headers):
        connection = http.client.HTTPConnection("127.0.0.1", weir.port, timeout=30)
        connection.request("GET", "/api/ui/events", headers=headers)
        answer = connection.getresponse()
        same(answer.status, 200, "the stream")
        return answer
    streams = [stream({"X-API-Key": key}), stream({"Cookie": anna}), stream({"Cookie": bert})]
    weir.run("key", "revoke", "grafana", *config(weir), check=0)
    same(weir.call("GET", "/stats", headers={"X-API-Key": key})[0], 401, "the revoked key")
    streams[0].read()
    changed = subprocess.run([laboratory.BINARY, "user", "password", "anna", *map(str, config(weir))], input="another one\n",
                             text=True, capture_output=True)
    same(changed.returncode, 0, changed.stderr)
    same(weir.call("GET", "/stats", headers={"Cookie": anna})[0], 401, "a session from before the new password")
    streams[1].read()
    same(weir.call("GET", "/stats", headers={"Cookie": bert})[0], 200, "another's session")
    same(log_in(weir), 401, "the old password")
    expect(isinstance(log_in(weir, password="another one"), str), "the new password")
    weir.run("user", "remove", "bert", *config(weir), check=0)
    same(weir.call("GET", "/stats", headers={"Cookie": bert})[0], 401, "a removed user's session")
    streams[2].read()
    done = weir.run("user", "remove", "anna", *config(weir))
    same(done.returncode, REFUSED, "the last user")
    expect("--force" in done.stderr, done.stderr)
    same(weir.run("user", "list", *config(weir), check=0).stdout.split(), ["anna"], "the users")
    weir.run("user", "remove", "anna", "--force", *config(weir), check=0)
    same(weir.call("GET", "/api/access")[1]["needs_set_up"], True, "whether somebody is needed")
    tokens = [line.split("set_up_token=")[1].split()[0] for line in weir.console().splitlines() if "set_up_token=" in line]
    expect(len(tokens) == 2 and tokens[0] != tokens[1], f"{len(tokens)} tokens")
    same(weir.call("POST", "/api/access/setup", {"token": tokens[1], "name": "carl", "password": "long enough"})[0], 200, "the new one")


@checks("a password is asked for on a terminal without showing it")
def _(at):
    import pty
    _, weir = keeper(at, start=False)

    def ask(*typed):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(laboratory.BINARY, [str(laboratory.BINARY), "user", "add", "anna", *map(str, config(weir))])
        shown = b""
        try:
            for text in typed:
                while not shown.endswith(b": "):
                    shown += os.read(terminal, 1000)
                os.write(terminal, text)
                shown += b"|"
            while True:
                shown += os.read(terminal, 1000)
        except OSError:
            pass
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown
    code, shown = ask(b"long enoughx\x7f\r", b"long enough\r")
    same(code, 0, shown)
    expect(b"long" not in shown and b"may log in" in shown, shown)
    same(ask(b"long enough\r", b"long enoughx\r")[0], USAGE, "two different ones")
    same(ask(b"long\x03")[0], REFUSED, "when it is cancelled")


# How each damage is done, and what the message must have beside the file's name.
def truncated(path, data):
    path.write_bytes(data[:len(data) // 8192 * 4096 + 100])
    return ["damaged", "weir db restore"]


def emptied(path, data):
    path.write_bytes(b"")
    return ["damaged", "weir db restore"]


def flipped(path, data):
    # The kind of the second page.
    path.write_bytes(data[:4096] + bytes([data[4096] ^ 0x40]) + data[4097:])
    return ["damaged", "weir db restore"]


def newer(path, data):
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()
    return ["newer version", "schema 99", "weir db restore"]


def no_database(path, data):
    path.write_bytes(b"this is no database\n" * 500)
    return ["not an SQLite database", "weir db restore"]


def foreign(path, data):
    path.unlink()
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE photos (id INTEGER)")
    database.close()
    return ["another program", "photos"]


def directory(path, data):
    path.unlink()
    path.mkdir()
    (path / "keep.db").write_bytes(b"x")
    return ["directory"]


def unreadable(path, data):
    path.chmod(0)
    return ["permissions"]


# In a process of its own: who closes a file loses all locks of the process on it.
HOLDER = """
import sqlite3, sys
other = sqlite3.connect(sys.argv[1], isolation_level=None)
other.execute("PRAGMA locking_mode=EXCLUSIVE")
other.execute("BEGIN EXCLUSIVE")
other.execute("CREATE TABLE mine (id INTEGER)")
print("ready", flush=True)
sys.stdin.read()
"""
DAMAGES = [truncated, emptied, flipped, newer, no_database, foreign, directory, unreadable]


@checks("a damaged, newer, foreign, locked or unreadable database is refused with the way out, and left as it is")
def _(at):
    _, weir = keeper(at)
    add_user(weir, "anna")
    backup = at.folder / "backup"
    weir.run("db", "backup", backup, *config(weir), check=0)
    weir.stop()
    whole = at.folder / "whole"
    shutil.copytree(weir.folder, whole)
    at.folder.chmod(0o755)
    binary = at.folder / "binary"
    shutil.copy(laboratory.BINARY, binary)

    def refuses(what, path, words, code=None, **options):
        # Others may have been opened before it, and folded their logs.
        before = digests(weir.folder, path.name)
        # Another user, so that modes count.
        for file in (weir.folder, *weir.folder.rglob("*")):
            os.chown(file, NOBODY, NOBODY)
        process = subprocess.run([binary, "serve", *map(str, config(weir))], cwd=weir.folder, capture_output=True, text=True,
                                 timeout=60, stdin=subprocess.DEVNULL, user=NOBODY, group=NOBODY, extra_groups=[], **options)
        expect(process.returncode not in (0, 132, 139), f"{what}: exit code {process.returncode}")
        for word in [str(path), *words]:
            expect(word in process.stderr, f"{what}: {word!r} is not in: {process.stderr[-600:]}")
        same(digests(weir.folder, path.name), before, f"{what}: the files")

    def afresh():
        shutil.rmtree(weir.folder)
        shutil.copytree(whole, weir.folder)
    for name, file in NAMES.items():
        for damage in DAMAGES:
            afresh()
            path = weir.folder / file
            words = damage(path, path.read_bytes())
            refuses(f"{name}, {damage.__name__}", path, words)
            checked = weir.run("db", "check", *config(weir))
            if damage not in (unreadable, directory):
                same(checked.returncode, BAD_INPUT, f"{name}, {damage.__name__}: weir db check")
            elif damage is directory:
                same(checked.returncode, FAILED, f"{name}, {damage.__name__}: weir db check")
            if damage in (truncated, flipped, no_database):
                weir.run("db", "restore", backup, "--yes", *config(weir), check=0)
                weir.run("db", "check", *config(weir), check=0)
        # Another process that has SQLite's own lock.
        afresh()
        path = weir.folder / file
        other = subprocess.Popen([sys.executable, "-c", HOLDER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        at.processes.append(other)
        other.stdout.readline()
        refuses(f"{name}, locked by SQLite", path, ["in use by another process"])
        other.kill()
        other.wait()
        # Another Weir's.
        afresh()
        with open(f"{path}.lock", "r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            refuses(f"{name}, locked by a Weir", path, ["in use by another process", "Only one Weir"])
    weir.run("db", "check", *config(weir), check=0)


@checks("a log that is gone after a kill is not passed over")
def _(at):
    home, weir = keeper(at)
    add_user(weir, "anna")
    weir.run("key", "add", "x", "--role", "read", *config(weir), check=0)
    same(weir.call("POST", "/pause", headers={"Cookie": log_in(weir)})[0], 200, "pause")
    weir.kill()
    whole = at.folder / "whole"
    shutil.copytree(weir.folder, whole)
    for name, file in NAMES.items():
        shutil.rmtree(weir.folder)
        shutil.copytree(whole, weir.folder)
        path = weir.folder / file
        Path(f"{path}-wal").unlink()
        before = digests(weir.folder, path.name)
        done = weir.run("serve", *config(weir))
        expect(done.returncode not in (0, 132), f"{name}: exit code {done.returncode}")
        expect(f"{path}" in done.stderr and "weir db restore" in done.stderr, f"{name}: {done.stderr}")
        same(digests(weir.folder, path.name), before, f"{name}: the files")
    # With it everything is there.
    shutil.rmtree(weir.folder)
    shutil.copytree(whole, weir.folder)
    weir.start()
    expect(isinstance(log_in(weir), str), "the user is gone")


@checks("two Weirs on one qBittorrent by mistake: the contest ends, it is said, and one goes on when told")
def _(at):
    home = at.fake(count=4, tracker="a", demand=900_000)
    weirs = [at.weir([home], [tracker("a", cap), REST], on_foreign_change="enforce", allocation_strategy="equal")
             for cap in (400_000, 200_000)]

    def says(weir):
        return any("second Weir" in problem for problem in health(weir)["problems"])
    # Whoever notices first leaves the limits to the other.
    wait_for(lambda: any(says(weir) for weir in weirs), 60, "that one of them says so")
    quiet, other = sorted(weirs, key=says, reverse=True)
    share = 100_000 if other is weirs[0] else 50_000
    wait_for(lambda: set(home.limits().values()) == {share}, 30, "the limits of the other one")
    for weir in weirs:
        at.cycles(weir, 3)
    same(set(home.limits().values()), {share}, "the limits later")
    same(health(quiet)["status"], "degraded", "health")
    expect("second Weir" in quiet.run("status", *config(quiet), check=0).stdout, "weir status is silent")
    expect("another program sets the limits" in quiet.console(), "nothing is in the log")
    other.kill()
    quiet.run("resume", *config(quiet), check=0)
    wait_for(lambda: set(home.limits().values()) == {150_000 - share}, 30, "its own shares")
    same(health(quiet)["problems"], [], "problems")


def shimmed(at):
    """A folder with the compiled shim, its control file and the environment that loads it."""
    compiler = shutil.which("clang") or shutil.which("gcc")
    expect(compiler, "there is no C compiler")
    library, control = at.folder / "shim.so", at.folder / "shim"
    control.write_text("")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, Path(__file__).with_name("shim.c"), "-ldl"], check=True)
    return control, {**os.environ, "LD_PRELOAD": str(library), "WEIR_SHIM": str(control)}


@checks("a quota that is used up, and a disk that fails: nothing is sent that is not recorded, and it goes on after")
def _(at):
    home, weir = keeper(at, start=False)
    control, environment = shimmed(at)
    weir.start(env=environment)
    wait_for(lambda: health(weir)["managed_torrents"] == 4, 30, "four governed torrents")
    for error in (errno.EDQUOT, errno.EIO):
        control.write_text(f"write {error} weir.db\n")
        home.add(count=1, tracker="a", demand=500_000)
        wait_for(lambda: any("takes no records" in problem for problem in health(weir)["problems"]), 30, f"{error}: that it says so")
        expect(None in home.limits().values(), f"{error}: a newcomer was limited")
        control.write_text("")
        wait_for(lambda: all(home.limits().values()) and sum(home.limits().values()) <= 400_000, 30, f"{error}: the caps after")
        wait_for(lambda: health(weir)["status"] == "healthy", 30, f"{error}: health")
    control.write_text(f"write {errno.EDQUOT} access.db\n")
    done = weir.run("key", "add", "x", "--role", "read", *config(weir), env=environment)
    expect(done.returncode == FAILED and "access.db" in done.stderr, done)
    control.write_text("")
    weir.run("key", "add", "x", "--role", "read", *config(weir), check=0)
    same(weir.stop(), 0, "the exit code")


@checks("the clock jumps by ten years and back: the caps hold, sessions stay, and a rollback is exact")
def _(at):
    home, weir = keeper(at, start=False)
    control, environment = shimmed(at)
    weir.start(env=environment)
    wait_for(lambda: health(weir)["managed_torrents"] == 4, 30, "four governed torrents")
    add_user(weir, "anna")
    session = {"Cookie": log_in(weir)}

    def call(method, path, *body):
        status, answer = weir.call(method, path, *body, headers=session)
        same(status, 200, f"{path}: {answer}")
        return answer
    count = 4
    for years in (10, -10, 0.0001, -0.0001, 0):
        control.write_text(f"clock {int(years * 365 * 86400)}\n")
        home.add(count=1, tracker="a", demand=500_000)
        count += 1
        wait_for(lambda: len(home.limits()) == count and all(home.limits().values()) and sum(home.limits().values()) <= 400_000, 30,
                 f"{years} years: the caps")
        seen = call("GET", "/stats")["allocation_cycles"]
        wait_for(lambda: call("GET", "/stats")["allocation_cycles"] > seen + 1, 30, f"{years} years: cycles")
    # The start prunes history by the clock; what is to be given back is no history.
    for years in (10, -10):
        weir.stop() if years > 0 else weir.kill()
        control.write_text(f"clock {years * 365 * 86400}\n")
        weir.start(env=environment)
    session["Cookie"] = log_in(weir)
    control.write_text("")
    call("POST", "/rollback", {"confirm": True})
    same(set(home.limits().values()), {None}, "the limits after the rollback")
    same(weir.stop(), 0, "the exit code")


if __name__ == "__main__":
    checks.main()
