//! Every shader, as it is handed to wgpu, without a GPU: valid, within WebGPU's limits, declared as its Rust side says,
//! and translated to every language that wgpu's backends speak.

use super::blocking::CHOICES;
use super::elementwise::Op;
use super::gather::Source;
use super::loss::{Against, Output};
use super::random::Draw;
use super::rearrange::Move;
use super::update::ClipWith;
use super::*;
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, Module, StorageAccess, TypeInner, back};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub(super) const TARGETS: [Target; 8] = [
    Target {
        software: false,
        subgroup: None,
        words64: false,
        tuning: None,
    },
    Target {
        software: false,
        subgroup: Some(32),
        words64: false,
        tuning: None,
    },
    Target {
        software: false,
        subgroup: Some(8),
        words64: false,
        tuning: None,
    },
    Target {
        software: true,
        subgroup: None,
        words64: false,
        tuning: None,
    },
    Target {
        software: true,
        subgroup: Some(8),
        words64: false,
        tuning: None,
    },
    Target {
        software: true,
        subgroup: Some(4),
        words64: false,
        tuning: None,
    },
    Target {
        software: true,
        subgroup: None,
        words64: true,
        tuning: None,
    },
    Target {
        software: true,
        subgroup: Some(8),
        words64: true,
        tuning: None,
    },
];

/// One kernel of every variant.
pub(super) fn kernels() -> Vec<Kernel> {
    let mut kernels: Vec<Kernel> = vec![Advance.into()];
    let short = MatrixShape::new(9, 7);
    let long = MatrixShape::new(9, 700);
    for f in Activation::ALL {
        for op in [Op::Activate(f), Op::ActivateBackward(f)] {
            kernels.push(Elementwise { op, shape: short }.into());
        }
    }
    for op in [
        Op::BiasAdd,
        Op::Add,
        Op::Hadamard,
        Op::Scale(2.0),
        Op::GradientCopy(1),
        Op::Fill(2.0),
        Op::PRelu { shared: false },
        Op::PRelu { shared: true },
        Op::PReluBackward { shared: false },
        Op::PReluBackward { shared: true },
        Op::PReluSlope,
        Op::Normalize { epsilon: 1e-5 },
    ] {
        kernels.push(Elementwise { op, shape: short }.into());
    }
    for layout in Layout::ALL {
        for (_, [m, n, k], _) in CHOICES {
            kernels.push(Matmul::plain(m, n, k, layout).into());
        }
    }
    for f in Activation::ALL {
        for (epilogue, bias) in [
            (Epilogue::Activation(f), true),
            (Epilogue::Activation(f), false),
            (Epilogue::Keep(f), true),
            (Epilogue::Derivative(f), false),
        ] {
            kernels.push(
                Matmul {
                    epilogue,
                    bias,
                    ..Matmul::plain(9, 9, 9, Layout::NT)
                }
                .into(),
            );
        }
    }
    for (_, [m, n, k], _) in CHOICES {
        for row_sums in [false, true] {
            let epilogue = Epilogue::Gradient { id: 1 };
            kernels.push(
                Matmul {
                    epilogue,
                    row_sums,
                    ..Matmul::plain(m, n, k, Layout::TN)
                }
                .into(),
            );
        }
    }
    for shape in [short, long] {
        for yes in [false, true] {
            kernels.push(Softmax { log: yes, shape }.into());
            kernels.push(SoftmaxBackward { log: yes, shape }.into());
        }
    }
    kernels.extend(losses([short, long]));
    normalisations(&mut kernels);
    random_and_rearranged(&mut kernels);
    for squares in [false, true] {
        kernels.push(Sum::lone(64, squares).into());
    }
    for yes in [false, true] {
        kernels.push(Blend::accumulate(64, yes, 0.5).into());
        let statistics = Statistics {
            floats: 64,
            change: yes,
            place: 0,
        };
        kernels.push(statistics.into());
    }
    for source in [Source::Bytes, Source::Floats] {
        let gather = Gather {
            shape: short,
            source,
            scale: 1.0,
            shift: 0.0,
            samples: 9,
            table_steps: 1,
        };
        kernels.push(gather.clone().into());
        // Odd numbers of control points, none, and several channels.
        for augmentation in [
            Augmentation::new([1, 7]).elastic(1.0, 3),
            Augmentation::new([7, 1]),
            Augmentation::new([48, 48]).channels(3).elastic(2.0, 2),
        ] {
            let shape = MatrixShape::new(9, augmentation.features());
            let augment = Augment {
                gather: Gather {
                    shape,
                    ..gather.clone()
                },
                augmentation,
                key: [1, 2],
            };
            kernels.push(augment.into());
        }
    }
    let optimizers: [Optimizer; 14] = [
        Sgd::new(0.1).into(),
        Sgd::new(0.1).momentum(0.9).into(),
        Sgd::new(0.1).momentum(0.9).nesterov(true).into(),
        Adam::new(0.1).into(),
        Adam::w(0.1).amsgrad(true).into(),
        Adagrad::new(0.1).into(),
        RmsProp::new(0.1).into(),
        RmsProp::new(0.1).centered(true).into(),
        RmsProp::new(0.1).centered(true).momentum(0.9).into(),
        Adadelta::new(0.1).into(),
        Adamax::new(0.1).into(),
        NAdam::new(0.1).into(),
        RAdam::new(0.1).into(),
        Lion::new(0.1).into(),
    ];
    let norm = ClipWith::Norm {
        limit: 1.0,
        parts: 3,
        ring_steps: 2,
    };
    for optimizer in optimizers {
        for (clip, grouped) in [
            (ClipWith::Nothing, false),
            (ClipWith::Value(1.0), false),
            (norm, false),
            (ClipWith::Nothing, true),
            (ClipWith::Value(1.0), true),
            (norm, true),
        ] {
            let update = Update {
                optimizer,
                floats: 64,
                advance: true,
                clip,
                grouped,
            };
            kernels.push(update.into());
        }
    }
    kernels
}

