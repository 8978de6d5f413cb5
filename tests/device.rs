//! Devices on an adapter of the user's and on wgpu's no-op backend: allocations and their refusal.

mod common;

use common::compare::assert_same_bits;
use common::devices::{cpu, gpu};
use std::path::{Path, PathBuf};
use wgrad::{
    Adam, Dataset, Device, DeviceKind, Error, GpuOptions, Graph, Init, Layout, Network, Sequential,
    Sgd, Tensor, Trainer, wgpu,
};

fn data() -> Dataset {
    let values = (0..96 * 7).map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0);
    Dataset::from_floats(7, values.collect(), (0..96).map(|i| i % 3).collect(), 3).unwrap()
}

fn network(device: &Device) -> wgrad::Result<Network> {
    let layers = Sequential::new(7).dense(33).batch_norm().relu();
    layers.dense(3).build(device, 1)
}

fn try_trainer(device: &Device) -> wgrad::Result<Trainer> {
    Trainer::builder(network(device)?)
        .optimizer(Adam::new(0.01))
        .batch_size(16)
        .steps_per_submit(2)
        .build()
}

fn trainer(device: &Device) -> Trainer {
    try_trainer(device).unwrap()
}

/// Two epochs, and what becomes of the first layer's weights.
fn train(device: &Device) -> Vec<f32> {
    let mut trainer = trainer(device);
    trainer.fit(&data(), 2).unwrap();
    trainer.network().parameter("layers.0.weight").unwrap()
}

/// The adapters of an instance of the test's own.
fn adapters(descriptor: wgpu::InstanceDescriptor) -> Vec<wgpu::Adapter> {
    let backends = descriptor.backends;
    let instance = wgpu::Instance::new(descriptor);
    pollster::block_on(instance.enumerate_adapters(backends))
}

/// The adapter of wgpu's backend that does nothing.
fn noop_adapter() -> wgpu::Adapter {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::NOOP;
    // Checks of indirect calls would keep buffers below 4 GiB.
    descriptor.flags = wgpu::InstanceFlags::empty();
    let options = &mut descriptor.backend_options.noop;
    options.enable = true;
    options.limits = Some(wgpu::Limits {
        max_buffer_size: 1 << 49,
        max_storage_buffer_binding_size: 1 << 49,
        ..wgpu::Limits::unlimited()
    });
    adapters(descriptor).swap_remove(0)
}

fn noop() -> Device {
    Device::on_adapter(&noop_adapter(), GpuOptions::default()).unwrap()
}

