//! Checkpoints: all that a run needs to go on as if it had not stopped.

use super::group::Group;
use super::phase::Steps;
use super::rate::{read_plateau, write_plateau};
use super::resume::Saved;
use super::{Resume, Trainer};
use crate::error::clip;
use crate::file::write_file;
use crate::graph::names::{ACCUMULATED, AVERAGE, MOMENTS};
use crate::nn::{Header, Wanted, decode, encode, matching, matching_by_name, read_tensors};
use crate::plan::Role;
use crate::{Error, LoadOptions, ReduceOnPlateau, Result};
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
        if self.position > 0 {
            let (epoch, shift) = self.shifted;
            if epoch == self.epoch && shift != 0 {
                metadata.insert("wgrad.shift".to_string(), shift.to_string());
            }
        }
        if self.owes_end() {
            let ended = self.epoch - 1;
            metadata.insert("wgrad.ended_epoch".to_string(), ended.to_string());
        }
        if self.position > 0 || self.owes_end() {
            let losses = self.epoch_losses.write();
            metadata.insert("wgrad.epoch_losses".to_string(), losses);
        }
        let (remembered, kept) = self.written_memory().await?;
        metadata.extend(remembered);
        entries.extend(kept);
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
        self.load_with(path, Resume::Exact)
    }

    /// Goes on from a file whose settings are not this trainer's, as far as the policy allows.
    ///
    /// ```
    /// use wgrad::{Adam, Dataset, Device, Resume, Sequential, Trainer};
    /// # fn main() -> wgrad::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("wgrad-resume-{}.safetensors", std::process::id()));
    /// let data = Dataset::from_floats(1, vec![0.0, 1.0], vec![0, 1], 2)?;
    /// let network = || Sequential::new(1).dense(2).build(&Device::cpu(), 1);
    /// let mut first = Trainer::new(network()?).optimizer(Adam::new(0.1)).build()?;
    /// first.fit(&data, 5)?;
    /// first.save(&path)?;
    /// let mut second = Trainer::new(network()?).optimizer(Adam::new(0.01)).build()?;
    /// assert!(second.load(&path).is_err()); // another learning rate
    /// second.load_with(&path, Resume::KeepMoments)?;
    /// assert_eq!(second.step_count(), 5);
    /// # std::fs::remove_file(&path).ok();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Io`](Error::Io) if the file cannot be read; and those of [`Trainer::load_bytes_with_async`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn load_with(&mut self, path: impl AsRef<Path>, resume: Resume) -> Result<()> {
        let path = path.as_ref();
        let bytes = read_tensors(path, |name, header| {
            matching(name, header, &self.network.wanted(), LoadOptions::default()).map(drop)
        })?;
        let name = path.display().to_string();
        pollster::block_on(self.load_bytes_with_async(&name, &bytes, resume))
    }

    /// Goes on from the bytes of [`Trainer::to_bytes_async`]: the next step has the bits it would have had. All is
    /// replaced, or, on error, nothing. `file` stands in errors.
    ///
    /// # Errors
    /// [`Format`](Error::Format) if they were not saved by a trainer of this network with these settings, on a device
    /// with the same choices in its [`Tuning`](crate::Tuning), or both without one. It names each setting that differs.
    pub async fn load_bytes_async(&mut self, file: &str, bytes: &[u8]) -> Result<()> {
        self.load_bytes_with_async(file, bytes, Resume::Exact).await
    }

    /// The same with a policy on the settings that may differ.
    ///
    /// # Errors
    /// [`Format`](Error::Format) if they were not saved by a trainer of this network, or with settings that the policy does
    /// not allow. It names each of those.
    pub async fn load_bytes_with_async(
        &mut self,
        file: &str,
        bytes: &[u8],
        resume: Resume,
    ) -> Result<()> {
        self.settle().await?;
        let header = decode(file, bytes)?;
        let metadata = Metadata::new(file, &header);
        let saved = self.accept_settings(file, metadata.entry("wgrad.settings")?, resume)?;
        let mut place = self.read_place(&metadata, &saved)?;
        let group = self.read_group(&metadata, &saved, &mut place)?;
        let factor = metadata.entry("wgrad.rate_factor")?;
        let rate_factor = match factor.parse::<f64>() {
            Ok(rate_factor) if rate_factor.is_finite() && rate_factor >= 0.0 => rate_factor,
            _ => return Err(metadata.broken("wgrad.rate_factor", factor)),
        };
        let mut plateau = self
            .settings
            .plateau
            .map(ReduceOnPlateau::build)
            .transpose()?;
        if let (Some(plateau), true) = (&mut plateau, saved.same_plateau) {
            let text = metadata.entry("wgrad.plateau")?;
            let state = read_plateau(text);
            plateau.state = state.ok_or_else(|| metadata.broken("wgrad.plateau", text))?;
        }
        let mut losses = self.epoch_losses.clone();
        losses.clear();
        if let Some(text) = header.metadata.get("wgrad.epoch_losses") {
            let read = losses.read(text).is_some();
            if !read && resume == Resume::Exact {
                return Err(metadata.broken("wgrad.epoch_losses", text));
            }
        }
        let owed = match header.metadata.contains_key("wgrad.ended_epoch") {
            true => Some(metadata.number("wgrad.ended_epoch", MOST_EPOCHS)? as u32),
            false => None,
        };
        let memory = self.read_memory(file, &header, bytes)?;
        let parameters = self
            .network
            .values(file, &header, bytes, LoadOptions::default())?;
        let kept = self.read_arenas(file, &header, bytes, &saved, &parameters)?;
        self.network.set_values(&parameters)?;
        for ((role, copy, number), values) in kept {
            self.network.write_arena(role, copy, number, &values)?;
        }
        (self.step, self.epoch) = (place.step, place.epoch);
        (self.position, self.samples) = (place.position, place.samples);
        self.shifted = (place.epoch, place.shift);
        self.course = self.batches_under_way(self.samples);
        (self.next_group, self.group) = (group.clone(), group);
        self.groups.clear();
        (self.rate_factor, self.plateau) = (rate_factor, plateau);
        (self.memory, self.epoch_losses) = (memory, losses);
        self.owed = owed;
        if let Some((step, _)) = self.memory.stopping.as_mut().and_then(|s| s.ended.as_mut()) {
            *step = self.step;
        }
        self.write_state()
    }

    /// Step, epoch and place within it, for this trainer's settings.
    fn read_place(&self, metadata: &Metadata<'_>, saved: &Saved) -> Result<Place> {
        // Far from where counting on would overflow.
        let step = metadata.number("wgrad.step", MOST_STEPS)?;
        let epoch = metadata.number("wgrad.epoch", MOST_EPOCHS)? as u32;
        const MOST: u64 = u32::MAX as u64;
        let position = metadata.number("wgrad.position", MOST)? as usize;
        let samples = metadata.number("wgrad.samples", MOST)? as usize;
        let shift = match metadata.entries.get("wgrad.shift") {
            None => 0,
            Some(text) => {
                let shift = text.parse::<i32>();
                i64::from(shift.map_err(|_| metadata.broken("wgrad.shift", text))?)
            }
        };
        let next_epoch = || {
            let next = epoch.checked_add(1);
            next.ok_or_else(|| metadata.broken("wgrad.epoch", &epoch.to_string()))
        };
        // Samples of the epoch that are done.
        let done = (position * saved.batch_size) as i64 + shift;
        if position > 0 && !(1..samples as i64).contains(&done) {
            return Err(metadata.broken("wgrad.position", metadata.entry("wgrad.position")?));
        }
        let mut place = Place {
            step,
            epoch,
            position,
            shift,
            samples,
        };
        if position > 0 && !saved.same_order {
            place.epoch = next_epoch()?;
            (place.position, place.shift) = (0, 0);
        } else if position > 0 && saved.batch_size != self.settings.batch_size {
            // An epoch under way is at least at its second batch.
            let batch_size = self.settings.batch_size as i64;
            let batches = (done / batch_size).max(1);
            (place.position, place.shift) = (batches as usize, done - batches * batch_size);
        }
        // Too few samples are left for a whole batch, where a smaller one is left out.
        if place.position > 0 && self.batches(samples - done as usize) == 0 {
            place.epoch = next_epoch()?;
            (place.position, place.shift) = (0, 0);
        }
        Ok(place)
    }

    /// Where accumulation stands. Under another number of micro-batches the updates that were done stay.
    fn read_group(
        &self,
        metadata: &Metadata<'_>,
        saved: &Saved,
        place: &mut Place,
    ) -> Result<Group> {
        let (before, now) = (saved.accumulate, self.settings.accumulate);
        let group = match metadata.entries.get("wgrad.accumulation") {
            _ if before == 1 => Group {
                updates: place.step,
                ..Group::default()
            },
            Some(text) => {
                let group = Group::read(text, self.network.terms.len(), before);
                group.ok_or_else(|| metadata.broken("wgrad.accumulation", text))?
            }
            // As it was before updates ended with their epoch.
            None => self.group_of_means(place.step, before),
        };
        if before == now {
            return Ok(if now == 1 { Group::default() } else { group });
        }
        if group.micro > 0 {
            return Err(Error::format(
                metadata.file,
                "an update is half done: another number of accumulated batches fits between two updates only",
            ));
        }
        if now == 1 {
            // Each step is an update then.
            place.step = group.updates;
            return Ok(Group::default());
        }
        Ok(group)
    }

    /// What a file holds for each parameter beside it, or what takes its place under other settings.
    fn read_arenas(
        &self,
        file: &str,
        header: &Header,
        bytes: &[u8],
        saved: &Saved,
        parameters: &[Vec<f32>],
    ) -> Result<Vec<(Part, Vec<f32>)>> {
        let (mut all, mut kept, mut wanted) = (Vec::new(), Vec::new(), Vec::new());
        for (prefix, role, copy) in self.arenas() {
            for (number, parameter) in self.network.graph.parameters.iter().enumerate() {
                let part = (role, copy, number);
                let floats = parameter.shape.rows * parameter.shape.cols;
                match role(0) {
                    Role::Moments(_) if saved.thawed[number] => {
                        let trains = |steps: &&Steps| steps.trained[number];
                        let steps = self.phases.iter().find(trains);
                        let first = steps.map_or(0.0, |steps| steps.optimizer.initial_moment());
                        all.push((part, vec![first; floats]));
                    }
                    Role::Average(_) if !saved.averaged => {
                        all.push((part, parameters[number].clone()));
                    }
                    Role::Accumulated(_) if saved.accumulate != self.settings.accumulate => {
                        all.push((part, vec![0.0; floats]));
                    }
                    _ => {
                        kept.push(part);
                        wanted.push(Wanted {
                            name: format!("{prefix}.{}", parameter.name),
                            shape: parameter.dimensions(),
                        });
                    }
                }
            }
        }
        // What other trainers keep may lie beside, and so do the parameters.
        let found = matching_by_name(file, header, &wanted)?;
        for ((role, copy, number), tensor) in kept.into_iter().zip(found) {
            let values = if self.never_negative(role, copy, number) {
                tensor.values_not_negative(file, bytes)?
            } else {
                tensor.values(file, bytes)?
            };
            all.push(((role, copy, number), values));
        }
        Ok(all)
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

/// The tensor of an arena: its role, the copy, and the parameter's number.
type Part = (fn(usize) -> Role, usize, usize);

/// Where a trainer is.
struct Place {
    step: u64,
    epoch: u32,
    position: usize,
    shift: i64,
    samples: usize,
}

/// What a file's metadata say, or an error that names the file.
struct Metadata<'a> {
    file: &'a str,
    entries: &'a BTreeMap<String, String>,
}

impl<'a> Metadata<'a> {
    fn new(file: &'a str, header: &'a Header) -> Self {
        Metadata {
            file,
            entries: &header.metadata,
        }
    }

    fn entry(&self, key: &str) -> Result<&'a String> {
        self.entries.get(key).ok_or_else(|| {
            let reason = format!("no {key} in its metadata: not a trainer's checkpoint");
            Error::format(self.file, reason)
        })
    }

    fn number(&self, key: &str, most: u64) -> Result<u64> {
        let value = self.entry(key)?;
        let number = value.parse::<u64>().map_err(|_| {
            let reason = format!("{key} is {:?}, expected a number", clip(value));
            Error::format(self.file, reason)
        })?;
        if number > most {
            let reason = format!("{key} is {number}, expected at most {most}");
            return Err(Error::format(self.file, reason));
        }
        Ok(number)
    }

    fn broken(&self, key: &str, value: &str) -> Error {
        let value = clip(value);
        let reason = format!("{key} is {value:?}, which no trainer wrote");
        Error::format(self.file, reason)
    }
}
