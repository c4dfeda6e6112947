//! Whether text is a descriptor of VMDK: for what G calls one, and for what QEMU would open as one.

/// Longest type that G takes for one, in bytes.
const TYPE_MAX_BYTES: usize = 63;
/// How far QEMU looks when it probes.
const PROBE_LEN_BYTES: usize = 512;

/// Tells whether the first bytes, up to a zero byte, allow for a descriptor.
pub(super) fn may_be(head: &[u8]) -> bool {
    let text = up_to_zero(head);
    !text.is_empty() && (is_printable(text) || is_probed(text))
}

/// Tells whether text, up to a zero byte, is a descriptor.
pub(super) fn is_descriptor(bytes: &[u8]) -> bool {
    let text = up_to_zero(bytes).to_ascii_lowercase();
    names_a_type(&text) || (is_probed(&text) && find(&text, b"createtype").is_some())
}

pub(super) fn up_to_zero(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|&byte| byte == 0);
    &bytes[..end.unwrap_or(bytes.len())]
}

/// Returns the first place of a word in text.
pub(super) fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    let (first, rest) = word.split_first()?;
    let mut from = 0;
    while let Some(at) = text.get(from..)?.iter().position(|byte| byte == first) {
        from += at + 1;
        if text[from..].starts_with(rest) {
            return Some(from - 1);
        }
    }
    None
}

fn is_printable(text: &[u8]) -> bool {
    let is_space = |byte: u8| byte.is_ascii_whitespace() || byte == 0x0b;
    let mut bytes = text.iter();
    bytes.all(|&byte| is_space(byte) || (0x20..0x7f).contains(&byte))
}

/// Tells whether there is a type in quotes.
fn names_a_type(text: &[u8]) -> bool {
    const KEY: &[u8] = b"createtype=\"";
    let Some(at) = find(text, KEY) else {
        return false;
    };
    let value = &text[at + KEY.len()..];
    let end = value.iter().position(|&byte| byte == b'"');
    end.is_some_and(|end| end <= TYPE_MAX_BYTES)
}

/// Tells whether QEMU takes text for a descriptor: comments and blank lines, then a version.
fn is_probed(text: &[u8]) -> bool {
    let text = &text[..text.len().min(PROBE_LEN_BYTES)];
    let mut lines = text.split_inclusive(|&byte| byte == b'\n');
    let first = lines.find(|line| {
        let is_blank = line.iter().all(|byte| b" \r\n".contains(byte));
        !line.starts_with(b"#") && !is_blank
    });
    let first = first.map(|line| line.trim_ascii_end().to_ascii_lowercase());
    let versions: [&[u8]; 3] = [b"version=1", b"version=2", b"version=3"];
    first.is_some_and(|line| versions.contains(&line.as_slice()))
}
