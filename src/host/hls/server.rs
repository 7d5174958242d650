//! A server of HTTP/1.1 for players, on a thread of its own: JavaScript has no part in what it
//! answers. Streams stand below their names, which only those know who were told.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, CACHE_CONTROL, CONTENT_TYPE,
    HeaderValue,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{Semaphore, oneshot};

use super::{Streams, http_answer};
use crate::control::http::HttpAnswer;
use crate::hls::{Answer, Asker};
use crate::host::error::HostError;

/// Connections at a time.
const MAX_CONNECTIONS: usize = 20_000;
/// Of one connection: what is behind it fits a request of a player.
const MAX_HEAD: usize = 8 * 1_024;
/// How long a connection may say nothing, or its request may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two tries when the system gives no connection.
const AFTER_FAULT: Duration = Duration::from_millis(50);

/// A server; dropping it closes its connections.
pub(super) struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Errors: `Io` when the address cannot be listened on.
    pub(super) fn start(address: SocketAddr, streams: Arc<Streams>) -> Result<Self, HostError> {
        let listener = TcpListener::bind(address)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .map_err(|error| HostError::HlsListen { address, error })?;
        let address = listener.local_addr().unwrap_or(address);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| HostError::HlsListen { address, error })?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("medialoom-http".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = serve(listener, streams) => {}
                        _ = stopped => {}
                    }
                });
            })
            .map_err(HostError::PoolThread)?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: TcpListener, streams: Arc<Streams>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connection = http1::Builder::new();
    connection
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(MAX_HEAD)
        .half_close(false);
    loop {
        // Whoever comes when it is full waits in the system's queue.
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        let Ok((socket, _)) = listener.accept().await else {
            tokio::time::sleep(AFTER_FAULT).await;
            continue;
        };
        let _ = socket.set_nodelay(true);
        end_with_reader(&socket);
        let streams = Arc::clone(&streams);
        let answering = service_fn(move |request| answer(request, Arc::clone(&streams)));
        let serving = connection.serve_connection(TokioIo::new(socket), answering);
        tokio::spawn(async move {
            // A player that goes away is nothing to tell.
            let _ = serving.await;
            drop(place);
        });
    }
}

/// A reader that takes nothing for a while is gone: what waits for it would be kept.
fn end_with_reader(socket: &tokio::net::TcpStream) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = socket2::SockRef::from(socket).set_tcp_user_timeout(Some(PATIENCE));
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = socket;
}

/// A connection that waits for its answer, as long as it is there.
struct Waiting(oneshot::Sender<Answer>);

impl Asker for Waiting {
    fn answer(self: Box<Self>, answer: Answer) {
        // Where the player has gone meanwhile nobody wants it.
        let _ = self.0.send(answer);
    }

    fn is_gone(&self) -> bool {
        self.0.is_closed()
    }
}

async fn answer(
    request: Request<Incoming>,
    streams: Arc<Streams>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.method() == Method::OPTIONS {
        return Ok(bare(StatusCode::NO_CONTENT));
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return Ok(bare(StatusCode::METHOD_NOT_ALLOWED));
    }
    let path = request.uri().path().trim_start_matches('/');
    let found = path.split_once('/').and_then(|(name, rest)| Some((streams.find(name)?, rest)));
    let Some(((stream, waker), rest)) = found else { return Ok(bare(StatusCode::NOT_FOUND)) };
    let (sender, answered) = oneshot::channel();
    let reply = Box::new(Waiting(sender));
    if stream.ask(Instant::now(), rest, request.uri().query().unwrap_or(""), reply) {
        waker.wake();
    }
    drop(stream);
    Ok(match answered.await {
        Ok(answer) => full(http_answer(answer)),
        Err(_) => bare(StatusCode::GONE),
    })
}

fn full(answer: HttpAnswer) -> Response<Full<Bytes>> {
    let HttpAnswer { status, content_type, cache_control, body } = answer;
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::NOT_FOUND);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(value) = HeaderValue::from_str(&cache_control) {
        headers.insert(CACHE_CONTROL, value);
    }
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

fn bare(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"));
    }
    response
}
