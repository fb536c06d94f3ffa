//! The header `x-kolm-receipt`: an RFC 9651 Item, the token `kr1` with parameters.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kolm_core::{ArtifactId, RequestId};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::keys::{HeaderKey, is_kid};

/// The header's name.
pub const NAME: &str = "x-kolm-receipt";
const MAX_LEN: usize = 1024;

/// The arm that answered; `Local` without an artifact is the gateway itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rt {
    /// The teacher.
    Cloud,
    /// A student, or the gateway's own answer.
    Local,
}

impl Rt {
    /// The token in header and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cloud => "cloud",
            Self::Local => "local",
        }
    }
}

/// What the header promises about the leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum St {
    /// A leaf will follow.
    Open,
    /// The leaf is already accepted.
    Final,
    /// No leaf will follow.
    None,
}

impl St {
    /// The token in the header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Final => "final",
            Self::None => "none",
        }
    }
}

/// A header taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The request.
    pub id: RequestId,
    /// The arm that answered.
    pub rt: Rt,
    /// The artifact that answered.
    pub art: Option<ArtifactId>,
    /// What follows.
    pub st: St,
    /// Generation of the header key.
    pub kid: String,
    /// The first 16 bytes of the HMAC.
    pub mac: [u8; 16],
    /// The value in front of `; mac=`, which the MAC of `st=none` covers.
    pub unsigned: String,
}

/// The value in front of `; mac=`.
fn unsigned(id: RequestId, rt: Rt, art: Option<&ArtifactId>, st: St, kid: &str) -> String {
    let art = art.map_or_else(|| "none".to_owned(), |art| format!("\"{art}\""));
    format!("kr1; id=\"{id}\"; rt={}; art={art}; st={}; kid=\"{kid}\"", rt.as_str(), st.as_str())
}

/// The MAC of a header whose open record is `open`.
pub(crate) fn open_mac(key: &HeaderKey, st: St, open: &[u8]) -> [u8; 16] {
    key.mac(&[b"kr1-open\n", st.as_str().as_bytes(), b"\n", open])
}

/// The MAC of a `st=none` header, over the value in front of `; mac=`.
pub(crate) fn none_mac(key: &HeaderKey, unsigned: &str) -> [u8; 16] {
    key.mac(&[b"kr1-none\n", unsigned.as_bytes()])
}

/// The header of an answer whose open record is `open`.
pub(crate) fn emit_open(
    key: &HeaderKey,
    id: RequestId,
    rt: Rt,
    art: Option<&ArtifactId>,
    st: St,
    open: &[u8],
) -> String {
    with_mac(unsigned(id, rt, art, st, key.kid()), &open_mac(key, st, open))
}

/// The header of an answer that no leaf will follow.
pub(crate) fn emit_none(key: &HeaderKey, id: RequestId, rt: Rt, art: Option<&ArtifactId>) -> String {
    let unsigned = unsigned(id, rt, art, St::None, key.kid());
    let mac = none_mac(key, &unsigned);
    with_mac(unsigned, &mac)
}

fn with_mac(unsigned: String, mac: &[u8; 16]) -> String {
    format!("{unsigned}; mac=:{}:", STANDARD.encode(mac))
}

/// Takes a header value apart: any order of parameters, unknown ones ignored, duplicates refused.
pub fn parse(value: &str) -> Result<Header, Error> {
    if value.len() > MAX_LEN || !value.is_ascii() {
        return Err(Error::Header("too long or not ASCII"));
    }
    let value = value.trim_matches(' ');
    let mut reader = Reader { text: value.as_bytes(), at: 0 };
    if reader.token()? != "kr1" {
        return Err(Error::Header("its token is not kr1"));
    }
    let params = reader.params()?;
    let get = |name: &str| params.iter().find(|(key, _)| key == name).map(|(_, item)| item);
    let id = match get("id") {
        Some(Item::Text(id)) => id.parse().map_err(|_| Error::Header("id is no UUIDv7"))?,
        Some(_) | None => return Err(Error::Header("id is missing or no string")),
    };
    let art = match get("art") {
        Some(Item::Token(none)) if none == "none" => None,
        Some(Item::Text(art)) => Some(art.parse().map_err(|_| Error::Header("art is no artifact identity"))?),
        Some(_) | None => return Err(Error::Header("art is missing or of the wrong type")),
    };
    let kid = match get("kid") {
        Some(Item::Text(kid)) if is_kid(kid) => kid.clone(),
        Some(_) | None => return Err(Error::Header("kid is missing or malformed")),
    };
    let mac = match get("mac") {
        Some(Item::Bytes(mac)) => {
            mac.as_slice().try_into().map_err(|_| Error::Header("mac has not 16 bytes"))?
        }
        Some(_) | None => return Err(Error::Header("mac is missing or no byte sequence")),
    };
    let unsigned = value.split("; mac=").next().unwrap_or(value).to_owned();
    Ok(Header { id, rt: rt(get("rt"))?, art, st: st(get("st"))?, kid, mac, unsigned })
}

