#!/usr/bin/env bash
# Sets up and passes all tests: formatting, lints, docs, unit and integration tests, doc tests, the main example.
# The GPU tests need a Vulkan, Metal or DX12 adapter; where there is none, this installs a software one with apt.
set -euo pipefail
cd "$(dirname "$0")/.."

# Mesa prints a harmless line where this is not set.
if [ -z "${XDG_RUNTIME_DIR:-}" ]; then
    XDG_RUNTIME_DIR=$(mktemp -d)
    export XDG_RUNTIME_DIR
fi

# Compiling takes longest. What only helps to compile it again, or to read a backtrace, is left out.
export CARGO_INCREMENTAL=${CARGO_INCREMENTAL:-0} CARGO_PROFILE_DEV_DEBUG=${CARGO_PROFILE_DEV_DEBUG:-0}

adapters() { cargo run --quiet --example adapters; }

# Installs Debian packages, where that can be done.
install() {
    command -v apt-get >/dev/null || return 1
    local sudo=""
    if [ "$(id -u)" -ne 0 ]; then sudo=sudo; fi
    $sudo apt-get update -qq &&
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

cargo build --examples
if [ -z "$(adapters)" ]; then
    echo "no GPU adapter: installing lavapipe, a software Vulkan driver"
    install libvulkan1 mesa-vulkan-drivers || true
    if [ -z "$(adapters)" ]; then
        echo "no GPU adapter: install a Vulkan driver (Linux: Mesa's lavapipe, package mesa-vulkan-drivers or" \
            "vulkan-swrast; Windows and macOS bring one) and run this again" >&2
        exit 1
    fi
fi
echo "adapters:"
adapters

if ! command -v chromium chromium-browser google-chrome >/dev/null || ! command -v node >/dev/null; then
    echo "installing Chromium and Node.js, to compile the shaders as a browser does"
    install chromium nodejs || true
fi

cargo fmt --all --check
for crate in benches/peers/burn tools/isa tools/translate; do cargo fmt --check --manifest-path "$crate/Cargo.toml"; done
# The benchmarks have no tests, and would change the features of shared dependencies, which would all be built again.
# With `--examples`, cargo would build each of them once more, as a test; only mnist has tests.
members=(--workspace --exclude wgrad-benches)
tests=("${members[@]}" --test '*' --example mnist)
# The unit tests hardly compute, so the library is compiled for them without optimisation, in a fraction of the time.
unit_tests() { CARGO_PROFILE_TEST_OPT_LEVEL=0 cargo test "$@"; }
cargo test --no-run "${tests[@]}"
unit_tests --no-run "${members[@]}" --lib

# All that follows the build leaves a core idle for much of its time, so the checks run beside the tests.
checks() {
    set -e
    echo "== clippy"
    cargo clippy --quiet --workspace --all-targets -- -D warnings
    echo "== doc"
    # With an example, cargo takes the features of the development dependencies, for which clippy has checked them all.
    RUSTDOCFLAGS="-D warnings" cargo doc --quiet --workspace --no-deps --lib --example adapters
    # The oldest Rust that is promised, where it is at hand.
    oldest=$(rustup toolchain list 2>/dev/null | grep -o '^1\.89[^ ]*' | head -n 1 || true)
    if [ -n "$oldest" ]; then
        echo "== check with Rust $oldest"
        cargo "+$oldest" check --quiet --lib --target-dir target/msrv
    fi
    echo "== shaders in the languages of all platforms"
    ./scripts/translate.sh
    # What the shaders become on GPUs that are not here, where there is a compiler for them.
    echo "== shaders for AMD GPUs"
    ./scripts/isa.sh --quiet
    # Whether Chrome's compiler takes those that a browser can get.
    echo "== shaders for browsers"
    ./scripts/tint.sh
    # And Microsoft's, for DX12.
    echo "== shaders for DX12"
    ./scripts/hlsl.sh
}
log=$(mktemp)
# In a process group of its own, which ends with this script.
set -m
# The tests take cargo's lock of the target folder first, and leave it once they run.
{ sleep 3; checks; } >"$log" 2>&1 </dev/null &
checks=$!
set +m
finish() {
    kill -- "-$checks" 2>/dev/null || true
    rm -f "$log"
}
trap finish EXIT

cargo test "${tests[@]}"
unit_tests "${members[@]}" --lib
cargo test --doc

# The main job: digits are read, and the last line is what scripts expect.
for device in cpu software; do
    last=$(cargo run --quiet --example mnist -- --device "$device" --hidden 128 --epochs 4 | tail -n 1)
    echo "$last"
    pattern='^test_accuracy=0\.9[0-9]{3} test_loss=0\.[0-9]{4} train_seconds=[0-9]+\.[0-9] device=".+"$'
    if ! [[ $last =~ $pattern ]]; then
        echo "the example mnist did not end as it should" >&2
        exit 1
    fi
done

# What the checks said, the last of them, if they failed, why.
status=0
wait "$checks" || status=$?
cat "$log"
if [ "$status" -ne 0 ]; then
    echo "the last of these checks failed" >&2
    exit 1
fi
