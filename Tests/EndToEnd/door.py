#!/usr/bin/python3
"""What strangers may send to `weir serve` over HTTP: smuggled and endless requests, pipelines, crowds of readers that never read, a
flood of webhooks, JSON that is a bomb. It refuses, stays small, and serves on.

    door.py [NAME…] [--readers 1000]
"""

import argparse
import hashlib
import json
import os
import re
import selectors
import socket
import sys
import threading
import time

import lab as laboratory
from lab import bencode, wait_for
from library_service import Service, expect, resident, same

MB = 1_000_000


def ask(weir, data, patience=20, end=True):
    """All that is answered to these bytes until the connection is closed, or nothing more comes."""
    with socket.create_connection(("127.0.0.1", weir.port), timeout=patience) as one:
        answer = b""
        try:
            one.sendall(data)
            if end:
                one.shutdown(socket.SHUT_WR)
            while chunk := one.recv(1 << 16):
                answer += chunk
        except OSError:
            pass
        return answer


def statuses(answer):
    return [int(code) for code in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer)]


def request(weir, line, *headers, body=b""):
    head = [line, f"Host: 127.0.0.1:{weir.port}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def is_alive(weir):
    same(weir.call("GET", "app/version")[0], 200, "the service afterwards")


def smuggling(weir):
    """A request that a proxy may read otherwise is refused, and nothing behind it is answered."""
    inner = request(weir, "GET /api/v2/app/version HTTP/1.1")
    chunked = b"0\r\n\r\n"
    cases = [
        ("Content-Length: 5", "Transfer-Encoding: chunked"), ("Transfer-Encoding: chunked", "Content-Length: 5"),
        ("Content-Length: 5", "Content-Length: 6"), ("Content-Length: +5",), ("Content-Length: 5, 5",), ("Content-Length: 0x5",),
        ("Content-Length: -1",), ("Content-Length: 99999999999999999999",), ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding: chunked, identity",), ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
        ("Transfer-Encoding : chunked",), ("Transfer-Encoding:\x0bchunked",),
    ]
    for headers in cases:
        answer = ask(weir, request(weir, "POST /webhook HTTP/1.1", *headers, body=chunked + inner))
        found = statuses(answer)
        expect(all(400 <= code <= 501 for code in found), f"{headers}: {found}")
        expect(b"v5.1.4" not in answer, f"{headers}: what was smuggled was answered")
    for raw in (b"GET /api/v2/app/version HTTP/1.1\nHost: x\n\n", b"GET  /api/v2/app/version HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00",
                b"GET /\x00x HTTP/1.1\r\nHost: x\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
        expect(b"v5.1.4" not in ask(weir, raw), raw)
    # A chunk may name extensions; they mean nothing.
    body = b'5;a="\\"b"\r\n{"a":\r\n2\r\n1}\r\n0\r\n\r\n'
    answer = ask(weir, request(weir, "POST /webhook HTTP/1.1", "Transfer-Encoding: chunked", "Content-Type: application/json", body=body))
    same(len(statuses(answer)), 1, "answers to a chunk with an extension")


def limits(weir):
    """Headers, lines and bodies past their limits are refused before they are stored; ten thousand requests at once are answered."""
    before = resident(weir)
    for what in (request(weir, "GET / HTTP/1.1", "X: " + "a" * 65536), request(weir, "GET / HTTP/1.1", *[f"X{n}: 1" for n in range(10_000)]),
                 request(weir, "GET /" + "a" * 65536 + " HTTP/1.1")):
        # The refusal is lost where the rest of the request meets a closed connection; `HTTPServerTests` sees it.
        found = statuses(ask(weir, what))
        expect(found in ([], [414], [431]), f"{what[:20]}: {found}")
    for path, size in (("/webhook", 2 << 20), ("/api/access/login", 2 << 20), ("/api/ui/torrents/upload", 40 << 20),
                       ("/api/v2/auth/login", 8 << 20), ("/api/v2/torrents/add", 80 << 20), ("/nothing", 8 << 20)):
        for expectation in ((), ("Expect: 100-continue",)):
            answer = ask(weir, request(weir, f"POST {path} HTTP/1.1", f"Content-Length: {size}", "Connection: close", *expectation), end=False)
            found = statuses(answer)
            expect(found and found[-1] in (401, 403, 404, 413), f"{path} of {size >> 20} MiB: {found}")
    # Who may not come in, here from elsewhere, brings a lot: it is read, and nothing of it kept.
    strangers = []
    for _ in range(8):
        one = socket.create_connection(("127.0.0.1", weir.port), timeout=20)
        one.sendall(request(weir, "POST /api/v2/torrents/add HTTP/1.1", "Via: a proxy", f"Content-Length: {40 * MB}",
                            "Content-Type: multipart/form-data; boundary=x"))
        for _ in range(39):
            one.sendall(bytes(MB))
        strangers.append(one)
    kept = resident(weir) - before
    for one in strangers:
        one.sendall(bytes(MB))
        same(statuses(one.recv(4096))[:1], [403], "the answer to a stranger's body")
        one.close()
    expect(kept < 40 * MB, f"{kept / MB:.0f} MB are kept of strangers' bodies")
    # Without a length: cut where the limit is, whatever has come by then.
    def endless():
        with socket.create_connection(("127.0.0.1", weir.port), timeout=20) as one:
            one.sendall(request(weir, "POST /webhook HTTP/1.1", "Transfer-Encoding: chunked"))
            chunk = b"10000\r\n" + bytes(65536) + b"\r\n"
            try:
                for _ in range(2000):
                    one.sendall(chunk)
            except OSError:
                return True
        return False
    expect(endless(), "130 MB without a length were taken")
    count = 10_000
    answer = ask(weir, request(weir, "GET /api/v2/app/version HTTP/1.1") * (count - 1)
                 + request(weir, "GET /api/v2/app/version HTTP/1.1", "Connection: close"), patience=120, end=False)
    found = statuses(answer)
    same((len(found), set(found)), (count, {200}), "the answers to a pipeline")
    expect(resident(weir) < before + 40 * MB, f"{(resident(weir) - before) / MB:.0f} MB more")


def crowd(weir, count=1000):
    """Readers of events by the hundred, a third of whom never read: bounded, cut off, and told to begin anew when they come back."""
    rows = 1500
    files = [bencode({"announce": "http://127.0.0.1:1/announce", "info": {
        "length": 16384, "name": f"crowd {n} " + "x" * 200, "piece length": 16384, "pieces": hashlib.sha1(bytes(16384)).digest()}})
        for n in range(rows)]
    for start in range(0, rows, 300):
        weir.do("torrents/add", {"skip_checking": "true", "stopped": "true"}, files[start:start + 300])
    wait_for(lambda: len(weir.info()) == rows, 60, "the torrents")
    before = resident(weir)
    idle = len(os.listdir(f"/proc/{weir.process.pid}/fd"))
    line = request(weir, "GET /api/ui/events HTTP/1.1")
    readers = []
    for number in range(count):
        one = socket.socket()
        if number % 3 == 0:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.connect(("127.0.0.1", weir.port))
        one.sendall(line)
        readers.append(one)
    is_over = threading.Event()
    received = [0]

    def read():
        selector = selectors.DefaultSelector()
        for number, one in enumerate(readers):
            if number % 3:
                one.setblocking(False)
                selector.register(one, selectors.EVENT_READ)
        while not is_over.is_set():
            for key, _ in selector.select(0.1):
                try:
                    data = key.fileobj.recv(1 << 16)
                except OSError:
                    data = b""
                received[0] += len(data)
                if not data:
                    selector.unregister(key.fileobj)
    thread = threading.Thread(target=read)
    thread.start()

    # What waits for who never reads also keeps the end from them: it is seen in the service's own descriptors.
    def descriptors():
        return len(os.listdir(f"/proc/{weir.process.pid}/fd"))

    wait_for(lambda: descriptors() >= idle + len(readers), 60, "the readers")

    def stalled():
        return max(0, idle + len(readers) - descriptors())
    slowest = 0
    until = time.monotonic() + 120
    number = 0
    while stalled() < len(readers[::3]) - 2 and time.monotonic() < until:
        number += 1
        weir.do("torrents/addTags", {"hashes": "all", "tags": f"tag{number % 7}"})
        weir.do("torrents/removeTags", {"hashes": "all", "tags": f"tag{(number + 3) % 7}"})
        begun = time.monotonic()
        is_alive(weir)
        slowest = max(slowest, time.monotonic() - begun)
        time.sleep(0.1)
    grown = resident(weir) - before
    print(f"   {stalled()} of {len(readers[::3])} that never read were cut, {received[0] / MB:.0f} MB were read, {grown / MB:+.0f} MB, "
          f"the slowest other answer took {slowest * 1000:.0f} ms", flush=True)
    expect(abs(stalled() - len(readers[::3])) <= 2, f"{stalled()} readers were cut")
    expect(grown < 80 * MB, f"{grown / MB:.0f} MB more")
    is_over.set()
    thread.join()
    for one in readers:
        one.close()
    # Back with the mark of long ago: the list is to be fetched anew.
    with socket.create_connection(("127.0.0.1", weir.port), timeout=20) as one:
        one.sendall(request(weir, "GET /api/ui/events HTTP/1.1", "Last-Event-ID: 1-1"))
        answer = b""
        while b"event: " not in answer:
            answer += one.recv(4096)
        expect(b"event: reset" in answer, answer[-200:])


def flood(weir):
    """Webhooks by the thousand: each is taken or refused at once, and the same torrent counts once."""
    seconds, connections = 3, 8
    answers, times = [], []

    def send(number):
        with socket.create_connection(("127.0.0.1", weir.port), timeout=60) as one:
            until = time.monotonic() + seconds
            sent = 0
            while time.monotonic() < until:
                sent += 1
                body = json.dumps({"event": "added", "hash": f"{(number * 1000 + sent % 50):040x}", "name": "x" * 100}).encode()
                begun = time.perf_counter()
                one.sendall(request(weir, "POST /webhook HTTP/1.1", "Content-Type: application/json", f"Content-Length: {len(body)}",
                                    body=body))
                answer = b""
                while b"\r\n\r\n" not in answer:
                    answer += one.recv(4096)
                length = int(re.search(rb"[Cc]ontent-[Ll]ength: (\d+)", answer)[1])
                while len(answer.partition(b"\r\n\r\n")[2]) < length:
                    answer += one.recv(4096)
                times.append(time.perf_counter() - begun)
                answers.append(statuses(answer)[0])
    threads = [threading.Thread(target=send, args=(n,)) for n in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times.sort()
    print(f"   {len(answers) / seconds:.0f} webhooks a second, p50 {times[len(times) // 2] * 1000:.1f} ms, "
          f"p99 {times[int(len(times) * 0.99)] * 1000:.1f} ms", flush=True)
    expect(set(answers) <= {202, 204, 429}, f"answers: {set(answers)}")
    expect(len(answers) > 100, "hardly any was answered")


def bombs(weir):
    """JSON that is too deep, too long, twice or broken is refused by every route that reads JSON."""
    before = resident(weir)
    deep = b"[" * 100_000
    nested = b'{"a":' * 5000 + b"1" + b"}" * 5000
    texts = [deep, deep + b"]" * 100_000, nested, b'{"a":1,"a":2}', b'{"name":"\\ud800"}', b'{"name":"\\udc00\\ud800"}', b'{"n":1e999999}',
             b'{"n":' + b"9" * 100_000 + b"}", b'{"n":-0.' + b"0" * 100_000 + b"1}", b'{"a":"\xff\xfe"}', b'{"a":"\x00"}', b"", b"nul", b'"',
             b'{"a":1}}', b"\xef\xbb\xbf{}", b'{"action":"stop","ids":' + b'["x",' * 1000 + b"]" * 1000 + b"}", b'{"ids":1,"action":[]}']
    routes = ["/webhook", "/api/access/login", "/api/access/setup", "/api/ui/torrents/preview", "/api/ui/torrents/apply",
              "/api/ui/torrents/add", "/rollback", "/config/reload"]
    for path in routes:
        for text in texts:
            answer = ask(weir, request(weir, f"POST {path} HTTP/1.1", "Content-Type: application/json", f"Content-Length: {len(text)}",
                                       "Connection: close", body=text), end=False)
            found = statuses(answer)
            expect(len(found) == 1 and found[0] < 500 or found == [503], f"{path} {text[:40]!r}: {found}")
    for text in texts:
        status, _ = weir.call("POST", "app/setPreferences", {"json": text.decode("latin-1")})
        expect(status in (200, 400), f"setPreferences {text[:40]!r}: {status}")
    expect(resident(weir) < before + 30 * MB, f"{(resident(weir) - before) / MB:.0f} MB more")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="only these checks")
    parser.add_argument("--readers", type=int, default=1000)
    options = parser.parse_args()
    laboratory.enter_namespace()
    at = laboratory.Lab()
    weir = Service(at)
    weir.start()
    failed = 0
    checks = [check for check in (smuggling, limits, flood, bombs, crowd) if not options.names or check.__name__ in options.names]
    for check in checks:
        begun = time.monotonic()
        try:
            check(weir, *([options.readers] if check is crowd else []))
            is_alive(weir)
            print(f"{check.__name__}: {check.__doc__} ok ({time.monotonic() - begun:.1f} s)", flush=True)
        except Exception as error:
            failed += 1
            print(f"{check.__name__}: FAILED: {type(error).__name__}: {error}", flush=True)
            print((at.folder / weir.log).read_text()[-1500:], flush=True)
    if weir.process.poll() is None:
        weir.stop()
    at.close()
    print(f"{len(checks) - failed} passed, {failed} failed", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
