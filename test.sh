#!/usr/bin/env bash
# Passes all tests on a machine that has Rust, Python 3 with venv, and a C compiler. What the tests need beside that
# (a Django server with its packages) they install into target/ themselves.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

need() { command -v "$1" >/dev/null || { echo "test.sh needs $1: $2" >&2; exit 1; }; }
need cargo "see https://rustup.rs"
need python3 "on Debian: apt-get install python3 python3-venv"
need cc "on Debian: apt-get install gcc libc6-dev"

# The end-to-end tests run the real binary.
cargo build -p keyway-cli
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace "$@"
    cargo test --workspace --doc
else
    cargo test --workspace "$@"
fi
