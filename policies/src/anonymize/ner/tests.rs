//! The model on texts, the chain against its definition, the reader on anything.

use proptest::prelude::*;

use super::lattice::{Links, TAGS, exp};
use super::*;

fn found(text: &str) -> Vec<(String, &'static str)> {
    let folded = fold(text);
    let mut out = Vec::new();
    find(&folded, &mut out);
    out.retain(|f| f.score >= 40);
    out.iter().map(|f| (folded[f.start..f.end].to_owned(), f.ty.as_str())).collect()
}

#[test]
fn names_and_places_in_many_forms() {
    for (text, want, ty) in [
        ("redact PHI: John Doe MRN 8847", "John Doe", "NAME"),
        ("wife marlene says he fell", "marlene", "NAME"),
        ("PATIENT JOHNATHAN KRZYZEWSKI SEEN TODAY", "JOHNATHAN KRZYZEWSKI", "NAME"),
        ("Ich bin Annelies Krautwurst.", "Annelies Krautwurst", "NAME"),
        ("Наталья Кривошеева переехала в Краснодар.", "Краснодар", "CITY"),
        ("田村直子さんは仙台市に住んでいます。", "田村直子", "NAME"),
        ("She was admitted to Lakeview Manor.", "Lakeview Manor", "FACILITY"),
        ("He moved to Portugal.", "Portugal", "COUNTRY"),
    ] {
        assert!(found(text).contains(&(want.to_owned(), ty)), "{text}: {:?}", found(text));
    }
}

#[test]
fn questions_without_a_person_stay() {
    for text in [
        "What are the side effects of metformin in patients with Hashimoto thyroiditis?",
        "How do I taper Klonopin in an elderly patient with Lewy body dementia?",
        "HISTORY OF PRESENT ILLNESS: THE PATIENT IS A PLEASANT FEMALE WITH HYPERTENSION.",
        "charged 12.50 EUR",
        "transfer",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn the_version_names_the_model() {
    assert!(ready() && version().len() == 8 && version().bytes().all(|b| b.is_ascii_hexdigit()));
}

#[test]
fn the_exponential_is_close() {
    for i in -300..300_i16 {
        let x = f32::from(i) / 10.0;
        assert!((exp(x) / x.exp() - 1.0).abs() < 1e-4, "{x}");
    }
}

#[test]
fn shares_are_those_of_all_paths() {
    let mut links = Links::zero();
    links.outer[16][0] = 0.7;
    links.outer[0][8] = -0.4;
    links.inner[1][0] = 0.3;
    let factors = links.factors();
    let mut lattice = Lattice::default();
    lattice.resize(2);
    for (t, row) in lattice.factors.iter_mut().enumerate() {
        row.iter_mut().enumerate().for_each(|(tag, f)| *f = 1.0 + ((tag * 7 + t * 3) % 5) as f32);
    }
    lattice.run(&factors);
    // Two tokens: both are open tags, or the first begins what the second ends.
    let (mut all, mut whole) = (0.0, 0.0);
    for from in 0..=TAGS {
        for to in 0..=TAGS {
            let open = |tag: usize| if tag >= S { Some(tag - 2 * K) } else { None };
            let start = factors.outer[16][open(from).unwrap_or(from % K)];
            let step = match (open(from), open(to)) {
                (Some(a), Some(b)) => factors.outer[a][b],
                (None, None) if from < I && to == from + E => factors.inner[1][from],
                _ => continue,
            };
            let weight = start * lattice.factors[0][from] * step * lattice.factors[1][to];
            all += weight;
            whole += if from == B { weight } else { 0.0 };
        }
    }
    assert!((lattice.marginals(0)[B] - whole / all).abs() < 1e-4);
}

#[test]
fn sums_from_memory_are_those_of_all_features() {
    let tagger = Tagger::new(MODEL, LISTS).unwrap();
    let mut desk = Desk::default();
    for text in [
        "Dear Ann, your father JOHN DOE was seen on 5 May; Ann Doe, DOB: 1/2/1950.\nPlease call Dr. Doe.",
        "田中さんは東京に住む。田中さん、東京。\n\nthe the the a the",
        "x",
    ] {
        let mut reader = Reader::new(text, &tagger.lists);
        while reader.next(&mut desk.piece) {
            desk.add_up(&tagger.model);
            for (at, sums) in desk.sums.iter().enumerate() {
                let want = tagger.model.sums(&Features::of(&desk.piece, at));
                assert_eq!(*sums, want, "{text}: {at}");
            }
        }
    }
}

#[test]
fn wide_registers_change_no_bit() {
    let tagger = Tagger::new(MODEL, LISTS).unwrap();
    let [mut wide, mut narrow] = [Desk::default(), Desk::default()];
    let text =
        "Dear Ann, your father JOHN DOE of 12 Elm Street, Tulsa was seen on 5 May; 田中さんは東京に住む。";
    for desk in [&mut wide, &mut narrow] {
        assert!(Reader::new(text, &tagger.lists).next(&mut desk.piece));
    }
    tagger.model.run(&mut wide);
    tagger.model.run_here(&mut narrow);
    let bits = |desk: &Desk| -> Vec<u32> {
        let all = desk.lattice.forward.iter().chain(&desk.lattice.backward).flatten();
        all.map(|share| share.to_bits()).collect()
    };
    assert_eq!(bits(&wide), bits(&narrow));
}

proptest! {
    #[test]
    fn the_reader_covers_every_letter_and_digit(text in "[a-zA-Z0-9é×Ãמ田かカ김ก์ाक.,:' \n\t-]{0,600}") {
        let lists = Gazetteer::default();
        let mut reader = Reader::new(&text, &lists);
        let (mut piece, mut at) = (Piece::default(), 0);
        while reader.next(&mut piece) {
            for token in &piece.tokens {
                prop_assert!(token.start as usize >= at && token.end > token.start);
                prop_assert!(!text[at..token.start as usize].chars().any(char::is_alphanumeric));
                at = token.end as usize;
            }
        }
        prop_assert!(!text[at..].chars().any(char::is_alphanumeric));
    }
}
