//! Gradients against central differences, packed answers against the differentiable net, members read back.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor, Var};
use kolm_core::{Coded, Exit};

use crate::files::{Abstention, Part, Scorers, tokenizer_json, weights};
use crate::infer::{Transformer, Words, packed_values};
use crate::net::{self, END, Packed, Shape, Values};
use crate::ngram::Ngram;
use crate::ops::{Attention, Linear, Mask, RmsNorm, SwiGlu, values};
use crate::student::{confidence_of, top_two};
use crate::text::WIDTH;
use crate::{Abstain, Error, Student};

const SHAPE: Shape = Shape { vocab: 12, width: 8, layers: 2, heads: 2, ff: 6, context: 5, labels: 3 };

/// Numbers in [-1, 1] that look random and never change.
fn numbers(n: usize, seed: u32) -> Vec<f32> {
    let mut x = seed.wrapping_mul(2_654_435_761) | 1;
    (0..n)
        .map(|_| {
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
            x as f32 / u32::MAX as f32 * 2.0 - 1.0
        })
        .collect()
}

fn var(shape: (usize, usize), seed: u32) -> Var {
    Var::from_vec(numbers(shape.0 * shape.1, seed), shape, &Device::Cpu).unwrap()
}

/// A scalar that weighs every element of `y` differently.
fn weigh(y: &Tensor) -> Tensor {
    let w = Tensor::from_vec(numbers(y.elem_count(), 99), y.shape(), &Device::Cpu).unwrap();
    (y * w).unwrap().sum_all().unwrap()
}

/// Compares the gradient of `f` at each input with the central difference.
fn check(name: &str, inputs: &[Var], f: &dyn Fn(&[Tensor]) -> Tensor) {
    let at = |inputs: &[Tensor]| f64::from(weigh(&f(inputs)).to_scalar::<f32>().unwrap());
    let tensors: Vec<Tensor> = inputs.iter().map(|v| v.as_tensor().clone()).collect();
    let grads = weigh(&f(&tensors)).backward().unwrap();
    for (i, input) in inputs.iter().enumerate() {
        let got = values(grads.get(input).unwrap()).unwrap();
        let base = values(input).unwrap();
        let largest = got.iter().map(|g| g.abs()).fold(1e-3, f32::max);
        for j in 0..base.len() {
            let moved = |h: f32| {
                let mut v = base.clone();
                v[j] += h;
                let mut inputs = tensors.clone();
                inputs[i] = Tensor::from_vec(v, input.shape(), &Device::Cpu).unwrap();
                at(&inputs)
            };
            let numeric = (moved(5e-3) - moved(-5e-3)) / 1e-2;
            let error = (f64::from(got[j]) - numeric).abs() / f64::from(largest);
            assert!(error < 1e-3, "{name}: input {i}, element {j}: {} against {numeric}", got[j]);
        }
    }
}

#[test]
fn gradients_of_every_block_match_central_differences() {
    check("linear", &[var((4, 3), 1), var((5, 3), 2)], &|x| x[0].apply_op2(&x[1], Linear).unwrap());
    let gain = Var::from_vec(numbers(6, 4), 6, &Device::Cpu).unwrap();
    check("rms norm", &[var((3, 6), 3), gain], &|x| x[0].apply_op2(&x[1], RmsNorm).unwrap());
    check("swiglu", &[var((3, 8), 5), var((3, 8), 9)], &|x| x[0].apply_op2(&x[1], SwiGlu).unwrap());
    check("mask", &[var((2, 3), 6)], &|x| {
        x[0].apply_op1(Mask(vec![0.0, 1.25, 1.25, 0.0, 1.25, 1.25])).unwrap()
    });
    let spans = vec![(0, 1), (0, 2), (2, 3), (1, 4)];
    check("attention", &[var((4, 6), 7), var((5, 12), 8)], &|x| {
        x[0].apply_op2(&x[1], Attention { heads: 2, spans: spans.clone() }).unwrap()
    });
}

fn tiny() -> (Values, Packed) {
    let mut draws = numbers(100_000, 3).into_iter();
    let values = net::init(&SHAPE, &mut || draws.next().unwrap());
    let mut packed = Packed::default();
    for tokens in [vec![2, 3, END], vec![4, 5, 6, 0, END], vec![END]] {
        packed.push(&tokens);
    }
    (values, packed)
}

#[test]
fn one_backward_reaches_every_parameter() {
    let (values, packed) = tiny();
    let params = net::params(&SHAPE, &values).unwrap();
    let x = net::embed(&SHAPE, &values, &packed).unwrap();
    let scores = net::forward(&SHAPE, &params, x.as_tensor(), &packed, None).unwrap();
    assert_eq!(scores.dims(), [3, 3]);
    let grads = weigh(&scores).backward().unwrap();
    assert_eq!(params.len() + 2, SHAPE.parameters().len(), "all but the two tables are in the graph");
    for (name, var) in params.iter().map(|(n, v)| (n.as_str(), v)).chain([("embedded tokens", &x)]) {
        let g = crate::ops::values(grads.get(var.as_tensor()).expect(name)).unwrap();
        assert!(g.iter().all(|g| g.is_finite()) && g.iter().any(|g| *g != 0.0), "{name} has no gradient");
    }
}

