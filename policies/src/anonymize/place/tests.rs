//! Addresses and places of many countries, and texts without one.

use super::*;
use crate::anonymize::tests::tables::{missing, unasked, with_fields};

fn check(text: &str) -> Vec<String> {
    with_fields(text, find)
}

#[test]
fn roads_with_numbers_and_owners() {
    let check = |text: &str| {
        let mut out = Vec::new();
        find(&Reading::of(text), &mut out);
        out.iter()
            .filter(|f| f.ty == Type::ADDRESS)
            .map(|f| text[f.start..f.end].to_owned())
            .collect::<Vec<_>>()
    };
    for (text, want) in [
        ("police went to 536 County Road 12, Unit 17T.", "536 County Road 12, Unit 17T"),
        ("Home: 1727 Rural Route 2, Apt 20", "1727 Rural Route 2, Apt 20"),
        ("lives at RR 2 Box 114", "RR 2 Box 114"),
        ("She lives on Cobbler's Lane, in town", "Cobbler's Lane"),
        ("my address is 22 elm dr thanks", "22 elm dr"),
    ] {
        assert!(check(text).iter().any(|found| found == want), "{text}: {:?}", check(text));
    }
    for text in [
        "the county road 12 was closed",
        "RR 18, sat 97%",
        "HR 88 RR 16",
        "go the extra line 4",
        "10 rt 3 days",
        "back on 2022-05-19. Rowan Hill, clinic",
    ] {
        assert!(check(text).is_empty(), "{text}: {:?}", check(text));
    }
}

#[test]
fn countries_in_many_languages() {
    let check = |text: &str| {
        let mut out = Vec::new();
        find(&Reading::of(text), &mut out);
        let country = out.iter().find(|f| f.ty == Type::COUNTRY);
        country.map(|f| text[f.start..f.end].to_owned()).unwrap_or_default()
    };
    for (text, want) in [
        ("A prima vive no Luxemburgo e volta", "Luxemburgo"),
        ("سافر أخي إلى كندا للدراسة", "كندا"),
        ("지금은 캐나다에 사세요", "캐나다"),
        ("pracuje w Norwegii", ""),
        ("die Woche in Bearbeitung", ""),
    ] {
        assert_eq!(check(text), want, "{text}");
    }
}

