//! Presets are sound, mistakes are listed, modes may be forced.

use super::*;

#[test]
fn presets_are_sound_and_distinct() {
    let all: Vec<Policy> = PRESETS.iter().map(|(name, _)| Policy::preset(name).unwrap()).collect();
    for (policy, (name, _)) in all.iter().zip(PRESETS) {
        assert_eq!(policy.name(), name);
        assert_eq!(policy.digest().len(), 12);
        assert_eq!(policy.mode_of(Type::PASSWORD), Mode::Redact);
    }
    assert_ne!(all[0].digest(), all[1].digest());
    assert_eq!(all[2].mode_of(Type::CVV), Mode::Block);
    assert_eq!(all[2].mode_of(Type::PASSWORD), Mode::Redact, "pci extends default");
    assert!(all[1].mask_at < all[0].mask_at);
}

#[test]
fn every_mistake_is_listed_with_its_line() {
    let source = "schema = 1\nname = \"x\"\nshade = 1\nmode = \"keep\"\nmask_at = 2.0\ntypes = { NAMES = \"keep\", SECRET = \"keep\", CVV = \"vault\" }\n\n[egress]\non = true\n";
    let Err(Error::Mistakes(mistakes)) = Policy::parse(source) else { panic!("accepted") };
    for part in [
        "line 3: unknown key `shade`",
        "line 4: mode",
        "line 5: mask_at",
        "`NAMES`",
        "`SECRET`",
        "line 6: `CVV` may not be kept, not in the vault",
        "egress",
    ] {
        assert!(mistakes.iter().any(|m| m.contains(part)), "{part}: {mistakes:?}");
    }
    assert_eq!(Error::Mistakes(mistakes).code(), Code(903));
    assert_eq!(Policy::preset("none").unwrap_err().code(), Code(901));
    assert_eq!(Policy::parse("a = ").unwrap_err().code(), Code(902));
    assert!(matches!(Policy::parse("schema = 1\nname = \"x\"\nextends = \"y\""), Err(Error::Mistakes(_))));
}

#[test]
fn presets_say_what_the_design_says() {
    let mode = |preset: &str, ty: Type| Policy::preset(preset).unwrap().mode_of(ty);
    for ty in [Type::STATE, Type::COUNTRY, Type::NRP, Type::TITLE, Type::TIME, Type::ORG] {
        assert_eq!(mode("hipaa", ty), Mode::Keep, "{ty}");
        assert_eq!(mode("default", ty), Mode::Surrogate, "{ty}");
    }
    assert_eq!((mode("hipaa", Type::AGE), mode("hipaa", Type::CITY)), (Mode::Cap, Mode::Surrogate));
    assert_eq!((mode("gdpr", Type::NRP), mode("gdpr", Type::ORG)), (Mode::Redact, Mode::Keep));
    let gdpr = Policy::preset("gdpr").unwrap();
    assert!(gdpr.review_at < gdpr.mask_at && gdpr.locales.contains(&"de".to_owned()));
    for ty in [Type::COUNTRY, Type::STATE, Type::ORG, Type::NRP] {
        assert_eq!(mode("open-domain", ty), Mode::Keep, "{ty}");
    }
    assert_eq!(mode("open-domain", Type::CITY), Mode::Surrogate);
}

#[test]
fn a_general_mode_may_be_forced() {
    let hipaa = Policy::preset("hipaa").unwrap();
    let tagged = hipaa.clone().with_mode("tag").unwrap();
    assert_eq!((tagged.mode_of(Type::NAME), tagged.mode_of(Type::STATE)), (Mode::Tag, Mode::Keep));
    assert_eq!(tagged.mode_of(Type::PASSWORD), Mode::Redact);
    assert_ne!(tagged.digest(), hipaa.digest());
    for refused in ["keep", "block", "cap", "vault", "x"] {
        assert!(matches!(hipaa.clone().with_mode(refused), Err(Error::Mistakes(_))), "{refused}");
    }
    let vault = hipaa.with_mode("vault").unwrap_err().to_string();
    assert!(vault.contains("`vault` is no general mode"), "{vault}");
}

#[test]
fn lists_dates_and_locales_are_read_and_checked() {
    let policy = Policy::parse(
        "schema = 1\nname = \"x\"\nlocales = [\"de\", \"fr\"]\ndate = { style = \"year\", age_cap = 85 }\nlists = { labels = { \"Chart No\" = \"MRN\" }, keys = { pt_nm = \"NAME\" } }",
    )
    .unwrap();
    assert!(policy.years_only && policy.age_cap == 85);
    assert_eq!(policy.labels["chart no"], Type::MRN);
    assert_eq!(policy.keys["pt_nm"], Type::NAME);
    let wrong = "schema = 1\nname = \"x\"\nmode = \"vault\"\nlocales = [\"xx\"]\n[date]\nage_cap = 0\nfoo = 1\n[types]\nMRN = \"cap\"\nSECRET = \"vault\"\n[lists.labels]\nno = \"NOTHING\"\n[lists.egress]\na = 1\n";
    let Err(Error::Mistakes(mistakes)) = Policy::parse(wrong) else { panic!("accepted") };
    for part in [
        "line 3: `vault` is no general mode",
        "line 4: locales",
        "line 6: age_cap",
        "line 7: unknown key `date.foo`",
        "line 9: only AGE",
        "line 10: `SECRET` may not be kept",
        "line 12: the label `no`",
        "line 13: unknown key `lists.egress`",
    ] {
        assert!(mistakes.iter().any(|m| m.contains(part)), "{part}: {mistakes:?}");
    }
}

#[test]
fn a_way_back_is_kept_of_single_types_and_of_no_card_or_secret() {
    let parse = |types: &str| {
        Policy::parse(&format!("schema = 1\nname = \"x\"\nextends = \"default\"\ntypes = {{ {types} }}"))
    };
    let policy = parse("NAME = \"vault\", EMAIL = \"vault\"").unwrap();
    assert_eq!((policy.mode_of(Type::NAME), policy.mode_of(Type::PHONE)), (Mode::Vault, Mode::Surrogate));
    assert!(policy.has_vault() && policy.with_mode("redact").unwrap().has_vault());
    for name in ["BIOMETRIC", "CREDIT_CARD", "CVV", "ENCODED", "PASSWORD", "PHOTO", "SECRET"] {
        let Err(Error::Mistakes(mistakes)) = parse(&format!("{name} = \"vault\"")) else { panic!("{name}") };
        let want = format!("line 4: `{name}` may not be kept, not in the vault either");
        assert_eq!(mistakes, [want]);
    }
    for (name, _) in PRESETS {
        assert!(!Policy::preset(name).unwrap().has_vault(), "{name}");
    }
}
