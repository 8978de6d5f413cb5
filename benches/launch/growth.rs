//! Starts `benches/growth.rs`.

mod launch;

fn main() -> std::process::ExitCode {
    launch::run("growth")
}
