//! Error bodies in OpenAI's form, one constructor for each row of the table.
//!
//! **Invariant:** all four keys are always there, and an error of status 500 or above says nothing of the
//! request.

use serde_json::json;

const INVALID: &str = "invalid_request_error";
const SERVER: &str = "server_error";

/// A local error answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {message}")]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// The member `type`.
    pub kind: &'static str,
    /// The member `code`.
    pub code: Option<&'static str>,
    /// The member `param`: a path into the request such as `messages[0].role`.
    pub param: Option<String>,
    /// The member `message`.
    pub message: String,
}

impl ApiError {
    fn new(status: u16, kind: &'static str, code: Option<&'static str>, message: impl Into<String>) -> Self {
        Self { status, kind, code, param: None, message: message.into() }
    }

    fn at(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// 400: the body is not JSON, or not an object.
    pub fn bad_json() -> Self {
        let message = "We could not parse the JSON body of your request. The request body must be one valid JSON object.";
        Self::new(400, INVALID, None, message)
    }

    /// 400: a field violates the schema.
    pub fn invalid(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(400, INVALID, None, message).at(param)
    }

    /// 400: a path with dot segments, where the gateway's own key would go up with it.
    pub fn roundabout() -> Self {
        Self::invalid("path", "The path holds `.` or `..` as a segment. Write the path that it leads to.")
    }

    /// 400: prompt and limit do not fit into the student's context.
    pub fn context_length(limit: u64) -> Self {
        let message = format!(
            "This model's maximum context length is {limit} tokens. Please shorten the messages or the limit."
        );
        Self::new(400, INVALID, Some("context_length_exceeded"), message).at("messages")
    }

    /// 400: a schema that cannot be enforced.
    pub fn invalid_json_schema(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(400, INVALID, Some("invalid_json_schema"), message).at(param)
    }

    /// 400: a valid request for something this model does not do.
    pub fn unsupported(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(400, INVALID, Some("unsupported_value"), message).at(param)
    }

    /// 400: a field that the schema does not know, where fields are strict.
    pub fn unknown_parameter(param: impl Into<String>) -> Self {
        let param = param.into();
        Self::new(400, INVALID, Some("unknown_parameter"), format!("Unknown parameter: '{param}'.")).at(param)
    }

    /// 401: keys are configured and the bearer is missing or wrong.
    pub fn invalid_api_key() -> Self {
        Self::new(401, INVALID, Some("invalid_api_key"), "Incorrect API key provided, or none.")
    }

    /// 403: models are not deleted through this port.
    pub fn permission_denied() -> Self {
        Self::new(
            403,
            INVALID,
            Some("permission_denied"),
            "You have insufficient permissions for this operation.",
        )
    }

    /// 404: no such model here.
    pub fn model_not_found(model: &str) -> Self {
        let message = format!("The model `{model}` does not exist or you do not have access to it.");
        Self::new(404, INVALID, Some("model_not_found"), message).at("model")
    }

    /// 404: no such path here.
    pub fn unknown_url(method: &str, path: &str) -> Self {
        Self::new(404, INVALID, Some("unknown_url"), format!("Unknown request URL: {method} {path}"))
    }

    /// 405: a known path with another method; the answer also carries `Allow`.
    pub fn method_not_allowed(method: &str, allowed: &str) -> Self {
        Self::new(405, INVALID, None, format!("Not allowed to {method} here. Allowed: {allowed}."))
    }

    /// 408: the body stalled.
    pub fn too_slow() -> Self {
        Self::new(408, INVALID, Some("request_timeout"), "The request body did not arrive in time.")
    }

    /// 413: the body is above the limit.
    pub fn too_large(limit: u64) -> Self {
        Self::new(413, INVALID, None, format!("The request body is larger than {limit} bytes."))
    }

    /// 415: the body is not JSON (or multipart, where that is due).
    pub fn unsupported_media_type() -> Self {
        Self::new(415, INVALID, None, "The content type of the request must be application/json.")
    }

    /// 422: a student abstained; only the gateway, which asks for it, ever sees this one.
    pub fn abstained() -> Self {
        Self::new(422, SERVER, Some("abstained"), "The student abstained.")
    }

    /// 429: a configured limit was reached.
    pub fn rate_limited() -> Self {
        Self::new(429, "requests", Some("rate_limit_exceeded"), "Rate limit reached. Please try again later.")
    }

    /// 429: a limit of this caller was reached, which the message names; `of` is what it counts: `requests` or `tokens`.
    pub fn rate_limited_by(of: &'static str, message: impl Into<String>) -> Self {
        Self::new(429, of, Some("rate_limit_exceeded"), message)
    }

    /// 429: the money of this caller is spent.
    pub fn insufficient_quota(message: impl Into<String>) -> Self {
        Self::new(429, "insufficient_quota", Some("insufficient_quota"), message)
    }

    /// 431: the header is too large.
    pub fn header_too_large() -> Self {
        Self::new(431, INVALID, Some("malformed_request"), "The request header is too large.")
    }

    /// 400: what it would cost is not known, and the caller's money is limited.
    pub fn unpriced(model: Option<&str>) -> Self {
        let why = "a budget in dollars applies, and its price is not known to this gateway";
        let ask = "Ask whoever runs the gateway to configure one.";
        match model {
            Some(model) => {
                Self::new(400, INVALID, Some("unknown_price"), format!("Model `{model}`: {why}. {ask}"))
                    .at("model")
            }
            None => Self::new(400, INVALID, Some("unknown_price"), format!("This request: {why}. {ask}")),
        }
    }

    /// 500: something failed here.
    pub fn internal() -> Self {
        Self::new(500, SERVER, Some("internal"), "The server had an error while processing the request.")
    }

    /// 502: the upstream cannot be reached.
    pub fn upstream_unreachable() -> Self {
        Self::new(502, SERVER, Some("upstream_unreachable"), "The upstream could not be reached.")
    }

    /// 503: too much at once.
    pub fn overloaded() -> Self {
        Self::new(503, SERVER, Some("overloaded"), "The server is overloaded. Please try again later.")
    }

    /// 504: the upstream did not answer in time.
    pub fn upstream_timeout() -> Self {
        Self::new(504, SERVER, Some("upstream_timeout"), "The upstream did not answer in time.")
    }

    /// The value of the `retry-after` header, in seconds, where the status calls for one.
    pub fn retry_after(&self) -> Option<u32> {
        matches!(self.status, 429 | 503).then_some(1)
    }

    /// The JSON body.
    pub fn body(&self) -> Vec<u8> {
        let error =
            json!({"message": self.message, "type": self.kind, "param": self.param, "code": self.code});
        json!({ "error": error }).to_string().into_bytes()
    }

    /// The error as the last frame of a stream that has already begun; no `[DONE]` follows it.
    pub fn frame(&self) -> Vec<u8> {
        [b"data: ".as_slice(), &self.body(), b"\n\n"].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table() {
        let rows = [
            (ApiError::bad_json(), 400, INVALID, None, None),
            (ApiError::invalid("n", "m"), 400, INVALID, None, Some("n")),
            (ApiError::context_length(512), 400, INVALID, Some("context_length_exceeded"), Some("messages")),
            (
                ApiError::invalid_json_schema("response_format", "m"),
                400,
                INVALID,
                Some("invalid_json_schema"),
                Some("response_format"),
            ),
            (
                ApiError::unsupported("modalities", "m"),
                400,
                INVALID,
                Some("unsupported_value"),
                Some("modalities"),
            ),
            (ApiError::unknown_parameter("x"), 400, INVALID, Some("unknown_parameter"), Some("x")),
            (ApiError::invalid_api_key(), 401, INVALID, Some("invalid_api_key"), None),
            (ApiError::permission_denied(), 403, INVALID, Some("permission_denied"), None),
            (ApiError::model_not_found("x"), 404, INVALID, Some("model_not_found"), Some("model")),
            (ApiError::unknown_url("POST", "/v1/x"), 404, INVALID, Some("unknown_url"), None),
            (ApiError::method_not_allowed("PUT", "POST"), 405, INVALID, None, None),
            (ApiError::too_slow(), 408, INVALID, Some("request_timeout"), None),
            (ApiError::too_large(1), 413, INVALID, None, None),
            (ApiError::unsupported_media_type(), 415, INVALID, None, None),
            (ApiError::abstained(), 422, SERVER, Some("abstained"), None),
            (ApiError::rate_limited(), 429, "requests", Some("rate_limit_exceeded"), None),
            (ApiError::rate_limited_by("tokens", "m"), 429, "tokens", Some("rate_limit_exceeded"), None),
            (ApiError::insufficient_quota("m"), 429, "insufficient_quota", Some("insufficient_quota"), None),
            (ApiError::unpriced(Some("m")), 400, INVALID, Some("unknown_price"), Some("model")),
            (ApiError::unpriced(None), 400, INVALID, Some("unknown_price"), None),
            (ApiError::internal(), 500, SERVER, Some("internal"), None),
            (ApiError::upstream_unreachable(), 502, SERVER, Some("upstream_unreachable"), None),
            (ApiError::overloaded(), 503, SERVER, Some("overloaded"), None),
            (ApiError::upstream_timeout(), 504, SERVER, Some("upstream_timeout"), None),
        ];
        for (error, status, kind, code, param) in rows {
            assert_eq!(
                (error.status, error.kind, error.code, error.param.as_deref()),
                (status, kind, code, param)
            );
            let body: serde_json::Value = serde_json::from_slice(&error.body()).unwrap();
            let inner = body["error"].as_object().unwrap();
            assert_eq!(inner.keys().collect::<Vec<_>>(), ["message", "type", "param", "code"]);
            assert_eq!(inner["code"].as_str(), code);
            assert_eq!(inner["param"].as_str(), param);
            assert_eq!(error.retry_after().is_some(), matches!(status, 429 | 503));
        }
    }

    #[test]
    fn the_two_messages_that_are_prescribed() {
        assert_eq!(
            ApiError::model_not_found("X").message,
            "The model `X` does not exist or you do not have access to it."
        );
        assert_eq!(ApiError::unknown_url("POST", "/v1/nope").message, "Unknown request URL: POST /v1/nope");
    }

    #[test]
    fn a_frame_is_one_event() {
        let frame = ApiError::internal().frame();
        let events = crate::sse::Reader::new().push(&frame).unwrap();
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].data.as_bytes(), ApiError::internal().body());
    }
}
