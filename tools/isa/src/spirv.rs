//! Compute shaders in SPIR-V, as naga writes them for wgpu's Vulkan backend.

use std::collections::BTreeMap;
use std::path::Path;

/// A compute shader and its bindings, all in group 0.
pub struct Shader {
    /// SPIR-V.
    pub words: Vec<u32>,
    /// Number of each binding, and whether it is a uniform block rather than a storage buffer.
    pub bindings: Vec<(u32, bool)>,
}

/// Words before the first instruction, of which the first is [`MAGIC`].
const HEADER: usize = 5;
const MAGIC: u32 = 0x0723_0203;

/// Numbers of the specification: instructions, a decoration, storage classes.
const OP_VARIABLE: u32 = 59;
const OP_DECORATE: u32 = 71;
const BINDING: u32 = 33;
const UNIFORM: u32 = 2;
const STORAGE_BUFFER: u32 = 12;

/// Reads a shader from a file.
pub fn read(path: &Path) -> Result<Shader, String> {
    let shown = path.display();
    let bytes = std::fs::read(path).map_err(|e| format!("{shown}: {e}"))?;
    let words: Vec<u32> = bytes
        .chunks_exact(4)
        .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
        .collect();
    let bindings = bindings(&words).ok_or_else(|| format!("{shown}: expected SPIR-V"))?;
    Ok(Shader { words, bindings })
}

/// The bindings of a shader. None if the words are not SPIR-V.
fn bindings(words: &[u32]) -> Option<Vec<(u32, bool)>> {
    // Binding and storage class by the id of the variable.
    let (mut numbers, mut classes) = (BTreeMap::new(), BTreeMap::new());
    let mut rest = words.get(HEADER..)?;
    while let Some(&first) = rest.first() {
        // The first word of an instruction has its number of words in the high half.
        let length = (first >> 16) as usize;
        let instruction = rest.get(..length.max(1))?;
        match (first & 0xffff, instruction) {
            (OP_DECORATE, &[_, id, BINDING, number]) => {
                numbers.insert(id, number);
            }
            (OP_VARIABLE, &[_, _, id, class, ..]) => {
                classes.insert(id, class);
            }
            _ => {}
        }
        rest = &rest[instruction.len()..];
    }
    let is_buffer = |class: u32| class == UNIFORM || class == STORAGE_BUFFER;
    let bindings: Option<Vec<_>> = numbers
        .into_iter()
        .map(|(id, number)| {
            let class = *classes.get(&id)?;
            is_buffer(class).then_some((number, class == UNIFORM))
        })
        .collect();
    bindings.filter(|bindings| words[0] == MAGIC && !bindings.is_empty())
}
