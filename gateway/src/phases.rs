//! The phases of a request, as Pingora calls them: a table of contents.
//!
//! **Invariant:** no logic here; each phase calls one function.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::modules::http::HttpModules;
use pingora::proxy::{FailToProxy, ProxyHttp, Session};
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, Result};

use crate::in_flight::Here;
use crate::proxy::{self, Passing};
use crate::table::Shared;
use crate::upstream::Upstreams;
use crate::{admit, error, framing};

/// The data path.
pub struct Gateway {
    /// What it shares with the background.
    pub(crate) shared: Arc<Shared>,
    pub(crate) upstreams: Upstreams,
}

impl Gateway {
    /// A data path that keeps up to `pool` idle upstream connections.
    pub fn new(shared: Arc<Shared>, pool: usize) -> Result<Self, error::Error> {
        Ok(Self { shared, upstreams: Upstreams::new(pool)? })
    }
}

/// One request's state.
pub struct Ctx {
    pub(crate) passing: Option<Box<Passing>>,
    /// The connection is to break off, not to be answered on.
    pub(crate) broken: bool,
    _here: Here,
}

#[async_trait]
impl ProxyHttp for Gateway {
    type CTX = Ctx;

    fn new_ctx(&self) -> Ctx {
        Ctx { passing: None, broken: false, _here: self.shared.in_flight.enter() }
    }

    fn init_downstream_modules(&self, _modules: &mut HttpModules) {}

    async fn request_filter(&self, session: &mut Session, ctx: &mut Ctx) -> Result<bool> {
        admit::request(self, session, ctx).await
    }

    async fn upstream_peer(&self, _session: &mut Session, ctx: &mut Ctx) -> Result<Box<HttpPeer>> {
        proxy::peer(self, ctx).await
    }

    fn fail_to_connect(
        &self,
        _session: &mut Session,
        _peer: &HttpPeer,
        ctx: &mut Ctx,
        error: Box<Error>,
    ) -> Box<Error> {
        proxy::no_connection(self, ctx, error)
    }

    fn error_while_proxy(
        &self,
        _peer: &HttpPeer,
        session: &mut Session,
        error: Box<Error>,
        ctx: &mut Ctx,
        client_reused: bool,
    ) -> Box<Error> {
        proxy::no_answer(self, session, ctx, error, client_reused)
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        ctx: &mut Ctx,
    ) -> Result<()> {
        proxy::dress(session, ctx, request).await
    }

    async fn request_body_filter(
        &self,
        _session: &mut Session,
        body: &mut Option<Bytes>,
        end_of_stream: bool,
        ctx: &mut Ctx,
    ) -> Result<()> {
        proxy::request_piece(ctx, body, end_of_stream);
        Ok(())
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        ctx: &mut Ctx,
    ) -> Result<()> {
        proxy::response_head(self, session, ctx, response).await
    }

    fn response_body_filter(
        &self,
        _session: &mut Session,
        body: &mut Option<Bytes>,
        _end_of_stream: bool,
        ctx: &mut Ctx,
    ) -> Result<Option<std::time::Duration>> {
        proxy::response_piece(self, ctx, body.as_ref())?;
        Ok(None)
    }

    async fn fail_to_proxy(&self, session: &mut Session, error: &Error, ctx: &mut Ctx) -> FailToProxy {
        proxy::failed(self, session, error, ctx).await
    }

    async fn logging(&self, session: &mut Session, error: Option<&Error>, ctx: &mut Ctx) {
        framing::part(session);
        proxy::close(self, error, ctx);
    }

    fn suppress_error_log(&self, _session: &Session, _ctx: &Ctx, _error: &Error) -> bool {
        true
    }

    fn request_summary(&self, session: &Session, _ctx: &Ctx) -> String {
        // Query strings may hold keys.
        let head = session.req_header();
        format!("{} {}", head.method, head.uri.path())
    }
}
