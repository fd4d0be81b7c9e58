#!/usr/bin/python3
"""What fails around Weir: reads, writes, the journal, qBittorrent itself, credentials. After each, nothing is lost and the caps
hold again by themselves.
"""

import os
import resource
import shutil
import socket
import subprocess
import time

import lab as laboratory
from checks import REST, Checks, expect, health, in_background, outcome, same, tracker, wait_for

checks = Checks(__doc__)
CAP = 400_000
A = [tracker("a", CAP), REST]

BAD_ANSWERS = [
    ("status 500", "status", 500), ("status 404", "status", 404), ("an HTML error page", "page", 502),
    ("an HTML page with status 200", "page", 200), ("truncated JSON", "cut", None), ("an empty body", "body", b""),
    ("the wrong JSON", "body", b'{"rid": "no", "torrents": [1, 2]}'), ("an empty list", "body", b"null"),
    ("nested without end", "body", b"[" * 200_000), ("a connection reset", "reset", None), ("no answer", "hang", 7),
]


def reads(kind, value):
    def check(at):
        for version in ("4.5.2", "5.1.0"):
            home = at.fake(version=version, count=5, tracker="a", demand=900_000)
            home.configured = {"timeout": 5}
            weir = at.weir([home], A, auto_unlimit_on_inactive=True)
            before, sets, known = home.limits(), len(home.sets), weir.call("GET", "/stats/managed")[1]["total"]
            for endpoint in ("torrents/info", "sync/maindata"):
                home.fail(endpoint, kind, value)
            status, body = weir.call("POST", "/cycle/force")
            same((status, body["error"]["code"]), (502, "cycle_skipped"), f"{version}: the cycle said {body}")
            same((home.limits(), len(home.sets)), (before, sets), f"{version}: limits")
            same(weir.call("GET", "/stats/managed")[1]["total"], known, f"{version}: managed torrents")
            same(health(weir)["status"], "unhealthy", f"{version}: health")
            home.heal()
            home.add(1, "a", demand=900_000)
            wait_for(lambda: home.sum_of("a") <= CAP, 12, f"{version}: the newcomer's limit after the outage")
            same(health(weir)["status"], "healthy", f"{version}: health afterwards")
            same(home.violations({"a": CAP}), [], f"{version}: violations")
            weir.stop()
    return check


for name, kind, value in BAD_ANSWERS:
    checks(f"a read that fails with {name} changes nothing, and the next good one repairs")(reads(kind, value))


@checks("a lost answer of sync/maindata loses no change")
def _(at):
    home = at.fake(count=5, tracker="a", demand=900_000)
    weir = at.weir([home], A)
    raised = next(iter(home.limits()))
    home.fail("sync/maindata", "lost", count=1)
    home.change([raised], limit=50_000_000)
    wait_for(lambda: home.sum_of("a") <= CAP, 12, "the limit that was raised by hand while the answer was lost")
    expect(weir.process.poll() is None, "Weir ended")


@checks("limits that sync/maindata shows late are not taken for drift")
def _(at):
    home = at.fake(count=5, tracker="a", demand=900_000)
    home.lag = 1.5
    weir = at.weir([home], A)
    for count in (1, 3, 5):
        home.add(count, "a", demand=900_000)
        wait_for(lambda: home.sum_of("a") <= CAP, 5, "the newcomers' limits")
    at.cycles(weir, 3)
    expect("a limit is not what Weir had set" not in weir.console(), "it reports drift")
    sets = len(home.sets)
    at.cycles(weir, 2)
    same(len(home.sets), sets, "calls with nothing to do")


APPLY_FAULTS = [("half of the list arrives", "half", None), ("the answer is lost", "lost", None), ("it is refused", "status", 400),
                ("the connection breaks", "reset", None), ("a proxy answers", "page", 502)]


