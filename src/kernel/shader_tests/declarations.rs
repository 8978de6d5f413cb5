//! Tests that operands, uniform blocks and words are declared in Rust alone, and that the generated text is right.

use super::*;
use crate::kernel::base::binding::{self, Element, Scalar};
use crate::kernel::base::state;

/// The files that may contain declarations, or tests with shaders of their own.
const GENERATORS: [&str; 4] = [
    "src/kernel/base/binding.rs",
    "src/kernel/base/uniform.rs",
    "src/kernel/shader_tests/declarations.rs",
    "src/kernel/shader_tests/uniform_conditions.rs",
];

/// What only the generated text contains.
const DECLARATIONS: [&str; 4] = ["@group(", "@binding(", "var<storage", "var<uniform"];

/// Buffers whose words have names.
const WITH_WORDS: [&str; 3] = ["state", "table", "refused"];

/// Lines that declare an operand or a uniform block, or index a word by its number.
fn by_hand<'a>(text: &'a str, declarations: &'a [&str]) -> impl Iterator<Item = &'a str> {
    text.lines().filter(move |line| {
        let indexed = |name: &&str| {
            let start = format!("{name}[");
            let mut places = line.match_indices(start.as_str()).map(|(i, m)| i + m.len());
            places.any(|i| line[i..].starts_with(|c: char| c.is_ascii_digit()))
        };
        declarations.iter().any(|text| line.contains(text)) || WITH_WORDS.iter().any(indexed)
    })
}

#[test]
fn nothing_is_declared_by_hand() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shaders = files(&root.join("shaders"), "wgsl");
    let sources = files(&root.join("src"), "rs");
    assert!(shaders.len() > 150 && sources.len() > 300);
    let mut found = Vec::new();
    for path in shaders.iter().chain(&sources) {
        let shown = path.strip_prefix(root).unwrap().display().to_string();
        if GENERATORS.contains(&shown.as_str()) {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        found.extend(by_hand(&text, &DECLARATIONS).map(|line| format!("{shown}: {line}")));
        if text.contains("struct Params {") && shown.ends_with(".wgsl") {
            found.push(format!("{shown}: struct Params"));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// Number of places where a shader accesses operands of floats. Each is in an accessor: code that indexes an operand
/// itself could not be stored in another way.
pub(super) fn accesses(kernel: &Kernel, module: &Module) -> usize {
    let bindings = kernel.bindings();
    let is_float = |variable: &naga::GlobalVariable| {
        let number = variable.binding.as_ref().map(|binding| binding.binding);
        let mut floats = bindings.iter().filter(|of| of.scalar() == Scalar::Float);
        floats.any(|of| Some(of.number) == number)
    };
    let mut accesses = 0;
    let functions = module.functions.iter().map(|(_, function)| function);
    for function in functions.chain([&module.entry_points[0].function]) {
        for (_, expression) in function.expressions.iter() {
            let naga::Expression::GlobalVariable(variable) = expression else {
                continue;
            };
            let variable = &module.global_variables[*variable];
            if is_float(variable) {
                let operand = variable.name.as_deref().unwrap();
                let name = function.name.as_deref().unwrap_or("main");
                let accessors = ["load_", "store_"].map(|start| format!("{start}{operand}"));
                assert!(
                    accessors.iter().any(|accessor| name.starts_with(accessor)),
                    "{}: {name} accesses {operand}",
                    kernel.label()
                );
                accesses += 1;
            }
        }
    }
    accesses
}

#[test]
fn declarations_by_hand_are_found() {
    let of = |line: &str| by_hand(line, &DECLARATIONS).count();
    assert_eq!(
        of("@group(0) @binding(1) var<storage, read> x: array<u32>;"),
        1
    );
    assert_eq!(of("    atomicMin(&state[2], 0u);"), 1);
    assert_eq!(of("    state[0] = state[1];"), 1);
    assert_eq!(of("    state[STEP] = state[NEXT_STEP];"), 0);
    assert_eq!(of("    words[0] = 1;"), 0);
}

/// The bits of the guard's values and bounds have names too.
#[test]
fn shaders_name_the_values_of_the_guard() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for path in files(&root.join("shaders"), "wgsl") {
        let text = std::fs::read_to_string(&path).unwrap();
        for bits in ["0xfffffffeu", "0x53800000u", "0x58800000u", "0x7f7fff00u"] {
            assert!(!text.contains(bits), "{}: {bits}", path.display());
        }
        let of_state = |line: &str| line.contains("state") && line.contains("0x");
        let numbered = text.lines().find(|line| of_state(line));
        assert_eq!(numbered, None, "{}", path.display());
        count += 1;
    }
    assert!(count > 150, "{count}");
}

#[test]
fn operands_are_declared_with_their_accessors() {
    let declared = |binding| {
        let mut text = String::new();
        binding::declare(&[binding], &mut text);
        text
    };
    assert_eq!(
        declared(Binding::input(1, "x", Element::Vec4)),
        "@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
fn load_x(i: u32) -> vec4<f32> {
    return x[i];
}
"
    );
    assert_eq!(
        declared(Binding::output(2, "y", Element::Float)),
        "@group(0) @binding(2) var<storage, read_write> y: array<f32>;
fn store_y(i: u32, value: f32) {
    y[i] = value;
}
"
    );
    let words64 = declared(Binding::updated(3, "out", Element::Words64).with_components());
    let (functions, rest) = words64.split_once("@group").unwrap();
    assert!(functions.contains("fn unpack(") && functions.contains("fn pack("));
    assert_eq!(
        rest,
        "(0) @binding(3) var<storage, read_write> out: array<vec2<u64>>;
fn load_out(i: u32) -> vec4<f32> {
    return unpack(out[i]);
}
fn load_out_component(i: u32, component: u32) -> f32 {
    return unpack(out[i])[component];
}
fn store_out(i: u32, value: vec4<f32>) {
    out[i] = pack(value);
}
"
    );
    let labels = declared(Binding::input(4, "labels", Element::Word));
    assert_eq!(
        labels,
        "@group(0) @binding(4) var<storage, read> labels: array<u32>;\n"
    );
}

/// Every element gives a valid shader, and the fields of the state lie at its words.
#[test]
fn every_element_is_a_valid_operand() {
    for element in [
        Element::Vec4,
        Element::Packed,
        Element::Words64,
        Element::Eights,
        Element::Float,
        Element::Vec2,
        Element::Word,
        Element::WordVec4,
        Element::AtomicWord,
        Element::State,
        Element::StateWithAtomicGuard,
    ] {
        let mut source = String::new();
        binding::declare(&[Binding::updated(1, "state", element)], &mut source);
        source.push_str("@compute @workgroup_size(1) fn main() {}\n");
        let module = naga::front::wgsl::parse_str(&source)
            .unwrap_or_else(|e| panic!("{element:?}\n{}", e.emit_to_string(&source)));
        let capabilities = NagaCapabilities::SHADER_INT64;
        let mut validator = Validator::new(ValidationFlags::all(), capabilities);
        validator.validate(&module).unwrap();
        let (_, operand) = module.global_variables.iter().next().unwrap();
        let TypeInner::Struct { members, .. } = &module.types[operand.ty].inner else {
            continue;
        };
        let found: Vec<_> = members
            .iter()
            .map(|member| (member.name.as_deref().unwrap(), member.offset as usize))
            .collect();
        let words = state::words();
        let words: Vec<_> = words
            .iter()
            .map(|(name, index)| (name.as_str(), 4 * index))
            .collect();
        assert_eq!(found, words);
    }
}
