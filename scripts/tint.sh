#!/usr/bin/env bash
# Compiles every shader that a browser can get with Tint, Chrome's compiler, in a headless Chromium. naga, which wgpu uses,
# accepts some of what Tint refuses. Debian and Ubuntu: apt-get install nodejs chromium
set -euo pipefail
cd "$(dirname "$0")/.."

browser=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
if [ -z "$browser" ] || ! command -v node >/dev/null; then
    echo "shaders for browsers: skipped, no Chromium or no Node.js here (Debian: nodejs, chromium)"
    exit 0
fi
shaders=$(mktemp -d)
trap 'rm -rf "$shaders"' EXIT
scripts/shaders.sh "$shaders" wgsl gpu software
CHROMIUM=$browser node tools/tint/check.mjs "$shaders"
