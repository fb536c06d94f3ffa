//! The OpenAI-compatible port over one or many `.kolm` files: chat completions, streamed or not, and the
//! model list. A student of task `label` answers with one of its labels, or abstains when the gateway,
//! which alone asks for that, wants to fall back to the teacher.
//!
//! **Invariant:** every answer is in OpenAI's form, errors included; no text of a request is logged or
//! stands in an error above 499.

mod chat;
mod error;
mod golden;
mod http;
mod ids;
mod models;
mod paths;
mod port;
mod receipt;

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use kolm_artifact::Artifact;
use kolm_core::{Env, Namespace};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

pub use error::Error;
use models::Models;
pub use port::listen;

/// How the port behaves.
#[derive(Clone)]
pub struct Settings {
    /// Accepted bearer keys; empty: any key will do.
    pub api_keys: Vec<String>,
    /// Names that unchanged clients ask for: a glob with `*`, and the id of the artifact that answers.
    pub aliases: Vec<(String, String)>,
    /// Largest request body.
    pub max_body_bytes: usize,
    /// Requests in work at once; one more is answered 503.
    pub concurrency: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { api_keys: Vec::new(), aliases: Vec::new(), max_body_bytes: 32 << 20, concurrency: 64 }
    }
}

/// Where receipts go when no gateway stands before the port.
#[derive(Debug, Clone)]
pub struct Receipts {
    /// The ledger.
    pub ledger: kolm_receipts::Handle,
    /// The namespace that every receipt names.
    pub namespace: Namespace,
}

/// The port, ready to be bound.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) models: Models,
    pub(crate) settings: Settings,
    pub(crate) receipts: Option<Receipts>,
    pub(crate) room: Arc<Semaphore>,
    pub(crate) env: Env,
}

impl Service {
    /// Loads `models`, each by its id (the file name) and its verified artifact.
    pub fn new(
        models: Vec<(String, Artifact)>,
        settings: Settings,
        receipts: Option<Receipts>,
        env: Env,
    ) -> Result<Self, Error> {
        let models = models
            .into_iter()
            .map(|(id, artifact)| models::load(id, &artifact))
            .collect::<Result<Vec<_>, Error>>()?;
        Self::over(models, settings, receipts, env)
    }

    fn over(
        models: Vec<models::Model>,
        settings: Settings,
        receipts: Option<Receipts>,
        env: Env,
    ) -> Result<Self, Error> {
        let models = Models::new(models, settings.aliases.clone())?;
        let room = Arc::new(Semaphore::new(settings.concurrency.max(1)));
        Ok(Self(Arc::new(Inner { models, settings, receipts, room, env })))
    }

    /// The port as a router.
    pub fn router(&self) -> Router {
        Router::new().fallback(http::serve).with_state(self.0.clone())
    }

    /// Serves `listener` until `stop` resolves, then lets what is in work end.
    pub async fn run(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        port::listen(listener, self.router(), stop).await;
    }
}

#[cfg(test)]
mod tests;
