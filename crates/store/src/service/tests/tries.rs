//! Which rows are counted as pairs to train on: of several tries the last answer, and no vectors.

use super::*;

#[test]
fn of_the_tries_of_a_request_the_last_answer_alone_trains() {
    let world = world();
    let (service, handle) = world.open();
    let first = world.pair("where is my parcel", "track");
    let (mut second, other) = (world.pair("where is my parcel", "find"), world.pair("bye", "close"));
    (second.retry_of, second.supersedes) = (Some(first.id), Some(first.id));
    let (early, late) = (first.id, second.id);
    for pair in [first, second, other] {
        handle.append(pair).unwrap();
    }
    assert_eq!(run(handle.counts(&namespace())).unwrap(), PairCounts { total: 3, eligible: 2 });
    let (early, late) = (run(handle.pair(early)).unwrap().unwrap(), run(handle.pair(late)).unwrap().unwrap());
    assert_eq!((early.view.eligible, early.view.reason.as_str()), (false, "retry"));
    assert_eq!((late.view.eligible, late.retry_of), (true, early.view.id));
    let templates = run(handle.templates(5)).unwrap();
    assert_eq!((templates.len(), templates[0].pairs, templates[0].eligible), (1, 3, 2));
    assert_eq!(templates[0].template_hash, late.template_hash);
    assert_eq!(run(handle.pair(RequestId::from_parts(kolm_core::Timestamp(1), [0; 10]))).unwrap(), None);
    service.shutdown();
}

#[test]
fn an_embedding_that_may_train_is_no_pair_of_a_label() {
    let world = world();
    let (service, handle) = world.open();
    let mut pair = world.pair("a", "b");
    pair.surface = Surface::Embeddings;
    handle.append(pair).unwrap();
    assert_eq!(run(handle.counts(&namespace())).unwrap(), PairCounts { total: 1, eligible: 0 });
    service.shutdown();
}
