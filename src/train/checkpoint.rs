//! Checkpoints: the whole state of a run, so that it resumes bit-exactly.

use super::metadata::Metadata;
use super::rate::{read_plateau, write_plateau};
use super::restore::MAX_EPOCHS;
use super::{Resume, Trainer};
use crate::file::write_file;
use crate::nn::{decode, encode, matching, read_tensors};
use crate::{LoadOptions, ReduceOnPlateau, Result};
use std::collections::BTreeMap;
use std::path::Path;

impl Trainer {
    /// Returns parameters, moments, carried states, step, epoch, position within the epoch, learning-rate factors and
    /// settings as the bytes of one safetensors file. It stores parameters as [`Network::save`](crate::Network::save) does. The
    /// metadata include a checksum of all other bytes. Equal states give equal bytes.
    ///
    /// # Errors
    /// Errors of the device only.
    pub async fn to_bytes_async(&mut self) -> Result<Vec<u8>> {
        self.resync().await?;
        let mut entries = self.network.entries().await?;
        for (prefix, role, copy) in self.arenas() {
            let name = |parameter: &str| format!("{prefix}.{parameter}");
            let kept = self.network.arena_entries(role, copy, name);
            entries.extend(kept.await?);
        }
        let mut metadata = BTreeMap::from([
            ("wgrad.step".to_string(), self.cursor.step.to_string()),
            ("wgrad.epoch".to_string(), self.cursor.epoch.to_string()),
            (
                "wgrad.position".to_string(),
                self.cursor.position.to_string(),
            ),
            ("wgrad.samples".to_string(), self.cursor.samples.to_string()),
            (
                "wgrad.rate_factor".to_string(),
                format!("{:?}", self.rate.factor),
            ),
            ("wgrad.settings".to_string(), self.identity()),
        ]);
        if self.settings.accumulate > 1 {
            metadata.insert(
                "wgrad.accumulation".to_string(),
                self.accumulation.group.write(),
            );
        }
        if let Some(plateau) = &self.rate.plateau {
            metadata.insert("wgrad.plateau".to_string(), write_plateau(&plateau.state));
        }
        if self.cursor.position > 0 {
            let (epoch, shift) = self.cursor.shifted;
            if epoch == self.cursor.epoch && shift != 0 {
                metadata.insert("wgrad.shift".to_string(), shift.to_string());
            }
        }
        if self.owes_end() {
            let ended = self.cursor.epoch - 1;
            metadata.insert("wgrad.ended_epoch".to_string(), ended.to_string());
        }
        if self.cursor.position > 0 || self.owes_end() {
            let losses = self.record.losses.write();
            metadata.insert("wgrad.epoch_losses".to_string(), losses);
        }
        entries.extend(self.written_states().await?);
        let (remembered, kept) = self.written_memory().await?;
        metadata.extend(remembered);
        entries.extend(kept);
        encode(entries, metadata)
    }

