#!/usr/bin/python3
"""What Weir is handed over in: the systemd unit, the Debian package, the container's files."""

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

import lab as laboratory
from checks import Checks, expect, same
from lab import BINARY, ROOT

checks = Checks(__doc__)
UNIT = ROOT / "Packaging/systemd/weir.service"
# What is in every Debian, or comes with one of the others.
ESSENTIAL = {"libc6", "libgcc-s1", "zlib1g"}


def run(*words, check=True, **options):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, **options)
    if check and done.returncode:
        raise AssertionError(f"{' '.join(map(str, words))}: exit {done.returncode}\n{done.stdout[-1500:]}{done.stderr[-1500:]}")
    return done


@functools.cache
def commands():
    """Every command with its options, from the help."""
    found, waiting = {}, [()]
    while waiting:
        path = waiting.pop()
        text = run(BINARY, *path, "--help").stdout
        found[path] = set(re.findall(r"^  +(?:-\w, )?(--[a-z][-a-z0-9]*)", text, re.M)) - {"--help"}
        block = re.search(r"^Commands:\n((?:  .*\n)+)", text, re.M)
        waiting += [(*path, name) for name in re.findall(r"^  ([a-z]+)", block[1], re.M)] if block else []
    return found


@functools.cache
def linked_packages():
    """The packages of the libraries that the program names itself, from one question: dpkg reads all its lists for each."""
    needed = re.findall(r"NEEDED +(\S+)", run("objdump", "-p", BINARY).stdout)
    places = dict(re.findall(r"^\s*(\S+) => (\S+)", run("ldd", BINARY).stdout, re.M))
    wanted = [path for name, path in places.items() if name in needed and "swift" not in name]
    # dpkg may know a file by the place it was in before /usr was merged.
    spellings = {spelling for path in wanted for spelling in (path, os.path.realpath(path), path.removeprefix("/usr"))}
    answer = run("dpkg-query", "-S", *sorted(spellings), check=False).stdout
    owners = {place: owner.split(":")[0] for owner, place in re.findall(r"^(\S+): (\S+)$", answer, re.M)}
    packages = set()
    for path in wanted:
        found = [owners[s] for s in (path, os.path.realpath(path), path.removeprefix("/usr")) if s in owners]
        expect(found, f"{path} belongs to no package")
        packages.add(found[0])
    return packages


def build(folder):
    """The package, not compressed: that would be most of the time."""
    return run(ROOT / "Packaging/deb.sh", BINARY, folder, env={**os.environ, "COMPRESSION": "none"}).stdout.strip()


@checks("the unit's exposure is at most 3.0, and its words are ones that systemd knows")
def _(at):
    for line in run("systemd-analyze", "security", "--offline=yes", UNIT).stdout.splitlines():
        found = re.search(r"Overall exposure level for \S+: ([\d.]+)", line)
        if found:
            expect(float(found[1]) <= 3.0, line)
            break
    else:
        raise AssertionError("no exposure level")
    # With a program that is there, and where no other unit speaks.
    copy = at.folder / "weir.service"
    copy.write_text(UNIT.read_text().replace("/usr/bin/weir", str(BINARY)).replace("Documentation=man:weir(1)\n", ""))
    done = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", copy, check=False)
    words = [line for line in done.stderr.splitlines() if "weir.service" in line]
    same(words, [], "what systemd says of the unit")


@checks("the unit names commands, folders and exit codes that there are")
def _(at):
    unit = dict(re.findall(r"^(\w+)=(.*)$", UNIT.read_text(), re.M))
    words = unit["ExecStart"].split()
    same(words[0], "/usr/bin/weir", "the program")
    found = commands()
    expect((words[1],) in found, words)
    expect(all(w in found[words[1],] for w in words if w.startswith("--")), words)
    same((unit["Type"], unit["StateDirectory"]), ("notify", "weir"), "folders")
    text = " ".join(run(BINARY, "--help").stdout.split())
    for code in unit["RestartPreventExitStatus"].split():
        expect(f"{code} the " in text, f"exit code {code}: {text[-400:]}")


@checks("the configuration that is packaged is valid, has torrents of its own, and keeps everything in the state folder")
def _(at):
    path = ROOT / "Packaging/weir.yaml"
    same(run(BINARY, "config", "check", "--config", path).stderr, "", "warnings")
    text = run(BINARY, "config", "print", "--config", path).stdout
    expect('database_path: "/var/lib/weir/journal.db"' in text and "file: null" in text and "qbittorrent" not in text, text)
    # With what it shows as a comment put in, and the password as a credential.
    full = re.sub(r"^#(qbittorrent:|  \w+:)", r"\1", path.read_text(), flags=re.M).replace("  #-", "  -").replace("  #  ", "    ")
    other, secrets = at.folder / "weir.yaml", at.folder / "credentials"
    other.write_text(full)
    secrets.mkdir()
    (secrets / "weir_QBIT_PASSWORD").write_text("canary\n")
    done = run(BINARY, "config", "print", "--origin", "--config", other, env={**os.environ, "CREDENTIALS_DIRECTORY": str(secrets)})
    expect("credential weir_QBIT_PASSWORD" in done.stdout and "canary" not in done.stdout, done.stdout)


