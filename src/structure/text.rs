//! Source text without comments, literals and test code, and its words.

/// Stands where a module for tests was declared that has a file of its own.
pub(super) const TEST_MODULE: &str = "\u{1}";

/// Blanks comments and the contents of string and character literals.
pub(super) fn without_text(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").unwrap() + 2
        } else if rest.starts_with("r#\"") {
            rest.find("\"#").unwrap() + 2
        } else if rest.starts_with("pub(in ") {
            // A path that is no use of what it names.
            out.push_str("pub");
            rest.find(')').unwrap() + 1
        } else if c == '"' {
            literal(rest, '"')
        } else if c == '\'' && is_character(rest) {
            literal(rest, '\'')
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        if c == '"' || c == 'r' {
            out.push_str("\"\"");
        }
        rest = &rest[skipped..];
    }
    out
}

/// Bytes of the literal at the beginning.
fn literal(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (i, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return i + 1,
            _ => {}
        }
    }
    text.len()
}

/// Whether a `'` begins a character, and no lifetime.
fn is_character(text: &str) -> bool {
    let mut chars = text.chars().skip(1);
    chars.next() == Some('\\') || chars.next() == Some('\'')
}

/// Leaves out what stands under `#[cfg(test)]`.
pub(super) fn without_tests(code: &str) -> String {
    let mut parts = code.split("#[cfg(test)]");
    let mut out = parts.next().unwrap().to_string();
    for part in parts {
        // The item ends with its outermost brace, or with a semicolon before any.
        let mut depth = 0;
        let end = part.char_indices().find(|&(_, c)| {
            match c {
                '{' | '(' | '[' => depth += 1,
                '}' | ')' | ']' => depth -= 1,
                _ => {}
            }
            depth == 0 && (c == '}' || c == ';')
        });
        let end = end.map_or(part.len(), |(i, _)| i + 1);
        let item = part[..end].trim();
        let mut item = words(item).skip_while(|word| matches!(*word, "pub" | "crate" | "super"));
        if item.next() == Some("mod") && part[..end].ends_with(';') {
            out.push_str(TEST_MODULE);
            out.push_str(item.next().unwrap());
            out.push(';');
        }
        out.push_str(&part[end..]);
    }
    out
}

pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

pub(super) fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c| !is_word(c)).filter(|word| !word.is_empty())
}
