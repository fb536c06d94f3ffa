//! Seeded support tickets with 12 intents and invented personal data, for a demo without a file.
//! Every planted identifier is remembered, so that the disk can be searched for it afterwards.

use rand_chacha::ChaCha12Rng;
use rand_core::{RngCore as _, SeedableRng as _};

use super::Pair;

const INTENTS: [(&str, &[&str]); 12] = [
    (
        "reset_password",
        &[
            "i forgot my password",
            "the login page rejects my password",
            "please reset my password",
            "cannot sign in, password expired",
            "my account is locked after too many attempts",
            "how do i choose a new password",
        ],
    ),
    (
        "refund_request",
        &[
            "i want my money back for {thing}",
            "please refund {thing}",
            "how do i return {thing} and get a refund",
            "the refund for {thing} has not arrived",
            "i was promised a refund for {thing}",
        ],
    ),
    (
        "track_order",
        &[
            "where is {thing} that i ordered",
            "my parcel with {thing} has not arrived",
            "tracking says nothing about {thing}",
            "when will {thing} be delivered",
            "has {thing} been shipped yet",
        ],
    ),
    (
        "cancel_order",
        &[
            "please cancel my order of {thing}",
            "i ordered {thing} by mistake, stop it",
            "can i still cancel {thing}",
            "do not send {thing}, i changed my mind",
        ],
    ),
    (
        "update_address",
        &[
            "i moved, please change my delivery address",
            "my street name is wrong on the account",
            "send future orders to my new home",
            "update the shipping address before {thing} leaves",
        ],
    ),
    (
        "billing_question",
        &[
            "why was i charged twice for {thing}",
            "there is a fee on my invoice i do not understand",
            "the amount billed for {thing} is wrong",
            "explain the charges on my last bill",
        ],
    ),
    (
        "technical_problem",
        &[
            "{thing} does not turn on",
            "the app crashes when i open it",
            "{thing} shows an error and stops",
            "the screen of {thing} stays black",
            "your website does not load on my phone",
        ],
    ),
    (
        "product_question",
        &[
            "does {thing} work with a mac",
            "what is the battery life of {thing}",
            "is {thing} waterproof",
            "which size of {thing} should i take",
            "what colours does {thing} come in",
        ],
    ),
    (
        "cancel_subscription",
        &[
            "end my subscription",
            "i want to stop the monthly plan",
            "please do not renew my membership",
            "how do i unsubscribe from the premium plan",
        ],
    ),
    (
        "upgrade_plan",
        &[
            "i would like to move to the bigger plan",
            "how much is the premium plan",
            "upgrade my membership please",
            "can i switch to the yearly plan",
        ],
    ),
    (
        "complaint",
        &[
            "your service was terrible",
            "nobody answers my mails, this is unacceptable",
            "i am very disappointed with {thing}",
            "i want to speak to a manager",
            "the driver was rude to me",
        ],
    ),
    (
        "praise",
        &[
            "thank you, {thing} is wonderful",
            "great support, keep it up",
            "i love {thing}",
            "your team solved it in minutes, thanks a lot",
            "best shop i have used so far",
        ],
    ),
];
const THINGS: [&str; 16] = [
    "the blender",
    "a pair of headphones",
    "the blue jacket",
    "my new phone",
    "the coffee machine",
    "the office chair",
    "a desk lamp",
    "the running shoes",
    "the tablet",
    "the vacuum cleaner",
    "a keyboard",
    "the garden hose",
    "the tent",
    "my backpack",
    "the smart watch",
    "the rice cooker",
];
const OPENERS: [&str; 8] = [
    "",
    "hello, ",
    "hi there, ",
    "good morning, ",
    "dear team, ",
    "please help, ",
    "quick question, ",
    "hey, ",
];
const CLOSERS: [&str; 8] = [
    "",
    " thanks",
    " please answer soon",
    " this is urgent",
    " kind regards",
    " i have been waiting for days",
    " thank you in advance",
    " it is the second time i ask",
];
const FIRST: [&str; 10] =
    ["maria", "james", "aisha", "wei", "olga", "peter", "lucia", "tomas", "nora", "ivan"];
const LAST: [&str; 10] =
    ["schmidt", "okafor", "tanaka", "rossi", "novak", "garcia", "larsen", "dubois", "kowalski", "brown"];

/// A ticket writer: same seed, same tickets.
pub(crate) struct Writer {
    rng: ChaCha12Rng,
}

impl Writer {
    /// A writer whose tickets depend on `seed` alone.
    pub(crate) fn new(seed: u64) -> Self {
        Self { rng: ChaCha12Rng::seed_from_u64(seed) }
    }

    /// The next ticket with its intent; every third carries an identifier, noted in `planted`, every tenth a typing
    /// mistake, and every twelfth mentions a second matter, so that the student has something to be unsure of.
    pub(crate) fn ticket(&mut self, planted: &mut Vec<String>) -> Pair {
        let (label, body) = self.matter();
        let mut text = format!("{}{body}", self.pick(&OPENERS));
        if self.below(12) == 0 {
            text = format!("{text}, and {}", self.matter().1);
        }
        if self.below(10) == 0 {
            let at = self.below(text.len());
            text.remove(at);
        }
        text.push_str(self.pick(&CLOSERS));
        if self.below(3) == 0 {
            text.push_str(&self.identifier(planted));
        }
        Pair { text, label: label.to_owned() }
    }

    /// An intent and a sentence that means it.
    fn matter(&mut self) -> (&'static str, String) {
        let (label, templates) = INTENTS[self.below(INTENTS.len())];
        (label, self.pick(templates).replace("{thing}", self.pick(&THINGS)))
    }

    /// A clause with an invented identifier.
    pub(crate) fn identifier(&mut self, planted: &mut Vec<String>) -> String {
        let (clause, value) = match self.below(5) {
            0 => ("my mail is", self.email()),
            1 => ("call me at", format!("+1 212-{}-{}", 556 + self.below(400), 1_000 + self.below(9_000))),
            2 => ("my card is", self.card()),
            3 => (
                "my social security number is",
                format!("{}-{}-{}", 512 + self.below(100), 21 + self.below(70), 1_000 + self.below(9_000)),
            ),
            _ => ("my patient number is MRN", format!("P{}", 20_000_000 + self.below(70_000_000))),
        };
        planted.push(value.clone());
        format!(", {clause} {value}")
    }

    /// An invented e-mail address.
    pub(crate) fn email(&mut self) -> String {
        format!(
            "{}.{}{}@mail-{}.com",
            self.pick(&FIRST),
            self.pick(&LAST),
            100 + self.below(900),
            10 + self.below(90)
        )
    }

    /// A card number with a right Luhn digit.
    fn card(&mut self) -> String {
        let mut digits: Vec<u32> = "453201".chars().filter_map(|c| c.to_digit(10)).collect();
        digits.extend((0..9).map(|_| self.below(10) as u32));
        let sum: u32 = digits
            .iter()
            .rev()
            .enumerate()
            .map(|(i, &d)| if i % 2 == 0 { d * 2 / 10 + d * 2 % 10 } else { d })
            .sum();
        digits.push((10 - sum % 10) % 10);
        digits.iter().map(u32::to_string).collect()
    }

    fn below(&mut self, n: usize) -> usize {
        (self.rng.next_u64() % n as u64) as usize
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}
