//! Uniform blocks: the parameters of kernels, and their declaration in shaders.

/// The uniform block of a kernel. [`uniform_block!`] declares it.
pub(crate) trait UniformBlock: bytemuck::Pod {
    const FIELDS: &'static [Field];

    /// Whether the shader works on a copy: its entry point starts with `p = params;`.
    const COPIED: bool;

    /// Appends the WGSL struct `Params` and the variable `p`.
    fn declare(source: &mut String) {
        source.push_str("struct Params {\n");
        for field in Self::FIELDS {
            field.declare(source);
        }
        source.push_str("}\n@group(0) @binding(0) var<uniform> ");
        source.push_str(match Self::COPIED {
            true => "params: Params;\nvar<private> p: Params;\n",
            false => "p: Params;\n",
        });
    }
}

/// A field of a uniform block: four-byte numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    /// The WGSL type of a number.
    pub(crate) scalar: &'static str,
    /// Length, if the field is an array; else 1.
    pub(crate) count: usize,
    /// Offset in bytes.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "compared with the shader's layout in tests")
    )]
    pub(crate) offset: usize,
}

impl Field {
    /// Whether the field only fills the block, whose size is a multiple of 16 bytes.
    pub(crate) fn is_padding(&self) -> bool {
        self.name.starts_with('_')
    }

    /// Appends the field. Two or four numbers are a vector, more are an array of `vec4`, since an element of an array in
    /// a uniform block takes a multiple of 16 bytes. Padding is numbers, which need no alignment.
    fn declare(&self, source: &mut String) {
        let Field {
            name,
            scalar,
            count,
            ..
        } = *self;
        if self.is_padding() && count > 1 {
            for i in 0..count {
                source.push_str(&format!("    {name}{i}: {scalar},\n"));
            }
            return;
        }
        let line = match count {
            1 => format!("    {name}: {scalar},\n"),
            2 | 4 => format!("    {name}: vec{count}<{scalar}>,\n"),
            _ => format!("    {name}: array<vec4<{scalar}>, {}>,\n", count / 4),
        };
        source.push_str(&line);
    }
}

/// A type of fields in uniform blocks.
pub(crate) trait FieldType {
    const SCALAR: &'static str;
    const COUNT: usize;
}

macro_rules! field_types {
    ($($type:ident),*) => {
        $(impl FieldType for $type {
            const SCALAR: &'static str = stringify!($type);
            const COUNT: usize = 1;
        }
        impl<const N: usize> FieldType for [$type; N] {
            const SCALAR: &'static str = stringify!($type);
            const COUNT: usize = N;
        })*
    };
}
field_types!(u32, f32);

/// Declares a uniform block, in Rust and for WGSL, where it is the struct `Params` and the variable `p`. A field is a
/// `u32` or an `f32`, or an array of 2, 4, 8, 12, … of them, which is a vector or an array of `vec4` in WGSL; one whose
/// name starts with an underscore is padding, of any length. `copied` in front: `p` is a copy that the entry point makes
/// (`p = params;`), since software adapters load a uniform lane by lane after a branch or in a loop.
macro_rules! uniform_block {
    (copied $(#[$doc:meta])* pub(crate) struct $name:ident { $($fields:tt)* }) => {
        $crate::kernel::base::uniform::uniform_block!(@true $(#[$doc])* $name { $($fields)* });
    };
    ($(#[$doc:meta])* pub(crate) struct $name:ident { $($fields:tt)* }) => {
        $crate::kernel::base::uniform::uniform_block!(@false $(#[$doc])* $name { $($fields)* });
    };
    (@$copied:literal $(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[repr(C)]
        #[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
        pub(crate) struct $name { $($(#[$field_doc])* $field: $type),* }

        impl $crate::kernel::base::uniform::UniformBlock for $name {
            const FIELDS: &'static [$crate::kernel::base::uniform::Field] = &[$(
                $crate::kernel::base::uniform::Field {
                    name: stringify!($field),
                    scalar: <$type as $crate::kernel::base::uniform::FieldType>::SCALAR,
                    count: <$type as $crate::kernel::base::uniform::FieldType>::COUNT,
                    offset: std::mem::offset_of!($name, $field),
                }
            ),*];
            const COPIED: bool = $copied;
        }
    };
}
pub(crate) use uniform_block;
