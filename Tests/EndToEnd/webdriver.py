"""A real Chromium, driven by plain WebDriver over HTTP: nothing but Debian's chromium and chromium-driver, and the standard
library."""

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"

KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "Down": "\ue015", "Up": "\ue013", "Delete": "\ue017", "Shift": "\ue008",
        "Control": "\ue009", "End": "\ue010", "Home": "\ue011", "PageDown": "\ue00f", "Space": " "}

# Before any script of the page: what the policy refuses, what fails, and how long the frames' callbacks take.
WATCHER = """
window.watched = { policy: [], errors: [], busy: 0, dialogs: 0 };
document.addEventListener("securitypolicyviolation", (event) => watched.policy.push(event.violatedDirective + " " + event.blockedURI));
window.addEventListener("error", (event) => watched.errors.push(String(event.message)));
window.addEventListener("unhandledrejection", (event) => watched.errors.push(String(event.reason)));
for (const name of ["alert", "confirm", "prompt"]) window[name] = () => { watched.dialogs += 1; };
const frame = window.requestAnimationFrame.bind(window);
window.plainFrame = frame;
window.requestAnimationFrame = (run) => frame((time) => {
  const started = performance.now();
  try { run(time); } finally { watched.busy += performance.now() - started; }
});
"""


class Browser:
    """One window. `hosts` are rules for names, beside the one that nothing but loopback is ever reached."""

    def __init__(self, width=1440, height=900, hosts="", takes_any_certificate=False):
        self.folder = tempfile.mkdtemp(prefix="weir-browser-")
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                       text=True)
        self.session = None
        for line in self.driver.stdout:
            found = re.search(r"started successfully on port (\d+)", line)
            if found:
                self.address = f"http://127.0.0.1:{found.group(1)}"
                break
        else:
            raise AssertionError("chromedriver did not start")
        rules = ", ".join(filter(None, [hosts, "MAP * ~NOTFOUND", "EXCLUDE 127.0.0.1"]))
        options = {"args": [
            "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", f"--user-data-dir={self.folder}",
            f"--window-size={width},{height}", f"--host-resolver-rules={rules}"]}
        answer = self.call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "acceptInsecureCerts": takes_any_certificate, "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}}}, seconds=120)
        self.session = answer["sessionId"]
        self.requests = []
        self.messages = []
        self.cdp("Page.addScriptToEvaluateOnNewDocument", source=WATCHER)

    def close(self):
        try:
            if self.session:
                self.call("DELETE", f"/session/{self.session}")
        finally:
            self.driver.terminate()
            self.driver.wait()
            shutil.rmtree(self.folder, ignore_errors=True)

    def call(self, method, path, body=None, seconds=60):
        data = json.dumps(body or {}).encode() if method == "POST" else None
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=seconds) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {json.load(error)['value']['message'].splitlines()[0]}") from None

    def do(self, method, path, **body):
        return self.call(method, f"/session/{self.session}{path}", body)

    def cdp(self, command, **parameters):
        return self.do("POST", "/goog/cdp/execute", cmd=command, params=parameters)

    def open(self, url):
        self.do("POST", "/url", url=url)

    def run(self, script, *arguments):
        """The value of a function's body."""
        return self.do("POST", "/execute/sync", script=script, args=list(arguments))

    def run_async(self, script, *arguments):
        """The same for a body that calls `done` with its value."""
        return self.do("POST", "/execute/async", script=f"const done = arguments[arguments.length - 1]; {script}",
                       args=list(arguments))

    def wait(self, script, what, seconds=30):
        deadline = time.monotonic() + seconds
        while True:
            value = self.run(f"return ({script})")
            if value:
                return value
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}: not within {seconds} s")
            time.sleep(0.05)

    def find(self, selector):
        return self.do("POST", "/element", using="css selector", value=selector)[ELEMENT]

    def click(self, selector):
        self.do("POST", f"/element/{self.find(selector)}/click")

    def type(self, selector, text):
        self.do("POST", f"/element/{self.find(selector)}/value", text=text)

    def press(self, *keys):
        """Keys one after another; "Shift+Down" holds the first."""
        actions = []
        for key in keys:
            names = [KEYS.get(name, name) for name in key.split("+")] if len(key) > 1 else [key]
            actions += [{"type": "keyDown", "value": name} for name in names]
            actions += [{"type": "keyUp", "value": name} for name in reversed(names)]
        self.do("POST", "/actions", actions=[{"type": "key", "id": "keys", "actions": actions}])

    def screenshot(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self.do("GET", "/screenshot")))

    def size(self, width, height, phone=False):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=0, mobile=phone)

    def scheme(self, name):
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def collect(self):
        """Reads the logs: addresses that were asked for, and messages of the console."""
        for entry in self.do("POST", "/se/log", type="performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self.requests.append(message["params"]["request"]["url"])
        self.messages += self.do("POST", "/se/log", type="browser")


def is_there():
    return bool(shutil.which("chromium") and shutil.which("chromedriver")) and os.access("/dev/shm", os.W_OK)
