//! Operands of kernels: their numbers, names, access and element types, from which the shader's declarations come.
//!
//! A kernel lists its operands once, in [`bindings`](super::Compute::bindings). The assembled shader declares them, and
//! gives each operand of floats the accessors `load_x(i)` and `store_x(i, value)`, with x the operand's name. Kernels
//! access floats only through these, so how floats are stored is a matter of the [`Element`] alone. Operands of words
//! are indexed directly.

use super::state;

/// Conversion between four floats and two 64-bit words: `pack` and `unpack`.
const WORDS64: &str = include_str!("../../../shaders/base/words64.wgsl");

/// The access of a kernel to an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// The kernel only loads.
    Read,
    /// The kernel only stores. Words may be loaded too.
    Write,
    /// The kernel loads and stores.
    Update,
}

/// The type of the numbers in an operand's memory: `f32` values or `u32` words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Float,
    Word,
}

/// The elements of an operand in a shader. Accessors of floats take and return `vec4<f32>`, unless stated otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    /// Four floats. Rows of matrices are padded to whole elements.
    Vec4,
    /// Four floats. An adapter that runs on a CPU may store them as [`Words64`](Element::Words64) instead: see
    /// [`pack`](crate::kernel::software::pack).
    Packed,
    /// Four floats, as two 64-bit words.
    Words64,
    /// Eight floats, as four 64-bit words. The accessors take and return the words.
    Eights,
    /// One float. The accessors take and return `f32`.
    Float,
    /// Two floats. The accessors take and return `vec2<f32>`.
    Vec2,
    /// A word.
    Word,
    /// Four words.
    WordVec4,
    /// A word with atomic access.
    AtomicWord,
    /// The words of a step's state as fields of a struct, for kernels that obey the guard. See [`state`].
    State,
    /// The same with atomic access to the guard, for kernels that set it.
    StateWithAtomicGuard,
}

impl Element {
    /// The WGSL type of an element.
    fn wgsl(self) -> &'static str {
        match self {
            Element::Vec4 | Element::Packed => "vec4<f32>",
            Element::Words64 => "vec2<u64>",
            Element::Eights => "vec4<u64>",
            Element::Float => "f32",
            Element::Vec2 => "vec2<f32>",
            Element::Word => "u32",
            Element::WordVec4 => "vec4<u32>",
            Element::AtomicWord => "atomic<u32>",
            Element::State | Element::StateWithAtomicGuard => "State",
        }
    }

    /// The type that accessors take and return, and the functions that convert from and to the stored type; `None` for
    /// words, which have no accessors.
    fn accessors(self) -> Option<(&'static str, [&'static str; 2])> {
        match self {
            Element::Vec4 | Element::Packed | Element::Eights | Element::Float | Element::Vec2 => {
                Some((self.wgsl(), ["", ""]))
            }
            Element::Words64 => Some(("vec4<f32>", ["unpack", "pack"])),
            Element::Word
            | Element::WordVec4
            | Element::AtomicWord
            | Element::State
            | Element::StateWithAtomicGuard => None,
        }
    }
}

/// One operand of a kernel: a storage binding. Binding 0 is always the uniform block and is not listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) number: u32,
    pub(crate) name: &'static str,
    pub(crate) access: Access,
    pub(crate) element: Element,
    /// Whether there is also `load_x_component(i, component)`, which loads one float of an element.
    pub(crate) components: bool,
}

impl Binding {
    /// An operand that is only loaded.
    pub(crate) const fn input(number: u32, name: &'static str, element: Element) -> Self {
        let access = Access::Read;
        Binding {
            number,
            name,
            access,
            element,
            components: false,
        }
    }

    /// An operand that is only stored.
    pub(crate) const fn output(number: u32, name: &'static str, element: Element) -> Self {
        Binding {
            access: Access::Write,
            ..Binding::input(number, name, element)
        }
    }

    /// An operand that is loaded and stored.
    pub(crate) const fn updated(number: u32, name: &'static str, element: Element) -> Self {
        Binding {
            access: Access::Update,
            ..Binding::input(number, name, element)
        }
    }

    #[allow(
        dead_code,
        reason = "kernels that declare their operands in the shader"
    )]
    pub(crate) const fn read(number: u32) -> Self {
        Binding::input(number, "", Element::Vec4)
    }
    #[allow(
        dead_code,
        reason = "kernels that declare their operands in the shader"
    )]
    pub(crate) const fn write(number: u32) -> Self {
        Binding::output(number, "", Element::Vec4)
    }
    #[allow(
        dead_code,
        reason = "kernels that declare their operands in the shader"
    )]
    pub(crate) const fn read_words(number: u32) -> Self {
        Binding::input(number, "", Element::Word)
    }
    #[allow(
        dead_code,
        reason = "kernels that declare their operands in the shader"
    )]
    pub(crate) const fn write_words(number: u32) -> Self {
        Binding::output(number, "", Element::Word)
    }

    /// The same, of which the kernel also loads single floats: `load_x_component(i, component)`.
    pub(crate) const fn with_components(self) -> Self {
        Binding {
            components: true,
            ..self
        }
    }

    /// Whether the kernel stores to the operand.
    pub(crate) fn is_written(&self) -> bool {
        self.access != Access::Read
    }

    /// The type of the numbers in memory.
    pub(crate) fn scalar(&self) -> Scalar {
        match self.element.accessors() {
            Some(_) => Scalar::Float,
            None => Scalar::Word,
        }
    }

    /// Appends the declaration and the accessors.
    fn declare(&self, source: &mut String) {
        let Binding {
            number,
            name,
            access,
            element,
            components,
        } = *self;
        let stored = element.wgsl();
        let access_mode = if self.is_written() {
            "read_write"
        } else {
            "read"
        };
        let ty = match element {
            Element::State | Element::StateWithAtomicGuard => {
                state::declare_struct(element == Element::StateWithAtomicGuard, source);
                stored.to_string()
            }
            _ => format!("array<{stored}>"),
        };
        source.push_str(&format!(
            "@group(0) @binding({number}) var<storage, {access_mode}> {name}: {ty};\n"
        ));
        let Some((value, [load, store])) = element.accessors() else {
            return;
        };
        let loaded = applied(load, &format!("{name}[i]"));
        if access != Access::Write {
            source.push_str(&format!(
                "fn load_{name}(i: u32) -> {value} {{\n    return {loaded};\n}}\n"
            ));
        }
        if components {
            source.push_str(&format!(
                "fn load_{name}_component(i: u32, component: u32) -> f32 {{\n    return {loaded}[component];\n}}\n"
            ));
        }
        if access != Access::Read {
            let stored = applied(store, "value");
            source.push_str(&format!(
                "fn store_{name}(i: u32, value: {value}) {{\n    {name}[i] = {stored};\n}}\n"
            ));
        }
    }
}

/// A call of a function; without a function, the expression itself.
fn applied(function: &str, expression: &str) -> String {
    match function {
        "" => expression.to_string(),
        _ => format!("{function}({expression})"),
    }
}

/// Appends the declarations of a kernel's operands and what these need: conversions, and constants for the words of the
/// state, the step table and the refused words.
pub(in crate::kernel) fn declare(bindings: &[Binding], source: &mut String) {
    let has = |element| bindings.iter().any(|binding| binding.element == element);
    if has(Element::Words64) || has(Element::Eights) {
        source.push_str(WORDS64);
    }
    for binding in bindings {
        for constants in state::constants_of(binding.name) {
            source.push_str(constants);
        }
        binding.declare(source);
    }
}
