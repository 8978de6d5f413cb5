//! Rules for the compiled shaders.

use crate::Compiled;

/// Minimum share of fused multiply-adds in the hot loop of the largest tile, in percent: in every layout, and in the
/// best one.
struct Floor {
    every: f64,
    best: f64,
}

const RDNA: Floor = Floor {
    every: 80.0,
    best: 85.0,
};

/// On Vega the inner loop is not unrolled, so the count includes the code around it, which runs half as often.
const VEGA: Floor = Floor {
    every: 75.0,
    best: 75.0,
};

/// Prefixes of the names of products with the largest tile.
const LARGEST: [&str; 3] = [
    "matmul NN 2048x2048x1024",
    "matmul NT 2048x2048x1024",
    "matmul TN 2048x2048x1024",
];

/// Descriptions of all violated rules. `family` is that of RADV_FORCE_FAMILY.
pub fn broken(all: &[Compiled], family: &str) -> Vec<String> {
    let mut broken = Vec::new();
    for c in all {
        if c.numbers.spills > 0 || c.whole.scratch > 0 {
            broken.push(format!("{}: registers are spilled", c.name));
        }
    }
    hot_loops(all, if is_vega(family) { VEGA } else { RDNA }, &mut broken);
    accesses(all, &mut broken);
    broken
}

fn is_vega(family: &str) -> bool {
    family.to_uppercase().starts_with("VEGA")
}

fn hot_loops(all: &[Compiled], floor: Floor, broken: &mut Vec<String>) {
    let mut best: f64 = 0.0;
    for start in LARGEST {
        let mut found = false;
        for c in all.iter().filter(|c| c.name.starts_with(start)) {
            found = true;
            let share = c.longest_loop.as_ref().map_or(0.0, |l| l.fma_percent());
            best = best.max(share);
            if share < floor.every {
                broken.push(format!(
                    "{}: {share:.1}% fma in its hot loop, not {}%",
                    c.name, floor.every
                ));
            }
        }
        if !found {
            broken.push(format!("no shader of {start}"));
        }
    }
    if best < floor.best {
        broken.push(format!(
            "largest tile: {best:.1}% fma in the hot loop of the best layout, not {}%",
            floor.best
        ));
    }
}

/// Kinds of kernels whose lanes access global memory only with 16 bytes.
const WHOLE: [&str; 11] = [
    "batchnorm",
    "batchnormbackward",
    "columnsum",
    "copyiffinite",
    "dropout",
    "elementwise",
    "matmul",
    "random",
    "softmax",
    "softmaxbackward",
    "statistics",
];

/// Numbers of single words that a kernel may load and store besides accesses of 16 bytes.
fn words(c: &Compiled) -> Option<(usize, usize)> {
    match c.class.as_str() {
        // One value for the whole row.
        "elementwise" if c.name.starts_with("repeat column") => Some((1, 0)),
        class if WHOLE.contains(&class) => Some((0, 0)),
        // The first value of the row, the reference of the differences.
        "layernorm" | "layernormbackward" => Some((1, 0)),
        // A dry run stores nothing but the guard.
        "update" if c.name.starts_with("dry ") => None,
        // Loads of the guard and the step; the store of the incremented step.
        "axpby" => Some((2, 1)),
        // The step, the sample's number and its label; the label.
        "gather" if c.name.contains("floats") => Some((3, 1)),
        // As axpby, and the step's four values; a partial sum of the norm's. Whether the next steps need care is
        // stored for each of the chunks of an invocation.
        // A tensor call's test reads the guard once more for each part of the vectors that it tests.
        "update" if c.name.starts_with("test of ") && c.name.contains("norm") => Some((11, 5)),
        "update" if c.name.contains("norm") => Some((8, 5)),
        "update" => Some((6, 2)),
        _ => None,
    }
}

fn accesses(all: &[Compiled], broken: &mut Vec<String>) {
    for class in WHOLE.into_iter().chain([
        "axpby",
        "gather",
        "layernorm",
        "layernormbackward",
        "update",
    ]) {
        if !all.iter().any(|c| c.class == class) {
            broken.push(format!("no shader of kind {class}"));
        }
    }
    for c in all {
        let Some((loads, stores)) = words(c) else {
            continue;
        };
        let of = |bytes: u32| {
            let count = |accesses: &std::collections::BTreeMap<u32, usize>| {
                accesses.get(&bytes).copied().unwrap_or(0)
            };
            (count(&c.whole.loads), count(&c.whole.stores))
        };
        // The fourth factor of a group is not loaded if the rule does not use it.
        let factors = if c.name.contains("in groups") {
            3 * of(16).1
        } else {
            0
        };
        // Neighbouring words may be loaded together.
        let words = of(4).0 + 2 * of(8).0 + 3 * of(12).0;
        let holds = of(16).1 > 0
            && words <= loads + factors
            && of(4).1 <= stores
            && [8, 12].iter().all(|&bytes| of(bytes).1 == 0)
            && [1, 2].iter().all(|&bytes| of(bytes) == (0, 0));
        if !holds {
            broken.push(format!(
                "{}: not in 16 bytes a lane: {}",
                c.name,
                c.whole.traffic()
            ));
        }
    }
}
