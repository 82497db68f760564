use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[derive(serde::Serialize)]
struct Report {
    lines: Vec<String>,
}

#[distributed]
async fn demo(p: PeerId, report: Report) -> Result<usize, RemoteError> {
    remote!(p, [report], { report.lines.len() }).await
}

fn main() {}
