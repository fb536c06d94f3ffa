//! What a finished request has used, by its own reply where that says so, else by the bytes of its text.
//!
//! **Invariant:** runs after the client has its last byte; a long reply is read on a thread that serves no request.

use std::sync::Arc;

use kolm_core::{Arm, MicroUsd};
use kolm_policies::limit::Use;
use kolm_policies::limit::charge::{self, Charge};
use kolm_policies::price::{self, Price};
use kolm_wire::spend;

use super::{Pass, charge_of};
use crate::admit::Admitted;
use crate::decode;
use crate::table::Shared;
use crate::tap::Tee;
use crate::told::MAX_DECODED;

/// A reply up to this size is read where it ended.
const SHORT: usize = 64 << 10;

/// What a bill is made out from.
struct Bill {
    charge: Charge,
    arm: Arm,
    /// The price at the upstream that answered, else at the one that was asked first; `None` if its model was not known
    /// when the request came, or has none.
    price: Option<Price>,
    request: u64,
    reply: Vec<u8>,
    /// Bytes of the reply that were not kept.
    missing: u64,
    encoding: String,
    streamed: bool,
}

/// Charges a request for this model to its accounts.
pub(crate) fn settle(shared: &Shared, admitted: &Admitted, tee: &Tee, arm: Arm, model: &str) {
    let Some(pass) = &admitted.pass else { return };
    let now = shared.env.clock.now();
    let answered = (100..400).contains(&tee.status);
    if !answered || !pass.counts_use() {
        return pass.settle(now, Use::default());
    }
    let price = pass.price.get().copied();
    // Its way is that of the upstream that answered.
    let charged = admitted.upstream().and_then(|upstream| upstream.price(model));
    let bill = Bill {
        charge: charge_of(admitted, price.is_some()),
        arm,
        price: price.and_then(|first| charged.or(first)),
        request: tee.request.len() as u64,
        reply: tee.reply.clone(),
        missing: tee.sent.saturating_sub(tee.reply.len() as u64),
        encoding: tee.encoding.clone(),
        streamed: tee.streamed,
    };
    if bill.reply.len() <= SHORT {
        return pass.settle(now, bill.used());
    }
    let pass: Arc<Pass> = Arc::clone(pass);
    drop(tokio::task::spawn_blocking(move || pass.settle(now, bill.used())));
}

impl Bill {
    fn used(&self) -> Use {
        let plain = decode::decode(&self.encoding, &self.reply, MAX_DECODED);
        let said = plain.map(|plain| spend::used(&plain, self.streamed)).unwrap_or_default();
        let (tokens_in, tokens_out) = match self.charge {
            Charge::Model => (
                counted(said.tokens_in, self.request),
                counted(said.tokens_out, said.text.saturating_add(self.missing)),
            ),
            // Nothing of it need be text: only what is said counts.
            Charge::Free | Charge::Unknown => (said.tokens_in.max(0), said.tokens_out.max(0)),
        };
        let cost = match (self.arm, &self.price) {
            (Arm::Teacher, Some(price)) => price::cost(price, tokens_in, said.tokens_cached, tokens_out),
            (Arm::Teacher, None) | (Arm::Student, _) => MicroUsd(0),
        };
        Use { tokens: tokens_in.saturating_add(tokens_out).unsigned_abs(), cost }
    }
}

/// A token count, or a guess where nobody said.
fn counted(tokens: i64, bytes: u64) -> i64 {
    if tokens >= 0 { tokens } else { i64::try_from(charge::tokens_of(bytes)).unwrap_or(i64::MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICE: Price = Price { input: 1_000_000, cached: 500_000, output: 2_000_000 };

    fn bill(reply: &str) -> Bill {
        Bill {
            charge: Charge::Model,
            arm: Arm::Teacher,
            price: Some(PRICE),
            request: 40,
            reply: reply.as_bytes().to_vec(),
            missing: 0,
            encoding: String::new(),
            streamed: false,
        }
    }

    #[test]
    fn what_the_reply_says_wins_over_a_guess() {
        let said = r#"{"choices":[{"message":{"content":"abcdefgh"}}],"usage":{"prompt_tokens":100,"completion_tokens":50}}"#;
        let silent = r#"{"choices":[{"message":{"content":"abcdefgh"}}]}"#;
        let stream = "data: {\"choices\":[{\"delta\":{\"content\":\"abcdefgh\"}}]}\n\ndata: [DONE]\n\n";
        for (bill, tokens, cost) in [
            (bill(said), 150, 200),
            (bill(silent), 12, 14),
            (Bill { streamed: true, ..bill(stream) }, 12, 14),
            (Bill { missing: 400, ..bill(silent) }, 112, 214),
            (Bill { arm: Arm::Student, ..bill(said) }, 150, 0),
            (Bill { price: None, ..bill(said) }, 150, 0),
            (Bill { charge: Charge::Free, price: None, ..bill(silent) }, 0, 0),
            (Bill { encoding: "unknown".to_owned(), ..bill(said) }, 10, 10),
        ] {
            assert_eq!(bill.used(), Use { tokens, cost: MicroUsd(cost) });
        }
    }
}
