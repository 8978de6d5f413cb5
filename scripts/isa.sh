#!/usr/bin/env bash
# Compiles every shader for AMD GPUs that are not here, with Mesa's RADV driver: registers, spills, occupancy, instruction
# mix, one table a GPU; and checks them by the rules in tools/isa/src/rules.rs.
#   scripts/isa.sh            tables and checks
#   scripts/isa.sh --quiet    checks only
#   scripts/isa.sh --only "matmul NT 2048" [--asm]    rows of some kernels, and their machine code
# Needs no GPU. Debian and Ubuntu: apt-get install libvulkan1 mesa-vulkan-drivers
set -euo pipefail
cd "$(dirname "$0")/.."

driver=$(find /usr/share/vulkan/icd.d /usr/local/share/vulkan/icd.d /etc/vulkan/icd.d -name 'radeon_icd*.json' 2>/dev/null |
    head -n 1 || true)
if [ -z "$driver" ]; then
    echo "shaders for AMD GPUs: skipped, no RADV driver here (Debian: libvulkan1, mesa-vulkan-drivers)"
    exit 0
fi
# The former is what older Vulkan loaders read.
export VK_ICD_FILENAMES=$driver VK_DRIVER_FILES=$driver MESA_SHADER_CACHE_DISABLE=true

target=${CARGO_TARGET_DIR:-target}
shaders=$(mktemp -d)
trap 'rm -rf "$shaders"' EXIT
scripts/shaders.sh "$shaders" spirv products
cargo build --quiet --locked --manifest-path tools/isa/Cargo.toml --target-dir "$target/isa"

# A driver that does not know a name ends the program.
is_known() { RADV_FORCE_FAMILY=$1 "$target/isa/debug/isa" --name; }

status=0
running=()
# RDNA2, RDNA3 by its newer or older name, Vega, all at once.
for names in NAVI21 "NAVI31 GFX1100" VEGA10; do
    family=""
    for name in $names; do
        if is_known "$name" >/dev/null 2>&1; then
            family=$name
            break
        fi
    done
    if [ -z "$family" ]; then
        echo "$names: skipped, this Mesa does not know it"
        continue
    fi
    (RADV_FORCE_FAMILY=$family "$target/isa/debug/isa" "$shaders/products" "$@" >"$shaders.$family") &
    running+=("$! $shaders.$family")
done
for pair in ${running[@]+"${running[@]}"}; do
    read -r process output <<<"$pair"
    wait "$process" || status=1
    cat "$output"
    rm "$output"
    echo
done
exit $status
