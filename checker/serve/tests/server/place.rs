//! A server of a test's own, and a client that sends what no browser would.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use futures::future::BoxFuture;
use lab_serve::{Best, Course, Feed, Server, Source, Trouble};
use lab_spec::{Lab, Report, report::Points};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What a test lets its watchers see.
#[derive(Clone)]
pub enum Seen {
    Report(Box<Report>),
    Trouble(&'static str),
    Panic,
}

/// Tells what the test says.
pub struct Told {
    pub seen: watch::Sender<Seen>,
    /// Watchers that were begun, and those that are at work.
    pub begun: AtomicUsize,
    pub working: Arc<AtomicUsize>,
    /// What a check comes to, once the test says so.
    pub grade: Mutex<Option<Result<Report, Trouble>>>,
    /// Whether a check that was stopped has undone what it did.
    pub undone: Arc<AtomicUsize>,
}

/// Counts down however a watcher ends.
struct Working(Arc<AtomicUsize>);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Source for Told {
    fn progress(&self) -> Result<BTreeMap<String, Best>, Trouble> {
        let best = Best { earned: Points(4550), points: 100, at: "2026-11-21T10:00:00Z".to_owned() };
        Ok([("lab01".to_owned(), best)].into())
    }

    fn watch(&self, _: Arc<Lab>, feed: Feed) -> BoxFuture<'static, ()> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.working.fetch_add(1, Ordering::SeqCst);
        let (working, mut seen) = (Working(Arc::clone(&self.working)), self.seen.subscribe());
        Box::pin(async move {
            let _working = working;
            loop {
                let now = seen.borrow_and_update().clone();
                match now {
                    Seen::Report(report) => feed.looked(&report, None),
                    Seen::Trouble(why) => {
                        feed.trouble(Some(Trouble {
                            message: why.to_owned(),
                            next: Some("wait".to_owned()),
                        }));
                    }
                    Seen::Panic => panic!("a watcher that fails"),
                }
                if seen.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        })
    }

    fn grade(
        &self,
        _: Arc<Lab>,
        feed: Feed,
        cancel: CancellationToken,
    ) -> BoxFuture<'static, Result<Report, Trouble>> {
        let (outcome, undone) = (self.grade.lock().unwrap().take(), Arc::clone(&self.undone));
        Box::pin(async move {
            feed.checking("experiment `ask`");
            match outcome {
                Some(outcome) => outcome,
                None => {
                    cancel.cancelled().await;
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    undone.fetch_add(1, Ordering::SeqCst);
                    Err(Trouble { message: "interrupted".to_owned(), next: None })
                }
            }
        })
    }
}

/// A server with a small book and lab 01.
pub struct Place {
    pub port: u16,
    pub token: String,
    pub told: Arc<Told>,
    pub entered: Arc<Mutex<Vec<String>>>,
    stop: CancellationToken,
    server: Option<JoinHandle<()>>,
    _book: tempfile::TempDir,
}

impl Place {
    pub fn new(experiments: bool) -> Self {
        let book = tempfile::tempdir().unwrap();
        fs::create_dir(book.path().join("labs")).unwrap();
        fs::write(book.path().join("index.html"), "<title>the course</title>").unwrap();
        fs::write(book.path().join("404.html"), "<title>not in the book</title>").unwrap();
        fs::write(book.path().join("labs/lab01.html"), "<title>lab 01</title>").unwrap();
        fs::write(book.path().join("course.mjs"), "export {}").unwrap();
        let (seen, _) = watch::channel(Seen::Report(Box::new(recorded("starter"))));
        let told = Arc::new(Told {
            seen,
            begun: AtomicUsize::new(0),
            working: Arc::default(),
            grade: Mutex::new(None),
            undone: Arc::default(),
        });
        let course = Course {
            book: book.path().to_owned(),
            labs: vec![Arc::new(lab())],
            source: Arc::<Told>::clone(&told),
            experiments,
        };
        let (stop, entered) = (CancellationToken::new(), Arc::new(Mutex::new(Vec::new())));
        let (address, opened) = mpsc::channel();
        let server = thread::spawn({
            let (stop, entered) = (stop.clone(), Arc::clone(&entered));
            move || {
                let runtime =
                    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
                runtime.unwrap().block_on(async {
                    let entered = move |next: &str| entered.lock().unwrap().push(next.to_owned());
                    let server = Server::bind(course, 0, stop, entered).await.unwrap();
                    address.send(server.address()).unwrap();
                    server.run().await.unwrap();
                });
            }
        });
        let address = opened.recv().unwrap();
        let (origin, token) = address.split_once("/enter?token=").unwrap();
        let port = origin.strip_prefix("http://127.0.0.1:").unwrap().parse().unwrap();
        let (server, token) = (Some(server), token.to_owned());
        Self { port, token, told, entered, stop, server, _book: book }
    }

