//! Words that say what the value after them is: in running text, and as keys of JSON.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::kind::{Evidence, Finding, Type};
use super::number::unit_follows;
use super::token::{Token, after, before, in_token, stands_alone};

/// How much a label says by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Say {
    /// The next code is the value.
    Strong,
    /// Only with `number`, `no`, `#`, `:` or the like between.
    Weak,
    /// Vouches for shapes of its family near it, and labels no value itself.
    Family,
}

struct Label {
    word: &'static str,
    ty: Type,
    family: &'static str,
    say: Say,
}

const fn say(word: &'static str, ty: Type, family: &'static str, say: Say) -> Label {
    Label { word, ty, family, say }
}

/// Labels in lower case.
#[rustfmt::skip]
const LABELS: &[Label] = &[
    say("mrn", Type::MRN, "mrn", Say::Strong), say("medical record", Type::MRN, "mrn", Say::Weak),
    say("patient id", Type::MRN, "mrn", Say::Strong), say("patient number", Type::MRN, "mrn", Say::Strong),
    say("chart no", Type::MRN, "mrn", Say::Strong), say("chart number", Type::MRN, "mrn", Say::Strong),
    say("patientennummer", Type::MRN, "mrn", Say::Strong), say("patient", Type::MRN, "mrn", Say::Weak),
    say("encounter", Type::MRN, "mrn", Say::Weak), say("hospital number", Type::MRN, "mrn", Say::Strong),
    say("numéro de dossier", Type::MRN, "mrn", Say::Strong), say("historia clínica", Type::MRN, "mrn", Say::Weak),
    say("health plan", Type::HEALTH_PLAN, "health", Say::Weak), say("member id", Type::HEALTH_PLAN, "health", Say::Strong),
    say("beneficiary", Type::HEALTH_PLAN, "health", Say::Weak), say("subscriber", Type::HEALTH_PLAN, "health", Say::Weak),
    say("insurance", Type::HEALTH_PLAN, "health", Say::Weak), say("policy", Type::HEALTH_PLAN, "health", Say::Weak),
    say("versichertennummer", Type::HEALTH_PLAN, "health", Say::Strong), say("krankenkasse", Type::HEALTH_PLAN, "health", Say::Family),
    say("kvnr", Type::HEALTH_PLAN, "health", Say::Strong), say("mbi", Type::HEALTH_PLAN, "medicare", Say::Strong),
    say("medicare", Type::HEALTH_PLAN, "medicare", Say::Weak), say("medicaid", Type::HEALTH_PLAN, "medicare", Say::Weak),
    say("group", Type::HEALTH_PLAN, "health", Say::Family),
    say("account", Type::ACCOUNT, "account", Say::Weak), say("acct", Type::ACCOUNT, "account", Say::Weak),
    say("konto", Type::ACCOUNT, "account", Say::Weak), say("kontonummer", Type::ACCOUNT, "account", Say::Strong),
    say("cuenta", Type::ACCOUNT, "account", Say::Weak), say("compte", Type::ACCOUNT, "account", Say::Weak),
    say("bank", Type::ACCOUNT, "account", Say::Family), say("sort code", Type::ACCOUNT, "account", Say::Strong),
    say("customer", Type::ACCOUNT, "account", Say::Weak), say("kundennummer", Type::ACCOUNT, "account", Say::Strong),
    say("client id", Type::ACCOUNT, "account", Say::Weak), say("iban", Type::ACCOUNT, "iban", Say::Weak),
    say("routing", Type::ABA_ROUTING_NUMBER, "aba", Say::Family), say("aba", Type::ABA_ROUTING_NUMBER, "aba", Say::Family),
    say("card", Type::ID, "card", Say::Weak), say("license", Type::LICENSE_ID, "license", Say::Weak),
    say("licence", Type::LICENSE_ID, "license", Say::Weak), say("certificate", Type::LICENSE_ID, "license", Say::Weak),
    say("dea", Type::LICENSE_ID, "license", Say::Weak), say("npi", Type::LICENSE_ID, "npi", Say::Strong),
    say("provider", Type::LICENSE_ID, "npi", Say::Family),
    say("driver", Type::LICENSE_ID, "driver", Say::Family), say("driving", Type::LICENSE_ID, "driver", Say::Family),
    say("license", Type::LICENSE_ID, "driver", Say::Family), say("licence", Type::LICENSE_ID, "driver", Say::Family),
    say("führerschein", Type::LICENSE_ID, "driver", Say::Family), say("fahrerlaubnis", Type::LICENSE_ID, "driver", Say::Family),
    say("patente", Type::LICENSE_ID, "driver", Say::Family), say("permis", Type::LICENSE_ID, "driver", Say::Family),
    say("passport", Type::LICENSE_ID, "passport", Say::Weak), say("passports", Type::LICENSE_ID, "passport", Say::Family),
    say("reisepass", Type::LICENSE_ID, "passport", Say::Family), say("pass-nr", Type::LICENSE_ID, "passport", Say::Strong),
    say("pasaporte", Type::LICENSE_ID, "passport", Say::Weak), say("passaporto", Type::LICENSE_ID, "passport", Say::Weak),
    say("passeport", Type::LICENSE_ID, "passport", Say::Weak), say("travel document", Type::LICENSE_ID, "passport", Say::Weak),
    say("ausweis", Type::LICENSE_ID, "id card", Say::Weak), say("personalausweis", Type::LICENSE_ID, "id card", Say::Weak),
    say("identity card", Type::LICENSE_ID, "id card", Say::Weak), say("carta d'identità", Type::LICENSE_ID, "id card", Say::Weak),
    say("national id", Type::ID, "national", Say::Weak), say("dni", Type::ID, "national", Say::Family),
    say("nif", Type::ID, "national", Say::Family), say("nie", Type::ID, "national", Say::Family),
    say("nric", Type::ID, "national", Say::Strong), say("hetu", Type::ID, "national", Say::Family),
    say("tckn", Type::ID, "national", Say::Strong), say("kimlik", Type::ID, "national", Say::Family),
    say("thai id", Type::ID, "national", Say::Weak), say("south african", Type::ID, "national", Say::Family),
    say("pesel", Type::ID, "pesel", Say::Strong), say("nin", Type::ID, "nin", Say::Weak),
    say("aadhaar", Type::ID, "aadhaar", Say::Strong), say("rrn", Type::ID, "rrn", Say::Strong),
    say("frn", Type::ID, "rrn", Say::Strong), say("brn", Type::ID, "brn", Say::Strong),
    say("uen", Type::ID, "uen", Say::Strong), say("nhs", Type::ID, "nhs", Say::Weak),
    say("nino", Type::ID, "nino", Say::Strong), say("national insurance", Type::ID, "nino", Say::Weak),
    say("personnummer", Type::ID, "se", Say::Strong), say("orgnummer", Type::ID, "se", Say::Strong),
    say("ssn", Type::ID, "ssn", Say::Strong), say("social security", Type::ID, "ssn", Say::Weak),
    say("itin", Type::ID, "ssn", Say::Strong), say("tax id", Type::ID, "tin", Say::Weak),
    say("tin", Type::ID, "tin", Say::Weak), say("sin", Type::ID, "sin", Say::Weak), say("nas", Type::ID, "sin", Say::Weak),
    say("tfn", Type::ID, "tfn", Say::Strong), say("abn", Type::ID, "abn", Say::Strong), say("acn", Type::ID, "acn", Say::Weak),
    say("steuer-id", Type::ID, "tax", Say::Strong), say("idnr", Type::ID, "tax", Say::Strong),
    say("steuernummer", Type::ID, "tax", Say::Strong), say("codice fiscale", Type::ID, "tax", Say::Weak),
    say("partita iva", Type::ID, "vat", Say::Strong), say("vat", Type::ID, "vat", Say::Weak),
    say("ust-idnr", Type::ID, "vat", Say::Strong), say("gstin", Type::ID, "tax", Say::Strong), say("pan", Type::ID, "tax", Say::Weak),
    say("lanr", Type::ID, "lanr", Say::Strong), say("arztnummer", Type::ID, "lanr", Say::Strong),
    say("bsnr", Type::ID, "bsnr", Say::Strong), say("betriebsstättennummer", Type::ID, "bsnr", Say::Strong),
    say("rvnr", Type::ID, "social", Say::Strong), say("voter", Type::ID, "voter", Say::Weak),
    say("handelsregister", Type::ID, "register", Say::Family),
    say("plate", Type::LICENSE_ID, "vehicle", Say::Weak), say("plates", Type::LICENSE_ID, "vehicle", Say::Family),
    say("registration", Type::LICENSE_ID, "vehicle", Say::Weak), say("kennzeichen", Type::LICENSE_ID, "vehicle", Say::Family),
    say("plaka", Type::LICENSE_ID, "vehicle", Say::Family), say("plakası", Type::LICENSE_ID, "vehicle", Say::Family),
    say("vehicles", Type::LICENSE_ID, "vehicle", Say::Family), say("car reg", Type::LICENSE_ID, "vehicle", Say::Family),
    say("vin", Type::ID, "vehicle", Say::Weak), say("postcode", Type::ID, "post", Say::Family),
    say("address", Type::ID, "post", Say::Family), say("live in", Type::ID, "post", Say::Family),
    say("imei", Type::DEVICE_ID, "imei", Say::Strong), say("serial", Type::DEVICE_ID, "device", Say::Weak),
    say("device id", Type::DEVICE_ID, "device", Say::Strong), say("udid", Type::DEVICE_ID, "device", Say::Strong),
    say("order", Type::ID, "order", Say::Weak), say("ticket", Type::ID, "order", Say::Weak), say("invoice", Type::ID, "order", Say::Weak),
    say("booking", Type::ID, "order", Say::Weak), say("confirmation", Type::ID, "order", Say::Weak),
    say("tracking", Type::ID, "order", Say::Weak), say("case", Type::ID, "order", Say::Weak), say("claim", Type::ID, "order", Say::Weak),
    say("reference", Type::ID, "order", Say::Weak), say("employee", Type::ID, "order", Say::Weak),
    say("transaction", Type::ID, "order", Say::Weak), say("student id", Type::ID, "order", Say::Weak),
    say("phone", Type::PHONE, "phone", Say::Weak), say("tel", Type::PHONE, "phone", Say::Weak), say("telephone", Type::PHONE, "phone", Say::Weak),
    say("mobile", Type::PHONE, "phone", Say::Weak), say("cell", Type::PHONE, "phone", Say::Weak), say("fax", Type::PHONE, "phone", Say::Weak),
    say("telefon", Type::PHONE, "phone", Say::Weak), say("handy", Type::PHONE, "phone", Say::Weak), say("teléfono", Type::PHONE, "phone", Say::Weak),
    say("cvv", Type::CVV, "cvv", Say::Strong), say("cvc", Type::CVV, "cvv", Say::Strong), say("cvv2", Type::CVV, "cvv", Say::Strong),
    say("security code", Type::CVV, "cvv", Say::Strong), say("exp", Type::EXPIRY, "expiry", Say::Strong),
    say("expiry", Type::EXPIRY, "expiry", Say::Strong), say("expires", Type::EXPIRY, "expiry", Say::Strong),
    say("expiration", Type::EXPIRY, "expiry", Say::Strong), say("valid thru", Type::EXPIRY, "expiry", Say::Strong),
];

