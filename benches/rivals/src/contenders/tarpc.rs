//! tarpc, with bincode over TCP.

use std::time::{Duration, Instant};

use ::tarpc::client::Config;
use ::tarpc::context::{self, Context};
use ::tarpc::serde_transport::Transport;
use ::tarpc::server::{BaseChannel, Channel};
use ::tarpc::tokio_serde::formats::Bincode;
use anyhow::Result;
use futures_util::StreamExt;
use tokio::net::{TcpListener, TcpStream};

use super::{drive_on_tokio, on_tokio};
use crate::contender::{Client, Contender, Serve};
use crate::load::{Numbers, served};
use crate::workload::{W1, W2, W3, W5, W6, W7};

#[::tarpc::service]
pub trait Calls {
    async fn echo(numbers: Numbers) -> Numbers;
    async fn blob(bytes: Vec<u8>) -> Vec<u8>;
    async fn slow(numbers: Numbers, milliseconds: u64) -> Numbers;
}

#[derive(Clone)]
struct Server;

impl Calls for Server {
    async fn echo(self, _: Context, numbers: Numbers) -> Numbers {
        served(numbers)
    }

    async fn blob(self, _: Context, bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }

    async fn slow(self, _: Context, numbers: Numbers, milliseconds: u64) -> Numbers {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        served(numbers)
    }
}

fn serve(serve: &Serve) -> Result<()> {
    on_tokio(async {
        let listener = TcpListener::bind(("127.0.0.1", serve.port)).await?;
        serve.ready();
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let channel = BaseChannel::with_defaults(Transport::from((stream, Bincode::default())));
            tokio::spawn(channel.execute(Server.serve()).for_each(async |response| {
                tokio::spawn(response);
            }));
        }
    })
}

impl Client for CallsClient {
    async fn connect(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let mut config = Config::default();
        // W7 keeps more waiting than its default of 1,000.
        config.max_in_flight_requests = 1 << 16;
        config.pending_request_buffer = 1 << 10;
        Ok(CallsClient::new(config, Transport::from((stream, Bincode::default()))).spawn())
    }

    async fn echo(&self, numbers: Numbers) -> Result<Numbers> {
        Ok(CallsClient::echo(self, context::current(), numbers).await?)
    }

    async fn blob(&self, bytes: Vec<u8>) -> Result<Vec<u8>> {
        Ok(CallsClient::blob(self, context::current(), bytes).await?)
    }

    async fn slow(&self, numbers: Numbers, milliseconds: u64) -> Result<Numbers> {
        let mut context = context::current();
        context.deadline = Instant::now() + Duration::from_millis(milliseconds) + Duration::from_secs(10);
        Ok(CallsClient::slow(self, context, numbers, milliseconds).await?)
    }
}

pub fn contender() -> Contender {
    Contender {
        name: "tarpc",
        about: "tarpc 0.38, bincode 1 over TCP, each request a task, deadlines at their default",
        workloads: &[W1, W2, W3, W5, W6, W7],
        serve,
        drive: drive_on_tokio::<CallsClient>,
    }
}
