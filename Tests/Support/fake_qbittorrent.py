#!/usr/bin/python3
"""A fake qBittorrent Web API for tests: any number of torrents, and every fault on demand.

    fake_qbittorrent.py --torrents 30000 --active 3000 --version 5.1.0

prints one JSON line with its address. As a module, `FakeQBittorrent` runs in threads of the test's own process.

It keeps the sums that matter: after every `torrents/setUploadLimit` it records, by tracker, what the limits in force of all
torrents that can upload add up to, before and after the call. What it imitates is told in the reference on the Web API; where
versions differ, `version` decides. Only the standard library is used.
"""

import argparse
import hashlib
import http.server
import json
import math
import secrets
import socket
import struct
import sys
import threading
import time
import urllib.parse

WEB_API = {"4.1.7": "2.2", "4.2.5": "2.5.1", "4.5.2": "2.8.19", "4.6.3": "2.9.3", "5.1.0": "2.11.4", "5.3.0": "2.16.2"}
BAN_AFTER = 5
UNLIMITED = math.inf


class Torrent:
    """One torrent. `demand` is what its peers would take, in bytes a second; it uploads that or its limit."""

    def __init__(self, info_hash, tracker, urls, demand=0, limit=0, name=None, statuses=None):
        self.hash, self.tracker, self.urls, self.demand = info_hash, tracker, list(urls), demand
        self.statuses = statuses or [2] * len(self.urls)
        self.limit, self.earlier_limit, self.limit_set_at = limit, limit, 0.0
        self.name = name or f"torrent {info_hash[:8]}"
        self.category, self.tags, self.save_path = "", "", "/data"
        self.stopped = False
        self.peers, self.seeds = (5, 2) if demand else (0, 2)
        # Fields that its rows show differently, to be malformed.
        self.odd = {}
        self.uploaded, self.counted_at = 0.0, time.monotonic()
        self.added_on = int(time.time()) - 1000
        self.last_activity = int(time.time()) if demand else self.added_on

    def rate(self):
        if self.stopped:
            return 0
        return min(self.demand, self.limit) if self.limit > 0 else self.demand

    def count(self, now):
        rate = self.rate()
        if rate:
            self.uploaded += rate * (now - self.counted_at)
            self.last_activity = int(time.time())
        self.counted_at = now

    def set_limit(self, limit, now):
        if limit != self.limit:
            self.count(now)
            self.earlier_limit, self.limit, self.limit_set_at = self.limit, limit, now

    def magnet(self):
        return f"magnet:?xt=urn:btih:{self.hash}&dn={urllib.parse.quote(self.name)}" + "".join(
            "&tr=" + urllib.parse.quote(url, safe="") for url in self.urls)


class Session:
    """What one login has been told by sync/maindata."""

    def __init__(self):
        self.rid, self.told = 0, {}


class Fault:
    """What to do to requests for `endpoint` ("*" is any): `skip` of them pass, then `count` (None: all) are hit.

    Kinds: status (with `value`), page (an HTML error page), cut (JSON that ends early), body (`value` in place of the answer),
    hang (for `value` seconds), delay (the same, then answered), reset (before anything was done), lost (done, the answer is
    lost), half (half of a list of hashes is done, then reset), forbid (the session ended), call (`value` is called first).
    """

    def __init__(self, endpoint, kind, value=None, count=None, skip=0):
        self.endpoint, self.kind, self.value, self.count, self.skip = endpoint, kind, value, count, skip

    def takes(self, endpoint):
        if self.endpoint not in ("*", endpoint) or self.count == 0:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.count is not None:
            self.count -= 1
        return True


