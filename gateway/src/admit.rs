//! Admission: what is known of a request from its head alone, and through which door it goes.
//!
//! **Invariant:** one table per request; no credential is kept but the one that goes up.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::header::{ALLOW, AUTHORIZATION, CONTENT_LENGTH};
use http::{HeaderMap, HeaderValue, Method};
use kolm_config::{Config, Credentials, Retention, Secret, Upstream};
use kolm_core::{Body, Namespace, RequestId, Surface, Timestamp};
use kolm_wire::error::ApiError;
use pingora::Result;
use pingora::proxy::Session;

use crate::answer::{self, Answer};
use crate::exchange::Asker;
use crate::headers::{self, Upward};
use crate::limits::{self, Pass};
use crate::listen::Connection;
use crate::namespace::{self, Belongs, Caller};
use crate::phases::{Ctx, Gateway};
use crate::table::{Shared, Table, keyed};
use crate::telemetry::Trace;
use crate::{framing, own, proxy, relay};

const ENDPOINT_MAX: usize = 128;

/// A request as its head shows it.
pub(crate) struct Admitted {
    /// Its id.
    pub(crate) id: RequestId,
    /// When it was admitted.
    pub(crate) at: Timestamp,
    /// The same on the clock for durations.
    pub(crate) started_us: u64,
    /// The table in force.
    pub(crate) table: Arc<Table>,
    /// Its namespace.
    pub(crate) namespace: Namespace,
    /// Whom it comes from.
    pub(crate) who: Caller,
    /// The caller may use the namespace.
    pub(crate) allowed: bool,
    /// Neither header nor key names the namespace.
    pub(crate) unplaced: bool,
    /// Its place within its limits, if it has any.
    pub(crate) pass: Option<Arc<Pass>>,
    /// Its method.
    pub(crate) method: Method,
    /// Path and query as the client sent them.
    pub(crate) target: String,
    /// Where it goes; meaningless before `route_to`.
    pub(crate) way: Way,
    /// Zero retention.
    pub(crate) no_store: bool,
    /// Keyed hash of the credentials; new with each process.
    pub(crate) caller: [u8; 16],
    /// Whose conversation it belongs to.
    pub(crate) asker: Asker,
    /// `x-stainless-retry-count`.
    pub(crate) retry_count: u32,
    /// Its place in a trace that is gathered.
    pub(crate) trace: Option<Trace>,
}

/// Where an admitted request goes.
#[derive(Default, Clone)]
pub(crate) struct Way {
    /// The upstream's name.
    pub(crate) upstream: String,
    /// Path and query there, as under `/v1`.
    pub(crate) path: String,
    /// The part of the API.
    pub(crate) surface: Option<Surface>,
    /// The client chose a capture path.
    pub(crate) captured: bool,
    /// The `authorization` that goes up.
    pub(crate) authorization: Option<HeaderValue>,
    /// It is the operator's.
    pub(crate) lent: bool,
    /// It stands in for the upstream that the client meant, and is another provider: nothing of the client's own
    /// goes there.
    pub(crate) foreign: bool,
}

impl Admitted {
    fn new(shared: &Shared, session: &Session) -> Self {
        let head = session.req_header();
        let (table, at) = (shared.table.load_full(), shared.env.clock.now());
        let target = head.uri.path_and_query().map_or_else(String::new, |target| target.as_str().to_owned());
        let Belongs { namespace, caller: who, allowed, refused } =
            belongs(shared, &table.config, &head.headers, &target, at);
        let credential = credential(session, &head.headers, &who);
        let mut caller = [0; 16];
        caller.copy_from_slice(&keyed(&shared.process_key, &[b"caller", &credential])[..16]);
        let settings = table.config.namespaces.get(&namespace);
        let keeps_nothing = settings.is_some_and(|settings| settings.retention == Retention::None);
        let id = RequestId::mint(at, &*shared.env.entropy);
        Self {
            id,
            at,
            started_us: shared.env.clock.micros(),
            namespace,
            unplaced: who == Caller::Stranger
                && (refused || !head.headers.contains_key(namespace::NAMESPACE)),
            who,
            allowed,
            pass: None,
            method: head.method.clone(),
            target,
            way: Way::default(),
            no_store: keeps_nothing || namespace::asks_no_store(&head.headers),
            caller,
            asker: Asker {
                caller: keyed(&shared.route_key, &[b"caller", &credential]),
                conversation: headers::text(&head.headers, "x-kolm-conversation").map(str::to_owned),
            },
            retry_count: headers::text(&head.headers, "x-stainless-retry-count")
                .and_then(|count| count.parse().ok())
                .unwrap_or(0),
            trace: Trace::of(&table.config.telemetry, id, &head.headers),
            table,
        }
    }

