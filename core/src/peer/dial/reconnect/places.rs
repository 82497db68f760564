//! The links of a peer. Each endpoint has one link, however often it is asked for and by any
//! caller.

use std::net::SocketAddr;
use std::sync::Arc;

use super::board::{Board, Order};
use super::status::LinkEnd;
use crate::identity::peer_id::PeerId;
use crate::peer::Endpoint;
use crate::util::lock::Mutex;

/// The target of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    url: String,
    /// The URL without parts that may be secret.
    shown: String,
    addresses: Vec<SocketAddr>,
    wanted: Option<PeerId>,
}

impl Place {
    /// The place of an endpoint, with its addresses if they are known.
    #[must_use]
    pub fn new(endpoint: &Endpoint, addresses: &[SocketAddr]) -> Self {
        Self {
            url: endpoint.url().to_owned(),
            shown: endpoint.to_string(),
            addresses: addresses.to_vec(),
            wanted: endpoint.wanted(),
        }
    }

    /// The only peer that is accepted there.
    pub(super) fn wanted(&self) -> Option<PeerId> {
        self.wanted
    }

    /// Whether a link to this place also serves a caller that asks for the other place.
    fn serves(&self, other: &Self, connected: Option<PeerId>) -> bool {
        let suits = other.wanted.is_none() || [self.wanted, connected].contains(&other.wanted);
        self.url == other.url && self.addresses == other.addresses && suits
    }
}

/// All links of a peer that have not ended.
#[derive(Debug, Default)]
pub(in crate::peer) struct Places(Mutex<Vec<(Place, Arc<Board>)>>);

impl Places {
    /// The link to this place, and whether it is new.
    pub(super) fn link_to(&self, place: &Place, is_lasting: bool) -> (Arc<Board>, bool) {
        let mut links = self.0.lock();
        let found = links.iter().find(|(known, board)| {
            let connected = board.lock().status.connected();
            known.serves(place, connected)
        });
        if let Some((_, board)) = found
            && board.join(is_lasting)
        {
            return (Arc::clone(board), false);
        }
        let board = Arc::new(Board::new(place.shown.clone(), is_lasting));
        links.push((place.clone(), Arc::clone(&board)));
        (board, true)
    }

    /// The link that connects a peer.
    pub(super) fn connected_to(&self, peer: PeerId) -> Option<Arc<Board>> {
        let links = self.0.lock();
        let found = links.iter().find(|(_, board)| board.lock().status.connected() == Some(peer));
        found.map(|(_, board)| Arc::clone(board))
    }

    /// Removes a link that has ended.
    pub(super) fn forget(&self, board: &Arc<Board>) {
        self.0.lock().retain(|(_, other)| !Arc::ptr_eq(other, board));
    }

    /// The peer was stopped.
    pub(in crate::peer) fn stop(&self) {
        for (_, board) in &*self.0.lock() {
            board.order(Order::End(LinkEnd::PeerStopped));
        }
    }
}

impl Drop for Places {
    /// The peer no longer exists. Links that wait for their next attempt end now.
    fn drop(&mut self) {
        self.stop();
    }
}
