use distributed_scope::{PeerId, RemoteError, distributed, remote};

// A trait of its own: who implements those of the standard library depends on what else is built.
trait Found: Sized {
    fn by(number: u32) -> Result<Self, String>;
}

impl Found for u8 {
    fn by(number: u32) -> Result<Self, String> {
        number.try_into().map_err(|_| format!("{number} is too large"))
    }
}

#[distributed]
async fn demo(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    let _ = remote!(p, [a], { Found::by(a)? }).await?;
    Ok(a)
}

fn main() {}
