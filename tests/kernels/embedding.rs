//! Embeddings and their gradients against plain loops.

use crate::common::compare::{Tolerance, assert_each_close};
use crate::common::data::Random;
use crate::common::devices::{cpu, gpu, gpu_hardware_kernels};
use crate::common::precision::{ULP, sum_ulps};
use wgrad::{Device, Error, Tensor};

fn devices() -> [&'static Device; 3] {
    [cpu(), gpu(), gpu_hardware_kernels()]
}

/// Checks both directions for these tokens.
fn check(dims: &[usize], tokens: &[u32], [vocabulary, width]: [usize; 2], padding: Option<usize>) {
    let mut random = Random::new(tokens.len() as u64);
    let w = random.normals(vocabulary * width);
    let dy = random.normals(tokens.len() * width);
    let row = |token: u32| &w[token as usize * width..][..width];
    let y: Vec<f64> = tokens
        .iter()
        .flat_map(|&token| row(token))
        .map(|&value| value.into())
        .collect();
    let (mut dw, mut sizes) = (vec![0.0; w.len()], vec![0.0; w.len()]);
    for (&token, dy) in tokens.iter().zip(dy.chunks(width.max(1))) {
        if padding == Some(token as usize) {
            continue;
        }
        for (c, &term) in dy.iter().enumerate() {
            dw[token as usize * width + c] += f64::from(term);
            sizes[token as usize * width + c] += f64::from(term).abs();
        }
    }
    let floats: Vec<f32> = tokens.iter().map(|&token| token as f32).collect();
    for device in devices() {
        let name = format!(
            "{dims:?} of {vocabulary}x{width}, padding {padding:?} on {}",
            device.report()
        );
        let tokens_of = Tensor::new(device, dims, &floats).unwrap();
        let w = Tensor::new(device, [vocabulary, width], &w).unwrap();
        let found = w.embedding(&tokens_of).unwrap();
        let of_y = [dims, &[width]].concat();
        assert_eq!(found.shape(), of_y, "{name}");
        let found = found.download().unwrap();
        assert_each_close(&name, &found, &y, |_| Tolerance::EXACT);
        let dy = Tensor::new(device, of_y, &dy).unwrap();
        let found = dy.embedding_backward(&tokens_of, vocabulary, padding);
        let found = found.unwrap();
        assert_eq!(found.shape(), [vocabulary, width], "{name}");
        let ulps = sum_ulps(tokens.len().max(2)) * ULP;
        assert_each_close(&name, &found.download().unwrap(), &dw, |i| {
            Tolerance::absolute(ulps * sizes[i])
        });
    }
}

#[test]
fn rows_are_looked_up_and_their_gradients_summed() {
    for (dims, vocabulary, width, padding) in [
        (&[1, 1][..], 1, 1, None),
        (&[4, 6], 11, 5, Some(3)),
        (&[3, 5], 40, 4, None),
        (&[7], 3, 6, Some(0)),
        (&[2, 3, 2], 5, 9, Some(4)),
        (&[5, 3], 2, 8, Some(1)),
    ] {
        let count = dims.iter().product();
        let tokens = Random::new(9).words(count, vocabulary);
        check(dims, &tokens, [vocabulary, width], padding);
        // One token everywhere: one chain.
        check(dims, &vec![0; count], [vocabulary, width], padding);
    }
}

#[test]
fn many_tokens() {
    // Rows that are padded, and a chain of a third of all tokens.
    let tokens: Vec<u32> = (0..40_001).map(|i| i % 3 * (1 + i % 2)).collect();
    check(&[1, 40_001], &tokens, [70_000, 1], Some(2));
}

#[test]
fn numbers_that_are_no_tokens_give_nan_and_no_gradient() {
    let tokens = [0.0, 2.0, -1.0, 0.5, 3.0, f32::NAN, f32::INFINITY, 4e9];
    for device in devices() {
        let of = |shape: &[usize], values: &[f32]| Tensor::new(device, shape, values).unwrap();
        let (w, tokens) = (of(&[3, 1], &[5.0, 6.0, 7.0]), of(&[1, 8], &tokens));
        let y = w.embedding(&tokens).unwrap().download().unwrap();
        assert_eq!(y[..2], [5.0, 7.0]);
        assert!(y[2..].iter().all(|value| value.is_nan()), "{y:?}");
        let dy = of(&[1, 8, 1], &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0]);
        let dw = dy.embedding_backward(&tokens, 3, None).unwrap();
        assert_eq!(dw.download().unwrap(), [1.0, 0.0, 2.0]);
    }
}

#[test]
fn operands_that_do_not_fit_are_refused() {
    let of = |shape: &[usize]| Tensor::zeros(cpu(), shape).unwrap();
    let tokens = of(&[2, 3]);
    let argument = |result: wgrad::Result<Tensor>| {
        assert!(matches!(result, Err(Error::Argument { .. })), "{result:?}");
    };
    argument(of(&[0, 4]).embedding(&tokens));
    argument(of(&[2, 3, 4]).embedding_backward(&tokens, 0, None));
    argument(of(&[2, 3, 4]).embedding_backward(&tokens, 5, Some(5)));
    for dy in [&[2, 4, 4][..], &[6, 4], &[2, 3]] {
        let found = of(dy).embedding_backward(&tokens, 5, None);
        assert!(matches!(found, Err(Error::Shape { .. })), "{found:?}");
    }
}
