# Weir in a container: the state in /var/lib/weir, downloads in /downloads, the configuration (if any) at /etc/weir/weir.yaml.
#
#     docker build -t weir .
#     docker run -p 127.0.0.1:8089:8089 -v weir:/var/lib/weir -v ./downloads:/downloads weir
#
# It runs as user and group 1000; with `--user` as any other, and with a read-only root as well. SWIFT names an image of Swift
# 6.3 on Debian 12.

ARG SWIFT=swift:6.3-bookworm
FROM ${SWIFT} AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
    libargon2-dev libcurl4-openssl-dev libmicrohttpd-dev libminiupnpc-dev libnatpmp-dev libpcre2-dev libsqlite3-dev \
    libssl-dev libyaml-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY Package.swift ./
COPY Sources Sources
COPY Tests Tests
RUN swift build -c release --static-swift-stdlib --product weir -Xlinker -s \
    && install -D .build/release/weir /out/weir

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends \
    ca-certificates libargon2-1 libcurl4 libmicrohttpd12 libminiupnpc17 libnatpmp1 libpcre2-8-0 libsqlite3-0 libssl3 libstdc++6 \
    libyaml-0-2 tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -m 0770 -o 1000 -g 1000 /var/lib/weir /downloads && install -d /etc/weir
COPY --from=build /out/weir /usr/bin/weir
ENV HOME=/var/lib/weir STATE_DIRECTORY=/var/lib/weir XDG_DOWNLOAD_DIR=/downloads WEIR_GLOBAL_HOST=0.0.0.0
WORKDIR /var/lib/weir
USER 1000:1000
VOLUME ["/var/lib/weir", "/downloads"]
# The page and the API. Where peers come in (engine.port) is yours to choose and to publish.
EXPOSE 8089
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["weir", "status", "--health"]
ENTRYPOINT ["weir"]
CMD ["serve"]
