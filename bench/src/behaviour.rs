//! What the mock does with a request: its model's name says so.
//!
//! **Invariant:** an unknown name is refused with 404, so that a contestant that rewrites names is noticed.

/// What a model's name asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// `mock-reply-SIZE`: a chat completion of so many bytes, at once.
    Reply { size: usize },
    /// `mock-stream-FRAMES-MS`: events at this pace, the first at once.
    Stream { frames: u32, pace_ms: u64 },
    /// `mock-status-CODE`: an error of the API.
    Status { code: u16 },
    /// `mock-cut`: half a reply, then the connection is gone.
    Cut,
    /// `mock-hang`: no answer for as long as the caller waits.
    Hang,
}

const KEY: &[u8] = b"\"model\"";

impl Behaviour {
    /// Reads a model's name.
    pub(crate) fn named(model: &str) -> Option<Self> {
        let mut words = model.strip_prefix("mock-")?.split('-');
        let found = match words.next()? {
            "reply" => Self::Reply { size: words.next()?.parse().ok()? },
            "stream" => {
                Self::Stream { frames: words.next()?.parse().ok()?, pace_ms: words.next()?.parse().ok()? }
            }
            "status" => Self::Status { code: words.next()?.parse().ok()? },
            "cut" => Self::Cut,
            "hang" => Self::Hang,
            _ => return None,
        };
        words.next().is_none().then_some(found)
    }

    /// Finds the name in a request's body; the rest of the body is not looked at.
    pub(crate) fn of(body: &[u8]) -> Option<Self> {
        let at = memchr::memmem::find(body, KEY)? + KEY.len();
        let start = at + memchr::memchr(b'"', &body[at..])? + 1;
        let end = start + memchr::memchr(b'"', &body[start..])?;
        Self::named(std::str::from_utf8(&body[start..end]).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_the_mock_does() {
        for (model, expected) in [
            ("mock-reply-1024", Some(Behaviour::Reply { size: 1_024 })),
            ("mock-stream-64-20", Some(Behaviour::Stream { frames: 64, pace_ms: 20 })),
            ("mock-status-429", Some(Behaviour::Status { code: 429 })),
            ("mock-cut", Some(Behaviour::Cut)),
            ("mock-hang", Some(Behaviour::Hang)),
            ("mock-reply", None),
            ("mock-reply-1024-2", None),
            ("gpt-4o-mini", None),
        ] {
            assert_eq!(Behaviour::named(model), expected, "{model}");
            let bodies = [
                format!("{{\"model\":\"{model}\",\"n\":1}}"),
                format!("{{\"n\":1, \"model\" : \"{model}\"}}"),
            ];
            for body in bodies {
                assert_eq!(Behaviour::of(body.as_bytes()), expected, "{body}");
            }
        }
        assert_eq!(Behaviour::of(b"{}"), None);
    }
}
