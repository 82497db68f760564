#![deny(warnings)]

use distributed_scope::{PeerId, RemoteError, distributed, remote};

struct Config {
    name: String,
}

#[distributed]
async fn all_forms(p: PeerId, config: &Config, b: u8) -> Result<usize, RemoteError> {
    let (a, r#type) = (1_usize, 2_u16);
    let text = Box::new(String::new());
    let len = remote!(
        p,
        [a, b: u8, name = config.name, twice: usize = a * 2, text: String, r#type, owned = config.name.clone()],
        { a + usize::from(b) + name.len() + twice + text.len() + usize::from(r#type) + owned.len() },
    )
    .await?;
    let written = remote!(p, [] -> Vec<u64>, { [1, 2].into_iter().collect() }).await?;
    let (c0, c1, c2, c3, c4, c5, c6, c7, c8) = (0, 1, 2, 3, 4, 5, 6, 7, 8);
    let (d0, d1, d2, d3, d4, d5, d6, d7, d8) = (0, 1, 2, 3, 4, 5, 6, 7, 8_usize);
    let many = remote!(p, [c0, c1, c2, c3, c4, c5, c6, c7, c8, d0, d1, d2, d3, d4, d5, d6, d7, d8], {
        c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7 + c8 + d0 + d1 + d2 + d3 + d4 + d5 + d6 + d7 + d8
    })
    .await?;
    remote!(p, [text], { drop(text) }).await?;
    let mut words = vec![String::new()];
    words.push(String::new());
    let changed = remote!(p, [on = p, mut words, mut n: usize = len, mut name = config.name.clone()], {
        words.push("third".into());
        name.clear();
        n += words.len();
        remote!(on, [words, name, mut n], {
            n += words.len() + name.len();
            n
        })
        .await?
    })
    .await?;
    Ok(len + many + text.len() + written.len() + changed + words.len())
}

fn main() {
    let _ = all_forms;
    let _ = Config { name: String::new() };
}
