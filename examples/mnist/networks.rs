//! The networks of the command line.

use crate::args::Args;
use clap::ValueEnum;
use wgrad::{Convolution, Padding, Sequential};

/// Images with one channel.
const IMAGE: [usize; 3] = [28, 28, 1];

/// Kinds of network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Dense layers alone
    Mlp,
    /// The shape of LeNet-5 (LeCun et al. 1998), with ReLU and max pooling
    Lenet,
    /// Four convolutions with batch normalisation
    Deep,
}

/// Builds the network of the command line.
pub(crate) fn layers(args: &Args, features: usize, classes: usize) -> Sequential {
    let input = Sequential::new(features);
    let flat = match args.network {
        Kind::Mlp => input,
        // 28×28 → 14×14×6 → 5×5×16.
        Kind::Lenet => {
            let image = input.reshape(IMAGE);
            let x = convolution(args, image, Convolution::new(6, 5).padding(2)).max_pool(2);
            convolution(args, x, (16, 5).into()).max_pool(2).flatten()
        }
        // 28×28 → 12×12×24 → 6×6×48 → 3×3×96.
        Kind::Deep => {
            let same = |outputs| Convolution::new(outputs, 3).padding(Padding::Same);
            let x = convolution(args, input.reshape(IMAGE), (24, 5).into()).max_pool(2);
            let x = convolution(args, x, same(48)).max_pool(2);
            let x = convolution(args, x, same(96)).max_pool(2);
            convolution(args, x, same(96)).flatten()
        }
    };
    let hidden = args
        .hidden
        .iter()
        .fold(flat, |x, &units| dense(args, x, units));
    start(args, hidden.dense(classes))
}

/// A convolution with its activation.
fn convolution(args: &Args, x: Sequential, settings: Convolution) -> Sequential {
    let x = if args.batch_norm {
        start(args, x.convolution(settings.without_bias())).batch_norm()
    } else {
        start(args, x.convolution(settings))
    };
    x.activation(args.activation)
}

/// A hidden dense layer with its activation and dropout.
fn dense(args: &Args, x: Sequential, units: usize) -> Sequential {
    // The normalisation would cancel a bias.
    let x = if args.batch_norm {
        start(args, x.dense_without_bias(units)).batch_norm()
    } else {
        start(args, x.dense(units))
    };
    let x = x.activation(args.activation);
    if args.dropout > 0.0 {
        x.dropout(args.dropout)
    } else {
        x
    }
}

/// Sets the initial weights of the last layer, if the command line chooses them.
fn start(args: &Args, layers: Sequential) -> Sequential {
    match args.init {
        Some(start) => layers.init(start.init()),
        None => layers,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use wgrad::Device;

    fn args(line: &[&str]) -> Args {
        Args::try_parse_from([&["mnist"], line].concat()).unwrap()
    }

    fn parameters(line: &[&str]) -> usize {
        let layers = layers(&args(line), 784, 10);
        layers.build(&Device::cpu(), 1).unwrap().parameter_count()
    }

    #[test]
    fn networks_have_their_parameters() {
        let mlp = 784 * 512 + 512 + 512 * 512 + 512 + 512 * 10 + 10;
        assert_eq!(parameters(&[]), mlp);
        // LeCun's figure, but for C3, all of whose maps see all of S2's, and S2 and S4, which have no weights.
        assert_eq!(parameters(&["--network", "lenet"]), 61_706);
        let convolutions = 25 * 24 + 9 * (24 * 48 + 48 * 96 + 96 * 96);
        let normalisations = 2 * (24 + 48 + 2 * 96 + 128);
        let dense = 9 * 96 * 128 + 128 * 10 + 10;
        assert_eq!(
            parameters(&["--network", "deep"]),
            convolutions + normalisations + dense
        );
        let narrow = 784 * 8 + 8 + 8 * 10 + 10;
        assert_eq!(parameters(&["--hidden", "8"]), narrow);
    }

    #[test]
    fn settings_of_the_command_line_replace_those_of_the_network() {
        let deep = args(&["--network", "deep"]);
        assert!(deep.augment && deep.batch_norm);
        assert_eq!((deep.epochs, deep.batch, deep.lr), (12, 100, 3e-3));
        assert_eq!((deep.dropout, deep.label_smoothing), (0.3, 0.1));
        assert_eq!(deep.average, Some(0.999));
        let other = args(&[
            "--network",
            "deep",
            "--augment=false",
            "--lr",
            "0.1",
            "--dropout",
            "0",
        ]);
        assert!(!other.augment);
        assert_eq!((other.lr, other.dropout), (0.1, 0.0));
        let mlp = args(&["--augment", "--epochs", "3"]);
        assert!(mlp.augment && !mlp.batch_norm);
        assert_eq!((mlp.epochs, mlp.batch, mlp.lr), (3, 64, 1e-3));
        let lenet = args(&["--network", "lenet"]);
        assert_eq!(lenet.hidden, [120, 84]);
        assert_eq!((lenet.epochs, lenet.lr, lenet.dropout), (8, 3e-3, 0.25));
        assert!(!lenet.augment && !lenet.batch_norm);
    }
}
