//! The file about which `cargo xtask editors` asks rust-analyzer.

use distributed_scope::{PeerId, RemoteError, distributed, here, remote};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    pub article: String,
    pub amount: u32,
}

/// What the shop has.
pub struct Stock(pub Vec<Order>);

/// Asks the shop, which asks the customer.
#[distributed]
pub async fn buy(shop: PeerId, customer: PeerId, order: Order) -> Result<u32, RemoteError> {
    let wanted = order.amount;
    let sold = remote!(shop, [customer, order, wanted], {
        let stock = here::data::<Stock>()?;
        let there = stock.0.iter().filter(|other| other.article == order.article).map(|other| other.amount).sum::<u32>();
        let offered = there.min(wanted);
        let agreed = remote!(customer, [offered], { confirm(offered) }).await?;
        if agreed { offered } else { 0 }
    })
    .await?;
    Ok(sold + wanted)
}

/// Whether the customer takes as many.
fn confirm(amount: u32) -> bool {
    amount > 0
}
