//! Text of others on a terminal: it is shown, and commands nothing.

use std::ops::RangeInclusive;

/// Characters that nobody sees, and that turn, hide or break the text around them: those that
/// Unicode calls ignorable (`Default_Ignorable_Code_Point`), and its ends of lines and paragraphs.
/// Selectors of variants are left out: they touch the sign before them alone, and many signs need
/// them.
const UNSEEN: [RangeInclusive<char>; 17] = [
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180e}'..='\u{180e}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{3164}'..='\u{3164}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fffb}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e00ff}',
    '\u{e01f0}'..='\u{e0fff}',
];

/// Makes text of a tenant safe for a terminal: control characters, and those that nobody sees, are
/// shown as escapes.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_control() || is_unseen(c) {
            true => plain.extend(c.escape_default()),
            false => plain.push(c),
        }
    }
    plain
}

fn is_unseen(c: char) -> bool {
    UNSEEN.iter().any(|range| range.contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_reach_no_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
        assert_eq!(plain("\u{9b}2J\u{7f}"), "\\u{9b}2J\\u{7f}");
    }

    #[test]
    fn what_turns_or_hides_text_is_shown() {
        for (text, shown) in [
            ("gpj\u{202e}exe", "gpj\\u{202e}exe"),
            ("a\u{2066}b\u{2069}", "a\\u{2066}b\\u{2069}"),
            ("a\u{200b}b\u{200f}", "a\\u{200b}b\\u{200f}"),
            ("a\u{61c}\u{ad}", "a\\u{61c}\\u{ad}"),
            ("a\u{2028}b\u{2029}", "a\\u{2028}b\\u{2029}"),
            ("\u{feff}a\u{e0041}", "\\u{feff}a\\u{e0041}"),
        ] {
            assert_eq!(plain(text), shown);
        }
    }

    #[test]
    fn what_is_seen_stays_as_it_is() {
        for text in [
            "debian 12 \\ 'x' \"y\"",
            "e\u{301}\u{e9}",
            "\u{5e9}\u{5dc}\u{5d5}\u{5dd}",
            "\u{2764}\u{fe0f}",
            "\u{65e5}\u{672c}\u{3000}\u{8a9e}",
        ] {
            assert_eq!(plain(text), text);
        }
    }
}
