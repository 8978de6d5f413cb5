//! A list of the GPU adapters of this machine, one on each line, in the order of `GpuOptions::index`.

fn main() {
    for (index, adapter) in wgrad::Device::adapters().iter().enumerate() {
        println!("{index}: {adapter}");
    }
}
