//! A server of scripts on loopback, for tests of what a client does.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// What is written to one connection, and whether it stays open behind that.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    bytes: Vec<u8>,
    holds: bool,
}

impl Reply {
    /// Writes a status line with headers and a body, then closes.
    pub(super) fn new(status: &str, headers: &[&str], body: &str) -> Self {
        let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        Self {
            bytes: format!("HTTP/1.1 {status}\r\n{headers}\r\n{body}").into_bytes(),
            holds: false,
        }
    }

    /// Writes data of a declared length.
    pub(super) fn data(headers: &[&str], len: usize, body: &str) -> Self {
        let len = format!("Content-Length: {len}");
        Self::new("200 OK", &[headers, &[&*len]].concat(), body)
    }

    /// Redirects.
    pub(super) fn redirect(location: &str) -> Self {
        let location = format!("Location: {location}");
        Self::new("302 Found", &[&location, "Content-Length: 0"], "")
    }

    /// Writes bytes as they are.
    pub(super) fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: bytes.into(),
            holds: false,
        }
    }

    /// Keeps the connection open until the client closes it.
    pub(super) fn holding(mut self) -> Self {
        self.holds = true;
        self
    }
}

/// A server that answers its connections one after the other.
#[derive(Debug)]
pub(super) struct Server {
    listener: TcpListener,
}

/// The heads of requests that came, in order.
#[derive(Debug)]
pub(super) struct Heads(Receiver<String>);

impl Heads {
    /// Returns those that have come.
    pub(super) fn all(&self) -> Vec<String> {
        self.0.try_iter().collect()
    }
}

impl Server {
    /// Takes a free port.
    pub(super) fn bind(address: &str) -> Self {
        let listener = TcpListener::bind(address).expect("a free port");
        Self { listener }
    }

    /// Returns where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("a bound port")
    }

    /// Begins to answer, each connection with one reply.
    pub(super) fn serve(self, replies: Vec<Reply>) -> Heads {
        let (heads, seen) = channel();
        thread::spawn(move || {
            for reply in replies {
                let Ok((mut stream, _)) = self.listener.accept() else {
                    return;
                };
                // Told before the answer, so that whoever has an answer finds the head.
                drop(heads.send(head(&mut stream)));
                // A client that has enough may close first.
                drop(stream.write_all(&reply.bytes));
                if reply.holds {
                    drop(stream.read(&mut [0]));
                }
            }
        });
        Heads(seen)
    }
}

/// Reads the head of a request.
fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}
