//! Rust source as a row of words and marks, for `tidy`.
//!
//! Comments and the insides of literals are left out, and so are `#[cfg(test)]` modules. It knows
//! just enough of the language for that and refuses nothing.

/// A word, `::`, or any other single character, and the line on which it stands.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// Returns the words and marks of `source`, without its test modules.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let (mut found, mut at, mut line) = (Vec::new(), 0, 1);
    while at < chars.len() {
        let end = token_end(&chars, at);
        let text: String = chars[at..end].iter().collect();
        let lines = text.matches('\n').count();
        let first = chars[at];
        let is_word = is_word(first) && !text.ends_with(['"', '\'', '#']);
        let is_code = is_word || text == "::" || (end == at + 1 && !first.is_whitespace());
        if is_code {
            found.push(Token { line, text });
        }
        line += lines;
        at = end;
    }
    without_tests(found)
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// Returns where the word, mark, comment or literal that begins at `at` ends.
fn token_end(chars: &[char], at: usize) -> usize {
    let char = |offset: usize| chars.get(at + offset).copied().unwrap_or('\0');
    match (char(0), char(1)) {
        ('/', '/') => position(chars, at, |char| char == '\n'),
        ('/', '*') => block_comment_end(chars, at),
        ('"', _) => quoted_end(chars, at, '"'),
        (':', ':') => at + 2,
        ('\'', '\\') => quoted_end(chars, at, '\''),
        ('\'', _) if char(2) == '\'' => at + 3,
        // A lifetime: never one character, so it is no mark.
        ('\'', _) => position(chars, at + 1, |char| !is_word(char)),
        (first, _) if is_word(first) => {
            let end = position(chars, at, |char| !is_word(char));
            let word: String = chars[at..end].iter().collect();
            match word.as_str() {
                "r" | "br" | "cr" => raw_string_end(chars, end).unwrap_or(end),
                _ => end,
            }
        }
        _ => at + 1,
    }
}

fn position(chars: &[char], from: usize, wanted: impl Fn(char) -> bool) -> usize {
    let rest = chars.iter().skip(from).position(|&char| wanted(char));
    rest.map_or(chars.len(), |offset| from + offset)
}

fn block_comment_end(chars: &[char], at: usize) -> usize {
    let (mut depth, mut at) = (0, at);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    at
}

fn quoted_end(chars: &[char], at: usize, quote: char) -> usize {
    let mut at = at + 1;
    while at < chars.len() && chars[at] != quote {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

/// Returns the end of a raw string whose `r` ended at `at`, if there is one.
fn raw_string_end(chars: &[char], at: usize) -> Option<usize> {
    let quote = position(chars, at, |char| char != '#');
    let mut close = vec!['"'];
    close.extend(&chars[at..quote]);
    if chars.get(quote) != Some(&'"') {
        return None;
    }
    let body = chars.get(quote + 1..)?;
    let end = body.windows(close.len()).position(|part| part == close)?;
    Some(quote + 1 + end + close.len())
}

/// Drops each module that stands under `#[cfg(test)]` or `#[cfg(all(test, ...))]`.
fn without_tests(mut tokens: Vec<Token>) -> Vec<Token> {
    let mut at = 0;
    while at < tokens.len() {
        match test_module_end(&tokens, at) {
            Some(end) => drop(tokens.drain(at..end)),
            None => at += 1,
        }
    }
    tokens
}

fn test_module_end(tokens: &[Token], at: usize) -> Option<usize> {
    let starts = |words: &[&str]| {
        let texts = tokens[at..].iter().map(|token| token.text.as_str());
        texts.take(words.len()).eq(words.iter().copied())
    };
    if !starts(&["#", "[", "cfg", "(", "test", ")"])
        && !starts(&["#", "[", "cfg", "(", "all", "(", "test"])
    {
        return None;
    }
    let mut next = at;
    while tokens.get(next)?.text == "#" {
        next = group_end(tokens, next + 1)?;
    }
    let is_module = tokens[next].text == "mod" && tokens.get(next + 2)?.text == "{";
    is_module.then(|| group_end(tokens, next + 2))?
}

/// Returns the end of the bracketed group that opens at `at`.
fn group_end(tokens: &[Token], at: usize) -> Option<usize> {
    let mut depth = 0;
    for (offset, token) in tokens.get(at..)?.iter().enumerate() {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + offset + 1);
        }
    }
    None
}

#[track_caller]
fn check(source: &str, expected: &str) {
    let found = tokens(source);
    let texts: Vec<&str> = found.iter().map(|token| token.text.as_str()).collect();
    assert_eq!(texts.join(" "), expected, "{source}");
}

#[test]
fn comments_and_literals_are_no_code() {
    check("a /* b /* c */ d */ e // f\ng", "a e g");
    check(r#"let x = "unsafe \" crate::"; y"#, "let x = ; y");
    check(r###"let x = r#"unsafe " x"#; y"###, "let x = ; y");
    check(r"m('\'', '{', b'{', 'a') unsafe", "m ( , , b , ) unsafe");
    check("fn f<'a>(x: &'a str) {}", "fn f < > ( x : & str ) { }");
    check("crate::b::C", "crate :: b :: C");
}

#[test]
fn test_modules_are_left_out_and_what_follows_is_not() {
    let attributes = "#[cfg(test)]\n#[allow(x)]\nmod tests { fn f() { {} } }";
    check(&format!("a; {attributes} b"), "a ; b");
    check("#[cfg(all(test, unix))] mod t { x } y", "y");
    check("#[cfg(test)] use a;", "# [ cfg ( test ) ] use a ;");
    check("#[cfg(unix)] mod t { }", "# [ cfg ( unix ) ] mod t { }");
}

#[test]
fn tokens_know_their_lines() {
    let found = tokens("a\n/* \n */ b \"\n\" c");
    let lines: Vec<usize> = found.iter().map(|token| token.line).collect();
    assert_eq!(lines, [1, 3, 4]);
}
