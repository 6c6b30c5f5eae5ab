//! `quarterdeck check --stdin`: a line of JSON in, a line of JSON out, as they
//! come.

use std::process::ExitCode;

use anyhow::{Context, Result};
use quarterdeck_core::gate::VerdictReport;
use quarterdeck_core::operations::CheckPurpose;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use super::judge::Judge;
use crate::Setup;

/// A longer line is answered with an error, and ends the stream.
const LONGEST_LINE: u64 = 16 * 1024 * 1024;

/// A line that comes in. Other fields, such as an expected tier, are left alone.
#[derive(Deserialize)]
struct Question {
    command: String,
    cwd: Option<String>,
}

/// A line that goes out.
#[derive(Serialize)]
struct Answer<'a> {
    /// Counts from 1.
    line: u64,
    command: &'a str,
    #[serde(flatten)]
    verdict: &'a VerdictReport,
}

/// A line that could not be judged.
#[derive(Serialize)]
struct Complaint {
    line: u64,
    error: String,
}

/// Judges until standard input ends. Exits with 1 if a line was no question.
pub(super) async fn run(setup: &Setup, cwd: &str) -> Result<ExitCode> {
    let host = Judge::find(setup).await?;
    let done = judge_lines(&host, cwd).await;
    host.leave().await;
    Ok(match done? {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

async fn judge_lines(host: &Judge, cwd: &str) -> Result<u64> {
    let mut input = BufReader::new(tokio::io::stdin());
    let mut output = tokio::io::stdout();
    let (mut number, mut complaints) = (0, 0);
    let mut text = Vec::new();
    loop {
        text.clear();
        let read = (&mut input)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut text)
            .await
            .context("reading standard input")?;
        if read == 0 {
            return Ok(complaints);
        }
        number += 1;
        let cut = read as u64 == LONGEST_LINE && !text.ends_with(b"\n");
        if text.trim_ascii().is_empty() {
            continue;
        }
        let answer = match cut {
            true => Err(anyhow::anyhow!(
                "the line is longer than {LONGEST_LINE} bytes; nothing after it is judged"
            )),
            false => judge(host, number, &text, cwd).await,
        };
        let mut line = match answer {
            Ok(line) => line,
            Err(error) => {
                complaints += 1;
                serde_json::to_string(&Complaint {
                    line: number,
                    error: format!("{error:#}"),
                })?
            }
        };
        line.push('\n');
        output
            .write_all(line.as_bytes())
            .await
            .context("writing a verdict")?;
        // Whoever sends one line and waits for its verdict gets it.
        output.flush().await.context("writing a verdict")?;
        if cut {
            return Ok(complaints);
        }
    }
}

async fn judge(host: &Judge, line: u64, text: &[u8], cwd: &str) -> Result<String> {
    let question: Question = serde_json::from_slice(text).context(
        r#"no question: write {"command": "...", "cwd": "..."}, where cwd may be missing"#,
    )?;
    let cwd = question.cwd.unwrap_or_else(|| cwd.to_owned());
    let verdict = host
        .check(&question.command, cwd, CheckPurpose::Opinion)
        .await?;
    Ok(serde_json::to_string(&Answer {
        line,
        command: &question.command,
        verdict: &verdict,
    })?)
}
