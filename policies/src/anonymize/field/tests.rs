//! Values of labels, keys and columns.

use super::*;
use crate::anonymize::tests::tables::typed;

fn check(text: &str, key: &str) -> Vec<String> {
    let mut out = Vec::new();
    find(&Reading::of(text), key, &mut out);
    typed(text, &out)
}

#[test]
fn keys_and_labels() {
    let mut wrong: Vec<String> = Vec::new();
    for (text, key, want) in [
        ("Elena Marsh", "patient_name", "NAME Elena Marsh"),
        ("elena", "firstName", "NAME elena"),
        ("Dr. Elena Marsh", "attending-physician", "NAME Elena Marsh"),
        ("9 Elm Court", "home_address", "ADDRESS 9 Elm Court"),
        ("Eastmoor", "city", "CITY Eastmoor"),
        ("74103", "zip_code", "POSTCODE 74103"),
        ("44", "age", "AGE 44"),
        ("Halden Tools", "employer", "EMPLOYER Halden Tools"),
        ("marsh.e", "userName", "USERNAME marsh.e"),
        ("Vorname: Lieselotte", "", "NAME Lieselotte"),
        ("Forename(s): Prudence; NI no", "", "NAME Prudence"),
        ("Empfänger(in): Lieselotte Brandt", "", "NAME Lieselotte Brandt"),
        ("patient_name: elena marsh", "", "NAME elena marsh"),
        ("Nombre: Marisol Duarte", "", "NAME Marisol Duarte"),
        ("Employer: Halden Tools", "", "EMPLOYER Halden Tools"),
    ] {
        if !check(text, key).iter().any(|f| f == want) {
            wrong.push(format!("{text}: {:?}", check(text, key)));
        }
    }
    for (text, key) in [
        ("see below", "name"),
        ("gpt-4o", "model"),
        ("the quick answer", "title"),
        ("lookup_mrn", "name"),
        ("human", "from"),
        ("us-east-1", "location"),
        ("name: Deploy Staging\non: push\njobs:\n  build:\n    runs-on: ubuntu", ""),
    ] {
        if !check(text, key).is_empty() {
            wrong.push(format!("{text}: {:?}", check(text, key)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn columns() {
    let text = "name,dob,mrn\nElena Marsh,1/2/1970,88471\nBo Quill,3/4/1980,99210";
    let found = check(text, "");
    for want in ["NAME Elena Marsh", "NAME Bo Quill", "MRN 88471", "MRN 99210"] {
        assert!(found.iter().any(|f| f == want), "{want}: {found:?}");
    }
    let text = "| Kenteken | Meldcode |\n|---|---|\n| KX-482-B | 440917 |";
    assert_eq!(check(text, ""), ["LICENSE_ID KX-482-B", "ID 440917"]);
    let text = "| Patient | City |\n|---|---|\n| Marsh, Elena | Eastmoor |";
    let found = check(text, "");
    assert!(
        found.contains(&"NAME Marsh, Elena".to_owned()) && found.contains(&"CITY Eastmoor".to_owned()),
        "{found:?}"
    );
}
