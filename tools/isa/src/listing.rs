//! Parser of RADV's machine code listings.

use std::collections::{BTreeMap, HashMap};

/// Instruction counts of a piece of code.
#[derive(Default)]
pub struct Mix {
    /// All instructions; a pair that is issued together counts as two.
    pub instructions: usize,
    /// Fused multiply-adds among them.
    pub fma: usize,
    /// Loads from global memory, by bytes a lane; without scalar loads.
    pub loads: BTreeMap<u32, usize>,
    /// Stores to global memory, by bytes a lane.
    pub stores: BTreeMap<u32, usize>,
    /// Atomics on global memory.
    pub atomics: usize,
    /// Loads from and stores to scratch memory.
    pub scratch: usize,
}

impl Mix {
    /// Fused multiply-adds among all instructions, in percent.
    pub fn fma_percent(&self) -> f64 {
        100.0 * self.fma as f64 / self.instructions.max(1) as f64
    }

    /// The accesses to global memory, in words.
    pub fn traffic(&self) -> String {
        let of = |what: &str, counts: &BTreeMap<u32, usize>| {
            let list: Vec<String> = counts
                .iter()
                .rev()
                .map(|(bytes, count)| format!("{count}x{bytes}"))
                .collect();
            (!list.is_empty()).then(|| format!("{what} {}", list.join(" ")))
        };
        let atomics = (self.atomics > 0).then(|| format!("atomic {}", self.atomics));
        let parts = [of("load", &self.loads), of("store", &self.stores), atomics];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn count(&mut self, line: &str) {
        for half in line.split(" :: ") {
            let name = half.split_whitespace().next().unwrap_or_default();
            let kinds = ["v_", "s_", "ds_", "buffer_", "global_", "flat_", "scratch_"];
            if !kinds.iter().any(|kind| name.starts_with(kind)) {
                continue;
            }
            self.instructions += 1;
            let fma = ["v_fma", "v_dual_fma", "v_pk_fma", "v_mac_f32", "v_mad_f32"];
            self.fma += usize::from(fma.iter().any(|start| name.starts_with(start)));
            self.scratch += usize::from(name.starts_with("scratch_"));
            let Some(access) = ["buffer_", "global_", "flat_"]
                .iter()
                .find_map(|space| name.strip_prefix(space))
            else {
                continue;
            };
            if let Some(width) = access.strip_prefix("load_") {
                *self.loads.entry(bytes(width)).or_default() += 1;
            } else if let Some(width) = access.strip_prefix("store_") {
                *self.stores.entry(bytes(width)).or_default() += 1;
            } else if access.starts_with("atomic_") {
                self.atomics += 1;
            }
        }
    }
}

/// Bytes of an access, from the suffix of its name: `b128` on RDNA3 is `dwordx4` on earlier GPUs.
fn bytes(width: &str) -> u32 {
    match width {
        "dwordx4" | "b128" => 16,
        "dwordx3" | "b96" => 12,
        "dwordx2" | "b64" => 8,
        "dword" | "b32" => 4,
        _ if width.contains("16") || width.contains("short") => 2,
        _ => 1,
    }
}

/// Counts of the whole listing, and of its largest loop.
pub fn read(listing: &str) -> (Mix, Option<Mix>) {
    let lines: Vec<&str> = listing
        .lines()
        .map(|line| line.split(';').next().unwrap_or_default().trim())
        .collect();
    let mix = |lines: &[&str]| {
        let mut mix = Mix::default();
        lines.iter().for_each(|line| mix.count(line));
        mix
    };
    // A branch back to the label of a block closes a loop.
    let mut labels = HashMap::new();
    let mut longest: Option<Mix> = None;
    for (n, line) in lines.iter().enumerate() {
        if let Some(label) = line.strip_suffix(':') {
            labels.insert(label, n);
        }
        if line.starts_with("s_cbranch") || line.starts_with("s_branch") {
            let target = line.split_whitespace().nth(1).unwrap_or_default();
            if let Some(&start) = labels.get(target) {
                let body = mix(&lines[start..=n]);
                if longest
                    .as_ref()
                    .is_none_or(|l| body.instructions > l.instructions)
                {
                    longest = Some(body);
                }
            }
        }
    }
    (mix(&lines), longest)
}
