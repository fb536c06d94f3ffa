//! Grammars, round trips and the reproducible environment.

use proptest::prelude::*;

use crate::{ArtifactId, Body, Env, Namespace, Ppm, RequestId, Stage, Surface, Timestamp, Weight, hex};

#[test]
fn names_keep_to_their_grammar() {
    let long = "a".repeat(63);
    for good in ["a", "support", "auto-0f.1_x", "9lives", &long] {
        assert_eq!(good.parse::<Namespace>().map(String::from), Ok(good.to_owned()));
    }
    let longer = "a".repeat(64);
    for bad in ["", "-a", ".a", "Support", "a b", "ä", &longer] {
        let error = bad.parse::<Namespace>().unwrap_err();
        assert!(error.to_string().contains("[a-z0-9]"), "{bad}: {error}");
    }
}

#[test]
fn an_artifact_is_named_by_its_digest_alone() {
    let good = format!("sha256:{}", "0f".repeat(32));
    assert_eq!(good.parse::<ArtifactId>().unwrap().as_str(), good);
    for bad in ["sha256:", "sha512:00", &good.to_uppercase(), &good[..70]] {
        assert!(bad.parse::<ArtifactId>().is_err(), "{bad}");
    }
}

#[test]
fn the_vector_of_the_receipts_page_reads_back() {
    let id: RequestId = "01a1fb67-1800-7000-8000-000000000001".parse().unwrap();
    assert_eq!(id.timestamp(), Timestamp(1_795_219_200_000));
    for bad in ["01a1fb67-1800-7000-8000-00000000000", "01A1FB67-1800-7000-8000-000000000001", "x"] {
        assert!(bad.parse::<RequestId>().is_err(), "{bad}");
    }
    assert!(
        "01a1fb67-1800-4000-8000-000000000001".parse::<RequestId>().is_err(),
        "version 4 is another kind"
    );
}

#[test]
fn only_steps_and_full_serve_a_weight() {
    assert_eq!(Stage::Step(Weight(500)).weight(), Weight(500));
    assert_eq!(Stage::Full.weight(), Weight::FULL);
    for stage in
        [Stage::Collecting, Stage::Distilling, Stage::Shadow, Stage::Paused, Stage::Cooldown, Stage::Rejected]
    {
        assert_eq!(stage.weight(), Weight::ZERO, "{stage}");
    }
}

#[test]
fn numbers_print_with_their_units() {
    assert_eq!(Weight(2_500).to_string(), "25 %");
    assert_eq!(Weight(1).to_string(), "0.01 %");
    assert_eq!(Ppm(949_968).to_string(), "94.99 %");
    assert_eq!(Ppm::floor(f64::NAN), Ppm(0));
    assert_eq!(Ppm::floor(2.0), Ppm::ONE);
    assert_eq!(hex(&[0, 255, 16]), "00ff10");
}

#[test]
fn a_fixed_environment_repeats_itself() {
    let env = |seed| Env::fixed(Timestamp(5), seed).bytes32();
    assert_eq!(env(1), env(1));
    assert_ne!(env(1), env(2));
}

proptest! {
    #[test]
    fn an_id_keeps_its_time_and_its_text(ms in 0_i64..1 << 47, random in any::<[u8; 10]>()) {
        let id = RequestId::from_parts(Timestamp(ms), random);
        prop_assert_eq!(id.timestamp(), Timestamp(ms));
        prop_assert_eq!(id.to_string().parse::<RequestId>(), Ok(id));
    }
}

#[test]
fn surfaces_by_path_and_by_name() {
    for (path, surface, body) in [
        ("/v1/chat/completions", Surface::Chat, Body::Json),
        ("/v1/completions", Surface::Completions, Body::Json),
        ("/v1/responses", Surface::Responses, Body::Json),
        ("/v1/responses/resp_1/cancel", Surface::Other, Body::Opaque),
        ("/v1/embeddings", Surface::Embeddings, Body::Json),
        ("/v1/moderations", Surface::Moderations, Body::Json),
        ("/v1/audio/transcriptions", Surface::Transcriptions, Body::Form),
        ("/v1/audio/translations", Surface::Translations, Body::Form),
        ("/v1/audio/speech", Surface::Other, Body::Opaque),
    ] {
        assert_eq!(Surface::of("POST", path), surface, "{path}");
        assert_eq!(Surface::of("GET", path), Surface::Other, "{path}");
        assert_eq!((Surface::named(surface.as_str()), surface.body()), (surface, body), "{path}");
    }
}
