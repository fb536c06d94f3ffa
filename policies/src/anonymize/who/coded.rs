//! Codes that are somebody's for standing beside a name, behind `ID` or behind a machine's model: `Ola Berg
//! (PK-55-0192)`, `ID SMH-00927714-01`, `HM-C6 #30921`.
//!
//! **Invariant:** a code has six digits, or letters and four of them, and nothing goes on behind it; what diagnoses,
//! procedures, tests and amounts are written like is none.

use crate::anonymize::cue::Reading;
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::number::unit_follows;
use crate::anonymize::token::{after, before};

/// From this score on what stands beside a name is its bearer's.
const SURE: u8 = 40;
/// The longest code.
const LONGEST: usize = 20;

/// Codes of the text, some of them beside what was `found`.
pub(crate) fn coded(r: &Reading<'_>, found: &[Finding], out: &mut Vec<Finding>) {
    let text = r.text.as_bytes();
    for f in found.iter().filter(|f| f.ty == Type::NAME && f.score >= SURE) {
        const GAPS: [&[u8]; 7] = [b" (", b", ", b" - ", b" / ", b"; ", b" #", b" "];
        let rest = text.get(f.end..).unwrap_or_default();
        let Some(gap) = GAPS.iter().find(|gap| rest.starts_with(gap)) else { continue };
        let start = f.end + gap.len();
        let end = code(text, start).filter(|end| *gap != b" " || end - start >= 6);
        out.extend(end.map(|end| Finding::new(start, end, Type::ID, Evidence::Shape)));
    }
    for i in 0..r.words.len() {
        out.extend(behind_id(r, i));
        out.extend(machine(r, i));
    }
}

/// `ID SMH-00927714-01`, `ID #4471-20A`.
fn behind_id(r: &Reading<'_>, i: usize) -> Option<Finding> {
    let gap = r.gap(i);
    let start = r
        .word(i)
        .filter(|_| {
            matches!(r.str(i), "ID" | "id" | "Id") && matches!(gap, " " | ": " | " #" | "# " | ":" | "#")
        })?
        .end
        + gap.len();
    let end = code(r.text.as_bytes(), start)?;
    let evidence = if r.str(i) == "ID" { Evidence::Label } else { Evidence::Shape };
    Some(Finding::new(start, end, Type::ID, evidence))
}

/// `HM-C6 #30921`: letters and digits of a model, and the number of one of its machines.
fn machine(r: &Reading<'_>, i: usize) -> Option<Finding> {
    let number = r.word(i + 1).filter(|w| w.digits >= 4 && w.chars <= 12 && r.gap(i) == " #")?;
    let model = r.word(i)?;
    let letters = |word: &str| word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let joined = i.checked_sub(1).filter(|b| r.gap(*b) == "-" && letters(r.str(*b)));
    let start = joined.and_then(|b| r.word(b)).map_or(model.start, |word| word.start);
    // `#0B3954 #087E8B`, colours.
    let colour = r.gap_before(i).ends_with('#');
    let fits =
        !colour && letters(r.str(i)) && (model.digits > 0 || joined.is_some()) && model.digits < model.chars;
    fits.then(|| Finding::new(start, number.end, Type::DEVICE_ID, Evidence::Shape))
}

/// The end of the code that begins at `start`.
fn code(text: &[u8], start: usize) -> Option<usize> {
    let inside = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    let mut end = start;
    while end - start <= LONGEST && inside(after(text, end)) {
        end += 1;
        let joint = matches!(after(text, end), b'-' | b'_') && inside(after(text, end + 1));
        end += usize::from(joint);
    }
    let value = text.get(start..end)?;
    let next = after(text, end);
    let closed = match next {
        0 | b')' | b';' | b'\n' | b']' | b'|' => true,
        b',' | b'.' | b':' | b'?' | b'!' => !after(text, end + 1).is_ascii_alphanumeric(),
        // A number before a small word counts something.
        b' ' if value.iter().all(u8::is_ascii_digit) => !after(text, end + 1).is_ascii_lowercase(),
        b' ' => !unit_follows(text, end),
        _ => false,
    };
    let apart = !matches!(before(text, start), b'$' | b'.' | b'/' | b'-' | b'_');
    (closed && apart && end - start <= LONGEST && is_code(value)).then_some(end)
}

/// Six digits, or capitals with four; no `J1885`, `E1122` of procedures and diagnoses, no `12345-6` of tests, no
/// ranges such as `120-150`.
fn is_code(value: &[u8]) -> bool {
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = value.iter().filter(|b| b.is_ascii_uppercase()).count();
    let parts: Vec<&[u8]> = value.split(|b| !b.is_ascii_alphanumeric()).collect();
    let joined = parts.len() > 1;
    let listed = letters == 1 && !joined && digits <= 4;
    if letters > 0 {
        return digits >= 4 && letters <= 8 && !listed;
    }
    let range = matches!(parts.as_slice(), [a, b] if a.len() == b.len() && a.len() <= 4);
    let test = matches!(parts.as_slice(), [_, [_]]);
    (6..=14).contains(&digits) && !range && !test
}

#[cfg(test)]
mod tests {
    use crate::anonymize::tests::tables::masked as check;

    #[test]
    fn codes_beside_names() {
        for (text, want) in [
            ("\"Anna Lindqvist (PK-55-0192) takes telmisartan 40\"", "PK-55-0192"),
            ("Lipitor - myalgia. Patient Marek Lindqvist, YH774102.", "YH774102"),
            ("Structure this: Mr Osgood, 904471, lap chole", "904471"),
            ("US thyroid. Marek Lindqvist, US44093. Right nodule", "US44093"),
            ("denial of Tova Lindgren, ID SMH-00927714-01, dated today", "SMH-00927714-01"),
            ("vent HM-C6 #30921 alarmed twice", "HM-C6 #30921"),
            ("his card: serial PZX 604418H, implanted", "PZX 604418H"),
        ] {
            assert!(check(text).contains(&want), "{text}: {:?}", check(text));
        }
    }

    #[test]
    fn what_diagnoses_and_doses_are_written_like_is_no_code() {
        for text in [
            "Mr Osgood, E1122, on insulin",
            "Mr Osgood, J1885 given",
            "Mr Osgood, 500000 units daily",
            "Mr Osgood, 120-150 systolic",
            "Mr Osgood (12345-6) pending",
            "Mr Osgood, BRCA2, HER2",
        ] {
            assert!(
                check(text).iter().all(|found| !found.contains(|c: char| c.is_ascii_digit())),
                "{text}: {:?}",
                check(text)
            );
        }
    }
}
