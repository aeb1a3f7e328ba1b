#!/usr/bin/env bash
# Measures, without a container engine, what the Dockerfile puts on top of its base image, in bytes, and adds the base.
#
# It installs what the Dockerfile installs (the same lines of the same lock, by hash, wheels for musl and Python 3.13), takes
# away the build backend, adds our own packages and compiles all of it. What is not measured: the base image, whose size is
# the one that docker-library/repo-info tells for python:3.13-alpine (3.13.15, August 2026), and the image as an engine packs it.
set -euo pipefail
cd "$(dirname "$0")/.."

BASE=45580000
LIMIT=200000000
ARCHITECTURE="${1:-x86_64}"

tools/bootstrap.sh runtime
uv="$(tools/bootstrap.sh uv)"
into="$(mktemp -d)"
trap 'rm -rf "$into"' EXIT
narrow="$(sed -n "s/.*awk '\(.*\)' requirements-runtime.lock.*/\1/p" Dockerfile)"
awk "$narrow" requirements-runtime.lock > "$into/image.lock"
"$uv" pip install --quiet --target "$into/packages" --python-version 3.13 \
    --python-platform "$ARCHITECTURE-unknown-linux-musl" --only-binary :all: --no-deps --require-hashes \
    --requirement "$into/image.lock"
for package in $(sed -n 's/.*uninstall --yes //p' Dockerfile | tr - _); do
    rm -r "$into/packages/$package" "$into/packages/$package"-*.dist-info
done
cp -R schemas worker webhook sandbox "$into/packages"
find "$into/packages" -name __pycache__ -prune -exec rm -rf {} +
# Of the Python that is here: the bytecode of 3.13 is as large within some percent.
.venv/bin/python -m compileall -q "$into/packages" || true

ours="$(find "$into/packages" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }')"
echo "ours $ours, base $BASE, together $((ours + BASE)) of $LIMIT ($ARCHITECTURE)"
test $((ours + BASE)) -lt "$LIMIT"
