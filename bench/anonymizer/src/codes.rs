//! Codes: random ones of a shape, and those whose check digits hold.
//!
//! **Invariant:** a value of [`made`] passes the check of its type.

use crate::rng::Rng;

const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";

/// A value of a shape: `9` digit, `#` 2 to 9, `?` capital, `!` small letter, `^` hexadecimal, `*` letter or digit, `&`
/// base64, `~` base64url, `%` capital or digit, `$` small or digit; `<n>` after one repeats it, `\` escapes.
pub(crate) fn shape(spec: &str, rng: &mut Rng) -> String {
    let alphanumeric = format!("{UPPER}{LOWER}0123456789");
    let mut out = String::new();
    let mut chars = spec.chars().peekable();
    while let Some(c) = chars.next() {
        let alphabet = match c {
            '9' => "0123456789".to_owned(),
            '#' => "23456789".to_owned(),
            '?' => UPPER.to_owned(),
            '!' => LOWER.to_owned(),
            '^' => "0123456789abcdef".to_owned(),
            '*' => alphanumeric.clone(),
            '&' => format!("{alphanumeric}+/"),
            '~' => format!("{alphanumeric}-_"),
            '%' => format!("{UPPER}0123456789"),
            '$' => format!("{LOWER}0123456789"),
            '\\' => {
                out.extend(chars.next());
                continue;
            }
            other => {
                out.push(other);
                continue;
            }
        };
        let mut times = 1;
        if chars.peek() == Some(&'<') {
            let digits: String = chars.by_ref().skip(1).take_while(|c| *c != '>').collect();
            times = digits.parse().unwrap_or(1);
        }
        for _ in 0..times {
            out.push(rng.of(&alphabet));
        }
    }
    out
}

/// A value whose check holds, by name.
pub(crate) fn made(name: &str, rng: &mut Rng) -> Option<(&'static str, String)> {
    let (name, country) = name.split_once(':').unwrap_or((name, ""));
    Some(match name {
        "card" => ("CREDIT_CARD", card(rng)),
        "iban" => ("IBAN_CODE", iban(country, rng)),
        "ssn" => (
            "US_SSN",
            format!("{:03}-{:02}-{:04}", rng.within(101, 665), rng.within(1, 99), rng.within(1, 9999)),
        ),
        "npi" => ("US_NPI", luhn(&format!("808401{}", digits(8, rng))).split_off(5)),
        "dea" => ("MEDICAL_LICENSE", dea(rng)),
        "nif" => ("ES_NIF", nif(rng)),
        "pesel" => ("PL_PESEL", pesel(rng)),
        "tckn" => ("TR_NATIONAL_ID", tckn(rng)),
        "personnummer" => ("SE_PERSONNUMMER", personnummer(rng)),
        "hetu" => ("FI_PERSONAL_IDENTITY_CODE", hetu(rng)),
        "cpf" => ("ID", cpf(rng)),
        "steuer" => ("DE_TAX_ID", steuer(rng)),
        "aadhaar" => ("IN_AADHAAR", aadhaar(rng)),
        "nhs" => ("UK_NHS", nhs(rng)),
        "sin" => ("CA_SIN", luhn(&format!("{}{}", rng.within(1, 7), digits(7, rng)))),
        "vin" => ("VIN", shape("%%%%%%%%9%?999999", rng).replace(['I', 'O', 'Q'], "X")),
        _ => return None,
    })
}

fn digits(n: usize, rng: &mut Rng) -> String {
    (0..n).map(|_| rng.digit()).collect()
}

fn values(text: &str) -> Vec<u32> {
    text.chars().filter_map(|c| c.to_digit(10)).collect()
}

fn weighted(text: &str, weights: &[u32]) -> u32 {
    values(text).iter().zip(weights).map(|(d, w)| d * w).sum()
}

