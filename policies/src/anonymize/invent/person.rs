//! The parts of a person's name as written.
//!
//! **Invariant:** pieces are disjoint and in order; what lies between them is punctuation that stays.

use super::lists::{Honor, LISTS, Script};

/// What a word of a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// `Dr.`, `van`, `Jr.`, `さん`: stays.
    Kept,
    /// `J.`
    Initial,
    Given,
    Surname,
    /// `Ivanovich`: made of the father's name.
    Patronymic,
    /// Digits and what has no letters.
    Other,
}

/// A word of a name: byte range in the mention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) part: Part,
}

/// A name as written.
pub(crate) struct Written<'a> {
    pub(crate) mention: &'a str,
    pub(crate) pieces: Vec<Piece>,
    /// A woman's, a man's, or nobody knows.
    pub(crate) woman: Option<bool>,
}

impl<'a> Written<'a> {
    pub(crate) fn of(mention: &'a str) -> Self {
        let mut pieces = words(mention);
        let mut honored = None;
        for piece in &mut pieces {
            let word = mention[piece.start..piece.end].to_lowercase();
            let dotted = mention[piece.end..].starts_with('.');
            if let Some(honor) = LISTS.honors.get(word.as_str()).filter(|_| dotted || word.len() > 1) {
                // `Don Miller` may be called Don: a title needs a word behind it.
                piece.part = Part::Kept;
                honored = Some(*honor).filter(|honor| *honor != Honor::Anybody).or(honored);
            } else if LISTS.after.contains(word.as_str()) || LISTS.particles.contains(word.as_str()) {
                piece.part = Part::Kept;
            } else if word == "t" && mention[..piece.start].ends_with('\'') {
                // `van 't Hoff`.
                piece.part = Part::Kept;
            } else if word.chars().count() == 1
                && !Script::of(&word).unspaced()
                && Script::of(&word) != Script::Hangul
            {
                piece.part = Part::Initial;
            } else if !word.chars().any(char::is_alphabetic) {
                piece.part = Part::Other;
            }
        }
        borne(mention, &mut pieces);
        if !pieces.iter().any(|p| p.part == Part::Given || p.part == Part::Surname) {
            // Nothing is left: the last word is a name after all.
            if let Some(last) = pieces.iter_mut().rfind(|p| p.part == Part::Kept) {
                last.part = Part::Given;
            }
        }
        roles(mention, &mut pieces);
        let mut written = Self { mention, pieces, woman: None };
        written.woman = honored.map(|honor| honor == Honor::Woman).or_else(|| written.by_given_name());
        written
    }

    pub(crate) fn word(&self, piece: &Piece) -> &'a str {
        &self.mention[piece.start..piece.end]
    }

    /// The words of one part, in lower case.
    pub(crate) fn all(&self, part: Part) -> Vec<String> {
        self.pieces.iter().filter(|p| p.part == part).map(|p| self.word(p).to_lowercase()).collect()
    }

    /// From the first word of the name itself to its last: no honorific, no possessive.
    pub(crate) fn core(&self) -> &'a str {
        let name = |p: &&Piece| !matches!(p.part, Part::Kept | Part::Other);
        let first = self.pieces.iter().find(name).map_or(0, |p| p.start);
        let last = self.pieces.iter().rfind(name).map_or(self.mention.len(), |p| p.end);
        &self.mention[first..last.max(first)]
    }

    fn by_given_name(&self) -> Option<bool> {
        self.pieces.iter().filter(|p| p.part == Part::Given).find_map(|p| {
            let known = LISTS.names.get(&self.word(p).to_lowercase())?;
            (known.man != known.woman).then_some(known.woman)
        })
    }
}

/// Titles and particles that are names after all: a surname at the end or before its comma (`James Dean`,
/// `Michael Dell`, `Pan, Wei`; of titles only Turkish ones stand there), a given name at the start (`Ben Carson`).
fn borne(mention: &str, pieces: &mut [Piece]) {
    let is = |piece: &Piece, what: fn(&str) -> bool| {
        piece.part == Part::Kept && what(&mention[piece.start..piece.end].to_lowercase())
    };
    let capital = |piece: &Piece| mention[piece.start..].starts_with(char::is_uppercase);
    let title = |piece: &Piece| is(piece, |word| LISTS.honors.contains_key(word));
    let particle = |piece: &Piece| capital(piece) && is(piece, |word| LISTS.particles.contains(word));
    let called = |piece: &Piece| capital(piece) && is(piece, |word| LISTS.called.contains(word));
    if let [first, _, ..] = pieces {
        let behind = &mention[first.end..];
        let turned = behind.starts_with(',') && (title(first) || particle(first));
        if turned || behind.starts_with(' ') && called(first) {
            first.part = Part::Given;
        }
    }
    let [.., before, last] = pieces else { return };
    let dotted = mention[last.end..].starts_with('.');
    let titled = !dotted && title(last) && !is(last, |word| ["bey", "hanım"].contains(&word));
    let name = match &mention[before.end..last.start] {
        " " => titled || particle(last) && !mention.contains(','),
        ", " => called(last),
        _ => false,
    };
    if name && before.part == Part::Given {
        last.part = Part::Given;
    }
}