#[test]
fn a_device_on_the_users_adapter_gives_the_bits_of_one_that_wgrad_found() {
    let wanted = gpu().report().adapter;
    let adapters = adapters(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapter = adapters
        .iter()
        .find(|adapter| adapter.get_info().name == wanted.name)
        .unwrap();
    let device = Device::on_adapter(adapter, GpuOptions::default()).unwrap();
    assert_eq!(device.report().adapter.name, wanted.name);
    assert_same_bits("on the user's adapter", &train(&device), &train(gpu()));
    // The adapter is still the user's, and another device on it too.
    let (other, _) = pollster::block_on(adapter.request_device(&Default::default())).unwrap();
    other.destroy();
    other.poll(wgpu::PollType::Poll).unwrap();
    assert_same_bits("after another's loss", &train(&device), &train(gpu()));
}

#[test]
fn a_device_that_does_nothing_shows_the_hosts_part_alone() {
    let device = noop();
    assert_ne!(device.report().adapter.kind, DeviceKind::Cpu);
    let mut trainer = trainer(&device);
    let before = trainer.network().parameter("layers.0.weight").unwrap();
    // Buffers stay as the host wrote them: no guard is set, no weight moves, and the host counts the steps itself.
    let report = trainer.epoch(&data()).unwrap();
    assert_eq!((report.steps, trainer.step_count()), (6, 6));
    let after = trainer.network().parameter("layers.0.weight").unwrap();
    assert_same_bits("weights", &after, &before);
}

/// A device of the test's own, so that nobody else's buffers count.
fn own(options: GpuOptions) -> Device {
    Device::gpu(options.allow_software(true)).unwrap()
}

fn limited(bytes: u64) -> Device {
    own(GpuOptions::default().memory_limit(bytes))
}

/// That it was refused for lack of memory, with these numbers.
#[track_caller]
fn assert_refused<T>(result: wgrad::Result<T>, wanted: u64, limit: u64) {
    match result.map(drop) {
        Err(Error::OutOfMemory {
            needed, available, ..
        }) => assert_eq!((needed, available), (wanted, limit)),
        other => panic!("{other:?}, expected {wanted} bytes to be refused"),
    }
}

#[test]
fn what_plans_state_is_what_is_allocated() {
    for device in [cpu().clone(), own(GpuOptions::default())] {
        let is_gpu = device.report().adapter.kind != DeviceKind::Cpu;
        let allocated = |network: u64| if is_gpu { network } else { 0 };
        for optimizer in [
            Adam::new(0.01).into(),
            wgrad::Optimizer::from(Sgd::new(0.1)),
        ] {
            assert_eq!(device.bytes_allocated(), 0);
            let network = network(&device).unwrap();
            let parameters = network.bytes_allocated();
            assert!(parameters > 4 * network.parameter_count() as u64);
            assert_eq!(device.bytes_allocated(), allocated(parameters));
            assert!(network.summary().contains(&parameters.to_string()));
            network.predict(&[0.5; 7 * 16]).unwrap();
            assert!(network.bytes_allocated() > parameters);
            drop(network);

            let builder = Trainer::builder(self::network(&device).unwrap());
            let builder = builder.optimizer(optimizer).batch_size(16);
            let mut trainer = builder.build().unwrap();
            let stated = trainer.plan().bytes_allocated();
            assert!(trainer.plan().to_string().contains(&stated.to_string()));
            // Beside the plan, which takes its batch from the host: eight words for each of 16 steps of the four
            // submits that may be in flight, for a gather to read.
            let stated = stated + 4 * 8 * 16 * 4;
            assert_eq!(trainer.network().bytes_allocated(), stated);
            assert_eq!(device.bytes_allocated(), allocated(stated));
            // 96 samples: 8 padded floats and a label, and a place in the order; each buffer whole 256 bytes.
            trainer.epoch(&data()).unwrap();
            let with_data = stated + 4 * (96 * 8 + 128 + 128);
            assert_eq!(trainer.network().bytes_allocated(), with_data);
            if is_gpu {
                // Beside them: a parameter block a call, and the buffers to read results through.
                let rest = device.bytes_allocated() - with_data;
                let blocks = 256 * trainer.dispatches_per_step() as u64;
                assert!((blocks..blocks + 4096).contains(&rest), "{rest}");
            }
        }
    }
}

#[test]
fn training_runs_within_its_limit_and_not_a_byte_below() {
    let device = own(GpuOptions::default());
    let mut trainer_without = trainer(&device);
    let built = device.bytes_allocated();
    let free = trainer_without.epoch(&data()).unwrap();
    let needed = device.bytes_allocated();

    let device = limited(needed);
    assert_eq!(device.report().memory_limit, Some(needed));
    let within = trainer(&device).epoch(&data()).unwrap();
    assert_eq!(within.loss.to_bits(), free.loss.to_bits());

    let device = limited(needed - 1);
    let refused = trainer(&device).epoch(&data());
    assert!(matches!(refused, Err(Error::OutOfMemory { .. })));
    assert_eq!(device.bytes_allocated(), 0);

    let device = limited(built - 1);
    assert_refused(try_trainer(&device), built, built - 1);
    assert_eq!(device.bytes_allocated(), 0);
    // The device is fit for what is smaller.
    let network = network(&device).unwrap();
    assert_eq!(network.bytes_allocated(), device.bytes_allocated());
    let x = Tensor::new(&device, [1, 2], &[1.0, 2.0]).unwrap();
    assert_eq!(x.download().unwrap(), [1.0, 2.0]);

    // A data set that does not fit is refused when it comes, and the trainer goes on with one that does.
    let device = limited(built + 8192);
    let mut trainer = trainer(&device);
    let large = Dataset::from_bytes(7, vec![1; 7 * 4096], vec![0; 4096], 3).unwrap();
    let bytes = 4 * (4096 * 2 + 4096 + 4096);
    assert_refused(trainer.epoch(&large), built + bytes, built + 8192);
    assert_eq!(device.bytes_allocated(), built);
    assert_eq!(trainer.steps(&data(), 2).unwrap().steps, 2);
}

#[test]
fn prediction_runs_within_its_limit_and_not_a_byte_below() {
    let device = own(GpuOptions::default());
    let mut free = network(&device).unwrap();
    let built = device.bytes_allocated();
    let expected = free.predict(&[0.5; 7 * 16]).unwrap();
    let needed = |network: &mut Network| {
        (1..3).for_each(|_| drop(network.predict(&[0.5; 7 * 16]).unwrap()));
        device.bytes_allocated()
    };
    let needed = needed(&mut free);

    let device = limited(needed);
    let network = network(&device).unwrap();
    for _ in 0..3 {
        let outputs = network.predict(&[0.5; 7 * 16]).unwrap();
        assert_same_bits("within the limit", &outputs, &expected);
    }
    // A larger batch would need larger buffers. What is there stays, but for the idle buffer of a reader.
    assert!(matches!(
        network.predict(&[0.5; 7 * 256]),
        Err(Error::OutOfMemory { .. })
    ));
    let left = device.bytes_allocated();
    assert!(
        (needed - 256..=needed).contains(&left),
        "{left} of {needed}"
    );
    let outputs = network.predict(&[0.5; 7 * 16]).unwrap();
    assert_same_bits("after the refusal", &outputs, &expected);

    let device = limited(needed - 1);
    let network = self::network(&device).unwrap();
    let refused = (0..3).try_for_each(|_| network.predict(&[0.5; 7 * 16]).map(drop));
    assert!(matches!(refused, Err(Error::OutOfMemory { .. })));
    let error = self::network(&limited(built - 1)).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains(&built.to_string()) && text.contains(&(built - 1).to_string()),
        "{text}"
    );
    assert_refused::<()>(Err(error), built, built - 1);
}

