//! Surrogates keep the form, pass the check, and never are the original.

use super::*;

const SALT: Salt = Salt([7; 32]);

fn make(ty: Type, mention: &str) -> String {
    let canonical = canonical(ty, mention);
    let mut choice = Choice::new(&SALT, ty.as_str(), &canonical, 0);
    dress(ty, &surrogate(ty, &canonical, &mut choice, 0), mention)
}

#[test]
fn every_valid_value_gets_a_valid_surrogate() {
    for (ty, mention) in [
        (Type::CREDIT_CARD, "4012-8888-8888-1881"),
        (Type::CREDIT_CARD, "371449635398431"),
        (Type::IBAN_CODE, "DE89 3704 0044 0532 0130 00"),
        (Type::IBAN_CODE, "GB82WEST12345698765432"),
        (Type::CA_SIN, "130 692 544"),
        (Type::UK_NHS, "401-023-2137"),
        (Type::ABA_ROUTING_NUMBER, "3222-7162-7"),
        (Type::AU_ABN, "51 824 753 556"),
        (Type::KR_RRN, "960121-1234567"),
        (Type::ZA_ID_NUMBER, "8001015009087"),
        (Type::PL_PESEL, "44051401458"),
        (Type::TR_NATIONAL_ID, "10000000146"),
        (Type::DE_TAX_ID, "12345678903"),
        (Type::US_NPI, "1234567893"),
        (Type::ES_NIF, "55555555-K"),
        (Type::ES_NIE, "x9613851n"),
        (Type::FI_PERSONAL_IDENTITY_CODE, "131052-308T"),
        (Type::DE_HEALTH_INSURANCE, "A123456780"),
        (Type::DE_SOCIAL_SECURITY, "15070649C103"),
        (Type::VIN, "1M8GDM9AXKP042788"),
        (Type::SE_PERSONNUMMER, "19910924-2397"),
        (Type::MEDICAL_LICENSE, "BB1388568"),
        (Type::TH_TNIN, "1234567890121"),
    ] {
        let new = make(ty, mention);
        assert_ne!(new, mention);
        let compact: Vec<u8> = canonical(ty, &new).into_bytes();
        let passes = match ty {
            Type::IBAN_CODE => check::iban(&compact),
            _ => {
                NUMBERS.iter().any(|row| row.ty == ty && (row.check)(&compact))
                    || SHAPES.iter().any(|row| row.ty == ty && (row.check)(&compact))
            }
        };
        assert!(passes, "{ty}: {mention} -> {new}");
        let shape = |text: &str| -> String {
            text.chars().map(|c| if c.is_ascii_alphanumeric() { 'x' } else { c }).collect()
        };
        assert_eq!(shape(&new), shape(mention), "{ty}: separators");
        assert_eq!(make(ty, mention), new, "same salt, same surrogate");
    }
}

#[test]
fn reserved_ranges() {
    assert!(make(Type::PHONE, "(415) 555-2671").starts_with("(415) 555-01"));
    assert!(make(Type::PHONE, "+1 415.832.2671").starts_with("+1 415.555.01"));
    assert!(make(Type::PHONE, "+49 (0)30 1234567").starts_with("+49 (0)30 "));
    assert!(make(Type::US_SSN, "078-05-1123").starts_with('9'));
    let mail = make(Type::EMAIL, "john.doe99@acme.co");
    assert!(mail.contains("@example.") && mail.matches('.').count() == 2, "{mail}");
    assert!(make(Type::IP_ADDRESS, "10.1.2.3/8").ends_with("/8"));
    assert!(make(Type::IP_ADDRESS, "fe80::1").starts_with("2001:db8::"));
    assert!(make(Type::MAC_ADDRESS, "0a-23-f5-67-89-ac").starts_with("00-00-5e-00-53-"));
    let url = make(Type::URL, "https://www.acme.co:8443/u/jdoe/file.pdf?id=77");
    assert!(url.starts_with("https://www.") && url.contains(":8443/") && !url.contains("jdoe"), "{url}");
}

#[test]
fn alike_mentions_share_a_surrogate() {
    let digits = |text: String| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    assert_eq!(
        digits(make(Type::CREDIT_CARD, "4012-8888-8888-1881")),
        make(Type::CREDIT_CARD, "4012888888881881")
    );
    assert_eq!(
        digits(make(Type::PHONE, "+1 415 832 2671"))[1..],
        digits(make(Type::PHONE, "(415) 832-2671"))
    );
    assert_eq!(make(Type::EMAIL, "Ann@x.org"), make(Type::EMAIL, "ann@x.org"));
}

#[test]
fn secrets_keep_their_vendor_and_say_example() {
    let key = ["ghp_", "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5"].concat();
    let new = make(Type::SECRET, &key);
    assert!(new.starts_with("ghp_") && new.ends_with("EXAMPLE") && new.len() == key.len(), "{new}");
}
