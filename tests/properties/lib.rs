//! Property tests over random inputs, which proptest draws, and shrinks after a failure.
#![cfg(test)]

mod any_file;
mod damaged_files;
#[path = "../common/files.rs"]
#[allow(dead_code, reason = "the tests of the root package use the rest")]
mod files;
#[path = "../common/idx.rs"]
mod idx;
