//! `labcheck serve`: the course in the browser, with live verdicts.

use std::{path::PathBuf, sync::Arc};

use lab_serve::{BindError, Course, Server};
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
}

/// Serves until Ctrl-C.
///
/// # Errors
/// No book, a broken lab, a port that is taken.
pub fn run(args: &Args, library: Library, progress: Progress) -> Result<u8, Failure> {
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
    let server = Server::bind(course, port, stop.clone(), |next| {
        anstream::eprintln!("a browser was let in; for another one: {next}");
    });
    let server = server.await.map_err(|error| refused(&error))?;
    anstream::println!("open {}", server.address());
    anstream::eprintln!("this address works once; press Ctrl-C to stop");
    tokio::spawn(async move {
        super::interrupted().await;
        anstream::eprintln!("stopping");
        stop.cancel();
        super::interrupted().await;
        std::process::exit(130);
    });
    server.run().await.map_err(|error| Failure::unobservable(format!("cannot serve: {error}")))
}

fn refused(error: &BindError) -> Failure {
    let failure = Failure::usage(error.to_string());
    match error {
        BindError::InUse(_) => failure
            .next("perhaps another `labcheck serve` is at work: open its page; `--port 0` takes a free port"),
        BindError::Other(..) => failure.next("`--port 0` takes a free port"),
    }
}
