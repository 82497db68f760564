//! A contender: a server, and a client that drives it.

use std::future::Future;

use anyhow::{Result, bail};

use crate::load::Numbers;
use crate::outcome::Outcome;
use crate::workload::{Drive, Workload};

/// One library, or a part of the floor, as the command line knows it.
pub struct Contender {
    pub name: &'static str,
    /// Its transport and encoding, and how it was configured.
    pub about: &'static str,
    pub workloads: &'static [Workload],
    pub serve: fn(&Serve) -> Result<()>,
    pub drive: fn(&Drive) -> Result<Outcome>,
}

/// How a server is started.
#[derive(Clone, Copy, Debug)]
pub struct Serve {
    pub port: u16,
    /// How many threads serve connections. The rivals here always take one.
    pub workers: usize,
}

impl Serve {
    /// Says that clients may come.
    pub fn ready(&self) {
        println!("READY {}", self.port);
    }
}

/// A client of a library with calls. A clone is another handle of the same connection.
pub trait Client: Clone + 'static {
    fn connect(port: u16) -> impl Future<Output = Result<Self>>;
    fn echo(&self, numbers: Numbers) -> impl Future<Output = Result<Numbers>>;
    fn blob(&self, bytes: Vec<u8>) -> impl Future<Output = Result<Vec<u8>>>;

    /// An echo whose handler sleeps first.
    fn slow(&self, _: Numbers, _milliseconds: u64) -> impl Future<Output = Result<Numbers>> {
        async { bail!("it has no slow call here") }
    }

    /// Receives a stream from the server: this many items, each with the numbers of its place.
    fn items(&self, _count: u64) -> impl Future<Output = Result<()>> {
        async { bail!("it has no streams here") }
    }

    /// Receives a stream of this many items of as many bytes.
    fn parts(&self, _count: u64, _size: usize) -> impl Future<Output = Result<()>> {
        async { bail!("it has no streams here") }
    }

    /// An echo whose handler calls the client back first.
    fn nested(&self, _: Numbers) -> impl Future<Output = Result<Numbers>> {
        async { bail!("it cannot call back") }
    }
}
