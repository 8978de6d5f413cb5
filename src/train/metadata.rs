//! Metadata of a checkpoint.

use crate::error::clip;
use crate::nn::Header;
use crate::{Error, Result};
use std::collections::BTreeMap;

/// Reader of a file's metadata. Its errors name the file.
pub(super) struct Metadata<'a> {
    pub(super) file: &'a str,
    pub(super) entries: &'a BTreeMap<String, String>,
}

impl<'a> Metadata<'a> {
    pub(super) fn new(file: &'a str, header: &'a Header) -> Self {
        Metadata {
            file,
            entries: &header.metadata,
        }
    }

    pub(super) fn entry(&self, key: &str) -> Result<&'a String> {
        self.entries.get(key).ok_or_else(|| {
            let reason = format!("no {key} in its metadata: not a trainer's checkpoint");
            Error::format(self.file, reason)
        })
    }

    pub(super) fn number(&self, key: &str, most: u64) -> Result<u64> {
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

    pub(super) fn broken(&self, key: &str, value: &str) -> Error {
        let value = clip(value);
        let reason = format!("{key} is {value:?}, which is not valid in a checkpoint");
        Error::format(self.file, reason)
    }
}
