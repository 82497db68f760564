//! remoc's remote traits, over TCP.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ::remoc::codec;
use ::remoc::prelude::*;
use ::remoc::rch::mpsc;
use ::remoc::rtc::CallError;
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use tokio::net::{TcpListener, TcpStream};

use super::{drive_on_tokio, on_tokio};
use crate::contender::{Client, Contender, Serve};
use crate::load::{self, Numbers, called_back, check, served};
use crate::workload::CALLS_AND_STREAMS;

/// How many calls a server runs at once. Its default is 32, and W7 keeps more waiting.
const PARALLEL: usize = 1 << 15;

#[rtc::remote]
pub trait Home {
    async fn back(&self, numbers: Numbers) -> Result<Numbers, CallError>;
}

#[rtc::remote]
pub trait Calls {
    async fn echo(&self, numbers: Numbers) -> Result<Numbers, CallError>;
    async fn blob(&self, bytes: Vec<u8>) -> Result<Vec<u8>, CallError>;
    async fn slow(&self, numbers: Numbers, milliseconds: u64) -> Result<Numbers, CallError>;
    async fn items(&self, count: u64) -> Result<mpsc::Receiver<Numbers>, CallError>;
    async fn parts(&self, count: u64, size: usize) -> Result<mpsc::Receiver<Bytes>, CallError>;
    async fn call_me_back(&self, home: HomeClient) -> Result<(), CallError>;
    async fn nested(&self, numbers: Numbers) -> Result<Numbers, CallError>;
}

#[derive(Default)]
struct Server {
    home: OnceLock<HomeClient>,
}

impl Calls for Server {
    async fn echo(&self, numbers: Numbers) -> Result<Numbers, CallError> {
        Ok(served(numbers))
    }

    async fn blob(&self, bytes: Vec<u8>) -> Result<Vec<u8>, CallError> {
        Ok(bytes)
    }

    async fn slow(&self, numbers: Numbers, milliseconds: u64) -> Result<Numbers, CallError> {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        Ok(served(numbers))
    }

    async fn items(&self, count: u64) -> Result<mpsc::Receiver<Numbers>, CallError> {
        let (sender, receiver) = mpsc::channel();
        tokio::spawn(async move {
            for n in 0..count {
                // The receiver was dropped.
                if sender.send(Numbers::nth(n)).await.is_err() {
                    return;
                }
            }
        });
        Ok(receiver)
    }

    async fn parts(&self, count: u64, size: usize) -> Result<mpsc::Receiver<Bytes>, CallError> {
        let (sender, receiver) = mpsc::channel();
        let part = Bytes::from(load::blob(size));
        tokio::spawn(async move {
            for _ in 0..count {
                if sender.send(part.clone()).await.is_err() {
                    return;
                }
            }
        });
        Ok(receiver)
    }

    async fn call_me_back(&self, home: HomeClient) -> Result<(), CallError> {
        self.home.get_or_init(|| home);
        Ok(())
    }

    async fn nested(&self, numbers: Numbers) -> Result<Numbers, CallError> {
        let home = self.home.get().ok_or(CallError::Dropped)?;
        Ok(served(home.back(numbers).await?))
    }
}

struct AtHome;

impl Home for AtHome {
    async fn back(&self, numbers: Numbers) -> Result<Numbers, CallError> {
        Ok(called_back(numbers))
    }
}

fn serve(serve: &Serve) -> Result<()> {
    on_tokio(async {
        let listener = TcpListener::bind(("127.0.0.1", serve.port)).await?;
        serve.ready();
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(async move {
                let (mut server, client) =
                    CallsServerShared::<_, codec::Default>::new(Arc::new(Server::default()));
                server.set_parallelism(PARALLEL);
                let (reader, writer) = stream.into_split();
                ::remoc::Connect::io(::remoc::Cfg::default(), reader, writer).provide(client).await?;
                // It ends when the client goes.
                let _ = server.serve().await;
                anyhow::Ok(())
            });
        }
    })
}

#[derive(Clone)]
struct Remoc(CallsClient);

impl Client for Remoc {
    async fn connect(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        let calls: CallsClient =
            ::remoc::Connect::io(::remoc::Cfg::default(), reader, writer).consume().await?;
        let (home, client) = HomeServerShared::<_, codec::Default>::new(Arc::new(AtHome));
        tokio::spawn(home.serve());
        calls.call_me_back(client).await?;
        Ok(Self(calls))
    }

    async fn echo(&self, numbers: Numbers) -> Result<Numbers> {
        Ok(self.0.echo(numbers).await?)
    }

    async fn blob(&self, bytes: Vec<u8>) -> Result<Vec<u8>> {
        Ok(self.0.blob(bytes).await?)
    }

    async fn slow(&self, numbers: Numbers, milliseconds: u64) -> Result<Numbers> {
        Ok(self.0.slow(numbers, milliseconds).await?)
    }

    async fn items(&self, count: u64) -> Result<()> {
        let mut items = self.0.items(count).await?;
        for n in 0..count {
            check(items.recv().await?.context("the stream ended")?, Numbers::nth(n))?;
        }
        Ok(())
    }

    async fn parts(&self, count: u64, size: usize) -> Result<()> {
        let mut parts = self.0.parts(count, size).await?;
        for _ in 0..count {
            let part = parts.recv().await?.context("the stream ended")?;
            ensure!(part.len() == size, "{} bytes came", part.len());
        }
        Ok(())
    }

    async fn nested(&self, numbers: Numbers) -> Result<Numbers> {
        Ok(self.0.nested(numbers).await?)
    }
}

pub fn contender() -> Contender {
    Contender {
        name: "remoc",
        about: "remoc 0.20, remote traits over TCP with its default codec",
        workloads: CALLS_AND_STREAMS,
        serve,
        drive: drive_on_tokio::<Remoc>,
    }
}
