//! A server process that receives SIGTERM while calls are open and new ones arrive.

use std::time::{Duration, Instant};

use anyhow::bail;
use distributed_scope::{ErrorKind, Ran, Refusal};
use futures_util::future::join_all;
use futures_util::join;
use rustix::process::Signal;

use crate::peers::{Server, blocks_alive, echo, takes_200_ms};
use crate::progress::Progress;
use crate::promise::{Promise, seconds};

const CALLS: u64 = 1000;

pub(crate) async fn run(progress: &Progress) -> anyhow::Result<Vec<Promise>> {
    progress.says(format_args!("SIGTERM with {CALLS} calls of 200 ms open"));
    let mut server = Server::start(2).await?;
    let client = server.client().await?;
    let on = server.id;
    let calls = async {
        let calls = (0..CALLS).map(|n| client.run(takes_200_ms(on, n)));
        (join_all(calls).await, Instant::now())
    };
    let meanwhile = async {
        // One connection keeps their order: when this is answered, all calls before it have
        // arrived.
        client.run(blocks_alive(on)).await?;
        server.process.signal(Signal::TERM)?;
        let told = Instant::now();
        let (mut refused, mut otherwise) = (0u64, Vec::new());
        // Until the session is gone, with the last answer.
        while told.elapsed() < Duration::from_secs(20) {
            match client.run(echo(on, 1)).await {
                Ok(_) => {}
                Err(error) if *error.kind() == ErrorKind::Refused(Refusal::GoingAway) => {
                    if error.ran() != Ran::Never {
                        otherwise.push(error.to_string());
                    }
                    refused += 1;
                }
                Err(error) if matches!(error.kind(), ErrorKind::Disconnected | ErrorKind::NotConnected) => {
                    break;
                }
                Err(error) => otherwise.push(error.to_string()),
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
            if client.peers().is_empty() {
                break;
            }
        }
        anyhow::Ok((told, refused, otherwise))
    };
    let ((answers, last), meanwhile) = join!(calls, meanwhile);
    let (told, refused, otherwise) = meanwhile?;
    let Ok(status) = tokio::time::timeout(Duration::from_secs(60), server.process.end()).await else {
        bail!("the server did not end within a minute");
    };
    let took = told.elapsed().as_secs_f64();
    let status = status?;
    let right = answers.into_iter().zip(0..).filter(|(answer, n)| answer.as_ref().ok() == Some(n)).count();
    let mut new_ones = Promise::exactly(
        "SIGTERM: new calls that were neither served nor refused as GoingAway",
        0,
        otherwise.len() as u64,
    )
    .with(format_args!("{refused} were refused, and none of them ran"));
    if refused == 0 {
        new_ones.is_kept = false;
    }
    Ok(vec![
        Promise::exactly(
            format!("SIGTERM with {CALLS} calls of 200 ms open: right answers"),
            CALLS,
            right as u64,
        ),
        new_ones,
        Promise::exactly("SIGTERM: exit code", 0, status.code().unwrap_or(-1).unsigned_abs().into()),
        Promise::at_most(
            "SIGTERM: from the signal to the last answer",
            1.2,
            last.duration_since(told).as_secs_f64(),
            seconds,
        ),
        Promise::at_most(
            "SIGTERM: from the signal to the end of the process, which actix looks for once a second",
            2.2,
            took,
            seconds,
        ),
    ])
}
