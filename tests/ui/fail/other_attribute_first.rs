use distributed_scope::{distributed, remote};

#[actix_web::main]
#[distributed]
async fn main() {
    let p = distributed_scope::PeerId::random();
    let _ = remote!(p, [], { 1u8 }).await;
}
