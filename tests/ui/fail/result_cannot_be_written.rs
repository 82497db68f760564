use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[derive(serde::Deserialize)]
struct Report {
    lines: u32,
}

#[distributed]
async fn demo(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    let report = remote!(p, [a], { Report { lines: a } }).await?;
    Ok(report.lines)
}

fn main() {}
