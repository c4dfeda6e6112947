//! A proxy before a service that speaks HTTP, which spoils what passes: late, cut, short, refused.
//!
//! Each request has a connection of its own to the service, so that an answer ends where its
//! connection does.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The answer comes, but late.
    Delay,
    /// The connection ends in the middle of what is sent up.
    CutUp,
    /// The connection ends in the middle of the answer.
    CutDown,
    /// The answer is shorter than it should be, and says that it is whole.
    Truncate,
    /// The service says 503 and does nothing.
    Status503,
    /// The service does what is asked, and says 500.
    Lost500,
}

/// Which requests are spoiled, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) fault: Fault,
    /// A method, and a word in the path or in the query.
    pub(crate) method: &'static str,
    pub(crate) word: &'static str,
    /// Of those, each so many-th.
    pub(crate) every: usize,
}

#[derive(Debug, Default)]
struct State {
    plan: Option<Plan>,
    seen: usize,
    met: usize,
}

/// A proxy that takes connections until the process ends.
#[derive(Debug)]
pub(crate) struct Proxy {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Proxy {
    /// Starts before a port of this machine.
    pub(crate) fn start(service: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("it is bound").port();
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                // What ends early is what is tested.
                thread::spawn(move || drop(serve(client, service, &state)));
            }
        });
        Self { port, state }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with it")
    }

    /// Spoils requests from now on.
    pub(crate) fn spoil(&self, plan: Plan) {
        *self.state() = State {
            plan: Some(plan),
            ..State::default()
        };
    }

    /// Lets all pass; returns how many requests were spoiled.
    pub(crate) fn mend(&self) -> usize {
        std::mem::take(&mut *self.state()).met
    }
}

/// Decides about a request by its first line.
fn fault_of(line: &str, state: &Mutex<State>) -> Option<Fault> {
    let mut state = state.lock().expect("nobody panics with it");
    let plan = state.plan?;
    let (method, rest) = line.split_once(' ')?;
    if method != plan.method || !rest.contains(plan.word) {
        return None;
    }
    state.seen += 1;
    if state.seen % plan.every != 0 {
        return None;
    }
    state.met += 1;
    Some(plan.fault)
}

/// Reads up to the end of a head; returns it, and what of the body came with it.
fn read_head(from: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let (mut bytes, mut buf) = (Vec::new(), [0; 8192]);
    loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let body = bytes.split_off(at + 4);
            return Ok((String::from_utf8_lossy(&bytes).into_owned(), body));
        }
        match from.read(&mut buf)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            len => bytes.extend_from_slice(&buf[..len]),
        }
    }
}

fn length_of(head: &str) -> Option<usize> {
    let mut lines = head.lines();
    let line = lines.find(|line| line.to_ascii_lowercase().starts_with("content-length:"))?;
    line.split_once(':')?.1.trim().parse().ok()
}

/// Copies `len` bytes, of which `first` came already.
fn copy(from: &mut TcpStream, to: &mut impl Write, first: &[u8], len: usize) -> io::Result<()> {
    let first = &first[..first.len().min(len)];
    to.write_all(first)?;
    let rest = (len - first.len()) as u64;
    match io::copy(&mut from.take(rest), to)? {
        copied if copied == rest => Ok(()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn serve(mut client: TcpStream, service: u16, state: &Mutex<State>) -> io::Result<()> {
    let (head, body) = read_head(&mut client)?;
    let fault = fault_of(head.lines().next().unwrap_or(""), state);
    let len = length_of(&head).unwrap_or(0);
    if fault == Some(Fault::Status503) {
        copy(&mut client, &mut io::sink(), &body, len)?;
        return answer(&mut client, "503 Service Unavailable");
    }
    let mut upstream = TcpStream::connect(("127.0.0.1", service))?;
    upstream.set_nodelay(true)?;
    let head = head.trim_end().to_owned() + "\r\nConnection: close\r\n\r\n";
    upstream.write_all(head.as_bytes())?;
    if fault == Some(Fault::CutUp) {
        copy(&mut client, &mut upstream, &body, len / 2)?;
        return Ok(());
    }
    copy(&mut client, &mut upstream, &body, len)?;
    let (head, body) = read_head(&mut upstream)?;
    let len = length_of(&head).unwrap_or(0);
    match fault {
        Some(Fault::Delay) => thread::sleep(Duration::from_millis(300)),
        Some(Fault::Lost500) => {
            io::copy(&mut upstream, &mut io::sink())?;
            return answer(&mut client, "500 Internal Server Error");
        }
        Some(Fault::CutDown) => {
            client.write_all(head.as_bytes())?;
            return copy(&mut upstream, &mut client, &body, len / 2);
        }
        Some(Fault::Truncate) => {
            let was = format!("Content-Length: {len}\r\n");
            let is = format!("Content-Length: {}\r\n", len / 2);
            assert!(head.contains(&was), "{head}");
            client.write_all(head.replace(&was, &is).as_bytes())?;
            return copy(&mut upstream, &mut client, &body, len / 2);
        }
        _ => {}
    }
    client.write_all(head.as_bytes())?;
    client.write_all(&body)?;
    io::copy(&mut upstream, &mut client)?;
    client.shutdown(Shutdown::Both)
}

fn answer(client: &mut TcpStream, status: &str) -> io::Result<()> {
    write!(
        client,
        "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )?;
    client.shutdown(Shutdown::Write)
}
