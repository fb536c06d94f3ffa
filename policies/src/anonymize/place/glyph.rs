//! Places in scripts without spaces or capitals: lists of cities, and the numbers of houses that tell an address:
//! `西湖区文三路581号4栋340室`, `青葉区中央9-24-12 コーポ桜335号室`, `완산구 전라감영로 27, 120동 1604호`.
//!
//! **Invariant:** an address is read outward from its number, a bounded number of letters each way.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::anonymize::cue::Reading;
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::sections::entries;
use crate::anonymize::words::Word;

/// What a list is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    Han,
    Hangul,
    Other,
    /// Of a people only before its sign: `中国人`.
    Nation,
    People,
}

struct Lists {
    search: AhoCorasick,
    kinds: Vec<List>,
}

const NAMES: &[(&str, List)] = &[
    ("han", List::Han),
    ("hangul", List::Hangul),
    ("other", List::Other),
    ("nation", List::Nation),
    ("people", List::People),
];

static LISTS: LazyLock<Option<Lists>> = LazyLock::new(|| {
    let (kinds, words): (Vec<List>, Vec<&str>) =
        entries(include_str!("../../../words/glyphs.txt"), NAMES).unzip();
    let search = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(words).ok()?;
    Some(Lists { search, kinds })
});

/// Letters that an address reaches from its number.
const REACH: usize = 40;

/// Places and peoples of the text.
pub(super) fn find(r: &Reading<'_>, out: &mut Vec<Finding>) {
    if r.text.is_ascii() {
        return;
    }
    listed(r.text, out);
    for (i, word) in r.words.iter().enumerate() {
        if word.digits > 0 {
            han(r, word, out);
            hangul(r, i, out);
        } else if !word.of(r.text).is_ascii() && word.of(r.text).contains(['市', '县', '縣', '村', '郡'])
        {
            city(r.text, word, out);
        }
    }
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{3040}'..='\u{30ff}' | '々')
}

fn is_hangul(c: char) -> bool {
    matches!(c, '\u{ac00}'..='\u{d7a3}')
}

fn indic(c: char) -> bool {
    matches!(c, '\u{0590}'..='\u{0dff}') && c.is_alphanumeric()
}

fn listed(text: &str, out: &mut Vec<Finding>) {
    let Some(lists) = LISTS.as_ref() else { return };
    for hit in lists.search.find_iter(text) {
        let (start, end) = (hit.start(), hit.end());
        let rest = text.get(end..).unwrap_or_default();
        let after =
            |signs: &[&str]| signs.iter().find(|sign| rest.starts_with(**sign)).map(|sign| sign.len());
        let found = match lists.kinds[hit.pattern().as_usize()] {
            List::Han => Some((
                after(&["特别行政区", "自治区", "市", "省", "县", "縣", "県", "府", "区"]).unwrap_or(0),
                Type::CITY,
            )),
            List::Hangul if !follows(text, start, is_hangul) => {
                hangul_city(rest).map(|len| (len, Type::CITY))
            }
            List::Other if !inside(text, start, end) => Some((0, Type::CITY)),
            List::Nation => after(&["国籍", "國籍", "국적", " 국적", "人", "籍", "인", "사람"])
                .map(|len| (len, Type::NRP)),
            List::People if !inside(text, start, end) => Some((0, Type::NRP)),
            List::Hangul | List::Other | List::People => None,
        };
        if let Some((more, ty)) = found {
            out.push(Finding::new(start, end + more, ty, Evidence::Shape));
        }
    }
}

/// Is it a part of a word of an Arabic, Hebrew or Indic script? Prefixes such as `و` and `ב` are no part.
fn inside(text: &str, start: usize, end: usize) -> bool {
    let mut head = text.get(..start).unwrap_or_default().chars().rev();
    let first = head.next();
    let prefix = first.is_some_and(|c| "وبלבמהשכ".contains(c)) && !head.next().is_some_and(indic);
    let behind = text.get(end..).is_some_and(|tail| tail.starts_with(indic));
    first.is_some_and(indic) && !prefix || behind
}

fn follows(text: &str, start: usize, kind: fn(char) -> bool) -> bool {
    text.get(..start).is_some_and(|head| head.ends_with(kind))
}

