//! Memory of the CPU executor: one buffer for each role.

use crate::kernel::Real;
use crate::kernel::base::binding::Scalar;
use crate::plan::{BufferSpec, Role};
use crate::{Error, Result};
use std::collections::TryReserveError;
use std::ops::Range;

#[derive(Debug)]
pub(super) enum Memory<T> {
    Floats(Vec<T>),
    Words(Vec<u32>),
}

impl<T: Real> Memory<T> {
    fn empty(scalar: Scalar) -> Self {
        match scalar {
            Scalar::Float => Memory::Floats(Vec::new()),
            Scalar::Word => Memory::Words(Vec::new()),
        }
    }

    fn scalar(&self) -> Scalar {
        match self {
            Memory::Floats(_) => Scalar::Float,
            Memory::Words(_) => Scalar::Word,
        }
    }

    fn len(&self) -> usize {
        match self {
            Memory::Floats(floats) => floats.len(),
            Memory::Words(words) => words.len(),
        }
    }

    /// Frees the elements after the first `len`.
    fn shrink(&mut self, len: usize) {
        match self {
            Memory::Floats(floats) => {
                floats.truncate(len);
                floats.shrink_to_fit();
            }
            Memory::Words(words) => {
                words.truncate(len);
                words.shrink_to_fit();
            }
        }
    }

    /// `len` zeros.
    fn of(scalar: Scalar, len: usize) -> std::result::Result<Self, TryReserveError> {
        let mut memory = Memory::empty(scalar);
        match &mut memory {
            Memory::Floats(floats) => grow(floats, len, T::ZERO)?,
            Memory::Words(words) => grow(words, len, 0)?,
        }
        Ok(memory)
    }
}

/// Buffers by role. A place is the index of a buffer.
#[derive(Debug)]
pub(super) struct Buffers<T> {
    roles: Vec<Role>,
    pub(super) memory: Vec<Memory<T>>,
}

impl<T> Default for Buffers<T> {
    fn default() -> Self {
        Buffers {
            roles: Vec::new(),
            memory: Vec::new(),
        }
    }
}

impl<T: Real> Buffers<T> {
    /// Allocates or grows all of these buffers, or none.
    pub(super) fn reserve_all(&mut self, specs: &[BufferSpec]) -> Result<()> {
        if specs.iter().all(|spec| self.holds(*spec)) {
            return Ok(());
        }
        let before: Vec<usize> = self.memory.iter().map(Memory::len).collect();
        let made = specs.iter().try_for_each(|spec| self.reserve(*spec));
        if made.is_err() {
            self.roles.truncate(before.len());
            self.memory.truncate(before.len());
            for (memory, len) in self.memory.iter_mut().zip(before) {
                memory.shrink(len);
            }
        }
        made
    }

    /// Whether the buffer exists and is long enough.
    fn holds(&self, spec: BufferSpec) -> bool {
        let place = self.roles.iter().position(|&role| role == spec.role);
        place.is_some_and(|place| {
            let memory = &self.memory[place];
            memory.len() >= spec.elements() && memory.scalar() == spec.scalar
        })
    }

    /// Allocates a buffer, or grows the existing one.
    fn reserve(&mut self, spec: BufferSpec) -> Result<()> {
        let (used, len) = (self.bytes(), spec.elements());
        let place = match self.roles.iter().position(|&role| role == spec.role) {
            Some(place) => place,
            None => {
                self.roles.push(spec.role);
                self.memory.push(Memory::empty(spec.scalar));
                self.roles.len() - 1
            }
        };
        let memory = &mut self.memory[place];
        let grown = match (&mut *memory, spec.scalar) {
            (Memory::Floats(floats), Scalar::Float) => grow(floats, len, T::ZERO),
            (Memory::Words(words), Scalar::Word) => grow(words, len, 0),
            // A buffer of samples holds words (of bytes) or floats, depending on the data set.
            (_, scalar) => Memory::of(scalar, len).map(|other| *memory = other),
        };
        grown.map_err(|error| Error::OutOfMemory {
            what: format!("the buffer for {:?}", spec.role),
            needed: used.saturating_add(len as u64 * 4),
            available: used,
            message: format!("the operating system: {error}"),
        })
    }

    /// Bytes of all buffers, counted as four for each element.
    pub(super) fn bytes(&self) -> u64 {
        self.memory
            .iter()
            .map(|memory| 4 * memory.len() as u64)
            .sum()
    }

    pub(super) fn write(&mut self, role: Role, offset: usize, words: &[u32]) {
        let place = self.place(role);
        match &mut self.memory[place] {
            Memory::Words(to) => to[offset..][..words.len()].copy_from_slice(words),
            Memory::Floats(to) => {
                for (to, &word) in to[offset..][..words.len()].iter_mut().zip(words) {
                    *to = T::of(f32::from_bits(word).into());
                }
            }
        }
    }

    /// Appends part of a buffer to `words`; floats as their bits.
    pub(super) fn read(&self, role: Role, range: Range<usize>, words: &mut Vec<u32>) {
        match &self.memory[self.place(role)] {
            Memory::Words(from) => words.extend_from_slice(&from[range]),
            Memory::Floats(from) => {
                let bits = |float: &T| (float.to_f64() as f32).to_bits();
                words.extend(from[range].iter().map(bits));
            }
        }
    }

    /// The floats of a buffer, in full precision.
    pub(super) fn floats(&mut self, role: Role) -> &mut [T] {
        let place = self.place(role);
        match &mut self.memory[place] {
            Memory::Floats(floats) => floats,
            Memory::Words(_) => unreachable!("{role:?} holds words"),
        }
    }

    pub(super) fn place(&self, role: Role) -> usize {
        let place = self.roles.iter().position(|&r| r == role);
        place.unwrap_or_else(|| unreachable!("{role:?} was reserved"))
    }
}

/// Grows to a length; unchanged if memory is short.
fn grow<T: Clone>(
    values: &mut Vec<T>,
    len: usize,
    zero: T,
) -> std::result::Result<(), TryReserveError> {
    if len > values.len() {
        values.try_reserve_exact(len - values.len())?;
        values.resize(len, zero);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Clock;

    #[test]
    fn what_the_system_has_no_memory_for_is_refused() {
        let mut buffers = Buffers::<f32>::default();
        let mut spec = BufferSpec {
            role: Role::State(Clock::Training),
            scalar: Scalar::Word,
            len: 64,
        };
        buffers.reserve_all(&[spec]).unwrap();
        let larger = BufferSpec {
            role: Role::Labels,
            len: 1000,
            ..spec
        };
        spec.len = 1 << 60;
        let refused = buffers.reserve_all(&[larger, spec]);
        let Err(Error::OutOfMemory {
            needed, available, ..
        }) = refused
        else {
            panic!("{refused:?}");
        };
        let first = 256 + 4 * 1024;
        assert_eq!((needed, available), (first + (1 << 62), first));
        // The first of the two is not there either.
        assert_eq!((buffers.bytes(), buffers.roles.len()), (256, 1));
    }
}
