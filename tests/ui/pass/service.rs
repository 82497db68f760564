#![deny(warnings)]

use distributed_scope::{PeerId, RemoteError, distributed, remote};

pub struct Service {
    server: PeerId,
    name: String,
}

#[distributed]
impl Service {
    const LIMIT: usize = 3;

    pub fn new(server: PeerId) -> Self {
        Self { server, name: String::new() }
    }

    /// Finds.
    pub async fn search(&self, query: &str) -> Result<Vec<String>, RemoteError> {
        let query = query.to_owned();
        let limit = Self::LIMIT + self.name.len();
        let found = remote!(self.server, [query, limit, name = self.name], {
            let mut found = vec![query; limit];
            found.push(name);
            found
        })
        .await?;
        Ok(found)
    }

    pub async fn count(server: PeerId, n: usize) -> Result<usize, RemoteError> {
        if n == 0 {
            return Ok(0);
        }
        remote!(server, [server, n], { Self::count(server, n - 1).await? + Self::LIMIT }).await
    }

    async fn rename(mut self, name: &str) -> Result<Self, RemoteError> {
        self.name = remote!(self.server, [name = name.to_owned()], { name }).await?;
        Ok(self)
    }
}

struct Borrowing<'a>(&'a str, PeerId);

#[distributed]
impl<'a> Borrowing<'a> {
    async fn get(&self) -> Result<&'a str, RemoteError> {
        let Self(text, peer) = self;
        let _length = remote!(*peer, [text = text.to_string()], { text.len() }).await?;
        Ok(text)
    }
}

fn main() {
    let _ = (Service::new, Service::search, Service::count, Service::rename);
    let _ = Borrowing::get;
    let _ = Borrowing("", PeerId::random());
}
