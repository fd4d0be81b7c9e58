#!/usr/bin/python3
"""The running service against a real qBittorrent: every endpoint, reaction times, reloads, stopping, secrets, cross-seed, access."""

import http.server
import json
import os
import re
import signal
import socket
import sqlite3
import threading
import time

import lab as laboratory
from checks import REST, Checks, expect, health, outcome, same, tracker, wait_for

checks = Checks(__doc__)
MIB = 1 << 20
CAP = 400_000
A = [tracker("a", CAP), REST]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NUMBER = (int, float)


def torrents(count, where="a", start=0, **more):
    return [laboratory.Torrent(f"{where}{n}", laboratory.PIECE, f"http://{where}.example/announce", **more)
            for n in range(start, start + count)]


def governed(at, count=4, trackers=A, **settings):
    """A real qBittorrent with torrents of tracker a, and a Weir that governs it."""
    home = at.qbittorrent()
    home.add(torrents(count))
    return home, at.weir([home], trackers, **settings)


def total(home):
    return sum(limit or float("inf") for limit in home.limits().values())


# What each endpoint of the predecessor answered, as far as clients may rely on it: key to type.
ENDPOINTS = [
    ("GET", "/", None, {"name": str, "version": str, "description": str, "status": str, "endpoints": dict}),
    ("GET", "/health", None, {
        "status": str, "uptime_seconds": NUMBER, "version": str, "last_cycle_time": NUMBER, "last_cycle_duration": NUMBER,
        "rollout_percentage": int, "update_interval": int, "dry_run": bool, "active_torrents": int, "managed_torrents": int,
        "api_calls_last_cycle": int}),
    ("GET", "/stats", None, {
        "allocation_cycles": int, "api_calls_last_cycle": int, "torrents_processed": int, "limits_applied": int, "errors": int,
        "last_cycle_duration": NUMBER, "last_cycle_time": NUMBER, "active_torrents": int, "managed_torrents": int,
        "managed_torrent_count": int, "score_distribution": dict, "used_count": int, "free_slots": int, "capacity": int,
        "utilization_percent": NUMBER, "rollout_percentage": int, "cache_stats": dict, "estimated_memory_mb": NUMBER, "strategy": str,
        "dry_run": bool}),
    ("GET", "/stats/trackers", None, {"a": dict, "rest": dict}),
    ("GET", "/stats/managed", None, {"generated_at": int, "total": int, "counts_by_tracker": dict, "trackers": dict}),
    ("GET", "/match/test?url=http://a.example/announce&detailed=true", None, {"url": str, "matched_tracker": str, "matches": list}),
    ("POST", "/webhook", b"event=add&hash=" + b"0" * 40, {"status": str, "queue_size": int, "processing_time_ms": NUMBER}),
    ("POST", "/cycle/force", None, {"status": str, "duration_seconds": NUMBER, "timestamp": NUMBER}),
    ("GET", "/preview/next-cycle", None, {
        "strategy": str, "torrents_considered": int, "proposed_count": int, "proposed_changes": dict, "trackers": dict,
        "summary": dict}),
    ("POST", "/smoothing/reset", {"all": True}, {
        "status": str, "cleared_count": int, "tracker": str, "strategy": str, "timestamp": NUMBER, "message": str}),
    ("POST", "/rollout", {"percentage": 100}, {"status": str, "rollout_percentage": int, "timestamp": NUMBER}),
    ("GET", "/config", None, {
        "global_settings": dict, "global": dict, "qbittorrent": dict, "cross_seed": dict, "trackers": list, "rollback": dict,
        "logging": dict}),
    ("POST", "/config/reload", None, {"status": str, "rollout_percentage": int, "strategy": str}),
    ("POST", "/rollback", {"confirm": True, "reason": "why"}, {
        "status": str, "changes_reversed": int, "duration_seconds": NUMBER, "reason": str, "timestamp": NUMBER}),
    ("POST", "/limits/reset", {"confirm": True, "scope": "all", "mark_restored": False}, {"status": str, "count": int, "mode": str}),
]


