//! Profile of training steps: the time of each kernel call.

use super::Trainer;
use crate::Result;
use crate::data::Dataset;
use crate::executor::CallTime;
use std::collections::BTreeMap;
use std::fmt;

/// Times of the kernel calls of some training steps. A GPU measures them by timestamp queries, with each call in its
/// own compute pass; the CPU uses the clock. Its [`Display`](fmt::Display) form is a table with the slowest kernels
/// first.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Profile {
    /// Name of the device, as in its report.
    pub device: String,
    /// The calls, in the order in which they ran.
    pub calls: Vec<ProfiledCall>,
}

/// One kernel call.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ProfiledCall {
    /// Name of the kernel, with its shape.
    pub kernel: String,
    /// Start in seconds, counted from the start of the first call.
    pub begin: f64,
    /// Duration in seconds.
    pub seconds: f64,
    /// Bytes read and written; each argument is counted once.
    pub bytes: u64,
    /// Floating-point operations; a fused multiply-add counts two.
    pub flops: u64,
}

impl Profile {
    fn new(device: String, calls: Vec<CallTime>) -> Self {
        let start = calls.first().map_or(0.0, |call| call.begin);
        let timed = |call: CallTime| ProfiledCall {
            begin: call.begin - start,
            // A clock too coarse for the call must not cause a division by zero.
            seconds: (call.end - call.begin).max(1e-9),
            kernel: call.label,
            bytes: call.bytes,
            flops: call.flops,
        };
        Profile {
            device,
            calls: calls.into_iter().map(timed).collect(),
        }
    }

    /// Total duration of all calls in seconds.
    pub fn seconds(&self) -> f64 {
        self.calls.iter().map(|call| call.seconds).sum()
    }

    /// Returns the calls as a trace in Chrome's JSON format, for chrome://tracing and ui.perfetto.dev.
    pub fn to_trace(&self) -> String {
        let escape = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let event = |call: &ProfiledCall| {
            format!(
                r#"{{"name":"{}","ph":"X","pid":0,"tid":0,"ts":{:.3},"dur":{:.3},"args":{{"bytes":{},"flops":{}}}}}"#,
                escape(&call.kernel),
                1e6 * call.begin,
                1e6 * call.seconds,
                call.bytes,
                call.flops
            )
        };
        let name = format!(
            r#"{{"name":"process_name","ph":"M","pid":0,"args":{{"name":"{}"}}}}"#,
            escape(&self.device)
        );
        let events = std::iter::once(name).chain(self.calls.iter().map(event));
        let events: Vec<String> = events.collect();
        format!("{{\"traceEvents\":[\n{}\n]}}\n", events.join(",\n"))
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// The calls of one kernel.
        #[derive(Default)]
        struct Sum {
            calls: usize,
            seconds: f64,
            bytes: u64,
            flops: u64,
        }
        let mut kernels: BTreeMap<&str, Sum> = BTreeMap::new();
        for call in &self.calls {
            let sum = kernels.entry(&call.kernel).or_default();
            sum.calls += 1;
            sum.seconds += call.seconds;
            sum.bytes += call.bytes;
            sum.flops += call.flops;
        }
        let mut kernels: Vec<_> = kernels.into_iter().collect();
        kernels.sort_by(|(_, a), (_, b)| b.seconds.total_cmp(&a.seconds));
        writeln!(f, "{}", self.device)?;
        writeln!(
            f,
            "{:<60} {:>6} {:>11} {:>8} {:>8} {:>7}",
            "kernel", "calls", "µs a call", "GB/s", "GFLOP/s", "share"
        )?;
        for (kernel, sum) in kernels {
            writeln!(
                f,
                "{kernel:<60} {:>6} {:>11.1} {:>8.2} {:>8.2} {:>5.1} %",
                sum.calls,
                1e6 * sum.seconds / sum.calls as f64,
                1e-9 * sum.bytes as f64 / sum.seconds,
                1e-9 * sum.flops as f64 / sum.seconds,
                100.0 * sum.seconds / self.seconds()
            )?;
        }
        Ok(())
    }
}

impl Trainer {
    /// Trains for `steps` steps with the same bits as [`Trainer::steps_async`], and times every kernel call. Timed
    /// calls cannot overlap, so the steps take longer than usual.
    ///
    /// ```
    /// use wgrad::{Dataset, Device, Sequential, Trainer};
    /// # fn main() -> wgrad::Result<()> {
    /// let data = Dataset::from_floats(2, vec![0., 0., 0., 1., 1., 0., 1., 1.], vec![0, 1, 1, 0], 2)?;
    /// let network = Sequential::new(2).dense(8).tanh().dense(2).build(&Device::cpu(), 1)?;
    /// let mut trainer = Trainer::builder(network).batch_size(4).build()?;
    /// let profile = trainer.profile(&data, 3)?;
    /// assert_eq!(profile.calls.len(), 3 * trainer.dispatches_per_step());
    /// println!("{profile}");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`Trainer::steps_async`]; and [`Argument`](crate::Error::Argument) if the adapter has no timestamp
    /// queries.
    pub async fn profile_async(&mut self, data: &Dataset, steps: u64) -> Result<Profile> {
        /// Ends the timing, even if the future is dropped.
        struct Timing<'a>(&'a mut Trainer);
        impl Drop for Timing<'_> {
            fn drop(&mut self) {
                self.0.network.executor.drop_profile();
            }
        }
        self.resync().await?;
        let timing = Timing(self);
        timing.0.network.executor.start_profile()?;
        timing.0.steps_async(data, steps).await?;
        let calls = timing.0.network.executor.end_profile().await?;
        let device = timing.0.network.device.report().to_string();
        Ok(Profile::new(device, calls))
    }

    /// Blocking form of [`Trainer::profile_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn profile(&mut self, data: &Dataset, steps: u64) -> Result<Profile> {
        pollster::block_on(self.profile_async(data, steps))
    }
}
