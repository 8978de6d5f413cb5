//! Algorithms of the matrix product, and the choice of an algorithm for a shape.

use super::call::Matmul;
use super::thin::{self, THIN_TILES, ThinTile};
use super::tiled::{self, TILES, Tile};
use crate::kernel::base::product::{Layout, Variant};
use crate::kernel::base::program::MAX_ITERATIONS;
use crate::kernel::base::{Capabilities, MatrixShape};
use crate::kernel::software::matmul_direct;
use std::fmt;

/// An algorithm of the matrix product: a kernel with its sizes. Each is valid for every shape, layout and epilogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Algorithm {
    /// Operands in registers only: [`matmul_direct`].
    Direct,
    /// Tiles in workgroup memory: [`tiled`].
    Tiled(Tile),
    /// Operands in registers, for few rows or columns: [`thin`].
    Thin(ThinTile),
}

/// Number of invocations that is assumed to keep a GPU busy: 8 waves of 32 for each of 128 multiprocessors.
const BUSY: usize = 1 << 15;

/// Number of multiply-adds that a GPU is assumed to execute in the time of loading one float into a workgroup.
const BALANCE: usize = 32;

/// Contiguous floats that are loaded together. A shorter run costs as much as a full one.
const RUN: usize = 16;

impl Algorithm {
    /// The algorithms for GPUs, the largest tile first.
    pub(crate) fn for_gpus() -> impl Iterator<Item = Algorithm> {
        let tiled = TILES.into_iter().map(Algorithm::Tiled);
        tiled.chain(THIN_TILES.into_iter().map(Algorithm::Thin))
    }

    /// All algorithms.
    pub(crate) fn all() -> impl Iterator<Item = Algorithm> {
        std::iter::once(Algorithm::Direct).chain(Algorithm::for_gpus())
    }

    /// The algorithm for a product: the tuning's choice, if the tuning contains the shape; else [`Algorithm::Direct`]
    /// on an adapter that runs on a CPU; else [`Algorithm::of_lowest_cost`].
    ///
    /// An adapter that runs on a CPU may bound the loop iterations of an invocation. If K is too long for that bound,
    /// an algorithm is chosen whose invocations share K.
    pub(crate) fn choose(call: &Matmul, capabilities: &Capabilities) -> Algorithm {
        let tuned = capabilities
            .tuning
            .as_ref()
            .and_then(|tuning| tuning.algorithm(call));
        let algorithm = tuned.unwrap_or_else(|| {
            if capabilities.software {
                Algorithm::Direct
            } else {
                Algorithm::of_lowest_cost(call)
            }
        });
        let fits = |algorithm: &Algorithm| {
            algorithm.variant(call, capabilities).iterations as u64 <= MAX_ITERATIONS
        };
        if !capabilities.bounded || fits(&algorithm) {
            return algorithm;
        }
        let thin_tiles = THIN_TILES.into_iter().map(Algorithm::Thin);
        // The last thin tile has the most slices: if even its loops are too long, the call is refused.
        let sharing = thin_tiles.filter(fits).min_by_key(|tile| tile.cost(call));
        sharing.unwrap_or(Algorithm::Thin(THIN_TILES[THIN_TILES.len() - 1]))
    }

    /// The algorithm for a GPU with the lowest modelled cost: work over the fraction of the GPU that is busy. Ties go
    /// to the largest tile.
    ///
    /// - **Work** is the work of a workgroup for each k, times K, times the number of workgroups. For each k, an m×n
    ///   tile takes m·n multiply-adds, even if C does not fill the tile, and m + n loads, each counted as 32
    ///   multiply-adds. K is rounded up to whole depths of a tile. So if all algorithms keep the GPU busy, the largest
    ///   tile is best, unless C leaves much of it empty, or K much of its depth.
    /// - **Busy** is a GPU with at least 2¹⁵ invocations. For a C of fewer than 2²¹ elements, the largest tile has
    ///   fewer invocations; smaller tiles and slices give more.
    ///
    /// The cost depends only on shape and layout, so equal runs make equal choices on every adapter.
    pub(crate) fn of_lowest_cost(call: &Matmul) -> Algorithm {
        Algorithm::for_gpus()
            .min_by_key(|algorithm| algorithm.cost(call))
            .unwrap_or(Algorithm::Direct)
    }

    /// Modelled cost, in arbitrary units.
    pub(super) fn cost(&self, call: &Matmul) -> u128 {
        let (m, n, depth, invocations) = match self {
            Algorithm::Direct => return u128::MAX,
            Algorithm::Tiled(tile) => {
                let tile = tiled::for_depth(*tile, call.k);
                (tile.m, tile.n, tile.k, tile.invocations())
            }
            Algorithm::Thin(tile) => {
                let blocks = tile.down * tile.across;
                let (m, n) = (4 * tile.down, 4 * tile.across);
                (m, n, 4 * tile.slices, blocks * tile.slices)
            }
        };
        let workgroups = call.matrices() * call.m.div_ceil(m) * call.n.div_ceil(n);
        let loaded = floats_of_side(m, call.a(), call.layout != Layout::TN)
            + floats_of_side(n, call.b(), call.layout == Layout::NT);
        let k = call.k.div_ceil(depth).max(1) * depth;
        let work = workgroups as u128 * (m * n + BALANCE * loaded) as u128 * k as u128;
        work * BUSY as u128 / (workgroups * invocations).clamp(1, BUSY) as u128
    }

    pub(crate) fn variant(&self, call: &Matmul, capabilities: &Capabilities) -> Variant {
        match self {
            Algorithm::Direct => {
                let sizes = [call.m, call.n, call.k];
                let matrices = call.matrices();
                matmul_direct::variant(sizes, matrices, call.bias_gradient, capabilities)
            }
            Algorithm::Tiled(tile) => tiled::variant(call, tile),
            Algorithm::Thin(tile) => thin::variant(call, tile),
        }
    }