@checks("every endpoint of the predecessor: path, status, keys, types; and the OpenAPI document has it")
def _(at):
    home, weir = governed(at)
    document = weir.call("GET", "/openapi.json")[1]["paths"]
    for method, path, body, keys in ENDPOINTS:
        status, answer = weir.call(method, path, body, FORM if path == "/webhook" else None)
        same(status, 202 if path == "/webhook" else 200, f"{method} {path}: {answer}")
        for key, kind in keys.items():
            expect(key in answer and isinstance(answer[key], kind), f"{method} {path}: {key} is {answer.get(key)!r}")
        expect(method.lower() in document[path.split("?")[0]], f"{method} {path} is not in the OpenAPI document")
    trackers = weir.call("GET", "/stats/trackers")[1]
    same(set(trackers["a"]) >= {"name", "configured_limit_mbps", "priority", "active_torrents", "current_usage_mbps", "effective_cap_mbps",
                                "borrowed_mbps", "efficiency_percent"}, True, "keys of a tracker")
    same((trackers["rest"]["configured_limit_mbps"], trackers["a"]["configured_limit_mbps"]), (None, round(CAP / MIB, 2)), "MiB/s")
    for method, path, wanted in (("POST", "/rollback", 400), ("POST", "/rollout", 400), ("POST", "/limits/reset", 400),
                                 ("GET", "/match/test", 422), ("POST", "/smoothing/reset", 400)):
        same(weir.call(method, path)[0], wanted, f"{method} {path} without anything")
    same(weir.call("POST", "/smoothing/reset", {"tracker_id": "none"})[0], 404, "an unknown tracker")


@checks("the metrics are in Prometheus's format")
def _(at):
    home, weir = governed(at)
    text = weir.call("GET", "/metrics")[1]
    families = set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            families.add(line.split()[2])
        elif not line.startswith("#"):
            name = re.match(r'([a-z_]+)(\{([a-z_]+="[^"\n]*",?)+\})? (\+Inf|-?[0-9.e+-]+)$', line)
            expect(name and name[1] in families, f"{line!r}")
    for name in ("weir_tracker_limits_bytes_per_second", "weir_cycles_total", "weir_instance_up", "weir_hooks_total"):
        expect(name in families, name)
    expect(f'weir_tracker_limits_bytes_per_second{{tracker="a"}} {CAP}' in text, "the sum of the limits")


@checks("a newcomer is limited within 2 s of the webhook, and within one poll without it")
def _(at):
    home, weir = governed(at, poll_interval=60)
    for number in range(5):
        newcomer = laboratory.Torrent(f"n{number}", laboratory.PIECE, "http://a.example/announce")
        home.add([newcomer])
        same(weir.call("POST", "/webhook", f"event=add&hash={newcomer.info_hash}".encode(), FORM)[0], 202, "status")
        wait_for(lambda: home.limits()[newcomer.info_hash] is not None, 2, "the newcomer's limit")
        expect(total(home) <= CAP, f"sum {total(home)}")
    weir.stop()
    weir.configure([home], A, poll_interval=3)
    weir.start()
    at.cycles(weir, 1)
    home.add(torrents(1, start=50))
    wait_for(lambda: total(home) <= CAP, 4, "the newcomer's limit without a webhook")


@checks("qBittorrent itself tells Weir, by the command line that hook install puts in; hook remove takes it out")
def _(at):
    home, weir = governed(at, poll_interval=60)
    weir.run("hook", "install", "--yes", "--config", weir.config, check=0)
    preferences = json.loads(home.call("app/preferences"))
    for key in ("autorun", "autorun_on_torrent_added"):
        line = preferences[f"{key}_program"]
        expect(preferences[f"{key}_enabled"] and str(weir.port) in line and "%I" in line and "\n" not in line, line)
        expect("%N" not in line and "%T" not in line, f"a stranger's text is on the command line: {line}")
    expect("nothing to change" in weir.run("hook", "install", "--yes", "--config", weir.config, check=0).stderr, "a second time")
    home.add(torrents(1, start=70))
    wait_for(lambda: total(home) <= CAP, 3, "the limit of a torrent that qBittorrent told of")
    weir.run("hook", "remove", "--yes", "--config", weir.config, check=0)
    same(json.loads(home.call("app/preferences"))["autorun_enabled"], False, "whether it still runs something")
    home.call("app/setPreferences", {"json": json.dumps({"autorun_enabled": True, "autorun_program": "my-own-script %I"})})
    done = weir.run("hook", "install", "--yes", "--config", weir.config)
    expect("my-own-script" in done.stderr and done.returncode != 0, f"{done.returncode} {done.stderr}")
    weir.run("hook", "remove", "--yes", "--config", weir.config)
    same(json.loads(home.call("app/preferences"))["autorun_program"], "my-own-script %I", "the user's own program")


