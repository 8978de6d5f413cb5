//! Checkpoints: all that a run needs to go on as if it had not stopped.

use super::Trainer;
use super::group::Group;
use super::rate::{read_plateau, write_plateau};
use crate::error::clip;
use crate::file::write_file;
use crate::graph::names::{ACCUMULATED, AVERAGE, MOMENTS};
use crate::nn::{Wanted, decode, encode, matching, matching_by_name, read_tensors};
use crate::plan::Role;
use crate::{Error, LoadOptions, Result};
use std::collections::BTreeMap;
use std::path::Path;

/// The most steps and epochs that a checkpoint may have behind it.
const MOST_STEPS: u64 = 1 << 62;
const MOST_EPOCHS: u64 = 1 << 31;

impl Trainer {
    /// Parameters, moments, step, epoch, place within the epoch, factors of the rate, and settings, as the bytes of one
    /// safetensors file. The parameters lie in it as in [`Network::save`](crate::Network::save). The metadata hold a checksum
    /// of all other bytes. Equal states are equal bytes.
    ///
    /// # Errors
    /// Only the device's.
    pub async fn to_bytes_async(&mut self) -> Result<Vec<u8>> {
        self.settle().await?;
        let mut entries = self.network.entries().await?;
        for (prefix, role, copy) in self.arenas() {
            let name = |parameter: &str| format!("{prefix}.{parameter}");
            let kept = self.network.arena_entries(role, copy, name);
            entries.extend(kept.await?);
        }
        let mut metadata = BTreeMap::from([
            ("wgrad.step".to_string(), self.step.to_string()),
            ("wgrad.epoch".to_string(), self.epoch.to_string()),
            ("wgrad.position".to_string(), self.position.to_string()),
            ("wgrad.samples".to_string(), self.samples.to_string()),
            (
                "wgrad.rate_factor".to_string(),
                format!("{:?}", self.rate_factor),
            ),
            ("wgrad.settings".to_string(), self.identity()),
        ]);
        if self.settings.accumulate > 1 {
            metadata.insert("wgrad.accumulation".to_string(), self.group.write());
        }
        if let Some(plateau) = &self.plateau {
            metadata.insert("wgrad.plateau".to_string(), write_plateau(&plateau.state));
        }
        encode(entries, metadata)
    }

