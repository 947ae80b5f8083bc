#!/usr/bin/env bash
# Passes all tests on a machine that has Rust, Python 3 with venv, a C compiler, and Chromium with its driver. What the
# tests need beside that (a Django server with its packages) they install into target/ themselves.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

need() { command -v "$1" >/dev/null || { echo "test.sh needs $1: $2" >&2; exit 1; }; }
# A bare CI machine gets what it lacks; on somebody's own machine nothing is installed unasked.
has_venv() { python3 -c 'import ensurepip, venv' 2>/dev/null; }
if [ "${CI:-}" = true ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    has_venv && command -v cc >/dev/null || { apt-get update -q && apt-get install -y -q python3 python3-venv gcc libc6-dev; }
    command -v chromedriver >/dev/null ||
        { apt-get update -q && apt-get install -y -q --no-install-recommends chromium chromium-driver; }
    # Not for tests, but for what CI does after them.
    command -v valgrind >/dev/null || { apt-get update -q && apt-get install -y -q --no-install-recommends valgrind; }
fi
need cargo "see https://rustup.rs"
need cc "on Debian: apt-get install gcc libc6-dev"
need chromedriver "on Debian: apt-get install chromium chromium-driver"
has_venv || need python3-with-venv "on Debian: apt-get install python3 python3-venv"

# The end-to-end tests run the real binary.
cargo build -p keyway-cli
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace "$@"
    cargo test --workspace --doc
else
    cargo test --workspace "$@"
fi
