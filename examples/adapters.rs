//! Lists the GPU adapters of this machine, one a line: what `GpuOptions::index` counts.

fn main() {
    for (index, adapter) in wgrad::Device::adapters().iter().enumerate() {
        println!("{index}: {adapter}");
    }
}
