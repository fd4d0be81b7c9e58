#!/usr/bin/python3
"""A distinct canary in every secret that `weir serve` is given or makes, and none of them in anything that it shows.

One service with three qBittorrents, an engine, users and keys is driven through all its surfaces, at its most verbose. What must
show a secret is named in EXCEPTIONS, and nothing else may.
"""

import hashlib
import http.client
import http.server
import json
import os
import re
import subprocess
import threading
import urllib.parse

import lab as laboratory
from checks import REST, Checks, expect, health, same, tracker, wait_for
from lab import bencode

checks = Checks(__doc__)

# What stands for each kind of secret. Those that Weir makes itself are added while it runs.
CANARIES = {
    "qBittorrent's password in the file": "canary-qb-password-01",
    "a wrong password of an instance": "canary-qb-wrong-02",
    "qBittorrent's API key": "canary-qb-key-03",
    "a password from an environment variable": "canary-qb-env-04",
    "the API key, from the file that a variable names": "canary-api-key-file-05",
    "the key of cross-seed": "canary-cross-key-06",
    "a token in the URL of cross-seed": "canary-cross-token-07",
    "a user in the URL of cross-seed": "canary-cross-user-08",
    "a password in the URL of cross-seed": "canary-cross-pass-09",
    "a passkey in the path of a tracker of qBittorrent": "c4na7ypa55key0123456789abcdef0010",
    "a passkey in the query of a tracker of qBittorrent": "canaryquery11",
    "a passkey in the path of a torrent file": "c4na7ypa55key0123456789abcdef0012",
    "a passkey in the query of a torrent file": "canaryquery13",
    "a user in an announce URL": "canaryuser14",
    "a password in an announce URL": "canarypass15",
    "a passkey in a magnet link": "c4na7ypa55key0123456789abcdef0016",
    "a key in the web address of a torrent": "canaryrsskey17",
    "a passkey in a tracker that is added later": "c4na7ypa55key0123456789abcdef0018",
    "the first user's password": "canary first user 19",
    "a user's new password": "canary new password 20",
    "a password that the command line reads": "canary cli user 21",
    "a password that is tried and wrong": "canary guess 22",
    "a key that is tried and wrong": "canary-guess-key-23",
    "a session that is tried and wrong": "canary-guess-session-24",
    "a key in the address of a webhook": "canary-hook-query-25",
    "a secret of the environment that is none of Weir's": "canary-other-26",
}

# Where a secret is what was asked for. Everything else that is looked at must have none.
EXCEPTIONS = [
    # A client of a qBittorrent that may read all asks for these; it announces, exports and compares with them.
    (r"facade (torrents/trackers|torrents/export|torrents/info|torrents/properties|sync/maindata)",
     r"passkey|announce URL|web address"),
    # Of Weir's own making, shown once to whoever may have it.
    (r"the set-up's log line", r"set-up token"),
    (r"the answer that makes it", r"."),
]