@checks("a saved configuration is in force within 2 s: caps, trackers, strategy, instances")
def _(at):
    home, weir = governed(at)
    other = at.qbittorrent("other")
    other.add(torrents(3, start=20))
    weir.configure([home], [tracker("a", 100_000), REST], poll_interval=1)
    wait_for(lambda: total(home) <= 100_000, 2, "a lower cap")
    weir.configure([home], [tracker("a", 900_000), REST], poll_interval=1, allocation_strategy="weighted")
    wait_for(lambda: health(weir) and weir.call("GET", "/stats")[1]["strategy"] == "weighted", 2, "the strategy")
    wait_for(lambda: 850_000 < total(home) <= 900_000, 3, "a higher cap")
    weir.configure([home, other], [tracker("a", 900_000), REST], poll_interval=1)
    wait_for(lambda: total(other) + total(home) <= 900_000, 3, "an instance more")
    weir.configure([home], [tracker("a", 900_000), REST], poll_interval=1)
    wait_for(lambda: len(weir.call("GET", "/instances")[1]["instances"]) == 1, 3, "an instance less")
    # Saved in place, as some editors do.
    text = weir.config.read_text().replace("900000", "200000")
    weir.config.write_text(text)
    wait_for(lambda: total(home) <= 200_000, 2, "a cap saved in place")
    weir.configure([home], [tracker("a", -1), REST], poll_interval=1)
    wait_for(lambda: set(home.limits().values()) == {None}, 3, "the originals, once the tracker has no cap")


@checks("what is asked for right after a cycle does not wait for the next poll")
def _(at):
    home, weir = governed(at, poll_interval=60)
    for cap in (100_000, 800_000, 50_000):
        # Reloaded by request only: the file has not changed since it was looked at.
        weir.configure([home], [tracker("a", cap), REST], poll_interval=60)
        time.sleep(0.7)
        weir.call("POST", "/cycle/force")
        weir.call("POST", "/rollout", {"percentage": 1})
        weir.call("POST", "/rollout", {"percentage": 100})
        wait_for(lambda: cap * 0.9 < total(home) <= cap, 2, f"a cap of {cap}")
    weir.call("POST", "/pause")
    home.add(torrents(1, start=60))
    weir.call("POST", "/resume")
    wait_for(lambda: total(home) <= 50_000, 2, "the newcomer's limit after resuming")


@checks("SIGHUP and POST /config/reload read it again; a bad file keeps the running one and says why")
def _(at):
    home, weir = governed(at)
    before = home.limits()
    good = weir.config.read_text()
    weir.config.write_text(good.replace(f'"max_upload_speed": {CAP}', '"max_upload_speed": "fast"'))
    status, body = weir.call("POST", "/config/reload")
    expect(status == 500 and "max_upload_speed" in body["detail"] and "fast" in body["detail"], body)
    weir.process.send_signal(signal.SIGHUP)
    wait_for(lambda: weir.console().count("was not reloaded") >= 2, 3, "what the log says")
    at.cycles(weir)
    same((home.limits(), health(weir)["status"]), (before, "healthy"), "limits and health with a bad file")
    weir.config.unlink()
    time.sleep(1.2)
    same(health(weir)["status"], "healthy", "health without a file")
    weir.config.write_text(good.replace(str(CAP), "100000"))
    weir.process.send_signal(signal.SIGHUP)
    wait_for(lambda: total(home) <= 100_000, 2, "the new cap")
    weir.config.write_text(good.replace(f"port: {weir.port}", f"port: {laboratory.free_port()}").replace("weir.db", "other.db"))
    wanted = {"global.port", "rollback.database_path"}
    same(set(weir.call("POST", "/config/reload")[1]["restart_needed"]), wanted, "what needs a restart")
    expect("restart needed" in weir.console(), "nothing in the log")


