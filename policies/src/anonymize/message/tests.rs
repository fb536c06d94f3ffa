//! Segments with their identifiers, and codes that stay.

use crate::anonymize::policy::Policy;
use crate::anonymize::tests::tables::{detected, missing, typed, unasked};
use crate::anonymize::{Salt, anonymize_text};

fn check(text: &str) -> Vec<String> {
    typed(text, &detected(text, "default"))
}

const MESSAGE: &str = "MSH|^~\\&|LABSYS|ELM GROVE HOSP|EHR||20240718103000||ORU^R01|44718810|P|2.5.1\rPID|1||6610294^^^HOSP^MR~418630925^^^SSA^SS||\
OKAFOR^CHIDERA^T^^MS||19910305|F|||17 Elm St^Apt 4^Tulsa^OK^74103^USA||(918)555-0142^PRN^PH|||M||90044172\rPV1|1|I|ICU^201^A^ELM GROVE\
||||1234567893^ADEYEMI^BOLA^K^^DR\rOBX|1|NM|718-7^Hemoglobin||6.8|g/dL|12-16|LL|||F|||20240718";

#[test]
fn fields_of_hl7_say_what_they_hold() {
    let broken = MESSAGE.replace('\r', "");
    for text in [MESSAGE, &MESSAGE.replace('\r', "\n"), &broken] {
        for want in [
            "FACILITY ELM GROVE HOSP",
            "DATE 20240718103000",
            "ID 44718810",
            "MRN 6610294",
            "US_SSN 418630925",
            "NAME OKAFOR^CHIDERA^T",
            "DATE 19910305",
            "ADDRESS 17 Elm St",
            "ADDRESS Apt 4",
            "CITY Tulsa",
            "POSTCODE 74103",
            "PHONE (918)555-0142",
            "ACCOUNT 90044172",
            "NAME ADEYEMI^BOLA^K",
            "DATE 20240718",
        ] {
            assert!(check(text).iter().any(|f| f == want), "{want}: {:?}", check(text));
        }
        for code in ["LABSYS", "EHR", "ORU", "HOSP", "MR", "SSA", "Hemoglobin", "12-16", "LL", "PRN", "ICU"] {
            let found = check(text);
            assert!(!found.iter().any(|f| f.split_once(' ').unwrap().1 == code), "{code}: {found:?}");
        }
    }
}

#[test]
fn lone_segments_and_claims() {
    let wrong = missing(
        check,
        &[
            ("Fix this: PID|1||0091827^^^MR||HASSAN^AMINA||19830726|F||| thanks", "NAME HASSAN^AMINA"),
            ("`NK1|1|HASSAN^OMAR|SPO||2075550134`", "PHONE 2075550134"),
            ("GT1|1||HASSAN^OMAR||9 Oak Ave^^Lewiston^ME^04240", "POSTCODE 04240"),
            ("ORC|RE|P8841220|||||||20240718|||77120^ADEYEMI^BOLA", "ID P8841220"),
            (
                "IN1|1|PPO|BC|BLUE PLAN||||GRP-88120||||20240101|20241231||||HASSAN^OMAR",
                "HEALTH_PLAN GRP-88120",
            ),
            ("NM1*IL*1*OKAFOR*CHIDERA****MI*W123456789~", "NAME OKAFOR*CHIDERA"),
            ("NM1*IL*1*OKAFOR*CHIDERA****MI*W123456789~", "HEALTH_PLAN W123456789"),
            ("N3*17 ELM ST~N4*TULSA*OK*74103~", "ADDRESS 17 ELM ST"),
            ("N3*17 ELM ST~N4*TULSA*OK*74103~", "POSTCODE 74103"),
            ("DMG*D8*19800214*M~", "DATE 19800214"),
            ("REF*EA*88410277~", "MRN 88410277"),
            ("PER*IC*BOLA ADEYEMI*TE*9185550142~", "PHONE 9185550142"),
            ("DTP*472*RD8*20240110-20240112~", "DATE 20240112"),
            ("CLM*ACCT88120*412.5***11:B:1~", "ACCOUNT ACCT88120"),
            ("OBX|1|TX|note||Seen by Dr. Adeyemi today||||||F", "NAME Adeyemi"),
        ],
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn other_bars_and_stars_are_no_segments() {
    let wrong = unasked(
        check,
        &[
            "PID|loop|gain\n1|20|3",
            "a | PID | controller | tuned",
            "OBX|1|NM|2160-0^Creatinine||1.4|mg/dL|0.7-1.3|H|||F",
            "the product N3*4 is *not* REF*2",
            "**NM1** is the segment of a name",
            "SV1*HC:99213*125*UN*1***1~HI*ABK:L200~",
        ],
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn invented_values_keep_the_frame() {
    let policy = Policy::preset("hipaa").unwrap();
    let done = anonymize_text(MESSAGE, &policy, &Salt([7; 32])).unwrap();
    let frame = |text: &str| text.chars().filter(|c| "|^~\\&\r".contains(*c)).collect::<String>();
    assert_eq!(frame(&done.text), frame(MESSAGE), "{}", done.text);
    let birth = done.text.split('|').find(|field| field.len() == 8 && field.starts_with("19"));
    assert!(birth.is_some_and(|day| day != "19910305"), "{}", done.text);
    assert!(!done.text.contains("OKAFOR") && done.text.contains("2.5.1"), "{}", done.text);
}
