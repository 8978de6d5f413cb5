//! Translation of compute shaders into the languages of wgpu's backends, by naga, as wgpu does it.
//!
//!     translate FROM                  validates every FROM/**/*.wgsl and translates it into every language
//!     translate FROM TO LANGUAGE      writes each as TO/**: spirv, msl, hlsl60 for DXC, hlsl51 for FXC, or wgsl
//!
//! `scripts/translate.sh` and `scripts/shaders.sh` in the library's folder write the shaders and run this. Exit status:
//! 1 where a shader is refused, 2 where something is missing.

mod language;
#[cfg(test)]
mod tests;

use language::{Language, Shader};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("translate: {message}");
            ExitCode::from(2)
        }
    }
}

/// The number of shaders that are refused.
fn run(args: Vec<String>) -> Result<usize, String> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        [from] => check(Path::new(from)),
        [from, to, name] => {
            let language = Language::ALL.into_iter().find(|l| l.name() == name);
            let names = Language::ALL.map(Language::name).join(", ");
            let language = language
                .ok_or_else(|| format!("expected a language, one of {names}; found {name}"))?;
            write(Path::new(from), Path::new(to), language)
        }
        _ => Err("expected FROM, or FROM TO LANGUAGE".into()),
    }
}

/// Translates every shader of a folder into every language that can express it.
fn check(from: &Path) -> Result<usize, String> {
    let mut seen = HashSet::new();
    let (mut refused, mut translations) = (0, 0);
    for path in shaders(from)? {
        let source = read(&path)?;
        if seen.contains(&source) {
            continue;
        }
        let all = || -> Result<usize, String> {
            let shader = Shader::new(&source)?;
            let languages = Language::ALL.into_iter().filter(|l| l.takes(&source));
            languages.map(|l| translated(&shader, l).map(|_| 1)).sum()
        };
        match all() {
            Ok(count) => translations += count,
            Err(message) => {
                println!("{}\n{message}", path.display());
                refused += 1;
            }
        }
        seen.insert(source);
    }
    println!(
        "naga takes {} of {} shaders ({translations} translations)",
        seen.len() - refused,
        seen.len()
    );
    Ok(refused)
}

/// Writes every shader of a folder in a language, except those that the language cannot express.
fn write(from: &Path, to: &Path, language: Language) -> Result<usize, String> {
    let (mut refused, mut left_out) = (0, 0);
    for path in shaders(from)? {
        let source = read(&path)?;
        if !language.takes(&source) {
            left_out += 1;
            continue;
        }
        let text = match Shader::new(&source).and_then(|shader| translated(&shader, language)) {
            Ok(text) => text,
            Err(message) => {
                println!("{}\n{message}", path.display());
                refused += 1;
                continue;
            }
        };
        let path = to.join(path.strip_prefix(from).unwrap_or(&path));
        let path = path.with_extension(language.extension());
        let written = std::fs::create_dir_all(path.parent().unwrap_or(to))
            .and_then(|()| std::fs::write(&path, text));
        written.map_err(|e| format!("{}: {e}", path.display()))?;
    }
    if left_out > 0 {
        println!(
            "left out: {left_out} shaders that {} cannot express",
            language.name()
        );
    }
    Ok(refused)
}

/// A shader in a language. It names its entry point.
fn translated(shader: &Shader, language: Language) -> Result<Vec<u8>, String> {
    let text = language
        .translate(shader)
        .map_err(|e| format!("{}: {e}", language.name()))?;
    // naga renames entry points whose name is a keyword of the language: in MSL, `main` is `main_`.
    let name = b"main";
    match text.windows(name.len()).any(|part| part == name) {
        true => Ok(text),
        false => Err(format!("{}: no entry point main", language.name())),
    }
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// Every `.wgsl` file in a folder and below, sorted. At least one.
fn shaders(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let error = |e: std::io::Error| format!("{}: {e}", folder.display());
        for entry in std::fs::read_dir(&folder).map_err(error)? {
            let path = entry.map_err(error)?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "wgsl")
            {
                found.push(path);
            }
        }
    }
    if found.is_empty() {
        return Err(format!("{}: no .wgsl file", folder.display()));
    }
    found.sort();
    Ok(found)
}
