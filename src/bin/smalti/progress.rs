//! Progress bars: how far, how fast, how much longer. On standard error, and only on a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

const OF_KNOWN: &str =
    "{msg} [{wide_bar}] {percent}% {bytes}/{total_bytes} {bytes_per_sec} eta {eta}";
const OF_UNKNOWN: &str = "{msg} {spinner} {bytes} {bytes_per_sec} {elapsed}";

/// A bar of bytes. It goes away when it is dropped.
#[derive(Debug)]
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// Makes a bar that nobody sees.
    pub(crate) fn hidden() -> Self {
        Self(ProgressBar::hidden())
    }

    /// Makes a bar; of unknown length without `total`.
    pub(crate) fn shown(what: &str, total: Option<u64>) -> Self {
        let bar = match total {
            Some(total) => ProgressBar::new(total).with_style(style(OF_KNOWN)),
            None => ProgressBar::new_spinner().with_style(style(OF_UNKNOWN)),
        };
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// Says what is being done now.
    pub(crate) fn say(&self, what: String) {
        self.0.set_message(what);
    }

    /// Counts bytes that are done.
    pub(crate) fn add(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    /// Sets how many bytes are done, of how many.
    pub(crate) fn set(&self, done: u64, total: u64) {
        self.0.set_length(total);
        self.0.set_position(done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    style
        .expect("the templates are constants, which the tests read")
        .progress_chars("=> ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_read() {
        for template in [OF_KNOWN, OF_UNKNOWN] {
            let _ = style(template);
        }
    }
}