    /// Saves the bytes of [`Trainer::to_bytes_async`] to a file, atomically, as [`Network::save`](crate::Network::save)
    /// does.
    ///
    /// # Errors
    /// [`Io`](crate::Error::Io) if the file cannot be written; the old file is then unchanged.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn save(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let bytes = pollster::block_on(self.to_bytes_async())?;
        write_file(path.as_ref(), &bytes)
    }

    /// Resumes from a file: see [`Trainer::load_bytes_async`].
    ///
    /// # Errors
    /// [`Io`](crate::Error::Io) if the file cannot be read; and those of [`Trainer::load_bytes_async`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn load(&mut self, path: impl AsRef<Path>) -> Result<()> {
        self.load_with(path, Resume::Exact)
    }

    /// Resumes from a file whose settings differ from this trainer's, as far as the policy allows.
    ///
    /// ```
    /// use wgrad::{Adam, Dataset, Device, Resume, Sequential, Trainer};
    /// # fn main() -> wgrad::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("wgrad-resume-{}.safetensors", std::process::id()));
    /// let data = Dataset::from_floats(1, vec![0.0, 1.0], vec![0, 1], 2)?;
    /// let network = || Sequential::new(1).dense(2).build(&Device::cpu(), 1);
    /// let mut first = Trainer::builder(network()?).optimizer(Adam::new(0.1)).build()?;
    /// first.fit(&data, 5)?;
    /// first.save(&path)?;
    /// let mut second = Trainer::builder(network()?).optimizer(Adam::new(0.01)).build()?;
    /// assert!(second.load(&path).is_err()); // another learning rate
    /// second.load_with(&path, Resume::KeepMoments)?;
    /// assert_eq!(second.step_count(), 5);
    /// # std::fs::remove_file(&path).ok();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Io`](crate::Error::Io) if the file cannot be read; and those of [`Trainer::load_bytes_with_async`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn load_with(&mut self, path: impl AsRef<Path>, resume: Resume) -> Result<()> {
        let path = path.as_ref();
        let bytes = read_tensors(path, |name, header| {
            matching(name, header, &self.network.wanted(), LoadOptions::default()).map(drop)
        })?;
        let name = path.display().to_string();
        pollster::block_on(self.load_bytes_with_async(&name, &bytes, resume))
    }

    /// Resumes from the bytes of [`Trainer::to_bytes_async`]: the next step is bit-identical to that of an
    /// uninterrupted run. On error, nothing changes. `file` is the name that errors print.
    ///
    /// # Errors
    /// [`Format`](crate::Error::Format) if the bytes are not from a trainer of this network with these settings, on a
    /// device with the same [`Tuning`](crate::Tuning) (or both without one). It names each setting that differs.
    pub async fn load_bytes_async(&mut self, file: &str, bytes: &[u8]) -> Result<()> {
        self.load_bytes_with_async(file, bytes, Resume::Exact).await
    }

    /// Resumes from the bytes of [`Trainer::to_bytes_async`], with a policy on the settings that may differ.
    ///
    /// # Errors
    /// [`Format`](crate::Error::Format) if the bytes are not from a trainer of this network, or if a setting differs
    /// that the policy does not allow. It names each such setting.
    pub async fn load_bytes_with_async(
        &mut self,
        file: &str,
        bytes: &[u8],
        resume: Resume,
    ) -> Result<()> {
        self.resync().await?;
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
        let mut losses = self.record.losses.clone();
        losses.clear();
        if let Some(text) = header.metadata.get("wgrad.epoch_losses") {
            let read = losses.read(text).is_some();
            if !read && resume == Resume::Exact {
                return Err(metadata.broken("wgrad.epoch_losses", text));
            }
        }
        let owed = match header.metadata.contains_key("wgrad.ended_epoch") {
            true => Some(metadata.number("wgrad.ended_epoch", MAX_EPOCHS)? as u32),
            false => None,
        };
        let memory = self.read_memory(file, &header, bytes)?;
        let parameters = self
            .network
            .values(file, &header, bytes, LoadOptions::default())?;
        let kept = self.read_arenas(file, &header, bytes, &saved, &parameters)?;
        let states = self.read_states(file, &header, bytes, &saved)?;
        self.network.set_values(&parameters)?;
        for ((role, copy, number), values) in kept {
            self.network.write_arena(role, copy, number, &values)?;
        }
        for (input, values) in states {
            self.write_state_of(input, &values)?;
        }
        (self.cursor.step, self.cursor.epoch) = (place.step, place.epoch);
        (self.cursor.position, self.cursor.samples) = (place.position, place.samples);
        self.cursor.shifted = (place.epoch, place.shift);
        self.cursor.course = self.batches_under_way(self.cursor.samples);
        (self.accumulation.next, self.accumulation.group) = (group.clone(), group);
        self.accumulation.before.clear();
        (self.rate.factor, self.rate.plateau) = (rate_factor, plateau);
        (self.memory, self.record.losses) = (memory, losses);
        self.record.owed = owed;
        if let Some((step, _)) = self.memory.stopping.as_mut().and_then(|s| s.ended.as_mut()) {
            *step = self.cursor.step;
        }
        self.write_state()
    }
}