/// Words that may stand between a weak label and its value, and make it a label at all.
const NUMBERED: &[&[u8]] = &[
    b"number",
    b"numbers",
    b"no",
    b"nr",
    b"num",
    b"id",
    b"code",
    b"identifier",
    b"nummer",
    b"num\xc3\xa9ro",
    b"ref",
    b"key",
];
const FILLERS: &[&[u8]] =
    &[b"is", b"was", b"the", b"for", b"of", b"my", b"ist", b"es", b"est", b"at", b"on", b"are", b"card"];

/// How far before a value its label may stand.
const WINDOW: usize = 24;

static ENGINE: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .match_kind(MatchKind::Standard)
        .ascii_case_insensitive(true)
        .build(LABELS.iter().map(|label| label.word))
        .ok()
});

struct Hit {
    start: usize,
    end: usize,
    label: &'static Label,
}

/// The labels of a text.
pub(crate) struct Labels {
    hits: Vec<Hit>,
    /// The family of the JSON key that the whole text stands under.
    key: Option<&'static Label>,
}

impl Labels {
    pub(crate) fn find(text: &[u8], key: &str) -> Self {
        let mut hits = Vec::new();
        if let Some(engine) = ENGINE.as_ref() {
            for m in engine.find_overlapping_iter(text) {
                if stands_alone(text, m.start(), m.end()) {
                    hits.push(Hit { start: m.start(), end: m.end(), label: &LABELS[m.pattern().as_usize()] });
                }
            }
        }
        hits.sort_unstable_by_key(|hit| hit.start);
        Self { hits, key: key_label(key) }
    }

