//! Gradients of group normalisation: those of layer normalisation over each group. The kernel also writes dy ⊙ x̂,
//! whose column sums are dγ.

use super::group_norm::Groups;
use super::layer_norm_backward::SOURCE;
use crate::kernel::base::{Args, Binding, Capabilities, Compute, Element, Program, Real};

/// Arguments: dy and x [samples·pixels, channels], γ [channels]; dx and dy ⊙ x̂ [samples·pixels, channels].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GroupNormBackward {
    pub(crate) groups: Groups,
    pub(crate) epsilon: f32,
}

impl Compute for GroupNormBackward {
    fn label(&self) -> String {
        let groups = &self.groups;
        format!("group norm backward {} {}", groups.groups, groups.matrix())
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Binding::input(1, "dy", Element::Float),
            Binding::input(2, "x", Element::Float),
            Binding::input(3, "gamma", Element::Float),
            Binding::output(4, "dx", Element::Float),
            Binding::output(5, "terms", Element::Float),
        ]
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let backward = include_str!("../../../shaders/normalization/groups_backward.wgsl");
        let (bindings, pieces) = (self.bindings(), [backward, SOURCE]);
        self.groups
            .program(self.epsilon, capabilities, &bindings, &pieces, [3, 2])
    }

    fn flops(&self) -> u64 {
        16 * self.groups.matrix().elements()
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (dy, x, gamma) = (args.read(), args.read(), args.read());
        let (groups, ld) = (self.groups, self.groups.matrix().ld());
        let (width, count) = (groups.width(), groups.rows().cols as f64);
        for terms in [false, true] {
            let out = args.write();
            groups.for_each(
                x,
                self.epsilon,
                out,
                |sample, first, [mean, inverse], out| {
                    let part = sample * out.len()..(sample + 1) * out.len();
                    let pixels = || {
                        dy[part.clone()]
                            .chunks_exact(ld)
                            .zip(x[part.clone()].chunks_exact(ld))
                    };
                    let normal = |x: T| (x.to_f64() - mean) * inverse;
                    let channels = first..first + width;
                    // Σ g and Σ g·x̂ with g = γ ⊙ dy.
                    let (mut sum, mut product) = (0.0, 0.0);
                    if !terms {
                        for (dy, x) in pixels() {
                            for j in channels.clone() {
                                let g = gamma[j].to_f64() * dy[j].to_f64();
                                sum += g;
                                product += g * normal(x[j]);
                            }
                        }
                    }
                    for (out, (dy, x)) in out.chunks_exact_mut(ld).zip(pixels()) {
                        for j in channels.clone() {
                            let (dy, normal) = (dy[j].to_f64(), normal(x[j]));
                            out[j] = T::of(if terms {
                                dy * normal
                            } else {
                                inverse
                                    * (gamma[j].to_f64() * dy
                                        - sum / count
                                        - normal * product / count)
                            });
                        }
                    }
                },
            );
        }
    }
}
