//! A client of HTTP/1.1 on one connection: it blocks, and sends whatever it is given.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use super::reply::Reply;
use super::request::Request;

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that is kept until it is dropped.
#[derive(Debug)]
pub(crate) struct Client {
    address: SocketAddr,
    stream: TcpStream,
    /// What was read and not yet taken.
    rest: Vec<u8>,
    /// Whether the server has said that it closes the connection.
    is_closing: bool,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("connect");
        stream.set_nodelay(true).expect("set");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        stream.set_write_timeout(Some(PATIENCE)).expect("set");
        Self {
            address,
            stream,
            rest: Vec::new(),
            is_closing: false,
        }
    }

    /// Sends a request and reads its answer; on another connection if this one is to be closed.
    #[track_caller]
    pub(crate) fn send(&mut self, request: &Request) -> Reply {
        if self.is_closing {
            *self = Self::connect(self.address);
        }
        let sent = self.write(&request.bytes());
        let reply = self.try_reply(&request.method);
        reply.unwrap_or_else(|error| panic!("{error}, sent {sent:?}, after {request:?}"))
    }

    /// Sends bytes as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Says that nothing more comes.
    pub(crate) fn end_writing(&self) {
        self.stream.shutdown(Shutdown::Write).expect("shut down");
    }

    /// Says that nothing more comes, if the server still listens.
    pub(crate) fn try_end_writing(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Reads the answer of a request that has a body in its answer.
    #[track_caller]
    pub(crate) fn reply(&mut self) -> Reply {
        self.try_reply("GET")
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Reads an answer, if one comes within some time.
    pub(crate) fn try_reply_within(&mut self, time: Duration) -> Option<Reply> {
        self.stream.set_read_timeout(Some(time)).expect("set");
        let reply = self.try_reply("GET").ok();
        self.stream.set_read_timeout(Some(PATIENCE)).expect("set");
        reply
    }

    /// Reads the answer of a request with this method.
    pub(crate) fn try_reply(&mut self, method: &str) -> io::Result<Reply> {
        let mut reply = self.read_head()?;
        reply.is_to_head = method == "HEAD";
        let is_bare = reply.status < 200 || [204, 304].contains(&reply.status);
        if is_bare || reply.is_to_head {
            return Ok(reply);
        }
        let coding = reply.header("transfer-encoding").map(str::to_owned);
        let len = reply.header("content-length").map(str::to_owned);
        reply.body = match (coding.as_deref(), len) {
            (Some("chunked"), None) => self.read_chunks()?,
            (None, Some(len)) => self.take(len.parse().expect("a length"))?,
            (None, None) => self.read_to_end()?,
            other => panic!("a body of {other:?}"),
        };
        Ok(reply)
    }

    /// Reads the head of an answer, whose body is left to be read.
    pub(crate) fn read_head(&mut self) -> io::Result<Reply> {
        let head = self.take_line(b"\r\n\r\n")?;
        let head = Reply::of_head(&String::from_utf8(head).expect("a head"));
        self.is_closing = head.header("connection") == Some("close");
        Ok(head)
    }

    fn read_chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = String::from_utf8(self.take_line(b"\r\n")?).expect("a line");
            let len = usize::from_str_radix(&line, 16).expect("a length");
            body.extend(self.take(len)?);
            assert_eq!(self.take(2)?, b"\r\n");
            if len == 0 {
                return Ok(body);
            }
        }
    }

    /// Reads until the server closes.
    pub(crate) fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        while self.read_more()? > 0 {}
        Ok(std::mem::take(&mut self.rest))
    }

    /// Reads so many bytes.
    pub(crate) fn take(&mut self, len: usize) -> io::Result<Vec<u8>> {
        while self.rest.len() < len {
            self.read_some()?;
        }
        let rest = self.rest.split_off(len);
        Ok(std::mem::replace(&mut self.rest, rest))
    }

    /// Reads one byte, and takes no more from the socket than that.
    pub(crate) fn read_one(&mut self) -> io::Result<u8> {
        if !self.rest.is_empty() {
            return Ok(self.rest.remove(0));
        }
        let mut byte = [0];
        self.stream.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    /// Reads up to some bytes that end a line, which are dropped.
    fn take_line(&mut self, end: &[u8]) -> io::Result<Vec<u8>> {
        loop {
            let mut places = self.rest.windows(end.len());
            if let Some(at) = places.position(|place| place == end) {
                let line = self.take(at)?;
                self.take(end.len())?;
                return Ok(line);
            }
            self.read_some()?;
        }
    }

    fn read_some(&mut self) -> io::Result<()> {
        match self.read_more()? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    fn read_more(&mut self) -> io::Result<usize> {
        let mut buffer = [0; 64 << 10];
        let len = self.stream.read(&mut buffer)?;
        self.rest.extend_from_slice(&buffer[..len]);
        Ok(len)
    }
}
