# Parley with the model that ships with it. docs/running.md says how to run it.
#
#   docker build -t parley .
#   docker run --init -p 3000:3000 -v parley:/data parley

FROM node:22-bookworm AS build
WORKDIR /app
COPY . .
# Compiles the native kernels for every instruction set; the best one is chosen where the image runs.
RUN npm ci \
 && npm run build:web \
 && npm prune --omit=dev --ignore-scripts

FROM node:22-bookworm-slim
ENV NODE_ENV=production PARLEY_HOME=/data
WORKDIR /app
COPY --from=build /app /app
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 3000
# Loading a large model takes a while.
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT ?? 3000) + '/healthz').then((health) => process.exit(health.ok ? 0 : 1), () => process.exit(1))"]
# Not by way of npx, which would keep the signal that ends it to itself.
CMD ["node", "cli/bin.mjs", "serve", "--host", "0.0.0.0", "--log-level", "info"]
