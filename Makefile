# Weir. `make run` starts it, `make test` proves it; both install what they need from Debian's packages first.

SWIFT ?= swift
RELEASE = $(SWIFT) build -c release --static-swift-stdlib --product weir -Xlinker -s
BINARY = .build/release/weir

.PHONY: run build release deb test systemd test-versions swarm caps daemon-caps soak kills interop lint format bench fuzz tsan asan docs clean packages test-packages

run: packages
	./Packaging/demo.sh

build: packages
	$(SWIFT) build

# The shipped binary: no Swift runtime needed, no Foundation, small.
release: packages
	$(RELEASE)
	./Packaging/check-binary.sh $(BINARY)

# A Debian package of it, with unit, manual and completions: .build/deb/weir_VERSION_ARCHITECTURE.deb.
deb: packages release
	@command -v dpkg-shlibdeps >/dev/null || ./Packaging/install-packages.sh test
	./Packaging/deb.sh

test: test-packages lint release
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build --disable-xctest
	./Fuzz/run.sh --runs 20000
	./Tests/EndToEnd/run.sh

# The package and its unit under a real systemd: a Debian 12 of its own, made once, booted in namespaces. About a minute.
systemd: test-packages release
	@command -v debootstrap >/dev/null || apt-get install -y -qq --no-install-recommends debootstrap >/dev/null
	./Tests/EndToEnd/run.sh systemd_boot

# The real swarm against qBittorrent 4.2.5, 5.1.0 and 5.3.0 in chroots of Debian's own packages.
test-versions: test-packages release
	./Tests/EndToEnd/versions.sh

# The real swarm with the stated bounds: 10 s averages of at most 1.03 × cap, adaptive at least 0.90 × min(cap, demand).
swarm: test-packages release
	./Tests/EndToEnd/run.sh swarm

# Our own engine under a tracker's cap: every second within 10 %, every 10 s within 2 %.
caps: test-packages release
	./Tests/EndToEnd/run.sh caps

# The long forms of the kill tests: of the governor, and of downloads.
kills: test-packages release
	./Tests/EndToEnd/run.sh kills --count 1000
	./Tests/EndToEnd/run.sh download_kills --count 200

# Exact caps of `weir serve` at the sockets of 500 peers, with a real qBittorrent under the same caps.
daemon-caps: test-packages release
	./Tests/EndToEnd/run.sh daemon_caps

# `weir serve` under constant change: `make soak MINUTES=60`.
MINUTES ?= 20
soak: test-packages release
	./Tests/EndToEnd/run.sh soak --minutes $(MINUTES)

# The exchanges with other clients in all their forms: the table of Documentation/Interop.md.
interop: test-packages release
	./Tests/EndToEnd/run.sh interop --long

lint:
	$(SWIFT) format lint -r -s Package.swift Sources Tests

format:
	$(SWIFT) format -i -r Package.swift Sources Tests

bench: test-packages release
	./Benchmarks/run.sh

# Unit and simulation tests under the sanitizers; a report ends in failure. About 15 minutes each on two cores.
tsan: test-packages
	TSAN_OPTIONS=halt_on_error=0 WEIR_TEST_SLOWNESS=30 $(SWIFT) test --no-parallel --sanitize=thread --disable-xctest --scratch-path .build-tsan

# Leaks are not looked for: Swift keeps bits of its own in pointers to constant tables, which the detector does not see through. Nor are
# memcpy's arguments: Foundation's Process, with which tests start programs, copies more of a directory entry than there is.
asan: test-packages
	ASAN_OPTIONS=detect_leaks=0:replace_intrin=0 WEIR_TEST_SLOWNESS=10 $(SWIFT) test --no-parallel --sanitize=address --disable-xctest --scratch-path .build-asan

fuzz: packages
	./Fuzz/run.sh

docs: packages
	./Documentation/build.sh

packages:
	@./Packaging/install-packages.sh build

test-packages:
	@./Packaging/install-packages.sh test

clean:
	$(SWIFT) package clean
