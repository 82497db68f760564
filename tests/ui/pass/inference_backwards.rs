#![deny(warnings)]

use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn edge(server: PeerId, query: &str) -> Result<usize, RemoteError> {
    #[derive(serde::Serialize, serde::Deserialize, Clone, Debug)]
    struct Note {
        text: String,
    }
    let text = query.to_owned();
    let note = Note { text: "x".into() };
    let bytes: Vec<u64> = remote!(server, [text, note = note.clone()], {
        let n: u64 = text.trim().parse()?;
        text.bytes().map(|b| b as _).chain([n, note.text.len() as u64]).collect()
    })
    .await?;
    Ok(bytes.len() + text.len() + note.text.len())
}

fn main() {
    let _ = edge;
}
