//! Rates over the texts of `../shared/data`, and the speed; skipped with a line where the texts are absent.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use super::*;
use crate::anonymize::detect::{Place, detect};
use crate::anonymize::fold::Folded;

#[expect(clippy::disallowed_methods, reason = "these tests are about time")]
fn start() -> Instant {
    Instant::now()
}

fn lines(name: &str) -> Option<Vec<Value>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(name);
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()),
        Err(_) => {
            eprintln!("skipped: {} is absent", path.display());
            None
        }
    }
}

#[test]
fn short_utterances_stay_and_labels_always() {
    let Some(rows) = lines("clinc150/train.jsonl") else { return };
    // Questions about the world: countries and firms in them are nobody's. Cities, days and hours are meant to be found.
    let keep = "types = { CITY = \"keep\", DATE = \"keep\", TIME = \"keep\" }";
    let policy =
        Policy::parse(&format!("schema = 1\nname = \"x\"\nextends = \"open-domain\"\n{keep}")).unwrap();
    let mut touched = Vec::new();
    for row in &rows {
        let (text, label) = (row["text"].as_str().unwrap(), row["label"].as_str().unwrap());
        let exchange = talk(text, label);
        let (done, _) = anonymize(&exchange, &policy, &Salt([1; 32])).unwrap();
        assert_eq!(done.reply().as_bytes(), exchange.reply, "{label}");
        if done.request().as_bytes() != exchange.request {
            touched.push(text);
        }
    }
    eprintln!("clinc150: {} of {} texts touched", touched.len(), rows.len());
    for text in touched.iter().take(40) {
        eprintln!("  {text}");
    }
    assert!(touched.len() * 100 < rows.len() * 6, "6 % or more touched");
}

/// Types of the file under our names, as far as structured identifiers go.
fn ours(entity: &str) -> Option<&'static str> {
    Some(match entity {
        "EMAIL_ADDRESS" => "EMAIL",
        "PHONE_NUMBER" | "TR_PHONE_NUMBER" | "PH_MOBILE_NUMBER" => "PHONE",
        // Later detectors: names, places, bare postcodes and months.
        "PERSON" | "DATE_TIME" | "DE_PLZ" | "LOCATION" | "" => return None,
        other => Type::named(other)?.as_str(),
    })
}

#[test]
fn recognizer_cases() {
    let Some(rows) = lines("pii/recognizer_cases.jsonl") else { return };
    let policy = Policy::preset("default").unwrap();
    let mut table: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    for row in &rows {
        let entities: Vec<&str> =
            row["entities"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let [entity] = entities.as_slice() else { continue };
        let (Some(ty), text) = (ours(entity), row["text"].as_str().unwrap()) else { continue };
        let folded = Folded::of(text);
        let found = detect(folded.text(), "", Place::Text, &policy);
        let masked: Vec<_> = found.iter().filter(|f| f.score >= policy.mask_at).collect();
        let cell = table.entry(ty).or_default();
        if row["expected"].as_u64().unwrap() > 0 {
            cell[0] += 1;
            cell[1] += usize::from(!masked.is_empty());
            if masked.is_empty() {
                eprintln!("  missed {ty}: {text:?}");
            }
        } else {
            cell[2] += 1;
            let typed = masked.iter().any(|f| f.ty.as_str() == ty);
            cell[3] += usize::from(!typed);
            if typed {
                eprintln!("  typed {ty}: {text:?}");
            }
        }
    }
    let sum = table.values().fold([0; 4], |s, c| [s[0] + c[0], s[1] + c[1], s[2] + c[2], s[3] + c[3]]);
    eprintln!(
        "recognizer cases: {} of {} positives masked, {} of {} negatives not typed",
        sum[1], sum[0], sum[3], sum[2]
    );
    assert!(sum[1] * 100 >= sum[0] * 97, "positives");
    assert!(sum[3] * 100 >= sum[2] * 97, "negatives");
}

#[rustfmt::skip]
const HOSTILE: &[&str] = &[
    "A-B-C-D ", "Ann de la Berg ", "lot FL4471, ", "ann_berg_2024.jpg ", "a Cree ", "at 11a ", "half past ", "Apt 3, ", "Frey, Kehr, ",
    "a.", "@a", "a@", "https://", "(", "1 ", "12-", "1.", "mrn ", "ssn 123 ", "key=",
    "-----BEGIN PRIVATE KEY-----", "eyJ", "::", "a:", "+1 ", "(0", "may ", "1/1/", "A1 ", "DE89 ", "%41",
    "``` ", "\u{430}a ", "e\u{301}\u{301}", "at dot ", "4111 1111 ", "a b (at) ", "order no ", "00:", "[",
    "kind: Secret\n", "kind: Secret\ndata:\n  a: b\n", "cookie: a=", "password ", "://a:b", "token(\"", "authorization: ", "aws secret ",
    "x-api-key: ", "mysql -p", "| a |\n|---|\n", "a,b\n", "key: ", "\"\",", "sk-", "seed phrase: a ", "-----BEGIN PRIVATE KEY-----\nAAAA",
    "{\"a\":", "password is ", "aB3", "https://a.b/)))", "cvv ", "20",
    "address is 1 ", "ООО «", "บริษัท", "arn:aws:", "user a logged in ", "有限公司", "路1号", "call me on ", "booking ", "mother ann ", "d/w ann ", "ask luz to ", "a: b\n", "last: a first: ", "Min-jun ", "a-a, a 1/1/20 ", "구 1-",
    "1.5 L, ", "3/18. -, ", "Oslo.", "07/28, код ",
];

/// Texts made to be slow: repeats of what begins a match and never ends it.
#[test]
fn hostile_texts_take_no_longer_than_others() {
    let policy = Policy::preset("hipaa").unwrap();
    for unit in HOSTILE {
        let exchange = talk(&unit.repeat(300_000 / unit.len()), "ok");
        let started = start();
        drop(anonymize(&exchange, &policy, &Salt([1; 32])));
        let took = started.elapsed().as_millis();
        if took > 150 {
            eprintln!("  {unit:?}: {took} ms");
        }
        assert!(took < 4_000, "{unit:?}: {took} ms for 300 kB");
    }
}

#[test]
fn a_kilobyte_takes_microseconds() {
    let text = "I would like to know whether the order that I placed last week for 12 chairs has left the depot, \
                because my neighbour said that nobody came by. Please write to ann.b@acme.co or call (415) 832-2671. "
        .repeat(5);
    let exchange =
        talk(&text, "It left the depot yesterday and will arrive on Monday between 9 and 11 o'clock.");
    let policy = Policy::preset("default").unwrap();
    let once = || anonymize(&exchange, &policy, &Salt([1; 32])).unwrap();
    once();
    let plain = talk(
        &"what is the balance of my savings account and when did it last change, please tell me ".repeat(12),
        "balance",
    );
    let time = |exchange: &Exchange| {
        let mut best = u128::MAX;
        for _ in 0..40 {
            let started = start();
            drop(anonymize(exchange, &policy, &Salt([1; 32])).unwrap());
            best = best.min(started.elapsed().as_nanos());
        }
        best / 1000
    };
    let (dense, plain) = (time(&exchange), time(&plain));
    eprintln!("1 kB with identifiers: {dense} us; 1 kB of plain speech: {plain} us");
    assert!(dense < 2_000 && plain < 1_000, "an order of magnitude above what was measured");
}
