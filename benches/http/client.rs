//! A client that costs little: one connection, requests made beforehand, bodies read and dropped.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) len_bytes: u64,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("a server");
        stream.set_nodelay(true).expect("a socket");
        Self {
            stream,
            buffer: vec![0; 1 << 20],
        }
    }

    /// Sends a request and reads the answer to its end.
    pub(crate) fn ask(&mut self, request: &[u8]) -> Answer {
        self.stream.write_all(request).expect("sent");
        self.answer()
    }

    /// Sends what belongs to a request.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("sent");
    }

    /// Reads an answer to its end.
    pub(crate) fn answer(&mut self) -> Answer {
        let (head_len, filled) = read_head(&mut self.stream, &mut self.buffer);
        let head = std::str::from_utf8(&self.buffer[..head_len]).expect("a head");
        let status = head[9..12].parse().expect("a status");
        let len_bytes = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            (name.eq_ignore_ascii_case("content-length")).then(|| value.trim().parse().ok())?
        });
        let len_bytes: u64 = len_bytes.unwrap_or(0);
        let mut rest = len_bytes - (filled - head_len) as u64;
        while rest > 0 {
            let count = self.stream.read(&mut self.buffer).expect("a body");
            assert!(count > 0, "the body ends early");
            rest -= count as u64;
        }
        Answer { status, len_bytes }
    }

    /// Returns the body of the answer to a request.
    pub(crate) fn body(&mut self, request: &[u8]) -> Vec<u8> {
        self.stream.write_all(request).expect("sent");
        let mut all = Vec::new();
        let (head_len, got) = read_head(&mut self.stream, &mut self.buffer);
        all.extend_from_slice(&self.buffer[..got]);
        let head = String::from_utf8_lossy(&all[..head_len]).to_lowercase();
        let len = head.split("content-length: ").nth(1).expect("a length");
        let len: usize = len
            .lines()
            .next()
            .and_then(|it| it.parse().ok())
            .expect("a length");
        while all.len() < head_len + len {
            let count = self.stream.read(&mut self.buffer).expect("a body");
            all.extend_from_slice(&self.buffer[..count]);
        }
        all.split_off(head_len)
    }
}

/// Reads until the head is there; returns its length, and how much was read.
fn read_head(stream: &mut TcpStream, buffer: &mut [u8]) -> (usize, usize) {
    let mut filled = 0;
    loop {
        let count = stream.read(&mut buffer[filled..]).expect("a head");
        assert!(count > 0, "the answer ends early");
        filled += count;
        if let Some(at) = buffer[..filled].windows(4).position(|it| it == b"\r\n\r\n") {
            return (at + 4, filled);
        }
    }
}
