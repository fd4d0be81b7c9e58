#!/usr/bin/python3
"""The known faults of the predecessor, one check for each by its meaning, against the built `weir serve`.

Q1 … Q45 are the rows of the table of weaknesses that these checks were made from. Q20 is missing: that seeds count as peers is
how `weighted` is documented, and `adaptive` looks at demand instead.
"""

import concurrent.futures
import json
import socket
import sqlite3
import subprocess
import time

import lab as laboratory
from checks import REST, Checks, expect, health, in_background, outcome, same, tracker, wait_for

MIB = 1 << 20
checks = Checks(__doc__)


def reload(at, weir, instances, trackers, sections=None, **settings):
    weir.configure(instances, trackers, sections, **{"poll_interval": 1, **settings})
    status, body = weir.call("POST", "/config/reload")
    same(status, 200, f"/config/reload said {body}")


def resident_kib(weir):
    with open(f"/proc/{weir.process.pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def pipelined(port, requests):
    """Sends requests in one go over one connection; answers the status of each."""
    statuses = []
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        sender = in_background(connection.sendall, b"".join(requests))
        with connection.makefile("rb") as stream:
            for _ in requests:
                statuses.append(int(stream.readline().split()[1]))
                length = 0
                while (line := stream.readline().strip()):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                stream.read(length)
        sender.result()
    return statuses


def hook(port, info_hash, event="add"):
    body = f"event={event}&hash={info_hash}".encode()
    return (f"POST /webhook HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


@checks("Q1 a public torrent belongs to its tracker, not to DHT (real qBittorrent)")
def _(at):
    home = at.qbittorrent(pseudo_trackers=True)
    public = laboratory.Torrent("public", laboratory.PIECE, "http://alpha.example/announce", private=False)
    free = laboratory.Torrent("free", laboratory.PIECE, "http://free.example/announce", private=False)
    home.add([public, free])
    first = json.loads(home.call(f"torrents/trackers?hash={public.info_hash}"))[0]
    same((first["url"], first["status"]), ("** [DHT] **", 2), "the first entry of qBittorrent's list")
    at.weir([home], [tracker("alpha", 100_000), tracker("free", -1), {**REST, "max_upload_speed": 5_000}])
    same(home.limits(), {public.info_hash: 100_000, free.info_hash: None}, "limits")


@checks("Q2 rollback restores the original limits after several changes")
def _(at):
    home = at.fake()
    originals = dict.fromkeys(home.add(4, "a", demand=900_000)) | dict.fromkeys(
        home.add(3, "a", demand=900_000, limit=50_000), 50_000)
    weir = at.weir([home], [tracker("a", 700_000), REST])
    for cap in (300_000, 800_000, 140_000):
        reload(at, weir, [home], [tracker("a", cap), REST])
        same(outcome(weir) in ("applied", "unchanged"), True, "the cycle")
        expect(home.sum_of("a") <= cap, f"{home.sum_of('a')} with a cap of {cap}")
    same(home.violations({"a": 800_000}), [], "violations")
    status, body = weir.call("POST", "/rollback", {"confirm": True, "reason": "test"})
    same((status, body["status"], body["changes_reversed"], body["remaining"]), (200, "completed", 7, 0), "rollback")
    same(home.limits(), originals, "limits after the rollback")


@checks("Q3 rollback puts no limit on a torrent that had none, also with auto_unlimit_on_inactive")
def _(at):
    home = at.fake(count=6, tracker="a", demand=900_000)
    weir = at.weir([home], [tracker("a", 600_000), REST], auto_unlimit_on_inactive=True, update_interval=5)
    home.change(list(home.limits())[:3], demand=0)
    at.cycles(weir)
    outcome(weir)
    same(weir.call("POST", "/rollback", {"confirm": True})[0], 200, "status")
    same(set(home.limits().values()), {None}, "limits")


@checks("Q4 after a rollback Weir says that it is paused, and resuming applies the caps again")
def _(at):
    home = at.fake(count=4, tracker="a", demand=900_000)
    weir = at.weir([home], [tracker("a", 400_000), REST])
    weir.call("POST", "/rollback", {"confirm": True})
    at.cycles(weir)
    same(set(home.limits().values()), {None}, "limits while paused")
    report = health(weir)
    same((report["paused"], report["status"]), (True, "degraded"), "health")
    expect("resume" in report["problems"][0], report["problems"])
    same(weir.call("GET", "/stats/managed")[1]["total"], 0, "managed torrents")
    same(weir.call("GET", "/preview/next-cycle")[1]["proposed_count"], 4, "changes that the preview shows")
    same(weir.call("POST", "/resume")[0], 200, "resume")
    at.cycles(weir)
    same(home.sum_of("a"), 400_000, "the sum after resuming")


@checks("Q5 a failed read uncaps nothing, and health says so")
def _(at):
    for version in ("4.5.2", "5.1.0"):
        home = at.fake(version=version, count=5, tracker="a", demand=900_000)
        weir = at.weir([home], [tracker("a", 500_000), REST], auto_unlimit_on_inactive=True)
        before, sets = home.limits(), len(home.sets)
        home.fail("torrents/info", "status", 500)
        home.fail("sync/maindata", "status", 500)
        status, body = weir.call("POST", "/cycle/force")
        same((status, body["error"]["code"]), (502, "cycle_skipped"), f"the cycle said {body}")
        at.cycles(weir)
        same((home.limits(), len(home.sets)), (before, sets), "limits")
        report = health(weir)
        expect(report["status"] == "unhealthy" and "500" in report["problems"][0], report)


@checks("Q6 a failed look-up of trackers leaves the torrent where it was")
def _(at):
    home = at.fake()
    both = ["http://free.example/announce", "http://beta.example/announce"]
    torrent, = home.add(1, "beta", demand=900_000, urls=both, statuses=[4, 2])
    trackers = [tracker("free", -1), tracker("beta", 70_000), REST]
    weir = at.weir([home], trackers, on_stop="keep")
    same(home.limits(), {torrent: 70_000}, "limits")
    home.fail("torrents/trackers", "status", 500)
    for _ in range(2):
        same(weir.stop(), 0, "exit code")
        weir.start()
        at.cycles(weir)
        outcome(weir)
        same(home.limits(), {torrent: 70_000}, "limits while the look-up fails")
    same(len(home.sets), 1, "calls")


@checks("Q7 a torrent that is deleted in mid-cycle does not stop the others")
def _(at):
    for endpoint in ("torrents/setUploadLimit", "torrents/uploadLimit"):
        home = at.fake()
        weir = at.weir([home], [tracker("a", 400_000), REST])
        added = home.add(5, "a", demand=900_000)
        home.fail(endpoint, "call", lambda: home.remove(added[:1]), count=1)
        wait_for(lambda: home.sum_of("a") <= 400_000, 5, "limits on the others")
        same(set(home.limits()), set(added[1:]), "torrents")
        at.cycles(weir)
        same(health(weir)["status"], "healthy", f"health: {health(weir)}")
        same(weir.call("GET", "/stats/managed")[1]["total"], 4, "managed torrents")


@checks("Q8 isolated failures do not add up to a pause")
def _(at):
    home = at.fake(count=3, tracker="a", demand=900_000)
    weir = at.weir([home], [tracker("a", 300_000), tracker("b", 100_000), REST])
    for _ in range(8):
        # A torrent that is gone when its trackers are asked for, as in any client now and then.
        lost = home.add(1, "b", urls=["http://a.example/announce", "http://b.example/announce"])
        home.fail("torrents/trackers", "call", lambda: home.remove(lost), count=1)
        outcome(weir)
        # And a call that fails, then works again.
        home.add(1, "a", demand=900_000)
        home.fail("torrents/setUploadLimit", "status", 500, count=1)
        same(weir.call("POST", "/cycle/force")[0], 502, "a cycle whose call failed")
        expect(outcome(weir) in ("applied", "unchanged"), "the cycle after it")
        expect(home.sum_of("a") <= 300_000, f"sum {home.sum_of('a')}")
    same(health(weir)["status"], "healthy", "health")


@checks("Q9 a restart of qBittorrent in mid-cycle costs one cycle, and is not called completed")
def _(at):
    home = at.fake()
    weir = at.weir([home], [tracker("a", 400_000), REST])
    home.add(4, "a", demand=900_000)
    # It is back at once: the cycle may only be called completed if the limits are really there.
    home.fail("torrents/setUploadLimit", "call", lambda: home.restart("lost"), count=1)
    status, _ = weir.call("POST", "/cycle/force")
    expect(status == 502 or home.sum_of("a") <= 400_000, f"status {status}, sum {home.sum_of('a')}")
    home.add(4, "a", demand=900_000)
    home.fail("torrents/setUploadLimit", "call", home.stop, count=1)
    status, body = weir.call("POST", "/cycle/force")
    expect(status == 502 and body.get("status") != "completed", body)
    home.restart("lost")
    wait_for(lambda: home.sum_of("a") <= 400_000, 8, "limits after the restart")
    wait_for(lambda: health(weir)["status"] == "healthy", 8, "health")


@checks("Q10 a webhook has an effect: a newcomer is limited within 2 s")
def _(at):
    for version in ("4.5.2", "5.1.0"):
        home = at.fake(version=version, count=3, tracker="a", demand=900_000)
        weir = at.weir([home], [tracker("a", 300_000), REST], poll_interval=60)
        newcomer, = home.add(1, "a", demand=900_000)
        same(weir.call("POST", "/webhook", f"event=add&hash={newcomer}".encode(),
                       {"Content-Type": "application/x-www-form-urlencoded"})[0], 202, "status")
        wait_for(lambda: home.limits()[newcomer] is not None, 2, "the newcomer's limit")
        expect(home.sum_of("a") <= 300_000, f"sum {home.sum_of('a')}")
        same(home.violations({"a": 300_000}), [], "violations")


@checks("Q11 a cycle costs a handful of calls, whatever the number of torrents")
def _(at):
    for version in ("4.5.2", "5.1.0"):
        home = at.fake(version=version, count=1000, tracker="a", demand=50_000)
        home.add(4000, "a")
        weir = at.weir([home], [tracker("a", 10 * MIB), REST], update_interval=5)
        values = len(set(home.limits().values()))
        expect(home.count() <= 12 + values, f"{home.count()} calls in the first cycle: {home.requests}")
        before = home.count()
        same(outcome(weir), "unchanged", "the next cycle")
        expect(home.count() - before <= 2 * 2, f"{home.count() - before} calls with nothing to do")


@checks("Q12 max_api_calls_per_cycle, max_managed_torrents and the log's rotation take effect")
def _(at):
    home = at.fake()
    for number in range(260):
        home.add(1, f"t{number}", demand=900_000)
    many = [tracker(f"t{number}", int(1_000 * 1.05 ** number)) for number in range(260)]
    weir = at.weir([home], many + [REST], max_api_calls_per_cycle=100)
    expect(len(home.sets) <= 100, f"{len(home.sets)} calls in the first cycle")
    at.cycles(weir, 3)
    same(sum(limit is not None for limit in home.limits().values()), 260, "limited torrents in the end")
    same([t["id"] for t in many if home.sum_of(t["id"]) > t["max_upload_speed"]], [], "trackers over their cap")

    colo = at.fake("colo", count=60, tracker="a", demand=200_000)
    weir = at.weir([colo], [tracker("a", 5 * MIB), REST], start=False, allocation_strategy="weighted", max_managed_torrents=10)
    log = weir.folder / "weir.log"
    text = weir.config.read_text().replace("  level: DEBUG", "  level: DEBUG\n  max_size_mb: 1\n  backup_count: 2")
    weir.config.write_text(text)
    weir.start()
    wait_for(lambda: colo.sum_of("a") <= 5 * MIB, 5, "the limits")
    limits = sorted(colo.limits().values(), reverse=True)
    expect(limits[9] > limits[10], f"only 10 have a share of their own: {limits[:12]}")
    expect(colo.sum_of("a") <= 5 * MIB, f"sum {colo.sum_of('a')}")
    weir.call("POST", "/pause")
    reason = json.dumps({"confirm": True, "reason": "x" * 900}).encode()
    request = (f"POST /rollback HTTP/1.1\r\nHost: 127.0.0.1:{weir.port}\r\nContent-Type: application/json\r\n"
               f"Content-Length: {len(reason)}\r\n\r\n").encode() + reason
    pipelined(weir.port, [request] * 4000)
    files = sorted(f.name for f in weir.folder.glob("weir.log*"))
    expect(len(files) in (2, 3) and log.stat().st_size <= MIB + 4096, f"{files}, {log.stat().st_size} bytes")


@checks("Q13 the floor gives way where it would break the cap")
def _(at):
    for strategy in ("equal", "weighted", "soft", "adaptive"):
        home = at.fake(count=3000, tracker="a", demand=30_000)
        at.weir([home], [tracker("a", 5 * MIB), REST], allocation_strategy=strategy)
        expect(home.sum_of("a") <= 5 * MIB, f"{strategy}: sum {home.sum_of('a') / (5 * MIB):.2f} × cap")
        expect(min(home.limits().values()) > 0, f"{strategy}: a torrent starves")


@checks("Q14 torrents held below the activity threshold stay governed, and nothing oscillates")
def _(at):
    home = at.fake(count=120, tracker="a", demand=500_000)
    weir = at.weir([home], [tracker("a", MIB), REST], auto_unlimit_on_inactive=True, update_interval=5)
    after_first = len(home.sets)
    for _ in range(4):
        outcome(weir)
        at.cycles(weir, 1)
        expect(home.sum_of("a") <= MIB, f"sum {home.sum_of('a')}")
    same(home.violations({"a": MIB}), [], "violations")
    same(len(home.sets), after_first, "calls after the first cycle")


@checks("Q15 idle torrents count: when all wake up at once the sum is still under the cap")
def _(at):
    home = at.fake(count=10, tracker="a", demand=500_000)
    idle = home.add(190, "a")
    weir = at.weir([home], [tracker("a", 4 * MIB), REST], update_interval=5)
    expect(home.sum_of("a") <= 4 * MIB, f"sum with 190 idle {home.sum_of('a')}")
    home.change(idle, demand=500_000)
    at.cycles(weir)
    outcome(weir)
    expect(home.sum_of("a") <= 4 * MIB, f"sum when all are awake {home.sum_of('a')}")
    same(home.violations({"a": 4 * MIB}), [], "violations")


@checks("Q16 a cut that the cap needs is never held back")
def _(at):
    home = at.fake(count=200, tracker="a", demand=500_000)
    weir = at.weir([home], [tracker("a", 4 * MIB), REST])
    home.add(190, "a", demand=500_000)
    at.cycles(weir)
    expect(home.sum_of("a") <= 4 * MIB, f"sum {home.sum_of('a') / (4 * MIB):.2f} × cap")
    reload(at, weir, [home], [tracker("a", 4 * MIB - 40_000), REST])
    outcome(weir)
    expect(home.sum_of("a") <= 4 * MIB - 40_000, "a slightly lower cap does not take effect")


@checks("Q17 a smoothed cap converges, and a lowered cap takes effect")
def _(at):
    home = at.fake(count=4, tracker="a", demand=8 * MIB)
    settings = {"allocation_strategy": "soft", "smoothing_alpha": 0.4, "min_effective_delta": 0.1}
    weir = at.weir([home], [tracker("a", 4 * MIB), tracker("b", 4 * MIB), REST], **settings)
    lower = int(3.2 * MIB)
    reload(at, weir, [home], [tracker("a", lower), tracker("b", 4 * MIB), REST], **settings)
    for _ in range(30):
        outcome(weir)
    effective = weir.call("GET", "/preview/next-cycle")[1]["trackers"]
    loan = effective["a"]["borrowed"]
    same(effective["a"]["effective_cap"], lower + loan, "the effective cap")
    expect(home.sum_of("a") <= lower + loan, f"sum {home.sum_of('a')}")
    reload(at, weir, [home], [tracker("a", lower), REST], **settings)
    for _ in range(30):
        outcome(weir)
    expect(home.sum_of("a") <= lower, f"the loan has ended, and the sum is {home.sum_of('a') / lower:.3f} × cap")


@checks("Q18 an idle tracker lends, and the caps together are kept")
def _(at):
    home = at.fake(count=4, tracker="busy", demand=8 * MIB)
    home.add(3, "idle")
    weir = at.weir([home], [tracker("busy", 2 * MIB), tracker("idle", 2 * MIB), REST], allocation_strategy="soft",
                   smoothing_alpha=1.0)
    outcome(weir)
    outcome(weir)
    caps = {name: t["effective_cap"] for name, t in weir.call("GET", "/preview/next-cycle")[1]["trackers"].items()}
    expect(caps["busy"] > 2 * MIB, f"nothing was lent: {caps}")
    expect(caps["busy"] + caps["idle"] <= 4 * MIB, f"more was lent than there is: {caps}")
    expect(home.sum_of("busy") + home.sum_of("idle") <= 4 * MIB, "the limits break the caps together")


@checks("Q19 weighted governs every torrent, not only the first thousand")
def _(at):
    home = at.fake(count=1500, tracker="a", demand=50_000)
    at.weir([home], [tracker("a", 20 * MIB), REST], allocation_strategy="weighted")
    same(sum(limit is None for limit in home.limits().values()), 0, "torrents without a limit")
    expect(home.sum_of("a") <= 20 * MIB, f"sum {home.sum_of('a')}")


@checks("Q21 dry run writes nothing, and dry_run: false applies the limits at once")
def _(at):
    home = at.fake(count=5, tracker="a", demand=900_000)
    store = at.folder / "dry.json"
    weir = at.weir([home], [tracker("a", 500_000), REST], dry_run=True, dry_run_store_path=str(store))
    same((outcome(weir), home.sets), ("unchanged", []), "the dry run")
    same(set(json.loads(store.read_text()).values()), {100_000}, "the simulated limits")
    reload(at, weir, [home], [tracker("a", 500_000), REST], dry_run=False)
    wait_for(lambda: home.sum_of("a") == 500_000, 2, "the limits")


@checks("Q22 a dry run's rollback and reset write nothing")
def _(at):
    home = at.fake(count=5, tracker="a", demand=900_000)
    weir = at.weir([home], [tracker("a", 500_000), REST])
    before, sets = home.limits(), len(home.sets)
    reload(at, weir, [home], [tracker("a", 500_000), REST], dry_run=True)
    for path, body in (("/rollback", {"confirm": True}), ("/limits/reset", {"confirm": True, "scope": "all"})):
        status, answer = weir.call("POST", path, body)
        same((status, answer["mode"]), (200, "dry-run"), path)
    same(weir.stop(), 0, "exit code")
    same((home.limits(), len(home.sets)), (before, sets), "limits, also after the stop")


@checks("Q23 POST /rollout is effective at once, gives back on lowering, and outlives reload and restart")
def _(at):
    home = at.fake(count=60, tracker="a", demand=900_000)
    weir = at.weir([home], [tracker("a", 2 * MIB), REST], on_stop="keep")
    same(sum(limit is not None for limit in home.limits().values()), 60, "limited torrents at 100 %")
    same(weir.call("POST", "/rollout", {"percentage": 20})[0], 200, "status")
    bucket = laboratory.hashlib.md5
    chosen = {h for h in home.limits() if int(bucket(h.encode()).hexdigest()[:8], 16) % 100 < 20}
    wait_for(lambda: {h for h, limit in home.limits().items() if limit is not None} == chosen, 3, "20 % of the torrents")
    same(health(weir)["rollout_percentage"], 20, "what /health says")
    weir.call("POST", "/config/reload")
    same(health(weir)["rollout_percentage"], 20, "after a reload")
    weir.stop()
    weir.start()
    at.cycles(weir)
    same(health(weir)["rollout_percentage"], 20, "after a restart")
    same({h for h, limit in home.limits().items() if limit is not None}, chosen, "limited torrents after a restart")
    for bad in ({"percentage": True}, {"percentage": 0}, {"percentage": "50"}, {}):
        same(weir.call("POST", "/rollout", bad)[0], 400, f"the status for {bad}")


@checks("Q24 limits set by hand are kept where there is no cap, and noticed where there is one")
def _(at):
    home = at.fake()
    free, = home.add(1, "free", demand=900_000, limit=50_000)
    governed = home.add(4, "a", demand=900_000)
    weir = at.weir([home], [tracker("a", 400_000), tracker("free", -1), REST])
    same(home.limits()[free], 50_000, "the limit on a tracker without cap")
    home.change(governed[:1], limit=30_000)
    home.change(governed[1:2], limit=999_999_999)
    at.cycles(weir, 3)
    limits = home.limits()
    same(limits[governed[0]], 30_000, "a lower limit by hand")
    expect(limits[governed[1]] <= 400_000 and home.sum_of("a") <= 400_000, f"a limit above the cap stays: {limits}")
    weir.call("POST", "/rollback", {"confirm": True})
    same(home.limits(), {free: 50_000, governed[0]: 30_000, **dict.fromkeys(governed[1:])}, "limits after the rollback")


@checks("Q25 two cycles never overlap")
def _(at):
    home = at.fake()
    weir = at.weir([home], [tracker("a", 400_000), REST])
    home.add(33, "a", demand=900_000)
    home.fail("torrents/setUploadLimit", "delay", 0.3)
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: weir.call("POST", "/cycle/force")[0], range(10)))
    same(answers, [200] * 10, "answers")
    same(len(weir.call("GET", "/history?limit=1000")[1]["entries"]), 33, "recorded changes")
    same(len(home.sets), 1, "calls")