#[test]
fn what_the_driver_refuses_is_the_same_error() {
    let device = noop();
    let mut small = trainer(&device);
    let before = device.bytes_allocated();
    // The second matrix is of 256 TiB, more than an address space. The first, in a segment of its own, is there by
    // then, and is given back.
    let mut graph = Graph::new();
    let x = graph.input(4).unwrap();
    let first = graph.parameter("first", [4, 4], Init::Zeros).unwrap();
    let y = graph.matmul(x, first, Layout::NN).unwrap();
    graph
        .parameter("second", [1 << 23, 1 << 23], Init::Zeros)
        .unwrap();
    let needed = before + 256 + (1 << 48);
    assert_refused(graph.build(y, &device, 0), needed, before + 256);
    assert_eq!(device.bytes_allocated(), before);
    assert_eq!(small.epoch(&data()).unwrap().steps, 6);
}

/// A folder of the test's own, which is not there yet.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("wgrad-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

/// The one file in a folder.
fn only_file(folder: &Path) -> PathBuf {
    let mut files = std::fs::read_dir(folder).unwrap();
    let file = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none(), "more than one file");
    file
}

#[test]
fn a_pipeline_cache_is_kept_whole_and_changes_no_bit() {
    let folder = folder("pipelines");
    let open = || own(GpuOptions::default().pipeline_cache(&folder));
    let expected = train(gpu());
    let device = open();
    if !device.report().keeps_pipelines {
        // Only Vulkan hands them out.
        assert_ne!(device.report().adapter.backend, "vulkan");
        assert!(!device.save_pipeline_cache().unwrap());
        assert!(!folder.exists());
        return;
    }
    assert!(!folder.exists(), "opening a device writes nothing");
    assert_same_bits("with an empty cache", &train(&device), &expected);
    assert!(device.save_pipeline_cache().unwrap());
    let file = only_file(&folder);
    let saved = std::fs::read(&file).unwrap();
    assert_same_bits("with a cache", &train(&open()), &expected);

    // Nothing, garbage, half a file, a changed byte, another adapter's, a folder: all count as empty.
    let mut changed = saved.clone();
    *changed.last_mut().unwrap() ^= 1;
    let text = String::from_utf8_lossy(&saved).into_owned();
    let other = text.replacen("vulkan_", "vulkan_9", 1).into_bytes();
    let half = saved[..saved.len() / 2].to_vec();
    for bytes in [vec![], vec![0xa5; 4096], half, changed, other] {
        std::fs::write(&file, &bytes).unwrap();
        let device = open();
        assert_same_bits("with a bad cache", &train(&device), &expected);
        // Saved when the device is dropped, whole and as before.
        drop(device);
        let now = std::fs::read(only_file(&folder)).unwrap();
        assert_eq!(now.len(), saved.len());
    }
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    let device = open();
    assert_same_bits("with a folder for a cache", &train(&device), &expected);
    assert!(matches!(
        device.save_pipeline_cache(),
        Err(Error::Io { .. })
    ));
    drop(device);
    std::fs::remove_dir_all(&folder).unwrap();

    // A folder that cannot be made; and a device that is lost before it is dropped.
    std::fs::write(&folder, "a file").unwrap();
    let device = open();
    assert_same_bits("without a folder", &train(&device), &expected);
    let error = device.save_pipeline_cache().unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
    device.simulate_loss();
    drop(device);
    std::fs::remove_file(&folder).unwrap();
}

