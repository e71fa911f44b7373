# syntax=docker/dockerfile:1

# The program, and nothing else: no shell, no package manager, no build tools. It runs as the user 65532.

FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /src
COPY . .
# What was compiled before is kept between builds, and is no part of the image.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package gateway-local --bin llm-gateway \
    && install -D target/release/llm-gateway /root-of-image/usr/bin/llm-gateway
# The libraries that it is linked with, the certificates that a Redis server's is checked against, and its data folder.
RUN set -eu; \
    for library in $(ldd /root-of-image/usr/bin/llm-gateway | grep -o '/[^ ]*'); do \
        install -D "$library" "/root-of-image$library"; \
    done; \
    install -D -m 644 /etc/ssl/certs/ca-certificates.crt /root-of-image/etc/ssl/certs/ca-certificates.crt; \
    install -d -m 700 -o 65532 -g 65532 /root-of-image/data

FROM scratch
COPY --from=build /root-of-image/ /
USER 65532:65532
WORKDIR /data
VOLUME /data
ENV LLM_GATEWAY__DATA__DIR=/data LLM_GATEWAY__SERVER__LISTEN=0.0.0.0:8080
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 CMD ["/usr/bin/llm-gateway", "health"]
ENTRYPOINT ["/usr/bin/llm-gateway"]
