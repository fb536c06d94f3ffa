//! What follows a street and its number: floors, doors, blocks, quarters, in the words of many languages.
//!
//! **Invariant:** each part needs a word that says what it is, and a number or name beside it.

use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::words::{Caps, Word};

/// Words of parts of an address, in lower case: abbreviations first.
#[rustfmt::skip]
const UNITS: &[&str] = &[
    // Slavic
    "кв", "д", "дом", "корп", "к", "стр", "оф", "подъезд", "под", "эт", "этаж", "буд", "вх", "ет", "ап", "бл", "ж", "обл", "р", "н",
    "м", "г", "с", "п", "пос", "дер", "село", "смт", "місто", "город", "byt", "č", "čp", "vchod", "kl", "m", "lok", "piętro", "p", "kat",
    // Turkish
    "no", "d", "daire", "kat", "blok", "apt", "sk", "sok", "sokak", "cad", "cd", "mah", "mh", "mahallesi", "bulvarı", "blv", "bina",
    // Hungarian, Romanian
    "em", "emelet", "fsz", "fszt", "ajtó", "lph", "lh", "u", "utca", "út", "tér", "krt", "nr", "bl", "sc", "et", "ap", "jud", "sat", "com", "sector",
    // Nordic
    "st", "th", "tv", "mf", "sal", "dør", "etg", "lgh", "tr", "as",
    // Romance
    "nº", "n", "num", "número", "piso", "pta", "puerta", "esc", "escalera", "planta", "bajo", "izq", "dcha", "dpto", "depto", "dto", "oficina",
    "of", "int", "interior", "ext", "edif", "edificio", "torre", "local", "col", "colonia", "fracc", "barrio", "mz", "lt", "cp", "urb",
    "apto", "bloco", "sala", "bairro", "lote", "quadra", "qd", "andar", "loja", "conjunto", "cj", "fração", "interno", "scala", "piano",
    "palazzo", "appartamento", "appt", "app", "appartement", "esq", "dir", "frente", "fte", "esquerdo", "direito", "étage", "bât", "bâtiment", "escalier", "porte", "bp", "cedex", "résidence",
    // Vietnamese, Indonesian
    "phường", "quận", "huyện", "xã", "thị", "trấn", "tỉnh", "tp", "thành", "phố", "khóm", "tổ", "khu", "ấp", "ngõ", "ngách", "hẻm", "số",
    "tầng", "đường", "rt", "rw", "km", "kel", "kelurahan", "kec", "kecamatan", "kab", "kabupaten", "kota", "blok", "gang", "gg", "lantai",
    // Germanic
    "og", "eg", "dg", "ug", "stg", "stiege", "top", "tür", "whg", "wohnung", "haus", "hs", "bus", "verdieping",
    // Greek, Arabic, Hebrew, Indic
    "τκ", "τ", "όροφος", "διαμ", "شقة", "الطابق", "طابق", "مبنى", "عمارة", "حي", "ص", "دירה", "דירה", "קומה", "כניסה", "ת", "בית",
    "मकान", "फ्लैट", "मंजिल", "वार्ड", "गली", "नं", "ग्राम", "जिला", "তলা", "বাসা", "ফ্ল্যাট", "নং", "ওয়ার্ড",
    // English
    "oppgang", "uppgång", "opgang", "leilighet", "lägenhet", "ext", "shed", "block", "blk", "level", "lot", "staircase",
    "apt", "apartment", "suite", "ste", "unit", "flat", "floor", "room", "bldg", "building", "box", "ward", "sector", "phase", "plot", "tower",
];

/// Sides of a stair or a floor, behind the word for it.
const SIDES: [&str; 26] = [
    "links",
    "rechts",
    "mitte",
    "hinten",
    "vorne",
    "gauche",
    "droite",
    "izquierda",
    "derecha",
    "izda",
    "centro",
    "destra",
    "sinistra",
    "frente",
    "esquerdo",
    "direito",
    "boven",
    "beneden",
    "achter",
    "left",
    "right",
    "rear",
    "front",
    "vlevo",
    "vpravo",
    "bal",
];

/// Storeys that have a name, behind the word for one.
const STOREYS: [&str; 6] = ["rialzato", "terra", "nobile", "ammezzato", "bajo", "principal"];

/// Is word `i` the name of a part of an address?
pub(super) fn is_unit(r: &Reading<'_>, i: usize) -> bool {
    let low = r.low(i);
    r.has(i, Role::Unit) || UNITS.contains(&low)
}

/// The last word of what follows word `last`, a street's or a part's: `, кв. 85`, ` D: 10`, `, quận 1`, `, st. th`,
/// `, Col. Del Valle`, `/17`.
pub(super) fn last(r: &Reading<'_>, from: usize) -> usize {
    let mut at = from;
    for _ in 0..6 {
        let Some(end) = part(r, at + 1, r.gap(at)) else { break };
        at = end;
    }
    at
}

/// `5.º C`, `2.º Dto`, `3ª izq`: the signs of ordinals are letters once a text is folded.
fn ordinal(r: &Reading<'_>, i: usize) -> Option<usize> {
    let mark = r.gap(i) == "." && matches!(r.str(i + 1), "o" | "a");
    let glued = r.word(i).is_some_and(|w| w.digits > 0 && w.chars == w.digits + 1);
    let last = if mark { i + 1 } else { i };
    let door = |k: usize| is_unit(r, k) || r.word(k).is_some_and(|w| w.chars == 1 && w.caps != Caps::Lower);
    ((mark || glued) && r.gap(last) == " " && door(last + 1)).then_some(last + 1)
}

