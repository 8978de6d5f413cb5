//! Parameter names, and the names that files reserve.

use crate::{Error, Result};

/// First name parts of the tensors that a trainer's checkpoint stores for each parameter.
pub(crate) const MOMENTS: &str = "moments";
pub(crate) const AVERAGE: &str = "average";
pub(crate) const ACCUMULATED: &str = "accumulated";

/// First name part of the carried states.
pub(crate) const CARRIED: &str = "carried";

/// First name part of the weights that early stopping keeps.
pub(crate) const EARLY_STOPPING: &str = "early_stopping";

/// Last name parts of a batch normalisation's running statistics.
pub(crate) const RUNNING: [&str; 2] = ["running_mean", "running_var"];

/// Last name part of a batch normalisation's counter in PyTorch's files.
pub(crate) const COUNTER: &str = "num_batches_tracked";

/// Maximum length of a name in bytes.
const MAX_BYTES: usize = 1024;

/// Whether a tensor of a checkpoint is training state of a parameter.
pub(crate) fn is_kept(name: &str) -> bool {
    let first = name.split_once('.').map(|(first, _)| first);
    first.is_some_and(|first| {
        [MOMENTS, AVERAGE, ACCUMULATED, CARRIED, EARLY_STOPPING].contains(&first)
    })
}

/// Refuses a parameter name that is reserved or cannot be stored in files.
pub(super) fn check_name(name: &str) -> Result<()> {
    let bad = |expected: String| {
        Err(Error::argument(
            "a parameter's name",
            expected,
            format!("{name:?}"),
        ))
    };
    if name.is_empty() {
        return bad("at least one character".to_string());
    }
    if name.len() > MAX_BYTES {
        let found = format!("{} bytes", name.len());
        let expected = format!("at most {MAX_BYTES} bytes");
        return Err(Error::argument("a parameter's name", expected, found));
    }
    if is_kept(name) {
        return bad(format!(
            "without the prefixes `{MOMENTS}.`, `{AVERAGE}.`, `{ACCUMULATED}.`, `{CARRIED}.` and `{EARLY_STOPPING}.` of checkpoints"
        ));
    }
    let last = name.rsplit('.').next().unwrap_or(name);
    if RUNNING.contains(&last) || last == COUNTER {
        let [mean, variance] = RUNNING;
        return bad(format!(
            "without `{mean}`, `{variance}` or `{COUNTER}` as its last part, which batch normalisation uses"
        ));
    }
    if name == "__metadata__" {
        return bad("other than `__metadata__`, which safetensors files reserve".to_string());
    }
    Ok(())
}