/// Every criterion with every kind of target, weights and output that it takes.
fn losses(shapes: [MatrixShape; 2]) -> Vec<Kernel> {
    let margin = 0.5;
    let criteria = [
        Criterion::SoftmaxCrossEntropy { smoothing: 0.0 },
        Criterion::SoftmaxCrossEntropy { smoothing: 0.1 },
        Criterion::NegativeLogLikelihood,
        Criterion::CrossEntropy,
        Criterion::BinaryCrossEntropyWithLogits,
        Criterion::SquaredError,
        Criterion::AbsoluteError,
        Criterion::SmoothL1 { beta: 1.0 },
        Criterion::Huber { delta: 1.0 },
        Criterion::KlDivergence,
        Criterion::PoissonNll,
        Criterion::GaussianNll,
        Criterion::CosineEmbedding { margin },
        Criterion::TripletMargin { margin },
        Criterion::Perceptron,
        Criterion::Hinge { margin },
        Criterion::MultiMargin { margin },
        Criterion::Value,
    ];
    let mut losses = Vec::new();
    for criterion in criteria {
        let targets = if !criterion.has_target() {
            vec![Against::Nothing]
        } else if matches!(criterion, Criterion::MultiMargin { .. }) {
            vec![Against::Labels]
        } else {
            vec![Against::Labels, Against::Values, Against::Constant(1.0)]
        };
        for against in targets {
            let labels = against == Against::Labels;
            let plain = LossCall {
                criterion,
                shape: shapes[0],
                against,
                class_weights: false,
                ignore: None,
                factor: 1.0,
                divide: false,
                output: Output::Gradients,
                clock: true,
                ring_steps: 2,
                ring_stride: 9,
                ring_offset: 0,
                ring_sums: 9,
            };
            for shape in shapes {
                for output in [Output::Reduced, Output::Gradients, Output::Rows] {
                    losses.push(LossCall {
                        shape,
                        output,
                        ..plain.clone()
                    });
                }
            }
            losses.push(LossCall {
                class_weights: criterion.takes_class_weights(),
                ignore: labels.then_some(3),
                divide: labels,
                clock: false,
                ..plain
            });
        }
    }
    losses.into_iter().map(Kernel::from).collect()
}

