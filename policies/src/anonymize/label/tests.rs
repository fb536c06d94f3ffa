//! Labels and the values that they point at.

use super::*;
use crate::anonymize::tests::tables::typed;
use crate::anonymize::token::tokens;

fn check(text: &str, key: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    Labels::find(bytes, key).values(bytes, &tokens(bytes), &mut out);
    typed(text, &out)
}

#[test]
fn there_are_labels_enough() {
    let words: std::collections::BTreeSet<&str> = LABELS.iter().map(|label| label.word).collect();
    assert!(words.len() >= 900, "{}", words.len());
    let lines = include_str!("../../../words/labels.txt").lines().filter(|line| !line.starts_with('#'));
    assert!(lines.into_iter().all(|source| line(source).is_some()), "a line that is not read");
}

#[test]
fn labels_point_at_values() {
    for (text, key, want) in [
        ("redact PHI: John Doe MRN 8847", "", "MRN 8847"),
        ("MRN: UH-0012345, seen", "", "MRN UH-0012345"),
        ("my account number is 1234 5678 90", "", "ACCOUNT 1234 5678"),
        ("Order #A-10293", "", "ID A-10293"),
        ("digits on the back are 207.", "", "CVV 207"),
        ("cryptogramme : 530.", "", "CVV 530"),
        ("セキュリティコード219で", "", "CVV 219"),
        ("رمز الأمان 358 ثم", "", "CVV 358"),
        ("exp 04/27", "", "EXPIRY 04/27"),
        ("MRN# 8847", "", "MRN 8847"),
        ("Med Rec No: 00482-913", "", "MRN 00482-913"),
        ("member ID XJH882134567", "", "HEALTH_PLAN XJH882134567"),
        ("acct no. 5512-8890", "", "ACCOUNT 5512-8890"),
        ("S/N RNB419283H", "", "DEVICE_ID RNB419283H"),
        ("Versichertennummer A123456780", "", "HEALTH_PLAN A123456780"),
        ("numéro de dossier 88213", "", "MRN 88213"),
        ("número de póliza 7781-22", "", "HEALTH_PLAN 7781-22"),
        ("nr polisy 4471920", "", "HEALTH_PLAN 4471920"),
        ("Kundennr. 4471920", "", "ACCOUNT 4471920"),
        ("MR #: 0348060", "", "MRN 0348060"),
        ("Unit number 250 41 34 of", "", "MRN 250 41 34"),
        ("Lic. # MD-06830", "", "LICENSE_ID MD-06830"),
        ("CDL X63-00-0061", "", "LICENSE_ID X63-00-0061"),
        ("prior auth A018029670 pending", "", "ID A018029670"),
        ("Aetna policy 37455677-37", "", "HEALTH_PLAN 37455677-37"),
        ("guarantor acct 02589956", "", "ACCOUNT 02589956"),
        ("VEH: VIN 2U5DDV5J5RP409783 ADDR", "", "VIN 2U5DDV5J5RP409783"),
        ("page Haugen 13070", "", "PHONE 13070"),
        ("call Zimmerman ext. 2851", "", "PHONE 2851"),
        ("Group # 00712, c/o", "", "HEALTH_PLAN 00712"),
        ("study ID ABC-17-640", "", "MRN ABC-17-640"),
        ("plate DMO-6450", "", "LICENSE_ID DMO-6450"),
        ("884712", "chartNumber", "MRN 884712"),
        ("884712", "Member-ID", "HEALTH_PLAN 884712"),
        ("884712", "mrn", "MRN 884712"),
        ("A-558120", "Acct", "ACCOUNT A-558120"),
        ("MRN 1: 118820\nMRN 2: 118802", "", "MRN 118802"),
        ("RAMQ ARCJ 4402 1718, vu", "", "HEALTH_PLAN ARCJ 4402 1718"),
        ("OHIP 6284 119 053 KW: phenytoin low", "", "HEALTH_PLAN 6284 119 053 KW"),
        ("PhilHealth: 12-050993817-4", "", "HEALTH_PLAN 12-050993817-4"),
        ("Prescriber GMC 7418220, fax", "", "LICENSE_ID 7418220"),
        ("884712", "patientId", "MRN 884712"),
        ("Faith, 46, MRN0077-4412\nbx", "", "MRN MRN0077-4412"),
        ("Bot: last 4 of SSN?\nUser: 6630\nUser: why", "", "ID 6630"),
        ("Agent: member ID please?\nMember: LDT44702218", "", "HEALTH_PLAN LDT44702218"),
        ("claim number LHWCA 07-228914, IME", "", "ID LHWCA 07-228914"),
        ("member id R 5571 0938 06 and", "", "HEALTH_PLAN R 5571 0938 06"),
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
        "see page 12 of 2019",
        "the policy 2021 revision",
        "prior auth for 40 mg",
        "the security code of 2019",
        "which MRN? Later: 4 of them",
        "GFR60 and NPH100",
        "muss ein HS25600 sein",
    ] {
        assert_eq!(check(text, ""), Vec::<String>::new(), "{text}");
    }
}
