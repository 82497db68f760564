#![deny(warnings)]

use distributed_scope::{Call, PeerId, RemoteError, distributed, remote};

macro_rules! first {
    ($name:ident = $value:expr => $body:expr) => {{
        let $name = $value.await?;
        $body
    }};
}

#[distributed]
async fn everywhere(a: PeerId, b: PeerId, n: u32) -> Result<u32, RemoteError> {
    let calls: Vec<Call<u32>> = vec![remote!(a, [n], { n }), distributed_scope::remote!(b, [n], { n + 1 })];
    let mut sum = first!(x = remote!(a, [n], { n + 2 }) => x + 1);
    for call in calls {
        sum += call.await?;
    }
    let twice = async |n: u32| remote!(a, [n], { n * 2 }).await;
    let make = |n: u32| remote!(b, [n], { n * 3 });
    while sum < 10 {
        sum += match n {
            0 => remote!(a, [], { 1 }).await?,
            _ if remote!(a, [n], { n > 1 }).await? => twice(1).await?,
            other => make(other).await?,
        };
    }
    assert_eq!(remote!(a, [sum], { sum }).await?, sum, "{}", remote!(a, [], { "x".to_owned() }).await?);
    Ok(sum)
}

fn main() {
    let _ = everywhere;
}
