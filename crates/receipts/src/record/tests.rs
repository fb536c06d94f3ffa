//! The byte vectors of the receipts specification, section 12.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::header::{St, open_mac};
use crate::keys::{ChainKey, HeaderKey, unhex};
use crate::merkle::leaf_hash;

const LEAF: &str = r#"{"chain":{"c":0,"e":0,"prev":"0000000000000000000000000000000000000000000000000000000000000000","seq":0},"close":{"bytes_out":10,"cfg":1,"dec":-1,"finish":"stop","outcome":"complete","req":"0d92efa87dc389132a3f091421d4918f8bbae87454b14c6d477584649c868a9c","resp":"0d7256fa59462f840d0fca779a508b4f9e11d210fa1d70d4c69108ba0e1d5c2f","run":"","seed":"","status":200,"t_close":1795219200850,"t_first":1795219200400,"tok_in":8,"tok_out":2,"tries":[],"up_fp":"","up_model":"gpt-4o-mini-2024-07-18"},"open":{"art":"none","boot":"00000000000000b1","ep":"POST /v1/chat/completions","id":"01a1fb67-1800-7000-8000-000000000001","kid":"n1-a","kind":"answer","model":"gpt-4o-mini","node":"n1","ns":"support","route":"support-mini","rt":"cloud","t_open":1795219200000,"try":1,"v":"kr1"},"v":"kr1"}"#;

fn counting(from: u8) -> [u8; 32] {
    std::array::from_fn(|i| from + i as u8)
}

fn open() -> OpenRecord {
    OpenRecord {
        art: "none".into(),
        boot: "00000000000000b1".into(),
        ep: "POST /v1/chat/completions".into(),
        id: "01a1fb67-1800-7000-8000-000000000001".parse().unwrap(),
        kid: "n1-a".into(),
        kind: Kind::Answer,
        model: "gpt-4o-mini".into(),
        node: "n1".into(),
        ns: "support".into(),
        region: String::new(),
        route: "support-mini".into(),
        rt: Rt::Cloud,
        t_open: 1_795_219_200_000,
        try_no: 1,
        v: "kr1".into(),
    }
}

fn close() -> Close {
    Close {
        bytes_out: 10,
        tok_in: 8,
        tok_out: 2,
        finish: "stop".into(),
        req: unhex("0d92efa87dc389132a3f091421d4918f8bbae87454b14c6d477584649c868a9c"),
        resp: unhex("0d7256fa59462f840d0fca779a508b4f9e11d210fa1d70d4c69108ba0e1d5c2f"),
        t_first: Some(Timestamp(1_795_219_200_400)),
        up_model: "gpt-4o-mini-2024-07-18".into(),
        ..Close::new(Outcome::Complete, 200)
    }
}

#[test]
fn a_region_stands_in_the_record_and_none_is_left_out() {
    let bytes = kj1::to_bytes(&OpenRecord { region: "eu".into(), ..open() }).unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(text.contains(r#""ns":"support","region":"eu","route":"support-mini""#), "{text}");
    assert_eq!(serde_json::from_slice::<OpenRecord>(&bytes).unwrap().region, "eu");
    let none = kj1::to_bytes(&open()).unwrap();
    assert!(LEAF.contains(std::str::from_utf8(&none).unwrap()), "an older record reads the same");
    assert_eq!(serde_json::from_slice::<OpenRecord>(&none).unwrap(), open());
}

#[test]
fn the_leaf_of_the_vector() {
    let open = kj1::to_bytes(&open()).unwrap();
    let close = kj1::to_bytes(&close().record(Timestamp(1_795_219_200_850), 1, -1)).unwrap();
    let leaf = request_leaf(0, 0, &[0; 32], 0, &open, &close);
    assert_eq!(String::from_utf8(leaf.clone()).unwrap(), LEAF);
    assert_eq!(leaf.len(), 782);

    let header = HeaderKey::new("n1-a", &counting(0)).unwrap();
    assert_eq!(STANDARD.encode(open_mac(&header, St::Open, &open)), "SN6YnCDEl8hsmylvpFhYfA==");
    let hash = leaf_hash(&leaf);
    assert_eq!(hex(&hash), "4464886d402e48499154defeae38cc14ce4d6fe19f107a35c8fb70c36bafff59");
    let chain = ChainKey::new(0, &counting(0x20));
    assert_eq!(
        hex(&chain.leaf_mac(&hash)),
        "6a91e7896a9e6d5df1318f4181959f52ca199bd1f1b93819069702c4ac450d91"
    );
    let next = unhex("1b3a6e2fdac4fd5ae28cfe09455503f1d5e6f9071f2a6b8a722e9a74153dbac0").unwrap();
    assert_eq!(chain.evolve().leaf_mac(&hash), ChainKey::new(1, &next).leaf_mac(&hash));
    assert!(!chain.evolve().verify(&hash, &chain.leaf_mac(&hash)), "re-sealed with the next key");
}

#[test]
fn a_leaf_reads_back_in_slices() {
    let leaf = Leaf::read(LEAF.as_bytes()).unwrap();
    let Body::Request { open: slice, close: closed } = leaf.body else { unreachable!("a request's leaf") };
    assert_eq!(kj1::from_slice::<OpenRecord>(slice).unwrap(), open());
    let closed: CloseRecord = kj1::from_slice(closed).unwrap();
    assert_eq!(closed, close().record(Timestamp(1_795_219_200_850), 1, -1));
    assert_eq!((leaf.chain.c, leaf.chain.seq), (0, 0));
}

#[test]
fn a_control_leaf_reads_back() {
    let ctl = Ctl::Gap { from: 1, to: 2, n: 3, why: "disk full".into() };
    let bytes = kj1::to_bytes(&ctl).unwrap();
    assert_eq!(bytes, br#"{"from":1,"kind":"gap","n":3,"to":2,"why":"disk full"}"#);
    let leaf = control_leaf(0, &[0; 32], 4, &bytes);
    let read = Leaf::read(&leaf).unwrap();
    let Body::Control(body) = read.body else { unreachable!("a control leaf") };
    assert_eq!(kj1::from_slice::<Ctl>(body).unwrap(), ctl);
}

#[test]
fn strange_leaves_are_refused() {
    for (from, to) in [
        ("\"v\":\"kr1\"}", "\"v\":\"kr2\"}"),
        (",\"v\":\"kr1\"}", ",\"v\":\"kr1\",\"w\":1}"),
        ("\"close\"", "\"ctl\""),
        ("\"seq\":0", "\"seq\": 0"),
    ] {
        let bytes = match LEAF.rfind(from) {
            Some(at) => format!("{}{to}{}", &LEAF[..at], &LEAF[at + from.len()..]),
            None => unreachable!("{from}"),
        };
        assert!(Leaf::read(bytes.as_bytes()).is_err(), "{bytes}");
    }
}

#[test]
fn long_texts_are_cut_at_a_character() {
    assert_eq!(clip("äää", 5), "ää");
    assert_eq!(clip("abc", 128), "abc");
}
