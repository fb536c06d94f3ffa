//! The load generator: closed loop, open loop, paced streams, and streams held open.
//!
//! One thread, one process, nothing shared with whom it measures.
//!
//! **Invariant:** a reply counts only if it came whole, with status 200 and, where one is known, the expected length.

mod closed;
mod conn;
mod open;
mod streams;
mod tally;

use std::net::SocketAddr;

use bytes::Bytes;
use clap::{Args, Subcommand};

use self::conn::Conn;
pub(crate) use self::conn::Once;
pub(crate) use self::streams::{Held, Streamed};
pub(crate) use self::tally::Counted;
#[cfg(test)]
pub(crate) use self::tally::Spread;
use crate::fault::Result;
use crate::text;

/// Bodies that take turns, so that no cache flatters.
const VARIANTS: usize = 32;

/// A kind of load.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Load {
    /// Each connection asks again as soon as it is answered
    Closed {
        #[command(flatten)]
        to: To,
        #[command(flatten)]
        span: Span,
    },
    /// Requests leave at a steady rate, answered or not; latency counts from when they were due
    Open {
        #[command(flatten)]
        to: To,
        #[command(flatten)]
        span: Span,
        /// Requests a second
        #[arg(long)]
        rate: f64,
    },
    /// Each connection reads one stream after the other
    Streams {
        #[command(flatten)]
        to: To,
        /// Streams per connection
        #[arg(long, default_value_t = 1)]
        each: u32,
    },
    /// Opens a stream per connection, says so, and reads on until stdin ends
    Hold {
        #[command(flatten)]
        to: To,
    },
    /// Asks once and tells what came
    Once {
        #[command(flatten)]
        to: To,
    },
}

/// Whom to ask what.
#[derive(Debug, Clone, Args)]
pub(crate) struct To {
    /// Address of the contestant
    #[arg(long)]
    pub(crate) to: SocketAddr,
    /// Path of the request
    #[arg(long, default_value = "/v1/chat/completions")]
    pub(crate) path: String,
    /// Model, which tells the mock what to do
    #[arg(long, default_value = "mock-reply-1024")]
    pub(crate) model: String,
    /// Bytes of the request's body
    #[arg(long, default_value_t = 1024)]
    pub(crate) size: usize,
    /// Bytes a reply must have
    #[arg(long)]
    pub(crate) expect: Option<u64>,
    /// Connections
    #[arg(long, default_value_t = 32)]
    pub(crate) connections: usize,
    /// A further header, "name: value"
    #[arg(long)]
    pub(crate) header: Vec<String>,
}

/// For how long.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Span {
    /// Seconds that are measured
    #[arg(long, default_value_t = 2.0)]
    pub(crate) seconds: f64,
    /// Seconds before that
    #[arg(long, default_value_t = 0.3)]
    pub(crate) warm: f64,
}

/// Runs a load and prints what was counted as one line of JSON.
pub(crate) async fn run(load: Load, print: impl Fn(&str)) -> Result<()> {
    let counted = match load {
        Load::Hold { to } => return streams::hold(&to, &print).await,
        Load::Closed { to, span } => serde_json::to_string(&closed::run(&to, span).await?)?,
        Load::Open { to, span, rate } => serde_json::to_string(&open::run(&to, span, rate).await?)?,
        Load::Streams { to, each } => serde_json::to_string(&streams::run(&to, each).await?)?,
        Load::Once { to } => serde_json::to_string(&conn::once(&to).await)?,
    };
    print(&counted);
    Ok(())
}

impl To {
    /// The requests, rendered.
    fn requests(&self, stream: bool) -> Vec<Bytes> {
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer sk-bench-000000000000000000000000\r\n\
             content-type: application/json\r\naccept: application/json\r\nuser-agent: kolm-bench\r\n",
            self.path, self.to
        );
        let extra: String = self.header.iter().map(|header| format!("{header}\r\n")).collect();
        (0..VARIANTS)
            .map(|seed| {
                let body = text::request(&self.model, self.size, stream, seed);
                Bytes::from(format!("{head}{extra}content-length: {}\r\n\r\n{body}", body.len()))
            })
            .collect()
    }

    async fn connect(&self) -> Result<Vec<Conn>> {
        let mut conns = Vec::with_capacity(self.connections);
        for _ in 0..self.connections {
            conns.push(Conn::open(self.to).await?);
        }
        Ok(conns)
    }
}
