# The room server, with a module built from source. Three stages, so that neither compilers nor sources
# are in what runs.
FROM rust:1-bookworm AS module
RUN apt-get update \
  && apt-get install -y --no-install-recommends cmake nasm pkg-config libvpx-dev \
  && rm -rf /var/lib/apt/lists/*
COPY --from=node:22-bookworm-slim /usr/local/bin/node /usr/local/bin/node
WORKDIR /medialoom
COPY . .
RUN node scripts/build.js

FROM node:22-bookworm-slim AS packages
WORKDIR /medialoom
COPY package.json package-lock.json .npmrc ./
COPY examples/room-server/package.json examples/room-server/
RUN npm ci --omit=dev --workspace=medialoom-room-server --no-audit --no-fund

# Debian's release of the first stage or a newer one: the module asks for its glibc.
FROM node:22-bookworm-slim
WORKDIR /medialoom
COPY --from=packages /medialoom/node_modules node_modules
COPY package.json index.js index.mjs ./
COPY lib lib
COPY examples/room-server examples/room-server
COPY --from=module /medialoom/medialoom.*.node ./
ENV NODE_ENV=production MEDIALOOM_PORT=40000 MEDIALOOM_THREADS=1
USER node
EXPOSE 3000/tcp 40000/udp 40000/tcp
CMD ["node", "examples/room-server/server.js"]
