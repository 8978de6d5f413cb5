//! Starts a benchmark of the crate in `benches/` with the arguments of `cargo bench`.
//!
//! The benchmarks have dependencies that nothing else needs. A dev-dependency of the root package would be compiled for
//! every example and test too, so they have a crate of their own, and a bench of the root package is this launcher.

use std::path::Path;
use std::process::{Command, ExitCode};

/// Runs `cargo bench` for the benchmark of this name. Its exit code becomes this one.
pub(crate) fn run(name: &str) -> ExitCode {
    // `cargo test --benches` runs the launchers too: without `--bench`, and with nothing to do.
    if !std::env::args().any(|arg| arg == "--bench") {
        return ExitCode::SUCCESS;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["bench", "--quiet", "--package", "wgrad-benches"])
        .args(["--bench", name, "--manifest-path"])
        .arg(root.join("Cargo.toml"))
        .arg("--")
        .args(std::env::args_os().skip(1).filter(|arg| arg != "--bench"))
        .status();
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(status) => ExitCode::from(
            status
                .code()
                .and_then(|code| code.try_into().ok())
                .unwrap_or(1),
        ),
        Err(error) => {
            eprintln!("error: cargo does not start: {error}");
            ExitCode::FAILURE
        }
    }
}
