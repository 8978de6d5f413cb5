//! Compilation of compute shaders for AMD GPUs that need not be present, and checks of the machine code.
//!
//!     RADV_FORCE_FAMILY=NAVI21 isa FOLDER [--quiet] [--only TEXT] [--asm]
//!     RADV_FORCE_FAMILY=NAVI21 isa --name
//!
//! FOLDER holds `kind/label.spv`. `--quiet` leaves out the table, `--only` takes the shaders whose label has the text
//! and checks nothing, `--asm` prints machine code, `--name` only names GPU and driver. Mesa's RADV driver compiles
//! for a null device where RADV_FORCE_FAMILY names a GPU, so none is needed. `scripts/isa.sh` in the library's folder
//! writes the shaders and runs this for each GPU. Exit status: 1 where a rule is broken, 2 where something is missing.

mod listing;
mod radv;
mod rules;
mod spirv;

use listing::Mix;
use radv::{Numbers, Radv};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A compiled shader.
struct Compiled {
    /// The kernel's kind, such as `matmul`, and its label.
    class: String,
    name: String,
    numbers: Numbers,
    whole: Mix,
    /// The loop with the most instructions, if there is one.
    longest_loop: Option<Mix>,
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("isa: {message}");
            ExitCode::from(2)
        }
    }
}

/// Whether every rule holds.
fn run() -> Result<bool, String> {
    let mut folder = None;
    let (mut name, mut quiet, mut asm, mut only) = (false, false, false, String::new());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--name" => name = true,
            "--quiet" => quiet = true,
            "--asm" => asm = true,
            "--only" => only = args.next().ok_or("--only needs a text")?,
            _ => folder = Some(PathBuf::from(arg)),
        }
    }
    let radv = Radv::open()?;
    println!("{}", radv.name());
    if name {
        return Ok(true);
    }
    let folder = folder.ok_or("usage: isa FOLDER [--quiet] [--only TEXT] [--asm] | --name")?;
    if !quiet {
        println!(
            "\n{:<76} {:>5} {:>5} {:>6} {:>6} {:>5} {:>5} {:>5}  global memory: count x bytes a lane",
            "kernel", "VGPRs", "SGPRs", "spills", "LDS", "waves", "loop", "fma"
        );
    }
    let mut all = Vec::new();
    for path in shaders(&folder)? {
        let (class, name) = names(&path);
        if !name.contains(&only) {
            continue;
        }
        let shader = spirv::read(&path)?;
        let (numbers, text) = radv.compile(&shader).map_err(|e| format!("{name}: {e}"))?;
        if asm {
            println!("{text}");
        }
        let (whole, longest_loop) = listing::read(&text);
        let compiled = Compiled {
            class,
            name,
            numbers,
            whole,
            longest_loop,
        };
        if !quiet {
            println!("{}", row(&compiled));
        }
        all.push(compiled);
    }
    if !only.is_empty() {
        return Ok(true);
    }
    let broken = rules::broken(&all, radv.family());
    for line in &broken {
        println!("BROKEN  {line}");
    }
    println!("{} shaders, {} broken rules", all.len(), broken.len());
    Ok(broken.is_empty())
}

fn row(c: &Compiled) -> String {
    let n = &c.numbers;
    let (length, share) = match &c.longest_loop {
        Some(mix) => (
            mix.instructions.to_string(),
            format!("{:.1}%", mix.fma_percent()),
        ),
        None => ("-".into(), "-".into()),
    };
    format!(
        "{:<76} {:>5} {:>5} {:>6} {:>6} {:>5} {:>5} {:>5}  {}",
        c.name,
        n.vgprs,
        n.sgprs,
        n.spills,
        n.lds,
        n.waves,
        length,
        share,
        c.whole.traffic()
    )
}

/// Folder and stem.
fn names(path: &Path) -> (String, String) {
    let text = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into();
    (
        text(path.parent().and_then(Path::file_name)),
        text(path.file_stem()),
    )
}

/// Every `class/name.spv`, in order.
fn shaders(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let list = |folder: &Path| -> Result<Vec<PathBuf>, String> {
        let entries =
            std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        Ok(entries.flatten().map(|entry| entry.path()).collect())
    };
    let mut found = Vec::new();
    for class in list(folder)?.iter().filter(|path| path.is_dir()) {
        found.extend(list(class)?);
    }
    found.retain(|path| path.extension().is_some_and(|e| e == "spv"));
    found.sort();
    Ok(found)
}