@checks("Q26 what the journal does not take is not sent")
def _(at):
    home = at.fake()
    weir = at.weir([home], [tracker("a", 400_000), REST])
    home.add(5, "a", demand=900_000)
    lock = sqlite3.connect(weir.folder / "weir.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    status, body = weir.call("POST", "/cycle/force")
    same((status, body["error"]["code"], home.sets), (500, "journal_failed", []), "the cycle")
    report = health(weir)
    expect(report["status"] == "degraded" and "journal" in report["problems"][0], report)
    lock.execute("ROLLBACK")
    lock.close()
    wait_for(lambda: home.sum_of("a") == 400_000, 5, "limits once the journal is free")
    at.cycles(weir)
    same(health(weir)["status"], "healthy", "health")


@checks("Q27 the original is the limit from before Weir, also after kills and restarts")
def _(at):
    home = at.fake()
    originals = dict.fromkeys(home.add(6, "a", demand=900_000)) | dict.fromkeys(
        home.add(6, "a", demand=900_000, limit=77_777), 77_777)
    weir = at.weir([home], [tracker("a", 600_000), REST])
    for cap in (300_000, 900_000, 120_000):
        weir.kill()
        weir.configure([home], [tracker("a", cap), REST], poll_interval=1)
        weir.start()
        wait_for(lambda: home.sum_of("a") <= cap, 5, "the new cap")
    weir.kill()
    done = weir.run("rollback", "--yes", "--json", "--config", weir.config, check=0)
    same(json.loads(done.stdout), {"restored": 12, "remaining": 0, "problems": []}, "what it says")
    same(home.limits(), originals, "limits after the rollback")


@checks("Q28 the journal has one original for each torrent, however often limits change")
def _(at):
    home = at.fake(count=20, tracker="a", demand=900_000)
    weir = at.weir([home], [tracker("a", 2 * MIB), REST])
    for round in range(10):
        reload(at, weir, [home], [tracker("a", 2 * MIB - round * 150_000), REST])
        outcome(weir)
    database = sqlite3.connect(f"file:{weir.folder / 'weir.db'}?mode=ro", uri=True)
    same(database.execute("SELECT count(*), count(original_limit) FROM originals").fetchall(), [(20, 0)], "originals")
    database.close()


@checks("Q29 a rollback of 5,000 torrents takes seconds, not minutes")
def _(at):
    home = at.fake(count=5000, tracker="a", demand=20_000)
    home.add(500, "a", demand=20_000, limit=9_999)
    weir = at.weir([home], [tracker("a", 20 * MIB), REST], settled=False)
    wait_for(lambda: home.sum_of("a") <= 20 * MIB, 30, "the limits")
    started, before = time.monotonic(), home.count()
    status, body = weir.call("POST", "/rollback", {"confirm": True})
    spent = time.monotonic() - started
    same((status, body["remaining"]), (200, 0), "rollback")
    expect(spent < 10 and home.count() - before <= 12, f"{spent:.1f} s, {home.count() - before} calls")
    same(sorted({limit or 0 for limit in home.limits().values()}), [0, 9_999], "limits")


@checks("Q30 a hostile URL of 32 KB blocks nothing, from whomever it comes")
def _(at):
    nested = [tracker(f"x{n}", -1, pattern) for n, pattern in enumerate(
        ("(a+)+$", ".*x.*y.*z", "([a-z]+)*\\.example", "(x|xx)+q"))]
    home = at.fake()
    evil = "http://" + "a" * 32_000 + "!"
    home.add(3, "a", demand=900_000)
    home.add(3, "rest", demand=1_000, urls=[evil + "{n}"])
    weir = at.weir([home], [tracker("a", 300_000), *nested, REST])
    expect(home.sum_of("a") <= 300_000, f"sum {home.sum_of('a')}")
    for length in (1_000, 4_000, 8_000, 32_000):
        for path in ("/match/test?url=http://" + "a" * length + "!", "/match/test?detailed=true&url=" + "xx" * (length // 2)):
            started = time.monotonic()
            status, _ = weir.call("GET", path)
            spent = time.monotonic() - started
            expect(spent < 0.5 and status in (200, 400, 414, 431), f"{length} bytes: {spent:.2f} s, status {status}")
    started = time.monotonic()
    same(weir.call("POST", "/webhook", f"event=add&hash={'0' * 40}&tracker={evil}".encode(),
                   {"Content-Type": "application/x-www-form-urlencoded"})[0], 202, "the webhook's status")
    same(health(weir)["status"], "healthy", "health")
    expect(time.monotonic() - started < 0.5, "the webhook is slow")


@checks("Q31 a hostile Content-Type costs no time")
def _(at):
    home = at.fake()
    weir = at.weir([home], [REST])
    for kind in ("application/x-www-form-urlencoded; !=\"" + "\\" * 4000, "multipart/form-data; boundary=\"" + "\\\"" * 2000,
                 "multipart/form-data; boundary=" + "a" * 4000, "; " * 2000):
        started = time.monotonic()
        status, _ = weir.call("POST", "/webhook", b"hash=" + b"0" * 40, {"Content-Type": kind})
        expect(time.monotonic() - started < 0.2 and status in (202, 400, 415), f"{status} for {kind[:40]}")


@checks("Q32 no web page can change anything, and Weir listens on loopback unless told otherwise")
def _(at):
    home = at.fake(count=3, tracker="a", demand=900_000)
    weir = at.weir([home], [tracker("a", 300_000), REST])
    before = home.limits()
    body = json.dumps({"confirm": True}).encode()
    same(weir.call("POST", "/rollback", body, {"Content-Type": "text/plain"})[0], 415, "text/plain")
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        same(weir.call("POST", "/rollback", body, headers)[0], 403, f"{headers}")
    same(weir.call("GET", "/config", headers={"Host": f"evil.example:{weir.port}"})[0], 403, "a foreign Host")
    same(weir.call("OPTIONS", "/rollback", headers={"Origin": "http://evil.example"})[0], 405, "a preflight")
    same(home.limits(), before, "limits")
    addresses = subprocess.run(["ss", "-ltnH", f"sport = :{weir.port}"], capture_output=True, text=True).stdout.split()
    same(addresses[3], f"127.0.0.1:{weir.port}", "where it listens")


@checks("Q33 memory is bounded, whatever webhooks say")
def _(at):
    home = at.fake(count=3, tracker="a", demand=900_000)
    weir = at.weir([home], [tracker("a", 300_000), REST], sections={"cross_seed": {
        "enabled": True, "url": "http://127.0.0.1:1/", "timeout": 5}})
    pipelined(weir.port, [hook(weir.port, f"{n:040x}", "complete") for n in range(2000)])
    before = resident_kib(weir)
    for start in range(1, 13):
        pipelined(weir.port, [hook(weir.port, f"{start * 5000 + n:040x}", "complete") for n in range(5000)])
    grown = resident_kib(weir) - before
    expect(grown < 4096, f"{grown} KiB more after 60,000 webhooks")


@checks("Q34 a webhook that is dropped is not answered 202, and a cross-seed outage delays nothing")
def _(at):
    home = at.fake(count=3, tracker="a", demand=900_000)
    weir = at.weir([home], [tracker("a", 300_000), REST], poll_interval=60, sections={"cross_seed": {
        "enabled": True, "url": "http://127.0.0.1:1/", "timeout": 5}})
    statuses = []
    for start in range(10):
        statuses += pipelined(weir.port, [hook(weir.port, f"{start * 5000 + n:040x}", "complete") for n in range(5000)])
    same(set(statuses) - {202, 429}, set(), "statuses")
    samples = dict(line.rsplit(" ", 1) for line in weir.call("GET", "/metrics")[1].splitlines() if line.startswith("weir_hooks"))
    same([int(float(samples[f'weir_hooks_total{{result="{kind}"}}'])) for kind in ("accepted", "refused")],
         [statuses.count(202), statuses.count(429)], "what the metrics say")
    time.sleep(0.2)
    newcomer, = home.add(1, "a", demand=900_000)
    pipelined(weir.port, [hook(weir.port, newcomer)])
    wait_for(lambda: home.limits()[newcomer] is not None, 2, "the newcomer's limit")


@checks("Q35 a file in the place of the hash is refused")
def _(at):
    home = at.fake()
    weir = at.weir([home], [REST])
    body = b'--b\r\nContent-Disposition: form-data; name="hash"; filename="x"\r\n\r\n' + b"0" * 40 + b"\r\n--b--\r\n"
    status, answer = weir.call("POST", "/webhook", body, {"Content-Type": "multipart/form-data; boundary=b"})
    expect(status == 400 and answer["error"]["message"], f"the answer: {status} {answer}")


@checks("Q36 scheme and query of a URL count")
def _(at):
    home = at.fake()
    weir = at.weir([home], [tracker("udp", -1, "^udp://"), tracker("key", -1, "passkey="), tracker("http", -1, "^http://"), REST])
    for url, wanted in (("udp://t.example/a", "udp"), ("http://t.example/a", "http"), ("http://t.example/a?passkey=1", "key"),
                        ("https://t.example/a", "rest"), ("http://t.example/a", "http")):
        found = weir.call("GET", "/match/test?url=" + laboratory.qbittorrent.urllib.parse.quote(url, safe=""))[1]
        same(found["matched_tracker"], wanted, url)


@checks("Q37 an escaped dot at the end of a pattern is a dot")
def _(at):
    home = at.fake()
    weir = at.weir([home], [tracker("a", -1, r"tracker\."), REST])
    for url, wanted in (("http://tracker.example/", "a"), ("http://trackers/", "rest"), ("http://tracker/", "rest")):
        same(weir.call("GET", "/match/test?url=" + url)[1]["matched_tracker"], wanted, url)


@checks("Q38 a cap above 2³¹ works")
def _(at):
    for strategy in ("equal", "weighted", "soft", "adaptive"):
        home = at.fake(count=3, tracker="a", demand=900_000)
        home.add(1, "one", demand=900_000)
        weir = at.weir([home], [tracker("a", 5_000_000_000), tracker("one", 9_000_000_000), REST], allocation_strategy=strategy)
        outcome(weir)
        same(health(weir)["status"], "healthy", f"{strategy}: {health(weir)}")
        expect(home.sum_of("a") <= 5_000_000_000, f"{strategy}: sum {home.sum_of('a')}")
        same(home.violations({"a": 5_000_000_000}), [], "violations")
        reload(at, weir, [home], [tracker("a", 300_000), tracker("one", 100_000), REST], allocation_strategy=strategy)
        wait_for(lambda: home.sum_of("a") <= 300_000 and home.sum_of("one") <= 100_000, 5, "the lowered cap")


@checks("Q39 update_interval and the qbittorrent section are taken over while running")
def _(at):
    home, colo = at.fake(count=3, tracker="a", demand=900_000), at.fake("colo", count=3, tracker="a", demand=900_000)
    weir = at.weir([home], [tracker("a", 300_000), REST], update_interval=300)
    reload(at, weir, [colo], [tracker("a", 300_000), REST], update_interval=7)
    wait_for(lambda: colo.sum_of("a") == 300_000, 3, "limits on the other qBittorrent")
    same(health(weir)["update_interval"], 7, "the interval")
    same(weir.call("GET", "/instances")[1]["instances"][0]["url"], colo.url, "the instance")


@checks("Q40 a malformed torrent does not empty the list")
def _(at):
    for version in ("4.5.2", "5.1.0"):
        home = at.fake(version=version, count=5, tracker="a", demand=900_000)
        odd = home.add(3, "a", demand=900_000)
        for torrent, fields in zip(odd, ({"up_limit": "many"}, {"magnet_uri": 7}, {"state": None, "uploaded": []})):
            home.change([torrent], odd=fields)
        weir = at.weir([home], [tracker("a", 500_000), REST])
        limits = home.limits()
        same(sum(limits[h] is not None for h in limits if h not in odd), 5, f"{version}: limited torrents")
        expect("cannot be understood" in weir.console(), f"{version}: nothing in the log")


@checks("Q41 a preview asks nothing of qBittorrent and changes nothing")
def _(at):
    home = at.fake(count=10, tracker="a", demand=900_000)
    weir = at.weir([home], [tracker("a", 300_000), REST], poll_interval=60)
    home.add(5, "a", demand=900_000)
    before = home.count(), weir.call("GET", "/stats")[1]["allocation_cycles"], len(home.sets)
    for _ in range(5):
        same(weir.call("GET", "/preview/next-cycle")[0], 200, "status")
    same((home.count(), weir.call("GET", "/stats")[1]["allocation_cycles"], len(home.sets)), before, "calls, cycles, changes")


@checks("Q42 limits that outlive a restart of qBittorrent are given back by weir rollback (real qBittorrent)")
def _(at):
    home = at.qbittorrent()
    home.add([laboratory.Torrent(f"t{n}", laboratory.PIECE, "http://a.example/announce") for n in range(4)])
    weir = at.weir([home], [tracker("a", 400_000), REST], on_stop="keep")
    expect(all(limit is not None for limit in home.limits().values()), "no limits were set")
    weir.stop()
    time.sleep(1)
    home.stop()
    home.start()
    wait_for(lambda: len(home.limits()) == 4, 20, "the torrents")
    expect(any(limit is not None for limit in home.limits().values()), "the limits are gone: this proves nothing")
    weir.run("rollback", "--yes", "--config", weir.config, check=0)
    same(set(home.limits().values()), {None}, "limits after the rollback")


@checks("Q43 the webhook takes the hash \"-\" of a v2-only torrent as a hint to look")
def _(at):
    home = at.fake(count=3, tracker="a", demand=900_000)
    weir = at.weir([home], [tracker("a", 300_000), REST], poll_interval=60)
    newcomer, = home.add(1, "a", demand=900_000)
    same(weir.call("POST", "/webhook", b"event=add&hash=-", {"Content-Type": "application/x-www-form-urlencoded"})[0], 202, "status")
    wait_for(lambda: home.limits()[newcomer] is not None, 2, "the newcomer's limit")


@checks("Q44 the version is the same wherever it is shown")
def _(at):
    home = at.fake()
    weir = at.weir([home], [REST])
    version = json.loads(weir.run("version", "--json", check=0).stdout)["version"]
    shown = [health(weir)["version"], weir.call("GET", "/")[1]["version"], weir.call("GET", "/openapi.json")[1]["info"]["version"]]
    same(shown, [version] * 3, "versions")
    expect(f'weir_info{{version="{version}"}} 1' in weir.call("GET", "/metrics")[1], "the metrics")


@checks("Q45 memory right after the start is under 30 MB")
def _(at):
    home = at.fake()
    weir = at.weir([home], [REST])
    expect(resident_kib(weir) < 30_000, f"{resident_kib(weir)} KiB")


if __name__ == "__main__":
    checks.main()
