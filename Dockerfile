# syntax=docker/dockerfile:1

# slim, not alpine: several of the locked packages have wheels for glibc only.
# 3.13: the newest Python for which all of them have wheels, so that no compiler is needed.
FROM python:3.13-slim AS build

WORKDIR /src
RUN python -m venv --without-pip /opt/legwork
COPY requirements-runtime.lock ./
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/legwork/bin/python install --require-hashes --requirement requirements-runtime.lock

# From here on our own files, so that a change in them leaves the layer of packages above as it is.
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY worker worker
COPY webhook webhook
COPY sandbox sandbox
# The build backend is in the lock; nothing is fetched past it.
RUN pip --python /opt/legwork/bin/python install --no-cache-dir --no-deps --no-build-isolation .


FROM python:3.13-slim

RUN groupadd --gid 10001 legwork \
    && useradd --uid 10001 --gid legwork --home-dir /var/lib/legwork --create-home --shell /usr/sbin/nologin legwork
COPY --from=build /opt/legwork /opt/legwork

ENV PATH=/opt/legwork/bin:$PATH \
    PYTHONUNBUFFERED=1

# Where legwork.toml is looked for, and where file sinks with a relative path write.
WORKDIR /var/lib/legwork
VOLUME /var/lib/legwork
USER 10001

EXPOSE 8000
# Of the web process; a worker listens on nothing, so whoever starts one turns this off.
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ.get(\"PORT\") or 8000}/livez', timeout=4)"]

CMD ["legwork", "web"]
