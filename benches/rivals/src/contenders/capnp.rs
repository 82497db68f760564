//! Cap'n Proto, over TCP.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use ::capnp::Error;
use anyhow::Result;
use capnp_rpc::rpc_twoparty_capnp::Side;
use capnp_rpc::{RpcSystem, twoparty};
use futures_util::AsyncReadExt;
use futures_util::io::{BufReader, BufWriter};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;
use tokio_util::compat::TokioAsyncReadCompatExt;

use super::{drive_on_tokio, on_tokio};
use crate::contender::{Client, Contender, Serve};
use crate::load::{Numbers, called_back, served};
use crate::workload::CALLS;

#[allow(clippy::all, reason = "its compiler wrote it")]
pub mod calls_capnp {
    include!(concat!(env!("OUT_DIR"), "/calls_capnp.rs"));
}
use calls_capnp::{calls, home, numbers};

fn read(reader: numbers::Reader<'_>) -> Numbers {
    Numbers { a: reader.get_a(), b: reader.get_b(), c: reader.get_c(), d: reader.get_d() }
}

fn write(mut builder: numbers::Builder<'_>, numbers: Numbers) {
    builder.set_a(numbers.a);
    builder.set_b(numbers.b);
    builder.set_c(numbers.c);
    builder.set_d(numbers.d);
}

#[derive(Default)]
struct Server {
    home: RefCell<Option<home::Client>>,
}

impl calls::Server for Server {
    async fn echo(
        self: Rc<Self>,
        asked: calls::EchoParams,
        mut answer: calls::EchoResults,
    ) -> Result<(), Error> {
        let numbers = read(asked.get()?.get_numbers()?);
        write(answer.get().init_numbers(), served(numbers));
        Ok(())
    }

    async fn blob(
        self: Rc<Self>,
        asked: calls::BlobParams,
        mut answer: calls::BlobResults,
    ) -> Result<(), Error> {
        // The handlers of the others own their bytes, so this one does, too.
        let bytes = asked.get()?.get_bytes()?.to_vec();
        answer.get().set_bytes(&bytes);
        Ok(())
    }

    async fn slow(
        self: Rc<Self>,
        asked: calls::SlowParams,
        mut answer: calls::SlowResults,
    ) -> Result<(), Error> {
        let asked = asked.get()?;
        let numbers = read(asked.get_numbers()?);
        tokio::time::sleep(Duration::from_millis(asked.get_milliseconds())).await;
        write(answer.get().init_numbers(), served(numbers));
        Ok(())
    }

    async fn call_me_back(
        self: Rc<Self>,
        asked: calls::CallMeBackParams,
        _: calls::CallMeBackResults,
    ) -> Result<(), Error> {
        self.home.replace(Some(asked.get()?.get_home()?));
        Ok(())
    }

    async fn nested(
        self: Rc<Self>,
        asked: calls::NestedParams,
        mut answer: calls::NestedResults,
    ) -> Result<(), Error> {
        let numbers = read(asked.get()?.get_numbers()?);
        let home = self.home.borrow().clone().ok_or_else(|| Error::failed("it has no home".to_owned()))?;
        let mut request = home.back_request();
        write(request.get().init_numbers(), numbers);
        let back = request.send().promise.await?;
        write(answer.get().init_numbers(), served(read(back.get()?.get_numbers()?)));
        Ok(())
    }
}

struct Home;

impl home::Server for Home {
    async fn back(
        self: Rc<Self>,
        asked: home::BackParams,
        mut answer: home::BackResults,
    ) -> Result<(), Error> {
        write(answer.get().init_numbers(), called_back(read(asked.get()?.get_numbers()?)));
        Ok(())
    }
}

fn network(
    stream: TcpStream,
    side: Side,
) -> Result<Box<twoparty::VatNetwork<impl futures_util::AsyncRead + Unpin>>> {
    stream.set_nodelay(true)?;
    let (reader, writer) = stream.compat().split();
    let (reader, writer) = (BufReader::new(reader), BufWriter::new(writer));
    Ok(Box::new(twoparty::VatNetwork::new(reader, writer, side, Default::default())))
}

fn serve(serve: &Serve) -> Result<()> {
    on_tokio(async {
        let listener = TcpListener::bind(("127.0.0.1", serve.port)).await?;
        serve.ready();
        loop {
            let (stream, _) = listener.accept().await?;
            let calls: calls::Client = capnp_rpc::new_client(Server::default());
            spawn_local(RpcSystem::new(network(stream, Side::Server)?, Some(calls.client)));
        }
    })
}

#[derive(Clone)]
struct Capnp(calls::Client);

impl Client for Capnp {
    async fn connect(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let mut system = RpcSystem::new(network(stream, Side::Client)?, None);
        let calls: calls::Client = system.bootstrap(Side::Server);
        spawn_local(system);
        let mut request = calls.call_me_back_request();
        request.get().set_home(capnp_rpc::new_client(Home));
        request.send().promise.await?;
        Ok(Self(calls))
    }

    async fn echo(&self, numbers: Numbers) -> Result<Numbers> {
        let mut request = self.0.echo_request();
        write(request.get().init_numbers(), numbers);
        Ok(read(request.send().promise.await?.get()?.get_numbers()?))
    }

    async fn blob(&self, bytes: Vec<u8>) -> Result<Vec<u8>> {
        let mut request = self.0.blob_request();
        request.get().set_bytes(&bytes);
        Ok(request.send().promise.await?.get()?.get_bytes()?.to_vec())
    }

    async fn slow(&self, numbers: Numbers, milliseconds: u64) -> Result<Numbers> {
        let mut request = self.0.slow_request();
        write(request.get().init_numbers(), numbers);
        request.get().set_milliseconds(milliseconds);
        Ok(read(request.send().promise.await?.get()?.get_numbers()?))
    }

    async fn nested(&self, numbers: Numbers) -> Result<Numbers> {
        let mut request = self.0.nested_request();
        write(request.get().init_numbers(), numbers);
        Ok(read(request.send().promise.await?.get()?.get_numbers()?))
    }
}

pub fn contender() -> Contender {
    Contender {
        name: "capnp-rpc",
        about: "capnp-rpc 0.27 over TCP with buffered reads and writes; its bytes are not decoded but copied",
        workloads: CALLS,
        serve,
        drive: drive_on_tokio::<Capnp>,
    }
}
