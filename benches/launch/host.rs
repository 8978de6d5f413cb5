//! Starts `benches/host.rs`.

mod launch;

fn main() -> std::process::ExitCode {
    launch::run("host")
}
