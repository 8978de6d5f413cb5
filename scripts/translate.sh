#!/usr/bin/env bash
# Translates every shader into the language of each of wgpu's backends (SPIR-V, MSL, HLSL, WGSL) with naga, as wgpu does.
set -euo pipefail
cd "$(dirname "$0")/.."

version() { grep -A 1 '^name = "naga"' "$1" | tail -n 1; }
if [ "$(version Cargo.lock)" != "$(version tools/translate/Cargo.lock)" ]; then
    echo "tools/translate has another naga than wgpu: run cargo update in its folder" >&2
    exit 1
fi
target=${CARGO_TARGET_DIR:-target}/translate
shaders=$(mktemp -d)
trap 'rm -rf "$shaders"' EXIT
scripts/shaders.sh "$shaders"
# The tests of the program, which show that it refuses what it should.
cargo test --quiet --locked --manifest-path tools/translate/Cargo.toml --target-dir "$target" >/dev/null
cargo build --quiet --locked --manifest-path tools/translate/Cargo.toml --target-dir "$target"
"$target/debug/translate" "$shaders"