    /// Does a label of this family stand near the range, on the same line?
    pub(crate) fn vouch(&self, text: &[u8], start: usize, end: usize, family: &str) -> bool {
        self.key.is_some_and(|label| label.family == family)
            || self.near(start, end).iter().any(|hit| {
                let (from, to) = if hit.end <= start { (hit.end, start) } else { (end, hit.start) };
                hit.label.family == family
                    && from <= to
                    && to - from <= 48
                    && !text[from..to].contains(&b'\n')
            })
    }

    /// The labels that begin within reach of the range.
    fn near(&self, start: usize, end: usize) -> &[Hit] {
        let first = self.hits.partition_point(|hit| hit.start + 80 < start);
        let last = self.hits.partition_point(|hit| hit.start <= end + 48);
        &self.hits[first.min(last)..last]
    }

    /// The values that labels point at.
    pub(crate) fn values(&self, text: &[u8], tokens: &[Token], out: &mut Vec<Finding>) {
        for hit in &self.hits {
            if hit.label.say != Say::Family {
                self.value_after(hit, text, tokens, out);
            }
        }
        if let Some(label) = self.key.filter(|label| label.say != Say::Family) {
            let first = tokens.iter().position(|t| t.digits > 0);
            if let Some(i) = first {
                push(label, text, tokens, i, out);
            }
        }
    }