class FakeQBittorrent:
    USER, PASSWORD = "admin", "adminadmin"

    def __init__(self, name="home", version="5.1.0", port=0):
        self.name, self.version, self.port = name, version, port
        self.lock = threading.RLock()
        self.torrents, self.sessions, self.faults = {}, {}, []
        self.requests, self.sets, self.logins = {}, [], []
        self.failed_logins, self.is_banned, self.api_key = 0, False, None
        # sync/maindata shows a limit this many seconds after it was set.
        self.lag = 0.0
        self.uploaded_before = 0
        self.preferences = {
            "up_limit": 0, "limit_tcp_overhead": False, "limit_lan_peers": True, "limit_utp_rate": True,
            "refresh_interval": 1500, "autorun_enabled": False, "autorun_program": "",
            "autorun_on_torrent_added_enabled": False, "autorun_on_torrent_added_program": ""}
        self.connections = set()
        self.server = None
        self.start()

    # MARK: Life

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        fake = self

        class BoundHandler(Handler):
            owner = fake

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads, allow_reuse_address, request_queue_size = True, True, 128

            def handle_error(self, request, client_address):
                pass

        self.server = Server(("127.0.0.1", self.port), BoundHandler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        """Nothing listens any more, and every connection breaks."""
        if not self.server:
            return
        self.server.shutdown()
        self.server.server_close()
        self.server = None
        with self.lock:
            for connection in self.connections:
                reset(connection)
            self.connections = set()
            self.sessions = {}

    def restart(self, limits="kept"):
        """`limits`: kept; lost (all unlimited), earlier (each the one before its last)."""
        self.stop()
        with self.lock:
            now = time.monotonic()
            for torrent in self.torrents.values():
                if limits == "lost":
                    torrent.limit = 0
                elif limits == "earlier":
                    torrent.limit = torrent.earlier_limit
                torrent.earlier_limit, torrent.limit_set_at = torrent.limit, 0.0
                torrent.count(now)
            self.uploaded_before = sum(t.uploaded for t in self.torrents.values())
            self.failed_logins, self.is_banned = 0, False
        self.start()

    # MARK: What a test does to it

    def add(self, count, tracker, demand=0, limit=0, urls=None, statuses=None, prefix=None):
        """Adds torrents of a tracker; `urls` may contain {n}. Answers their hashes."""
        urls = urls or [f"http://{tracker}.example/announce"]
        added = []
        with self.lock:
            for _ in range(count):
                number = len(self.torrents)
                info_hash = hashlib.sha1(f"{prefix or self.name} {number} {tracker}".encode()).hexdigest()
                self.torrents[info_hash] = Torrent(
                    info_hash, tracker, [url.replace("{n}", str(number)) for url in urls], demand, limit, statuses=statuses)
                added.append(info_hash)
        return added

    def remove(self, hashes):
        with self.lock:
            for info_hash in hashes:
                self.torrents.pop(info_hash, None)

    def change(self, hashes, **values):
        """Sets attributes by hand: demand, limit, stopped, peers, urls, …"""
        with self.lock:
            now = time.monotonic()
            for info_hash in hashes:
                torrent = self.torrents[info_hash]
                torrent.count(now)
                for name, value in values.items():
                    if name == "limit":
                        torrent.set_limit(value, now)
                    else:
                        setattr(torrent, name, value)

    def fail(self, endpoint, kind, value=None, count=None, skip=0):
        fault = Fault(endpoint, kind, value, count, skip)
        with self.lock:
            self.faults.append(fault)
        return fault

    def heal(self):
        with self.lock:
            self.faults = []

    def limits(self):
        """By hash; None is unlimited."""
        with self.lock:
            return {t.hash: t.limit if t.limit > 0 else None for t in self.torrents.values()}

    def sum_of(self, tracker):
        """What the limits in force of a tracker add up to; infinite with an unlimited torrent in it."""
        with self.lock:
            return sum((t.limit if t.limit > 0 else UNLIMITED)
                       for t in self.torrents.values() if t.tracker == tracker and not t.stopped)

    def sums(self):
        result = {}
        for torrent in self.torrents.values():
            if not torrent.stopped:
                limit = torrent.limit if torrent.limit > 0 else UNLIMITED
                result[torrent.tracker] = result.get(torrent.tracker, 0) + limit
        return result

    def count(self, endpoint=None):
        with self.lock:
            return sum(self.requests.values()) if endpoint is None else self.requests.get(endpoint, 0)

    def violations(self, caps):
        """The set calls after which a tracker's sum was above both its cap and what it was."""
        found = []
        with self.lock:
            for place, call in enumerate(self.sets):
                for tracker, cap in caps.items():
                    before, after = call["before"].get(tracker, 0), call["after"].get(tracker, 0)
                    if after > max(cap, before):
                        found.append(f"call {place} ({len(call['hashes'])} × {call['limit']}): {tracker} {before} → {after}, "
                                     f"cap {cap}")
        return found

    # MARK: The API

    def is_at_least(self, version):
        return tuple(map(int, self.version.split("."))) >= tuple(map(int, version.split(".")))

    def cookie_name(self):
        return f"QBT_SID_{self.port}" if self.is_at_least("5.2.0") else "SID"

    def log_in(self, form):
        with self.lock:
            self.logins.append((time.monotonic(), form.get("username"), form.get("password")))
            if self.is_banned:
                return 403, b"Your IP address has been banned after too many failed authentication attempts.", {}
            if (form.get("username"), form.get("password")) != (self.USER, self.PASSWORD):
                self.failed_logins += 1
                self.is_banned = self.failed_logins >= BAN_AFTER
                return (401, b"Unauthorized", {}) if self.is_at_least("5.2.0") else (200, b"Fails.", {})
            sid = secrets.token_hex(16)
            self.sessions[sid] = Session()
            cookie = {"Set-Cookie": f"{self.cookie_name()}={sid}; HttpOnly; path=/; SameSite=Strict"}
            return (204, b"", cookie) if self.is_at_least("5.2.0") else (200, b"Ok.", cookie)

    def session(self, headers):
        if self.api_key and headers.get("Authorization") == f"Bearer {self.api_key}":
            return self.sessions.setdefault("the key's", Session())
        for pair in headers.get("Cookie", "").split(";"):
            name, _, value = pair.strip().partition("=")
            if name == self.cookie_name() and value in self.sessions:
                return self.sessions[value]
        return None

    def row(self, torrent, now, shown=None):
        torrent.count(now)
        rate = torrent.rate()
        stopped = "stoppedUP" if self.is_at_least("5.0.0") else "pausedUP"
        return {
            "hash": torrent.hash, "name": torrent.name, "state": stopped if torrent.stopped else
            "uploading" if rate else "stalledUP", "magnet_uri": torrent.magnet(), "upspeed": int(rate),
            "uploaded": int(torrent.uploaded), "up_limit": torrent.limit if shown is None else shown,
            "num_leechs": torrent.peers, "num_seeds": torrent.seeds, "last_activity": torrent.last_activity,
            "added_on": torrent.added_on, "progress": 1, "category": torrent.category, "tags": torrent.tags,
            "save_path": torrent.save_path, "size": 1 << 30,
            "tracker": next((u for u, s in zip(torrent.urls, torrent.statuses) if s == 2), ""), **torrent.odd}

    def torrents_info(self, form):
        now = time.monotonic()
        wanted = form.get("hashes")
        rows = [t for t in self.torrents.values()] if wanted is None or wanted == "all" else [
            self.torrents[h] for h in wanted.split("|") if h in self.torrents]
        if form.get("filter") == "active":
            rows = [t for t in rows if t.rate()]
        return [self.row(t, now) for t in rows]

    def main_data(self, session, rid):
        now = time.monotonic()
        is_full = rid == 0 or rid not in (session.rid, session.rid - 1)
        rows, told = {}, session.told
        session.told = {}
        for torrent in self.torrents.values():
            is_late = self.lag and now - torrent.limit_set_at < self.lag
            row = self.row(torrent, now, torrent.earlier_limit if is_late else torrent.limit)
            del row["hash"]
            session.told[torrent.hash] = row
            known = None if is_full else told.get(torrent.hash)
            if known is None:
                rows[torrent.hash] = row
            elif known != row:
                rows[torrent.hash] = {k: v for k, v in row.items() if known.get(k) != v}
        session.rid += 1
        uploaded = sum(t.uploaded for t in self.torrents.values())
        answer = {"rid": session.rid, "server_state": {
            "alltime_ul": int(uploaded), "up_info_data": int(uploaded - self.uploaded_before)}}
        if is_full:
            answer["full_update"] = True
        if rows:
            answer["torrents"] = rows
        removed = [] if is_full else [h for h in told if h not in session.told]
        if removed:
            answer["torrents_removed"] = removed
        return answer

    def set_limits(self, form, part=1.0):
        text = form.get("limit", "0")
        limit = int(text) if text.lstrip("-").isdigit() else 0
        limit = limit if 0 < limit < 2**31 - 1 else 0
        hashes = form.get("hashes", "").split("|")
        before, now = self.sums(), time.monotonic()
        for info_hash in hashes[:math.ceil(len(hashes) * part)]:
            if info_hash in self.torrents:
                self.torrents[info_hash].set_limit(limit, now)
        self.sets.append({"at": now, "limit": limit or None, "hashes": hashes, "before": before, "after": self.sums()})

    def answer(self, endpoint, form, headers, part=1.0):
        """Status, body and headers. A list or a dictionary is sent as JSON."""
        if endpoint == "auth/login":
            return self.log_in(form)
        with self.lock:
            session = self.session(headers)
            if session is None:
                return 403, b"Forbidden", {}
            if endpoint == "app/version":
                return 200, f"v{self.version}".encode(), {}
            if endpoint == "app/webapiVersion":
                return 200, WEB_API[self.version].encode(), {}
            if endpoint == "app/preferences":
                return 200, self.preferences, {}
            if endpoint == "app/setPreferences":
                self.preferences.update(json.loads(form["json"]))
                return 200, b"", {}
            if endpoint == "torrents/info":
                return 200, self.torrents_info(form), {}
            if endpoint == "sync/maindata":
                return 200, self.main_data(session, int(form.get("rid", 0))), {}
            if endpoint == "transfer/info":
                uploaded = sum(t.uploaded for t in self.torrents.values())
                return 200, {"up_info_speed": 0, "up_info_data": int(uploaded - self.uploaded_before), "up_rate_limit": 0}, {}
            if endpoint == "torrents/uploadLimit":
                known = self.torrents
                return 200, {h: known[h].limit if h in known else -1 for h in form["hashes"].split("|")}, {}
            if endpoint == "torrents/setUploadLimit":
                self.set_limits(form, part)
                return 200, b"", {}
            if endpoint == "torrents/trackers":
                torrent = self.torrents.get(form.get("hash"))
                if torrent is None:
                    return 404, b"Not Found", {}
                pseudo = [{"url": f"** [{kind}] **", "status": 2, "tier": -1} for kind in ("DHT", "PeX", "LSD")]
                return 200, pseudo + [{"url": u, "status": s, "tier": n}
                                      for n, (u, s) in enumerate(zip(torrent.urls, torrent.statuses))], {}
        return 404, b"Not Found", {}

    def control(self, verb, values):
        """The same for a test in another process: POST /control/VERB with the arguments as a JSON object."""
        if verb == "state":
            with self.lock:
                return {"limits": self.limits(), "sets": self.sets, "requests": self.requests, "sums": self.sums()}
        if verb not in ("add", "remove", "change", "fail", "heal", "violations"):
            return {"error": f"no {verb}"}
        result = getattr(self, verb)(**values)
        return {"result": None if isinstance(result, Fault) else result}


def reset(connection):
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    try:
        connection.close()
    except OSError:
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner = None

    def setup(self):
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.owner.lock:
            self.owner.connections.add(self.connection)

    def finish(self):
        with self.owner.lock:
            self.owner.connections.discard(self.connection)
        try:
            super().finish()
        except OSError:
            pass

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.serve(dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query)))

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/control/"):
            return self.reply(200, self.owner.control(self.path[9:], json.loads(body or b"{}")), {})
        self.serve(dict(urllib.parse.parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)))

    def serve(self, form):
        fake, endpoint = self.owner, urllib.parse.urlsplit(self.path).path.removeprefix("/api/v2/")
        with fake.lock:
            fake.requests[endpoint] = fake.requests.get(endpoint, 0) + 1
            fault = next((f for f in fake.faults if f.takes(endpoint)), None)
        kind, value = (fault.kind, fault.value) if fault else (None, None)
        if kind == "reset":
            return self.break_off()
        if kind in ("hang", "delay"):
            time.sleep(value)
            if kind == "hang":
                return self.break_off()
        if kind == "status":
            return self.reply(value, b"", {})
        if kind == "page":
            page = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
            return self.reply(value or 502, page, {"Content-Type": "text/html"})
        if kind == "body":
            return self.reply(200, value, {"Content-Type": "application/json"})
        if kind == "forbid":
            with fake.lock:
                fake.sessions = {}
        if kind == "call":
            value()
        status, answer, headers = fake.answer(endpoint, form, self.headers, 0.5 if kind == "half" else 1.0)
        if kind in ("lost", "half"):
            return self.break_off()
        if kind == "cut":
            text = json.dumps(answer).encode()
            return self.reply(status, text[:len(text) * 2 // 3], {"Content-Type": "application/json"})
        self.reply(status, answer, headers)

    def reply(self, status, answer, headers):
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        try:
            self.send_response(status)
            if "Content-Type" not in headers:
                kind = "text/plain; charset=UTF-8" if isinstance(answer, bytes) else "application/json"
                self.send_header("Content-Type", kind)
            for name, text in headers.items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def break_off(self):
        self.close_connection = True
        reset(self.connection)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", default="5.1.0", choices=sorted(WEB_API))
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--torrents", type=int, default=100)
    parser.add_argument("--active", type=int, default=10)
    parser.add_argument("--tracker", action="append", help="a name; its torrents announce to http://NAME.example/announce")
    options = parser.parse_args()
    fake = FakeQBittorrent(version=options.version, port=options.port)
    trackers = options.tracker or ["a", "b", "c"]
    for place, name in enumerate(trackers):
        share = range(place, options.torrents, len(trackers))
        active = sum(n < options.active for n in share)
        fake.add(active, name, demand=200_000)
        fake.add(len(share) - active, name)
    print(json.dumps({"url": fake.url, "port": fake.port, "user": fake.USER, "password": fake.PASSWORD}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
