//! A closed loop: each connection sends its next request once the answer to the last one is there.
//!
//! All of it runs on one thread, because it shares the machine's cores with what it measures.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::try_join_all;
use hdrhistogram::Histogram;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, HeaderValue};
use hyper_util::rt::TokioIo;
use rustix::time::{ClockId, clock_gettime};
use tokio::net::TcpStream;

use crate::Failure;
use crate::work::Call;

/// Latencies are kept in microseconds, up to ten minutes, by three digits.
const MOST_MICROS: u64 = 600_000_000;
const DIGITS: u8 = 3;

/// One connection that is kept open.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: HeaderValue,
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Ends with its sender, which tells of its errors.
        tokio::spawn(connection);
        let host = HeaderValue::from_str(&address.to_string())?;
        Ok(Self { sender, host })
    }

    /// Sends a request and reads its answer; fails on any but the expected status.
    pub(crate) async fn ask(&mut self, call: Call) -> Result<Bytes, Failure> {
        let mut request = call.request;
        request.headers_mut().insert(HOST, self.host.clone());
        let asked = format_args!("{} {}", request.method(), request.uri()).to_string();
        self.sender.ready().await?;
        let sent = self.sender.send_request(request).await;
        let answer = sent.map_err(|error| format!("{asked}: {error}"))?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        if status == call.expected {
            Ok(body)
        } else {
            let body = String::from_utf8_lossy(&body);
            Err(format!("{asked}: {status} {body}").into())
        }
    }
}

/// How hard and how long a service is asked.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// How many requests are under way at a time.
    pub(crate) connections: usize,
    /// Asked before the time that counts.
    pub(crate) warm_up: Duration,
    /// The time that counts.
    pub(crate) time: Duration,
}

/// What was measured.
pub(crate) struct Reading {
    /// Requests that were answered within the time, a second.
    pub(crate) rate: f64,
    /// What 99 of 100 requests were answered within, of those sent within the time.
    pub(crate) p99: Duration,
    /// All that was answered, before and after the time too.
    pub(crate) answered: u32,
    /// What the generator itself used of one core.
    pub(crate) own_cpu: f64,
}

/// Asks for whatever `next` says for the connection of a number, until the time is over.
pub(crate) async fn run(load: Load, next: impl FnMut(usize) -> Call) -> Result<Reading, Failure> {
    let mut connections = Vec::new();
    for _ in 0..load.connections {
        connections.push(Connection::open(load.address).await?);
    }
    let latencies = Histogram::<u32>::new_with_bounds(1, MOST_MICROS, DIGITS)?;
    let next = RefCell::new(next);
    // Latencies, what was answered within the time, and what was answered at all.
    let seen = RefCell::new((latencies, 0_u32, 0_u32));
    let (began, own_began) = (Instant::now(), own_cpu());
    let start = began + load.warm_up;
    let end = start + load.time;
    let loops = connections
        .into_iter()
        .enumerate()
        .map(async |(index, mut connection)| {
            loop {
                let sent = Instant::now();
                if sent >= end {
                    return Ok::<_, Failure>(());
                }
                let call = next.borrow_mut()(index);
                connection.ask(call).await?;
                let answered = Instant::now();
                let (latencies, within, all) = &mut *seen.borrow_mut();
                *all += 1;
                if (start..end).contains(&answered) {
                    *within += 1;
                }
                if sent >= start {
                    let micros = (answered - sent).as_micros();
                    latencies.saturating_record(u64::try_from(micros).unwrap_or(MOST_MICROS));
                }
            }
        });
    try_join_all(loops).await?;
    let own = own_cpu().saturating_sub(own_began).as_secs_f64() / began.elapsed().as_secs_f64();
    let (latencies, within, answered) = seen.into_inner();
    Ok(Reading {
        rate: f64::from(within) / load.time.as_secs_f64(),
        p99: Duration::from_micros(latencies.value_at_quantile(0.99)),
        answered,
        own_cpu: own,
    })
}

/// Sends each of these once, and returns their answers in the same order.
pub(crate) async fn send_all(
    address: SocketAddr,
    connections: usize,
    calls: Vec<Call>,
) -> Result<Vec<Bytes>, Failure> {
    let answers = RefCell::new(vec![Bytes::new(); calls.len()]);
    let calls = RefCell::new(calls.into_iter().enumerate());
    let next = || calls.borrow_mut().next();
    try_join_all((0..connections).map(async |_| {
        let mut connection = Connection::open(address).await?;
        while let Some((index, call)) = next() {
            let answer = connection.ask(call).await?;
            answers.borrow_mut()[index] = answer;
        }
        Ok::<_, Failure>(())
    }))
    .await?;
    Ok(answers.into_inner())
}

fn own_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).expect("no process has used less than no time")
}