/// Letters, marks, digits, and an apostrophe between letters; a possessive ends a word.
fn words(mention: &str) -> Vec<Piece> {
    let mut out = Vec::new();
    let mut start = None;
    let inside = |at: usize, c: char| {
        let rest = &mention[at + c.len_utf8()..];
        let possessive = rest.strip_prefix(['s', 'S']).is_some_and(|r| !r.starts_with(char::is_alphanumeric));
        c == '\'' && rest.starts_with(char::is_alphabetic) && !possessive
    };
    for (at, c) in mention.char_indices() {
        let part =
            c.is_alphanumeric() || matches!(u32::from(c), 0x300..=0x36f | 0x900..=0x97f | 0xe00..=0xe7f);
        match start {
            None if c.is_alphanumeric() => start = Some(at),
            Some(from) if !part && !inside(at, c) => {
                out.push((from, at));
                start = None;
            }
            None | Some(_) => {}
        }
    }
    out.extend(start.map(|from| (from, mention.len())));
    let possessive = |start: usize, end: usize| {
        mention[start..end].eq_ignore_ascii_case("s") && start > 0 && mention[..start].ends_with('\'')
    };
    let out = out.into_iter().filter(|(start, end)| !possessive(*start, *end));
    out.flat_map(|(start, end)| split(mention, start, end)).collect()
}

/// A name of Han or Hangul without spaces is a surname and a given name; an honorific may hang on.
fn split(mention: &str, start: usize, end: usize) -> Vec<Piece> {
    let word = &mention[start..end];
    let whole = |start, end| Piece { start, end, part: Part::Given };
    let script = Script::of(word);
    if !matches!(script, Script::Han | Script::Hangul | Script::Kana) {
        return vec![whole(start, end)];
    }
    let tail = LISTS
        .after
        .iter()
        .filter(|tail| word.len() > tail.len() && word.ends_with(**tail))
        .map(|t| t.len())
        .max();
    let body = end - tail.unwrap_or(0);
    let mut out = Vec::new();
    let name = &mention[start..body];
    let one_script = name.chars().all(|c| Script::of_char(c) == script);
    let letters: Vec<usize> = name.char_indices().map(|(at, _)| at).chain([name.len()]).collect();
    let count = letters.len() - 1;
    let spaced = mention.split_whitespace().count() > 1;
    let known = (1..=3.min(count.saturating_sub(1)))
        .rev()
        .find(|n| LISTS.names.get(&name[..letters[*n]]).is_some_and(|known| known.surname));
    let cut = known.filter(|_| !spaced && script != Script::Kana && one_script && (2..=5).contains(&count));
    match cut {
        Some(n) => {
            out.push(Piece { start, end: start + letters[n], part: Part::Surname });
            out.push(whole(start + letters[n], body));
        }
        None => out.push(whole(start, body)),
    }
    if body < end {
        out.push(Piece { start: body, end, part: Part::Kept });
    }
    out
}

