//! Which trace a request belongs to, and whether it is gathered: the caller's word, else the share that is asked for.
//!
//! **Invariant:** decided once per trace and the same on every node: a pure function of ids and share.

use http::HeaderMap;
use kolm_config::Telemetry;
use kolm_core::{Ppm, RequestId};

use crate::headers;

/// W3C Trace Context.
const TRACEPARENT: &str = "traceparent";

/// The place of a request in its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trace {
    /// The trace.
    pub(crate) id: [u8; 16],
    /// The request's span.
    pub(crate) span: [u8; 8],
    /// The caller's span.
    pub(crate) parent: Option<[u8; 8]>,
}

impl Trace {
    /// The trace of a request that is gathered.
    pub(crate) fn of(settings: &Telemetry, id: RequestId, headers: &HeaderMap) -> Option<Self> {
        settings.otlp_endpoint.as_ref()?;
        let own = id.to_bytes();
        let mut span = [0; 8];
        span.copy_from_slice(&own[8..]);
        match headers::text(headers, TRACEPARENT).and_then(parse) {
            Some((trace, parent, true)) => Some(Self { id: trace, span, parent: Some(parent) }),
            Some((_, _, false)) => None,
            None => sampled(settings.sample, &own).then_some(Self { id: own, span, parent: None }),
        }
    }

    /// The id of the span of the `n`th try.
    pub(crate) fn child(&self, n: usize) -> [u8; 8] {
        (u64::from_be_bytes(self.span) ^ (n as u64 + 1)).to_be_bytes()
    }
}

/// Version, trace, parent, flags: `00-<32 hex>-<16 hex>-<2 hex>`; a later version may have more behind.
fn parse(text: &str) -> Option<([u8; 16], [u8; 8], bool)> {
    let mut parts = text.trim().split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let version = bytes::<1>(version)?;
    if version == [0xff] || version == [0] && parts.next().is_some() {
        return None;
    }
    let (trace, parent, [flags]) = (bytes::<16>(trace)?, bytes::<8>(parent)?, bytes::<1>(flags)?);
    (trace != [0; 16] && parent != [0; 8]).then_some((trace, parent, flags & 1 == 1))
}

fn bytes<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let lower = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if hex.len() != 2 * N || !hex.bytes().all(lower) {
        return None;
    }
    let mut out = [0; N];
    for (i, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(out)
}

/// The last 56 bits of a trace's id are random.
fn sampled(share: Ppm, id: &[u8; 16]) -> bool {
    let random = id[9..].iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    u128::from(random) * 1_000_000 < u128::from(share.0) << 56
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use kolm_config::{Config, Outside, RawConfig};
    use kolm_core::Timestamp;

    use super::*;

    fn settings(text: &str) -> Telemetry {
        let config: Config = RawConfig::parse("", text).check(&Outside::bare("/tmp")).unwrap();
        config.telemetry
    }

    fn of(settings: &Telemetry, header: Option<&'static str>) -> Option<Trace> {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert(TRACEPARENT, HeaderValue::from_static(header));
        }
        Trace::of(settings, RequestId::from_parts(Timestamp(1), [0x55; 10]), &headers)
    }

    const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn the_caller_decides_for_its_own_traces() {
        let on = settings("[telemetry]\notlp_endpoint = \"http://127.0.0.1:1\"\nsample = 0");
        let trace = of(&on, Some(CALLER)).unwrap();
        assert_eq!(kolm_core::hex(&trace.id), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(trace.parent.map(|parent| kolm_core::hex(&parent)).as_deref(), Some("b7ad6b7169203331"));
        let all = settings("[telemetry]\notlp_endpoint = \"http://127.0.0.1:1\"");
        assert_eq!(of(&all, Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")), None);
        assert_eq!(of(&settings(""), Some(CALLER)), None, "off is off");
    }

    #[test]
    fn what_is_no_traceparent_begins_a_trace_of_its_own() {
        let all = settings("[telemetry]\notlp_endpoint = \"http://127.0.0.1:1\"");
        for header in [
            None,
            Some(""),
            Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"),
            Some("00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            Some("00-00000000000000000000000000000000-b7ad6b7169203331-01"),
            Some("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"),
            Some("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x"),
        ] {
            let trace = of(&all, header).unwrap();
            assert_eq!((trace.parent, &trace.id[8..]), (None, &trace.span[..]), "{header:?}");
        }
        assert!(
            of(&all, Some("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x"))
                .unwrap()
                .parent
                .is_some()
        );
        let trace = of(&all, None).unwrap();
        assert_ne!(trace.child(0), trace.child(1));
        assert_ne!(trace.child(0), trace.span);
    }

    #[test]
    fn the_share_is_a_share() {
        let taken = |share: u32| {
            let id = |n: u64| {
                let mut id = [0; 16];
                id[8..].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
                id
            };
            (0..10_000).filter(|n| sampled(Ppm(share), &id(*n))).count()
        };
        assert_eq!((taken(0), taken(1_000_000)), (0, 10_000));
        assert!((900..1_100).contains(&taken(100_000)), "{}", taken(100_000));
    }
}
