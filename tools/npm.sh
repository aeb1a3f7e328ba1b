#!/bin/sh
# Puts what tests/clients/package-lock.json names into .tools/npm: the linters and generators that some tests run. Each package is
# checked by its hash, and none runs a script. Once that is done it does nothing. Asks for node >= 20.19 with npm.
set -eu
cd "$(dirname "$0")/.."

if ! cmp -s tests/clients/package-lock.json .tools/npm/made-from; then
    mkdir -p .tools/npm
    cp tests/clients/package.json tests/clients/package-lock.json .tools/npm/
    npm ci --prefix .tools/npm --ignore-scripts --no-audit --no-fund --prefer-offline
    cp tests/clients/package-lock.json .tools/npm/made-from
fi
