use std::error::Error;

use distributed_scope::{PeerId, RemoteError, distributed, remote};

fn parse(text: &str) -> Result<u32, Box<dyn Error>> {
    Ok(text.parse()?)
}

#[distributed]
async fn ask(p: PeerId, text: String) -> Result<u32, RemoteError> {
    remote!(p, [text], { parse(&text)? }).await
}

fn main() {}