#[test]
fn places_of_many_countries() {
    let wrong = missing(
        check,
        &[
            ("at 12 Main St Apt 4B, Tulsa, OK 74103", "ADDRESS 12 Main St Apt 4B"),
            ("at 12 Main St Apt 4B, Tulsa, OK 74103", "CITY Tulsa"),
            ("at 12 Main St Apt 4B, Tulsa, OK 74103", "POSTCODE 74103"),
            ("at 12 Main St Apt 4B, Tulsa, OK 74103-1234", "POSTCODE 74103-1234"),
            ("1600 N 5th Ave, Suite 300", "ADDRESS 1600 N 5th Ave, Suite 300"),
            ("lives at 44 willow lane", "ADDRESS 44 willow lane"),
            ("221B Quarry Road, Leeds LS1 4AP", "ADDRESS 221B Quarry Road"),
            ("221B Quarry Road, Leeds LS1 4AP", "POSTCODE LS1 4AP"),
            ("wohnt Hauptstr. 12, 10115 Berlin", "ADDRESS Hauptstr. 12"),
            ("wohnt Hauptstr. 12, 10115 Berlin", "CITY Berlin"),
            ("Lindenstraße 5a in", "ADDRESS Lindenstraße 5a"),
            ("12 rue de la Paix, 75002 Paris", "ADDRESS 12 rue de la Paix"),
            ("12 rue de la Paix, 75002 Paris", "POSTCODE 75002"),
            ("Calle Mayor 5, 3º B", "ADDRESS Calle Mayor 5, 3º B"),
            ("Via Garibaldi 10, 20121 Milano", "ADDRESS Via Garibaldi 10"),
            ("ul. Długa 5/7, 00-238 Warszawa", "ADDRESS ul. Długa 5/7"),
            ("ul. Długa 5/7, 00-238 Warszawa", "POSTCODE 00-238"),
            ("Storgatan 3, 114 55 Stockholm", "ADDRESS Storgatan 3"),
            ("Storgatan 3, 114 55 Stockholm", "POSTCODE 114 55"),
            ("Kerkstraat 8, 1012 AB Amsterdam", "POSTCODE 1012 AB"),
            ("Rua Augusta, 1500, São Paulo", "ADDRESS Rua Augusta, 1500"),
            ("P.O. Box 12, Boise, ID 83702", "ADDRESS P.O. Box 12"),
            ("Apt 2B, Reading, PA 19601", "CITY Reading"),
            ("Postfach 1234", "ADDRESS Postfach 1234"),
            ("she lives in Eastmoor now", "CITY Eastmoor"),
            ("moved to New York City", "CITY New York City"),
            ("born in Kraków", "CITY Kraków"),
            ("wohnt in Oberhausen", "CITY Oberhausen"),
            ("habite à Clermont", "CITY Clermont"),
            ("vive en Torrejón", "CITY Torrejón"),
            ("from Boise, Idaho", "CITY Boise"),
            ("from Boise, Idaho", "STATE Idaho"),
            ("ZIP: 74103", "POSTCODE 74103"),
            ("住所は〒251-6677 札幌市です", "POSTCODE 251-6677"),
            ("живу по адресу 444640, Екатеринбург", "POSTCODE 444640"),
            ("живу по адресу 642666, г. Калининград", "POSTCODE 642666"),
            ("bor i Skolebakken 138, 1536 Eastmoor", "ADDRESS Skolebakken 138"),
            ("osoitteeseen Lehtotie 7 C 24, 90520 Oulu", "ADDRESS Lehtotie 7 C 24"),
            ("Bağdat Cad. No: 218 D: 7, 34728", "ADDRESS Bağdat Cad. No: 218 D: 7"),
            ("Bezorgadres: Vissersdijk 31-hs, 9711 LK Groningen", "ADDRESS Vissersdijk 31-hs"),
            ("en c/ Arquitecto Berges 23, 3.o izq. de Jaén", "ADDRESS c/ Arquitecto Berges 23, 3.o izq"),
            ("au 2214, rang Saint-Joseph, Rimouski", "ADDRESS 2214, rang Saint-Joseph"),
            ("a de Rösslistrass 9 z Winterthur", "ADDRESS Rösslistrass 9"),
            (
                "of 4370 quail hollow dr, unit 5c, eastmoor, in 45336. she",
                "ADDRESS 4370 quail hollow dr, unit 5c",
            ),
            ("of 4370 quail hollow dr, unit 5c, eastmoor, in 45336. she", "CITY eastmoor"),
            ("of 4370 quail hollow dr, unit 5c, eastmoor, in 45336. she", "POSTCODE 45336"),
            ("po box 1053, eastmoor mi 62543, call", "ADDRESS po box 1053"),
            ("po box 1053, eastmoor mi 62543, call", "POSTCODE 62543"),
            ("Home: 4453 Cooper's Landing Rd, Unit 18W", "ADDRESS 4453 Cooper's Landing Rd, Unit 18W"),
            ("pharmacy on Hillcrest Cir in town", "ADDRESS Hillcrest Cir"),
            ("lives in Marlow County now", "GEO Marlow County"),
            ("IN ORLEANS PARISH, BORN", "GEO ORLEANS PARISH"),
            ("will drive from St. Louis County", "GEO St. Louis County"),
            ("family from Eastmoor arriving", "CITY Eastmoor"),
            ("Address: 9 Elm Court, Dover", "ADDRESS 9 Elm Court, Dover"),
            ("集合場所は36.1606, 138.2274付近の", "GEO 36.1606, 138.2274"),
            ("at 40.7128, -74.0060 today", "GEO 40.7128, -74.0060"),
            ("City: Eastmoor", "CITY Eastmoor"),
            ("flew to Japan", "COUNTRY Japan"),
            ("M5V 2T6", "POSTCODE M5V 2T6"),
        ],
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_places() {
    let wrong = unasked(
        check,
        &[
            "a 5 minute drive",
            "a 2 way street",
            "3 Day Run",
            "in May we met",
            "from Monday on",
            "works in IT",
            "lives in pain",
            "300 mg place",
            "go the extra mile",
            "what a nice place",
            "take 2 st",
            "at 10.55 and 3.1234",
            "100 units of insulin",
            "via Zoom 2",
            "in the ICU",
            "the state of the art",
            "moved to tears",
            "score 40.5, 50.2",
            "is it OK",
            "IN or OR",
            "calle",
            "platz 1",
        ],
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn postcodes_of_four_digits() {
    let mut wrong = missing(
        check,
        &[
            ("ich wohne in 8010 Graz.", "POSTCODE 8010"),
            ("nach 3011 Bern, Gerechtigkeitsgasse 40", "POSTCODE 3011"),
            ("Bahnhofstrasse 3, 8001 Zürich", "POSTCODE 8001"),
            ("jeg bor i 5020 Bergen.", "POSTCODE 5020"),
        ],
    );
    for text in ["in 2019 Boston had", "in 5000 Boston homes", "the 1200 Graz runners", "in 1998 Graz war"] {
        wrong.extend(check(text).into_iter().filter(|found| found.starts_with("POSTCODE")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
