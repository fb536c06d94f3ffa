//! Filling templates: each slot becomes a value of its locale, and keeps its class.
//!
//! **Invariant:** a line follows from template, lists and chance alone; every filled part knows its class.

use kolm_policies::ner::lattice::CLASSES;

use crate::chance::Chance;
use crate::person;
use crate::source::{Locale, Source, Template};

/// A part of a line and the class of what it names, if any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The text.
    pub text: String,
    /// Place in [`CLASSES`].
    pub class: Option<usize>,
}

/// Fills one template.
pub fn fill(source: &Source, template: &Template, chance: &mut Chance) -> Vec<Part> {
    let filler = Filler { source, home: home(source, template, chance) };
    let mut parts = Vec::new();
    let mut rest = template.text.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        parts.push(Part { text: before.to_owned(), class: None });
        let slot = after.split_once('}').filter(|(slot, _)| is_slot(slot));
        let Some((slot, tail)) = slot else {
            parts.push(Part { text: "{".to_owned(), class: None });
            rest = after;
            continue;
        };
        rest = tail;
        let class = slot.split('.').next().unwrap_or_default();
        let class = CLASSES.iter().position(|known| *known == class);
        parts.push(Part { text: filler.value(slot, chance), class });
    }
    parts.push(Part { text: rest.to_owned(), class: None });
    parts.retain(|part| !part.text.is_empty());
    parts
}

fn is_slot(slot: &str) -> bool {
    slot.starts_with(|c: char| c.is_ascii_uppercase())
        && slot.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b'.' | b'_'))
}

/// The locale that most names of a line come from.
fn home<'a>(source: &'a Source, template: &Template, chance: &mut Chance) -> Option<&'a Locale> {
    if !template.locales.is_empty() && (template.locales.len() > 1 || chance.percent(90)) {
        return source.locale(chance.pick(&template.locales));
    }
    if template.locales.is_empty() && chance.percent(35) {
        return source.locale("en");
    }
    latin(source, chance)
}

fn latin<'a>(source: &'a Source, chance: &mut Chance) -> Option<&'a Locale> {
    let all: Vec<&Locale> = source.locales.values().filter(|l| l.is("latin")).collect();
    all.get(chance.below(all.len())).copied()
}

/// Where values come from.
pub struct Filler<'a> {
    source: &'a Source,
    home: Option<&'a Locale>,
}