    /// The path as the client sent it, without its query (which may hold a key).
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Method and path for the receipt, at most 128 bytes.
    pub(crate) fn endpoint(&self) -> String {
        let mut out = format!("{} {}", self.method, self.path());
        let end = (0..=ENDPOINT_MAX.min(out.len())).rev().find(|at| out.is_char_boundary(*at)).unwrap_or(0);
        out.truncate(end);
        out
    }

    /// The path that routes are matched against.
    pub(crate) fn upstream_path(&self) -> &str {
        self.way.path.split('?').next().unwrap_or_default()
    }

    /// The surface.
    pub(crate) fn surface(&self) -> Surface {
        self.way.surface.unwrap_or(Surface::Other)
    }

    /// The upstream.
    pub(crate) fn upstream(&self) -> Option<&Upstream> {
        self.table.config.upstreams.get(&self.way.upstream)
    }

    /// Whether the exchange is to be captured.
    pub(crate) fn is_captured(&self) -> bool {
        let namespace = self.table.config.namespaces.get(&self.namespace).is_some_and(|ns| ns.capture);
        self.surface() != Surface::Other && !self.no_store && (namespace || self.way.captured)
    }

    /// Whether what comes is read at all, to be kept or to be counted.
    pub(crate) fn is_read(&self) -> bool {
        self.is_captured() || self.counts_use()
    }

    /// Whether the caller may use the operator's key.
    pub(crate) fn may_borrow(&self, shared: &Shared) -> bool {
        self.who != Caller::Stranger || !namespace::has_keys(&self.table.config, &shared.keys.load())
    }

    /// Whether its namespace may use an upstream.
    pub(crate) fn admits(&self, upstream: &Upstream) -> bool {
        let settings = self.table.config.namespaces.get(&self.namespace);
        settings.is_none_or(|settings| settings.admits(upstream))
    }

    /// Whether the reply has to be read for what it used.
    pub(crate) fn counts_use(&self) -> bool {
        self.pass.as_ref().is_some_and(|pass| pass.counts_use())
    }

    /// The address and key this request goes up with.
    pub(crate) fn upward(&self, upstream: &Upstream) -> Upward {
        Upward {
            host: upstream.base_url.authority(),
            path: upstream.base_url.path(&self.way.path),
            authorization: self.way.authorization.clone(),
        }
    }
}