#[test]
fn answering_computes_what_training_computed() {
    let (values, packed) = tiny();
    let params = net::params(&SHAPE, &values).unwrap();
    let x = net::embed(&SHAPE, &values, &packed).unwrap();
    let scores =
        net::forward(&SHAPE, &params, x.as_tensor(), &packed, None).unwrap().to_vec2::<f32>().unwrap();
    let plain = Transformer::new(SHAPE, values.clone()).unwrap();
    let mut from = 0;
    for (row, n) in scores.iter().zip(&packed.lengths) {
        for (a, b) in row.iter().zip(plain.scores(&packed.tokens[from..from + n])) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
        from += n;
    }
    assert!(Transformer::new(SHAPE, BTreeMap::new()).is_err());
    assert_eq!(plain.scores(&[99, END]), plain.scores(&[0, END]), "a token beyond the vocabulary is unknown");
}

fn scorers(tau_ppm: u32) -> Scorers {
    Scorers {
        v: 1,
        student: "nano-label".to_owned(),
        scorer: "label".to_owned(),
        abstain: Abstention { kind: "label_margin".to_owned(), tau_ppm },
        ngram: Some(2_500_000),
        transformer: Some(Part { factor: 400_000, shape: SHAPE }),
        templates: vec!["seen".to_owned()],
        max_bytes: 40,
        labels: ["billing", "other", "refund"].map(str::to_owned).to_vec(),
    }
}

fn members(scorers: &Scorers) -> [Vec<u8>; 3] {
    let (values, _) = tiny();
    let rows = [numbers(WIDTH, 5), numbers(WIDTH, 6), numbers(WIDTH, 7)];
    let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
    let ngram = Ngram::pack(vec![1.0; WIDTH], &rows, vec![0.0; 3]).unwrap();
    let words = Words::new((0..10).map(|i| format!("w{i}")).collect(), SHAPE.context);
    let weights = weights(Some(&ngram), Some((&SHAPE, &values))).unwrap();
    [serde_json::to_vec(scorers).unwrap(), tokenizer_json(Some(&words)).unwrap(), weights]
}

#[test]
fn members_read_back_answer_with_the_packed_values() {
    let [scorers, tokenizer, weights] = members(&scorers(0));
    let student = Student::from_members(&scorers, &tokenizer, &weights).unwrap();
    let (values, _) = tiny();
    let transformer = Transformer::new(SHAPE, packed_values(&SHAPE, &values)).unwrap();
    let words = Words::new((0..10).map(|i| format!("w{i}")).collect(), SHAPE.context);
    let scores = transformer.scores(&words.tokens("w1 w9 unseen"));
    let lone = serde_json::to_vec(&Scorers { ngram: None, ..self::scorers(0) }).unwrap();
    let only = Student::from_members(&lone, &tokenizer, &weights).unwrap();
    let mut expected: Vec<f32> = scores.iter().map(|s| s * 0.4).collect();
    kolm_kernels::func::softmax(&mut expected);
    assert_eq!(only.shares("W1  w9 unseen"), expected);
    let shares = student.shares("w1 w9 unseen");
    assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-6 && shares != expected);
}

#[test]
fn abstention_names_its_reason_and_grows_with_tau() {
    let mut last = 0;
    for tau in [0, 200_000, 500_000, 900_000, 1_000_000] {
        let [scorers, tokenizer, weights] = members(&scorers(tau));
        let student = Student::from_members(&scorers, &tokenizer, &weights).unwrap();
        let texts = ["w1", "w2 w3", "refund my money", "hello", ""];
        let abstained =
            texts.iter().filter(|t| student.answer("seen", t).abstain == Some(Abstain::Confidence)).count();
        assert!(abstained >= last);
        last = abstained;
        if tau == 0 {
            assert_eq!(abstained, 0);
            assert_eq!(student.answer("other", "w1").abstain, Some(Abstain::Template));
            assert_eq!(student.answer("seen", &"long ".repeat(9)).abstain, Some(Abstain::Length));
        }
    }
    assert_eq!(last, 5, "a tau of one million abstains always");
    assert_eq!(Abstain::Length.as_str(), "length");
    assert_eq!((confidence_of(f32::NAN), confidence_of(2.0)), (0.0, 0.999_999));
    assert_eq!(top_two(&[0.2, 0.5, 0.3]), (1, 0.5, 0.3));
    assert_eq!(top_two(&[0.5, 0.5]), (0, 0.5, 0.5), "the first of equals");
}

#[test]
fn long_texts_keep_both_ends() {
    let words = Words::new((0..10).map(|i| format!("w{i}")).collect(), 5);
    assert_eq!(words.tokens("w0 w1 w2 w3"), [2, 3, 4, 5, END]);
    assert_eq!(words.tokens("w0 w1 w2 w3 w4 w5"), [2, 3, 6, 7, END]);
    assert_eq!(words.tokens(""), [END]);
}

#[test]
fn every_error_has_its_code_and_a_hint() {
    let [good, tokenizer, weights] = members(&scorers(0));
    let build = |s: &[u8], t: &[u8], w: &[u8]| Student::from_members(s, t, w).unwrap_err();
    let foreign = serde_json::to_vec(&Scorers { student: "lora".to_owned(), ..scorers(0) }).unwrap();
    let fewer = serde_json::to_vec(&Scorers { labels: vec!["a".to_owned(); 2], ..scorers(0) }).unwrap();
    let empty = weights_of_nothing();
    let cases: Vec<(Error, u16)> = vec![
        (build(&foreign, &tokenizer, &weights), 620),
        (build(&good, &tokenizer, &empty), 621),
        (build(&fewer, &tokenizer, &weights), 622),
        (build(b"{", &tokenizer, &weights), 623),
        (build(&good, &tokenizer, b"short"), 624),
    ];
    for (error, code) in cases {
        assert_eq!(error.code().0, code, "{error}");
        assert!(error.hint().is_some() && error.exit() == Exit::Failed);
    }
}

fn weights_of_nothing() -> Vec<u8> {
    weights(None, None).unwrap()
}
