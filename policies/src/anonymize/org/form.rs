//! Organisations by their legal form in many languages: `ООО «Ромашка»`, `شركة النيل`, `株式会社みどり`, `บริษัท ... จำกัด`.
//!
//! **Invariant:** a name is bounded: a few words, or a few letters of a script without spaces.

use std::ops::Range;
use std::sync::LazyLock;

use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::sections::{Search, entries};
use crate::anonymize::words::{Caps, Word, apart};

/// Where a form stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    Before,
    Behind,
    GluedBehind,
    GluedBefore,
}

const STANDS: &[(&str, Stands)] = &[
    ("before", Stands::Before),
    ("behind", Stands::Behind),
    ("glued behind", Stands::GluedBehind),
    ("glued before", Stands::GluedBefore),
];

static FORMS: LazyLock<Search<Stands>> =
    LazyLock::new(|| Search::of(entries(include_str!("../../../words/forms.txt"), STANDS)));

/// The longest name in words, and in letters of a script without spaces.
const WORDS: usize = 5;
const LETTERS: usize = 18;

/// Organisations beside their forms.
pub(super) fn find(r: &Reading<'_>, out: &mut Vec<Finding>) {
    for (Range { start, end }, stands) in FORMS.hits(r.text) {
        let found = match stands {
            Stands::Before if apart(r.text, start, end, char::is_alphanumeric) => {
                behind(r, end).map(|last| (start, last))
            }
            Stands::Behind if apart(r.text, start, end, char::is_alphanumeric) => {
                ahead(r, start).map(|first| (first, end))
            }
            Stands::GluedBehind => glued_ahead(r.text, start).map(|first| (first, end)),
            Stands::GluedBefore => glued_behind(r.text, end).map(|last| (start, last)),
            Stands::Before | Stands::Behind => None,
        };
        if let Some((from, to)) = found {
            out.push(Finding::new(from, to, Type::ORG, Evidence::Shape));
        }
    }
}

fn uncased(word: &Word, text: &str) -> bool {
    word.caps == Caps::None && word.digits == 0 && !word.of(text).is_ascii()
}

