//! Namespaces that lie apart, and bodies whose time is over.

use std::collections::BTreeMap;

use super::*;

fn other() -> Namespace {
    "billing".parse().unwrap()
}

fn stored(handle: &Handle, namespace: &Namespace, want: u64) {
    for _ in 0..2_000 {
        if run(handle.counts(namespace)).unwrap().total == want {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    panic!("{namespace} has {:?}, not {want} pairs", run(handle.counts(namespace)));
}

#[test]
fn a_namespace_with_its_own_directory_is_in_no_other_database() {
    let world = world();
    let own = world.dir.path().join("own");
    let common = world.dir.path().join("common");
    let apart = BTreeMap::from([(other(), own.clone())]);
    let (service, handle) = Service::open_all(&common, &settings(), &world.env, apart).unwrap();
    handle.append(world.pair("where is my parcel", "delivery")).unwrap();
    handle.append(Pair { namespace: other(), ..world.pair("pay my invoice", "billing") }).unwrap();
    let salted = Pair {
        namespace: other(),
        salts: Some(Salts { req: [1; 32], resp: [2; 32] }),
        ..world.pair("a", "b")
    };
    let id = salted.id;
    handle.append(salted).unwrap();
    stored(&handle, &namespace(), 1);
    stored(&handle, &other(), 2);
    assert!(run(handle.salts(id)).unwrap().is_some(), "salts are found wherever they lie");
    let status = handle.status();
    assert_eq!((status.accepted, status.stored, status.spooled), (3, 3, 0));
    assert_eq!(texts(&handle).len(), 3);
    assert!(handle.lies_in(&other(), Some(&own)) && handle.lies_in(&namespace(), None));
    assert!(!handle.lies_in(&other(), None) && !handle.lies_in(&namespace(), Some(&own)));
    service.shutdown();

    let (service, handle) = Service::open(&common, &settings(), &world.env).unwrap();
    let bodies = texts(&handle).join("\n");
    assert!(bodies.contains("parcel") && !bodies.contains("invoice"), "{bodies}");
    service.shutdown();
    let (service, handle) = Service::open_again(&common, &settings(), &world.env).unwrap();
    assert_eq!(run(handle.counts(&other())).unwrap().total, 2, "a command finds them again");
    service.shutdown();
}

/// Every row as text.
fn texts(handle: &Handle) -> Vec<String> {
    let all = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&all);
    run(handle.each_text(move |text| seen.lock().unwrap().push(text.to_owned()))).unwrap();
    std::mem::take(&mut *all.lock().unwrap())
}

#[test]
fn bodies_decay_to_hashes_in_their_namespace_alone() {
    let world = world();
    let (service, handle) = world.open();
    handle.append(world.pair("old and due", "delivery")).unwrap();
    handle.append(Pair { namespace: other(), ..world.pair("old of another", "delivery") }).unwrap();
    let before = Timestamp(world.env.clock.now().0 + 1);
    world.clock.advance(10);
    handle.append(world.pair("young", "delivery")).unwrap();
    stored(&handle, &namespace(), 2);
    stored(&handle, &other(), 1);
    assert_eq!(run(handle.decay(&namespace(), before)).unwrap(), 1);
    assert_eq!(run(handle.decay(&namespace(), before)).unwrap(), 0, "what is gone is gone");
    let bodies = texts(&handle).join("\n");
    assert!(!bodies.contains("due") && bodies.contains("another") && bodies.contains("young"), "{bodies}");
    let counts = run(handle.counts(&namespace())).unwrap();
    assert_eq!((counts.total, counts.eligible), (2, 1), "the row stays and may not train");
    let old = run(handle.recent(&namespace(), 9)).unwrap().pop().unwrap();
    assert_eq!((old.eligible, old.reason.as_str(), old.tokens_in), (false, "decayed", 8));
    service.shutdown();
}