/// What follows the name of a Korean city: its kind or a particle. The bytes of its kind.
fn hangul_city(rest: &str) -> Option<usize> {
    const KINDS: [&str; 5] = ["특별자치시", "특별시", "광역시", "시", "도"];
    const AFTER: [&str; 15] =
        ["에서", "으로", "에", "의", "은", "는", "이", "가", "을", "를", "로", "과", "와", "도", "까지"];
    let kind = KINDS.iter().find(|kind| rest.starts_with(**kind)).map_or(0, |kind| kind.len());
    let tail = rest.get(kind..)?;
    let closed = !tail.starts_with(is_hangul);
    let led =
        AFTER.iter().any(|word| tail.strip_prefix(word).is_some_and(|more| !more.starts_with(is_hangul)));
    (closed || led).then_some(kind)
}

/// Signs at which an address in Han letters begins: small words before it.
fn stops(c: char) -> bool {
    "是在于到从往址住的了至给向找去はがをにでともへの,、。:;()「」\"".contains(c)
}

/// Letters of streets, quarters and blocks: without one a number is no address.
const STREETS: &str = "路街道巷弄胡同段村镇鎮乡鄉区區县縣市町丁目筋通条郡号號";
/// Signs behind the numbers of houses, floors and rooms.
const UNITS: [&str; 30] = [
    "号室", "號室", "号楼", "號樓", "单元", "單元", "丁目", "番地", "番", "号", "號", "弄", "巷", "栋", "棟",
    "幢", "座", "楼", "樓", "层", "層", "室", "之", "階", "段", "房", "組", "户", "區", "区",
];

/// An address in Han letters around the number in `word`.
fn han(r: &Reading<'_>, word: &Word, out: &mut Vec<Finding>) {
    let own = word.of(r.text);
    let Some(at) = own.find(|c: char| c.is_ascii_digit()) else { return };
    let digit = word.start + at;
    let head = r.text.get(..digit).unwrap_or_default();
    let left: Vec<char> = head.chars().rev().take(REACH).take_while(|c| is_han(*c) && !stops(*c)).collect();
    let streets = left.iter().filter(|c| STREETS.contains(**c)).count();
    let start = digit - left.iter().map(|c| c.len_utf8()).sum::<usize>();
    let end = forward(r.text, digit);
    let bare = r.text.get(digit..end).unwrap_or_default();
    let numbered =
        bare.contains(['-', '号', '號', '室', '楼', '樓', '丁', '番', '栋', '弄', '巷', '段', '之']);
    if left.len() >= 3 && streets > 0 && numbered {
        out.push(Finding::new(start, end, Type::ADDRESS, Evidence::Shape));
    }
}

/// Where numbers, their signs and the name of a building end.
fn forward(text: &str, from: usize) -> usize {
    let mut at = from;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let body = rest.get(digits..).unwrap_or_default();
        let unit = UNITS.iter().find(|unit| body.starts_with(**unit)).map_or(0, |unit| unit.len());
        let dash = usize::from(
            unit == 0 && body.starts_with('-') && body.as_bytes().get(1).is_some_and(u8::is_ascii_digit),
        );
        if digits == 0 && unit == 0 || at - from > 80 {
            break;
        }
        at += digits + unit + dash;
    }
    // ` コーポ桜335号室`: a building with its room.
    let rest = text.get(at..).unwrap_or_default();
    let body = rest.strip_prefix(' ').or_else(|| rest.strip_prefix("  ")).unwrap_or(rest);
    let name: usize = body
        .chars()
        .take(16)
        .take_while(|c| is_han(*c) && !stops(*c) || c.is_ascii_uppercase())
        .map(char::len_utf8)
        .sum();
    let room = body.get(name..).unwrap_or_default().bytes().take_while(u8::is_ascii_digit).count();
    if name > 0 && room >= 2 && at > from {
        let until = at + (rest.len() - body.len()) + name + room;
        let tail = text.get(until..).unwrap_or_default();
        return until
            + ["号室", "号", "室"].iter().find(|sign| tail.starts_with(**sign)).map_or(0, |sign| sign.len());
    }
    at
}

/// A word that holds the sign of a town: `いすみ市に`, `印旛郡本埜村`.
fn city(text: &str, word: &Word, out: &mut Vec<Finding>) {
    const THINGS: [&str; 9] = ["城市", "都市", "全市", "本市", "农村", "農村", "乡村", "上市", "夜市"];
    let own = word.of(text);
    let Some((at, sign)) = own.char_indices().rev().find(|(_, c)| "市县縣村郡".contains(*c)) else {
        return;
    };
    let whole = own.get(..at + sign.len_utf8()).unwrap_or_default();
    let from = whole.char_indices().rev().find(|(_, c)| stops(*c)).map_or(0, |(at, c)| at + c.len_utf8());
    let name = whole.get(from..).unwrap_or_default();
    let closed = own.get(whole.len()..).is_some_and(|rest| rest.is_empty() || rest.starts_with(stops));
    if (3..=10).contains(&name.chars().count()) && closed && !THINGS.iter().any(|thing| name.ends_with(thing))
    {
        out.push(Finding::new(word.start + from, word.start + whole.len(), Type::CITY, Evidence::Shape));
    }
}