fn rt(item: Option<&Item>) -> Result<Rt, Error> {
    match item {
        Some(Item::Token(rt)) if rt == "cloud" => Ok(Rt::Cloud),
        Some(Item::Token(rt)) if rt == "local" => Ok(Rt::Local),
        Some(_) | None => Err(Error::Header("rt is neither cloud nor local")),
    }
}

fn st(item: Option<&Item>) -> Result<St, Error> {
    match item {
        Some(Item::Token(st)) if st == "open" => Ok(St::Open),
        Some(Item::Token(st)) if st == "final" => Ok(St::Final),
        Some(Item::Token(st)) if st == "none" => Ok(St::None),
        Some(_) | None => Err(Error::Header("st is none of open, final, none")),
    }
}

/// A bare item of RFC 9651.
enum Item {
    Token(String),
    Text(String),
    Bytes(Vec<u8>),
    /// A number or boolean, which no parameter of ours has.
    Other,
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn run(&mut self, fits: impl Fn(u8) -> bool) -> String {
        let start = self.at;
        while self.peek().is_some_and(&fits) {
            self.at += 1;
        }
        self.text[start..self.at].iter().map(|b| char::from(*b)).collect()
    }

    fn token(&mut self) -> Result<String, Error> {
        if !self.peek().is_some_and(|b| b.is_ascii_alphabetic() || b == b'*') {
            return Err(Error::Header("no token where one belongs"));
        }
        Ok(self.run(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&b)))
    }

    fn params(&mut self) -> Result<Vec<(String, Item)>, Error> {
        let mut params: Vec<(String, Item)> = Vec::new();
        while self.peek() == Some(b';') {
            self.at += 1;
            self.run(|b| b == b' ');
            if !self.peek().is_some_and(|b| b.is_ascii_lowercase() || b == b'*') {
                return Err(Error::Header("a parameter has no name"));
            }
            let name = self.run(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-.*".contains(&b));
            let item = match self.peek() {
                Some(b'=') => {
                    self.at += 1;
                    self.item()?
                }
                Some(_) | None => Item::Other,
            };
            if params.iter().any(|(known, _)| *known == name) {
                return Err(Error::Header("a parameter stands twice"));
            }
            params.push((name, item));
        }
        if self.at == self.text.len() {
            Ok(params)
        } else {
            Err(Error::Header("something follows the parameters"))
        }
    }

    fn item(&mut self) -> Result<Item, Error> {
        match self.peek() {
            Some(b'"') => self.text().map(Item::Text),
            Some(b':') => self.bytes().map(Item::Bytes),
            Some(b'?') => {
                self.at += 1;
                let digit = self.run(|b| b.is_ascii_digit());
                if digit == "0" || digit == "1" {
                    Ok(Item::Other)
                } else {
                    Err(Error::Header("a malformed boolean"))
                }
            }
            Some(b'-' | b'0'..=b'9') => {
                let number = self.run(|b| b.is_ascii_digit() || b == b'-' || b == b'.');
                let digits = number.trim_start_matches('-');
                if digits.is_empty() || number.parse::<f64>().is_err() || digits.ends_with('.') {
                    return Err(Error::Header("a malformed number"));
                }
                Ok(Item::Other)
            }
            Some(_) | None => self.token().map(Item::Token),
        }
    }

    fn text(&mut self) -> Result<String, Error> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let byte = self.peek().ok_or(Error::Header("a string is not closed"))?;
            self.at += 1;
            match byte {
                b'"' => return Ok(out),
                b'\\' => match self.peek() {
                    Some(escaped @ (b'"' | b'\\')) => {
                        out.push(char::from(escaped));
                        self.at += 1;
                    }
                    Some(_) | None => return Err(Error::Header("a malformed escape")),
                },
                0x20..=0x7e => out.push(char::from(byte)),
                _ => return Err(Error::Header("a control character in a string")),
            }
        }
    }

    fn bytes(&mut self) -> Result<Vec<u8>, Error> {
        self.at += 1;
        let digits = self.run(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b));
        if self.peek() != Some(b':') {
            return Err(Error::Header("a byte sequence is not closed"));
        }
        self.at += 1;
        STANDARD.decode(digits).map_err(|_| Error::Header("a byte sequence is not base64"))
    }
}