def applying(kind, value):
    def check(at):
        for skip in (0, 1, 2):
            home = at.fake()
            originals = dict.fromkeys(home.add(6, "a", demand=900_000, limit=60_000), 60_000)
            originals |= dict.fromkeys(home.add(6, "b", demand=900_000, limit=900_000), 900_000)
            originals |= dict.fromkeys(home.add(3, "b", demand=900_000))
            home.fail("torrents/setUploadLimit", kind, value, count=2, skip=skip)
            trackers = [tracker("a", 300_000), tracker("b", 2_000_000), REST]
            weir = at.weir([home], trackers, allocation_strategy="weighted")
            wait_for(lambda: home.sum_of("a") <= 300_000 and home.sum_of("b") <= 2_000_000, 12, "the caps")
            at.cycles(weir)
            wait_for(lambda: health(weir)["status"] == "healthy", 12, "health")
            same(home.violations({"a": 300_000, "b": 2_000_000}), [], "violations")
            weir.kill()
            weir.run("rollback", "--yes", "--config", weir.config, check=0)
            same(home.limits(), originals, "limits after the rollback")
    return check


for name, kind, value in APPLY_FAULTS:
    checks(f"applying fails half-way because {name}: the caps hold, and rollback is exact")(applying(kind, value))


@checks("where a cut fails, nothing of its tracker is raised")
def _(at):
    home = at.fake()
    # One eats the whole cap, the others have nothing: the new plan cuts one and raises the others.
    home.add(1, "a", demand=900_000, limit=CAP - 9_000)
    home.add(9, "a", demand=900_000, limit=1_000)
    cut = home.fail("torrents/setUploadLimit", "status", 500)
    weir = at.weir([home], A)
    at.cycles(weir)
    same({call["limit"] for call in home.sets}, set(), "what was set although the cut failed")
    cut.count = 0
    wait_for(lambda: min(home.limits().values()) > 1_000, 12, "the raised limits")
    same(home.violations({"a": CAP}), [], "violations")


@checks("a limit that reads back differently is reported, and put right")
def _(at):
    home = at.fake(count=4, tracker="a", demand=900_000)
    victim = next(iter(home.limits()))
    home.fail("torrents/uploadLimit", "call", lambda: home.change([victim], limit=999_999), count=1)
    weir = at.weir([home], A, settled=False)
    wait_for(lambda: home.sum_of("a") <= CAP and len(home.sets) > 1, 6, "the limit")
    expect("cause=read_back" in weir.console(), "nothing in the log")


