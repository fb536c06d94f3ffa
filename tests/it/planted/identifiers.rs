//! Identifiers that nobody has: of every kind, valid where a check tells, each once.

use std::collections::HashSet;

use crate::dice::Dice;

/// What a frame of text calls the kind, its key in JSON, how many of a thousand are of it, and how one is made.
type Kind = (&'static str, &'static str, usize, fn(&mut Dice) -> String);

/// Kinds with few values get few of the thousand, so that an invented value is not one of the planted by chance.
const KINDS: [Kind; 30] = [
    ("ssn", "ssn", 45, |d| filled(d, "2##-4#-1###")),
    ("card", "card_number", 45, |d| with_last(d, "45## #### #### ###", luhn)),
    ("card", "credit_card", 30, |d| with_last(d, "52##-####-####-###", luhn)),
    ("card", "card", 20, |d| with_last(d, "5273##########", luhn)),
    ("iban", "iban", 30, |d| iban(d, "DE", "37040044##########")),
    ("iban", "iban", 20, |d| iban(d, "NL", "INGB##########")),
    ("e-mail", "email", 60, |d| filled(d, "@@@@@.@@@@##") + "@" + &filled(d, "@@@@@") + "-clinic.org"),
    ("e-mail", "contact", 30, |d| filled(d, "@@@@@@@_##") + "@mail." + &filled(d, "@@@@@@") + ".de"),
    ("phone", "phone", 45, |d| filled(d, "+1 (41#) 72#-8###")),
    ("phone", "mobile", 30, |d| filled(d, "+49 151 2#######")),
    ("MRN", "mrn", 50, |d| filled(d, "^^-########")),
    ("member id", "member_id", 30, |d| filled(d, "^^^#########")),
    ("account no.", "account_no", 25, |d| filled(d, "7###########")),
    ("IP", "ip", 40, |d| address(d)),
    ("IP", "client_ip", 25, |d| filled(d, "2a02:8%%%:%%%%:%%%%:1%%%:%%%%:%%%%:%%%%")),
    ("MAC", "mac", 30, |d| filled(d, "3c:%%:%%:%%:%%:%%")),
    ("VIN", "vin", 35, vin),
    ("NPI", "npi", 6, |d| npi(&filled(d, "1########"))),
    ("NHS number", "nhs_number", 6, nhs),
    ("passport no.", "passport_no", 10, |d| filled(d, "C##^####K")),
    ("portal", "url", 30, |d| {
        "https://".to_owned() + &filled(d, "@@@@@@") + ".org/u/" + &filled(d, "@@@####")
    }),
    ("token", "token", 35, |d| ["ghp", "_"].concat() + &filled(d, &"*".repeat(36))),
    ("key id", "aws_key_id", 30, |d| ["AK", "IA"].concat() + &filled(d, &"^".repeat(16))),
    ("key", "api_key", 35, |d| ["sk", "-proj-"].concat() + &filled(d, &"*".repeat(40))),
    ("key", "stripe_key", 30, |d| ["sk", "_live_"].concat() + &filled(d, &"*".repeat(24))),
    ("token", "slack_token", 25, |d| {
        ["xo", "xb-"].concat() + &filled(d, "############-############-") + &filled(d, &"*".repeat(24))
    }),
    ("token", "gitlab_token", 25, |d| ["gl", "pat-"].concat() + &filled(d, &"*".repeat(20))),
    ("token", "hf_token", 25, |d| ["h", "f_"].concat() + &filled(d, &"&".repeat(34))),
    ("database", "database_url", 25, |d| {
        format!("postgres://svc:{}@db.{}.net:5432/app", filled(d, &"*".repeat(14)), filled(d, "@@@@@@"))
    }),
    ("patient", NAME, 128, |d| format!("{} {}", d.one(&GIVEN), d.one(&SURNAMES))),
];

/// The key of names.
const NAME: &str = "patient_name";

const GIVEN: [&str; 48] = [
    "Aaliyah",
    "Anselm",
    "Bartosz",
    "Beatriz",
    "Callum",
    "Chiara",
    "Damian",
    "Dorothea",
    "Eamon",
    "Elif",
    "Farah",
    "Fergus",
    "Giulia",
    "Gunnar",
    "Hamza",
    "Henrike",
    "Imogen",
    "Ivo",
    "Jakub",
    "Joaquin",
    "Katarzyna",
    "Keisha",
    "Leandro",
    "Lucinda",
    "Maeve",
    "Marcel",
    "Nadia",
    "Niamh",
    "Olga",
    "Oswald",
    "Petra",
    "Priya",
    "Quentin",
    "Rafael",
    "Rosalind",
    "Saskia",
    "Sunita",
    "Tamsin",
    "Thaddeus",
    "Ursula",
    "Valentin",
    "Wanda",
    "Winston",
    "Xavier",
    "Yasmin",
    "Yusuf",
    "Zelda",
    "Zoran",
];
const SURNAMES: [&str; 48] = [
    "Abernathy",
    "Achterberg",
    "Baranowski",
    "Blackwood",
    "Castellano",
    "Chaudhry",
    "Delacroix",
    "Dvorak",
    "Eisenmann",
    "Fairweather",
    "Falkenberg",
    "Gallagher",
    "Giordano",
    "Haldane",
    "Hernandez",
    "Ibrahimovic",
    "Inglethorpe",
    "Jankowski",
    "Johansson",
    "Kapoor",
    "Kowalczyk",
    "Lindqvist",
    "Lombardi",
    "MacAllister",
    "Mukherjee",
    "Nakagawa",
    "Novotny",
    "Oakeshott",
    "Okonkwo",
    "Papadakis",
    "Pemberton",
    "Quintero",
    "Rasmussen",
    "Rosenthal",
    "Schwarzkopf",
    "Stavropoulos",
    "Szabo",
    "Takahashi",
    "Thistlewood",
    "Ulbricht",
    "Vandermeer",
    "Villanueva",
    "Wainwright",
    "Winterbottom",
    "Yamaguchi",
    "Yildirim",
    "Zapata",
    "Zimmermann",
];