class Collector:
    def __init__(self, weir):
        self.weir, self.seen, self.headers, self.facade_headers = weir, {}, {}, {}

    def take(self, place, text):
        text = text if isinstance(text, str) else text.decode("latin-1")
        self.seen[place] = self.seen.get(place, "") + text

    def call(self, method, path, body=None, headers=None, place=None):
        """Takes the head of the answer as well; answers status, head and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.weir.port, timeout=60)
        given = {"Content-Type": "application/json"} if isinstance(body, dict) else {}
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        connection.request(method, path, data, {**given, **(self.headers if headers is None else headers)})
        answer = connection.getresponse()
        text = answer.read().decode("latin-1")
        connection.close()
        self.take(place or f"{method} {path.split('?')[0]}", str(answer.getheaders()) + text)
        return answer.status, dict(answer.getheaders()), text

    def facade(self, path, form=None, headers=None, files=None):
        if files is not None:
            boundary = "b0undary"
            body = (f'--{boundary}\r\nContent-Disposition: form-data; name="torrents"; filename="x.torrent"\r\n'
                    "Content-Type: application/x-bittorrent\r\n\r\n").encode() + files + f"\r\n--{boundary}--\r\n".encode()
            kind = f"multipart/form-data; boundary={boundary}"
        else:
            body, kind = urllib.parse.urlencode(form or {}).encode(), "application/x-www-form-urlencoded"
        return self.call("POST", "/api/v2/" + path, body, {"Content-Type": kind, **(self.facade_headers if headers is None else headers)},
                         place=f"facade {path}")

    def run(self, *arguments, place=None, **options):
        done = self.weir.run(*arguments, "--config", self.weir.config, **options)
        self.take(place or "weir " + " ".join(map(str, arguments[:2])), done.stdout + done.stderr)
        return done


class Elsewhere:
    """A tracker, cross-seed and a web server in one: all refuse, and repeat what they were asked."""

    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                words = f"no such user: {self.path} {self.headers.get('Authorization', '')}"
                body = bencode({"failure reason": words}) if "announce" in self.path else words.encode()
                self.send_response(200 if "announce" in self.path else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            do_POST = do_GET

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.host = f"127.0.0.1:{self.server.server_address[1]}"


def metainfo(name, urls):
    info = {"length": 16384, "name": name, "piece length": 16384, "pieces": hashlib.sha1(name.encode()).digest(), "private": 1}
    return hashlib.sha1(bencode(info)).hexdigest(), bencode({"announce": urls[0], "announce-list": [[url] for url in urls], "info": info})


@checks("no secret is in any answer, page, log, error, command line or file")
def _(at):
    kinds = dict(CANARIES)
    value = {int(re.search(r"(\d\d)$", text)[1]): text for text in kinds.values()}
    elsewhere = Elsewhere()
    # The instances: by password, with a wrong one, by key, and by a variable.
    fakes = [at.fake("home"), at.fake("wrong"), at.fake("keyed", version="5.2.0"), at.fake("variable")]
    for fake, password in zip(fakes, (value[1], value[1], value[1], value[4])):
        fake.PASSWORD = password
        fake.add(2, "a", demand=300_000, urls=[f"http://a.example/{value[10]}/announce?n={{n}}"])
        fake.add(1, "a", urls=[f"http://a.example/announce?passkey={value[11]}", f"http://b.example/{value[10]}/announce"])
    fakes[1].configured = {"password": value[2]}
    fakes[2].api_key = value[3]
    fakes[2].configured = {"username": None, "password": None, "api_key": value[3]}
    fakes[3].configured = {"password": "${CANARY_PASSWORD}"}
    sections = {
        "engine": {"enabled": True, "state": f"{at.folder}/weir0/state", "directory": f"{at.folder}/weir0/files"},
        "cross_seed": {"enabled": True, "timeout": 5, "api_key": value[6],
                       "url": f"http://{value[8]}:{value[9]}@{elsewhere.host}/api/webhook?apikey={value[7]}"}}
    weir = at.weir(fakes, [tracker("a", 400_000), REST], sections, start=False)
    key_file = at.folder / "key"
    key_file.write_text(value[5] + "\n")
    environment = {**os.environ, "CANARY_PASSWORD": value[4], "WEIR_GLOBAL_API_KEY_FILE": str(key_file), "AWS_SECRET": value[26],
                   "HOME": str(at.folder)}
    said = weir.run("config", "check", "--config", weir.config, env=environment)
    if "userinfo" in said.stderr or said.returncode:
        # A URL with a user in it may be refused; then without, and the refusal is looked at.
        sections["cross_seed"]["url"] = f"http://{elsewhere.host}/api/webhook?apikey={value[7]}"
        weir.configure(fakes, [tracker("a", 400_000), REST], sections, poll_interval=1, headroom=0)
    seen = Collector(weir)
    seen.take("weir config check", said.stdout + said.stderr)
    weir.start(env=environment)
    wait_for(lambda: health(weir)["managed_torrents"] >= 6, 30, "governed torrents")

    # Users, sessions and keys.
    token = re.search(r"set_up_token=([0-9a-f]{64})", weir.console())[1]
    kinds["the set-up token"] = token
    status, head, _ = seen.call("POST", "/api/access/setup", {"token": token, "name": "anna", "password": value[19]},
                                place="the answer that makes it")
    same(status, 200, "the set-up")

    def session(head):
        return re.search(r"weir_session=([^;]+)", head["set-cookie" if "set-cookie" in head else "Set-Cookie"])[1]
    kinds["the first session"] = session(head)
    seen.call("POST", "/api/access/setup", {"token": token, "name": "eve", "password": value[19]})
    for headers in ({"X-API-Key": value[23]}, {"Authorization": f"Bearer {value[23]}"}, {"Cookie": f"weir_session={value[24]}"}, {}):
        seen.call("GET", "/stats", headers=headers)
        seen.facade("torrents/info", headers={**headers, "Cookie": f"SID={value[24]}"})
    seen.call("POST", "/api/access/login", {"name": value[22].replace(" ", "-"), "password": value[22]}, {})
    seen.call("POST", "/api/access/login", b'{"name": "anna", "password": "' + value[22].encode(), {"Content-Type": "application/json"})
    seen.facade("auth/login", {"username": "anna", "password": value[22]}, {})
    seen.headers = {"Cookie": f"weir_session={kinds['the first session']}"}
    seen.call("POST", "/api/access/password", {"name": "anna", "password": value[20]})
    status, head, _ = seen.call("POST", "/api/access/login", {"name": "anna", "password": value[20]}, {}, place="the answer that makes it")
    same(status, 200, "the login")
    kinds["a later session"] = session(head)
    seen.headers = {"Cookie": f"weir_session={kinds['a later session']}"}
    for role in ("read", "hook", "control", "admin"):
        status, _, body = seen.call("POST", "/api/access/keys/create", {"name": role, "role": role}, place="the answer that makes it")
        kinds[f"a key with the role {role}"] = json.loads(body)["key"]
    password = at.folder / "password"
    password.write_text(value[21])
    seen.run("user", "add", "bert", "--password-file", password, env=environment)
    made = seen.run("key", "add", "shell", "--role", "read", place="the answer that makes it", env=environment)
    kinds["a key from the command line"] = made.stdout.strip()
    _, head, _ = seen.call("POST", "/api/v2/auth/login", urllib.parse.urlencode({"username": "bert", "password": value[21]}).encode(),
                           {"Content-Type": "application/x-www-form-urlencoded"}, place="the answer that makes it")
    kinds["a session of the facade"] = re.search(r"SID=([^;]+)", head.get("set-cookie") or head.get("Set-Cookie"))[1]
    seen.facade_headers = {"Cookie": f"SID={kinds['a session of the facade']}"}

    # Torrents of the engine.
    urls = [f"http://{elsewhere.host}/{value[12]}/announce", f"http://{elsewhere.host}/announce?passkey={value[13]}",
            f"http://{value[14]}:{value[15]}@{elsewhere.host}/announce"]
    info_hash, file = metainfo("from a file", urls)
    seen.facade("torrents/add", files=file)
    seen.facade("torrents/add", {"urls": "magnet:?xt=urn:btih:" + "c" * 40 + "&tr="
                                 + urllib.parse.quote(f"http://{elsewhere.host}/{value[16]}/announce", safe="")})
    seen.facade("torrents/add", {"urls": f"http://{elsewhere.host}/download.torrent?rsskey={value[17]}"})
    seen.call("POST", "/api/ui/torrents/add", {"link": f"http://{elsewhere.host}/get/{value[17]}.torrent"})
    seen.call("POST", "/api/ui/torrents/upload", metainfo("of the page", urls)[1], {**seen.headers, "Content-Type": "application/x-bittorrent"})
    seen.facade("torrents/add", files=b"d8:announce" + str(len(urls[0])).encode() + b":" + urls[0].encode())
    wait_for(lambda: info_hash in seen.facade("torrents/info")[2], 30, "the torrent")
    seen.facade("torrents/addTrackers", {"hash": info_hash, "urls": f"http://{elsewhere.host}/{value[18]}/announce"})
    seen.facade("torrents/addTrackers", {"hash": info_hash, "urls": f"nonsense://{value[18]}"})
    wait_for(lambda: "no such user" in seen.facade("torrents/trackers", {"hash": info_hash})[2], 30, "the tracker's words")

    # Who may not ask is told none of that.
    hook = {"X-API-Key": kinds["a key with the role hook"]}
    for headers in ({}, hook, {"Authorization": f"Bearer {kinds['a key with the role hook']}"}, {"Cookie": f"SID={value[24]}"}):
        for name in ("torrents/info", "torrents/trackers", "torrents/export", "torrents/properties", "sync/maindata"):
            status, _, _ = seen.call("GET", f"/api/v2/{name}?hash={info_hash}", headers=headers, place="the facade for who may not ask")
            same(status, 403, f"{name} for {headers}")

    # All routes that the service itself lists, as every kind of caller.
    paths = json.loads(seen.call("GET", "/openapi.json")[2])["paths"]
    expect(len(paths) > 25, f"only {len(paths)} paths")
    for path, methods in paths.items():
        for method in methods:
            if path in ("/api/ui/events", "/api/access/keys/create", "/api/access/login", "/api/access/logout"):
                continue
            query = {"/match/test": f"?url={urllib.parse.quote('http://a.example/announce')}", "/api/ui/torrent": f"?hash={info_hash}&id={info_hash}"}
            seen.call(method.upper(), path + query.get(path, ""), {} if method == "post" else None)
            seen.call(method.upper(), path + query.get(path, ""), {} if method == "post" else None, hook)
    seen.call("GET", f"/api/ui/torrent?hash={info_hash}")
    seen.call("POST", "/webhook?key=" + value[25], f"event=complete&hash={next(iter(fakes[0].torrents))}&key={value[25]}".encode(),
              {**hook, "Content-Type": "application/x-www-form-urlencoded"})
    seen.call("GET", "/no/such/path?apikey=" + value[25])
    stream = http.client.HTTPConnection("127.0.0.1", weir.port, timeout=30)
    stream.request("GET", "/api/ui/events", headers=seen.headers)
    events = stream.getresponse()
    while "overview" not in seen.seen.get("the stream", ""):
        seen.take("the stream", events.read1(65536))
    for name in ("app/version", "app/preferences", "app/buildInfo", "sync/maindata", "transfer/info", "torrents/categories", "torrents/tags",
                 "torrents/properties", "torrents/trackers", "torrents/files", "torrents/export", "torrents/webseeds", "log/main", "log/peers",
                 "sync/torrentPeers", "torrents/pieceStates", "app/cookies"):
        seen.facade(name, {"hash": info_hash})
    # Who may only read is shown no key of a tracker.
    reader = {"Authorization": "Bearer " + kinds["a key with the role read"]}
    for name in ("torrents/info?includeTrackers=true", "sync/maindata", f"torrents/trackers?hash={info_hash}", f"torrents/export?hash={info_hash}",
                 f"torrents/properties?hash={info_hash}", f"torrents/webseeds?hash={info_hash}"):
        status, _, _ = seen.call("GET", f"/api/v2/{name}", headers=reader, place="the facade for who may only read")
        same(status, 403 if "export" in name else 200, f"{name} for who may only read")
    for path in ("/", "/index.html", "/app.js", "/main.js", "/style.css"):
        seen.call("GET", path, headers={**seen.headers, "Accept": "text/html"})

    # A configuration that is wrong, a client that is gone, and a reload.
    good = weir.config.read_text()
    weir.config.write_text(good.replace("engine:", "engine: [", 1))
    seen.call("POST", "/config/reload")
    seen.run("config", "check", env=environment)
    weir.config.write_text(good.replace(f'"api_key": "{value[6]}"', f'"api_key": ["{value[6]}"]', 1))
    seen.run("config", "check", env={k: v for k, v in environment.items() if k != "CANARY_PASSWORD"})
    weir.config.write_text(good)
    seen.call("POST", "/config/reload")
    fakes[3].stop()

    # The command line.
    for arguments in (["config", "print"], ["config", "print", "--origin"], ["status"], ["status", "--json"], ["plan"], ["plan", "--json"],
                      ["doctor"], ["doctor", "--json"], ["user", "list"], ["key", "list", "--json"], ["db", "check", "--json"],
                      ["db", "backup", at.folder / "backup"], ["db", "restore", at.folder / "backup", "--yes"]):
        seen.run(*arguments, env=environment)
    why = subprocess.run([laboratory.BINARY, "why"], capture_output=True, text=True, env=environment)
    seen.take("weir why", why.stdout + why.stderr)
    with open(f"/proc/{weir.process.pid}/cmdline") as file:
        seen.take("the command line of weir serve", file.read())
    seen.call("POST", "/rollback", {"confirm": True, "reason": "end"})
    weir.stop()

    # What is left behind. Databases hold announce URLs, and are for their owner only; nothing to log in with is in them.
    console = weir.console()
    lines = [line for line in console.splitlines() if "set_up_token=" in line]
    same(len(lines), 1, "lines with a token")
    seen.take("the set-up's log line", lines[0])
    seen.take("the console", console.replace(lines[0], ""))
    for path in weir.folder.rglob("*"):
        if not path.is_file() or path == weir.config:
            continue
        text = path.read_bytes().decode("latin-1")
        if ".db" in path.name:
            same(path.stat().st_mode & 0o077, 0, f"the mode of {path}")
            expected = r"passkey|announce URL|web address"
            found = [kind for kind, canary in kinds.items() if canary in text and not re.search(expected, kind)]
            same(found, [], f"secrets in {path.name}")
        else:
            seen.take(path.name, text.replace(lines[0], ""))
    expect(len(seen.seen["the console"]) > 2000 and "weir.log" in seen.seen, "the logs were not looked at")

    same(len(kinds) >= 30, True, f"{len(kinds)} kinds of secrets")
    found = []
    for place, text in seen.seen.items():
        for kind, canary in kinds.items():
            spelled = {canary, urllib.parse.quote(canary), urllib.parse.quote_plus(canary), canary.replace(" ", "-")}
            if any(re.search(where, place) and re.search(what, kind) for where, what in EXCEPTIONS):
                continue
            for word in spelled:
                if word in text:
                    around = text.index(word)
                    found.append(f"{kind} in {place}: …{text[max(0, around - 80):around + 60]}…")
                    break
    same("\n".join(found), "", "where secrets were found")
    # The test itself sees what it should: an exception shows its secret.
    expect(value[12] in seen.seen["facade torrents/trackers"], "the facade gives no announce URL whole")


if __name__ == "__main__":
    checks.main()