impl Filler<'_> {
    fn locale(&self, chance: &mut Chance) -> &Locale {
        static NONE: std::sync::LazyLock<Locale> = std::sync::LazyLock::new(Locale::default);
        let home = self.home.unwrap_or(&NONE);
        if home.is("latin") && chance.percent(12) { latin(self.source, chance).unwrap_or(home) } else { home }
    }

    /// An entry of the locale's section, of the English one where it has none.
    fn entry(&self, section: &str, chance: &mut Chance) -> String {
        let own = self.locale(chance).get(section);
        let list = if own.is_empty() { self.world(section) } else { own };
        chance.pick(list).to_owned()
    }

    fn world(&self, section: &str) -> &[String] {
        ["en", "world"]
            .iter()
            .filter_map(|name| self.source.locale(name))
            .map(|l| l.get(section))
            .find(|l| !l.is_empty())
            .unwrap_or(&[])
    }

    fn value(&self, slot: &str, chance: &mut Chance) -> String {
        match slot.split_once('.').unwrap_or((slot, "")) {
            ("PER", form) => person::name(self.locale(chance), form, chance),
            ("TITLE", _) => self.entry("title", chance),
            ("NRP", _) => self.entry("nrp", chance),
            ("LOC", form) => self.place(form, chance),
            ("ORG", _) => self.pattern("org", chance),
            ("FAC", "short") => self.pattern("fac short", chance),
            ("FAC", _) => self.pattern("fac", chance),
            ("AGE", "old") => self.aged(chance),
            ("AGE", _) => age(chance).to_string(),
            ("DATE", form) => self.date(form, chance),
            (_, "frame") => self.frame(chance),
            (_, "words") => self.words(chance),
            (_, "brand") => brand(chance),
            (_, "title") => crate::corpus::titled(&self.words(chance)),
            (_, "own") => self.own(chance),
            (_, section) => {
                number_like(section, chance).unwrap_or_else(|| chance.pick(self.world(section)).to_owned())
            }
        }
    }

    fn place(&self, form: &str, chance: &mut Chance) -> String {
        match form {
            "city" => self.entry("city", chance),
            "state" => self.entry("state", chance),
            "country" => self.entry("country", chance),
            "abbr" => chance.pick(self.world("abbr")).to_owned(),
            "street" => self.pattern("street", chance),
            _ => {
                let section = ["city", "city", "country", "state"][chance.below(4)];
                self.entry(section, chance)
            }
        }
    }

    /// A pattern with `%S` surname, `%G` given name, `%C` city, `#` number.
    fn pattern(&self, section: &str, chance: &mut Chance) -> String {
        let pattern = self.entry(section, chance);
        let mut out = String::new();
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            match c {
                '#' => {
                    let most = if chance.percent(60) { 99 } else { 9999 };
                    out.push_str(&(1 + chance.below(most)).to_string());
                }
                '%' => match chars.next() {
                    Some('S') => out.push_str(&self.entry("surname", chance)),
                    Some('G') => out.push_str(&self.entry("given", chance)),
                    Some('C') => out.push_str(&self.entry("city", chance)),
                    other => out.extend(other),
                },
                _ => out.push(c),
            }
        }
        out
    }

    fn aged(&self, chance: &mut Chance) -> String {
        let n = age(chance);
        let own = self.locale(chance).get("aged");
        if !own.is_empty() {
            return chance.pick(own).replace('#', &n.to_string());
        }
        let form = [
            "#-year-old",
            "#-year-old",
            "# year old",
            "# years old",
            "#yo",
            "# yo",
            "# y/o",
            "#F",
            "#M",
            "#yr old",
            "# yr old",
            "#-yo",
            "# y.o.",
            "#yM",
            "#-month-old",
            "# months old",
        ];
        form[chance.below(form.len())].replace('#', &n.to_string())
    }

    fn date(&self, form: &str, chance: &mut Chance) -> String {
        let (day, year) = (1 + chance.below(28), 1930 + chance.below(97));
        let month = self.entry("month", chance);
        let own = self.home.map_or(&[][..], |home| home.get("date"));
        if form == "month_day" || !own.is_empty() {
            let forms: Vec<String> = if own.is_empty() {
                ["%M %D", "%M %Dth", "%D %M", "%M %D, %Y", "%D %M %Y", "the %Dth of %M", "%M %Y"]
                    .map(str::to_owned)
                    .to_vec()
            } else {
                own.to_vec()
            };
            let form = chance.pick(&forms);
            let date = form.replace("%M", &month).replace("%D", &day.to_string());
            return date.replace("%Y", &year.to_string());
        }
        let number = 1 + chance.below(12);
        if form == "short" {
            return format!("{number}/{day}");
        }
        match chance.below(7) {
            0 => format!("{number}/{day}/{year}"),
            1 => format!("{year}-{number:02}-{day:02}"),
            2 => format!("{day:02}.{number:02}.{year}"),
            3 => format!("{number}/{day}"),
            4 => format!("{number:02}/{day:02}/{:02}", year % 100),
            5 => format!("{month} {day}, {year}"),
            _ => format!("{day} {month} {year}"),
        }
    }

    /// A surname that names a disease, a sign or a product: no identifier.
    fn frame(&self, chance: &mut Chance) -> String {
        let surnames = self.locale(chance).get("surname");
        let surname = chance.pick(surnames).to_owned();
        let surname = if chance.percent(70) { chance.pick(self.world("eponym")).to_owned() } else { surname };
        let own = ["'s ", "'s ", " ", " "][chance.below(4)];
        format!("{surname}{own}{}", chance.pick(self.world("head")))
    }

    /// Common words of the line's own language.
    fn own(&self, chance: &mut Chance) -> String {
        let words = self.home.map_or(&[][..], |home| home.get("word"));
        let glued = self.home.is_some_and(|home| home.is("glued") || home.is("thai"));
        let joint = if glued && !self.home.is_some_and(|home| home.is("hangul")) { "" } else { " " };
        let count = 2 + chance.below(5);
        (0..count).map(|_| chance.pick(words)).collect::<Vec<_>>().join(joint)
    }

    fn words(&self, chance: &mut Chance) -> String {
        let mut out = String::new();
        let count = 1 + chance.below(7);
        for n in 0..count {
            if n > 0 {
                out.push(' ');
            }
            let section = ["word", "word", "word", "word", "medical"][chance.below(5)];
            out.push_str(chance.pick(self.world(section)));
        }
        out
    }
}

