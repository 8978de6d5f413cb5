use super::*;
use std::cell::RefCell;
use wgpu::{AdapterInfo, Backend, DeviceType};

const NVIDIA: [u32; 2] = [0x10de, 0x2684];
const INTEL: [u32; 2] = [0x8086, 0xa780];
const WARP: [u32; 2] = [0x1414, 0x008c];

fn info(name: &str, kind: DeviceType, backend: Backend, [vendor, device]: [u32; 2]) -> AdapterInfo {
    AdapterInfo {
        name: name.into(),
        vendor,
        device,
        ..AdapterInfo::new(kind, backend)
    }
}

/// Names and backends in their rank, of whatever fits.
fn order(infos: &[AdapterInfo], options: &GpuOptions) -> Vec<String> {
    let places = ranked(infos, options);
    let say = |place: usize| format!("{} {}", infos[place].name, infos[place].backend);
    places.into_iter().map(say).collect()
}

/// The entries of a Windows machine, with DX12 first, as it may come.
fn windows() -> [AdapterInfo; 6] {
    [
        info("Iris Xe", DeviceType::IntegratedGpu, Backend::Dx12, INTEL),
        info("RTX 4090", DeviceType::DiscreteGpu, Backend::Dx12, NVIDIA),
        info("Basic Render", DeviceType::Cpu, Backend::Dx12, WARP),
        info(
            "NVIDIA RTX 4090",
            DeviceType::DiscreteGpu,
            Backend::Vulkan,
            NVIDIA,
        ),
        info(
            "Iris(R) Xe",
            DeviceType::IntegratedGpu,
            Backend::Vulkan,
            INTEL,
        ),
        info("llvmpipe", DeviceType::Cpu, Backend::Vulkan, [0x10005, 0]),
    ]
}

#[test]
fn the_same_adapter_is_preferred_through_vulkan_whatever_the_order() {
    let hardware = [
        "NVIDIA RTX 4090 vulkan",
        "RTX 4090 dx12",
        "Iris(R) Xe vulkan",
        "Iris Xe dx12",
    ];
    let mut infos = windows().to_vec();
    assert_eq!(order(&infos, &GpuOptions::default()), hardware);
    infos.reverse();
    assert_eq!(order(&infos, &GpuOptions::default()), hardware);
    for turn in 0..infos.len() {
        infos.rotate_left(1);
        assert_eq!(order(&infos, &GpuOptions::default()), hardware, "{turn}");
    }
    let all = order(&infos, &GpuOptions::default().allow_software(true));
    assert_eq!(all[..4], hardware);
    assert_eq!(all.len(), 6);
}

#[test]
fn metal_comes_before_what_is_layered_over_it() {
    // Metal knows no numbers: the name decides.
    let infos = [
        info(
            "Apple M2",
            DeviceType::IntegratedGpu,
            Backend::Vulkan,
            [0x106b, 0xe0203ef],
        ),
        info(
            "Apple M2",
            DeviceType::IntegratedGpu,
            Backend::Metal,
            [0, 0],
        ),
    ];
    let expected = ["Apple M2 metal", "Apple M2 vulkan"];
    assert_eq!(order(&infos, &GpuOptions::default()), expected);
}

#[test]
fn a_better_adapter_is_preferred_through_any_backend() {
    // A discrete GPU that only DX12 shows, before an integrated one through Vulkan.
    let infos = [
        info("Iris", DeviceType::IntegratedGpu, Backend::Vulkan, INTEL),
        info("RTX", DeviceType::DiscreteGpu, Backend::Dx12, NVIDIA),
    ];
    assert_eq!(
        order(&infos, &GpuOptions::default()),
        ["RTX dx12", "Iris vulkan"]
    );
    // Two backends that do not agree on what the adapter is: it is what the better one says.
    let infos = [
        info("RTX a", DeviceType::DiscreteGpu, Backend::Dx12, NVIDIA),
        info("Iris", DeviceType::IntegratedGpu, Backend::Vulkan, INTEL),
        info("RTX b", DeviceType::Other, Backend::Vulkan, NVIDIA),
    ];
    let expected = ["RTX b vulkan", "RTX a dx12", "Iris vulkan"];
    assert_eq!(order(&infos, &GpuOptions::default()), expected);
    // But software is no hardware, though it says the numbers of some.
    let infos = [
        info("WARP", DeviceType::Cpu, Backend::Vulkan, NVIDIA),
        info("RTX", DeviceType::DiscreteGpu, Backend::Dx12, NVIDIA),
    ];
    let options = GpuOptions::default().allow_software(true);
    assert_eq!(order(&infos, &options), ["RTX dx12", "WARP vulkan"]);
}

