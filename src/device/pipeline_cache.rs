//! A cache of compiled pipelines in a file, for adapters that support it (Vulkan).

use super::guarded::{catch, panicked};
use crate::file::{read_file, write_file};
use crate::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Size of the longest file that is read, in bytes. Drivers need a few kilobytes for each pipeline.
const MAX_BYTES: u64 = 1 << 28;

/// The compiled pipelines of one adapter, and their file.
#[derive(Debug)]
pub(super) struct PipelineCache {
    pub(super) raw: wgpu::PipelineCache,
    /// Identifies the adapter.
    key: String,
    file: PathBuf,
    /// Whether pipelines were compiled since the last save.
    pub(super) changed: AtomicBool,
}

impl PipelineCache {
    /// Opens the adapter's file in this folder. Without a valid file the cache is empty. `None` if the adapter does
    /// not support pipeline caches.
    #[expect(
        unsafe_code,
        reason = "the only way to give compiled pipelines back to a driver"
    )]
    pub(super) fn open(
        device: &wgpu::Device,
        info: &wgpu::AdapterInfo,
        folder: &Path,
    ) -> Option<Self> {
        if !device.features().contains(wgpu::Features::PIPELINE_CACHE) {
            return None;
        }
        let key = wgpu::util::pipeline_cache_key(info)?;
        let file = folder.join(&key);
        let saved = read_file(&file, MAX_BYTES).unwrap_or_default();
        let data = decode(&key, &saved);
        if data.is_none() && !saved.is_empty() {
            log::warn!("{}: not a whole pipeline cache of {key}", file.display());
        }
        let descriptor = wgpu::PipelineCacheDescriptor {
            label: Some("wgrad"),
            data,
            // wgpu starts with an empty cache if the driver's version has changed.
            fallback: true,
        };
        // SAFETY: the data were returned by `PipelineCache::get_data` for an adapter with this key. `decode` accepts
        // nothing else: the header must be that of `encode` with this key, and length and checksum must match the
        // data. A forged file could pass, so the documentation of the option demands a folder that nobody else can
        // write to.
        let raw = unsafe { device.create_pipeline_cache(&descriptor) };
        Some(PipelineCache {
            raw,
            key,
            file,
            changed: AtomicBool::new(false),
        })
    }

    /// Replaces the file. Returns whether the driver had anything to save.
    pub(super) fn save(&self) -> Result<bool> {
        let data = catch(|| self.raw.get_data()).map_err(|words| panicked(&words))?;
        let Some(data) = data else {
            return Ok(false);
        };
        self.changed.store(false, Ordering::Relaxed);
        let folder = self.file.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(|source| Error::Io {
            path: folder.to_path_buf(),
            source,
        })?;
        write_file(&self.file, &encode(&self.key, &data))?;
        Ok(true)
    }
}

impl Drop for PipelineCache {
    /// Saves the cache. An error can only be logged here.
    fn drop(&mut self) {
        if self.changed.load(Ordering::Relaxed)
            && let Err(error) = self.save()
        {
            log::warn!("the pipeline cache was not saved: {error}");
        }
    }
}

/// A line with the adapter's key, the length and the CRC-32 of the data, then the data.
fn encode(key: &str, data: &[u8]) -> Vec<u8> {
    let mut file = header(key, data).into_bytes();
    file.extend_from_slice(data);
    file
}

/// The data of a file that [`encode`] wrote with this key; `None` for any other file.
fn decode<'a>(key: &str, file: &'a [u8]) -> Option<&'a [u8]> {
    let end = file.iter().position(|&byte| byte == b'\n')?;
    let (line, data) = file.split_at(end + 1);
    (line == header(key, data).as_bytes()).then_some(data)
}

fn header(key: &str, data: &[u8]) -> String {
    let mut crc = flate2::Crc::new();
    crc.update(data);
    format!(
        "wgrad pipeline cache 1 {key} {} {:08x}\n",
        data.len(),
        crc.sum()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_encoded_for_the_adapter_is_decoded() {
        let data = [b"WGPUPLCH\n".as_slice(), &[0, 255, 10]].concat();
        let file = encode("key_1_2", &data);
        assert_eq!(decode("key_1_2", &file), Some(data.as_slice()));
        assert_eq!(decode("key_1_3", &file), None);
        for end in 0..file.len() {
            assert_eq!(decode("key_1_2", &file[..end]), None, "cut at {end}");
        }
        assert_eq!(decode("key_1_2", &[file.as_slice(), &[0]].concat()), None);
        for bit in 0..8 * file.len() {
            let mut damaged = file.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode("key_1_2", &damaged), None, "bit {bit}");
        }
        assert_eq!(decode("key_1_2", &data), None);
        assert_eq!(decode("", b""), None);
    }
}
