#!/usr/bin/python3
"""What torrents that have come and gone leave behind in `weir serve`: memory, descriptors, and trackers that were not told.

    turnover.py [--torrents 1000] [--rounds 6] [--hosts 100]

Each round adds so many private torrents on trackers of so many hosts (all of them this script), waits until each was announced, removes
them all at once, and waits until each tracker was told.
"""

import argparse
import hashlib
import http.server
import os
import socketserver
import sys
import threading
import urllib.parse
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Tests/EndToEnd"))
import lab as laboratory
from lab import bencode, free_port, wait_for

told = {"started": 0, "stopped": 0}


class Tracker(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        event = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query, encoding="latin-1").get("event", [""])[0]
        if event in told:
            told[event] += 1
        answer = b"d8:intervali1800e5:peers0:e"
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 512


def upload(base, files):
    boundary = "xxBOUNDxx"
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="torrents"; filename="x.torrent"\r\n\r\n'.encode() + file + b"\r\n"
        for file in files) + f"--{boundary}--\r\n".encode()
    request = urllib.request.Request(base + "torrents/add", body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})
    urllib.request.urlopen(request, timeout=60).read()


def anonymous(pid):
    for line in open(f"/proc/{pid}/smaps_rollup"):
        if line.startswith("Anonymous:"):
            return int(line.split()[1]) / 1024
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torrents", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--hosts", type=int, default=100)
    options = parser.parse_args()
    laboratory.enter_namespace()
    at = laboratory.Lab()
    server = Server(("0.0.0.0", 0), Tracker)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = free_port()
    home = at.folder / "home"
    home.mkdir()
    weir = at.start([laboratory.BINARY, "serve", "--state", home / "state", "--downloads", home / "downloads"], "weir.log",
                    env={**os.environ, "HOME": str(home), "WEIR_GLOBAL_PORT": str(port)}, cwd=home)
    base = f"http://127.0.0.1:{port}/api/v2/"

    def answers():
        try:
            return urllib.request.urlopen(base + "app/version", timeout=10).status == 200
        except OSError:
            return False

    try:
        wait_for(answers, 30, "the service")
        print(f"{'round':>5} {'announced':>9} {'told stopped':>12} {'anonymous MiB':>13} {'descriptors':>11} {'threads':>7}")
        made = 0
        for turn in range(options.rounds):
            ids, files = [], []
            for _ in range(options.torrents):
                made += 1
                info = {"length": 4 << 16, "name": f"t{made}", "piece length": 1 << 16, "pieces": hashlib.sha1(b"%d" % made).digest() * 4,
                        "private": 1}
                url = f"http://127.0.1.{1 + made % options.hosts}:{server.server_port}/announce"
                files.append(bencode({"announce": url, "info": info}))
                ids.append(hashlib.sha1(bencode(info)).hexdigest())
            for start in range(0, len(files), 100):
                upload(base, files[start:start + 100])
            wait_for(lambda: told["started"] == made, 300, "every torrent to be announced")
            gone = urllib.parse.urlencode({"hashes": "|".join(ids), "deleteFiles": "true"}).encode()
            urllib.request.urlopen(base + "torrents/delete", gone, timeout=60).read()
            # Five seconds are what a stop has; what is not told then never is.
            try:
                wait_for(lambda: told["stopped"] == made, 10, "")
            except AssertionError:
                pass
            print(f"{turn:>5} {told['started']:>9} {told['stopped']:>12} {anonymous(weir.pid):>13.1f} "
                  f"{len(os.listdir(f'/proc/{weir.pid}/fd')):>11} {len(os.listdir(f'/proc/{weir.pid}/task')):>7}", flush=True)
    finally:
        at.close()


main()