/// The digits with the check digit of Luhn behind them.
fn luhn(body: &str) -> String {
    let sum: u32 = values(body)
        .iter()
        .rev()
        .enumerate()
        .map(|(at, d)| if at % 2 == 0 { d * 2 / 10 + d * 2 % 10 } else { *d })
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

fn card(rng: &mut Rng) -> String {
    let prefix = ["4", "4", "51", "53", "55", "2221", "6011"][rng.below(7)];
    let number = luhn(&format!("{prefix}{}", digits(15 - prefix.len(), rng)));
    match rng.below(3) {
        0 => number,
        1 => spaced(&number, ' '),
        _ => spaced(&number, '-'),
    }
}

fn spaced(number: &str, by: char) -> String {
    let mut out = String::new();
    for (at, c) in number.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            out.push(by);
        }
        out.push(c);
    }
    out
}

fn iban(country: &str, rng: &mut Rng) -> String {
    let (country, bank) = match country {
        "" | "DE" => ("DE", digits(18, rng)),
        "FR" => ("FR", digits(23, rng)),
        "ES" => ("ES", digits(20, rng)),
        "IT" => ("IT", format!("{}{}", rng.of(UPPER), digits(22, rng))),
        "NL" => ("NL", format!("{}{}", ["INGB", "RABO", "ABNA"][rng.below(3)], digits(10, rng))),
        "GB" => ("GB", format!("{}{}", ["NWBK", "BARC", "LOYD"][rng.below(3)], digits(14, rng))),
        "PL" => ("PL", digits(24, rng)),
        "SE" => ("SE", digits(20, rng)),
        "NO" => ("NO", digits(11, rng)),
        "DK" | "FI" => (if country == "DK" { "DK" } else { "FI" }, digits(14, rng)),
        "CZ" => ("CZ", digits(20, rng)),
        "HU" => ("HU", digits(24, rng)),
        "RO" => ("RO", format!("{}{}", ["BTRL", "RNCB"][rng.below(2)], digits(16, rng))),
        "TR" => ("TR", format!("{}0{}", digits(5, rng), digits(16, rng))),
        "GR" => ("GR", digits(23, rng)),
        "AT" => ("AT", digits(16, rng)),
        "CH" => ("CH", digits(17, rng)),
        "PT" => ("PT", digits(21, rng)),
        "UA" => ("UA", digits(25, rng)),
        _ => ("BE", digits(12, rng)),
    };
    let mut rest = 0u64;
    for c in format!("{bank}{country}00").chars() {
        let value = u64::from(c.to_digit(36).unwrap_or(0));
        rest = if value > 9 { (rest * 100 + value) % 97 } else { (rest * 10 + value) % 97 };
    }
    let whole = format!("{country}{:02}{bank}", 98 - rest);
    if rng.chance(50) { spaced(&whole, ' ') } else { whole }
}

fn dea(rng: &mut Rng) -> String {
    let body = digits(6, rng);
    let sum = weighted(&body, &[1, 2, 1, 2, 1, 2]);
    format!("{}{}{body}{}", rng.of("ABFM"), rng.of(UPPER), sum % 10)
}

fn nif(rng: &mut Rng) -> String {
    let number = rng.within(10_000_000, 79_999_999);
    let letter = b"TRWAGMYFPDXBNJZSQVHLCKE"[(number % 23) as usize];
    format!("{number}{}", char::from(letter))
}

fn birth(rng: &mut Rng) -> (u64, u64, u64) {
    (rng.within(50, 99), rng.within(1, 12), rng.within(1, 28))
}

fn pesel(rng: &mut Rng) -> String {
    let (year, month, day) = birth(rng);
    let body = format!("{year:02}{month:02}{day:02}{}", digits(4, rng));
    let sum = weighted(&body, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]);
    format!("{body}{}", (10 - sum % 10) % 10)
}

fn tckn(rng: &mut Rng) -> String {
    let body = format!("{}{}", rng.within(1, 9), digits(8, rng));
    let odd = weighted(&body, &[1, 0, 1, 0, 1, 0, 1, 0, 1]);
    let even = weighted(&body, &[0, 1, 0, 1, 0, 1, 0, 1, 0]);
    let tenth = (7 * odd + 90 - even) % 10;
    format!("{body}{tenth}{}", (odd + even + tenth) % 10)
}

fn personnummer(rng: &mut Rng) -> String {
    let (year, month, day) = birth(rng);
    let whole = luhn(&format!("{year:02}{month:02}{day:02}{}", digits(3, rng)));
    let (date, rest) = whole.split_at(6);
    format!("{}{date}-{rest}", if rng.chance(50) { "19" } else { "" })
}