    /// Sends a request; `{host}` in it is ours.
    pub fn send(&self, request: &str) -> Answer {
        Answer::read(self.open(request))
    }

    fn open(&self, request: &str) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let request = request.replace("{host}", &format!("127.0.0.1:{}", self.port));
        stream.write_all(request.replace('\n', "\r\n").as_bytes()).unwrap();
        BufReader::new(stream)
    }

    /// A request as our own page sends it, with more headers.
    pub fn ask(&self, method: &str, path: &str, headers: &str) -> Answer {
        let length = if method == "POST" { "Content-Length: 0\n" } else { "" };
        self.send(&format!(
            "{method} {path} HTTP/1.1\nHost: {{host}}\nConnection: close\n{length}{headers}\n"
        ))
    }

    /// Comes in by the printed address; the header with the cookie.
    pub fn enter(&self) -> String {
        let answer = self.ask("GET", &format!("/enter?token={}", self.token), "");
        assert_eq!(answer.status, 303, "{answer:?}");
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        format!("Cookie: {cookie}\n")
    }

    /// Listens to a lab's events.
    pub fn listen(&self, cookie: &str) -> Events {
        let path = "/api/labs/lab01/events";
        let mut stream = self.open(&format!("GET {path} HTTP/1.1\nHost: {{host}}\n{cookie}\n"));
        let (status, headers) = head(&mut stream);
        assert_eq!(status, 200, "{headers:?}");
        assert!(headers.iter().any(|(name, value)| name == "content-type" && value == "text/event-stream"));
        Events(stream)
    }

    pub fn working(&self) -> usize {
        self.told.working.load(Ordering::SeqCst)
    }

    /// Stops the server and waits for its end.
    pub fn stop(&mut self) {
        self.stop.cancel();
        self.server.take().unwrap().join().unwrap();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

/// What the server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    fn read(mut stream: BufReader<TcpStream>) -> Self {
        let (status, headers) = head(&mut stream);
        let mut body = String::new();
        stream.read_to_string(&mut body).unwrap();
        Self { status, headers, body }
    }

    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.maybe(name).unwrap_or_else(|| panic!("no {name}: {self:?}"))
    }

    pub fn maybe(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Refused, with words that say this.
    #[track_caller]
    pub fn refused(&self, status: u16, why: &str) {
        assert_eq!(self.status, status, "{self:?}");
        let said = self.json();
        assert!(said["error"].as_str().unwrap().contains(why), "{said}");
        assert_eq!(self.maybe("access-control-allow-origin"), None);
    }
}

fn head(stream: &mut BufReader<TcpStream>) -> (u16, Vec<(String, String)>) {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).unwrap_or_else(|| panic!("no answer: {line:?}")).parse().unwrap();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.to_owned())),
            None => return (status, headers),
        }
    }
}

/// A page that listens.
pub struct Events(BufReader<TcpStream>);

impl Events {
    /// The next state, or none when the stream ends.
    pub fn next(&mut self) -> Option<serde_json::Value> {
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            if let Some(data) = line.trim_end().strip_prefix("data: ") {
                return Some(serde_json::from_str(data).unwrap());
            }
        }
    }

    /// The first state from now on of which this is so.
    #[track_caller]
    pub fn until(&mut self, what: &str, is_so: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
        for _ in 0..20 {
            let state = self.next().unwrap_or_else(|| panic!("the stream ended before {what}"));
            if is_so(&state) {
                return state;
            }
        }
        panic!("20 states, and none with {what}");
    }
}

fn labs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../labs/01-environment")
}

pub fn lab() -> Lab {
    Lab::parse("lab.yaml", &fs::read_to_string(labs().join("lab.yaml")).unwrap()).unwrap()
}

/// The report on a recorded state.
pub fn recorded(state: &str) -> Report {
    let text = fs::read_to_string(labs().join(format!("evidence/{state}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}
