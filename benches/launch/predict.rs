//! Starts `benches/predict.rs`.

mod launch;

fn main() -> std::process::ExitCode {
    launch::run("predict")
}
