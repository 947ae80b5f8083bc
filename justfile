# The verbs that CI runs. `just` lists them.

default:
    @just --list

# Build the command for use.
build:
    cargo build --release

# Run the command with the simulator.
try *ARGS:
    cargo run -- {{ARGS}}

# All tests: sets up what they need.
test:
    ./test.sh

# Format.
fmt:
    cargo fmt --all

# Lint as CI does.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# Documentation of the crates, without warnings.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Write schemas/ anew from the Rust types.
schemas:
    cargo run --quiet -p keyway --example schemas
    KEYWAY_BLESS=1 cargo test --quiet -p keyway-tests --test schemas reference

# Write docs/components/ anew from the components.
pages:
    cargo build -p keyway-cli
    for file in components/*/component.json; do name=$(basename "$(dirname "$file")"); target/debug/keyway component show "./$file" --markdown > "docs/components/$name.md"; done

# Advisories, licences, bans and sources of the dependencies (needs cargo-deny and, for advisories, their database).
deny:
    cargo deny check

# Every fuzz target for so many seconds (needs the nightly toolchain and cargo-fuzz).
fuzz SECONDS:
    for target in $(cargo +nightly fuzz list); do cargo +nightly fuzz run --sanitizer none $target fuzz/corpus/$target -- -max_total_time={{SECONDS}} -dict=fuzz/dictionaries/json.dict -max_len=4096 -timeout=20 || exit 1; done

# Keyway beside bare loops and beside what people use today: docs/performance.md (needs taskset; Node and Python if there).
bench *ARGS:
    cargo build --release -p keyway-cli -p keyway-bench
    target/release/keyway-bench all {{ARGS}}

# Instructions of the cores, against their budget (needs valgrind; with --clients strace, too).
bench-count *ARGS="--check":
    cargo build --profile counted -p keyway-bench
    target/counted/keyway-bench count {{ARGS}}

# All that CI runs.
ci:
    .ci/run