fn hetu(rng: &mut Rng) -> String {
    let (year, month, day) = birth(rng);
    let (date, serial) = (format!("{day:02}{month:02}{year:02}"), rng.within(2, 899));
    let number: u64 = format!("{date}{serial:03}").parse().unwrap_or(0);
    format!("{date}-{serial:03}{}", char::from(b"0123456789ABCDEFHJKLMNPRSTUVWXY"[(number % 31) as usize]))
}

fn cpf(rng: &mut Rng) -> String {
    let mut body = digits(9, rng);
    for first in [10, 11] {
        let weights: Vec<u32> = (2..=first).rev().collect();
        let rest = weighted(&body, &weights) * 10 % 11 % 10;
        body.push_str(&rest.to_string());
    }
    let part = |from: usize, to: usize| body.get(from..to).unwrap_or_default();
    format!("{}.{}.{}-{}", part(0, 3), part(3, 6), part(6, 9), part(9, 11))
}

/// Eleven digits, one of the first ten twice, ISO 7064 mod 11,10.
fn steuer(rng: &mut Rng) -> String {
    let mut pool: Vec<char> = "123456789".chars().collect();
    let mut body = String::new();
    while body.len() < 9 {
        body.push(pool.remove(rng.below(pool.len())));
    }
    let twice = body.chars().next().unwrap_or('1');
    body.push(twice);
    let mut product = 10;
    for d in values(&body) {
        let sum = match (d + product) % 10 {
            0 => 10,
            sum => sum,
        };
        product = sum * 2 % 11;
    }
    format!("{body}{}", (11 - product) % 10)
}

fn nhs(rng: &mut Rng) -> String {
    loop {
        let body = format!("{}{}", rng.within(4, 7), digits(8, rng));
        let check = (11 - weighted(&body, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11;
        if check < 10 {
            let part = |from: usize, to: usize| body.get(from..to).unwrap_or_default();
            return format!("{} {} {}{check}", part(0, 3), part(3, 6), part(6, 9));
        }
    }
}

/// Verhoeff's check by the multiplication of the dihedral group of ten.
fn aadhaar(rng: &mut Rng) -> String {
    const TURN: [usize; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let times = |a: usize, b: usize| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => 5 + (a + b) % 5,
        (false, true) => 5 + (a + 5 - b) % 5,
        (false, false) => (a + 5 - b) % 5,
    };
    let body = format!("{}{}", rng.within(2, 9), digits(10, rng));
    let mut state = 0;
    for (at, d) in values(&body).iter().rev().enumerate() {
        let turned = (0..(at + 1) % 8).fold(*d as usize, |d, _| TURN[d]);
        state = times(state, turned);
    }
    let check = if state < 5 { (5 - state) % 5 } else { state };
    spaced(&format!("{body}{check}"), ' ')
}

/// A name in the letters of mail addresses.
pub(crate) fn ascii(name: &str) -> String {
    let mut out = String::new();
    for c in name.to_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' => out.push(c),
            'ä' | 'á' | 'à' | 'â' | 'ã' | 'å' | 'ą' | 'ă' => out.push('a'),
            'é' | 'è' | 'ê' | 'ë' | 'ę' | 'ě' => out.push('e'),
            'í' | 'ì' | 'î' | 'ï' | 'ı' => out.push('i'),
            'ö' | 'ó' | 'ò' | 'ô' | 'õ' | 'ø' | 'ő' => out.push('o'),
            'ü' | 'ú' | 'ù' | 'û' | 'ů' | 'ű' => out.push('u'),
            'ç' | 'ć' | 'č' => out.push('c'),
            'ñ' | 'ń' | 'ň' => out.push('n'),
            'ś' | 'š' | 'ş' | 'ș' => out.push('s'),
            'ż' | 'ź' | 'ž' => out.push('z'),
            'ł' => out.push('l'),
            'ř' => out.push('r'),
            'ý' => out.push('y'),
            'ğ' => out.push('g'),
            'ț' | 'ť' => out.push('t'),
            'ß' => out.push_str("ss"),
            _ => {}
        }
    }
    if out.is_empty() { "info".to_owned() } else { out }
}
