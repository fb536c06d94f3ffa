//! The memory of conversations: which salt a growing history goes on with.
//!
//! **Invariant:** memory only. Keys are keyed hashes under a random key of the process; entries die after
//! thirty idle minutes, on overflow, and with the process.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use hmac::{Hmac, Mac};
use kolm_core::Timestamp;
use kolm_wire::Exchange;
use serde_json::Value;
use sha2::Sha256;

use super::Salt;
use super::policy::Scope;

const MOST: usize = 65_536;
const IDLE_MS: i64 = 30 * 60 * 1000;

type Mark = [u8; 32];

/// Conversation memory of one namespace.
pub struct Salts {
    key: [u8; 32],
    scope: Scope,
    known: HashMap<Mark, (Salt, i64)>,
    /// By age, oldest first.
    ages: BTreeSet<(i64, Mark)>,
}

impl Salts {
    /// An empty memory under a random key of this process.
    pub fn new(process_key: [u8; 32], scope: Scope) -> Self {
        Self { key: process_key, scope, known: HashMap::new(), ages: BTreeSet::new() }
    }

    /// The salt of this exchange: that of the conversation it continues, else `fresh`.
    pub fn salt_for(&mut self, caller: &[u8], exchange: &Exchange, fresh: [u8; 32], now: Timestamp) -> Salt {
        match self.scope {
            Scope::Record => Salt(fresh),
            Scope::Namespace => Salt(self.mac(&[b"namespace"])),
            Scope::Conversation => self.conversation(caller, exchange, fresh, now),
        }
    }

    /// How many conversations are remembered.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Is none remembered?
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    fn conversation(&mut self, caller: &[u8], exchange: &Exchange, fresh: [u8; 32], now: Timestamp) -> Salt {
        self.forget(now.0);
        let mut marks = Vec::new();
        let mut mark = self.mac(&[b"caller", caller]);
        for message in messages(&exchange.request, "messages") {
            mark = self.mac(&[&mark, message.as_bytes()]);
            marks.push(mark);
        }
        let earlier = marks.iter().rev().find(|mark| self.known.contains_key(*mark)).copied();
        let salt = earlier.and_then(|mark| self.take(mark)).unwrap_or(Salt(fresh));
        if let Some(reply) = messages(&exchange.reply, "choices").first() {
            let whole = self.mac(&[&mark, reply.as_bytes()]);
            self.put(whole, salt.clone(), now.0);
        }
        // A branch of the conversation may go on from the earlier point.
        if let Some(mark) = earlier {
            self.put(mark, salt.clone(), now.0);
        }
        salt
    }

    fn mac(&self, parts: &[&[u8]]) -> Mark {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return [0; 32] };
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    fn take(&mut self, mark: Mark) -> Option<Salt> {
        let (salt, age) = self.known.remove(&mark)?;
        self.ages.remove(&(age, mark));
        Some(salt)
    }

    fn put(&mut self, mark: Mark, salt: Salt, now: i64) {
        self.take(mark);
        while self.known.len() >= MOST {
            let Some((_, oldest)) = self.ages.pop_first() else { break };
            self.known.remove(&oldest);
        }
        self.known.insert(mark, (salt, now));
        self.ages.insert((now, mark));
    }

    fn forget(&mut self, now: i64) {
        while let Some((age, mark)) = self.ages.first().copied() {
            if age + IDLE_MS > now {
                return;
            }
            self.ages.pop_first();
            self.known.remove(&mark);
        }
    }
}

impl fmt::Debug for Salts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Salts({} conversations)", self.known.len())
    }
}

/// Role, content and calls of each message: what a client sends back is not what the wire said, byte for byte.
fn messages(body: &[u8], list: &str) -> Vec<String> {
    let Ok(Value::Object(mut body)) = serde_json::from_slice::<Value>(body) else { return Vec::new() };
    let Some(Value::Array(all)) = body.remove(list) else { return Vec::new() };
    all.into_iter()
        .map(|item| {
            let message = item.get("message").unwrap_or(&item);
            let part = |key: &str| match message.get(key) {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
            };
            let calls = match message.get("tool_calls") {
                Some(Value::Array(calls)) => {
                    calls.iter().filter_map(|call| call["id"].as_str()).collect::<Vec<_>>().join(",")
                }
                Some(_) | None => String::new(),
            };
            format!("{}\u{1f}{}\u{1f}{calls}", part("role"), part("content"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(history: &[&str], reply: &str) -> Exchange {
        let messages: Vec<Value> = history
            .iter()
            .enumerate()
            .map(|(i, text)| serde_json::json!({"role": if i % 2 == 0 { "user" } else { "assistant" }, "content": text}))
            .collect();
        let reply = serde_json::json!({"choices": [{"message": {"content": reply, "role": "assistant", "refusal": null}}]});
        Exchange {
            request: serde_json::json!({"model": "m", "messages": messages}).to_string().into_bytes(),
            reply: reply.to_string().into_bytes(),
        }
    }

    #[test]
    fn a_growing_history_keeps_its_salt() {
        let mut salts = Salts::new([1; 32], Scope::Conversation);
        let first = salts.salt_for(b"k", &exchange(&["hi"], "hello"), [1; 32], Timestamp(0));
        let second =
            salts.salt_for(b"k", &exchange(&["hi", "hello", "more"], "yes"), [2; 32], Timestamp(1000));
        let third = salts.salt_for(
            b"k",
            &exchange(&["hi", "hello", "more", "yes", "x"], "y"),
            [3; 32],
            Timestamp(2000),
        );
        assert_eq!((first.0, second.0, third.0), ([1; 32], [1; 32], [1; 32]));
        let stranger =
            salts.salt_for(b"other", &exchange(&["hi", "hello", "more"], "yes"), [4; 32], Timestamp(2000));
        assert_eq!(stranger.0, [4; 32], "another caller");
        let altered =
            salts.salt_for(b"k", &exchange(&["hi", "HELLO", "more"], "yes"), [5; 32], Timestamp(2000));
        assert_eq!(altered.0, [5; 32], "another history");
        let late = salts.salt_for(
            b"k",
            &exchange(&["hi", "hello", "more"], "yes"),
            [6; 32],
            Timestamp(2000 + IDLE_MS),
        );
        assert_eq!(late.0, [6; 32], "after thirty idle minutes");
        assert_eq!(format!("{first:?} {salts:?}"), "Salt Salts(1 conversations)");
    }

    #[test]
    fn scopes() {
        let talk = exchange(&["hi"], "hello");
        let mut record = Salts::new([1; 32], Scope::Record);
        assert_eq!(record.salt_for(b"k", &talk, [9; 32], Timestamp(0)).0, [9; 32]);
        assert!(record.is_empty());
        let mut namespace = Salts::new([1; 32], Scope::Namespace);
        let a = namespace.salt_for(b"k", &talk, [9; 32], Timestamp(0));
        assert_eq!(a.0, namespace.salt_for(b"z", &exchange(&["x"], "y"), [8; 32], Timestamp(5)).0);
    }
}
