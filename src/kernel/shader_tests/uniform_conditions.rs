//! Test that the uniform block alone decides no branch and no loop of a shader for software adapters.
//!
//! Mesa's lavapipe inlines such uniforms. It compiles the shader again for each new set of values, 8 to 20 ms each
//! time, and keeps every result. `bound` in shaders/base/bound.wgsl hides a number from lavapipe.

use super::*;
use crate::kernel::shader_files::all_for;
use naga::{Block, Expression, Function, Handle, Statement};

/// The source that a value depends on, ordered so that a value's source is the maximum of its operands' sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    /// Constants alone.
    Constant,
    /// The uniform block and constants.
    Uniform,
    /// Indices of the invocation, or memory.
    Invocation,
}

/// The sources of variables, arguments and results found so far. The search starts at [`Source::Constant`] for all, and
/// ends when a pass over the module raises none of them.
#[derive(Clone, Default, PartialEq)]
struct Found {
    /// Module-scope private variables, by index.
    privates: BTreeMap<usize, Source>,
    /// Variables of a function, by function and index. The entry point is [`ENTRY`].
    locals: BTreeMap<(usize, usize), Source>,
    arguments: BTreeMap<(usize, usize), Source>,
    results: BTreeMap<usize, Source>,
    called: BTreeSet<usize>,
}

const ENTRY: usize = usize::MAX;

/// One pass over a module.
struct Pass<'a> {
    module: &'a Module,
    found: Found,
    /// Conditions that depend on the uniform block alone, as source text.
    conditions: Vec<String>,
    source: &'a str,
    /// Number of branches around the statement. Values written in a branch depend on the branch taken; Mesa does not
    /// analyse them further.
    branches: usize,
}

fn raise<K: Ord>(map: &mut BTreeMap<K, Source>, key: K, to: Source) {
    let source = map.entry(key).or_insert(Source::Constant);
    *source = (*source).max(to);
}

impl Pass<'_> {
    /// The source of an expression; for a pointer, the source of the value behind it.
    fn source(&self, number: usize, function: &Function, of: Handle<Expression>) -> Source {
        let all = |operands: &[Handle<Expression>]| {
            let sources = operands.iter().map(|&of| self.source(number, function, of));
            sources.max().unwrap_or(Source::Constant)
        };
        let known = |source: Option<&Source>| source.copied().unwrap_or(Source::Constant);
        match &function.expressions[of] {
            Expression::Literal(_) | Expression::Constant(_) | Expression::ZeroValue(_) => {
                Source::Constant
            }
            Expression::GlobalVariable(variable) => {
                match self.module.global_variables[*variable].space {
                    AddressSpace::Uniform => Source::Uniform,
                    AddressSpace::Private => known(self.found.privates.get(&variable.index())),
                    _ => Source::Invocation,
                }
            }
            Expression::LocalVariable(variable) => {
                known(self.found.locals.get(&(number, variable.index())))
            }
            Expression::FunctionArgument(_) if number == ENTRY => Source::Invocation,
            Expression::FunctionArgument(index) => {
                known(self.found.arguments.get(&(number, *index as usize)))
            }
            Expression::CallResult(called) => known(self.found.results.get(&called.index())),
            Expression::Load { pointer: of }
            | Expression::AccessIndex { base: of, .. }
            | Expression::Splat { value: of, .. }
            | Expression::Swizzle { vector: of, .. }
            | Expression::Unary { expr: of, .. }
            | Expression::Relational { argument: of, .. }
            | Expression::As { expr: of, .. } => all(&[*of]),
            Expression::Access { base, index } => all(&[*base, *index]),
            Expression::Compose { components, .. } => all(components),
            Expression::Binary { left, right, .. } => all(&[*left, *right]),
            Expression::Select {
                condition,
                accept,
                reject,
            } => all(&[*condition, *accept, *reject]),
            Expression::Math {
                arg,
                arg1,
                arg2,
                arg3,
                ..
            } => {
                let operands = [Some(*arg), *arg1, *arg2, *arg3];
                all(&operands.into_iter().flatten().collect::<Vec<_>>())
            }
            _ => Source::Invocation,
        }
    }

    /// The value of a condition that is a constant.
    fn constant(&self, function: &Function, of: Handle<Expression>) -> Option<bool> {
        let literal = match &function.expressions[of] {
            Expression::Constant(constant) => {
                let init = self.module.constants[*constant].init;
                &self.module.global_expressions[init]
            }
            expression => expression,
        };
        match literal {
            Expression::Literal(naga::Literal::Bool(value)) => Some(*value),
            _ => None,
        }
    }

    /// The source of a value at the place where it is written.
    fn written(&self, number: usize, function: &Function, value: Handle<Expression>) -> Source {
        match self.branches {
            0 => self.source(number, function, value),
            _ => Source::Invocation,
        }
    }

    /// Records a store to the variable behind a pointer.
    fn store(
        &mut self,
        number: usize,
        function: &Function,
        pointer: Handle<Expression>,
        to: Source,
    ) {
        match &function.expressions[pointer] {
            Expression::Access { base, index } => {
                let to = to.max(self.source(number, function, *index));
                self.store(number, function, *base, to);
            }
            Expression::AccessIndex { base, .. } => self.store(number, function, *base, to),
            Expression::GlobalVariable(variable) => {
                raise(&mut self.found.privates, variable.index(), to);
            }
            Expression::LocalVariable(variable) => {
                raise(&mut self.found.locals, (number, variable.index()), to);
            }
            _ => {}
        }
    }

    fn block(&mut self, number: usize, function: &Function, block: &Block) {
        for (statement, span) in block.span_iter() {
            match statement {
                Statement::Block(block) => self.block(number, function, block),
                Statement::If {
                    condition,
                    accept,
                    reject,
                } => {
                    if self.source(number, function, *condition) == Source::Uniform {
                        let at = function.expressions.get_span(*condition);
                        let range = at.to_range().or(span.to_range()).unwrap_or_default();
                        let line = self.source[range.start..].lines().next();
                        self.conditions.push(line.unwrap_or_default().into());
                    }
                    // Mesa also drops code that a constant switches off.
                    let constant = self.constant(function, *condition);
                    self.branches += usize::from(constant.is_none());
                    if constant != Some(false) {
                        self.block(number, function, accept);
                    }
                    if constant != Some(true) {
                        self.block(number, function, reject);
                    }
                    self.branches -= usize::from(constant.is_none());
                }
                Statement::Loop {
                    body, continuing, ..
                } => {
                    self.block(number, function, body);
                    self.block(number, function, continuing);
                }
                Statement::Switch { .. } => panic!("a switch: this test does not know it yet"),
                Statement::Store { pointer, value } => {
                    let source = self.written(number, function, *value);
                    self.store(number, function, *pointer, source);
                }
                Statement::Return { value: Some(value) } => {
                    let source = self.written(number, function, *value);
                    raise(&mut self.found.results, number, source);
                }
                Statement::Call {
                    function: called,
                    arguments,
                    ..
                } => {
                    self.found.called.insert(called.index());
                    for (index, &argument) in arguments.iter().enumerate() {
                        let source = self.source(number, function, argument);
                        raise(&mut self.found.arguments, (called.index(), index), source);
                        // A callee may write through a pointer argument.
                        self.store(number, function, argument, Source::Invocation);
                    }
                }
                _ => {}
            }
        }
    }
}