@checks("SIGTERM and SIGINT: exit code 0, and the limits are left as on_stop says")
def _(at):
    home = at.qbittorrent()
    home.add(torrents(4))
    marked = torrents(4)[0].info_hash
    home.set_limit([marked], 33_333)
    for policy, how in (("restore", signal.SIGTERM), ("keep", signal.SIGINT), ("relax", signal.SIGTERM)):
        weir = at.weir([home], A, on_stop=policy, allocation_strategy="weighted")
        during = home.limits()
        expect(total(home) <= CAP, "the cap")
        weir.process.send_signal(how)
        same(weir.process.wait(20), 0, f"{policy}: exit code")
        after = home.limits()
        if policy == "restore":
            same(after, {h: 33_333 if h == marked else None for h in after}, "restored")
        elif policy == "keep":
            same(after, during, "kept")
            weir.run("rollback", "--yes", "--config", weir.config, check=0)
        else:
            expect(set(after.values()) == {CAP // 4}, f"relaxed: {after}")
            same(sqlite3.connect(weir.folder / "weir.db").execute("PRAGMA integrity_check").fetchone(), ("ok",), "the journal")


@checks("a second Weir on the same database is refused, and the first goes on")
def _(at):
    home, weir = governed(at)
    text = weir.config.read_text().replace(f"port: {weir.port}", f"port: {laboratory.free_port()}")
    second = weir.folder / "second.yaml"
    second.write_text(text)
    done = weir.run("serve", "--config", second, check=1)
    expect(str(weir.process.pid) in done.stderr and "in use" in done.stderr, done.stderr)
    done = weir.run("rollback", "--yes", "--config", second, check=1)
    expect("in use" in done.stderr, done.stderr)
    at.cycles(weir)
    same(health(weir)["status"], "healthy", "health of the first")


@checks("two qBittorrents share a cap; one that is killed keeps its share")
def _(at):
    home, colo = at.qbittorrent("home"), at.qbittorrent("colo")
    home.add(torrents(2))
    colo.add(torrents(2, start=10))
    weir = at.weir([home, colo], A)
    same((total(home), total(colo)), (CAP / 2, CAP / 2), "the shares")
    colo.kill()
    home.add(torrents(3, start=20))
    wait_for(lambda: total(home) <= CAP / 2, 8, "the newcomers' limits")
    same(health(weir)["status"], "degraded", "health")
    colo.start()
    wait_for(lambda: health(weir)["status"] == "healthy", 15, "health")
    expect(total(home) + total(colo) <= CAP, "the sum when both are back")


@checks("a limit set by hand: respected, then enforced when told so; lifted, it is Weir's again")
def _(at):
    home, weir = governed(at)
    mine = next(iter(home.limits()))
    home.set_limit([mine], 20_000)
    at.cycles(weir, 3)
    same(home.limits()[mine], 20_000, "the limit by hand")
    expect(total(home) <= CAP, f"sum {total(home)}")
    expect("cause=respected" in weir.console(), "nothing in the log")
    home.set_limit([mine], None)
    wait_for(lambda: home.limits()[mine] is not None, 5, "its limit after it was lifted")
    weir.configure([home], A, poll_interval=1, on_foreign_change="enforce")
    weir.call("POST", "/config/reload")
    at.cycles(weir, 2)
    share = home.limits()[mine]
    home.set_limit([mine], 1_000)
    wait_for(lambda: home.limits()[mine] == share, 5, "its share, enforced")
    same(weir.call("POST", "/rollback", {"confirm": True})[0], 200, "rollback")
    same(set(home.limits().values()), {None}, "limits after the rollback")


@checks("doctor, status and match say what is so")
def _(at):
    home, weir = governed(at)
    done = weir.run("doctor", "--config", weir.config, check=0)
    for word in ("v4.5.2", "2.8.19", "4 torrents", "a 4", "hook install", "default password"):
        expect(word in done.stdout, f"{word!r} is not in: {done.stdout}")
    status = weir.run("status", "--config", weir.config, check=0).stdout
    expect("healthy" in status and "4 torrents governed" in status, status)
    matched = weir.run("match", "https://A.EXAMPLE/announce?passkey=1", "--config", weir.config, check=0).stdout
    same(matched.splitlines()[0], "a", "match")
    home.call("app/setPreferences", {"json": json.dumps({"limit_lan_peers": False, "limit_utp_rate": False, "up_limit": 102_400})})
    done = weir.run("doctor", "--config", weir.config, check=0).stdout
    for word in ("LAN", "µTP", "global upload limit"):
        expect(word in done, f"{word!r} is not in: {done}")


@checks("pause: nothing is changed, also over a restart; resume governs again")
def _(at):
    home, weir = governed(at, on_stop="relax")
    weir.run("pause", "--config", weir.config, check=0)
    home.add(torrents(1, start=30))
    before = home.limits()
    at.cycles(weir, 3)
    same((home.limits(), health(weir)["paused"]), (before, True), "limits while paused")
    same(weir.stop(), 0, "exit code")
    weir.start()
    at.cycles(weir, 2)
    same((home.limits(), health(weir)["paused"]), (before, True), "limits while paused, after a restart")
    expect("resume" in weir.run("status", "--config", weir.config, check=0).stdout, "what status says")
    weir.run("resume", "--config", weir.config, check=0)
    wait_for(lambda: total(home) <= CAP, 3, "the newcomer's limit")


@checks("limits/reset sets what Weir touched to unlimited")
def _(at):
    home = at.qbittorrent()
    home.add(torrents(4) + torrents(2, "free"))
    free = [t.info_hash for t in torrents(2, "free")]
    home.set_limit(free, 44_444)
    home.set_limit([torrents(1)[0].info_hash], 55_555)
    weir = at.weir([home], A)
    status, body = weir.call("POST", "/limits/reset", {"confirm": True, "scope": "unrestored"})
    same((status, body), (200, {"status": "ok", "count": 4, "mode": "real"}), "the answer")
    same(home.limits(), {t.info_hash: None for t in torrents(4)} | dict.fromkeys(free, 44_444), "limits")
    at.cycles(weir, 2)
    same(set(home.limits().values()), {None, 44_444}, "limits while paused")


class Receiver:
    """An HTTP server that keeps what it was sent, and answers as it is told."""

    def __init__(self):
        self.statuses, self.received = [], []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append((time.monotonic(), dict(self.headers), json.loads(body)))
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/api/webhook"


@checks("completions are forwarded to cross-seed, with patience of its own")
def _(at):
    receiver = Receiver()
    receiver.statuses = [500, 503]
    home = at.qbittorrent()
    home.call("torrents/createCategory", {"category": "films"})
    first, second = torrents(2)
    home.add([first, second], settings={"category": "films", "tags": "x,y"})
    weir = at.weir([home], A, poll_interval=60, sections={"cross_seed": {
        "enabled": True, "url": receiver.url, "api_key": "cross-key", "timeout": 5}})
    for torrent in (first, second):
        same(weir.call("POST", "/webhook", f"event=complete&hash={torrent.info_hash}&name=forged".encode(), FORM)[0], 202, "status")
    same(weir.call("POST", "/webhook", b"event=complete&hash=" + b"1" * 40, FORM)[0], 202, "status for an unknown torrent")
    # In the meantime a newcomer is not kept waiting.
    home.add(torrents(1, start=40))
    weir.call("POST", "/webhook", f"event=add&hash={torrents(1, start=40)[0].info_hash}".encode(), FORM)
    wait_for(lambda: total(home) <= CAP, 2, "the newcomer's limit")
    wait_for(lambda: len(receiver.received) >= 4, 12, f"four requests, not {len(receiver.received)}")
    times = [moment for moment, _, _ in receiver.received]
    expect(times[1] - times[0] >= 0.9 and times[2] - times[1] >= 1.8, "it does not back off")
    _, headers, body = receiver.received[2]
    same(headers.get("X-API-Key"), "cross-key", "the key")
    same({k: body[k] for k in ("infoHash", "name", "category")}, {
        "infoHash": body["infoHash"], "name": body["name"], "category": "films"}, "the message")
    expect({r[2]["infoHash"] for r in receiver.received} == {first.info_hash, second.info_hash}, "what was forwarded")
    expect({r[2]["name"] for r in receiver.received} == {first.name, second.name}, "the name is believed from the webhook")
    same(set(body["tags"].replace(" ", "").split(",")), {"x", "y"}, "the tags")
    same(body["savePath"].rstrip("/"), str(home.payload), "the path")


@checks("no secret is in any output")
def _(at):
    canaries = {"password": "CANARYpassword1", "key": "CANARYapikey2", "cross": "CANARYcrossseed3", "passkey": "a1b2c3d4e5f6a7b8c9d0CANARY4",
                "query": "CANARYtoken5"}
    receiver = Receiver()
    receiver.statuses = [500] * 3
    home = at.qbittorrent()
    home.call("app/setPreferences", {"json": json.dumps({"web_ui_password": canaries["password"]})})
    home.server.password = canaries["password"]
    home.configured = {"password": canaries["password"]}
    secret_urls = [f"http://a.example/{canaries['passkey']}/announce", f"http://a.example/announce?passkey={canaries['query']}"]
    home.add([laboratory.Torrent(f"s{n}", laboratory.PIECE, url) for n, url in enumerate(secret_urls * 2)])
    both = laboratory.Torrent("both", laboratory.PIECE, [secret_urls[0], f"http://b.example/{canaries['passkey']}/announce"])
    home.add([both])
    down = at.fake("down")
    down.configured = {"password": canaries["password"] + "wrong"}
    cross = {"cross_seed": {"enabled": True, "url": receiver.url + f"?token={canaries['query']}", "api_key": canaries["cross"], "timeout": 5}}
    weir = at.weir([home, down], [tracker("a", CAP), tracker("b", CAP), REST], cross, api_key=canaries["key"])
    expect(total(home) <= CAP, "it does not govern")
    seen = {}
    for name in ("/", "/health", "/stats", "/stats/trackers", "/stats/managed", "/instances", "/preview/next-cycle", "/history", "/config",
                 "/metrics", "/openapi.json"):
        seen[name] = json.dumps(weir.call("GET", name)[1])
    weir.call("POST", "/webhook", f"event=complete&hash={both.info_hash}".encode(), FORM)
    wait_for(lambda: receiver.received, 5, "the request to cross-seed")
    down.stop()
    weir.config.write_text(weir.config.read_text().replace("weighted", "x") + "\nbroken: [")
    seen["reload"] = json.dumps(weir.call("POST", "/config/reload")[1])
    seen["check"] = str(weir.run("config", "check", "--config", weir.config))
    weir.configure([home, down], [tracker("a", CAP), tracker("b", CAP), REST], cross, api_key=canaries["key"])
    for command in (["config", "print"], ["config", "print", "--origin"], ["doctor"], ["status"], ["plan"], ["plan", "--json"]):
        seen[str(command)] = str(weir.run(*command, "--config", weir.config))
    with open(f"/proc/{weir.process.pid}/cmdline") as file:
        seen["the command line"] = file.read()
    outcome(weir)
    weir.call("POST", "/rollback", {"confirm": True, "reason": "end"})
    weir.stop()
    seen["console"] = weir.console()
    for path in weir.folder.iterdir():
        if path.name != "weir.yaml" and path.is_file():
            seen[path.name] = path.read_bytes().decode("latin-1")
    expect("weir.log" in seen and "weir.db" in seen and len(seen["weir.log"]) > 100, "the log was not looked at")
    found = [f"{kind} in {place}" for kind, canary in canaries.items() for place, text in seen.items() if canary in text]
    same(found, [], "where secrets were found")


@checks("beyond loopback every change needs the API key; Host and Origin are checked")
def _(at):
    home = at.qbittorrent()
    home.add(torrents(3))
    weir = at.weir([home], A, host="0.0.0.0")
    expect("api_key" in weir.console(), "no warning that there is no key")
    changing = [("/rollback", {"confirm": True}), ("/cycle/force", None), ("/rollout", {"percentage": 50}), ("/pause", None),
                ("/resume", None), ("/limits/reset", {"confirm": True}), ("/smoothing/reset", {"all": True}), ("/config/reload", None)]
    for path, body in changing:
        same(weir.call("POST", path, body)[0], 401, f"{path} without a configured key")
    same(weir.call("GET", "/health")[0], 200, "reading")
    same(weir.call("POST", "/webhook", b"hash=" + b"0" * 40, FORM)[0], 202, "the webhook")
    weir.configure([home], A, host="0.0.0.0", api_key="the-key", poll_interval=1)
    wait_for(lambda: weir.call("POST", "/pause", headers={"X-API-Key": "the-key"})[0] == 200, 3, "the key from a reload")
    for path, body in changing:
        same(weir.call("POST", path, body)[0], 401, f"{path} without the key")
        same(weir.call("POST", path, body, {"X-API-Key": "the-keyy"})[0], 401, f"{path} with a wrong key")
    same(health(weir)["paused"], True, "whether something was changed")
    same(weir.call("POST", "/resume", headers={"Authorization": "Bearer the-key"})[0], 200, "the key as a bearer token")
    same(weir.run("pause", "--config", weir.config).returncode, 0, "the command uses the configured key")
    port = weir.port
    for host, wanted in ((f"127.0.0.1:{port}", 200), (f"192.168.1.5:{port}", 200), (f"localhost:{port}", 200), (f"evil.example:{port}", 403),
                         ("evil.example", 403), ("127.0.0.1:1", 403), ("", 400)):
        same(weir.call("GET", "/stats", headers={"Host": host})[0], wanted, f"Host {host!r}")
    key = {"X-API-Key": "the-key"}
    for origin, wanted in ((f"http://127.0.0.1:{port}", 200), ("http://evil.example", 403), ("null", 403)):
        same(weir.call("POST", "/resume", headers={**key, "Origin": origin})[0], wanted, f"Origin {origin}")
    same(weir.call("POST", "/webhook", b"hash=" + b"0" * 40, {**FORM, "Origin": "http://evil.example"})[0], 403, "a webhook from a page")
    weir.configure([home], A, host="0.0.0.0", api_key="the-key", allowed_hosts=["weir.example.org"], poll_interval=1)
    wait_for(lambda: weir.call("GET", "/stats", headers={"Host": "weir.example.org"})[0] == 200, 3, "an allowed name")


@checks("a Qguardarr database and file are taken over: rollback goes back to before Qguardarr")
def _(at):
    home = at.qbittorrent()
    home.add(torrents(4))
    hashes = [t.info_hash for t in torrents(4)]
    home.set_limit(hashes, 40_960)
    weir = laboratory.Weir(at)
    at.weirs.append(weir)
    (weir.folder / "config").mkdir()
    (weir.folder / "data").mkdir()
    database = sqlite3.connect(weir.folder / "data/rollback.db")
    database.execute("CREATE TABLE rollback_entries (id INTEGER PRIMARY KEY AUTOINCREMENT, torrent_hash TEXT NOT NULL, old_limit INTEGER, "
                     "new_limit INTEGER, tracker_id TEXT, timestamp REAL, reason TEXT DEFAULT '', restored INTEGER DEFAULT 0, "
                     "created_at DATETIME DEFAULT CURRENT_TIMESTAMP)")
    for old, new in ((-1, 102_400), (102_400, 40_960)):
        database.executemany("INSERT INTO rollback_entries (torrent_hash, old_limit, new_limit, tracker_id, timestamp) VALUES (?,?,?,?,?)",
                             [(h, 77_000 if old < 0 and h == hashes[0] else old, new, "a", 1.7e9) for h in hashes])
    database.commit()
    database.close()
    (weir.folder / "config/qguardarr.yaml").write_text(f"""
global:
  update_interval: 300
  active_torrent_threshold_kb: 10
  max_api_calls_per_cycle: 500
  differential_threshold: 0.2
  rollout_percentage: 100
  host: "127.0.0.1"
  port: {weir.port}
  allocation_strategy: "equal"
qbittorrent:
  host: "127.0.0.1"
  port: {home.port}
  username: "{home.USER}"
  password: "${{QBIT_PASSWORD}}"
  timeout: 30
cross_seed:
  enabled: false
trackers:
  - id: "a"
    name: "A"
    pattern: ".*a\\\\.example.*"
    max_upload_speed: {CAP}
    priority: 10
  - id: "default"
    name: "Default"
    pattern: ".*"
    max_upload_speed: -1
    priority: 1
rollback:
  database_path: "./data/rollback.db"
  track_all_changes: true
logging:
  level: "INFO"
  file: "./logs/qguardarr.log"
  max_size_mb: 50
  backup_count: 5
""")
    environment = {**os.environ, "QBIT_PASSWORD": home.PASSWORD}
    # Found without being named, as the predecessor was run.
    weir.process = at.start([laboratory.BINARY, "serve"], f"{weir.name}.console", cwd=weir.folder, env=environment)
    wait_for(weir.answers, 10, "Weir")
    wait_for(lambda: health(weir)["managed_torrents"] == 4, 5, "four managed torrents")
    expect(total(home) <= CAP, f"sum {total(home)}")
    weir.run("rollback", "--yes", check=0, env=environment)
    same(home.limits(), dict.fromkeys(hashes) | {hashes[0]: 77_000}, "limits from before Qguardarr")
    rows = sqlite3.connect(weir.folder / "data/rollback.db").execute("SELECT count(*) FROM rollback_entries").fetchone()
    same(rows, (8,), "Qguardarr's own rows")


@checks("systemd is told when it is ready and when it stops; the log is JSON on request")
def _(at):
    home = at.qbittorrent()
    home.add(torrents(2))
    path = str(at.folder / "notify")
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(path)
    told.settimeout(5)
    weir = at.weir([home], A, start=False)
    weir.config.write_text(weir.config.read_text().replace("  level: DEBUG", "  level: DEBUG\n  format: json"))
    weir.start(env={**os.environ, "NOTIFY_SOCKET": path, "WATCHDOG_USEC": "1000000"})
    messages = [told.recv(1000).decode() for _ in range(3)]
    expect(any("READY=1" in m for m in messages) and any("WATCHDOG=1" in m for m in messages), messages)
    at.cycles(weir, 1)
    weir.process.terminate()
    same(weir.process.wait(10), 0, "exit code")
    while "STOPPING=1" not in told.recv(1000).decode():
        pass
    for text in (weir.console(), (weir.folder / "weir.log").read_text()):
        records = [json.loads(line) for line in text.splitlines()]
        expect(len(records) > 3 and all("message" in r or "msg" in r for r in records), records[:2])


@checks("torrents that are added, removed and stopped are followed (real)")
def _(at):
    home, weir = governed(at)
    known = [t.info_hash for t in torrents(4)]
    home.call("torrents/pause", {"hashes": known[0]})
    home.call("torrents/delete", {"hashes": known[1], "deleteFiles": "false"})
    home.add(torrents(6, start=10))

    def sum_of_running():
        # What is paused uploads nothing, and keeps the limit that it had when it was seen to be.
        return sum(limit or float("inf") for torrent, limit in home.limits().items() if torrent != known[0])
    wait_for(lambda: sum_of_running() <= CAP, 10, "the cap")
    at.cycles(weir, 2)
    home.call("torrents/resume", {"hashes": known[0]})
    time.sleep(2.5)
    expect(total(home) <= CAP, f"sum once it goes on {total(home)}")
    same(weir.call("GET", "/instances")[1]["instances"][0]["torrents"], 9, "torrents")


if __name__ == "__main__":
    checks.main()