/// At most so many bytes of the text, whole letters.
fn near(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

/// Small words that no name of an enterprise goes beyond.
const ENDS: [&str; 22] = [
    "يوم",
    "من",
    "في",
    "عن",
    "إلى",
    "على",
    "و",
    "است",
    "در",
    "از",
    "के",
    "का",
    "की",
    "में",
    "ने",
    "को",
    "से",
    "এ",
    "তে",
    "और",
    "এবং",
    "কে",
];

/// The byte behind the name that follows a form: quoted, in capitals, or words of a script without them.
fn behind(r: &Reading<'_>, end: usize) -> Option<usize> {
    let rest = r.text.get(end..)?;
    let open =
        rest.strip_prefix(" \"").or_else(|| rest.strip_prefix(" «")).or_else(|| rest.strip_prefix('"'));
    if let Some(body) = open {
        let close = near(body, 80).find(['"', '»', '\n']).filter(|at| *at > 0)?;
        let sign = body.get(close..)?.chars().next().filter(|c| *c != '\n')?;
        return Some(end + (rest.len() - body.len()) + close + sign.len_utf8());
    }
    let first = r.words.partition_point(|word| word.start < end);
    let head = r.word(first).filter(|word| rest.starts_with(' ') && word.start == end + 1)?;
    let script = uncased(head, r.text);
    if !script && !(head.capital() && (r.proper(first) || head.caps == Caps::Title)) {
        return None;
    }
    let mut last = first;
    while last + 1 < first + WORDS && matches!(r.gap(last), " " | "-" | " & " | ". ") {
        let Some(next) = r.word(last + 1) else { break };
        let joint = ["và", "dan", "y", "e", "i"].contains(&r.str(last + 1))
            && r.word(last + 2).is_some_and(Word::capital);
        let part = if script {
            uncased(next, r.text) && !ENDS.contains(&r.str(last + 1)) && last < first + 2
        } else {
            next.capital() && !r.has(last + 1, Role::Honorific) || joint
        };
        if !part || r.gap(last) == ". " && r.word(last).is_some_and(|w| w.chars > 2) {
            break;
        }
        last += 1;
    }
    r.word(last).map(|word| word.end)
}

/// The byte at which the name before a form begins.
fn ahead(r: &Reading<'_>, start: usize) -> Option<usize> {
    let mut first = r.words.partition_point(|word| word.end <= start).checked_sub(1)?;
    let head = r.word(first)?;
    let beside = r.text.get(head.end..start)?;
    if !matches!(beside, " " | ", " | " & " | "-")
        || !(head.capital() || uncased(head, r.text))
        || r.has(first, Role::Common)
    {
        return None;
    }
    let script = uncased(head, r.text);
    let last = first;
    while let Some(before) = first.checked_sub(1).filter(|before| last - before < WORDS) {
        let w = r.word(before)?;
        let gap = r.gap(before);
        let near = matches!(gap, " " | "-" | " & " | "& ")
            || gap == ". " && w.chars <= 2
            || gap == ", " && w.capital() && listed(r, first);
        let joint = ["y", "e", "und", "et", "and", "és", "ve"].contains(&r.str(before)) && gap == " ";
        let part = if script {
            uncased(w, r.text) && !ENDS.contains(&r.str(before)) && last - before <= 2
        } else {
            w.capital()
                && !(r.has(before, Role::Common) && r.begins(before))
                && !r.has(before, Role::Honorific)
        };
        if !near || !(part || joint && r.word(before.saturating_sub(1)).is_some_and(Word::capital)) {
            break;
        }
        first = before;
    }
    r.word(first).map(|word| word.start)
}

/// `Musatti, Pizzetti e Nibali`: is word `i` followed by a joint and another name?
fn listed(r: &Reading<'_>, i: usize) -> bool {
    r.gap(i) == " " && ["y", "e", "und", "et", "and", "i"].contains(&r.str(i + 1))
}

/// Letters that end a name in scripts without spaces, seen from either side.
fn stops(c: char) -> bool {
    !c.is_alphanumeric() && !"・ー&".contains(c) || "はがをにでともへの是在于到从往给找与和由的".contains(c)
}

fn glued(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{0e00}'..='\u{0e7f}')
        || c.is_ascii_alphanumeric()
}

/// The byte at which a name begins that ends at a form.
fn glued_ahead(text: &str, start: usize) -> Option<usize> {
    let head = text.get(..start)?;
    let spaced = head
        .strip_suffix(' ')
        .filter(|head| head.ends_with(|c| matches!(c, '\u{ac00}'..='\u{d7a3}' | '\u{0e00}'..='\u{0e7f}')));
    let body = spaced.unwrap_or(head);
    let inside = |c: &char| glued(*c) && !stops(*c) || matches!(c, '(' | ')');
    let taken: Vec<char> = body.chars().rev().take(LETTERS).take_while(inside).collect();
    let mut len: usize = taken.iter().map(|c| c.len_utf8()).sum();
    if taken.last() == Some(&')') {
        len -= 1;
    }
    (taken.iter().filter(|c| c.is_alphanumeric()).count() >= 2).then_some(body.len() - len)
}

/// The byte behind a name that follows a form.
fn glued_behind(text: &str, end: usize) -> Option<usize> {
    let rest = text.get(end..)?;
    let skip = rest.len() - rest.trim_start_matches(' ').len();
    let body = rest.get(skip..).filter(|_| skip <= 1)?;
    // `บริษัท ... จำกัด` goes to its second half, spaces and all.
    if let Some(close) = near(body, 160).split('\n').next().and_then(|line| line.find("จำกัด")) {
        let tail = "จำกัด".len();
        return Some(end + skip + close + tail);
    }
    let word: Vec<char> = body.chars().take(LETTERS).take_while(|c| glued(*c) && !stops(*c)).collect();
    if word.first().is_some_and(char::is_ascii) {
        return None;
    }
    let hangul = word.first().is_some_and(|c| matches!(c, '\u{ac00}'..='\u{d7a3}'));
    let from =
        word.windows(2).skip(1).position(|pair| matches!(pair, ['か', 'ら'] | ['よ', 'り'])).map(|at| at + 1);
    let kept = if hangul { word.len() - particle(&word) } else { from.unwrap_or(word.len()) };
    let len: usize = word[..kept].iter().map(|c| c.len_utf8()).sum();
    (kept >= 2).then_some(end + skip + len)
}

/// Letters of the particle at the end of a Korean word.
fn particle(word: &[char]) -> usize {
    const PARTICLES: [&str; 14] =
        ["에서는", "에서", "에게", "으로", "이고", "의", "은", "는", "이", "가", "을", "를", "에", "로"];
    let text: String = word.iter().collect();
    PARTICLES
        .iter()
        .find(|p| text.ends_with(*p) && word.len() > p.chars().count() + 1)
        .map_or(0, |p| p.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::{missing, unasked};

    fn check(text: &str) -> Vec<String> {
        let mut out = Vec::new();
        find(&Reading::of(text), &mut out);
        out.iter().map(|f| text[f.start..f.end].to_owned()).collect()
    }

    #[test]
    fn forms_of_many_languages() {
        let mut wrong = missing(
            check,
            &[
                ("Компания ООО \"Северный свет\" доставила", "ООО \"Северный свет\""),
                ("Пише ФОП Гончар Олена, дякую", "ФОП Гончар Олена"),
                ("يعمل في شركة النهر للتجارة.", "شركة النهر للتجارة"),
                ("bên Công ty TNHH Sao Biển trả lời", "Công ty TNHH Sao Biển"),
                ("bekerja di PT Melati Jaya sejak", "PT Melati Jaya"),
                ("株式会社みなみ商店から届きました", "株式会社みなみ商店"),
                ("桜木運輸合同会社で働く", "桜木運輸合同会社"),
                ("我在远山贸易有限公司工作", "远山贸易有限公司"),
                ("주식회사 푸른강에서 배송", "주식회사 푸른강"),
                ("한울상사 주식회사 김 과장", "한울상사 주식회사"),
                ("ทำงานที่ บริษัท ดาวเหนือ จำกัด ในเมือง", "บริษัท ดาวเหนือ จำกัด"),
                ("उदय ट्रेडर्स के", "उदय ट्रेडर्स"),
                ("z firmy Pila Dub a.s. napsal", "Pila Dub a.s."),
                ("bei Kern Stiftung & Co. KGaA gekauft", "Kern Stiftung & Co. KGaA"),
                ("La ditta Riva e figli ha", "Riva e figli"),
                ("and Kite & Marsh plc keeps", "Kite & Marsh plc"),
                ("beim Verein Roter Apfel e. V., Beginn", "Verein Roter Apfel e. V."),
                ("firma e Dritan Trans sh.p.k. (Durrës)", "Dritan Trans sh.p.k."),
            ],
        );
        wrong.extend(unasked(
            check,
            &["PT: 12 s", "by me and you", "my company is large", "公司很大", "ИП адрес 10.0.0.1"],
        ));
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
