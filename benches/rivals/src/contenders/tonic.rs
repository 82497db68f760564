//! tonic: unary gRPC over HTTP/2.

use std::pin::Pin;
use std::time::Duration;

use ::tonic::transport::{Channel, Server};
use ::tonic::{Request, Response, Status};
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_stream::{Stream, StreamExt};

use super::{drive_on_tokio, on_tokio};
use crate::contender::{Client, Contender, Serve};
use crate::load;
use crate::workload::{W1, W2, W3, W5, W6, W7, W8, W8L};

#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Numbers {
    #[prost(fixed64, tag = "1")]
    a: u64,
    #[prost(fixed64, tag = "2")]
    b: u64,
    #[prost(fixed64, tag = "3")]
    c: u64,
    #[prost(fixed64, tag = "4")]
    d: u64,
    #[prost(uint64, tag = "5")]
    milliseconds: u64,
}

#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Blob {
    #[prost(bytes = "vec", tag = "1")]
    bytes: Vec<u8>,
}

impl From<load::Numbers> for Numbers {
    fn from(load::Numbers { a, b, c, d }: load::Numbers) -> Self {
        Self { a, b, c, d, milliseconds: 0 }
    }
}

impl From<Numbers> for load::Numbers {
    fn from(Numbers { a, b, c, d, .. }: Numbers) -> Self {
        Self { a, b, c, d }
    }
}

#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Count {
    #[prost(uint64, tag = "1")]
    count: u64,
    #[prost(uint64, tag = "2")]
    size: u64,
}

/// An item of a stream. Its bytes are not copied when they are decoded.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Part {
    #[prost(bytes = "bytes", tag = "1")]
    bytes: Bytes,
}

mod generated {
    use super::{Blob, Count, Numbers, Part};
    include!(concat!(env!("OUT_DIR"), "/rivals.Calls.rs"));
}
use generated::calls_client::CallsClient;
use generated::calls_server::{Calls, CallsServer};

struct Service;

type Items<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[::tonic::async_trait]
impl Calls for Service {
    type ItemsStream = Items<Numbers>;
    type PartsStream = Items<Part>;

    async fn items(&self, request: Request<Count>) -> Result<Response<Self::ItemsStream>, Status> {
        let items = (0..request.into_inner().count).map(|n| Ok(load::Numbers::nth(n).into()));
        Ok(Response::new(Box::pin(tokio_stream::iter(items))))
    }

    async fn parts(&self, request: Request<Count>) -> Result<Response<Self::PartsStream>, Status> {
        let Count { count, size } = request.into_inner();
        let bytes = Bytes::from(load::blob(size as usize));
        let parts = (0..count).map(move |_| Ok(Part { bytes: bytes.clone() }));
        Ok(Response::new(Box::pin(tokio_stream::iter(parts))))
    }

    async fn echo(&self, request: Request<Numbers>) -> Result<Response<Numbers>, Status> {
        Ok(Response::new(load::served(request.into_inner().into()).into()))
    }

    async fn blob(&self, request: Request<Blob>) -> Result<Response<Blob>, Status> {
        Ok(Response::new(request.into_inner()))
    }

    async fn slow(&self, request: Request<Numbers>) -> Result<Response<Numbers>, Status> {
        let numbers = request.into_inner();
        tokio::time::sleep(Duration::from_millis(numbers.milliseconds)).await;
        Ok(Response::new(load::served(numbers.into()).into()))
    }
}

fn serve(serve: &Serve) -> Result<()> {
    on_tokio(async {
        let listener = TcpListener::bind(("127.0.0.1", serve.port)).await?;
        serve.ready();
        let incoming = TcpListenerStream::new(listener).map(|stream| {
            let stream = stream?;
            stream.set_nodelay(true)?;
            Ok::<_, std::io::Error>(stream)
        });
        // The default takes messages of 4 MiB, which is enough, and as many streams as are asked
        // for.
        Ok(Server::builder().add_service(CallsServer::new(Service)).serve_with_incoming(incoming).await?)
    })
}

#[derive(Clone)]
struct Tonic(CallsClient<Channel>);

impl Client for Tonic {
    async fn connect(port: u16) -> Result<Self> {
        let endpoint = Channel::from_shared(format!("http://127.0.0.1:{port}"))?.tcp_nodelay(true);
        Ok(Self(CallsClient::new(endpoint.connect().await?)))
    }

    async fn echo(&self, numbers: load::Numbers) -> Result<load::Numbers> {
        // A call takes its client by `&mut`; a clone is a handle of the same connection.
        Ok(self.0.clone().echo(Numbers::from(numbers)).await?.into_inner().into())
    }

    async fn blob(&self, bytes: Vec<u8>) -> Result<Vec<u8>> {
        Ok(self.0.clone().blob(Blob { bytes }).await?.into_inner().bytes)
    }

    async fn slow(&self, numbers: load::Numbers, milliseconds: u64) -> Result<load::Numbers> {
        let request = Numbers { milliseconds, ..numbers.into() };
        Ok(self.0.clone().slow(request).await?.into_inner().into())
    }

    async fn items(&self, count: u64) -> Result<()> {
        let mut items = self.0.clone().items(Count { count, size: 0 }).await?.into_inner();
        for n in 0..count {
            let item = items.message().await?.context("the stream ended")?;
            load::check(item.into(), load::Numbers::nth(n))?;
        }
        Ok(())
    }

    async fn parts(&self, count: u64, size: usize) -> Result<()> {
        let mut parts = self.0.clone().parts(Count { count, size: size as u64 }).await?.into_inner();
        for _ in 0..count {
            let part = parts.message().await?.context("the stream ended")?;
            ensure!(part.bytes.len() == size, "{} bytes came", part.bytes.len());
        }
        Ok(())
    }
}

pub fn contender() -> Contender {
    Contender {
        name: "tonic",
        about: "tonic 0.14, unary gRPC with prost over HTTP/2, windows at their default",
        workloads: &[W1, W2, W3, W5, W6, W7, W8, W8L],
        serve,
        drive: drive_on_tokio::<Tonic>,
    }
}