/// A capital and a number of up to three digits, behind which the part ends.
fn stair(r: &Reading<'_>, i: usize) -> bool {
    let letter = r.word(i).is_some_and(Word::initial) && r.gap(i) == " ";
    let flat = r.word(i + 1).is_some_and(|w| w.is_number() && w.digits <= 3);
    let closed = i + 2 == r.words.len() || r.gap(i + 1).starts_with([',', '.', ';', '\n', ')']);
    letter && flat && closed && i.checked_sub(1).and_then(|b| r.word(b)).is_some_and(|w| w.digits > 0)
}

/// `II`: a storey in Roman numbers.
fn storey(word: &str) -> bool {
    matches!(word, "I" | "II" | "III" | "IV" | "V" | "hs")
}

/// The last word of the part that begins at word `i`, behind `gap`.
fn part(r: &Reading<'_>, i: usize, gap: &str) -> Option<usize> {
    let near = matches!(
        gap,
        " " | ", " | ". " | "., " | " - " | "/" | " / " | "," | " , " | ": " | " #" | ", #" | ".º " | "º "
    );
    let beside = || i.checked_sub(1).is_some_and(|b| is_unit(r, b));
    if gap == "-" && storey(r.str(i)) || gap == " " && SIDES.contains(&r.low(i)) && beside() {
        return Some(i);
    }
    if !near {
        return None;
    }
    let value = |k: usize| {
        r.word(k).is_some_and(|w| {
            w.digits > 0 && w.chars <= 5 || w.chars == 1 && w.digits == 0 && !r.gap(k).starts_with('\'')
        })
    };
    if is_unit(r, i) {
        let open =
            matches!(r.gap(i), " " | ". " | "." | ": " | ":" | " #" | "º " | ".º " | " nº " | "° " | " № ");
        // `st. th`, `et. 2`, `Bl. A`: a part may be said by two of these words.
        let second = open && is_unit(r, i + 1) && r.str(i + 1).chars().count() <= 4;
        if second {
            return Some(if matches!(r.gap(i + 1), " " | ". " | ": ") && value(i + 2) {
                i + 2
            } else {
                i + 1
            });
        }
        if open && value(i + 1) {
            let more = r.gap(i + 1) == "/" && value(i + 2);
            return Some(if more { i + 2 } else { i + 1 });
        }
        // `piano rialzato`.
        if open && STOREYS.contains(&r.low(i + 1)) {
            return Some(i + 1);
        }
        let capital = |k: usize| r.word(k).is_some_and(Word::capital);
        // `Col. Del Valle`, `bairro Centro`: a quarter with its name.
        if open && r.str(i).chars().count() >= 3 && capital(i + 1) && (r.proper(i + 1) || r.proper(i + 2)) {
            let two = r.gap(i + 1) == " " && capital(i + 2);
            return Some(if two { i + 2 } else { i + 1 });
        }
        return None;
    }
    // `2. tv`, `3º B`, `4/7`, `3rd floor`.
    let number = r.word(i).is_some_and(|w| w.digits > 0 && w.chars <= 5);
    if let Some(door) = ordinal(r, i).filter(|_| number) {
        return Some(door);
    }
    let then = number
        && matches!(r.gap(i), " " | ". " | "º " | ".º " | "ª " | "° " | "-" | "/")
        && is_unit(r, i + 1);
    if then && r.str(i + 1).chars().count() <= 10 {
        return Some(i + 1);
    }
    // `7 C 24`: the stair and the flat of Finland.
    if gap == " " && stair(r, i) {
        return Some(i + 1);
    }
    // `33/A`, `218-II`.
    let letter = r.word(i).is_some_and(|w| w.chars == 1 && w.digits == 0) && gap == "/";
    // `utca 21. II/4.`: the storey and the door.
    if gap == ". " && storey(r.str(i)) && r.gap(i) == "/" && value(i + 1) {
        return Some(i + 1);
    }
    (number && matches!(gap, "/" | " / ") || letter).then_some(i)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_addresses_in_many_languages() {
        for (text, want) in [
            ("Садовая, кв. 85, г", "Садовая, кв. 85"),
            ("Strandvejen, st. th, 5482", "Strandvejen, st. th"),
            ("Mah No: 173 D: 10, 98596 Ordu", "Mah No: 173 D: 10"),
            ("Pinos, Col. Del Valle, Vitoria", "Pinos, Col. Del Valle"),
            ("Huệ, quận 4, Cần Thơ", "Huệ, quận 4"),
            ("Setembro, apto 96, Vila", "Setembro, apto 96"),
            ("Garibaldi/A, 22695 Reggio", "Garibaldi/A"),
            ("Dorpsstraat-II, 4086", "Dorpsstraat-II"),
            ("Alcalá, 5.o C, 28028", "Alcalá, 5.o C"),
            ("Cedofeita, 2.o Dto, 4050", "Cedofeita, 2.o Dto"),
            ("Kazinczy. II/4. Szeged", "Kazinczy. II/4"),
            ("Denis, app. 6, Montréal", "Denis, app. 6"),
            ("Hauptweg, 2. OG rechts, 80331", "Hauptweg, 2. OG rechts"),
            ("Kirkegata, oppgang C, 7012", "Kirkegata, oppgang C"),
            ("Hauptweg, und dann", "Hauptweg"),
            ("Street. No, thanks", "Street"),
        ] {
            let r = Reading::of(text);
            let end = r.word(last(&r, 0)).map_or(0, |word| word.end);
            assert_eq!(&text[..end], want, "{text}");
        }
    }
}
