//! A closed loop: each connection sends its next request after the answer to the last one.
//!
//! Everything runs on one thread, because it shares the machine's cores with the services that it
//! measures.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::try_join_all;
use hdrhistogram::Histogram;
use processes::{Call, Connection, Failure};
use rustix::time::{ClockId, clock_gettime};

/// Latencies are kept in microseconds, up to ten minutes, with three digits.
const MAX_MICROS: u64 = 600_000_000;
const DIGITS: u8 = 3;

/// The load on a service.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    /// The address of the service.
    pub(crate) address: SocketAddr,
    /// How many requests are under way at a time.
    pub(crate) connections: usize,
    /// How long requests are sent before they count.
    pub(crate) warm_up: Duration,
    /// How long requests are sent that count.
    pub(crate) time: Duration,
}

/// The result of a measurement.
pub(crate) struct Reading {
    /// Requests a second, until the last one was answered.
    pub(crate) rate: f64,
    /// The time within which 99 of 100 requests were answered.
    pub(crate) p99: Duration,
    /// The number of all answers, also of those before requests counted.
    pub(crate) answered: u32,
    /// How much of one core the load generator used itself.
    pub(crate) own_cpu: f64,
}

/// Sends the requests that `next` gives for the number of each connection.
pub(crate) async fn run(
    load: Load,
    mut next: impl FnMut(usize) -> Call,
) -> Result<Reading, Failure> {
    let mut connections = Vec::new();
    for _ in 0..load.connections {
        connections.push(Connection::open(load.address).await?);
    }
    let warm_up = ask_for(&mut connections, load.warm_up, &mut next).await?;
    let (began, own_began) = (Instant::now(), own_cpu());
    let latencies = ask_for(&mut connections, load.time, &mut next).await?;
    let took = began.elapsed().as_secs_f64();
    let own = own_cpu().saturating_sub(own_began).as_secs_f64();
    let counted = u32::try_from(latencies.len())?;
    Ok(Reading {
        rate: f64::from(counted) / took,
        p99: Duration::from_micros(latencies.value_at_quantile(0.99)),
        answered: counted + u32::try_from(warm_up.len())?,
        own_cpu: own / took,
    })
}

/// Sends requests for some time, and waits for all answers. Returns how long each took.
///
/// So no request is under way before or after. If requests that are under way at the end did not count,
/// a service that works on many slow requests at once would have no result at all.
async fn ask_for(
    connections: &mut [Connection],
    time: Duration,
    next: impl FnMut(usize) -> Call,
) -> Result<Histogram<u32>, Failure> {
    let latencies = Histogram::new_with_bounds(1, MAX_MICROS, DIGITS)?;
    let (latencies, next) = (RefCell::new(latencies), RefCell::new(next));
    let end = Instant::now() + time;
    let loops = connections.iter_mut().enumerate();
    try_join_all(loops.map(async |(index, connection)| {
        loop {
            let sent = Instant::now();
            if sent >= end {
                return Ok::<_, Failure>(());
            }
            let call = next.borrow_mut()(index);
            connection.ask(call).await?;
            let micros = u64::try_from(sent.elapsed().as_micros())?;
            latencies.borrow_mut().saturating_record(micros);
        }
    }))
    .await?;
    Ok(latencies.into_inner())
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