@checks("the disk under the journal is full: nothing is sent, and it goes on once there is room")
def _(at):
    disk = at.folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=True)
    home = at.fake(count=3, tracker="a", demand=900_000)
    weir = at.weir([home], A, start=False)
    weir.config.write_text(weir.config.read_text().replace(f"{weir.folder}/weir.db", f"{disk}/weir.db"))
    weir.start()
    wait_for(lambda: home.sum_of("a") <= CAP, 5, "the first limits")
    with open(disk / "filler", "wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError:
            pass
    sets = len(home.sets)
    home.add(400, "a", demand=900_000)
    status, body = weir.call("POST", "/cycle/force")
    same((status, body["error"]["code"]), (500, "journal_failed"), f"the cycle said {body}")
    expect("no space left" in body["error"]["message"], body)
    same(len(home.sets), sets, "calls")
    report = health(weir)
    expect(report["status"] == "degraded" and "no space left" in str(report["problems"]), report)
    (disk / "filler").unlink()
    wait_for(lambda: home.sum_of("a") <= CAP, 5, "limits once there is room")
    same(weir.call("POST", "/rollback", {"confirm": True})[0], 200, "rollback")
    same(set(home.limits().values()), {None}, "limits after the rollback")


@checks("the journal fails after the limits were sent: they are settled from what qBittorrent really has")
def _(at):
    home = at.fake(count=4, tracker="a", demand=900_000)
    weir = at.weir([home], A, start=False)
    locks = []

    def lock():
        connection = laboratory_sqlite(weir)
        connection.execute("BEGIN IMMEDIATE")
        locks.append(connection)
    home.fail("torrents/uploadLimit", "call", lock, count=1)
    weir.start()
    wait_for(lambda: locks and home.sum_of("a") <= CAP, 5, "the limits")
    wait_for(lambda: health(weir)["status"] == "degraded", 8, "health")
    at.cycles(weir, 2)
    same(health(weir)["status"], "degraded", "health as long as the journal fails")
    locks[0].rollback()
    wait_for(lambda: health(weir)["status"] == "healthy", 8, "health once it works")
    locks[0].execute("BEGIN IMMEDIATE")
    home.fail("torrents/uploadLimit", "delay", 0.2)
    home.add(4, "a", demand=900_000)
    wait_for(lambda: len(home.sets) > 1 or health(weir)["status"] == "degraded", 8, "another cycle")
    weir.kill()
    locks[0].rollback()
    locks[0].close()
    weir.run("rollback", "--yes", "--config", weir.config, check=0)
    same(set(home.limits().values()), {None}, "limits after the rollback")


def laboratory_sqlite(weir):
    import sqlite3
    return sqlite3.connect(weir.folder / "weir.db", isolation_level=None, check_same_thread=False)


@checks("qBittorrent is killed (-9) in mid-batch and started again: the caps hold within one cycle (real)")
def _(at):
    home = at.qbittorrent()
    torrents = [laboratory.Torrent(f"t{n}", laboratory.PIECE, f"http://{'abc'[n % 3]}.example/announce") for n in range(240)]
    home.add(torrents)
    home.set_limit([t.info_hash for t in torrents[:50]], 123_456)
    time.sleep(1)
    originals = home.limits()
    weir = at.weir([home], [tracker(name, 900_000) for name in "abc"] + [REST], start=False)

    def sums():
        found = home.limits()
        if len(found) < len(torrents):
            return [float("inf")]
        return [sum(found[t.info_hash] or float("inf") for n, t in enumerate(torrents) if n % 3 == place) for place in range(3)]
    for number in range(5):
        killer = in_background(lambda: (time.sleep(0.01 + 0.03 * number), home.kill()))
        weir.configure([home], [tracker(name, 300_000 + 100_000 * number) for name in "abc"] + [REST], poll_interval=1)
        if weir.process is None:
            weir.start()
        else:
            weir.call("POST", "/config/reload")
        killer.result()
        home.start()
        started = time.monotonic()
        wait_for(lambda: max(sums()) <= 300_000 + 100_000 * number, 15, f"the caps after kill {number}: {sums()}")
        wait_for(lambda: health(weir)["status"] == "healthy", 15, f"health after kill {number}")
        expect(time.monotonic() - started < 12, "it took too long")
    same(weir.call("POST", "/rollback", {"confirm": True})[1]["remaining"], 0, "what the rollback left")
    same(home.limits(), originals, "limits after the rollback")


@checks("qBittorrent comes back with other limits after a crash: they are put right")
def _(at):
    for version in ("4.5.2", "5.1.0"):
        for how in ("lost", "earlier", "kept"):
            home = at.fake(version=version, count=6, tracker="a", demand=900_000)
            weir = at.weir([home], [tracker("a", CAP // 4), REST])
            weir.configure([home], A, poll_interval=1)
            weir.call("POST", "/config/reload")
            wait_for(lambda: home.sum_of("a") > CAP - 6, 3, f"{version}: the limits before")
            before = home.limits()
            home.restart(how)
            wait_for(lambda: len(weir.call("GET", "/instances")[1]["instances"]) and home.limits() == before and home.count(
                "auth/login") > 1, 10, f"{version}, limits {how}: {home.limits()}")
            weir.call("POST", "/rollback", {"confirm": True})
            same(set(home.limits().values()), {None}, f"{version}, {how}: limits after the rollback")
            weir.stop()


@checks("a session that ends in mid-cycle is begun again once (403)")
def _(at):
    for endpoint in ("sync/maindata", "torrents/setUploadLimit", "torrents/uploadLimit", "app/preferences"):
        home = at.fake()
        home.fail(endpoint, "forbid", count=1)
        home.add(4, "a", demand=900_000)
        at.weir([home], A)
        wait_for(lambda: home.sum_of("a") <= CAP, 8, f"{endpoint}: the limits")
        same(len(home.logins), 2, f"{endpoint}: logins")


@checks("one wrong password is tried once, also over restarts of Weir, until it changes")
def _(at):
    for version in ("4.5.2", "5.3.0"):
        home = at.fake(version=version, count=4, tracker="a", demand=900_000)
        home.configured = {"password": "wrong"}
        weir = at.weir([home], A)
        for _ in range(2):
            at.cycles(weir, 2)
            same(weir.call("POST", "/cycle/force")[0], 502, "a forced cycle")
            weir.stop()
            weir.start()
            at.cycles(weir, 1)
        same(len(home.logins), 1, f"{version}: logins with the wrong password")
        report = health(weir)
        expect(report["status"] == "unhealthy" and "credentials" in report["problems"][0], report)
        expect('weir_instance_login_blocked{instance="home"} 1' in weir.call("GET", "/metrics")[1], "the metrics")
        home.configured = {"password": home.PASSWORD}
        weir.configure([home], A, poll_interval=1)
        weir.call("POST", "/config/reload")
        wait_for(lambda: home.sum_of("a") <= CAP, 5, f"{version}: the limits with the right password")
        same(len(home.logins), 2, f"{version}: logins")
        weir.stop()


@checks("commands do not try a wrong password again, beside a running Weir and without one")
def _(at):
    home = at.fake(count=4, tracker="a", demand=900_000)
    weir = at.weir([home], A)
    weir.stop()
    home.configured = {"password": "wrong"}
    weir.configure([home], A, poll_interval=1)
    logins = len(home.logins)
    commands = (["plan"], ["doctor"], ["hook", "install", "--yes"], ["rollback", "--yes"])
    for command in commands * 2:
        expect(weir.run(*command, "--config", weir.config).returncode != 0, f"{command} went well")
    same(len(home.logins) - logins, 1, "logins with the wrong password")
    weir.run("resume", "--config", weir.config, check=0)
    weir.start()
    wait_for(lambda: health(weir)["problems"], 5, "the problem")
    for command in commands * 2:
        weir.run(*command, "--config", weir.config)
    same(len(home.logins) - logins, 2, "logins after `weir resume`, beside the running Weir")


@checks("a password that was mended in qBittorrent is tried again after weir resume")
def _(at):
    home = at.fake(count=4, tracker="a", demand=900_000)
    home.PASSWORD = "another"
    home.configured = {"password": "adminadmin"}
    weir = at.weir([home], A)
    home.PASSWORD = "adminadmin"
    at.cycles(weir, 2)
    same((len(home.logins), home.sets), (1, []), "logins before resuming")
    weir.run("resume", "--config", weir.config, check=0)
    wait_for(lambda: home.sum_of("a") <= CAP, 5, "the limits")


@checks("the same with a real qBittorrent, which is not led to ban us")
def _(at):
    home = at.qbittorrent()
    home.configured = {"password": "wrong"}
    weir = at.weir([home], A, start=False)
    for _ in range(7):
        weir.start()
        wait_for(lambda: health(weir)["problems"], 5, "the problem")
        weir.stop()
    home.configured = {}
    weir.configure([home], A, poll_interval=1)
    weir.start()
    wait_for(lambda: health(weir)["status"] == "healthy", 5, "health with the right password")


@checks("a ban is not answered with more logins")
def _(at):
    home = at.fake(count=4, tracker="a", demand=900_000)
    home.is_banned = True
    weir = at.weir([home], A)
    at.cycles(weir, 4)
    same(len(home.logins), 1, "logins")
    expect("banned" in health(weir)["problems"][0], health(weir))
    same(home.sets, [], "calls")


@checks("one qBittorrent that is down keeps its share, and the other is governed")
def _(at):
    home, colo = at.fake("home"), at.fake("colo")
    home.add(2, "a", demand=900_000, prefix="h")
    colo.add(2, "a", demand=900_000, prefix="c")
    weir = at.weir([home, colo], A, on_stop="keep")
    same((home.sum_of("a"), colo.sum_of("a")), (CAP / 2, CAP / 2), "shares")
    colo.stop()
    home.add(4, "a", demand=900_000)
    at.cycles(weir, 3)
    expect(home.sum_of("a") <= CAP / 2, f"the other's share was given away: {home.sum_of('a')}")
    same(health(weir)["status"], "degraded", "health")
    states = {i["name"]: i["reachable"] for i in weir.call("GET", "/instances")[1]["instances"]}
    same(states, {"home": True, "colo": False}, "instances")
    weir.stop()
    weir.start()
    at.cycles(weir, 3)
    expect(home.sum_of("a") <= CAP / 2, f"the other's share was given away after a restart: {home.sum_of('a')}")
    colo.start()
    wait_for(lambda: health(weir)["status"] == "healthy", 15, "health")
    expect(home.sum_of("a") + colo.sum_of("a") <= CAP, "the sum when both are back")


@checks("a slow qBittorrent does not hold up the other one")
def _(at):
    home, colo = at.fake("home", count=2, tracker="a", demand=900_000), at.fake("colo")
    weir = at.weir([home, colo], A)
    colo.fail("sync/maindata", "delay", 8)
    at.cycles(weir, 1)
    started = time.monotonic()
    home.add(2, "a", demand=900_000, prefix="more")
    wait_for(lambda: home.sum_of("a") <= CAP, 30, "the newcomers' limits")
    # A cycle waits 10 s at most for a client, and the newcomers may have come just after the poll of one.
    expect(time.monotonic() - started < 20, f"{time.monotonic() - started:.0f} s: longer than its patience")


@checks("something else answers in the place of qBittorrent")
def _(at):
    home, other = at.fake(count=2, tracker="a", demand=900_000), at.fake("other")
    for kind, value in (("page", 200), ("status", 404), ("body", b"hello"), ("reset", None)):
        other.heal()
        other.fail("*", kind, value)
        weir = at.weir([home, other], A)
        problem = {i["name"]: i["problem"] for i in weir.call("GET", "/instances")[1]["instances"]}["other"]
        expect(problem and len(problem) > 10, f"{kind}: {problem}")
        expect(home.sum_of("a") <= CAP, f"{kind}: the real one is not governed")
        weir.stop()


@checks("no free file descriptors: it stays up, and recovers")
def _(at):
    home = at.fake(count=2, tracker="a", demand=900_000)
    weir = at.weir([home], A, start=False)
    weir.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40)))
    wait_for(lambda: home.sum_of("a") <= CAP, 5, "the limits")
    connections = []
    for _ in range(100):
        try:
            connections.append(socket.create_connection(("127.0.0.1", weir.port), timeout=1))
        except OSError:
            break
    time.sleep(2)
    for connection in connections:
        connection.close()
    home.add(2, "a", demand=900_000, prefix="more")
    started = time.monotonic()
    wait_for(lambda: home.sum_of("a") <= CAP, 15, "the newcomers' limits")
    wait_for(lambda: health(weir)["status"] == "healthy", 10, "health")
    expect(time.monotonic() - started < 10, f"{time.monotonic() - started:.0f} s until it answers again")


@checks("a configuration that is saved while an instance leaves slowly comes into force after that one, and stays")
def _(at):
    home, colo = at.fake(count=3, tracker="a", demand=900_000), at.fake("colo", count=3, tracker="a", demand=900_000)
    weir = at.weir([home, colo], A, on_stop="restore")
    wait_for(lambda: home.sum_of("a") + colo.sum_of("a") <= CAP, 15, "the limits")
    colo.fail("torrents/setUploadLimit", "hang", 4)
    asked = colo.count("torrents/setUploadLimit")
    weir.configure([home], A, poll_interval=1, headroom=0, on_stop="restore")
    leaving = in_background(weir.call, "POST", "/config/reload")
    wait_for(lambda: colo.count("torrents/setUploadLimit") > asked, 15, "the one that leaves is asked")
    colo.heal()
    weir.configure([home, colo], [tracker("a", 2 * CAP), REST], poll_interval=1, headroom=0, on_stop="restore")
    same(weir.call("POST", "/config/reload")[0], 200, "the second reload")
    leaving.result()

    def running():
        return weir.call("GET", "/config")[1]["trackers"][0]["max_upload_speed"], len(weir.call("GET", "/instances")[1]["instances"])
    same(running(), (2 * CAP, 2), "what is in force")
    wait_for(lambda: home.sum_of("a") + colo.sum_of("a") > CAP, 15, "limits for the raised cap")


@checks("the log's folder disappears: Weir goes on")
def _(at):
    home = at.fake(count=2, tracker="a", demand=900_000)
    logs = at.folder / "logs"
    weir = at.weir([home], A, start=False)
    weir.config.write_text(weir.config.read_text().replace(f"{weir.folder}/weir.log", f"{logs}/weir.log"))
    weir.start()
    wait_for(lambda: os.path.exists(logs / "weir.log"), 5, "the log file")
    shutil.rmtree(logs)
    home.add(2, "a", demand=900_000, prefix="more")
    wait_for(lambda: home.sum_of("a") <= CAP, 5, "the newcomers' limits")
    # The newcomers' upload may just have asked for headroom.
    expect(outcome(weir) in ("unchanged", "applied"), "a cycle")


if __name__ == "__main__":
    checks.main()