#[cfg(test)]
mod tests {
    use kolm_core::Coded;
    use proptest::prelude::*;

    use super::*;

    const VALUE: &str = "kr1; id=\"01a1fb67-1800-7000-8000-000000000001\"; rt=cloud; art=none; st=open; \
                         kid=\"n1-a\"; mac=:SN6YnCDEl8hsmylvpFhYfA==:";

    #[test]
    fn the_grammar_reads_what_is_emitted() {
        let key = HeaderKey::new("n1-a", &[7; 32]).unwrap();
        let art: ArtifactId = format!("sha256:{}", "ab".repeat(32)).parse().unwrap();
        let id = "01a1fb67-1800-7000-8000-000000000001".parse().unwrap();
        let value = emit_open(&key, id, Rt::Local, Some(&art), St::Final, b"record");
        assert!(value.len() <= 201, "{}", value.len());
        let header = parse(&value).unwrap();
        assert_eq!((header.id, header.rt, header.art, header.st), (id, Rt::Local, Some(art), St::Final));
        assert_eq!(header.mac, open_mac(&key, St::Final, b"record"));

        let none = parse(&emit_none(&key, id, Rt::Local, None)).unwrap();
        assert_eq!((none.st, none.mac), (St::None, none_mac(&key, &none.unsigned)));
    }

    #[test]
    fn order_and_unknown_parameters_are_free() {
        let swapped = "kr1;new=1.5;mac=:SN6YnCDEl8hsmylvpFhYfA==:;st=open;kid=\"n1-a\";flag;b=?1;t=*x:y/z;\
                       art=none;rt=cloud; id=\"01a1fb67-1800-7000-8000-000000000001\";s=\"a\\\"b\"";
        let (a, b) = (parse(VALUE).unwrap(), parse(swapped).unwrap());
        assert_eq!((a.id, a.rt, a.art, a.st, a.kid, a.mac), (b.id, b.rt, b.art, b.st, b.kid, b.mac));
    }

    #[test]
    fn malformed_headers_are_refused() {
        for (from, to) in [
            ("kr1", "kr2"),
            ("kr1;", "kr1"),
            ("; rt=cloud", ""),
            ("rt=cloud", "rt=Cloud"),
            ("rt=cloud", "rt=\"cloud\""),
            ("rt=cloud", "rt=cloud; rt=cloud"),
            ("x", "x"),
            ("id=\"01a1", "id=\"01A1"),
            ("art=none", "art=\"none\""),
            ("kid=\"n1-a\"", "kid=\"N1\""),
            ("fA==:", "fA==:, kr1"),
            ("fA==:", "fA==:;"),
            ("fA==:", ":"),
            ("fA==:", "fA=="),
            ("st=open", "st=closed"),
            ("st=open", "st=open; n=1."),
            ("st=open", "st=open; n=?2"),
        ] {
            let value = VALUE.replacen(from, to, 1);
            if value == VALUE {
                continue;
            }
            assert_eq!(parse(&value).unwrap_err().code().to_string(), "K0306", "{value}");
        }
        assert!(parse(&VALUE.replace("none", "ñone")).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(kr1)?[;= a-z0-9:\"\\\\?*.,-]{0,40}") {
            if let Ok(header) = parse(&text) {
                prop_assert!(header.unsigned.starts_with("kr1"));
            }
        }
    }
}
