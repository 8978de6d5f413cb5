//! Starts `benches/train_step.rs`.

mod launch;

fn main() -> std::process::ExitCode {
    launch::run("train_step")
}
