//! What an engine is.

use kolm_config::{Outside, RawConfig};

use super::*;

fn engine(more: &str) -> Engine {
    let text = format!(
        "[[routes]]\nname = \"a\"\n[routes.engine]\nurls = [\"http://127.0.0.1:1/v1\"]\nserved_model = \"m\"\n{more}"
    );
    let mut config = RawConfig::parse("test", &text).check(&Outside::bare("/tmp")).unwrap();
    config.routes.remove(0).engine.unwrap()
}

#[test]
fn the_identity_is_the_configured_one_or_made_of_the_name() {
    let named = identity(&engine(""));
    assert_eq!(named, identity(&engine("size = \"1 GiB\"")), "only the name counts");
    let other = Engine { served_model: "n".to_owned(), ..engine("") };
    assert_ne!(named, identity(&other));
    let digest = format!("sha256:{}", "ab".repeat(32));
    assert_eq!(identity(&engine(&format!("artifact = \"{digest}\""))).as_str(), digest);
}

#[test]
fn a_seat_is_taken_until_dropped_and_doubted_until_trusted() {
    let seats = Seats::default();
    let (address, url) = ("127.0.0.1:1".parse().unwrap(), "http://127.0.0.1:1/v1".parse().unwrap());
    let seat = seats.at(address, &url);
    assert!(Arc::ptr_eq(&seat, &seats.at(address, &url)) && seat.is_doubted());
    let (one, two) = (Seated::new(Arc::clone(&seat)), Seated::new(Arc::clone(&seat)));
    assert_eq!(seat.under_way(), 2);
    drop((one, two));
    seat.trust();
    assert_eq!((seat.under_way(), seat.is_doubted()), (0, false));
    seat.doubt();
    assert!(seat.is_doubted());
}
