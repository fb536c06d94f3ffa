//! Characters and what they fold to.
//!
//! **Invariant:** pure look-ups; what folds is a fixed point, so that folding twice is folding once.

/// Characters that show nothing and only serve to break a match.
pub(super) fn invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
        | '\u{20e3}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e01ef}')
}

/// Letters and signs that are their own fold, by far the most of what is written in their scripts.
pub(super) fn simple(c: char) -> bool {
    matches!(u32::from(c), 0x20..=0x7e | 0xc0..=0x131 | 0x391..=0x3a1 | 0x3a3..=0x3a9 | 0x3b1..=0x3c9
        | 0x400..=0x481 | 0x48a..=0x52f | 0x5d0..=0x5ea | 0x621..=0x64a | 0x3041..=0x3096 | 0x30a1..=0x30fa
        | 0x4e00..=0x9fff | 0xac00..=0xd7a3)
}

/// One kind of quote, dash, space, stroke and line end.
pub(super) fn plain(c: char) -> char {
    match c {
        '\u{0}'..='\u{7f}' => c,
        '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{2035}' | '\u{2bc}' | '\u{2b9}' => '\'',
        '\u{201c}'..='\u{201f}'
        | '\u{2033}'
        | '\u{ab}'
        | '\u{bb}'
        | '\u{2039}'
        | '\u{203a}'
        | '\u{301d}'..='\u{301f}' => '"',
        '\u{2010}'..='\u{2015}'
        | '\u{2043}'
        | '\u{2212}'
        | '\u{2e3a}'
        | '\u{2e3b}'
        | '\u{58a}'
        | '\u{5be}' => '-',
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => ' ',
        '\u{2028}' | '\u{2029}' => '\n',
        '\u{2044}' | '\u{2215}' => '/',
        '\u{3002}' | '\u{2024}' => '.',
        _ => c,
    }
}

/// First code points of the runs of ten decimal digits (general category Nd).
#[rustfmt::skip]
const ZEROS: &[u32] = &[
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20,
    0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0,
    0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x10d40, 0x11066, 0x110f0, 0x11136, 0x111d0,
    0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x116d0, 0x116da, 0x11730, 0x118e0, 0x11950, 0x11bf0, 0x11c50,
    0x11d50, 0x11da0, 0x11f50, 0x16a60, 0x16ac0, 0x16b50, 0x16d70, 0x1ccf0, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec,
    0x1d7f6, 0x1e140, 0x1e2f0, 0x1e4f0, 0x1e5f1, 0x1e950, 0x1fbf0,
];

/// The value of a decimal digit of another script.
pub(super) fn digit(c: char) -> Option<u8> {
    let code = u32::from(c);
    let zero = ZEROS[..ZEROS.partition_point(|zero| *zero <= code)].last()?;
    (code - zero < 10).then(|| (code - zero) as u8)
}

/// First and last of the letters that have twins: Greek, Cyrillic, Armenian.
const FIRST: u32 = 0x370;
const LAST: u32 = 0x58f;

/// Pairs of a letter and the Latin one that it is drawn like (UTS 39 skeleton, the single-letter part).
const PAIRS: &str = "\u{430}a\u{435}e\u{43e}o\u{440}p\u{441}c\u{443}y\u{445}x\u{456}i\u{458}j\u{455}s\u{4bb}h\u{501}d\u{51b}q\u{51d}w\u{43a}k\u{442}t\u{432}b\u{43c}m\u{43d}h\u{43f}n\u{457}i\u{475}v\u{461}w\u{4cf}l\
\u{410}A\u{412}B\u{415}E\u{41a}K\u{41c}M\u{41d}H\u{41e}O\u{420}P\u{421}C\u{422}T\u{423}Y\u{425}X\u{406}I\u{408}J\u{405}S\u{50c}G\u{4ae}Y\u{4c0}I\u{474}V\u{51c}W\u{51a}Q\
\u{391}A\u{392}B\u{395}E\u{396}Z\u{397}H\u{399}I\u{39a}K\u{39c}M\u{39d}N\u{39f}O\u{3a1}P\u{3a4}T\u{3a5}Y\u{3a7}X\u{3bf}o\u{3bd}v\u{3b1}a\u{3b9}i\u{3c1}p\u{3c5}u\u{3ba}k\u{3b5}e\u{3c4}t\u{3f2}c\u{3f3}j\u{3c9}w\u{3b3}y\
\u{578}n\u{57d}u\u{585}o\u{570}h\u{566}q\u{581}g\u{54f}S\u{555}O\u{53c}L";

/// The pairs by place.
const TWINS: [u8; (LAST - FIRST + 1) as usize] = {
    let mut table = [0; (LAST - FIRST + 1) as usize];
    let bytes = PAIRS.as_bytes();
    let mut at = 0;
    // Every letter of these scripts takes two bytes of UTF-8, its twin one.
    while at + 2 < bytes.len() {
        let code = ((bytes[at] & 0x1f) as u32) << 6 | (bytes[at + 1] & 0x3f) as u32;
        table[(code - FIRST) as usize] = bytes[at + 2];
        at += 3;
    }
    table
};

/// The Latin letter that a Cyrillic, Greek or Armenian one is drawn like.
pub(super) fn latin_twin(c: char) -> Option<char> {
    let code = u32::from(c);
    let twin = TWINS.get(code.checked_sub(FIRST)? as usize)?;
    (*twin != 0).then(|| char::from(*twin))
}
