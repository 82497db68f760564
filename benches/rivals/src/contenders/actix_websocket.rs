//! A bare WebSocket on actix: actix-ws at the server, awc at the client, neither with an actor.

use std::cell::RefCell;

use actix_codec::Framed;
use actix_http::ws::{Codec, Frame, Message as WsMessage};
use actix_rt::net::TcpStream;
use actix_service::ServiceExt;
use actix_tls::connect::{Connection, Connector, Resolver};
use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer, web};
use anyhow::{Result, anyhow, bail};
use awc::BoxedSocket;
use awc::http::Uri;
use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt, stream};
use tokio::sync::broadcast;

use super::floor::{self, Kind, Message, Wire};
use super::{as_task, on_actix};
use crate::contender::{Contender, Serve};
use crate::load::{Numbers, blob};
use crate::outcome::Outcome;
use crate::workload::{self, Drive, PART, W1, W2, W3, W4, W5, W8, W8L, W9, Workload, publish_steadily};

const LARGEST_FRAME: usize = 4 << 20;

const WORKLOADS: &[Workload] = &[W1, W2, W3, W4, W5, W8, W8L, W9];

/// How many items of a broadcast a connection may be behind, as at distributed-scope.
const BEHIND: usize = 256;

/// What is broadcast, encoded.
type Broadcast = broadcast::Sender<Bytes>;

async fn accept(
    request: HttpRequest,
    body: web::Payload,
    broadcast: web::Data<Broadcast>,
) -> Result<HttpResponse, Error> {
    let (response, mut session, stream) = actix_ws::handle(&request, body)?;
    let mut stream = stream.max_frame_size(LARGEST_FRAME);
    actix_rt::spawn(async move {
        while let Some(Ok(message)) = stream.next().await {
            if let actix_ws::Message::Binary(bytes) = message {
                let message = Message::read(bytes)?;
                match message.kind {
                    Kind::Items => items(&mut session, message.number).await?,
                    Kind::Parts => parts(&mut session, message.number).await?,
                    Kind::Publish if message.number == 0 => {
                        actix_rt::spawn(pass_on(broadcast.subscribe(), session.clone()));
                    }
                    Kind::Publish => {
                        let broadcast = broadcast.clone();
                        actix_rt::spawn(async move {
                            publish_steadily(message.number, |item| {
                                // There may be no subscriber.
                                let _ = broadcast.send(Message::small(Kind::Answer, 0, item).to_bytes());
                            })
                            .await;
                        });
                    }
                    _ => session.binary(message.answer()?.to_bytes()).await?,
                }
            }
        }
        anyhow::Ok(())
    });
    Ok(response)
}

/// A subscription: each item of the broadcast goes to this connection.
async fn pass_on(mut items: broadcast::Receiver<Bytes>, mut session: actix_ws::Session) -> Result<()> {
    loop {
        session.binary(items.recv().await?).await?;
    }
}

async fn items(session: &mut actix_ws::Session, count: u64) -> Result<()> {
    for n in 0..count {
        session.binary(Message::small(Kind::Answer, n, Numbers::nth(n)).to_bytes()).await?;
    }
    Ok(())
}

async fn parts(session: &mut actix_ws::Session, count: u64) -> Result<()> {
    let payload = Bytes::from(blob(PART));
    for number in 0..count {
        session.binary(Message { kind: Kind::Answer, number, payload: payload.clone() }.to_bytes()).await?;
    }
    Ok(())
}

fn serve(serve: &Serve) -> Result<()> {
    on_actix(async {
        let broadcast = web::Data::new(Broadcast::new(BEHIND));
        let server =
            HttpServer::new(move || App::new().app_data(broadcast.clone()).route("/", web::get().to(accept)))
                .workers(1)
                .tcp_nodelay(true)
                .disable_signals()
                .bind(("127.0.0.1", serve.port))?
                .run();
        serve.ready();
        Ok(server.await?)
    })
}

struct Awc(Framed<BoxedSocket, Codec>);

fn open(frame: Frame) -> Result<Message> {
    match frame {
        Frame::Binary(bytes) => Message::read(bytes),
        frame => bail!("not a whole binary message: {frame:?}"),
    }
}

impl Wire for Awc {
    async fn connect(port: u16) -> Result<Self> {
        // awc has no setting for TCP_NODELAY; its connector may be one of our own.
        let tcp =
            Connector::new(Resolver::default()).service().map(|connection: Connection<Uri, TcpStream>| {
                if let Err(error) = connection.io_ref().set_nodelay(true) {
                    eprintln!("TCP_NODELAY is off: {error}");
                }
                connection
            });
        let client = awc::Client::builder().connector(awc::Connector::new().connector(tcp)).finish();
        let request = client.ws(format!("ws://127.0.0.1:{port}/")).max_frame_size(LARGEST_FRAME);
        let (_, framed) = request.connect().await.map_err(|error| anyhow!("{error}"))?;
        Ok(Self(framed))
    }

    async fn receive(&mut self) -> Result<Message> {
        open(self.0.next().await.ok_or_else(|| anyhow!("the other side is gone"))??)
    }

    fn try_receive(&mut self) -> Result<Option<Message>> {
        match self.0.next().now_or_never() {
            None => Ok(None),
            Some(frame) => open(frame.ok_or_else(|| anyhow!("the other side is gone"))??).map(Some),
        }
    }

    async fn feed(&mut self, message: Message) -> Result<()> {
        Ok(self.0.feed(WsMessage::Binary(message.to_bytes())).await?)
    }

    async fn flush(&mut self) -> Result<()> {
        Ok(SinkExt::<WsMessage>::flush(&mut self.0).await?)
    }
}

/// A connection for each subscription.
async fn broadcast(run: &Drive) -> Result<Outcome> {
    let begin = |number| Message { kind: Kind::Publish, number, payload: Bytes::new() };
    let publisher = RefCell::new(Awc::connect(run.port).await?);
    workload::broadcast(
        run,
        async || {
            let mut wire = Awc::connect(run.port).await?;
            wire.feed(begin(0)).await?;
            Wire::flush(&mut wire).await?;
            Ok(Box::pin(stream::try_unfold(wire, async |mut wire| {
                let item = wire.receive().await?;
                Ok(Some((Numbers::from_bytes(&item.payload)?, wire)))
            })))
        },
        async |count| {
            let mut publisher = publisher.borrow_mut();
            publisher.feed(begin(count)).await?;
            Wire::flush(&mut *publisher).await
        },
    )
    .await
}

pub fn contender() -> Contender {
    Contender {
        name: "actix WebSocket",
        about: "actix-ws echoing to awc, no actor, no codec, no table of calls",
        workloads: WORKLOADS,
        serve,
        drive: |run| {
            let run = *run;
            on_actix(as_task(async move {
                if run.workload == W9 { broadcast(&run).await } else { floor::drive::<Awc>(&run).await }
            }))
        },
    }
}
