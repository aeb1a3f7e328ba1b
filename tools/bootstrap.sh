#!/bin/sh
# Makes .venv: what a lock names, each package checked by its hash, then Legwork itself. Once that is done it does nothing.
#
#   tools/bootstrap.sh runtime       what Legwork needs to run
#   tools/bootstrap.sh development   the same, and what its tests and checks need
#   tools/bootstrap.sh uv            prints where uv is, which it fetches if need be
#
# Asks for Python >= 3.11 with pip, and for no venv module. PYTHON names the interpreter of a new .venv, if it matters.
set -eu
cd "$(dirname "$0")/.."

stamp=.venv/made-from

die() {
    echo "bootstrap: $*" >&2
    exit 1
}

lock_of() {
    case $1 in
    runtime) echo requirements-runtime.lock ;;
    development) echo requirements.lock ;;
    *) die "runtime, development or uv, not '$1'" ;;
    esac
}

# All that .venv is made from. The folder counts too: a .venv that was moved does not work.
sources_of() {
    printf '%s\n' "$1" "$(pwd)"
    cksum "$(lock_of "$1")" pyproject.toml tools/bootstrap.sh
}

is_made() {
    [ -x .venv/bin/python ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(sources_of "$1")" ]
}

find_python() {
    set -- python3 python3.14 python3.13 python3.12 python3.11 python
    [ -z "${PYTHON:-}" ] || set -- "$PYTHON"
    for name; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            "$name" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    die "found no Python >= 3.11; install one, or name it: make run PYTHON=/path/to/python3"
}

pip() {
    # the first two may be set otherwise, and would send packages elsewhere or refuse to install any
    PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
        "$python" -m pip "$@"
}

find_uv() {
    command -v uv && return
    [ -x .tools/bin/uv ] || pip install --quiet --upgrade --require-hashes --target .tools --requirement requirements-uv.lock >&2
    echo .tools/bin/uv
}

# --no-build-isolation: what builds our own package is in the lock too, so nothing is fetched past it.
install_with_uv() {
    uv=$(find_uv) &&
        "$uv" venv --quiet --allow-existing --python "$python" .venv &&
        "$uv" pip sync --quiet --python .venv/bin/python --require-hashes "$lock" &&
        "$uv" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
}

# --without-pip: Debian without python3-venv has the venv module, and lacks only the pip that it would put there.
install_with_pip() {
    "$python" -m venv --without-pip .venv &&
        pip --python .venv/bin/python install --quiet --require-hashes --requirement "$lock" &&
        pip --python .venv/bin/python install --quiet --no-deps --no-build-isolation --editable .
}

want=${1:-}
if [ "$want" = uv ]; then
    python=$(find_python)
    find_uv
    exit
fi
lock=$(lock_of "$want")
is_made "$want" && exit 0
if [ "$want" = runtime ] && [ -f "$stamp" ] && grep -qx development "$stamp"; then
    # it has more than was asked for, or had; taking that away again would only make the next `make test` slow
    want=development
    lock=$(lock_of "$want")
    is_made "$want" && exit 0
fi

python=$(find_python)
command -v uv >/dev/null || pip --version >/dev/null 2>&1 ||
    die "$python has no pip; install it (Debian: apt install python3-pip), or uv"

echo "bootstrap: making .venv ($want) with $python" >&2
.venv/bin/python -c '' 2>/dev/null || rm -rf .venv                      # made with a Python that is gone
[ ! -f "$stamp" ] || grep -qxF "$(pwd)" "$stamp" || rm -rf .venv        # made in another folder
rm -f "$stamp"
export UV_PYTHON_DOWNLOADS=never
install_with_uv || {
    echo "bootstrap: uv did not do it; trying pip, which takes longer" >&2
    install_with_pip || die "could not install the packages of $lock; the lines above say why"
}
sources_of "$want" >"$stamp"
