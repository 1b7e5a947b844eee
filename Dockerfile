# Gatepost as a small image: the program, the certificates it trusts, and a user without rights.

FROM rust:1-bookworm AS build
# libpq is built from source with OpenSSL, so that PostgreSQL can be reached over TLS
RUN apt-get update \
    && apt-get install -y --no-install-recommends libssl-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN cargo build --profile dist --locked --features postgres-tls -p gatepost-server

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl libssl3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home --home-dir /var/lib/gatepost gatepost \
    && install -d -o gatepost -g gatepost -m 0700 /var/lib/gatepost/data
COPY --from=build /source/target/dist/gatepost /usr/local/bin/gatepost
USER gatepost
WORKDIR /var/lib/gatepost
# the SQLite database and the master key, unless the settings say otherwise
VOLUME /var/lib/gatepost/data
ENV GATEPOST__SERVER__LISTEN=0.0.0.0:8480
EXPOSE 8480
# the server stops accepting after server.shutdown_delay and then finishes what it answers
STOPSIGNAL SIGTERM
ENTRYPOINT ["gatepost"]
CMD ["serve"]