    fn value_after(&self, hit: &Hit, text: &[u8], tokens: &[Token], out: &mut Vec<Finding>) {
        let mut named = hit.label.say == Say::Strong;
        let first = tokens.partition_point(|t| t.start < hit.end);
        let mut from = hit.end;
        for (i, token) in tokens.iter().enumerate().skip(first) {
            let gap = &text[from..token.start];
            if token.start - hit.end > WINDOW || gap.contains(&b'\n') {
                return;
            }
            named |= gap.iter().any(|b| b":#=".contains(b));
            if token.digits > 0 || self.prefix(token, text, tokens.get(i + 1)) {
                if named {
                    push(hit.label, text, tokens, i, out);
                }
                return;
            }
            let word = token.of(text).to_ascii_lowercase();
            named |= NUMBERED.contains(&word.as_slice());
            if hit.label.say == Say::Weak
                && !NUMBERED.contains(&word.as_slice())
                && !FILLERS.contains(&word.as_slice())
            {
                return;
            }
            from = token.end;
        }
    }

    /// A site prefix: `UH-0012345`.
    fn prefix(&self, token: &Token, text: &[u8], next: Option<&Token>) -> bool {
        let joined = next.is_some_and(|n| n.start == token.end + 1 && n.digits >= 3);
        joined && matches!(after(text, token.end), b'-' | b'_' | b'/') && token.len() <= 6
    }
}

/// One value that begins at token `i`.
fn push(label: &Label, text: &[u8], tokens: &[Token], i: usize, out: &mut Vec<Finding>) {
    let start = tokens[i].start;
    let mut last = i;
    while let Some(next) = tokens.get(last + 1) {
        let gap = &text[tokens[last].end..next.start];
        let grouped = gap == b" " && next.is_number() && tokens[last].is_number() && next.len() >= 3;
        let joined = gap.len() == 1 && b"-_./".contains(&gap[0]);
        if !(joined || grouped) || next.end - start > 24 {
            break;
        }
        last += 1;
    }
    let end = tokens[last].end;
    let digits: usize = tokens[i..=last].iter().map(|t| t.digits).sum();
    let len = end - start;
    let value = &text[start..end];
    let fits = if label.ty == Type::CVV {
        (3..=4).contains(&len) && digits == len
    } else if label.ty == Type::EXPIRY {
        (4..=7).contains(&len) && digits >= 3 && value.iter().any(|b| matches!(b, b'/' | b'-'))
    } else if label.ty == Type::PHONE {
        (7..=20).contains(&len) && digits >= 7
    } else {
        (4..=24).contains(&len) && digits >= 3 && !amount(label, text, start, end)
    };
    let dated = super::date::is_date(value) && label.ty != Type::EXPIRY;
    if fits && !dated && before(text, start) != b'$' && !in_token(after(text, end)) {
        out.push(Finding::new(start, end, label.ty, Evidence::Label));
    }
}

