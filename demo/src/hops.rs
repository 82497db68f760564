//! The hops that calls made: each process logs its own, and the library transfers one log to the
//! other process.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use comfy_table::Table;
use distributed_scope::{CallReport, PeerId, RemoteError, distributed, here, remote};
use serde::{Deserialize, Serialize};

use crate::output;

/// One call from one peer to another, as the peer saw that made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hop {
    pub(crate) from: PeerId,
    pub(crate) to: PeerId,
    /// `file:line` of the block.
    pub(crate) place: String,
    /// How many hops lay behind it.
    pub(crate) depth: u8,
    pub(crate) bytes_out: usize,
    pub(crate) bytes_back: usize,
    pub(crate) microseconds: u64,
}

/// The calls that a peer made, the newest last. A clone is the same log.
#[derive(Clone, Debug, Default)]
pub(crate) struct HopLog(Arc<Mutex<VecDeque<CallReport>>>);

impl HopLog {
    /// How many calls it keeps. The log of a server that is never asked for it must not grow with
    /// every call.
    const CAPACITY: usize = 1_000;

    pub(crate) fn record(&self, call: &CallReport) {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.len() == Self::CAPACITY {
            calls.pop_front();
        }
        calls.push_back(call.clone());
    }

    /// Takes the calls out that went to one of these peers.
    pub(crate) fn take(&self, to: &[PeerId]) -> Vec<Hop> {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = Vec::new();
        calls.retain(|call| {
            let is_wanted = to.contains(&call.to);
            taken.extend(is_wanted.then(|| Hop::from(call)));
            !is_wanted
        });
        taken
    }
}

impl From<&CallReport> for Hop {
    fn from(call: &CallReport) -> Self {
        Self {
            from: call.from,
            to: call.to,
            place: format!("{}:{}", call.block.file, call.block.line),
            depth: call.hop,
            bytes_out: call.sent,
            bytes_back: call.received,
            microseconds: output::microseconds(call.elapsed),
        }
    }
}

/// Takes the calls out of another peer's log that went to us or stayed there.
#[distributed]
pub(crate) async fn take_from(peer: PeerId) -> Result<Vec<Hop>, RemoteError> {
    remote!(peer, [], { here::data::<HopLog>()?.take(&[here::caller(), here::peer()]) }).await
}

/// Each call before the calls that its block made.
///
/// A log has its calls in the order of their ends, and two logs have two clocks. So the order is
/// that of the calls themselves: a call belongs to one that is a hop less deep and went to the
/// peer that made it. Where two such calls ran at once on one peer, their inner calls all stand
/// under the first.
pub(crate) fn in_order_of_calls(mut hops: Vec<Hop>) -> Vec<Hop> {
    let mut ordered = Vec::with_capacity(hops.len());
    let outermost = hops.iter().map(|hop| hop.depth).min().unwrap_or_default();
    while let Some(index) = hops.iter().position(|hop| hop.depth == outermost) {
        let first = hops.remove(index);
        move_with_inner(first, &mut hops, &mut ordered);
    }
    // What is left was made by blocks whose own calls are in no log.
    ordered.append(&mut hops);
    ordered
}

fn move_with_inner(hop: Hop, rest: &mut Vec<Hop>, ordered: &mut Vec<Hop>) {
    let is_inner = |inner: &Hop| inner.from == hop.to && inner.depth == hop.depth + 1;
    let inner: Vec<_> = rest.extract_if(.., |other| is_inner(other)).collect();
    ordered.push(hop);
    for hop in inner {
        move_with_inner(hop, rest, ordered);
    }
}

/// The hops as a table, inner calls indented. `name` says what people call a peer.
pub(crate) fn table(hops: &[Hop], name: impl Fn(PeerId) -> String) -> Table {
    let mut table = output::table(&["from", "to", "block", ">bytes out", ">bytes back", ">µs"]);
    for hop in hops {
        table.add_row([
            format!("{}{}", "  ".repeat(hop.depth.into()), name(hop.from)),
            name(hop.to),
            hop.place.clone(),
            output::thousands(hop.bytes_out as u64),
            output::thousands(hop.bytes_back as u64),
            output::thousands(hop.microseconds),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(from: &str, to: &str, depth: u8, place: &str) -> Hop {
        Hop {
            from: PeerId::named(from),
            to: PeerId::named(to),
            place: place.to_owned(),
            depth,
            bytes_out: 1,
            bytes_back: 2,
            microseconds: 3,
        }
    }

    fn places(hops: &[Hop]) -> Vec<&str> {
        hops.iter().map(|hop| hop.place.as_str()).collect()
    }

    #[test]
    fn a_call_stands_before_the_calls_that_its_block_made() {
        // As the two logs have them: by their ends, the client's before the server's.
        let hops = vec![
            hop("client", "server", 0, "1"),
            hop("client", "server", 2, "1.1.1"),
            hop("client", "server", 0, "2"),
            hop("server", "client", 1, "1.1"),
            hop("server", "server", 1, "1.2"),
        ];
        assert_eq!(places(&in_order_of_calls(hops)), ["1", "1.1", "1.1.1", "1.2", "2"]);
    }

    #[test]
    fn a_call_whose_caller_is_unknown_is_not_lost() {
        let hops = vec![hop("stranger", "server", 3, "inner"), hop("client", "server", 0, "outer")];
        assert_eq!(places(&in_order_of_calls(hops)), ["outer", "inner"]);
        assert_eq!(in_order_of_calls(Vec::new()), []);
    }

    #[test]
    fn inner_calls_are_indented_in_the_table() {
        let hops = [hop("client", "server", 0, "a.rs:1"), hop("server", "client", 1, "a.rs:2")];
        let name = |id| if id == PeerId::named("server") { "server".to_owned() } else { "client".to_owned() };
        let text = table(&hops, name).to_string();
        let line = |number: usize| text.lines().nth(number).unwrap().to_owned();
        assert!(line(3).starts_with("│ client   ┆ server ┆ a.rs:1"), "{text}");
        assert!(line(4).starts_with("│   server ┆ client ┆ a.rs:2"), "{text}");
    }
}