/// The first phase: own paths are answered, the rest goes through one of two doors.
pub(crate) async fn request(gateway: &Gateway, session: &mut Session, ctx: &mut Ctx) -> Result<bool> {
    Connection::admit(session);
    framing::forget_upgrade(session.req_header_mut());
    // What follows an upgrade is no next request.
    let upgrades = session.is_upgrade_req();
    session.set_pipelining_enabled(!upgrades);
    session.set_total_drain_timeout(Some(answer::DRAIN));
    let shared = &*gateway.shared;
    let mut admitted = Admitted::new(shared, session);
    let patience = Some(admitted.table.config.listen.body_timeout);
    session.set_read_timeout(patience.filter(|_| !upgrades));
    session.set_write_timeout(patience);
    if !shared.ready.load(Ordering::Acquire) {
        // The process stops: the answer is the last of its connection.
        session.set_keepalive(None);
    }
    if framing::is_too_large(session, admitted.table.config.listen.max_header_bytes) {
        shared.events.request_refused(431);
        return own::send(shared, session, &admitted, ApiError::header_too_large().into()).await;
    }
    if let Some(answer) = unheard(session, &admitted) {
        Connection::close_behind(session);
        return answer::refuse(gateway, session, &admitted, None, answer).await;
    }
    if let Some(answer) = own::answer(shared, &admitted) {
        return own::send(shared, session, &admitted, answer).await;
    }
    if let Err(refusal) = route_to(shared, &mut admitted, session) {
        return match refusal.status {
            401 => own::send(shared, session, &admitted, refusal.into()).await,
            _ => answer::refuse(gateway, session, &admitted, None, refusal.into()).await,
        };
    }
    match limits::enter(shared, &admitted) {
        Ok(pass) => admitted.pass = pass,
        Err(refusal) => return answer::refuse(gateway, session, &admitted, None, refusal).await,
    }
    if admitted.surface().body() == Body::Json {
        if fits(session, admitted.table.config.listen.max_body_bytes) {
            return Box::pin(relay::run(gateway, session, ctx, admitted)).await;
        }
        proxy::begin_oversize(shared, session, ctx, admitted, bytes::Bytes::new());
        return Ok(false);
    }
    if let Err(refusal) = limits::reserve_unread(shared, &admitted, announced(session)) {
        return answer::refuse(gateway, session, &admitted, None, refusal).await;
    }
    proxy::begin(shared, session, ctx, admitted);
    Ok(false)
}

