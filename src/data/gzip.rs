//! Decompression of gzip files with several members.

use flate2::bufread::GzDecoder;
use std::io::{BufRead, Read, Result};

/// The decompressed members of a gzip file, one after the other. Zeros after the last member are padding, as on tapes.
pub(super) struct Members<R> {
    /// The current member; `None` at the end of the file.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Members<R> {
    pub(super) fn new(file: R) -> Self {
        Members {
            member: Some(GzDecoder::new(file)),
        }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        while let Some(member) = &mut self.member {
            // At the end of a member, this also verifies length and checksum.
            let read = member.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            if let Some(mut file) = self.member.take().map(GzDecoder::into_inner)
                && has_more(&mut file)?
            {
                self.member = Some(GzDecoder::new(file));
            }
        }
        Ok(0)
    }
}

/// Skips zeros. Returns whether another member follows.
fn has_more(file: &mut impl BufRead) -> Result<bool> {
    loop {
        let bytes = file.fill_buf()?;
        let (zeros, length) = (
            bytes.iter().take_while(|&&byte| byte == 0).count(),
            bytes.len(),
        );
        file.consume(zeros);
        if zeros < length || length == 0 {
            return Ok(length > 0);
        }
    }
}
