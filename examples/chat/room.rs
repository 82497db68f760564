//! The members of the room: ordinary state of the server. It knows only the ids of peers.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use distributed_scope::PeerId;

/// The members by their peers.
#[derive(Default)]
pub(crate) struct Room(Mutex<BTreeMap<PeerId, String>>);

impl Room {
    pub(crate) fn enter(&self, peer: PeerId, name: &str) -> Result<(), String> {
        let mut members = self.lock();
        if members.values().any(|other| other == name) {
            return Err(format!("somebody is called {name} already"));
        }
        members.insert(peer, name.to_owned());
        Ok(())
    }

    pub(crate) fn leave(&self, peer: PeerId) -> Result<String, String> {
        self.lock().remove(&peer).ok_or_else(not_here)
    }

    pub(crate) fn name_of(&self, peer: PeerId) -> Result<String, String> {
        self.lock().get(&peer).cloned().ok_or_else(not_here)
    }

    pub(crate) fn members(&self) -> Vec<PeerId> {
        self.lock().keys().copied().collect()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.lock().values().cloned().collect();
        names.sort();
        names
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PeerId, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_here() -> String {
    "you are not in the room: join first".to_owned()
}
