//! Starts `benches/matmul.rs`.

mod launch;

fn main() -> std::process::ExitCode {
    launch::run("matmul")
}
