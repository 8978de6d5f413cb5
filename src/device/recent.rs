//! A least-recently-used cache from text to values.

use std::collections::HashMap;

/// Capacity: more than the number of kernel texts of many networks.
const MAX: usize = 1024;

/// At most [`MAX`] values by text. A new value replaces the one that was not used for longest.
#[derive(Debug)]
pub(super) struct Recent<V> {
    /// Values with the number of their last use.
    values: HashMap<String, (V, u64)>,
    uses: u64,
}

impl<V> Default for Recent<V> {
    fn default() -> Self {
        Recent {
            values: HashMap::new(),
            uses: 0,
        }
    }
}

impl<V: Clone> Recent<V> {
    pub(super) fn get(&mut self, text: &str) -> Option<V> {
        self.uses += 1;
        let (value, last) = self.values.get_mut(text)?;
        *last = self.uses;
        Some(value.clone())
    }

    pub(super) fn insert(&mut self, text: &str, value: V) {
        if self.values.len() >= MAX {
            let oldest = self.values.iter().min_by_key(|(_, (_, last))| *last);
            if let Some(oldest) = oldest.map(|(text, _)| text.clone()) {
                self.values.remove(&oldest);
            }
        }
        self.uses += 1;
        self.values.insert(text.to_string(), (value, self.uses));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_number_is_bounded() {
        let mut recent = Recent::default();
        for i in 0..3 * MAX {
            recent.insert(&i.to_string(), i);
            assert_eq!(recent.get("0"), Some(0));
        }
        assert_eq!(recent.values.len(), MAX);
        assert_eq!(recent.get(&(3 * MAX - 1).to_string()), Some(3 * MAX - 1));
        assert_eq!(recent.get("1"), None);
    }
}
