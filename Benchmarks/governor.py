#!/usr/bin/python3
"""What the governor costs: requests, time, processor and memory with 30,000 torrents, and how fast its webhook is.

    governor.py [--torrents 30000] [--active 3000] [--strategies equal,adaptive] [--versions 4.5.2,5.1.0] [--seconds 5]

Runs the built binary against our fake qBittorrent (a real one does not hold 30,000 uploading torrents on a test machine) and holds
the bounds that are promised. Only loopback.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import http.client
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests/Support"))
sys.path.insert(0, str(ROOT / "Tests/EndToEnd"))
import lab  # noqa: E402
BINARY = lab.BINARY
CAPS = {"alpha": (10 << 20, 0.40), "beta": (5 << 20, 0.25), "gamma": (1 << 20, 0.15), "delta": (-1, 0.10), "other": (2 << 20, 0.10)}
TICK = os.sysconf("SC_CLK_TCK")


def cpu(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def memory(pid):
    text = open(f"/proc/{pid}/status").read()
    return {name: int(re.search(rf"{name}:\s+(\d+)", text)[1]) for name in ("VmRSS", "RssAnon", "VmHWM")}


def start_fake(version, torrents, active):
    """In a process of its own, so that its work is not counted as ours."""
    command = ["/usr/bin/python3", str(ROOT / "Tests/Support/fake_qbittorrent.py"), "--version", version,
               "--torrents", str(torrents), "--active", str(active)]
    for name in CAPS:
        command += ["--tracker", name]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
    return process, json.loads(process.stdout.readline())


def call(port, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
    answer = connection.getresponse()
    text = answer.read()
    return answer.status, json.loads(text) if text.startswith(b"{") else text.decode()


def wrk(port, seconds, connections=8, wait=None):
    """As many webhooks as go through, or as many as connections send that wait so many milliseconds in between."""
    text = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(ROOT / "Benchmarks/webhook.lua"),
                           f"http://127.0.0.1:{port}/webhook", *(["--", str(wait)] if wait else [])],
                          capture_output=True, text=True).stdout
    def milliseconds(label):
        value, unit = re.search(rf"{label}\s+([\d.]+)(us|ms|s)", text).groups()
        return float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return {"per_second": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), "p50_ms": milliseconds("50%"),
            "p99_ms": milliseconds("99%"), "refused": int(bad[1]) if bad else 0}


def run(version, strategy, options):
    fake, where = start_fake(version, options.torrents, options.active)
    folder = Path(tempfile.mkdtemp(prefix="weir-bench-"))
    port = lab.free_port()
    trackers = "\n".join(f'  - {{id: {name}, name: {name}, pattern: "//{name}\\\\.example/", max_upload_speed: {cap}, priority: 5}}'
                         for name, (cap, _) in CAPS.items())
    (folder / "weir.yaml").write_text(f"""global:
  port: {port}
  allocation_strategy: {strategy}
  update_interval: 86400
  on_stop: keep
qbittorrent: {{url: "{where['url']}", username: admin, password: adminadmin}}
trackers:
{trackers}
  - {{id: rest, name: rest, pattern: ".*", max_upload_speed: -1, priority: 1}}