/// Kernels over columns and rows, each of few and of many.
fn normalisations(kernels: &mut Vec<Kernel>) {
    let epsilon = 1e-5;
    for shape in [
        MatrixShape::new(5, 7),
        MatrixShape::new(9, 7),
        MatrixShape::new(9, 700),
    ] {
        for gradient in [None, Some(1)] {
            kernels.push(ColumnSum { shape, gradient }.into());
        }
        let momentum = 0.1;
        kernels.push(
            BatchNorm {
                shape,
                epsilon,
                momentum,
            }
            .into(),
        );
        kernels.push(
            BatchNormBackward {
                shape,
                gamma_id: 1,
                beta_id: 2,
            }
            .into(),
        );
        kernels.push(LayerNorm { shape, epsilon }.into());
        kernels.push(LayerNormBackward { shape, epsilon }.into());
        kernels.push(Argmax { shape }.into());
    }
    kernels.push(Commit { floats: 64 }.into());
}

fn random_and_rearranged(kernels: &mut Vec<Kernel>) {
    let (shape, key) = (MatrixShape::new(9, 7), [1, 2]);
    for draw in [
        Draw::Uniform {
            low: -1.0,
            high: 1.0,
        },
        Draw::Normal {
            mean: 0.0,
            deviation: 1.0,
        },
        Draw::Bernoulli,
    ] {
        kernels.push(Random { draw, shape, key }.into());
    }
    kernels.push(
        Dropout {
            shape,
            probability: 0.5,
            key,
        }
        .into(),
    );
    for op in [
        Move::Columns { start: 1, of: 9 },
        Move::Place { start: 1, width: 3 },
        Move::Concatenate { left: 3 },
        Move::Transpose,
    ] {
        kernels.push(Rearrange { op, shape }.into());
    }
}

/// Every different shader, with its kernel.
fn programs() -> Vec<(Kernel, Program)> {
    let mut programs = BTreeMap::new();
    for kernel in kernels() {
        for target in TARGETS {
            let program = kernel.program(&target);
            programs.insert(program.source.clone(), (kernel.clone(), program));
        }
    }
    assert!(programs.len() > 60, "{}", programs.len());
    programs.into_values().collect()
}

fn parse(kernel: &Kernel, program: &Program) -> (Module, ModuleInfo) {
    let source = &program.source;
    let module = naga::front::wgsl::parse_str(source)
        .unwrap_or_else(|e| panic!("{}\n{}", kernel.label(), e.emit_to_string(source)));
    // Nothing beyond WebGPU's core, but for what the variant is made for.
    let mut capabilities = Capabilities::empty();
    capabilities.set(Capabilities::SUBGROUP, source.contains("subgroupShuffle"));
    capabilities.set(Capabilities::SHADER_INT64, source.contains("u64"));
    let info = Validator::new(ValidationFlags::all(), capabilities)
        .validate(&module)
        .unwrap_or_else(|e| panic!("{}\n{}", kernel.label(), e.emit_to_string(source)));
    (module, info)
}

#[test]
fn shaders_are_declared_as_their_rust_side_says() {
    for (kernel, program) in programs() {
        let label = kernel.label();
        let (module, info) = parse(&kernel, &program);
        assert_eq!(module.entry_points.len(), 1, "{label}");
        let entry = &module.entry_points[0];
        let invocations: u32 = entry.workgroup_size.iter().product();
        assert!(invocations <= 256, "{label}: {invocations} invocations");

        let used = info.get_entry_point(0);
        let (mut bindings, mut workgroup_bytes) = (BTreeMap::new(), 0);
        for (handle, variable) in module.global_variables.iter() {
            let size = module.types[variable.ty].inner.size(module.to_ctx());
            match variable.space {
                AddressSpace::WorkGroup if !used[handle].is_empty() => workgroup_bytes += size,
                AddressSpace::Storage { access } => {
                    assert!(
                        !used[handle].is_empty(),
                        "{label}: {:?} is never used",
                        variable.name
                    );
                    let number = variable.binding.as_ref().unwrap().binding;
                    let access = if access.contains(StorageAccess::STORE) {
                        Access::Write
                    } else {
                        Access::Read
                    };
                    bindings.insert(number, access);
                }
                AddressSpace::Uniform => {
                    assert_eq!(variable.binding.as_ref().unwrap().binding, 0, "{label}");
                    assert_eq!(
                        size as usize,
                        program.params.len(),
                        "{label}: size of Params"
                    );
                    check_fields(&label, &module, variable.ty, program.fields);
                }
                _ => {}
            }
        }
        assert!(
            workgroup_bytes <= 16 << 10,
            "{label}: {workgroup_bytes} bytes of workgroup memory"
        );
        assert!(
            bindings.len() <= 8,
            "{label}: {} storage bindings",
            bindings.len()
        );
        let declared: BTreeMap<_, _> = kernel
            .bindings()
            .iter()
            .map(|b| (b.number, b.access))
            .collect();
        assert_eq!(bindings, declared, "{label}");
    }
}

