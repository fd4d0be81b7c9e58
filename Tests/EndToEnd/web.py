#!/usr/bin/python3
"""`weir get` with the web address of a torrent: fetched whole, by redirects, as a magnet link, and what is refused.

    web.py
"""

import http.server
import ssl
import subprocess
import sys
import threading

import clients
import interop
import lab as laboratory
from lab import free_port, wait_for


class Pages(http.server.BaseHTTPRequestHandler):
    """The paths of the test. Class attributes: what is served."""

    torrent = magnet = None
    asked = []

    def do_GET(self):
        self.asked.append(self.path)
        path = self.path.partition("?")[0]
        if path.startswith("/hops/"):
            left = int(path.split("/")[2])
            return self.redirect(f"/hops/{left - 1}" if left else "/file")
        places = {"/magnet": self.magnet, "/to-file": "file:///etc/passwd", "/to-other": "http://127.0.0.2:1/x"}
        if path in places:
            return self.redirect(places[path])
        bodies = {"/file": self.torrent, "/page": b"<html>log in</html>", "/cut": self.torrent[:-9], "/long": b"d" * (11 << 20)}
        body = bodies.get(path)
        self.send_response(200 if body else 503 if path == "/busy" else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        try:
            self.wfile.write(body or b"")
        except OSError:
            # Weir has read enough.
            pass

    def redirect(self, place):
        self.send_response(302)
        self.send_header("Location", place)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def serve(context=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Pages)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def main():
    laboratory.enter_namespace()
    lab = laboratory.Lab()
    payload = interop.Payload(lab, "web", 1 << 20, 1, "http", lab.tracker()[0], private=False)
    payload.renew()
    Pages.torrent, Pages.magnet = payload.torrent.read_bytes(), payload.magnet
    seeder = clients.Weir(lab)
    seeder.seed(payload.torrent, payload.folder)
    wait_for(lambda: lab.known(payload.port, payload.info_hash)[0] > 0, clients.PATIENCE, "the tracker hearing of the seeder")
    base = f"http://127.0.0.1:{serve()}"

    for path in ("/file", "/hops/3", "/magnet"):
        leecher = clients.Weir(lab)
        target = leecher.data_folder()
        leecher.download(base + path, target)
        wait_for(lambda: leecher.check() or leecher.is_complete(), clients.PATIENCE, f"the download from {path}")
        assert payload.differs_from(target) is None, path
        print(f"{path}: complete", flush=True)

    # A peer by its name, with no tracker to name it otherwise.
    leecher = clients.Weir(lab)
    target = leecher.data_folder()
    leecher.download(payload.magnet.partition("&tr=")[0], target, "--peer", f"localhost:{seeder.port}")
    wait_for(lambda: leecher.check() or leecher.is_complete(), clients.PATIENCE, "the download from a named peer")
    assert payload.differs_from(target) is None
    print("--peer localhost: complete", flush=True)

    key, certificate = lab.folder / "key.pem", lab.folder / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", key, "-out",
                    certificate, "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    secret = "?passkey=0123456789abcdef"
    refusals = [
        (base + "/page", 65, "no .torrent file"), (base + "/cut", 65, ""), (base + "/nothing", 65, "status 404"),
        (base + "/long", 65, "10 MiB"), (base + "/hops/6", 65, "more than 5 times"), (base + "/to-file", 65, "redirects"),
        (base + "/to-other", 65, "127.0.0.2"), (base + "/busy", 69, "status 503"),
        (f"http://127.0.0.1:{free_port()}/file", 69, "nobody listens"), ("http://no-such-host.invalid/file", 69, ""),
        (f"https://127.0.0.1:{serve(context)}/file", 69, "certificate"), ("http://169.254.169.254/file", 65, "169.254"),
        ("http://[::1/file", 65, ""),
    ]
    for url, code, words in refusals:
        done = subprocess.run([laboratory.BINARY, "get", url + secret, "--dir", lab.folder], capture_output=True, text=True,
                              timeout=clients.PATIENCE, stdin=subprocess.DEVNULL)
        said = done.stdout + done.stderr
        assert done.returncode == code and words in said, f"{url}: {done.returncode} {said}"
        assert "0123456789abcdef" not in said, f"{url}: the passkey is shown"
        print(f"{url}: exit {code}: {said.strip()[:120]}", flush=True)
    assert not any(path.startswith("/x") for path in Pages.asked)
    print("passed")


if __name__ == "__main__":
    sys.exit(main())
