//! A bare WebSocket on actix: actix-ws at the server, awc at the client, neither with an actor.

use actix_codec::Framed;
use actix_http::ws::{Codec, Frame, Message as WsMessage};
use actix_rt::net::TcpStream;
use actix_service::ServiceExt;
use actix_tls::connect::{Connection, Connector, Resolver};
use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer, web};
use anyhow::{Result, anyhow, bail};
use awc::BoxedSocket;
use awc::http::Uri;
use futures_util::{FutureExt, SinkExt, StreamExt};

use super::floor::{self, Message, Wire};
use super::{as_task, on_actix};
use crate::contender::{Contender, Serve};

const LARGEST_FRAME: usize = 4 << 20;

async fn accept(request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Error> {
    let (response, mut session, stream) = actix_ws::handle(&request, body)?;
    let mut stream = stream.max_frame_size(LARGEST_FRAME);
    actix_rt::spawn(async move {
        while let Some(Ok(message)) = stream.next().await {
            if let actix_ws::Message::Binary(bytes) = message {
                session.binary(Message::read(bytes)?.answer()?.to_bytes()).await?;
            }
        }
        anyhow::Ok(())
    });
    Ok(response)
}

fn serve(serve: &Serve) -> Result<()> {
    on_actix(async {
        let server = HttpServer::new(|| App::new().route("/", web::get().to(accept)))
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

pub fn contender() -> Contender {
    Contender {
        name: "actix WebSocket",
        about: "actix-ws echoing to awc, no actor, no codec, no table of calls",
        workloads: floor::WORKLOADS,
        serve,
        drive: |run| {
            let run = *run;
            on_actix(as_task(async move { floor::drive::<Awc>(&run).await }))
        },
    }
}
