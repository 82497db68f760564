//! The actions of the attackers. Several threads repeat each script until the process is stopped.

use std::io;
use std::panic::catch_unwind;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use clap::ValueEnum;
use distributed_scope::{Codec, Limits};
use distributed_scope_core::frame::{CallId, Catalogue, Frame, Invoke};
use serde::Serialize;

use super::attacker::{At, Attack};
use crate::frames::invoke;
use crate::peers::address_of;
use crate::process::until_let_go;
use crate::say;

/// A script that ended is played again after this, so that it does not only make connections.
const AGAIN: Duration = Duration::from_millis(20);

/// The largest message, but for a header.
const LARGEST: usize = (16 << 20) - 1024;

/// What is as large as it can be in one message of the WebSocket.
const LARGE: usize = 65_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Script {
    Detached,
    HalfMessages,
    Captures,
    BeforeADecision,
    Unacknowledged,
    AbsentPeers,
    FailedUpgrades,
    ForeignPages,
    GoAway,
    Panics,
    Deadlines,
    SlowValues,
    Catalogue,
    SmallFrames,
    NoSilence,
    LongErrors,
}

impl Script {
    pub(super) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    pub(super) fn what(self) -> &'static str {
        match self {
            Self::Detached => "detached blocks, cancelled at once",
            Self::HalfMessages => "large messages but for their ends",
            Self::Captures => "captures that are large in memory",
            Self::BeforeADecision => "large calls before a slow decision",
            Self::Unacknowledged => "a large result that is not acknowledged, and calls behind it",
            Self::AbsentPeers => "calls on to absent peers whose ids collide",
            Self::FailedUpgrades => "upgrades with wrong tokens",
            Self::ForeignPages => "upgrades of foreign pages",
            Self::GoAway => "go away, again and again",
            Self::Panics => "blocks that panic",
            Self::Deadlines => "65,500 waiting calls with deadlines of their own",
            Self::SlowValues => "values that take long to read",
            Self::Catalogue => "a catalogue without end",
            Self::SmallFrames => "small results that are not acknowledged",
            Self::NoSilence => "sessions that bear no silence",
            Self::LongErrors => "errors of 15 MB",
        }
    }

    /// For how long a call may wait where a single message or result keeps the server's thread,
    /// which is bounded and not nothing: a value that is slow to decode (a millisecond for 65,000
    /// texts), or a block that makes 6 MiB.
    pub(super) fn stall(self) -> Option<Duration> {
        match self {
            Self::SlowValues => Some(Duration::from_millis(100)),
            Self::Unacknowledged => Some(Duration::from_millis(50)),
            Self::Captures => Some(Duration::from_millis(10)),
            _ => None,
        }
    }

    /// How many attackers play it at once.
    fn attackers(self) -> u64 {
        match self {
            Self::HalfMessages => 50,
            Self::Captures | Self::Deadlines | Self::NoSilence => 10,
            Self::BeforeADecision | Self::Unacknowledged | Self::Detached | Self::FailedUpgrades => 4,
            Self::AbsentPeers | Self::Panics | Self::SmallFrames => 3,
            Self::ForeignPages | Self::GoAway | Self::SlowValues | Self::Catalogue | Self::LongErrors => 2,
        }
    }

    fn play(self, at: &At) -> io::Result<()> {
        match self {
            Self::Detached => detached(at),
            Self::HalfMessages => half_messages(at),
            Self::Captures => captures(at),
            Self::BeforeADecision => before_a_decision(at),
            Self::Unacknowledged => unacknowledged(at),
            Self::AbsentPeers => absent_peers(at),
            Self::FailedUpgrades => upgrades(at, &[("Authorization", "Bearer wrong")]),
            Self::ForeignPages => upgrades(at, &[("Origin", "http://evil.example")]),
            Self::GoAway => go_away(at),
            Self::Panics => small_calls(at, "attacked_panic#0", &("a panic",)),
            Self::Deadlines => deadlines(at),
            Self::SlowValues => slow_values(at),
            Self::Catalogue => catalogue(at),
            Self::SmallFrames => small_calls(at, "attacked_texts#0", &(Vec::<String>::new(),)),
            Self::NoSilence => no_silence(at),
            Self::LongErrors => small_calls_of(at, "attacked_error#0", &(15_usize << 20,), 1),
        }
    }
}

/// The process of the attackers.
pub(crate) async fn attacker(url: &str, script: Script) -> anyhow::Result<()> {
    std::panic::set_hook(Box::new(|_| {}));
    let at = At(address_of(url).to_owned());
    for _ in 0..script.attackers() {
        let at = at.clone();
        thread::spawn(move || {
            loop {
                // The server ends connections, which is an error here, or a panic in what reads by
                // hand.
                let _ = catch_unwind(|| script.play(&at));
                thread::sleep(AGAIN);
            }
        });
    }
    say("attacking")?;
    until_let_go().await;
    Ok(())
}

fn call(number: u64, path: &str, captures: &Bytes) -> Invoke {
    Invoke { captures: captures.clone(), ..invoke(number, path) }
}

fn encoded(captures: &impl Serialize) -> io::Result<Bytes> {
    Codec::Bincode.encode(0, captures).map(Into::into).map_err(io::Error::other)
}

