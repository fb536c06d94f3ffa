//! What a request may cost before its answer is known.

use kolm_core::Surface;

/// Tokens of an answer whose length the request does not bound.
const ANSWER_TOKENS: u64 = 1_024;

/// How the price of a request is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charge {
    /// It costs nothing.
    Free,
    /// By the price of its model and the tokens of its reply.
    Model,
    /// Nobody says: images, speech, batches, training, sockets, paths that are new.
    Unknown,
}

/// How the price of a method and a path under `/v1` (query string excluded) is found. `read`: its body was read, so
/// that its model is known. What a path with dot segments costs, nobody says: it may be another one to the upstream.
pub fn charge(method: &str, path: &str, surface: Surface, read: bool) -> Charge {
    const FREE: [&str; 4] = ["/v1/moderations", "/v1/files", "/v1/uploads", "/v1/models"];
    let below =
        |root: &&str| path.strip_prefix(*root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if surface != Surface::Other && surface != Surface::Moderations && read {
        return Charge::Model;
    }
    if !kolm_wire::is_plain(path) {
        return Charge::Unknown;
    }
    // A socket is asked for with GET.
    let socket = below(&"/v1/realtime") && method == "GET";
    if !socket && matches!(method, "GET" | "HEAD" | "OPTIONS" | "DELETE") || FREE.iter().any(below) {
        return Charge::Free;
    }
    Charge::Unknown
}

/// About four bytes a token, where nobody has counted.
pub fn tokens_of(bytes: u64) -> u64 {
    bytes.div_ceil(4)
}

/// Tokens to hold for an answer: what the request allows, times the answers it asks for.
pub fn answer_tokens(surface: Surface, max_out: Option<u64>, answers: u64) -> u64 {
    if surface == Surface::Embeddings {
        return 0;
    }
    max_out.unwrap_or(ANSWER_TOKENS).saturating_mul(answers.clamp(1, 128))
}
