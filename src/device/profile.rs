//! Timestamps of calls on a GPU: when each began and ended.

use super::{Buffer, Gpu, Readback, Recorded};
use crate::Result;

/// Most queries of one set: WebGPU's limit.
const MAX_QUERIES: usize = 4096;

/// The timestamps of a submit that is in flight.
#[derive(Debug)]
pub(crate) struct Timestamps {
    calls: usize,
    staging: Buffer,
    /// Query sets, each with the buffer that it is resolved to.
    sets: Vec<(wgpu::QuerySet, Buffer)>,
}

impl Timestamps {
    /// Allocates queries and buffers for the calls of these plans.
    pub(crate) fn new<'a>(gpu: &Gpu, plans: impl Iterator<Item = &'a Recorded>) -> Result<Self> {
        let calls: usize = plans.map(Recorded::len).sum();
        let staging = gpu.staging((16 * calls as u64).max(16))?;
        let usage = wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC;
        let mut sets = Vec::new();
        for first in (0..calls).step_by(MAX_QUERIES / 2) {
            let count = (calls - first).min(MAX_QUERIES / 2);
            let resolved = gpu.buffer("timestamps", 16 * count as u64, usage)?;
            let queries = gpu.timestamps(2 * count as u32)?;
            sets.push((queries, resolved));
        }
        Ok(Timestamps {
            calls,
            staging,
            sets,
        })
    }

    /// Encodes the calls, each in a pass of its own between two timestamps.
    pub(crate) fn encode<'a>(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        plans: impl Iterator<Item = &'a Recorded>,
    ) {
        let mut all =
            plans.flat_map(|recorded| (0..recorded.len()).map(move |call| (recorded, call)));
        let mut to = 0;
        for (queries, resolved) in &self.sets {
            let count = resolved.size() / 16;
            for (i, (recorded, call)) in (0..count as u32).zip(&mut all) {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                    label: None,
                    timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                        query_set: queries,
                        beginning_of_pass_write_index: Some(2 * i),
                        end_of_pass_write_index: Some(2 * i + 1),
                    }),
                });
                recorded.encode_call(call, &mut pass);
            }
            encoder.resolve_query_set(queries, 0..2 * count as u32, resolved, 0);
            encoder.copy_buffer_to_buffer(resolved, 0, &self.staging, to, 16 * count);
            to += 16 * count;
        }
    }

    /// Waits for the timestamps of a submit: begin and end of each call, in seconds since a fixed moment of the device.
    pub(crate) async fn read(
        self,
        gpu: &Gpu,
        submission: wgpu::SubmissionIndex,
    ) -> Result<Vec<[f64; 2]>> {
        let tick = f64::from(gpu.timestamp_period()) * 1e-9;
        let seconds = |low: u32, high: u32| (u64::from(high) << 32 | u64::from(low)) as f64 * tick;
        let times = |words: &[u32]| {
            let calls = words.chunks_exact(4).take(self.calls);
            calls
                .map(|w| [seconds(w[0], w[1]), seconds(w[2], w[3])])
                .collect()
        };
        let readback = Readback::request(gpu, &self.staging, self.staging.size(), submission)?;
        Ok(readback.finish(gpu, times).await?.0)
    }
}
