//! What is refused before the parser sees it. The parser, and every walk over
//! its tree, recurses as deep as the tree is; a few kilobytes of brackets,
//! signs or dots must not reach the end of a thread's stack.

/// Bytes an expression may have.
pub const MAX_LENGTH: usize = 8 * 1024;
/// Brackets that may be open at once.
pub const MAX_NESTING: usize = 32;
/// Levels of the tree: brackets, and operators and dots that build on each
/// other's results.
pub const MAX_DEPTH: usize = 160;
/// Comprehensions (`all`, `map`, ...) that may be inside each other.
pub const MAX_COMPREHENSIONS: usize = 3;

/// One open bracket, or the expression itself.
#[derive(Default)]
struct Level {
    /// Operators, dots and calls in a row since the last comma or `&&`.
    chain: usize,
    /// The longest such row.
    longest: usize,
    /// Question marks: conditionals nest to the right.
    conditions: usize,
}

impl Level {
    fn depth(&self) -> usize {
        1 + self.longest + 2 * self.conditions
    }

    fn step(&mut self) {
        self.chain += 1;
        self.longest = self.longest.max(self.chain);
    }
}

/// The byte offset and the complaint, if `source` is too large to parse.
pub(super) fn check(source: &str) -> Result<(), (usize, String)> {
    if source.len() > MAX_LENGTH {
        let message = format!(
            "the expression has {} bytes, at most {MAX_LENGTH} are allowed; split it with `let`",
            source.len()
        );
        return Err((0, message));
    }
    let bytes = source.as_bytes();
    let mut levels = vec![Level::default()];
    // Levels that the open brackets stand on.
    let mut below = 0;
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        at = skip(bytes, at);
        if at > start {
            // A comment, a string or a word; of words only `in` is an operator.
            if &source[start..at] == "in"
                && let Some(level) = levels.last_mut()
            {
                level.step();
            }
        } else {
            at += 1;
            let depth = levels.last().map_or(0, Level::depth);
            match bytes[start] {
                b'(' | b'[' | b'{' => {
                    if let Some(level) = levels.last_mut() {
                        level.step();
                        below += level.depth();
                    }
                    levels.push(Level::default());
                }
                b')' | b']' | b'}' if levels.len() > 1 => {
                    levels.pop();
                    below -= levels.last().map_or(0, Level::depth);
                }
                b',' => reset(&mut levels, true),
                b'&' | b'|' | b':' => reset(&mut levels, false),
                b'?' if depth > 0 => {
                    reset(&mut levels, false);
                    if let Some(level) = levels.last_mut() {
                        level.conditions += 1;
                    }
                }
                b'.' | b'+' | b'-' | b'*' | b'/' | b'%' | b'!' | b'<' | b'>' | b'=' => {
                    if let Some(level) = levels.last_mut() {
                        level.step();
                    }
                }
                _ => {}
            }
            if levels.len() > MAX_NESTING + 1 {
                let message = format!("more than {MAX_NESTING} brackets are open here");
                return Err((start, message));
            }
        }
        if below + levels.last().map_or(0, Level::depth) > MAX_DEPTH {
            let message = "the expression is nested too deeply here; split it with `let`";
            return Err((start, message.to_owned()));
        }
    }
    Ok(())
}

/// Ends the row of operators; a comma also ends the conditionals.
fn reset(levels: &mut [Level], comma: bool) {
    if let Some(level) = levels.last_mut() {
        level.chain = 0;
        if comma {
            level.conditions = 0;
            level.longest = 0;
        }
    }
}

/// The end of the comment, string or word that begins at `at`, or `at`.
fn skip(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        return rest.iter().position(|b| *b == b'\n').map_or(bytes.len(), |end| at + end);
    }
    let word = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
    let quote_at = at + word;
    let Some(quote @ (b'"' | b'\'')) = bytes.get(quote_at).copied() else {
        return quote_at;
    };
    let raw = rest[..word].iter().any(|b| matches!(b, b'r' | b'R'));
    string_end(bytes, quote_at, quote, raw)
}

/// The end of the string whose opening quote is at `open`.
fn string_end(bytes: &[u8], open: usize, quote: u8, raw: bool) -> usize {
    let triple = [quote; 3];
    let close: &[u8] = if bytes[open..].starts_with(&triple) { &triple } else { &triple[..1] };
    let mut at = open + close.len();
    while at < bytes.len() {
        if bytes[at] == b'\\' && !raw {
            at += 2;
        } else if bytes[at..].starts_with(close) {
            return at + close.len();
        } else {
            at += 1;
        }
    }
    bytes.len()
}
