//! Readers of a network's values.

use wgrad::Network;

/// All parameters, one after the other.
pub(crate) fn parameters(network: &mut Network) -> Vec<f32> {
    let names: Vec<String> = network
        .parameter_names()
        .iter()
        .map(|n| n.to_string())
        .collect();
    names
        .iter()
        .flat_map(|name| network.parameter(name).unwrap())
        .collect()
}