/// A product's or a drug's name that nobody has heard of.
fn brand(chance: &mut Chance) -> String {
    const HEADS: [&str; 24] = [
        "Zel", "Vor", "Cre", "Nor", "Tri", "Pro", "Lam", "Sin", "Glu", "Dex", "Ben", "Car", "Met", "Ora",
        "Lis", "Asp", "Mou", "Tol", "Ery", "Fen", "Rox", "Xel", "Qua", "Bro",
    ];
    const MIDDLES: [&str; 14] = ["", "", "", "a", "o", "i", "ta", "vi", "lo", "ri", "mo", "ne", "da", "pe"];
    const TAILS: [&str; 30] = [
        "stor", "vasc", "zine", "pril", "lol", "mab", "tin", "cet", "dryl", "pram", "zol", "nix", "xa", "ra",
        "tan", "gine", "mir", "pro", "tide", "profen", "cillin", "mycin", "oxin", "azole", "jaro", "lair",
        "quil", "pax", "done", "amine",
    ];
    let [head, middle, tail] =
        [HEADS.as_slice(), &MIDDLES, &TAILS].map(|list| list[chance.below(list.len())]);
    let name = format!("{head}{middle}{tail}");
    if chance.percent(25) { name.to_lowercase() } else { name }
}

fn age(chance: &mut Chance) -> usize {
    if chance.percent(10) { 90 + chance.below(15) } else { 1 + chance.below(89) }
}

fn digits(count: usize, chance: &mut Chance) -> String {
    (0..count).map(|_| char::from(b'0' + chance.below(10) as u8)).collect()
}

/// Values made of digits and letters that no list can hold.
fn number_like(kind: &str, chance: &mut Chance) -> Option<String> {
    let count = 1 + chance.below(4);
    Some(match kind {
        "num" => (1 + chance.below(10_usize.pow(count as u32))).to_string(),
        "year" => (1950 + chance.below(80)).to_string(),
        "id" => {
            let head = ["", "", "A", "MRN-", "INV", "TK-", "X"][chance.below(7)];
            format!("{head}{}", digits(5 + count, chance))
        }
        "email" => {
            let user = ["info", "support", "j.k", "office", "mk82", "sales", "contact"][chance.below(7)];
            format!("{user}{}@example.org", chance.below(90))
        }
        "phone" => match chance.below(3) {
            0 => format!("({}) {}-{}", digits(3, chance), digits(3, chance), digits(4, chance)),
            1 => format!("+{} {} {}", 1 + chance.below(98), digits(3, chance), digits(6, chance)),
            _ => format!("{}-{}-{}", digits(3, chance), digits(3, chance), digits(4, chance)),
        },
        "zip" => digits(5, chance),
        "time" => format!("{}:{:02}", chance.below(24), chance.below(60)),
        "money" => format!("${}.{:02}", chance.below(3000), chance.below(100)),
        "ssn" => format!("{}-{}-{}", digits(3, chance), digits(2, chance), digits(4, chance)),
        "bp" => format!("{}/{}", 90 + chance.below(90), 50 + chance.below(50)),
        "version" => format!("{}.{}.{}", chance.below(9), chance.below(30), chance.below(9)),
        _ => return None,
    })
}