    /// Saves [`Trainer::to_bytes_async`] to a file, in one step, as [`Network::save`](crate::Network::save).
    ///
    /// # Errors
    /// [`Io`](Error::Io) if the file cannot be written; the old one is still there then.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn save(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let bytes = pollster::block_on(self.to_bytes_async())?;
        write_file(path.as_ref(), &bytes)
    }

    /// [`Trainer::load_bytes_async`] from a file.
    ///
    /// # Errors
    /// [`Io`](Error::Io) if the file cannot be read; and those of [`Trainer::load_bytes_async`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn load(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let bytes = read_tensors(path, |name, header| {
            matching(name, header, &self.network.wanted(), LoadOptions::default()).map(drop)
        })?;
        pollster::block_on(self.load_bytes_async(&path.display().to_string(), &bytes))
    }

    /// Goes on from the bytes of [`Trainer::to_bytes_async`]: the next step has the bits it would have had. All is
    /// replaced, or, on error, nothing. `file` stands in errors.
    ///
    /// # Errors
    /// [`Format`](Error::Format) if they were not saved by a trainer of this network with these settings, on a device
    /// with the same choices in its [`Tuning`](crate::Tuning), or both without one.
    pub async fn load_bytes_async(&mut self, file: &str, bytes: &[u8]) -> Result<()> {
        self.settle().await?;
        let header = decode(file, bytes)?;
        let entry = |key: &str| {
            let value = header.metadata.get(key);
            value.ok_or_else(|| {
                Error::format(
                    file,
                    format!("no {key} in its metadata: not a trainer's checkpoint"),
                )
            })
        };
        let number = |key: &str| {
            let value = entry(key)?;
            value.parse::<u64>().map_err(|_| {
                Error::format(
                    file,
                    format!("{key} is {:?}, expected a number", clip(value)),
                )
            })
        };
        let step = number("wgrad.step")?;
        let (epoch, position) = (number("wgrad.epoch")?, number("wgrad.position")?);
        let samples = number("wgrad.samples")?;
        let whole = |key: &str, value: u64| {
            u32::try_from(value).map_err(|_| {
                Error::format(file, format!("{key} is {value}, expected less than 2³²"))
            })
        };
        // Far from where counting on would overflow.
        let countable = |key: &str, value: u64, most: u64| match value <= most {
            true => Ok(value),
            false => Err(Error::format(
                file,
                format!("{key} is {value}, expected at most {most}"),
            )),
        };
        let step = countable("wgrad.step", step, MOST_STEPS)?;
        let epoch = countable("wgrad.epoch", epoch, MOST_EPOCHS)? as u32;
        let (position, samples) = (
            whole("wgrad.position", position)?,
            whole("wgrad.samples", samples)?,
        );
        let broken = |key: &str, value: &str| {
            let value = clip(value);
            Error::format(file, format!("{key} is {value:?}, which no trainer wrote"))
        };
        let factor = entry("wgrad.rate_factor")?;
        let rate_factor = match factor.parse::<f64>() {
            Ok(rate_factor) if rate_factor.is_finite() && rate_factor >= 0.0 => rate_factor,
            _ => return Err(broken("wgrad.rate_factor", factor)),
        };
        let batches = self.batches(samples as usize);
        if position > 0 && position as usize >= batches {
            return Err(broken("wgrad.position", entry("wgrad.position")?));
        }
        self.check_settings(file, entry("wgrad.settings")?)?;
        let group = match header.metadata.get("wgrad.accumulation") {
            _ if self.settings.accumulate == 1 => Group::default(),
            Some(text) => {
                let terms = self.network.terms.len();
                let group = Group::read(text, terms, self.settings.accumulate);
                group.ok_or_else(|| broken("wgrad.accumulation", text))?
            }
            // As it was before updates ended with their epoch.
            None => self.group_of_means(step.into()),
        };
        let mut plateau = self.plateau;
        if let Some(plateau) = &mut plateau {
            let text = entry("wgrad.plateau")?;
            plateau.state = read_plateau(text).ok_or_else(|| broken("wgrad.plateau", text))?;
        }
        let parameters = self
            .network
            .values(file, &header, bytes, LoadOptions::default())?;
        let (mut kept, mut wanted) = (Vec::new(), Vec::new());
        for (prefix, role, copy) in self.arenas() {
            for (number, parameter) in self.network.graph.parameters.iter().enumerate() {
                kept.push((role, copy, number));
                wanted.push(Wanted {
                    name: format!("{prefix}.{}", parameter.name),
                    shape: parameter.dimensions(),
                });
            }
        }
        // What other trainers keep may lie beside, and so do the parameters.
        let found = matching_by_name(file, &header, &wanted)?;
        let mut values = Vec::new();
        for (&(role, copy, number), tensor) in kept.iter().zip(found) {
            values.push(if self.never_negative(role, copy, number) {
                tensor.values_not_negative(file, bytes)?
            } else {
                tensor.values(file, bytes)?
            });
        }
        self.network.set_values(&parameters)?;
        for ((role, copy, number), values) in kept.into_iter().zip(values) {
            self.network.write_arena(role, copy, number, &values)?;
        }
        (self.step, self.epoch) = (step, epoch);
        (self.position, self.samples) = (position as usize, samples as usize);
        (self.rate_factor, self.plateau) = (rate_factor, plateau);
        (self.group, self.course) = (group, batches);
        self.next_group = self.group.clone();
        self.groups.clear();
        self.write_state()
    }

    /// The arenas that the next steps depend on.
    fn arenas(&self) -> Vec<Kept> {
        let moments = (0..self.moments()).map(|moment| {
            (
                format!("{MOMENTS}.{moment}"),
                Role::Moments as fn(usize) -> Role,
                moment,
            )
        });
        let mut arenas: Vec<Kept> = moments.collect();
        if self.settings.average.is_some() {
            arenas.push((AVERAGE.to_string(), Role::Average, 0));
        }
        // Sums between updates are of the phase under way, which the step tells.
        if self.settings.accumulate > 1 {
            arenas.push((ACCUMULATED.to_string(), Role::Accumulated, 0));
        }
        arenas
    }

    /// Whether a tensor of an arena holds means of squares, or the like.
    fn never_negative(&self, role: fn(usize) -> Role, copy: usize, parameter: usize) -> bool {
        // Phases with moments share no parameter, so the moment is of the phase that trains this one.
        let of_moment = matches!(role(0), Role::Moments(_));
        let mut phases = self.phases.iter();
        of_moment
            && phases.any(|steps| steps.trained[parameter] && steps.optimizer.never_negative(copy))
    }
}

/// The name of an arena in a checkpoint, its role, and which copy in it.
type Kept = (String, fn(usize) -> Role, usize);