/// One value and what it is.
#[derive(Debug, Clone)]
pub(super) struct Identifier {
    /// What people call it.
    pub(super) word: &'static str,
    /// Its key in JSON.
    pub(super) key: &'static str,
    pub(super) value: String,
}

impl Identifier {
    pub(super) fn is_name(&self) -> bool {
        self.key == NAME
    }
}

/// `n` of them in a mixed order, no value twice.
pub(super) fn identifiers(n: usize, dice: &mut Dice) -> Vec<Identifier> {
    let mut thousand: Vec<&Kind> = KINDS.iter().flat_map(|kind| std::iter::repeat_n(kind, kind.2)).collect();
    assert_eq!(thousand.len(), 1_000, "the shares are of a thousand");
    let (mut known, mut all) = (HashSet::new(), Vec::new());
    while all.len() < n {
        for last in (1..thousand.len()).rev() {
            thousand.swap(last, dice.below(last + 1));
        }
        for (word, key, _, make) in &thousand {
            let value = loop {
                let value = make(dice);
                if known.insert(value.clone()) {
                    break value;
                }
            };
            all.push(Identifier { word, key, value });
        }
    }
    all.truncate(n);
    all
}

/// A template with its places filled: `#` a digit, `@` a small letter, `^` a capital, `%` a hexadecimal digit, `&` a
/// letter of either case, `*` a letter or a digit.
fn filled(dice: &mut Dice, template: &str) -> String {
    const CAPITALS: &[u8] = b"ABCDEFGHJKLMNPRSTUVWXYZ";
    const SMALL: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
    let mut fill = |c| match c {
        '#' => char::from(dice.one(b"0123456789")),
        '%' => char::from(dice.one(b"0123456789abcdef")),
        '@' => char::from(dice.one(SMALL)),
        '^' => char::from(dice.one(CAPITALS)),
        '&' => char::from(if dice.below(2) == 0 { dice.one(SMALL) } else { dice.one(CAPITALS) }),
        '*' => char::from(match dice.below(3) {
            0 => dice.one(b"0123456789"),
            1 => dice.one(SMALL),
            _ => dice.one(CAPITALS),
        }),
        c => c,
    };
    template.chars().map(&mut fill).collect()
}

/// A filled template and the digit behind it that makes it pass.
fn with_last(dice: &mut Dice, template: &str, passes: fn(&str) -> bool) -> String {
    let head = filled(dice, template);
    (0..10).map(|last| format!("{head}{last}")).find(|value| passes(value)).unwrap()
}

fn luhn(value: &str) -> bool {
    let digits = value.chars().rev().filter_map(|c| c.to_digit(10));
    let double = |(n, d): (usize, u32)| if n % 2 == 0 { d } else { d * 2 - if d > 4 { 9 } else { 0 } };
    digits.enumerate().map(double).sum::<u32>() % 10 == 0
}

fn iban(dice: &mut Dice, country: &str, template: &str) -> String {
    let rest = filled(dice, template);
    let number = format!("{rest}{country}00");
    let digits = number.chars().map(|c| c.to_digit(36).unwrap());
    let left = digits.fold(0, |left, d| (left * if d < 10 { 10 } else { 100 } + d) % 97);
    format!("{country}{:02}{rest}", 98 - left)
}

/// A public address of the version with dots.
fn address(dice: &mut Dice) -> String {
    format!(
        "{}.{}.{}.{}",
        80 + dice.below(15),
        10 + dice.below(200),
        10 + dice.below(200),
        100 + dice.below(150)
    )
}

fn vin(dice: &mut Dice) -> String {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    // Where a sign stands here, modulo ten, is its value.
    const VALUES: &str = "0123456789.ABCDEFGH..JKLMN.P.R..STUVWXYZ";
    let value = |c: char| VALUES.find(c).unwrap() as u32 % 10;
    let head = filled(dice, "1HG^^8#^0^^######");
    let sum: u32 = head.chars().zip(WEIGHTS).map(|(c, weight)| value(c) * weight).sum();
    let check = if sum % 11 == 10 { "X".to_owned() } else { (sum % 11).to_string() };
    format!("{}{check}{}", &head[..8], &head[9..])
}

/// The nine digits and their check, which counts 80840 before them.
fn npi(nine: &str) -> String {
    let found = (0..10).map(|last| format!("{nine}{last}")).find(|value| luhn(&format!("80840{value}")));
    found.unwrap()
}

fn nhs(dice: &mut Dice) -> String {
    loop {
        let nine = filled(dice, "4########");
        let sum: u32 = nine.chars().zip((2..=10).rev()).map(|(c, w)| c.to_digit(10).unwrap() * w).sum();
        match 11 - sum % 11 {
            10 => {}
            check => return format!("{} {} {}{}", &nine[..3], &nine[3..6], &nine[6..], check % 11),
        }
    }
}
