//! A TCP connection that carries RESP2.

use std::io;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{LINE_LIMIT, MESSAGE_LIMIT, Malformed, Value, parse};

/// A connection that speaks RESP2.
pub struct Connection {
    stream: TcpStream,
    received: BytesMut,
}

impl Connection {
    /// Speaks RESP2 over a TCP connection.
    pub fn new(stream: TcpStream) -> Self {
        Self { stream, received: BytesMut::with_capacity(4096) }
    }

    /// Reads one value; `None` if the other side closed between values. No
    /// bytes are lost if the future is dropped.
    pub async fn read(&mut self) -> io::Result<Option<Value>> {
        loop {
            if let Some((value, length)) = parse(&self.received)? {
                self.received.advance(length);
                return Ok(Some(value));
            }
            if !self.read_more().await? {
                return if self.received.is_empty() {
                    Ok(None)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
        }
    }

    /// Reads one command, as an array or inline (a line of words).
    pub async fn read_command(&mut self) -> io::Result<Option<Vec<Vec<u8>>>> {
        while self.received.is_empty() {
            if !self.read_more().await? {
                return Ok(None);
            }
        }
        if self.received[0] != b'*' {
            return self.read_inline().await;
        }
        let Some(Value::Array(items)) = self.read().await? else {
            return Ok(None);
        };
        let words = items.into_iter().map(|item| match item {
            Value::Bulk(bytes) => Ok(bytes),
            _ => Err(Malformed("expected a command of bulk strings".to_owned()).into()),
        });
        words.collect::<io::Result<_>>().map(Some)
    }

    async fn read_inline(&mut self) -> io::Result<Option<Vec<Vec<u8>>>> {
        loop {
            if let Some(end) = self.received.iter().position(|byte| *byte == b'\n') {
                let line = self.received.split_to(end + 1);
                let words = line[..].split(u8::is_ascii_whitespace);
                let words = words.filter(|word| !word.is_empty());
                return Ok(Some(words.map(<[u8]>::to_vec).collect()));
            }
            if self.received.len() > LINE_LIMIT {
                let why = format!("a line of more than {LINE_LIMIT} bytes");
                return Err(Malformed(why).into());
            }
            if !self.read_more().await? {
                return Ok(None);
            }
        }
    }

    /// Waits for more bytes; false if the other side closed. No bytes are lost
    /// if the future is dropped.
    pub async fn read_more(&mut self) -> io::Result<bool> {
        if self.received.len() > MESSAGE_LIMIT {
            let why = format!("a message of more than {MESSAGE_LIMIT} bytes");
            return Err(Malformed(why).into());
        }
        Ok(self.stream.read_buf(&mut self.received).await? > 0)
    }

    /// Writes one value.
    pub async fn write(&mut self, value: &Value) -> io::Result<()> {
        let mut bytes = Vec::new();
        value.encode(&mut bytes);
        self.stream.write_all(&bytes).await
    }

    /// Sends a command and reads its reply; an error reply is an error.
    pub async fn ask<const N: usize>(&mut self, command: [&[u8]; N]) -> io::Result<Value> {
        self.write(&Value::command(command)).await?;
        match self.read().await? {
            Some(Value::Error(why)) => Err(io::Error::other(why)),
            Some(value) => Ok(value),
            None => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection")),
        }
    }
}
