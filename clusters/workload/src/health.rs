//! `ms health`: a health check for images without a shell.

use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONNECTION, HOST};
use hyper::{Request, Uri};

use crate::net::Target;
use crate::{client, resp, units};

/// Longest part of an answer that is printed, in characters.
const SHOWN: usize = 200;

/// Ask once whether a server is healthy: exit code 0 or 1, one line on stdout.
///
/// `http://host:port/path` is healthy if it answers 2xx, `tcp://host:port` if
/// it accepts a connection, and with `--ping` if it answers PING as Redis does.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to ask.
    #[arg(env = "MS_HEALTH_URL", value_name = "URL")]
    url: Check,

    /// Send PING in the Redis protocol to a `tcp://` URL.
    #[arg(long, env = "MS_HEALTH_PING")]
    ping: bool,

    /// Give up after this long.
    #[arg(long, env = "MS_HEALTH_TIMEOUT", value_parser = units::duration, default_value = "2s", value_name = "DURATION")]
    timeout: Duration,
}

#[derive(Debug, Clone)]
enum Check {
    Http(Uri),
    Tcp(Target),
}

impl FromStr for Check {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(target) = text.strip_prefix("tcp://") {
            return target.parse().map(Self::Tcp);
        }
        text.parse()
            .ok()
            .filter(|uri: &Uri| uri.scheme_str() == Some("http") && uri.host().is_some())
            .map(Self::Http)
            .ok_or_else(|| format!("expected `http://host[:port]/path` or `tcp://host:port`, found `{text}`"))
    }
}

/// Asks and prints one line.
pub fn run(args: &Args) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(async {
            tokio::time::timeout(args.timeout, check(args))
                .await
                .unwrap_or_else(|_| Err(format!("no answer in {:?}", args.timeout)))
        }),
        Err(why) => Err(format!("cannot start the runtime: {why}")),
    };
    match outcome {
        Ok(answer) => {
            println!("healthy: {answer}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            println!("unhealthy: {why}");
            ExitCode::FAILURE
        }
    }
}

async fn check(args: &Args) -> Result<String, String> {
    match &args.url {
        Check::Http(_) if args.ping => Err("`--ping` needs a `tcp://host:port` URL".to_owned()),
        Check::Http(uri) => http(uri).await,
        Check::Tcp(target) => {
            let failed = |why: &dyn std::fmt::Display| format!("`{target}`: {why}");
            let stream = target.connect().await.map_err(|why| failed(&why))?;
            if !args.ping {
                return Ok(format!("`{target}` accepts connections"));
            }
            let reply = resp::Connection::new(stream).ask([b"PING"]).await;
            match reply.map_err(|why| failed(&why))? {
                resp::Value::Simple(text) if text == "PONG" => Ok(format!("`{target}` answered PONG")),
                other => Err(failed(&format!("expected PONG, found {other:?}"))),
            }
        }
    }
}

async fn http(uri: &Uri) -> Result<String, String> {
    let failed = |why: &dyn std::fmt::Display| format!("`{uri}`: {why}");
    let authority = uri.authority().ok_or_else(|| failed(&"no host"))?;
    let target = Target::new(authority.host(), authority.port_u16().unwrap_or(80));
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path)
        .header(HOST, authority.as_str())
        .header(CONNECTION, "close")
        .body(Full::<Bytes>::default())
        .map_err(|why| failed(&why))?;
    let stream = target.connect().await.map_err(|why| failed(&why))?;
    let answer = async {
        let mut connection = client::handshake(stream).await?;
        client::exchange(&mut connection, request).await
    };
    let (status, body) = answer.await.map_err(|failure| failed(&failure.detail))?;
    let text = format!("`{uri}` answered {status}: {}", shown(&body));
    if status.is_success() { Ok(text) } else { Err(text) }
}

/// The beginning of an answer on one line, without control characters.
fn shown(body: &[u8]) -> String {
    String::from_utf8_lossy(body)
        .trim()
        .chars()
        .take(SHOWN)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