/// A year or a quantity after a weak label is no identifier.
fn amount(label: &Label, text: &[u8], start: usize, end: usize) -> bool {
    let value = &text[start..end];
    let year =
        value.len() == 4 && matches!(&value[..2], b"19" | b"20") && value.iter().all(u8::is_ascii_digit);
    let unit = after(text, end) == b'%' || unit_follows(text, end);
    // `order: 1500` counts things.
    let few = label.family == "order" && value.len() < 5 && value.iter().all(u8::is_ascii_digit);
    label.say == Say::Weak && (year || unit || few)
}

/// The label that a JSON key is: `patient_id`, `patientId`, `Account No`.
fn key_label(key: &str) -> Option<&'static Label> {
    if key.is_empty() || key.len() > 40 {
        return None;
    }
    let mut words = String::with_capacity(key.len() + 4);
    let mut lower = false;
    for c in key.chars() {
        if !c.is_alphanumeric() {
            words.push(' ');
        } else {
            if c.is_uppercase() && lower {
                words.push(' ');
            }
            words.extend(c.to_lowercase());
        }
        lower = c.is_lowercase();
    }
    let bare = words.trim();
    let suffixes = [" number", " no", " id", " num", " nr", " code", " key"];
    let stem = suffixes.iter().find_map(|suffix| bare.strip_suffix(suffix));
    let named = |word: &str, weak: bool| {
        LABELS.iter().find(|label| {
            label.word == word && label.say != Say::Family && (weak || label.say == Say::Strong)
        })
    };
    // A weak label counts as a key only with its suffix, for `case`, `order` and `card` name many things.
    let plain = ["phone", "mobile", "fax", "tel", "telephone", "account", "passport", "ssn", "iban"];
    named(bare, plain.contains(&bare)).or_else(|| stem.and_then(|stem| named(stem, true)))
}

/// Is this the key of an identifying number?
pub(crate) fn identifies(key: &str) -> Option<Type> {
    key_label(key).map(|label| label.ty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::token::tokens;

    fn check(text: &str, key: &str) -> Vec<String> {
        let bytes = text.as_bytes();
        let mut out = Vec::new();
        Labels::find(bytes, key).values(bytes, &tokens(bytes), &mut out);
        out.iter().map(|f| format!("{} {}", f.ty, &text[f.start..f.end])).collect()
    }

    #[test]
    fn labels_point_at_values() {
        for (text, key, want) in [
            ("redact PHI: John Doe MRN 8847", "", "MRN 8847"),
            ("MRN: UH-0012345, seen", "", "MRN UH-0012345"),
            ("my account number is 1234 5678 90", "", "ACCOUNT 1234 5678"),
            ("Order #A-10293", "", "ID A-10293"),
            ("cvv 123", "", "CVV 123"),
            ("exp 04/27", "", "EXPIRY 04/27"),
            ("884712", "mrn", "MRN 884712"),
            ("884712", "patientId", "MRN 884712"),
            ("12345678", "account_no", "ACCOUNT 12345678"),
        ] {
            assert!(check(text, key).iter().any(|f| f == want), "{text}: {:?}", check(text, key));
        }
        for text in [
            "how often should i order 3000 checks",
            "my account has 5000 dollars",
            "license from 2014",
            "order of 300 units",
            "what is the case in 2019",
            "account 401k",
        ] {
            assert_eq!(check(text, ""), Vec::<String>::new(), "{text}");
        }
    }
}
