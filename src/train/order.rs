//! Order of the samples of an epoch: single samples, or windows of sequences in parallel streams.

use crate::data::Dataset;
use crate::nn::Network;
use crate::random::{Random, Stream};

/// Order of the samples of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// Seed and epoch of a shuffled order; `None`: as stored.
    shuffled: Option<(u64, u32)>,
    /// Number of parallel streams that the windows of sequences form; `None`: single samples.
    streams: Option<usize>,
}

impl Order {
    /// The order for a network and this many rows of a batch. A state that is carried needs windows in streams.
    pub(super) fn of(network: &Network, rows: usize, shuffled: Option<(u64, u32)>) -> Self {
        Order {
            shuffled,
            streams: (!network.graph.carried.is_empty()).then_some(rows),
        }
    }

    /// The samples of a data set in this order.
    pub(super) fn apply(self, data: &Dataset) -> Vec<u32> {
        let shuffle = |indices: &mut Vec<u32>| {
            if let Some((seed, epoch)) = self.shuffled {
                Random::new(seed, Stream::Shuffle(epoch)).shuffle(indices);
            }
        };
        let mut indices: Vec<u32> = (0..data.len() as u32).collect();
        let Some(streams) = self.streams else {
            shuffle(&mut indices);
            return indices;
        };
        if !data.sequences().is_empty() {
            let mut starts = vec![0];
            starts.extend(data.sequences().iter().scan(0, |end, &windows| {
                *end += windows;
                Some(*end)
            }));
            let mut order: Vec<u32> = (0..data.sequences().len() as u32).collect();
            shuffle(&mut order);
            let windows = |&number: &u32| starts[number as usize]..starts[number as usize + 1];
            let windows = order.iter().flat_map(windows);
            indices = windows.map(|window| window as u32).collect();
        }
        side_by_side(&indices, streams)
    }
}

/// Cuts a row of windows into streams, and returns the first window of each, then the second of each, and so on. The
/// first streams are one window longer if they cannot be equal, so that a partial batch is the last.
fn side_by_side(windows: &[u32], streams: usize) -> Vec<u32> {
    let streams = streams.min(windows.len()).max(1);
    let (length, longer) = (windows.len() / streams, windows.len() % streams);
    let window = |place: usize| {
        let (turn, stream) = (place / streams, place % streams);
        windows[stream * length + stream.min(longer) + turn]
    };
    (0..windows.len()).map(window).collect()
}
