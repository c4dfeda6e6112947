//! Lines on their way to a reader: a queue that is bounded in lines and in bytes, and one thread
//! that writes.
//!
//! A reader who stalls stops that thread alone. Lines that find the queue full are lost and
//! counted; the count is written when the reader goes on.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use super::LogFormat;

/// Lines that wait at most.
const LINES: usize = 4096;
/// What the lines that wait hold at most, in bytes.
const BYTES: usize = 4 << 20;
/// How long the end waits for the reader.
const END: Duration = Duration::from_secs(2);

/// What the thread is given.
#[derive(Debug)]
enum Step {
    Line(Vec<u8>),
    End,
}

/// Takes lines, each by one `write`, and never waits.
#[derive(Debug)]
pub(super) struct Lines {
    steps: SyncSender<Step>,
    counts: Arc<Counts>,
}

/// What both ends of the queue count.
#[derive(Debug, Default)]
struct Counts {
    lost: AtomicU64,
    waiting_bytes: AtomicUsize,
}

/// The thread that writes. When it is dropped, what waits is written, within a limit.
#[derive(Debug)]
pub(super) struct Writer {
    steps: SyncSender<Step>,
    ended: Receiver<()>,
}

impl Lines {
    /// Begins to write to `out`.
    pub(super) fn begin(out: impl Write + Send + 'static, format: LogFormat) -> (Self, Writer) {
        let (steps, taken) = sync_channel(LINES);
        let (end, ended) = channel();
        let counts = Arc::new(Counts::default());
        let counted = Arc::clone(&counts);
        thread::spawn(move || {
            write_all(out, &taken, &counted, format);
            drop(end);
        });
        let writer = Writer {
            steps: steps.clone(),
            ended,
        };
        (Self { steps, counts }, writer)
    }

    /// Lays a line into the queue, and tells whether there was room.
    fn push(&self, line: &[u8]) -> bool {
        let waiting = &self.counts.waiting_bytes;
        // Counted before it is made, so that lines of several threads are within the bound together.
        let before = waiting.fetch_add(line.len(), Ordering::Relaxed);
        let fits = before.saturating_add(line.len()) <= BYTES;
        let is_in = fits && self.steps.try_send(Step::Line(line.to_vec())).is_ok();
        if !is_in {
            waiting.fetch_sub(line.len(), Ordering::Relaxed);
        }
        is_in
    }
}

fn write_all(mut out: impl Write, steps: &Receiver<Step>, counts: &Counts, format: LogFormat) {
    // A reader who has gone misses nothing.
    while let Ok(step) = steps.recv() {
        let is_end = match step {
            Step::Line(line) => {
                let _ = out.write_all(&line);
                let waiting = &counts.waiting_bytes;
                waiting.fetch_sub(line.len(), Ordering::Relaxed);
                false
            }
            Step::End => true,
        };
        match counts.lost.swap(0, Ordering::Relaxed) {
            0 => {}
            count => drop(writeln!(out, "{}", lost_line(count, format))),
        }
        if is_end {
            break;
        }
    }
    let _ = out.flush();
}

fn lost_line(count: u64, format: LogFormat) -> String {
    let message = "lines of the log are lost, its reader was too slow";
    match format {
        LogFormat::Text => format!(" WARN smalti: {message} lost_lines={count}"),
        LogFormat::Json => {
            json!({ "level": "WARN", "message": message, "lost_lines": count }).to_string()
        }
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> &'a Self {
        self
    }
}

impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if !self.push(line) {
            self.counts.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The queue may be full and stay so; then the process ends without the rest.
        let steps = self.steps.clone();
        thread::spawn(move || steps.send(Step::End));
        let _ = self.ended.recv_timeout(END);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Sender;

    use super::*;

    /// A reader who takes nothing before it may, and passes on what it takes.
    struct Reader {
        may: Receiver<()>,
        taken: Sender<Vec<u8>>,
    }

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // An error says that it may for ever.
            let _ = self.may.recv();
            let _ = self.taken.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn text(taken: &Receiver<Vec<u8>>) -> String {
        let bytes: Vec<u8> = taken.try_iter().flatten().collect();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_stalled_reader_stops_nobody_and_is_told_what_it_missed() {
        for (format, word) in [
            (LogFormat::Text, "lost_lines="),
            (LogFormat::Json, "\"lost_lines\":"),
        ] {
            let (allow, may) = channel();
            let (send, taken) = channel();
            let (lines, writer) = Lines::begin(Reader { may, taken: send }, format);
            for number in 0..LINES + 100 {
                (&lines)
                    .write_all(format!("line {number}\n").as_bytes())
                    .unwrap();
            }
            drop(allow);
            drop(writer);
            let text = text(&taken);
            let (told, whole): (Vec<&str>, Vec<&str>) =
                text.lines().partition(|line| line.contains(word));
            assert!(whole.len() >= LINES, "{} lines", whole.len());
            let digits = |line: &&str| {
                let (_, count) = line.split_once(word).unwrap();
                let count: String = count.chars().take_while(char::is_ascii_digit).collect();
                count.parse::<usize>().unwrap()
            };
            let lost: usize = told.iter().map(digits).sum();
            assert_eq!(whole.len() + lost, LINES + 100);
            assert!(lost >= 90, "{lost}");
        }
    }

    #[test]
    fn long_lines_wait_within_a_bound_of_bytes() {
        let (allow, may) = channel();
        let (send, taken) = channel();
        let (lines, writer) = Lines::begin(Reader { may, taken: send }, LogFormat::Text);
        let longer = vec![b'x'; BYTES + 1];
        assert!(!lines.push(&longer), "one line is bounded, too");
        let line = [&[b'x'; (64 << 10) - 1][..], b"\n"].concat();
        let fit = BYTES / line.len();
        for _ in 0..2 * fit {
            (&lines).write_all(&line).unwrap();
        }
        assert_eq!(lines.counts.waiting_bytes.load(Ordering::Relaxed), BYTES);
        drop(allow);
        drop(writer);
        let text = text(&taken);
        assert_eq!(text.matches("x\n").count(), fit);
        assert!(text.contains(&format!("lost_lines={fit}")), "{fit}");
        assert_eq!(lines.counts.waiting_bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn the_end_waits_for_no_reader_that_stalls() {
        let (allow, may) = channel();
        let (send, taken) = channel();
        let (lines, writer) = Lines::begin(Reader { may, taken: send }, LogFormat::Text);
        for _ in 0..LINES + 2 {
            (&lines).write_all(b"line\n").unwrap();
        }
        let begun = std::time::Instant::now();
        drop(writer);
        assert!(begun.elapsed() < END * 5);
        assert_eq!(text(&taken), "");
        drop(allow);
    }
}