@checks("the manual and the completions hold every command and option, and are what their programs read")
def _(at):
    found = commands()
    expect(len(found) > 20, f"only {sorted(found)}")
    manual = run(BINARY, "manual").stdout
    plain = manual.replace("\\-", "-")
    page = at.folder / "weir.1"
    page.write_text(manual)
    if shutil.which("groff"):
        same(run("groff", "-Kutf8", "-man", "-ww", "-z", "-Tutf8", page).stderr, "", "warnings of groff")
    shells = {shell: run(BINARY, "completions", shell).stdout for shell in ("bash", "zsh", "fish")}
    for path, options in found.items():
        words = " ".join(("weir", *path))
        if path and not any(other[:-1] == path for other in found if other):
            expect(f'.SS "{words}' in plain, f"the manual has no {words}")
        for shell, text in shells.items():
            expect(words in text, f"{shell} does not complete {words}")
        for option in options:
            expect(option in plain, f"the manual has no {option}")
            for shell, text in shells.items():
                expect((f"-l {option[2:]}" if shell == "fish" else option) in text, f"{shell} does not complete {option}")
    for shell in ("bash", "zsh", "fish"):
        if shutil.which(shell):
            (at.folder / shell).write_text(shells[shell])
            run(shell, "-n", at.folder / shell)


def is_static():
    return "libswift" not in run("ldd", BINARY).stdout


@checks("the Debian package has its parts, and depends on what the program is linked with")
def _(at):
    if not is_static():
        print("    (a development build is not packaged: not checked)", flush=True)
        return
    package = build(at.folder)
    expect(Path(package).read_bytes() == Path(build(at.folder / "again")).read_bytes(), "built again it is another")
    fields = dict(re.findall(r"^(\S+): (.*)$", run("dpkg-deb", "-f", package).stdout, re.M))
    same(fields["Version"], run(BINARY, "version").stdout.split()[1], "the version")
    depends = {part.split()[0] for part in fields["Depends"].split(", ")}
    same(depends, linked_packages() | ESSENTIAL & depends | {"adduser"}, "Depends")
    expect("libc6 (>= 2.36)" in fields["Depends"], fields["Depends"])
    files = {line.split()[5].lstrip(".") for line in run("dpkg-deb", "-c", package).stdout.splitlines()}
    expect({"/usr/bin/weir", "/lib/systemd/system/weir.service", "/etc/weir/weir.yaml", "/usr/share/man/man1/weir.1.gz",
            "/usr/share/bash-completion/completions/weir", "/usr/share/zsh/vendor-completions/_weir",
            "/usr/share/fish/vendor_completions.d/weir.fish", "/usr/share/doc/weir/copyright",
            "/usr/share/doc/weir/changelog.gz"} <= files, files)
    same(run("dpkg-deb", "-I", package, "conffiles").stdout, "/etc/weir/weir.yaml\n", "conffiles")


# A copy of this machine's root, of which every change is forgotten.
INSTALLING = r"""
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cp "$2" "$1/root/weir.deb"
mount -t proc proc "$1/root/proc"
mount --bind /dev "$1/root/dev"
exec chroot "$1/root" bash -euc '
echo begun
export DEBIAN_FRONTEND=noninteractive
dpkg --no-triggers --force-depends --install /weir.deb >/dev/null
getent passwd weir | grep -q :/var/lib/weir:
/usr/bin/weir version
weir config check --config /etc/weir/weir.yaml
test ! -e /etc/systemd/system/multi-user.target.wants/weir.service
test "$(stat -c %a:%U /etc/weir/credentials)" = 700:root
mkdir -p /var/lib/weir/Downloads
touch /var/lib/weir/journal.db /var/lib/weir/Downloads/mine
echo "# mine" >>/etc/weir/weir.yaml
dpkg --no-triggers --force-depends --install /weir.deb >/dev/null
tail -n 1 /etc/weir/weir.yaml | grep -q mine
dpkg --no-triggers --remove weir >/dev/null
test ! -e /usr/bin/weir
test -e /var/lib/weir/journal.db && test -e /etc/weir/weir.yaml
dpkg --no-triggers --force-depends --install /weir.deb >/dev/null
dpkg --no-triggers --purge weir >/dev/null
test ! -e /var/lib/weir/journal.db && test ! -e /etc/weir
test -e /var/lib/weir/Downloads/mine
echo done
'
"""


@checks("the package installs, upgrades, is removed and purged: settings stay until the purge, downloads for ever")
def _(at):
    if not is_static():
        print("    (a development build is not packaged: not checked)", flush=True)
        return
    package = build(at.folder)
    place = at.folder / "place"
    place.mkdir()
    done = run("unshare", "-m", "bash", "-c", INSTALLING, "installing", place, package, check=False)
    if "begun" not in done.stdout:
        print(f"    (no root to install into can be had here: {done.stderr.strip()[-200:]}; not checked)", flush=True)
        return
    expect(done.returncode == 0 and done.stdout.endswith("done\n"), f"exit {done.returncode}\n{done.stdout[-1000:]}{done.stderr[-2000:]}")