/// Names and offsets of the uniform block, but for the padding.
fn check_fields(
    label: &str,
    module: &Module,
    block: naga::Handle<naga::Type>,
    fields: &[(&str, usize)],
) {
    let TypeInner::Struct { members, .. } = &module.types[block].inner else {
        panic!("{label}: the uniform is no struct")
    };
    let padding = |name: &str| name.trim_start_matches('_').starts_with("pad");
    let shader: Vec<(String, usize)> = members
        .iter()
        .map(|member| (member.name.clone().unwrap(), member.offset as usize))
        .filter(|(name, _)| !padding(name))
        .collect();
    let rust: Vec<(String, usize)> = fields
        .iter()
        .filter(|(name, _)| !padding(name))
        .map(|(name, offset)| (name.to_string(), *offset))
        .collect();
    assert_eq!(shader, rust, "{label}: Params");
}

#[test]
fn shaders_translate_to_every_backend() {
    for (kernel, program) in programs() {
        let label = kernel.label();
        let (module, info) = parse(&kernel, &program);
        let spirv = back::spv::write_vec(&module, &info, &back::spv::Options::default(), None);
        assert!(!spirv.unwrap_or_else(|e| panic!("{label}: {e}")).is_empty());
        let wgsl = back::wgsl::write_string(&module, &info, back::wgsl::WriterFlags::empty());
        assert!(
            wgsl.unwrap_or_else(|e| panic!("{label}: {e}"))
                .contains("fn main")
        );

        let options = back::msl::Options {
            lang_version: (2, 4),
            fake_missing_bindings: true,
            ..Default::default()
        };
        let pipeline = back::msl::PipelineOptions::default();
        let (msl, _) = back::msl::write_string(&module, &info, &options, &pipeline)
            .unwrap_or_else(|e| panic!("{label}: {e}"));
        assert!(msl.contains("kernel void"), "{label}");

        let options = back::hlsl::Options {
            shader_model: back::hlsl::ShaderModel::V6_0,
            fake_missing_bindings: true,
            special_constants_binding: Some(back::hlsl::BindTarget::default()),
            ..Default::default()
        };
        let mut hlsl = String::new();
        back::hlsl::Writer::new(&mut hlsl, &options, &back::hlsl::PipelineOptions::default())
            .write(&module, &info, None)
            .unwrap_or_else(|e| panic!("{label}: {e}"));
        assert!(hlsl.contains("numthreads"), "{label}");
    }
}

#[test]
fn every_shader_file_has_a_rust_file_of_its_stem_and_is_used() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shaders = files(&root.join("shaders"), "wgsl");
    assert!(shaders.len() > 30, "{}", shaders.len());
    let stems: BTreeSet<String> = files(&root.join("src/kernel"), "rs")
        .iter()
        .map(|p| stem(p))
        .collect();
    let sources: Vec<String> = programs()
        .into_iter()
        .map(|(_, program)| program.source)
        .collect();
    for shader in shaders {
        let stem = stem(&shader);
        assert!(
            stems.contains(&stem),
            "no Rust file for {}",
            shader.display()
        );
        let text = std::fs::read_to_string(&shader).unwrap();
        assert!(
            sources.iter().any(|source| source.contains(&text)),
            "{} is not used",
            shader.display()
        );
    }
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}
