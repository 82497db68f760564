//! The functions. A program and a page are built from this one file.

use distributed_scope::{PeerId, RemoteError, distributed, remote};

/// `demo` of the original: from wherever it is called to the server, to the client with `a`, and
/// back with `a` and `b`.
#[distributed]
pub async fn demo(server: PeerId, client: PeerId) -> Result<(Vec<u32>, usize), RemoteError> {
    remote!(server, [client, server], {
        let a = 42;
        let b = remote!(client, [a], { vec![42; a + 1] }).await?; // hop to the client with `a`
        remote!(server, [a, b], {
            let c = a + 2; // and back with `a` and `b`
            (b, c)
        })
        .await?
    })
    .await
}

/// `demo-sp` of the original, whose calls are values before they are run: this one is run twice.
#[distributed]
pub async fn demo_lazy(server: PeerId, client: PeerId) -> Result<[(u32, u32); 2], RemoteError> {
    let task = remote!(server, [client, server], {
        let a = 42;
        let b = remote!(client, [a], { a + 1 }).await?;
        remote!(server, [a, b], { (b, a + 2) }).await?
    });
    Ok([task.clone().await?, task.await?])
}

/// The value as the original's README writes it: a vector of equal elements as one element and its
/// length.
#[must_use]
pub fn show((b, c): &(Vec<u32>, usize)) -> String {
    match b.split_first() {
        Some((first, rest)) if rest.len() > 1 && rest.iter().all(|element| element == first) => {
            format!("([{first}; {}], {c})", b.len())
        }
        _ => format!("({b:?}, {c})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_elements_are_shown_as_one_and_a_length() {
        assert_eq!(show(&(vec![42; 43], 44)), "([42; 43], 44)");
    }

    #[test]
    fn different_elements_are_all_shown() {
        assert_eq!(show(&(vec![42, 42, 41], 44)), "([42, 42, 41], 44)");
        assert_eq!(show(&(vec![], 44)), "([], 44)");
    }
}