/// What no door takes: a request that can be read in two ways, and a tunnel.
fn unheard(session: &Session, admitted: &Admitted) -> Option<Answer> {
    if let Err(ambiguous) = framing::judge(session) {
        let sentence = format!("The request is ambiguous: {}.", ambiguous.0);
        return Some(ApiError::invalid("request", sentence).into());
    }
    (admitted.method == Method::CONNECT)
        .then(|| not_allowed(&admitted.method, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"))
}

/// Where a request belongs; a key of ours where it would travel up closes the door.
fn belongs(shared: &Shared, config: &Config, headers: &HeaderMap, target: &str, at: Timestamp) -> Belongs {
    let keys = shared.keys.load();
    let mut belongs = namespace::belongs(config, &keys, headers, at);
    if namespace::strays(config, &keys, &belongs.caller, headers, target) {
        (belongs.caller, belongs.allowed) = (Caller::Refused("misplaced"), false);
    }
    if belongs.refused {
        shared.events.namespace_refused();
    }
    if let Caller::Refused(why) = belongs.caller {
        shared.events.key_refused(why);
    }
    belongs
}

fn route_to(shared: &Shared, admitted: &mut Admitted, session: &Session) -> Result<(), ApiError> {
    let unknown = || ApiError::unknown_url(admitted.method.as_str(), admitted.path());
    let config = &admitted.table.config;
    let names: Vec<&str> = config.upstreams.keys().map(String::as_str).collect();
    if !session.req_header().raw_path_is_utf8() {
        return Err(unknown());
    }
    let (upstream, path, captured) =
        kolm_wire::upstream_path(&admitted.target, &names, config.default_upstream_of(&admitted.namespace))
            .ok_or_else(unknown)?;
    let bare = path.split('?').next().unwrap_or_default();
    let surface = Surface::of(admitted.method.as_str(), bare);
    let chosen = config.upstreams.get(&upstream).ok_or_else(unknown)?;
    let ours = admitted.who != Caller::Stranger;
    let key = config.upstream_key(&admitted.namespace, &upstream);
    let (authorization, lent) = authorization(chosen, key, &session.req_header().headers, ours);
    if !admitted.allowed || lent && !ours && namespace::has_keys(config, &shared.keys.load()) {
        return Err(ApiError::invalid_api_key());
    }
    if !admitted.admits(chosen) {
        return Err(ApiError::permission_denied());
    }
    // Its own key may be used up to a budget and below `/v1`: where dot segments lead, the upstream decides.
    if lent && !kolm_wire::is_plain(bare) {
        return Err(ApiError::roundabout());
    }
    let foreign = false;
    admitted.way = Way { upstream, path, surface: Some(surface), captured, authorization, lent, foreign };
    Ok(())
}

/// Whose key goes up: the one sent for it, the caller's, or the operator's (then the second value is true). A key
/// of this gateway (`ours`) is none of them.
fn authorization(
    upstream: &Upstream,
    key: Option<&Secret>,
    headers: &HeaderMap,
    ours: bool,
) -> (Option<HeaderValue>, bool) {
    let bearer = |key: &str| HeaderValue::try_from(format!("Bearer {key}")).ok();
    let callers = headers.get(AUTHORIZATION).filter(|_| !ours && upstream.credentials == Credentials::Client);
    let beside = headers::text(headers, headers::UPSTREAM_KEY).and_then(bearer);
    let (mut value, lent) = match (beside.or_else(|| callers.cloned()), key) {
        (Some(value), _) => (Some(value), false),
        (None, Some(key)) => (bearer(key.expose()), true),
        (None, None) => (None, false),
    };
    if let Some(value) = &mut value {
        value.set_sensitive(true);
    }
    (value, lent)
}

/// What a caller is told apart by: the id of its key if we issued it, the key it shows, or its address.
fn credential(session: &Session, headers: &HeaderMap, who: &Caller) -> Vec<u8> {
    if let Caller::Issued(key) = who {
        return format!("kolm key {}", key.id).into_bytes();
    }
    if let Some(value) = headers.get(AUTHORIZATION) {
        return value.as_bytes().to_vec();
    }
    let address = session.client_addr().and_then(|address| address.as_inet()).map(|address| address.ip());
    address.map_or_else(Vec::new, |ip| ip.to_string().into_bytes())
}

/// Whether a body may be read whole: a length that is not announced is found out while reading.
fn fits(session: &Session, limit: u64) -> bool {
    announced(session).is_none_or(|length| length <= limit)
}

/// The length of the body, if it is announced.
fn announced(session: &Session) -> Option<u64> {
    headers::text(&session.req_header().headers, CONTENT_LENGTH.as_str())?.parse().ok()
}

impl From<ApiError> for Answer {
    fn from(error: ApiError) -> Self {
        let mut answer = Self::json(error.status, error.body());
        if let Some(seconds) = error.retry_after() {
            answer = answer.with(http::header::RETRY_AFTER, &seconds.to_string());
        }
        answer
    }
}

/// 405 with the methods that are allowed.
pub(crate) fn not_allowed(method: &Method, allowed: &'static str) -> Answer {
    Answer::from(ApiError::method_not_allowed(method.as_str(), allowed)).with(ALLOW, allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn whose_key_goes_up() {
        let mut config = kolm_config::Config::embedded(&kolm_config::Outside::bare("/tmp")).unwrap();
        let mut upstream = config.upstreams.remove("openai").unwrap();
        let none = headers(&[]);
        let client = headers(&[("authorization", "Bearer caller")]);
        let beside = headers(&[("authorization", "Bearer kolm"), ("x-upstream-api-key", "sk-up")]);
        let (operator, no_key) = (Some(kolm_config::Secret::new("sk-op")), None);
        for (credentials, key, given, ours, want, lent) in [
            (Credentials::Client, &no_key, &client, false, Some("Bearer caller"), false),
            (Credentials::Client, &operator, &client, false, Some("Bearer caller"), false),
            (Credentials::Client, &operator, &none, false, Some("Bearer sk-op"), true),
            (Credentials::Client, &operator, &client, true, Some("Bearer sk-op"), true),
            (Credentials::Client, &no_key, &client, true, None, false),
            (Credentials::Client, &operator, &beside, true, Some("Bearer sk-up"), false),
            (Credentials::Gateway, &operator, &client, false, Some("Bearer sk-op"), true),
            (Credentials::Gateway, &no_key, &client, false, None, false),
        ] {
            upstream.credentials = credentials;
            let (got, got_lent) = authorization(&upstream, key.as_ref(), given, ours);
            assert_eq!(got.as_ref().map(|value| value.to_str().unwrap()), want, "{credentials:?} {key:?}");
            assert!(got.is_none_or(|value| value.is_sensitive()) && got_lent == lent);
        }
    }
}