    /// Parses the [`Display`](fmt::Display) form.
    pub(crate) fn named(name: &str) -> Option<Algorithm> {
        Algorithm::all().find(|algorithm| algorithm.to_string() == name)
    }
}

/// Number of floats loaded for each k for a tile's side of `len` rows or columns of a matrix.
fn floats_of_side(len: usize, matrix: MatrixShape, along_k: bool) -> usize {
    if along_k {
        len
    } else {
        len.max(RUN.min(matrix.ld()))
    }
}

/// Rows × columns of C that a workgroup computes, × slices if there is more than one; or `direct`.
impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (m, n, slices) = match self {
            Algorithm::Direct => return f.write_str("direct"),
            Algorithm::Tiled(tile) => (tile.m, tile.n, tile.slices),
            Algorithm::Thin(tile) => (4 * tile.down, 4 * tile.across, tile.slices),
        };
        write!(f, "{m}x{n}")?;
        if slices > 1 {
            write!(f, "x{slices}")?;
        }
        Ok(())
    }
}

/// For each GPU algorithm, a product that selects it in every layout, and the number of workgroups.
#[cfg(test)]
pub(crate) const CHOICES: [(&str, [usize; 3], usize); 9] = [
    ("128x128", [2048, 2048, 1024], 256),
    ("64x64", [1024, 1024, 1024], 256),
    ("64x64x2", [1024, 512, 512], 128),
    ("32x32", [512, 512, 8], 256),
    ("32x32x4", [256, 512, 784], 128),
    ("16x16x16", [64, 512, 784], 128),
    ("4x16x64", [4, 4096, 4096], 256),
    ("16x4x64", [4096, 4, 4096], 256),
    ("4x4x256", [4, 512, 1024], 128),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(layout: Layout, [m, n, k]: [usize; 3]) -> (String, usize) {
        let capabilities = Capabilities {
            software: false,
            bounded: false,
            subgroup: None,
            loads64: false,
            tuning: None,
        };
        let call = Matmul::plain(m, n, k, layout);
        let algorithm = Algorithm::choose(&call, &capabilities);
        let workgroups = algorithm.variant(&call, &capabilities).workgroups;
        (algorithm.to_string(), workgroups)
    }

    #[test]
    fn every_algorithm_is_chosen_by_some_shape() {
        let mut algorithms: Vec<String> = Algorithm::for_gpus()
            .map(|algorithm| algorithm.to_string())
            .collect();
        for (algorithm, shape, workgroups) in CHOICES {
            for layout in Layout::ALL {
                let found = chosen(layout, shape);
                assert_eq!(
                    found,
                    (algorithm.to_string(), workgroups),
                    "{layout:?} {shape:?}"
                );
            }
            algorithms.retain(|other| other != algorithm);
        }
        assert_eq!(algorithms, Vec::<String>::new(), "never chosen");
    }

    #[test]
    fn products_of_small_networks_spread_over_a_gpu() {
        for (layout, shape, algorithm, workgroups) in [
            // A step of the network 784-512-512-10 on batches of 64: forward, backward, weight gradients.
            (Layout::NT, [64, 512, 784], "16x16x16", 128),
            (Layout::NT, [64, 10, 512], "4x4x256", 48),
            (Layout::NN, [64, 512, 10], "16x16x16", 128),
            (Layout::NN, [64, 512, 512], "16x16x16", 128),
            (Layout::TN, [512, 784, 64], "64x64x2", 104),
            (Layout::TN, [10, 512, 64], "16x16x16", 32),
            // Large batches and a narrow end.
            (Layout::TN, [10, 512, 4096], "4x16x64", 96),
            (Layout::NT, [4096, 10, 512], "16x16x16", 256),
            (Layout::NT, [65_536, 10, 512], "16x16x16", 4096),
            // One sample.
            (Layout::NT, [1, 512, 784], "4x4x256", 128),
            (Layout::NT, [1, 10, 512], "4x4x256", 3),
            // The smallest product, and empty products.
            (Layout::NT, [1, 1, 1], "16x16x16", 1),
            (Layout::NN, [64, 512, 0], "16x16x16", 128),
            (Layout::TN, [0, 512, 64], "128x128", 0),
        ] {
            let found = chosen(layout, shape);
            assert_eq!(
                found,
                (algorithm.to_string(), workgroups),
                "{layout:?} {shape:?}"
            );
        }
    }

    #[test]
    fn an_adapter_that_bounds_loops_gets_no_more_iterations_with_kernels_for_hardware() {
        for layout in Layout::ALL {
            for shape in [
                [2048, 2048, 300_001],
                [64, 512, 5_000_000],
                [4, 4, 20_000_000],
            ] {
                let [m, n, k] = shape;
                let call = Matmul::plain(m, n, k, layout);
                let capabilities = Capabilities {
                    software: false,
                    bounded: true,
                    subgroup: None,
                    loads64: false,
                    tuning: None,
                };
                let chosen = Algorithm::choose(&call, &capabilities);
                let iterations = chosen.variant(&call, &capabilities).iterations as u64;
                assert!(
                    iterations <= MAX_ITERATIONS,
                    "{chosen} for {layout:?} {shape:?}"
                );
            }
        }
    }

    #[test]
    fn names_are_read_back() {
        assert_eq!(Algorithm::all().count(), 10);
        for algorithm in Algorithm::all() {
            assert_eq!(Algorithm::named(&algorithm.to_string()), Some(algorithm));
        }
        assert_eq!(Algorithm::named("32x32x2"), None);
    }
}