/// Which words are surnames.
fn roles(mention: &str, pieces: &mut [Piece]) {
    let names: Vec<usize> = (0..pieces.len()).filter(|i| pieces[*i].part == Part::Given).collect();
    let known = |i: usize| LISTS.names.get(&mention[pieces[i].start..pieces[i].end].to_lowercase());
    let surname = |i: usize| known(i).is_some_and(|k| k.surname && !k.man && !k.woman);
    let given = |i: usize| known(i).is_some_and(|k| k.man || k.woman);
    let (Some(first), Some(last)) = (names.first().copied(), names.last().copied()) else { return };
    if pieces.iter().any(|p| p.part == Part::Surname) {
        return;
    }
    let comma = mention
        .find([',', '，', '、', '^', '*'])
        .filter(|at| pieces[first].end <= *at && pieces[last].start > *at);
    let marks: Vec<usize> = if let Some(comma) = comma {
        names.iter().copied().filter(|i| pieces[*i].end <= comma).collect()
    } else if names.len() == 1 {
        let led = pieces[..first].iter().any(|p| matches!(p.part, Part::Kept | Part::Initial));
        names
            .iter()
            .copied()
            .filter(|i| surname(*i) || led && !given(*i) || led && known(*i).is_some_and(|k| k.surname))
            .collect()
    } else {
        let eastern =
            matches!(Script::of(mention), Script::Han | Script::Hangul) || surname(first) && !surname(last);
        let capitals = shouted(mention, pieces, &names);
        let from_father = is_patronymic(&mention[pieces[last].start..pieces[last].end]);
        let at = capitals.unwrap_or(if eastern || from_father { first } else { last });
        // `Anne-Marie Weber-Falk`: a hyphen joins what is one.
        let hyphened = |i: &usize| {
            let (low, high) = ((*i).min(at), (*i).max(at));
            (low..high).all(|k| &mention[pieces[k].end..pieces[k + 1].start] == "-")
        };
        names.iter().copied().filter(|i| *i == at || hyphened(i)).collect()
    };
    for i in marks {
        pieces[i].part = Part::Surname;
    }
    for piece in pieces.iter_mut().filter(|p| p.part == Part::Given) {
        if is_patronymic(&mention[piece.start..piece.end]) {
            piece.part = Part::Patronymic;
        }
    }
}

/// `DOE John`: the only word in capitals.
fn shouted(mention: &str, pieces: &[Piece], names: &[usize]) -> Option<usize> {
    let loud = |i: &usize| {
        let word = &mention[pieces[*i].start..pieces[*i].end];
        word.chars().count() > 1 && word.chars().all(char::is_uppercase)
    };
    let all: Vec<usize> = names.iter().copied().filter(loud).collect();
    (all.len() == 1).then(|| all[0])
}

fn is_patronymic(word: &str) -> bool {
    let word = word.to_lowercase();
    word.chars().count() > 5 && ["ович", "евич", "овна", "евна", "ична"].iter().any(|end| word.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mention: &str) -> String {
        let written = Written::of(mention);
        let mark = |p: &Piece| match p.part {
            Part::Kept => "k",
            Part::Initial => "i",
            Part::Given => "g",
            Part::Surname => "s",
            Part::Patronymic => "p",
            Part::Other => "o",
        };
        let parts: Vec<&str> = written.pieces.iter().map(mark).collect();
        format!("{} {}", parts.concat(), written.core())
    }

    #[test]
    fn parts_of_names() {
        for (mention, want) in [
            ("John Doe", "gs John Doe"),
            ("Mr. Doe", "ks Doe"),
            ("Doe, John", "sg Doe, John"),
            ("OYELARAN^FOLAKE^T", "sgi OYELARAN^FOLAKE^T"),
            ("J. Doe's", "is J. Doe"),
            ("John", "g John"),
            ("Dr. Ann-Marie O'Brien Jr.", "kggsk Ann-Marie O'Brien"),
            ("Ludwig van der Berg", "gkks Ludwig van der Berg"),
            ("de Vries", "ks Vries"),
            ("Michael Dell", "gs Michael Dell"),
            ("Ben Carson", "gs Ben Carson"),
            ("Carson, Ben", "sg Carson, Ben"),
            ("Pan, Wei", "sg Pan, Wei"),
            ("Dell, Michael", "sg Dell, Michael"),
            ("Vries, Anna de", "sgk Vries, Anna"),
            ("Berg, Anna Van den", "sgkk Berg, Anna"),
            ("van 't Hoff", "kks Hoff"),
            ("\u{301}Anna Miller", "gs Anna Miller"),
            ("DOE John", "sg DOE John"),
            ("Anna Weber-Falk", "gss Anna Weber-Falk"),
            ("James Dean", "gs James Dean"),
            ("Prof. Wei Pan's", "kgs Wei Pan"),
            ("Ayşe Hanım", "gk Ayşe"),
            ("Mary Smith, Judge", "gsk Mary Smith"),
            ("Иванов Иван Иванович", "sgp Иванов Иван Иванович"),
            ("王小明", "sg 王小明"),
            ("田中太郎さん", "sgk 田中太郎"),
            ("김민수씨", "sgk 김민수"),
            ("Kim Min-su", "sgg Kim Min-su"),
            ("Nguyễn Văn An", "sgg Nguyễn Văn An"),
        ] {
            assert_eq!(check(mention), want, "{mention}");
        }
        assert_eq!(Written::of("Mrs. Doe").woman, Some(true));
        assert_eq!(Written::of("Peter Lang").woman, Some(false));
    }
}