rollback: {{database_path: {folder}/weir.db}}
logging: {{file: null, level: DEBUG}}
""")
    row = {"version": version, "strategy": strategy}
    log = open(folder / "log", "w+")
    started = time.perf_counter()
    process = subprocess.Popen([str(BINARY), "serve", "--config", str(folder / "weir.yaml")], stderr=log, stdout=log)
    try:
        while True:
            try:
                call(port, "GET", "/healthz")
                break
            except OSError:
                time.sleep(0.001)
        row["start_ms"] = (time.perf_counter() - started) * 1000
        lab.wait_for(lambda: "outcome=" in open(folder / "log").read(), 120, "the first cycle")
        line = next(l for l in open(folder / "log") if "outcome=" in l)
        row["first_requests"] = int(re.search(r"requests=(\d+)", line)[1])
        row["first_calls"] = int(re.search(r"calls=(\d+)", line)[1])
        row["first_seconds"] = float(re.search(r"seconds=([\d.]+)", line)[1])
        row["first_cpu_s"] = cpu(process.pid)
        time.sleep(7)
        for _ in range(6):  # Until the plan has settled.
            call(port, "POST", "/cycle/force")
        before = cpu(process.pid)
        answers = [call(port, "POST", "/cycle/force") for _ in range(20)]
        row["steady_cpu_ms"] = (cpu(process.pid) - before) / 20 * 1000
        row["steady_requests"] = call(port, "GET", "/health")[1]["api_calls_last_cycle"]
        row["steady_ok"] = all(status == 200 for status, _ in answers)
        row.update(memory(process.pid))
        row["webhook"] = wrk(port, options.seconds)
        row["webhook_paced"] = wrk(port, options.seconds, connections=40, wait=1)
        stop = threading.Event()
        def cycles():
            while not stop.is_set():
                call(port, "POST", "/cycle/force")
        thread = threading.Thread(target=cycles)
        thread.start()
        row["webhook_in_cycles"] = wrk(port, options.seconds)
        stop.set()
        thread.join()
    finally:
        process.terminate()
        process.wait(30)
        fake.kill()
        fake.wait()
    return row


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--torrents", type=int, default=30000)
    parser.add_argument("--active", type=int, default=3000)
    parser.add_argument("--strategies", default="equal,weighted,soft,adaptive")
    parser.add_argument("--versions", default="4.5.2,5.1.0")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--json")
    options = parser.parse_args()
    rows, failures = [], []
    print(f"{'version':8}{'strategy':10}{'start':>8}{'first':>8}{'requests':>9}{'calls':>6}{'CPU':>7}{'steady':>8}{'CPU':>8}{'RSS':>8}"
          f"{'anon':>8}{'webhooks/s':>11}{'p99':>8}{'paced/s':>9}{'p99':>8}{'in cycles':>10}")
    for version in options.versions.split(","):
        for strategy in options.strategies.split(","):
            row = run(version, strategy, options)
            rows.append(row)
            hook, paced, busy = row["webhook"], row["webhook_paced"], row["webhook_in_cycles"]
            print(f"{version:8}{strategy:10}{row['start_ms']:>5.0f} ms{row['first_seconds']:>6.2f} s{row['first_requests']:>9}"
                  f"{row['first_calls']:>6}{row['first_cpu_s']:>5.2f} s{row['steady_requests']:>8}{row['steady_cpu_ms']:>5.1f} ms"
                  f"{row['VmRSS'] / 1000:>5.1f} MB{row['RssAnon'] / 1000:>5.1f} MB{hook['per_second']:>11.0f}"
                  f"{hook['p99_ms']:>5.2f} ms{paced['per_second']:>9.0f}{paced['p99_ms']:>5.2f} ms{busy['p99_ms']:>7.2f} ms", flush=True)
            bounds = {
                "starts in 100 ms": row["start_ms"] < 100,
                "at most 12 requests beside one for each distinct limit": row["first_requests"] - row["first_calls"] <= 12,
                "at most 40 requests with equal": strategy != "equal" or row["first_requests"] <= 40,
                "at most 2 requests in a quiet cycle": row["steady_requests"] <= 2,
                "less than 50 ms in a quiet cycle": row["steady_cpu_ms"] < 50,
                "less than 30 MB resident": row["VmRSS"] < 30000,
                "less than 12 MB of its own": row["RssAnon"] < 12000,
                "20,000 webhooks a second": hook["per_second"] >= 20000,
                "webhook p99 below 1 ms at 20,000 a second": paced["p99_ms"] < 1 and paced["per_second"] >= 20000,
                "webhook p99 below 10 ms while cycles run": busy["p99_ms"] < 10,
                "no webhook refused": hook["refused"] + paced["refused"] + busy["refused"] == 0,
            }
            failures += [f"{version} {strategy}: not {name}" for name, holds in bounds.items() if not holds]
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1))
    for failure in failures:
        print("FAILED", failure)
    print(f"{len(rows)} runs, {len(failures)} bounds broken")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
