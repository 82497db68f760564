//! The lower bound: messages with a kind, a number and a payload, with neither a codec nor a table
//! of open calls.
//!
//! The remaining cost of a call is then the transport, its framing and two wake-ups.

use std::future::Future;
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::load::{Numbers, blob, called_back, check, served};
use crate::outcome::Outcome;
use crate::workload::{
    Drive, PART, W1, W2, W3, W4, W5, W6, W7, W8, W8L, W9, Workload, memory, one_after_another, stream,
};

pub const WORKLOADS: &[Workload] = &[W1, W2, W3, W4, W5];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    Echo,
    Blob,
    Nested,
    Answer,
    CallBack,
    CalledBack,
    /// Asks for a stream of small items; the number is how many.
    Items,
    /// Asks for a stream of large items.
    Parts,
    /// Begins a broadcast of this many items.
    Publish,
}

#[derive(Debug)]
pub struct Message {
    pub kind: Kind,
    pub number: u64,
    pub payload: Bytes,
}

pub const HEAD: usize = 9;

impl Message {
    pub fn small(kind: Kind, number: u64, numbers: Numbers) -> Self {
        Self { kind, number, payload: Bytes::copy_from_slice(&numbers.to_bytes()) }
    }

    pub fn read(mut bytes: Bytes) -> Result<Self> {
        ensure!(bytes.len() >= HEAD, "a message is cut short");
        let kind = match bytes.get_u8() {
            0 => Kind::Echo,
            1 => Kind::Blob,
            2 => Kind::Nested,
            3 => Kind::Answer,
            4 => Kind::CallBack,
            5 => Kind::CalledBack,
            6 => Kind::Items,
            7 => Kind::Parts,
            8 => Kind::Publish,
            kind => bail!("there is no kind {kind}"),
        };
        Ok(Self { kind, number: bytes.get_u64_le(), payload: bytes })
    }

    pub fn put_head(&self, out: &mut BytesMut) {
        out.put_u8(self.kind as u8);
        out.put_u64_le(self.number);
    }

    /// All of it in one buffer.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(HEAD + self.payload.len());
        self.put_head(&mut out);
        out.put_slice(&self.payload);
        out.freeze()
    }

    fn numbers(&self) -> Result<Numbers> {
        Numbers::from_bytes(&self.payload)
    }

    /// What the server says to it.
    pub fn answer(self) -> Result<Self> {
        let number = self.number;
        Ok(match self.kind {
            Kind::Echo | Kind::CalledBack => Self::small(Kind::Answer, number, served(self.numbers()?)),
            Kind::Blob => Self { kind: Kind::Answer, ..self },
            Kind::Nested => Self { kind: Kind::CallBack, ..self },
            Kind::Answer | Kind::CallBack => bail!("{:?} is not for a server", self.kind),
            Kind::Items | Kind::Parts | Kind::Publish => bail!("{:?} has many answers", self.kind),
        })
    }
}

/// One connection, either end of it.
pub trait Wire: Sized + 'static {
    fn connect(port: u16) -> impl Future<Output = Result<Self>>;
    fn receive(&mut self) -> impl Future<Output = Result<Message>>;
    /// What has arrived already.
    fn try_receive(&mut self) -> Result<Option<Message>>;
    fn feed(&mut self, message: Message) -> impl Future<Output = Result<()>>;
    fn flush(&mut self) -> impl Future<Output = Result<()>>;
}

pub async fn drive<W: Wire>(run: &Drive) -> Result<Outcome> {
    if run.workload == W5 {
        return memory(run, async |n| {
            let mut wire = W::connect(run.port).await?;
            exchange(&mut wire, Kind::Echo, n).await?;
            Ok(wire)
        })
        .await;
    }
    let mut wire = W::connect(run.port).await?;
    match run.workload {
        W1 => one_after_another(run, async |n| exchange(&mut wire, Kind::Echo, n).await).await,
        W2 => in_flight(&mut wire, run).await,
        W3 => {
            let first = Bytes::from(blob(run.blob));
            let mut travelling = first.clone();
            let mut outcome = one_after_another(run, async |n| {
                let payload = std::mem::take(&mut travelling);
                wire.feed(Message { kind: Kind::Blob, number: n, payload }).await?;
                wire.flush().await?;
                travelling = wire.receive().await?.payload;
                ensure!(travelling.len() == run.blob, "{} bytes came back", travelling.len());
                Ok(())
            })
            .await?;
            ensure!(travelling == first, "other bytes came back");
            outcome.mb_per_s = run.blob as f64 * outcome.calls_per_s / 1e6;
            Ok(outcome)
        }
        W4 => one_after_another(run, async |n| exchange(&mut wire, Kind::Nested, n).await).await,
        W8 | W8L => {
            stream(run, async |count| {
                let kind = if run.workload == W8 { Kind::Items } else { Kind::Parts };
                wire.feed(Message { kind, number: count, payload: Bytes::new() }).await?;
                wire.flush().await?;
                for n in 0..count {
                    let item = wire.receive().await?;
                    ensure!(item.number == n, "item {} came as number {n}", item.number);
                    match run.workload {
                        W8 => check(item.numbers()?, Numbers::nth(n))?,
                        _ => ensure!(item.payload.len() == PART, "{} bytes came", item.payload.len()),
                    }
                }
                Ok(())
            })
            .await
        }
        W5 | W6 | W7 | W9 => bail!("the floor has no waiting calls"),
    }
}

async fn exchange(wire: &mut impl Wire, kind: Kind, number: u64) -> Result<()> {
    let numbers = Numbers::nth(number);
    wire.feed(Message::small(kind, number, numbers)).await?;
    wire.flush().await?;
    let mut expected = served(numbers);
    let mut message = wire.receive().await?;
    if message.kind == Kind::CallBack {
        let back = called_back(message.numbers()?);
        expected = served(called_back(numbers));
        wire.feed(Message::small(Kind::CalledBack, number, back)).await?;
        wire.flush().await?;
        message = wire.receive().await?;
    }
    ensure!(message.kind == Kind::Answer && message.number == number, "an answer to another question");
    check(message.numbers()?, expected)
}

/// As many on their way as there may be; one more for each answer.
async fn in_flight(wire: &mut impl Wire, run: &Drive) -> Result<Outcome> {
    let mut sent_at = vec![Instant::now(); run.in_flight];
    let mut run_calls = async |calls: usize, mut note: Box<dyn FnMut(std::time::Duration)>| {
        let (mut sent, mut answered) = (0, 0);
        while answered < calls {
            while sent < calls && sent - answered < run.in_flight {
                sent_at[sent % run.in_flight] = Instant::now();
                let number = sent as u64;
                wire.feed(Message::small(Kind::Echo, number, Numbers::nth(number))).await?;
                sent += 1;
            }
            wire.flush().await?;
            let mut next = Some(wire.receive().await?);
            while let Some(message) = next {
                check(message.numbers()?, served(Numbers::nth(message.number)))?;
                note(sent_at[message.number as usize % run.in_flight].elapsed());
                answered += 1;
                next = wire.try_receive()?;
            }
        }
        anyhow::Ok(())
    };
    run_calls(run.warmup, Box::new(|_| ())).await?;
    let meter = std::rc::Rc::new(std::cell::RefCell::new(run.meter()));
    let noted = meter.clone();
    run_calls(run.calls, Box::new(move |latency| noted.borrow_mut().note(latency))).await?;
    let meter = std::rc::Rc::into_inner(meter).ok_or_else(|| anyhow::anyhow!("somebody still measures"))?;
    Ok(meter.into_inner().stop())
}
