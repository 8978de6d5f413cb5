#!/usr/bin/env bash
# Sets up and passes all tests: formatting, lints, docs, unit and integration tests, doc tests, examples.
# The GPU tests need a Vulkan, Metal or DX12 adapter; where there is none, this installs a software one with apt.
set -euo pipefail
cd "$(dirname "$0")/.."

has_adapter() { cargo run --quiet --release --example adapters 2>/dev/null | grep -q .; }

if ! has_adapter; then
    if command -v apt-get >/dev/null; then
        echo "no GPU adapter: installing lavapipe, a software Vulkan driver"
        sudo=""
        if [ "$(id -u)" -ne 0 ]; then sudo=sudo; fi
        $sudo apt-get update -qq
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq libvulkan1 mesa-vulkan-drivers >/dev/null
    else
        echo "no GPU adapter: install a Vulkan driver (Linux: Mesa's lavapipe, package mesa-vulkan-drivers or" \
            "vulkan-swrast; Windows and macOS bring one) and run this again" >&2
        exit 1
    fi
fi
# Mesa prints a harmless line where this is not set.
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-$(mktemp -d)}"
echo "adapters:"
cargo run --quiet --release --example adapters

cargo fmt --check
cargo clippy --quiet --release --all-targets -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --quiet --release --no-deps
cargo test --release --all-targets
cargo test --release --doc
