//! Runs a program in a container, with input, and collects its output.

use bollard::{container::LogOutput, exec::StartExecResults, models::ExecConfig};
use futures::StreamExt as _;
use tokio::io::AsyncWriteExt as _;

use super::{Docker, failed};
use crate::failure::Failure;

/// What a program in a container said.
pub struct Output {
    /// Exit code.
    pub code: i64,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Docker {
    /// Runs `argv` in a container and feeds it `input`.
    ///
    /// # Errors
    /// A container that is not running, or a daemon that fails.
    pub async fn exec(
        &self,
        container: &str,
        argv: &[&str],
        input: Option<Vec<u8>>,
    ) -> Result<Output, Failure> {
        let what = format!("run `{}` in `{container}`", argv.join(" "));
        let config = ExecConfig {
            cmd: Some(argv.iter().map(ToString::to_string).collect()),
            attach_stdin: Some(input.is_some()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..ExecConfig::default()
        };
        let exec = self.client.create_exec(container, config).await.map_err(|error| failed(&what, &error))?;
        let started = self.client.start_exec(&exec.id, None).await.map_err(|error| failed(&what, &error))?;
        let StartExecResults::Attached { output: mut stream, input: mut stdin } = started else {
            return Err(Failure::unobservable(format!("Docker could not {what}: it detached")));
        };
        // Written beside the reading, or both sides could wait for each other.
        let feed = async move {
            if let Some(input) = input {
                stdin.write_all(&input).await?;
                stdin.shutdown().await?;
            }
            std::io::Result::Ok(stdin)
        };
        let collect = async {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            while let Some(piece) = stream.next().await {
                match piece? {
                    LogOutput::StdErr { message } => err.extend_from_slice(&message),
                    piece => out.extend_from_slice(&piece.into_bytes()),
                }
            }
            Ok((out, err))
        };
        let (fed, collected) = tokio::join!(feed, collect);
        let (out, err) = collected.map_err(|error| failed(&what, &error))?;
        let code = self.client.inspect_exec(&exec.id).await.map_err(|error| failed(&what, &error))?.exit_code;
        let err = String::from_utf8_lossy(&err).into_owned();
        // A program that ends early breaks the pipe; its own words say more.
        if let Err(error) = fed
            && code == Some(0)
        {
            return Err(Failure::unobservable(format!("Docker could not {what}: {error}")));
        }
        Ok(Output { code: code.unwrap_or(-1), out: String::from_utf8_lossy(&out).into_owned(), err })
    }
}