#[test]
fn without_the_option_or_the_feature_nothing_is_saved() {
    let folder = folder("no-pipelines");
    let options = GpuOptions::default().pipeline_cache(&folder);
    let noop = Device::on_adapter(&noop_adapter(), options).unwrap();
    for device in [cpu().clone(), gpu().clone(), noop] {
        assert!(!device.report().keeps_pipelines);
        drop(trainer(&device).epoch(&data()).unwrap());
        assert!(!device.save_pipeline_cache().unwrap());
    }
    assert!(!folder.exists());
}

/// On what may be hardware, evaluation and prediction keep a submit within the work that operating systems allow.
#[test]
fn submits_of_evaluation_and_prediction_are_bounded() {
    // 400 products with one matrix of 1024·1024: 8.4e8 operations a row. 10¹¹ are 119 rows.
    const WIDTH: usize = 1024;
    let build = |device: &Device, products| {
        let mut graph = Graph::new();
        let mut h = graph.input(WIDTH).unwrap();
        let w = graph.parameter("w", [WIDTH, WIDTH], Init::Zeros).unwrap();
        for _ in 0..products {
            h = graph.matmul(h, w, Layout::NN).unwrap();
        }
        let network = graph.build(h, device, 0).unwrap();
        let builder = Trainer::builder(network).batch_size(4);
        builder.evaluation_batch_size(64).build().unwrap()
    };
    let rows = 300;
    let data = Dataset::from_bytes(WIDTH, vec![1; WIDTH * rows], vec![0; rows], WIDTH).unwrap();
    let submits = |trainer: &mut Trainer, call: fn(&mut Trainer, &Dataset)| {
        let before = trainer.submits();
        call(trainer, &data);
        trainer.submits() - before
    };
    let evaluate = |trainer: &mut Trainer, data: &Dataset| drop(trainer.evaluate(data).unwrap());
    let predict = |trainer: &mut Trainer, data: &Dataset| {
        drop(trainer.predict(&vec![0.5; data.len() * WIDTH]).unwrap());
    };
    let options = GpuOptions::default().hardware_kernels(true);
    let hardware = Device::on_adapter(&noop_adapter(), options).unwrap();
    let mut deep = build(&hardware, 400);
    assert_eq!(submits(&mut deep, evaluate), 5);
    assert_eq!(submits(&mut deep, predict), 3);
    let mut shallow = build(&hardware, 2);
    assert_eq!(submits(&mut shallow, evaluate), 1);
    assert_eq!(submits(&mut shallow, predict), 2);
}
