//! The server itself: takes connections, as many as there is room for, and gives none of them longer than it may take.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::{Body as HttpBody, Bytes, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use tracing::warn;

use super::crowd::{Crowd, Patience, Seat, Working};
use super::headers::guarded_now;
use crate::clock::pause;
use crate::daemon::Daemon;
use crate::settings::Http;

/// The two ends of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wire {
    pub peer: IpAddr,
    pub own: IpAddr,
}

/// How long what is being answered may go on once the service stops.
const FAREWELL: Duration = Duration::from_secs(10);
/// How long to wait where the system gives no connection.
const BREATH: Duration = Duration::from_millis(100);
/// So many are told at once that there's no room.
const TOLD_AT_ONCE: usize = 32;

/// Whom each connection is served by.
struct Server {
    router: Router,
    tls: Option<TlsAcceptor>,
    header_bytes: usize,
    request_time: Duration,
    shutdown: CancellationToken,
}

/// Serves until told to stop.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    daemon: &Daemon,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let http = &daemon.settings.http;
    let tls = daemon.certificate().map(|own| own.server()).transpose().map_err(io::Error::other)?;
    let crowd = Crowd::new(room(http.connections), patience(http));
    let server = Arc::new(Server {
        router,
        tls: tls.map(|tls| TlsAcceptor::from(Arc::new(tls))),
        header_bytes: http.header_kib * 1024,
        request_time: http.request_time,
        shutdown: shutdown.clone(),
    });
    let (tasks, telling) = (TaskTracker::new(), Arc::new(Semaphore::new(TOLD_AT_ONCE)));
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match crowd.seat(peer.ip().to_canonical()) {
                Some(seat) => drop(tasks.spawn(Arc::clone(&server).connection(stream, peer, seat))),
                None => tell_no_room(stream, &telling),
            },
            Err(error) if of_one(&error) => {}
            Err(error) => {
                warn!(event = "http.no_connections", %error, "the system gives no connection");
                crowd.make_room();
                pause(BREATH).await;
            }
        }
    }
    tasks.close();
    let _ = tokio::time::timeout(FAREWELL, tasks.wait()).await;
    Ok(())
}

fn patience(http: &Http) -> Patience {
    Patience { header: http.header_time, idle: http.idle_time, request: http.request_time }
}

/// Descriptors that everything else needs: the database's connections, files on their way, calls to others.
const ELSEWHERE: usize = 128;

/// How many may be connected where so many are wanted: no more than the system gives descriptors for.
pub fn room(wanted: usize) -> usize {
    let Some(descriptors) = super::descriptors::as_many_as(wanted + ELSEWHERE) else {
        return wanted;
    };
    let room = descriptors.saturating_sub(ELSEWHERE).max(8).min(wanted);
    if room < wanted {
        warn!(
            event = "http.few_descriptors",
            descriptors,
            connections = room,
            wanted,
            "fewer connections than configured"
        );
    }
    room
}

/// Who came was gone before they were let in.
fn of_one(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

const NO_ROOM: &[u8] = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\nretry-after: 5\r\n\
    cache-control: no-store\r\nconnection: close\r\ncontent-length: 64\r\n\r\n现在连接太多，一个也空不出来，请过几秒再试\n".as_bytes();

/// Says that there's no room, and hangs up; where many come, without a word.
fn tell_no_room(mut stream: TcpStream, telling: &Arc<Semaphore>) {
    metrics::counter!("zoufang_connections_refused_total").increment(1);
    let Ok(permit) = Arc::clone(telling).try_acquire_owned() else { return };
    tokio::spawn(async move {
        let said = async {
            stream.write_all(NO_ROOM).await?;
            stream.shutdown().await?;
            // What they say is let pass, so that they hear.
            let mut said = [0; 1024];
            while stream.read(&mut said).await? > 0 {}
            io::Result::Ok(())
        };
        let _ = tokio::time::timeout(Duration::from_secs(1), said).await;
        drop(permit);
    });
}

impl Server {
    async fn connection(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, seat: Seat) {
        let Ok(own) = stream.local_addr() else { return };
        let wire = Wire { peer: peer.ip().to_canonical(), own: own.ip().to_canonical() };
        // Small answers leave at once; where that can't be had they leave all the same.
        let _ = stream.set_nodelay(true);
        let served = async {
            match &self.tls {
                None => self.speak(stream, wire, &seat).await,
                // Who can't speak TLS isn't told so: there's no language for it.
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        self.speak(stream, wire, &seat).await;
                    }
                }
            }
        };
        tokio::select! {
            () = served => {}
            () = seat.over() => {}
        }
    }

    /// HTTP/1.1, until they or we have no more to say.
    async fn speak<S>(&self, stream: S, wire: Wire, seat: &Seat)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let service =
            service_fn(|request: Request<Incoming>| self.answer(request, wire, seat.work()));
        let connection = http1::Builder::new()
            .max_buf_size(self.header_bytes)
            // The seat has its own patience.
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        tokio::select! {
            // Its end, good or bad, is the caller's affair.
            _ = connection.as_mut() => return,
            () = self.shutdown.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
    }

    async fn answer(
        &self,
        mut request: Request<Incoming>,
        wire: Wire,
        working: Working,
    ) -> Result<Response<Whole>, Infallible> {
        request.extensions_mut().insert(wire);
        let answer = self.router.clone().oneshot(request.map(Body::new));
        let answer = match tokio::time::timeout(self.request_time, answer).await {
            Ok(answer) => answer?,
            Err(_) => too_late(),
        };
        Ok(answer.map(|body| Whole { body, _working: working }))
    }
}

/// A request that didn't end in time.
fn too_late() -> Response {
    let said = "没有在规定的时间内传完或办完，已经断开：可能没有记上。请检查网络，先看一看记上了没有，没有的再填一次\n";
    let mut answer = (StatusCode::REQUEST_TIMEOUT, said).into_response();
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    guarded_now(&mut answer);
    answer
}

/// An answer's body: whoever gets it works until they have all of it.
struct Whole {
    body: Body,
    _working: Working,
}

impl HttpBody for Whole {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::NO_ROOM;

    #[test]
    fn what_is_said_where_there_is_no_room_is_as_long_as_it_says() {
        let text = String::from_utf8_lossy(NO_ROOM);
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())), "{}", body.len());
    }
}
