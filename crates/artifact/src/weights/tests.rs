//! Headers of safetensors, and what the reference implementation says of those we accept.

use proptest::prelude::*;

use super::*;

fn member(header: &str, data: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; data]].concat()
}

fn why(header: &str, data: usize) -> String {
    Table::read(&member(header, data)).map_or_else(|error| error.to_string(), |_| String::new())
}

#[test]
fn headers_are_accepted_or_refused() {
    let a = r#""a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}"#;
    let cases = [
        (format!("{{{a}}}"), 24, ""),
        (format!("{{{a}}}   "), 24, ""),
        (format!(r#"{{"__metadata__":{{"k":"v"}},{a}}}"#), 24, ""),
        (format!(r#"{{"b":{{"dtype":"U8","shape":[],"data_offsets":[24,25]}},{a}}}"#), 25, ""),
        (format!(r#"{{{a},"b":{{"dtype":"I8","shape":[0,7],"data_offsets":[24,24]}}}}"#), 24, ""),
        ("{}".to_owned(), 0, ""),
        ("{}".to_owned(), 1, "1 bytes belong to no tensor"),
        (format!("{{{a}}}"), 25, "1 bytes belong to no tensor"),
        (format!("{{{a}}}"), 23, "reaches beyond the end"),
        (format!("{{{a},{a}}}"), 24, "`a` twice"),
        (format!(r#"{{{a},"b":{{"dtype":"U8","shape":[4],"data_offsets":[20,24]}}}}"#), 24, "overlaps"),
        (format!(r#"{{{a},"b":{{"dtype":"U8","shape":[4],"data_offsets":[26,30]}}}}"#), 30, "gap"),
        (r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,7]}}"#.to_owned(), 7, "do not fit its shape"),
        (r#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[2,0]}}"#.to_owned(), 2, "do not fit its shape"),
        (
            r#"{"a":{"dtype":"F64","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#.to_owned(),
            0,
            "too large",
        ),
        (r#"{"a":{"dtype":"F4","shape":[],"data_offsets":[0,1]}}"#.to_owned(), 1, "unknown variant"),
        (r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}}"#.to_owned(), 1, "unknown field"),
        (r#"{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}"#.to_owned(), 1, "the header"),
        (r#"{"__metadata__":{"k":1}}"#.to_owned(), 0, "the header"),
        ("[]".to_owned(), 0, "no JSON object"),
        ("{} x".to_owned(), 0, "the header"),
    ];
    for (header, data, want) in cases {
        let said = why(&header, data);
        assert!(if want.is_empty() { said.is_empty() } else { said.contains(want) }, "{header}: {said}");
    }
    assert!(Table::read(&[0; 7]).is_err());
    assert!(Table::read(&9_u64.to_le_bytes()).unwrap_err().to_string().contains("beyond the end"));
}

#[test]
fn header_limit_at_its_edge() {
    let limit = HEADER_LIMIT as usize;
    for (length, ok) in [(limit - 1, true), (limit, true), (limit + 1, false)] {
        let header = format!("{{}}{}", " ".repeat(length - 2));
        assert_eq!(why(&header, 0).is_empty(), ok, "{length}");
    }
    // Refused by its number alone: there is nothing behind it.
    assert!(Table::read(&u64::MAX.to_le_bytes()).unwrap_err().to_string().contains("at most"));
}

#[test]
fn values_that_are_no_numbers_are_named() {
    let cases: [(&str, &[u8], bool); 14] = [
        ("F32", &f32::NAN.to_le_bytes(), false),
        ("F32", &f32::NEG_INFINITY.to_le_bytes(), false),
        ("F32", &f32::MAX.to_le_bytes(), true),
        ("F64", &f64::INFINITY.to_le_bytes(), false),
        ("F64", &f64::MIN.to_le_bytes(), true),
        ("F16", &[0x00, 0x7c], false),
        ("F16", &[0xff, 0xfb], true),
        ("BF16", &[0x80, 0xff], false),
        ("BF16", &[0x7f, 0x7f], true),
        ("F8_E4M3", &[0xff], false),
        ("F8_E4M3", &[0x7e], true),
        ("F8_E5M2", &[0x7c], false),
        ("F8_E5M2", &[0x7b], true),
        ("U64", &[0xff; 8], true),
    ];
    for (dtype, bytes, finite) in cases {
        let header =
            format!(r#"{{"w":{{"dtype":"{dtype}","shape":[1],"data_offsets":[0,{}]}}}}"#, bytes.len());
        let mut whole = member(&header, 0);
        whole.extend_from_slice(bytes);
        let table = Table::read(&whole).unwrap();
        assert_eq!(table.not_finite(&whole), if finite { None } else { Some("w") }, "{dtype} {bytes:?}");
    }
}

proptest! {
    #[test]
    fn what_we_accept_the_reference_reads_the_same(
        sizes in proptest::collection::vec(0..5_usize, 0..5),
        flip in any::<prop::sample::Index>(),
        to in any::<u8>(),
        harm in any::<bool>(),
    ) {
        let data = [7_u8; 5];
        let views = sizes.iter().enumerate().map(|(i, n)| {
            (format!("t{i}"), safetensors::tensor::TensorView::new(safetensors::Dtype::U8, vec![*n], &data[..*n]).unwrap())
        });
        let mut bytes = safetensors::serialize(views, None).unwrap();
        if harm {
            let at = flip.index(bytes.len());
            bytes[at] = to;
        } else {
            prop_assert!(Table::read(&bytes).is_ok());
        }
        if let Ok(table) = Table::read(&bytes) {
            let reference = safetensors::SafeTensors::deserialize(&bytes).unwrap();
            let mut names = reference.names();
            names.sort_unstable();
            prop_assert_eq!(table.names().collect::<Vec<_>>(), names);
            for name in table.names() {
                let theirs = reference.tensor(name).unwrap();
                let ours = table.tensor(&bytes, name).unwrap();
                prop_assert_eq!((ours.shape, ours.bytes), (theirs.shape(), theirs.data()));
            }
        }
    }
}
