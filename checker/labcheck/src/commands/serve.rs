//! `labcheck serve`: the course in the browser, with live verdicts.

use std::{path::PathBuf, sync::Arc};

use lab_bulk::desk::{Desk, Show};
use lab_serve::{
    BindError, Course, Server,
    desk::{self, Decided, DeskServer, Part},
};
use tokio_util::sync::CancellationToken;

use crate::{book, failure::Failure, labs::Library, live::Live, progress::Progress, state::State};

/// Arguments of `labcheck serve`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Folder of the built book [default: the checkout's, built if need be; or
    /// the one that came with labcheck]
    #[arg(long, value_name = "DIR")]
    book: Option<PathBuf>,
    /// Port of 127.0.0.1; 0 is any free one. Your answers in quizzes belong to
    /// the port: the browser keeps them by address
    #[arg(long, default_value_t = 4280)]
    port: u16,
    /// Let pages start checks with experiments, on what labcheck made. Without
    /// it nothing but the browser's own answers is ever changed
    #[arg(long)]
    allow_experiments: bool,
    /// Serve the grades in a directory instead, for the teacher: the class, what
    /// each verdict rests on, decisions
    #[arg(long, value_name = "DIR", conflicts_with_all = ["book", "allow_experiments"])]
    grades: Option<PathBuf>,
}

/// Serves until Ctrl-C.
///
/// # Errors
/// No book, a broken lab, a port that is taken.
pub fn run(args: &Args, library: Library, progress: Progress) -> Result<u8, Failure> {
    if let Some(dir) = &args.grades {
        let desk = Desk::open(dir).map_err(Failure::usage)?;
        super::block_on(serve_desk(Teacher(desk), args.port))?;
        return Ok(0);
    }
    let book = book::find(args.book.as_deref(), progress)?;
    let state = State::open()?;
    let mut files = std::collections::BTreeMap::new();
    let mut labs = Vec::new();
    for entry in library.all()? {
        files.insert(entry.lab.id.clone(), entry.file());
        labs.push(Arc::new(entry.lab));
    }
    let source = Arc::new(Live::new(state, files));
    let course = Course { book, labs, source, experiments: args.allow_experiments };
    // Judging one lab must not keep the pages of another waiting.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::unobservable(format!("cannot start: {error}")))?;
    runtime.block_on(serve(course, args.port))?;
    Ok(0)
}

async fn serve(course: Course, port: u16) -> Result<(), Failure> {
    let stop = CancellationToken::new();
    let server = Server::bind(course, port, stop.clone(), let_in).await.map_err(|error| refused(&error))?;
    opened(&server.address(), stop);
    server.run().await.map_err(|error| Failure::unobservable(format!("cannot serve: {error}")))
}

async fn serve_desk(desk: Teacher, port: u16) -> Result<(), Failure> {
    let stop = CancellationToken::new();
    let server = DeskServer::bind(Arc::new(desk), port, stop.clone(), let_in);
    let server = server.await.map_err(|error| refused(&error))?;
    opened(&server.address(), stop);
    server.run().await.map_err(|error| Failure::unobservable(format!("cannot serve: {error}")))
}

fn let_in(next: &str) {
    anstream::eprintln!("a browser was let in; for another one: {next}");
}

/// Says where, and stops on Ctrl-C.
fn opened(address: &str, stop: CancellationToken) {
    anstream::println!("open {address}");
    anstream::eprintln!("this address works once; press Ctrl-C to stop");
    tokio::spawn(async move {
        super::interrupted().await;
        anstream::eprintln!("stopping");
        stop.cancel();
        super::interrupted().await;
        std::process::exit(130);
    });
}

/// A class's grades, as the server wants them.
struct Teacher(Desk);

impl desk::Desk for Teacher {
    fn class(&self, part: &Part) -> Result<String, String> {
        self.0.class(Show::named(&part.show), part.page)
    }

    fn student(&self, at: usize) -> Result<Option<String>, String> {
        self.0.student(at)
    }

    fn decide(&self, at: usize, decided: &Decided) -> Result<(), String> {
        self.0.decide(at, &decided.score, &decided.reason, &decided.author)
    }

    fn answer(&self, at: usize, request: &str, decided: &Decided) -> Result<(), String> {
        self.0.answer(at, request, &decided.score, &decided.reason, &decided.author)
    }

    fn export(&self) -> Result<String, String> {
        self.0.export()
    }
}

fn refused(error: &BindError) -> Failure {
    let failure = Failure::usage(error.to_string());
    match error {
        BindError::InUse(_) => failure
            .next("perhaps another `labcheck serve` is at work: open its page; `--port 0` takes a free port"),
        BindError::Other(..) => failure.next("`--port 0` takes a free port"),
    }
}