/// Ends of Korean words that are parts of an address; the last ones stand before a house number.
const PARTS: [&str; 10] = ["도", "시", "군", "구", "읍", "면", "동", "리", "가", "로"];
const ROADS: [&str; 7] = ["로", "길", "거리", "동", "리", "가", "대로"];

/// A Korean address around the house number `i`.
fn hangul(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let Some(road) = i.checked_sub(1).filter(|b| r.gap(*b) == " ") else { return };
    let ends = |k: usize, list: &[&str]| {
        list.iter().any(|end| r.str(k).ends_with(end)) && r.str(k).chars().any(is_hangul)
    };
    if !ends(road, &ROADS)
        || r.str(road).chars().count() < 2
        || !r.str(i).starts_with(|c: char| c.is_ascii_digit())
    {
        return;
    }
    let mut first = road;
    while let Some(before) = first
        .checked_sub(1)
        .filter(|b| r.gap(*b) == " " && ends(*b, &PARTS) && r.str(*b).chars().count() >= 2 && road - b <= 5)
    {
        first = before;
    }
    let own = r.str(i);
    let digits = own.bytes().take_while(u8::is_ascii_digit).count();
    let plain = r.str(road).chars().count() >= 3 || first < road;
    let suffix = own.get(digits..).unwrap_or_default();
    if !plain
        || !(suffix.is_empty()
            || ["번지", "호", "동", "에", "로", "입니다"].iter().any(|end| suffix.starts_with(end)))
    {
        return;
    }
    let mut last = i;
    let room = |k: usize| {
        r.word(k).is_some_and(|w| w.digits > 0)
            && ["동", "호", "층"]
                .iter()
                .any(|end| r.str(k).trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(end))
    };
    while last < i + 4 {
        let next = r.gap(last) == "-" && r.word(last + 1).is_some_and(Word::is_number)
            || matches!(r.gap(last), " " | ", ") && room(last + 1);
        if !next {
            break;
        }
        last += 1;
    }
    // `(승민문이동)`: the quarter in brackets.
    if r.gap(last) == " (" && r.gap(last + 1).starts_with(')') && r.str(last + 1).chars().any(is_hangul) {
        last += 1;
    }
    let end = r.word(last).map_or(0, |w| {
        let own = w.of(r.text);
        let room = own.bytes().take_while(u8::is_ascii_digit).count();
        let kind = own
            .get(room..)
            .and_then(|tail| ["동", "호", "층", "번지"].iter().find(|end| tail.starts_with(**end)));
        if room == 0 { w.end } else { w.start + room + kind.map_or(0, |kind| kind.len()) }
    });
    if let Some(word) = r.word(first) {
        out.push(Finding::new(word.start, end, Type::ADDRESS, Evidence::Shape));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::{missing, typed, unasked};

    fn check(text: &str) -> Vec<String> {
        let mut out = Vec::new();
        find(&Reading::of(text), &mut out);
        typed(text, &out)
    }

    #[test]
    fn addresses_cities_and_peoples_without_spaces() {
        let mut wrong = missing(
            check,
            &[
                ("地址是东莞中山路384号3栋2000室,快递", "ADDRESS 东莞中山路384号3栋2000室"),
                (
                    "住所は仙台市青葉区中央9-24-12 コーポ桜335号室です",
                    "ADDRESS 仙台市青葉区中央9-24-12 コーポ桜335号室",
                ),
                (
                    "주소는 전주시 완산구 전라감영로 27, 120동 1604호 입니다",
                    "ADDRESS 전주시 완산구 전라감영로 27, 120동 1604호",
                ),
                ("什么时候来哈尔滨?", "CITY 哈尔滨"),
                ("様はカナダ国籍で", "NRP カナダ国籍"),
                ("캐나다 국적입니다", "NRP 캐나다 국적"),
                ("수원에 살고", "CITY 수원"),
                ("متى تصل إلى صفاقس؟", "CITY صفاقس"),
                ("いすみ市に住んでいて", "CITY いすみ市"),
                ("国籍はブラジル人、", "NRP ブラジル人"),
                ("국적은 중국인, 이름은", "NRP 중국인"),
            ],
        );
        wrong.extend(unasked(
            check,
            &["第3号文件", "2路公交", "필요시 연락", "共有5个城市", "v1.2 を使う", "하루 27 번"],
        ));
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
