//! remoc's remote traits, over TCP.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ::remoc::codec;
use ::remoc::prelude::*;
use ::remoc::rtc::CallError;
use anyhow::Result;
use tokio::net::{TcpListener, TcpStream};

use super::{drive_on_tokio, on_tokio};
use crate::contender::{Client, Contender, Serve};
use crate::load::{Numbers, called_back, served};
use crate::workload::ALL;

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

    async fn nested(&self, numbers: Numbers) -> Result<Numbers> {
        Ok(self.0.nested(numbers).await?)
    }
}

pub fn contender() -> Contender {
    Contender {
        name: "remoc",
        about: "remoc 0.20, remote traits over TCP with its default codec",
        workloads: &ALL,
        serve,
        drive: drive_on_tokio::<Remoc>,
    }
}
