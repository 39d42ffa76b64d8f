//! Servers that a student chose and that answer: with another address, without
//! end, or with more than fits.

use std::{
    io::Write as _,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{FIRST, GOOD, place, sweep};
use crate::{
    place::{Place, Said},
    tls::{Stream, Tls},
};

/// A kubeconfig that leads to this server under this name.
fn leading_to(server: &Tls, name: &str) -> Place {
    let address = format!("https://{name}:{}", server.port);
    place(&GOOD.replace("https://203.0.113.7:6443", &address).replace("Q0E=", &STANDARD.encode(&server.ca)))
}

fn allowed(place: &Place) -> Said {
    sweep(place, &["--allow-cidr", "127.0.0.0/8", "--budget", "3s", "--timeout", "1s"])
}

/// Nothing was seen, and why.
#[track_caller]
fn unseen(said: &Said, place: &Place) {
    let told = [
        "ada: was not looked at within 3s\n0 of 1 clusters were looked at\n",
        "ada: its cluster does not answer, or does not let us look\n0 of 1 clusters were looked at\n",
    ];
    assert_eq!((said.code, said.err.as_str()), (3, FIRST), "{said:?}");
    assert!(told.contains(&said.out.as_str()), "{said:?}");
    assert_eq!(std::fs::read_dir(place.path("seen")).unwrap().count(), 0);
}

fn answer(stream: &mut Stream, head: &str, body: &[u8]) -> bool {
    let length = body.len();
    let head = format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).is_ok()
}

/// A port of this machine on which nobody may ever call.
fn trap() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    thread::spawn(move || {
        listener.incoming().map_while(Result::ok).for_each(|_| {
            counted.fetch_add(1, Ordering::SeqCst);
        })
    });
    (port, calls)
}

#[test]
fn redirects_are_not_followed() {
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let (port, calls) = trap();
        let server = Tls::serve(&["127.0.0.1"], move |head, stream| {
            let path = head.split(' ').nth(1).unwrap();
            let scheme = if path.len().is_multiple_of(2) { "http" } else { "https" };
            answer(stream, &format!("{status}\r\nlocation: {scheme}://127.0.0.1:{port}{path}"), b"")
        });
        let place = leading_to(&server, "127.0.0.1");
        let said = allowed(&place);
        unseen(&said, &place);
        assert!(!server.seen().is_empty(), "{status}: the server was asked nothing");
        let authorized = |(head, _): &(String, _)| head.contains("authorization: Bearer not-to-be-shown\r\n");
        assert!(server.seen().iter().all(authorized), "{status}: the token did not go where it belongs");
        assert_eq!(calls.load(Ordering::SeqCst), 0, "{status}: it was followed");
    }
}

#[test]
fn an_answer_without_end_costs_one_budget_and_little_memory() {
    let drip = |_: &str, stream: &mut Stream| {
        let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
        let mut more = stream.write_all(head).is_ok();
        while more {
            more = stream.write_all(b"1\r\n[\r\n").and_then(|()| stream.flush()).is_ok();
            thread::sleep(Duration::from_millis(20));
        }
        false
    };
    let flood = |_: &str, stream: &mut Stream| {
        let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
        let chunk = [&b"100000\r\n"[..], &vec![b' '; 1 << 20], b"\r\n"].concat();
        let mut more = stream.write_all(head).is_ok();
        while more {
            more = stream.write_all(&chunk).is_ok();
        }
        false
    };
    let bomb = |_: &str, stream: &mut Stream| {
        // 64 MiB of blanks; whoever opens it is none the wiser.
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        for _ in 0..64 {
            encoder.write_all(&vec![b' '; 1 << 20]).unwrap();
        }
        let packed = encoder.finish().unwrap();
        answer(stream, "200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip", &packed)
    };
    for (what, behave) in [("drip", drip as fn(&str, &mut Stream) -> bool), ("flood", flood), ("bomb", bomb)]
    {
        let server = Tls::serve(&["127.0.0.1"], behave);
        let place = leading_to(&server, "127.0.0.1");
        let begun = Instant::now();
        let said = allowed(&place);
        unseen(&said, &place);
        assert!(!server.seen().is_empty(), "{what}: the server was asked nothing");
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}: {:?}", begun.elapsed());
    }
}

#[test]
fn a_name_is_looked_up_once_and_its_address_is_what_is_asked() {
    // `localhost` leads to this machine wherever there are names at all.
    let server =
        Tls::serve(&["localhost"], |_, stream| answer(stream, "403 Forbidden", b"{\"kind\":\"Status\"}"));
    let place = leading_to(&server, "localhost");
    unseen(&allowed(&place), &place);
    let seen = server.seen();
    assert!(!seen.is_empty());
    for (head, name) in seen {
        // The certificate is that of the name; the request goes to the address
        // that was judged, so that no second look-up can change it.
        assert_eq!(name.as_deref(), Some("localhost"));
        assert!(head.contains(&format!("host: 127.0.0.1:{}\r\n", server.port)), "{head}");
    }
    // A certificate of another name is none.
    let other = Tls::serve(&["other.example"], |_, stream| answer(stream, "200 OK", b"{}"));
    let place = leading_to(&other, "localhost");
    unseen(&allowed(&place), &place);
    assert_eq!(other.seen(), []);
}