def stages():
    """The Dockerfile's instructions, by stage."""
    text = re.sub(r"\\\n\s*", "", "\n".join(l for l in (ROOT / "Dockerfile").read_text().split("\n") if not l.startswith("#")))
    found = []
    for word, rest in re.findall(r"^([A-Z]+) +(.*)$", text, re.M):
        if word == "FROM":
            found.append([])
        if found:
            found[-1].append((word, rest))
    return found


def installed(stage):
    line = next(rest for word, rest in stage if word == "RUN" and "apt-get install" in rest)
    return set(re.search(r"--no-install-recommends ([^&]*)", line)[1].split())


@checks("the Dockerfile copies what there is, installs what is needed, and runs what the program knows")
def _(at):
    build, final = stages()
    shown = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")}
    for _, rest in [step for step in build if step[0] == "COPY"]:
        for source in rest.split()[:-1]:
            expect((ROOT / source).exists() and source in shown, f"COPY {source}")
    # Every folder that the manifest names is copied.
    for path in set(re.findall(r'(?:path:|\.at\()\s*"([^"]+)"', (ROOT / "Package.swift").read_text())) - {"Fuzz", "Fuzz/CLibFuzzer"}:
        expect(path.split("/")[0] in shown, f"{path} of Package.swift is not copied")
    needed = re.search(r'^build="(.*)"$', (ROOT / "Packaging/install-packages.sh").read_text(), re.M)[1]
    same(installed(build), set(needed.split()), "packages to build with")
    runtime = installed(final)
    # The others of Debian's image, or for use beside the program.
    found = linked_packages() - ESSENTIAL
    # A development build has no runtime of Swift in it.
    same(runtime - {"ca-certificates", "tzdata"}, found if is_static() else found | {"libstdc++6"}, "packages to run with")
    instructions = {word: rest for word, rest in final}
    found = commands()
    for words in (instructions["CMD"], instructions["HEALTHCHECK"].partition("CMD ")[2]):
        words = [w for w in re.findall(r'"([^"]*)"', words) if w != "weir"]
        path = tuple(w for w in words if not w.startswith("-"))
        expect(path in found and {w for w in words if w.startswith("--")} <= found[path], f"weir {words}")
    expect(not re.match(r"(0|root)\b", instructions["USER"]), "it runs as root")
    for name, value in re.findall(r"(WEIR_\w+)=(\S+)", instructions["ENV"]):
        done = run(BINARY, "config", "check", "--config", ROOT / "Packaging/weir.yaml", env={**os.environ, name: value})
        expect("names no setting" not in done.stderr, done.stderr)
    port = re.search(r"port: (\d+)", run(BINARY, "config", "print", "--config", ROOT / "Packaging/weir.yaml").stdout)[1]
    same(instructions["EXPOSE"], port, "the port")
    for text in ((ROOT / "Dockerfile").read_text(), (ROOT / "compose.yaml").read_text()):
        # A name with a dot or a port before its first slash would be a registry's.
        for image in re.findall(r"^(?:FROM|\s+image:|ARG SWIFT=) *(\S+)", text, re.M):
            expect("/" not in image or not re.search(r"[.:]", image.split("/")[0]), f"{image} names a host")


@checks("compose.yaml is valid, refers to what it declares, and holds a configuration that Weir takes")
def _(at):
    import yaml
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    services = compose["services"]
    same(set(services), {"weir", "qbittorrent"}, "services")
    for name, service in services.items():
        for kind in ("secrets", "configs"):
            for item in service.get(kind, []):
                expect((item if isinstance(item, str) else item["source"]) in compose[kind], f"{name}: {item}")
        expect(set(service.get("depends_on", [])) <= set(services), name)
    weir = services["weir"]
    expect((ROOT / weir["build"] / "Dockerfile").exists(), "the build's folder")
    text = compose["configs"]["weir"]["content"].replace("$$", "$")
    path = at.folder / "weir.yaml"
    path.write_text(text)
    password = at.folder / "password"
    password.write_text("x\n")
    variables = {**os.environ, **weir["environment"], "QBIT_PASSWORD_FILE": str(password), "WEIR_GLOBAL_HOST": "0.0.0.0"}
    done = run(BINARY, "config", "check", "--config", path, env=variables)
    same([line for line in done.stderr.splitlines() if "api_key" not in line], [], "warnings")
    content = yaml.safe_load(text)
    same(content["qbittorrent"]["url"], f"http://qbittorrent:{services['qbittorrent']['environment']['QBT_WEBUI_PORT']}", "the address")
    expect(f"{content['engine']['port']}:{content['engine']['port']}" in weir["ports"], "the port for peers")
    for container in [place.split(":")[1] for place in weir["volumes"]]:
        expect(container in (ROOT / "Dockerfile").read_text(), f"{container} is not the image's")


if __name__ == "__main__":
    # Asked here once: checks that run side by side would each ask.
    commands(), linked_packages()
    checks.main()
