//! One HTTP/1.1 exchange, and what can go wrong with it, by name.

use std::error::Error;
use std::io;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::net::ConnectError;

/// Largest answer that is read, in bytes.
const ANSWER_LIMIT: usize = 256 * 1024;

/// A connection that can carry requests.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// Moves the bytes; its result says why the connection ended.
    driver: JoinHandle<Result<(), hyper::Error>>,
}

/// Kinds of failure, as the lines of `ms load` name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The name did not resolve.
    Dns,
    /// Nothing listens there.
    Refused,
    /// No route to the address.
    Unreachable,
    /// The connection was torn down with RST.
    Reset,
    /// The connection ended before a whole answer came.
    Closed,
    /// No whole answer in time.
    Timeout,
    /// The answer was not HTTP/1.1, or too large.
    Protocol,
    /// An answer came, but its status was not 2xx.
    Status,
    /// This side ran out of ports or descriptors: says nothing of the server.
    Local,
}

/// A failed exchange.
#[derive(Debug)]
pub struct Failure {
    /// What kind of failure.
    pub kind: Kind,
    /// The error in words.
    pub detail: String,
}

impl Connection {
    /// Makes a TCP connection ready for requests. It lives in a task of its
    /// own until either side closes it.
    pub async fn new(stream: TcpStream) -> Result<Self, Failure> {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let driver = tokio::spawn(connection);
        Ok(Self { sender, driver })
    }

    /// Whether the other side is known to have closed.
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends one request, never twice, and reads the whole answer.
    pub async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), Failure> {
        let sent = async {
            self.sender.ready().await?;
            self.sender.send_request(request).await
        };
        let (head, body) = match sent.await {
            Ok(response) => response.into_parts(),
            // The request never left because the connection had already
            // failed; the task that drove it knows how.
            Err(why) if why.is_canceled() || why.is_closed() => {
                return Err(match (&mut self.driver).await {
                    Ok(Err(cause)) => cause.into(),
                    _ => why.into(),
                });
            }
            Err(why) => return Err(why.into()),
        };
        let body = Limited::new(body, ANSWER_LIMIT).collect().await;
        let body = body.map_err(|why| Failure::new(why.as_ref()))?;
        Ok((head.status, body.to_bytes()))
    }
}

impl Failure {
    /// The failure of an exchange that took too long.
    pub fn timeout() -> Self {
        Self { kind: Kind::Timeout, detail: "no whole answer in time".to_owned() }
    }

    fn new(why: &(dyn Error + 'static)) -> Self {
        let mut kind = Kind::Protocol;
        let mut detail = why.to_string();
        let mut cause = Some(why);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<io::Error>() {
                kind = kind_of_io(error);
                detail = error.to_string();
                break;
            }
            if let Some(error) = error.downcast_ref::<hyper::Error>()
                && (error.is_incomplete_message() || error.is_canceled() || error.is_closed())
            {
                kind = Kind::Closed;
            }
            cause = error.source();
        }
        Self { kind, detail }
    }
}

fn kind_of_io(error: &io::Error) -> Kind {
    // Too many open files, in this process and in the system.
    const NO_DESCRIPTORS: [i32; 2] = [24, 23];
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Kind::Refused,
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Kind::Reset,
        io::ErrorKind::ConnectionAborted | io::ErrorKind::UnexpectedEof => Kind::Closed,
        io::ErrorKind::NotConnected => Kind::Closed,
        io::ErrorKind::TimedOut => Kind::Timeout,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Kind::Unreachable,
        io::ErrorKind::AddrNotAvailable => Kind::Local,
        _ if error.raw_os_error().is_some_and(|code| NO_DESCRIPTORS.contains(&code)) => Kind::Local,
        _ => Kind::Protocol,
    }
}

impl From<hyper::Error> for Failure {
    fn from(why: hyper::Error) -> Self {
        Self::new(&why)
    }
}

impl From<ConnectError> for Failure {
    fn from(why: ConnectError) -> Self {
        match why {
            ConnectError::Dns(detail) => Self { kind: Kind::Dns, detail },
            ConnectError::Io(why) => Self::new(&why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_errors_have_their_kind() {
        for (code, kind) in [
            (111, Kind::Refused),
            (104, Kind::Reset),
            (32, Kind::Reset),
            (110, Kind::Timeout),
            (113, Kind::Unreachable),
            (99, Kind::Local),
            (24, Kind::Local),
        ] {
            let error = io::Error::from_raw_os_error(code);
            assert_eq!(Failure::new(&error).kind, kind, "{error}");
        }
    }
}