/// This many empty texts: each is a byte on the wire, and 24 in memory.
fn texts(count: usize) -> io::Result<Bytes> {
    encoded(&(vec![String::new(); count],))
}

fn detached(at: &At) -> io::Result<()> {
    let (mut session, captures) = (at.session()?, texts(1)?);
    loop {
        let number = session.number();
        let invoke = Invoke { is_detached: true, ..call(number, "attacked_wait#0", &captures) };
        session.send([Frame::Invoke(invoke), Frame::Cancel(CallId(number))])?;
    }
}

fn half_messages(at: &At) -> io::Result<()> {
    let (mut session, captures) = (at.session()?, Bytes::from(vec![0; LARGEST]));
    for stream in 0..2 {
        let number = session.number();
        session.send_large(stream, call(number, "attacked_texts#0", &captures), 1)?;
    }
    loop {
        thread::sleep(Duration::from_secs(1));
        session.send([Frame::Ping])?;
    }
}

fn captures(at: &At) -> io::Result<()> {
    let (mut session, captures) = (at.session()?, texts(LARGE)?);
    for _ in 0..1500 {
        let number = session.number();
        session.send([Frame::Invoke(call(number, "attacked_wait#0", &captures))])?;
    }
    Ok(())
}

fn before_a_decision(at: &At) -> io::Result<()> {
    let (mut session, captures) = (at.session()?, Bytes::from(vec![0; LARGEST]));
    for _ in 0..15 {
        let number = session.number();
        session.send_large(0, call(number, "attacked_texts#0", &captures), 0)?;
    }
    Ok(())
}

/// What has arrived is never acknowledged here, in no script.
fn unacknowledged(at: &At) -> io::Result<()> {
    let (mut session, large) = (at.session()?, encoded(&(6_usize << 20,))?);
    let number = session.number();
    session.send([Frame::Invoke(call(number, "attacked_result#0", &large))])?;
    let small = texts(1)?;
    for _ in 0..20_000 {
        let number = session.number();
        session.send([Frame::Invoke(call(number, "attacked_wait#0", &small))])?;
    }
    thread::sleep(Duration::from_secs(1));
    Ok(())
}

fn absent_peers(at: &At) -> io::Result<()> {
    let mut session = at.session()?;
    for number in 0..20_000_u64 {
        let id: [u8; 16] =
            (u128::from(0x243f_6a88_85a3_08d3_u64.swap_bytes()) << 64 | u128::from(number)).to_be_bytes();
        let number = session.number();
        session.send([Frame::Invoke(call(number, "attacked_calls_on#0", &Bytes::copy_from_slice(&id)))])?;
    }
    thread::sleep(Duration::from_secs(1));
    Ok(())
}

fn upgrades(at: &At, headers: &[(&str, &str)]) -> io::Result<()> {
    loop {
        // So many sockets may wait to be closed that no port is left: that is an error, and a
        // pause.
        at.upgrade(headers)?;
    }
}

fn go_away(at: &At) -> io::Result<()> {
    let mut session = at.session()?;
    for _ in 0..300 {
        session.send((0..1000).map(|_| Frame::GoAway))?;
    }
    Ok(())
}

fn small_calls(at: &At, path: &str, captures: &impl Serialize) -> io::Result<()> {
    small_calls_of(at, path, captures, 64)
}

fn small_calls_of(at: &At, path: &str, captures: &impl Serialize, at_once: usize) -> io::Result<()> {
    let (mut session, captures) = (at.session()?, encoded(captures)?);
    loop {
        let numbers: Vec<_> = (0..at_once).map(|_| session.number()).collect();
        session.send(numbers.into_iter().map(|number| Frame::Invoke(call(number, path, &captures))))?;
    }
}

fn deadlines(at: &At) -> io::Result<()> {
    let (mut session, captures) = (at.session()?, texts(1)?);
    for _ in 0..6550 {
        let number = session.number();
        let deadline_ms = u32::try_from(2000 + number * 7919 % 60_000).ok();
        session
            .send([Frame::Invoke(Invoke { deadline_ms, ..call(number, "attacked_wait#0", &captures) })])?;
    }
    thread::sleep(Duration::from_secs(60));
    Ok(())
}

fn slow_values(at: &At) -> io::Result<()> {
    let (mut session, captures) = (at.session()?, texts(LARGEST - 16)?);
    loop {
        let number = session.number();
        session.send_large(0, call(number, "attacked_texts#0", &captures), 0)?;
    }
}

fn catalogue(at: &At) -> io::Result<()> {
    let invoke = invoke(0, "attacked_texts#0");
    let blocks = vec![(invoke.block, invoke.fingerprint); 4000];
    let mut session: Attack = at.session()?;
    loop {
        session.send([Frame::Catalogue(Catalogue { is_last: false, blocks: blocks.clone() })])?;
    }
}

fn no_silence(at: &At) -> io::Result<()> {
    let mut session = at.session_with(&Limits::default().with_idle_timeout(Duration::ZERO))?;
    loop {
        thread::sleep(Duration::from_secs(1));
        session.send([Frame::Ping])?;
    }
}
