//! Copies files of any size between two programs.
//!
//! One program serves a folder. Another one puts files into it, or gets files from it. Both hold a
//! few hundred kilobytes of a file at a time.
//!
//! ```sh
//! cargo run --release --example copy -- serve 127.0.0.1:7070 FOLDER
//! cargo run --release --example copy -- put ws://127.0.0.1:7070/scope FILE
//! cargo run --release --example copy -- get ws://127.0.0.1:7070/scope NAME FILE
//! ```

#![allow(clippy::print_stdout, reason = "to show what happens is what an example is for")]

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use actix_web::{App, HttpServer};
use distributed_scope::{
    Blocks, Bytes, Peer, PeerId, Receiver, RemoteError, distributed, from_async_read, here, into_async_read,
    on_connect, remote, try_streamed,
};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

/// The folder that a server has.
struct Folder(PathBuf);

impl Folder {
    /// The path of a file directly in the folder.
    fn file(&self, name: &str) -> io::Result<PathBuf> {
        match Path::new(name).file_name() {
            Some(file) if file == name => Ok(self.0.join(file)),
            _ => Err(io::Error::other(format!("`{name}` is not the name of a file"))),
        }
    }
}

/// Writes what arrives to a file, and returns the number of bytes.
async fn write(to: PathBuf, bytes: Receiver<Bytes>) -> io::Result<u64> {
    let mut file = File::create(to).await?;
    let size = tokio::io::copy_buf(&mut into_async_read(bytes), &mut file).await?;
    file.flush().await?;
    Ok(size)
}

/// Copies what arrives into the server's folder. Returns the number of bytes.
#[distributed]
async fn store(server: PeerId, name: String, bytes: Receiver<Bytes>) -> Result<u64, RemoteError> {
    remote!(server, [name, bytes], {
        let path = here::data::<Folder>()?.file(&name)?;
        write(path, bytes).await?
    })
    .without_timeout()
    .await
}

/// Reads a file of the server's folder.
#[distributed]
async fn fetch(server: PeerId, name: String) -> Result<Receiver<Bytes>, RemoteError> {
    remote!(server, [name], {
        let path = here::data::<Folder>()?.file(&name)?;
        try_streamed(from_async_read(File::open(path).await?))
    })
    .await
}

/// Puts a file into the server's folder.
async fn put(client: &Peer, server: PeerId, from: &Path) -> anyhow::Result<u64> {
    let name = from.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let file = File::open(from).await?;
    // The file is read by this peer, while the block at the server writes.
    Ok(client.run(async { store(server, name, try_streamed(from_async_read(file))).await }).await?)
}

/// Gets a file from the server's folder.
async fn get(client: &Peer, server: PeerId, name: &str, to: &Path) -> anyhow::Result<u64> {
    let bytes = client.run(fetch(server, name.to_owned())).await?;
    Ok(write(to.to_owned(), bytes).await?)
}

/// A peer that serves a folder, and the URL of it.
fn serve(address: &str, folder: PathBuf) -> anyhow::Result<(Peer, String)> {
    let peer = Peer::builder(PeerId::named("folder")).data(Folder(folder)).expose(Blocks::all()).start();
    let served = peer.clone();
    let http = HttpServer::new(move || App::new().service(served.service("/scope")))
        .on_connect(on_connect)
        .workers(1)
        .bind(address)?;
    let url = format!("ws://{}/scope", http.addrs()[0]);
    actix_web::rt::spawn(http.run());
    Ok((peer, url))
}

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let client = Peer::builder(PeerId::random()).start();
    let started = Instant::now();
    let size = match arguments[..] {
        ["serve", address, folder] => {
            let (_peer, url) = serve(address, folder.into())?;
            println!("{url}");
            return std::future::pending().await;
        }
        ["put", url, file] => put(&client, client.connect(url).await?, Path::new(file)).await?,
        ["get", url, name, file] => get(&client, client.connect(url).await?, name, Path::new(file)).await?,
        _ => anyhow::bail!("usage: copy serve ADDRESS FOLDER | put URL FILE | get URL NAME FILE"),
    };
    let seconds = started.elapsed().as_secs_f64();
    println!("{size} bytes in {seconds:.2} s, {:.0} MB/s", size as f64 / seconds / 1e6);
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

    use super::*;

    #[actix_web::test]
    async fn file_comes_back_as_it_went() {
        let folder = std::env::temp_dir().join(format!("copy-example-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("served")).unwrap();
        let (sent, returned) = (folder.join("sent"), folder.join("returned"));
        let content: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
        std::fs::write(&sent, &content).unwrap();

        let (server, url) = serve("127.0.0.1:0", folder.join("served")).unwrap();
        let client = Peer::builder(PeerId::random()).start();
        client.connect(url).await.unwrap();
        assert_eq!(put(&client, server.id(), &sent).await.unwrap(), 3_000_000);
        assert_eq!(get(&client, server.id(), "sent", &returned).await.unwrap(), 3_000_000);
        assert_eq!(std::fs::read(&returned).unwrap(), content);

        let error = get(&client, server.id(), "../sent", &returned).await.unwrap_err();
        assert!(format!("{error:#}").contains("is not the name of a file"), "{error:#}");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
