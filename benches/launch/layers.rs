//! Starts `benches/layers.rs`.

mod launch;

fn main() -> std::process::ExitCode {
    launch::run("layers")
}
