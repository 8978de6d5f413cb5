//! PyTorch's printed form of a network.

use super::Case;

/// A line of a printed network: `(conv1): Conv2d(1, 4, kernel_size=(3, 3))` has the name conv1, the layer Conv2d, the
/// numbers 1 and 4, and a setting.
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) layer: String,
    pub(crate) numbers: Vec<usize>,
    settings: Vec<(String, String)>,
}

impl Line {
    fn read(text: &str) -> Self {
        let (name, rest) = text.trim().split_once("): ").unwrap();
        let (layer, arguments) = rest.split_once('(').unwrap();
        let arguments = arguments.strip_suffix(')').unwrap();
        let (mut depth, mut words) = (0, vec![String::new()]);
        for c in arguments.chars() {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                ',' if depth == 0 => words.push(String::new()),
                ' ' => {}
                _ => words.last_mut().unwrap().push(c),
            }
            if c == ',' && depth > 0 {
                words.last_mut().unwrap().push(' ');
            }
        }
        let settings = words.iter().filter_map(|word| word.split_once('='));
        Line {
            name: name.trim_start_matches('(').to_string(),
            layer: layer.to_string(),
            numbers: words.iter().filter_map(|word| word.parse().ok()).collect(),
            settings: settings.map(|(k, v)| (k.into(), v.into())).collect(),
        }
    }

    pub(crate) fn setting(&self, key: &str) -> Option<&str> {
        let found = self.settings.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }

    /// A setting per axis.
    pub(crate) fn pair(&self, key: &str, default: usize) -> [usize; 2] {
        let Some(text) = self.setting(key) else {
            return [default; 2];
        };
        let numbers = text.split([',', ' ']).filter(|word| !word.is_empty());
        let numbers: Vec<usize> = numbers.map(|word| word.parse().unwrap()).collect();
        match numbers[..] {
            [both] => [both; 2],
            [height, width] => [height, width],
            _ => panic!("{key} {text}"),
        }
    }

    pub(crate) fn flag(&self, key: &str, default: bool) -> bool {
        self.setting(key).map_or(default, |value| value == "True")
    }
}

#[test]
fn printed_layers_are_read() {
    let line = Line::read("  (conv2): Conv2d(4, 8, kernel_size=(3, 2), stride=(2, 2), bias=False)");
    assert_eq!((&line.name[..], &line.layer[..]), ("conv2", "Conv2d"));
    assert_eq!(line.numbers, [4, 8]);
    assert_eq!(line.pair("kernel_size", 0), [3, 2]);
    assert_eq!(
        (line.pair("stride", 1), line.pair("dilation", 1)),
        ([2, 2], [1, 1])
    );
    assert!(!line.flag("bias", true) && line.flag("batch_first", true));
}

/// The class of the printed network, and its layers.
pub(crate) fn printed(case: &Case<'_>) -> (String, Vec<Line>) {
    let text = case.file.text("network");
    let (class, _) = text.split_once('(').unwrap();
    let lines = text.lines().filter(|line| line.contains("): "));
    let whole = lines.filter(|line| line.trim().ends_with(')'));
    (class.to_string(), whole.map(Line::read).collect())
}