#[test]
fn ties_keep_wgpus_order() {
    let card = |name, device| info(name, DeviceType::DiscreteGpu, Backend::Vulkan, [1, device]);
    // Equal cards, and others between them. Two that say nothing of themselves but different names.
    let unknown = |name| info(name, DeviceType::DiscreteGpu, Backend::Vulkan, [0, 0]);
    let infos = [
        card("a", 1),
        unknown("b"),
        card("c", 2),
        card("d", 2),
        unknown("e"),
    ];
    let expected = ["a vulkan", "b vulkan", "c vulkan", "d vulkan", "e vulkan"];
    assert_eq!(order(&infos, &GpuOptions::default()), expected);
    let slot = |name, slot: &str| AdapterInfo {
        device_pci_bus_id: slot.into(),
        ..unknown(name)
    };
    let mut infos = [
        slot("a", "0000:01:00.0"),
        slot("b", "0000:02:00.0"),
        slot("c", "0000:01:00.0"),
    ];
    infos[0].backend = Backend::Dx12;
    let expected = ["c vulkan", "a dx12", "b vulkan"];
    assert_eq!(order(&infos, &GpuOptions::default()), expected);
}

#[test]
fn names_and_indices_choose_among_all() {
    let infos = windows();
    let options = GpuOptions::default;
    assert_eq!(order(&infos, &options().name("iris xe")), ["Iris Xe dx12"]);
    assert_eq!(
        order(&infos, &options().name("4090")),
        ["NVIDIA RTX 4090 vulkan", "RTX 4090 dx12"]
    );
    // An index names one entry, with its backend.
    assert_eq!(order(&infos, &options().index(1)), ["RTX 4090 dx12"]);
    assert_eq!(order(&infos, &options().index(2)), [""; 0]);
    assert_eq!(
        order(&infos, &options().index(2).only_software(true)),
        ["Basic Render dx12"]
    );
    assert_eq!(
        order(&infos, &options().index(6).allow_software(true)),
        [""; 0]
    );
}

#[test]
fn the_next_adapter_is_tried_where_one_cannot_be_opened() {
    let tried = RefCell::new(Vec::new());
    let run = |adapters: &[&'static str]| {
        tried.borrow_mut().clear();
        let open = async |adapter: &'static str| {
            tried.borrow_mut().push(adapter);
            match adapter {
                "broken" | "also broken" => Err(Error::OpenDevice {
                    adapter: adapter.into(),
                    message: "no".into(),
                }),
                "wrong" => Err(Error::argument("it", "right", "wrong")),
                works => Ok(works),
            }
        };
        pollster::block_on(first_that_opens(adapters.to_vec(), open))
    };
    assert_eq!(run(&["good", "broken"]).unwrap(), "good");
    assert_eq!(*tried.borrow(), ["good"]);
    assert_eq!(
        run(&["broken", "also broken", "good", "last"]).unwrap(),
        "good"
    );
    assert_eq!(*tried.borrow(), ["broken", "also broken", "good"]);
    // The best one's error, if all are broken. An error of the options' is not the adapter's.
    let error = run(&["broken", "also broken"]).unwrap_err();
    assert!(matches!(&error, Error::OpenDevice { adapter, .. } if adapter == "broken"));
    let error = run(&["broken", "wrong", "good"]).unwrap_err();
    assert!(matches!(error, Error::Argument { .. }), "{error}");
}