/// Every condition of a shader that depends on the uniform block alone.
fn conditions(module: &Module, source: &str) -> Vec<String> {
    let mut found = Found::default();
    loop {
        let mut pass = Pass {
            module,
            found: found.clone(),
            conditions: Vec::new(),
            source,
            branches: 0,
        };
        for (handle, function) in module.functions.iter() {
            if pass.found.called.contains(&handle.index()) {
                pass.block(handle.index(), function, &function.body);
            }
        }
        let entry = &module.entry_points[0].function;
        pass.block(ENTRY, entry, &entry.body);
        if pass.found == found {
            return pass.conditions;
        }
        found = pass.found;
    }
}

#[test]
fn no_condition_depends_on_the_uniform_block_alone() {
    let shaders = all_for(|capabilities| capabilities.software).into_iter();
    let shaders: BTreeMap<String, String> = shaders
        .map(|(kernel, capabilities)| (kernel.program(&capabilities).source, kernel.label()))
        .collect();
    assert!(shaders.len() > 100, "{}", shaders.len());
    let mut broken = BTreeMap::new();
    for (source, label) in &shaders {
        let module = naga::front::wgsl::parse_str(source).unwrap();
        for condition in conditions(&module, source) {
            broken.entry(condition).or_insert(label);
        }
    }
    assert!(broken.is_empty(), "condition: a kernel\n{broken:#?}");
}

#[test]
fn conditions_on_the_uniform_block_are_found() {
    let shader = |main: &str| {
        let source = format!(
            "{}
            struct Params {{ k: u32 }}
            @group(0) @binding(0) var<uniform> params: Params;
            var<private> p: Params;
            @group(0) @binding(1) var<storage, read_write> x: array<u32>;
            fn sum(count: u32) -> u32 {{
                var sum = 0u;
                for (var k = 0u; k < count; k++) {{ sum += x[k]; }}
                return sum;
            }}
            @compute @workgroup_size(1)
            fn main(@builtin(workgroup_id) group: vec3<u32>) {{ {main} }}",
            base::program::BOUND
        );
        let module = naga::front::wgsl::parse_str(&source).unwrap();
        conditions(&module, &source)
    };
    for (main, found) in [
        ("x[0] = sum(params.k);", true),
        ("p = params; x[0] = sum(p.k + 3u);", true),
        ("var k = 7u; while k < params.k { k++; x[k] = k; }", true),
        ("if params.k > 1u { x[0] = 1u; }", true),
        (
            "let k = max(params.k, 4u); if k > 7u && group.x > 1u { x[0] = 1u; }",
            true,
        ),
        ("x[0] = sum(4u);", false),
        ("x[0] = sum(bound(params.k, group.x));", false),
        (
            "p = params; p.k = bound(p.k, group.x); x[0] = sum(p.k);",
            false,
        ),
        (
            "for (var k = group.x; k < params.k; k += 2u) { x[k] = k; }",
            false,
        ),
        ("if x[0] > params.k { x[0] = 1u; }", false),
        ("x[0] = select(1u, 2u, params.k > 4u);", false),
    ] {
        let conditions = shader(main);
        assert_eq!(!conditions.is_empty(), found, "{main}: {conditions:?}");
    }
}
