//! Korean names, behind a label or before a title.
//!
//! **Invariant:** a family name of the list begins every name.

use crate::anonymize::cue::Reading;
use crate::anonymize::invent::Script;
use crate::anonymize::kind::{Evidence, Finding, Type};

/// Family names of one sign, and of two.
pub(super) const KOREAN: &str = "김이박최정강조윤장임한오서신권황안송류전홍고문양손배백허유남심노하곽성차주우구민나진지엄채원천방공현함변염여추도소석선설마길연위표명기반왕금옥육인맹제모탁국은편용";
const KOREAN_TWO: [&str; 8] = ["남궁", "황보", "제갈", "선우", "독고", "사공", "서문", "동방"];

/// Titles behind a Korean name, in the next word.
const KOREAN_TITLES: [&str; 24] = [
    "씨",
    "님",
    "드림",
    "올림",
    "환자",
    "선생",
    "교수",
    "과장",
    "부장",
    "대리",
    "사원",
    "고객",
    "회원",
    "간호사",
    "의사",
    "원장",
    "팀장",
    "차장",
    "대표",
    "사장",
    "주임",
    "박사",
    "어르신",
    "군",
];
/// What stands before a Korean name.
const KOREAN_LABELS: [&str; 30] = [
    "환자",
    "예금주",
    "성명",
    "이름",
    "이름은",
    "보호자",
    "저는",
    "고객",
    "담당자",
    "담당자는",
    "담당의",
    "수신",
    "발신",
    "어머니",
    "아버지",
    "아들",
    "딸",
    "남편",
    "아내",
    "동생",
    "언니",
    "오빠",
    "누나",
    "형",
    "친구",
    "주치의",
    "간병인",
    "수령인",
    "받는사람",
    "보낸사람",
];
/// What is glued to a Korean name.
const KOREAN_TAILS: [&str; 30] = [
    "",
    "은",
    "는",
    "이",
    "가",
    "을",
    "를",
    "의",
    "에게",
    "께",
    "께서",
    "님",
    "님은",
    "님이",
    "님께",
    "님의",
    "씨",
    "씨는",
    "씨가",
    "씨의",
    "와",
    "과",
    "로",
    "으로",
    "이고",
    "입니다",
    "이에요",
    "예요",
    "이라고",
    "도",
];

/// `예금주 서문 진`, `수령인: 김 도윤`: behind a label the family name and the given name apart.
pub(super) fn spaced(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let hangul = |k: usize, most: usize| {
        r.word(k).is_some_and(|w| w.digits == 0 && w.chars <= most)
            && r.str(k).chars().all(|c| Script::of_char(c) == Script::Hangul)
    };
    if !hangul(i, 2) || !hangul(i + 1, 2) || r.gap(i) != " " {
        return;
    }
    let family = KOREAN_TWO.contains(&r.str(i))
        || r.word(i).is_some_and(|w| w.chars == 1) && KOREAN.contains(r.str(i));
    let led = i.checked_sub(1).is_some_and(|b| {
        matches!(r.gap(b), " " | ": " | " : " | ":")
            && (KOREAN_LABELS.contains(&r.str(b)) || b > 0 && r.str(b) == "사람")
    });
    let gap = r.gap(i + 1);
    let closed = i + 2 == r.words.len() || gap.starts_with([',', '.', '\n', ')', '/', ';', '!']);
    if family && led && closed {
        r.mark((i, i + 1), Type::NAME, Evidence::Shape, out);
    }
}

/// `최우진 씨`, `환자 김서연`, `박은정로 입금`: a family name, two syllables, and a frame.
pub(super) fn korean(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let word = r.str(i);
    let chars: Vec<(usize, char)> = word.char_indices().take(9).collect();
    if !(3..=8).contains(&chars.len()) || chars.iter().any(|(_, c)| Script::of_char(*c) != Script::Hangul) {
        return;
    }
    let two = KOREAN_TWO.iter().any(|two| word.starts_with(two));
    let count = 3 + usize::from(two && chars.len() > 3);
    if !two && !KOREAN.contains(chars[0].1) {
        return;
    }
    let Some(word_at) = r.word(i) else { return };
    let cut = chars.get(count).map_or(word.len(), |(at, _)| *at);
    let tail = &word[cut..];
    let next = if r.gap(i) == " " { r.str(i + 1) } else { "" };
    let before = i.checked_sub(1).map_or("", |b| r.str(b));
    let titled = KOREAN_TITLES.iter().any(|title| next.starts_with(title) || tail.starts_with(title));
    let led =
        KOREAN_LABELS.contains(&before) || KOREAN_LABELS.iter().any(|l| before.ends_with(l) && l.len() > 6);
    if KOREAN_TAILS.contains(&tail) && (titled || led) || tail.is_empty() && titled || tail.starts_with("님")
    {
        out.push(Finding::new(word_at.start, word_at.start + cut, Type::NAME, Evidence::Shape));
    }
}
