//! Servers on loopback that speak TLS, with a certificate of their own.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

/// The encrypted connection of a client.
pub type Stream = StreamOwned<ServerConnection, TcpStream>;

/// The head of a request, and what name was asked for in the handshake.
type Asked = (String, Option<String>);

/// A server; it stands until the test ends.
pub struct Tls {
    pub port: u16,
    /// Its certificate, which is its own authority, in PEM.
    pub ca: String,
    /// Every request.
    seen: Arc<Mutex<Vec<Asked>>>,
}

impl Tls {
    /// A server with a certificate for these names. `answer` is given the head of
    /// each request; the connection ends when it returns false.
    pub fn serve(names: &[&str], answer: impl Fn(&str, &mut Stream) -> bool + Send + Sync + 'static) -> Self {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let own = rcgen::generate_simple_self_signed(names).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (config, shared, answer) = (Arc::new(config), Arc::clone(&seen), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (config, shared, answer) =
                    (Arc::clone(&config), Arc::clone(&shared), Arc::clone(&answer));
                thread::spawn(move || {
                    let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
                    while let Some(head) = head(&mut stream) {
                        let name = stream.conn.server_name().map(str::to_owned);
                        shared.lock().unwrap().push((head.clone(), name));
                        if !answer(&head, &mut stream) {
                            stream.conn.send_close_notify();
                            let _ = stream.flush();
                            break;
                        }
                    }
                });
            }
        });
        Self { port, ca: own.cert.pem(), seen }
    }

    /// The heads of all requests, and the names that were asked for.
    pub fn seen(&self) -> Vec<Asked> {
        self.seen.lock().unwrap().clone()
    }
}

/// A request up to its empty line; none where the client is gone.
fn head(stream: &mut Stream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}
