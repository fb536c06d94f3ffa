//! Sending spans to the collector, in batches, off the request path.
//!
//! **Invariant:** every span is sent or counted as dropped; a collector that is away costs memory up to the queue and
//! nothing else.

use std::sync::Arc;
use std::time::Duration;

use kolm_config::Config;
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::{Waiting, encode};
use crate::table::Shared;

/// Spans of one request to the collector.
const BATCH: usize = 512;
/// How long a first span waits for others.
const GATHER: Duration = Duration::from_millis(500);
/// How long the collector may take.
const LIMIT: Duration = Duration::from_secs(5);
/// Pauses before a batch is sent again.
const AGAIN: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];
/// How long the last batches may take when the process ends.
pub(super) const LAST: Duration = Duration::from_secs(2);

/// Why a batch did not arrive.
pub(super) enum Failed {
    /// It may arrive if it is sent again.
    Passing,
    /// It will never be taken.
    Lasting,
}

/// Sends what is finished until the process ends, and then what is left.
pub(super) async fn run(shared: Arc<Shared>, http: reqwest::Client, mut stopped: watch::Receiver<bool>) {
    let mut waiting = shared.telemetry.waiting.lock().await;
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            count = waiting.recv_many(&mut batch, BATCH) => if count == 0 { return },
            _ = stopped.wait_for(|stop| *stop) => break,
        }
        let more = async { while batch.len() < BATCH && waiting.recv_many(&mut batch, BATCH).await > 0 {} };
        tokio::select! {
            gathered = timeout(GATHER, more) => drop(gathered),
            _ = stopped.wait_for(|stop| *stop) => break,
        }
        send(&shared, &http, &mut batch).await;
    }
    waiting.close();
    let rest = async {
        loop {
            send(&shared, &http, &mut batch).await;
            if waiting.recv_many(&mut batch, BATCH).await == 0 {
                return;
            }
        }
    };
    if timeout(LAST, rest).await.is_err() {
        shared.events.spans_dropped("stop", waiting.len() + batch.len());
    }
}

/// Sends a batch, and leaves it empty.
async fn send(shared: &Shared, http: &reqwest::Client, batch: &mut Vec<Waiting>) {
    if batch.is_empty() {
        return;
    }
    if let Some(heir) = shared.telemetry.heir.get() {
        return batch.drain(..).for_each(|span| heir(&encode::heirloom(&span)));
    }
    let config = Arc::clone(&shared.table.load().config);
    let names = encode::Names { service: &config.telemetry.service_name, node: &config.receipts.node };
    let (count, body) = (batch.len(), encode::request(batch, &names));
    let mut pauses = AGAIN.into_iter();
    loop {
        match post(http, &config, "traces", body.clone()).await {
            Ok(()) => shared.events.spans_sent(count),
            Err(Failed::Lasting) => shared.events.spans_dropped("refused", count),
            Err(Failed::Passing) => match pauses.next() {
                Some(pause) => {
                    sleep(pause).await;
                    continue;
                }
                None => shared.events.spans_dropped("unreachable", count),
            },
        }
        batch.clear();
        return;
    }
}

/// Posts one message about a signal.
pub(super) async fn post(
    http: &reqwest::Client,
    config: &Config,
    signal: &str,
    body: Vec<u8>,
) -> Result<(), Failed> {
    let url = config.telemetry.url(signal).ok_or(Failed::Lasting)?;
    let mut request = http.post(url).timeout(LIMIT).header(CONTENT_TYPE, "application/x-protobuf");
    for (name, secret) in &config.telemetry.headers {
        let name = HeaderName::try_from(name.as_str()).map_err(|_| Failed::Lasting)?;
        let mut value = HeaderValue::try_from(secret.expose()).map_err(|_| Failed::Lasting)?;
        value.set_sensitive(true);
        request = request.header(name, value);
    }
    let reply = request.body(body).send().await.map_err(|_| Failed::Passing)?;
    match reply.status().as_u16() {
        200..=299 => Ok(()),
        429 | 502..=504 => Err(Failed::Passing),
        _ => Err(Failed::Lasting),
    }
}

/// The way to the collector: no proxy and no redirect, it goes where the file says.
pub(crate) fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()
}
