//! The paths in source text: those of `use` declarations, and those within the code.

use super::text::{is_word, words};

/// The `use` declarations, with whether each is public; and the rest of the code.
pub(super) fn split_uses(code: &str) -> (Vec<(bool, String)>, String) {
    let mut uses = Vec::new();
    let mut rest = String::new();
    let mut lines = code.lines();
    let mut depth = 0;
    // The depths of the modules within the file that are open here.
    let mut inline: Vec<i32> = Vec::new();
    while let Some(line) = lines.next() {
        let trimmed = line.trim();
        let mut before = words(trimmed).skip_while(|word| matches!(*word, "pub" | "crate"));
        if before.next() == Some("mod") && trimmed.ends_with('{') {
            inline.push(depth);
        }
        depth += line.matches('{').count() as i32 - line.matches('}').count() as i32;
        if inline.last().is_some_and(|&open| depth <= open) {
            inline.pop();
        }
        let public = trimmed.starts_with("pub");
        let body = match trimmed.strip_prefix("use ") {
            Some(body) => Some(body),
            None if public => trimmed.split_once(" use ").map(|(_, body)| body),
            None => None,
        };
        let Some(body) = body else {
            // From a module within the file, `super` is the file.
            match inline.is_empty() {
                true => rest.push_str(line),
                false => rest.push_str(&line.replacen("super::", "self::", 1)),
            }
            rest.push('\n');
            continue;
        };
        let mut tree = body.to_string();
        while !tree.contains(';') {
            tree.push_str(lines.next().unwrap());
        }
        let (tree, after) = tree.split_once(';').unwrap();
        rest.push_str(after);
        depth += tree.matches('{').count() as i32 - tree.matches('}').count() as i32;
        depth -= body.matches('{').count() as i32 - body.matches('}').count() as i32;
        // What a module within the file gives, the file itself does not.
        let mut tree = tree.to_string();
        for _ in &inline {
            tree = match tree.strip_prefix("super::") {
                Some(rest) => format!("self::{rest}"),
                None => tree,
            };
        }
        uses.push((public && inline.is_empty(), tree));
    }
    (uses, rest)
}

/// The paths of a tree `a::{b, c::{d, e}}`.
pub(super) fn leaves(tree: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut depth = 0;
    let mut start = 0;
    let mut parts = Vec::new();
    for (i, c) in tree.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&tree[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&tree[start..]);
    for part in parts.into_iter().map(str::trim).filter(|p| !p.is_empty()) {
        let segments = |text: &str| -> Vec<String> {
            let segments = text.split("::").map(str::trim);
            segments
                .filter(|s| !s.is_empty())
                .map(String::from)
                .collect()
        };
        match part.split_once('{') {
            Some((front, inner)) => {
                let front = segments(front);
                let inner = leaves(inner.trim_end().trim_end_matches('}').trim_end());
                found.extend(inner.into_iter().map(|leaf| [&front[..], &leaf].concat()));
            }
            None => found.push(segments(part)),
        }
    }
    found
}

/// Paths of several segments in code.
pub(super) fn paths(code: &str) -> impl Iterator<Item = Vec<String>> {
    code.split(|c| !is_word(c) && c != ':' && c != '$')
        .filter(|text| text.contains("::"))
        .map(|text| {
            let segments = text.split("::").map(|s| s.trim_matches(':'));
            segments
                .filter(|s| !s.is_empty())
                .map(String::from)
                .collect()
        })
}
