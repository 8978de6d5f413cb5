//! Parameter files: transfer between devices, PyTorch's names, and refused files.

use super::common::compare::assert_same_bits;
use super::common::devices::{cpu, gpu};
use wgrad::{Error, Graph, Init, Layout, Sequential};

#[test]
fn numeric_names_are_taken_as_they_are() {
    let build = |seed| {
        let mut graph = Graph::new();
        let x = graph.input(2).unwrap();
        let w = graph.parameter("3.w", [2, 2], Init::XavierUniform).unwrap();
        let y = graph.matmul(x, w, Layout::NN).unwrap();
        graph.build(y, cpu(), seed).unwrap()
    };
    let file = std::env::temp_dir().join(format!("wgrad-numeric-{}", std::process::id()));
    let (saved, mut loaded) = (build(0), build(1));
    saved.save(&file).unwrap();
    loaded.load(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_same_bits(
        "3.w",
        &loaded.parameter("3.w").unwrap(),
        &saved.parameter("3.w").unwrap(),
    );
}

#[test]
fn weights_survive_a_file_on_either_device() {
    let folder = std::env::temp_dir().join(format!("wgrad-network-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let layers = Sequential::new(5).dense(6).tanh().dense(3);
    for (from, to) in [(cpu(), gpu()), (gpu(), cpu())] {
        let file = folder.join("weights.safetensors");
        let (saved, mut loaded) = (layers.build(from, 1).unwrap(), layers.build(to, 2).unwrap());
        saved.save(&file).unwrap();
        loaded.load(&file).unwrap();
        for name in [
            "layers.0.weight",
            "layers.0.bias",
            "layers.1.weight",
            "layers.1.bias",
        ] {
            assert_same_bits(
                name,
                &saved.parameter(name).unwrap(),
                &loaded.parameter(name).unwrap(),
            );
        }
        // PyTorch's layout: weights [outputs, inputs], biases of one dimension.
        let bytes = std::fs::read(&file).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(tensors.tensor("layers.0.weight").unwrap().shape(), [6, 5]);
        assert_eq!(tensors.tensor("layers.1.bias").unwrap().shape(), [3]);
        // Nothing else is left behind.
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn pytorchs_sequential_names_are_taken_by_order() {
    use safetensors::tensor::{Dtype, TensorView};
    let values: Vec<Vec<f32>> = vec![
        (0..12).map(|i| i as f32).collect(),
        vec![7.0; 4],
        vec![2.0; 8],
        vec![3.0; 2],
    ];
    let shapes = [vec![4, 3], vec![4], vec![2, 4], vec![2]];
    let views: Vec<_> = ["0.weight", "0.bias", "10.weight", "10.bias"]
        .into_iter()
        .zip(shapes.iter().zip(&values))
        .map(|(name, (shape, values))| {
            let bytes = bytemuck::cast_slice(values);
            (
                name,
                TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap(),
            )
        })
        .collect();
    let file = std::env::temp_dir().join(format!("wgrad-torch-{}.safetensors", std::process::id()));
    std::fs::write(&file, safetensors::serialize(views, None).unwrap()).unwrap();
    let mut network = Sequential::new(3)
        .dense(4)
        .relu()
        .dense(2)
        .build(cpu(), 0)
        .unwrap();
    network.load(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(network.parameter("layers.0.weight").unwrap(), values[0]);
    assert_eq!(network.parameter("layers.1.bias").unwrap(), values[3]);
}

#[test]
fn bad_files_are_refused_and_change_nothing() {
    let folder = std::env::temp_dir().join(format!("wgrad-bad-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut network = Sequential::new(3).dense(2).build(cpu(), 0).unwrap();
    let before = network.parameter("layers.0.weight").unwrap();
    let file = folder.join("weights.safetensors");

    let error = network.load(&file).unwrap_err();
    assert!(
        matches!(error, Error::Io { .. }) && error.to_string().contains("weights.safetensors"),
        "{error}"
    );
    std::fs::write(&file, b"not safetensors").unwrap();
    assert!(matches!(network.load(&file), Err(Error::Format { .. })));
    Sequential::new(4)
        .dense(2)
        .build(cpu(), 0)
        .unwrap()
        .save(&file)
        .unwrap();
    let error = network.load(&file).unwrap_err().to_string();
    assert!(
        error.contains("[2, 4]") && error.contains("[2, 3]"),
        "{error}"
    );
    Sequential::new(3)
        .dense_without_bias(2)
        .build(cpu(), 0)
        .unwrap()
        .save(&file)
        .unwrap();
    let error = network.load(&file).unwrap_err().to_string();
    assert!(error.contains("layers.0.bias"), "{error}");
    assert!(matches!(
        network.save(folder.join("no/such/folder")),
        Err(Error::Io { .. })
    ));

    assert_eq!(network.parameter("layers.0.weight").unwrap(), before);
    std::fs::remove_dir_all(&folder).unwrap();
}
