//! Whether a value opens a door: placeholders, references, words, paths and sequences do not.
//!
//! **Invariant:** pure questions about one bounded value, each linear in it.

use super::rules::Assign;

/// Shannon entropy in bits per byte.
pub(super) fn entropy(value: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in value {
        counts[usize::from(*byte)] += 1;
    }
    let n = value.len().max(1) as f64;
    counts.iter().filter(|c| **c > 0).map(|c| f64::from(*c) / n).map(|p| -p * p.log2()).sum()
}

/// The entropy that a random value of this length reaches: short ones cannot have 3.5 bits per character, and
/// hexadecimal ones seldom do.
pub(super) fn floor(value: &[u8]) -> f64 {
    let hex = value.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-');
    let reachable = (value.len().max(2) as f64).log2() * 0.8;
    reachable.min(if hex { 2.7 } else { 3.5 })
}

/// `dH=o$}=E?rX*(4Ew...`: signs of all kinds among letters and digits, and hardly two alike side by side. Marks of
/// placeholders stand in it by chance.
pub(super) fn noise(value: &[u8]) -> bool {
    let mut signs: Vec<u8> = value.iter().copied().filter(u8::is_ascii_punctuation).collect();
    let many = signs.len() * 6 >= value.len() && value.iter().any(u8::is_ascii_digit);
    signs.sort_unstable();
    signs.dedup();
    value.len() >= 32 && many && signs.len() >= 8 && entropy(value) >= 4.5
}

/// What filters of builds and templates put a value for, framed on both sides: `@db.password@`,
/// `__API_KEY__`, `%DB_PASSWORD%`.
fn filtered(value: &[u8]) -> bool {
    const FRAMES: [(&[u8], &[u8]); 5] =
        [(b"@", b"@"), (b"__", b"__"), (b"%", b"%"), (b"@@", b"@@"), (b"[[", b"]]")];
    FRAMES.iter().any(|(open, close)| {
        let inner = value.strip_prefix(*open).and_then(|rest| rest.strip_suffix(*close)).unwrap_or_default();
        inner.len() >= 2
            && inner.iter().all(|b| b.is_ascii_alphabetic() || b"._-".contains(b))
            && wordy_or_short(inner)
    })
}

/// Parts that a name of a variable is made of.
fn wordy_or_short(inner: &[u8]) -> bool {
    inner.split(|b| b"._-".contains(b)).all(|part| part.len() <= 4 || wordy(part))
}

/// A pattern that values are searched with: `gh[pousr]_[A-Za-z0-9]{36}`, `(?i)password\s*=`.
pub(super) fn pattern(value: &[u8]) -> bool {
    const MARKS: [&[u8]; 11] =
        [b"[a-z", b"[A-Z", b"[0-9", b"[^", b"\\d", b"\\w", b"\\s", b"\\b", b"(?:", b"(?i", b"(?P<"];
    let counted = value.windows(2).any(|w| w[0] == b']' && b"{+*".contains(&w[1]));
    let marks = MARKS.iter().filter(|mark| value.windows(mark.len()).any(|w| w == **mark)).count();
    marks >= 2 || marks == 1 && counted
}

/// The type of a column or of a member: `CHAR(60)`, `varchar(64)`.
pub(super) fn column_type(value: &[u8]) -> bool {
    let name = value.iter().take_while(|b| b.is_ascii_alphabetic() || **b == b'_').count();
    let sized = value[name..]
        .strip_prefix(b"(")
        .is_some_and(|rest| rest.iter().all(|b| b.is_ascii_digit() || b",) ".contains(b)));
    const TYPES: [&[u8]; 9] = [
        b"char",
        b"varchar",
        b"nvarchar",
        b"varchar2",
        b"text",
        b"binary",
        b"varbinary",
        b"character",
        b"bpchar",
    ];
    sized && TYPES.contains(&value[..name].to_ascii_lowercase().as_slice())
}

/// Something that stands for a value: `<your-key>`, `xxxx`, `${VAR}`, `os.environ["X"]`.
pub(super) fn placeholder(value: &[u8], words: &Assign) -> bool {
    let framed = match value.first() {
        Some(b'<') => true,
        // `{type: string}`, `[hidden]`.
        Some(b'{' | b'[') => {
            let word = value[1..].iter().all(u8::is_ascii_alphabetic);
            let number = value.len() > 1 && value[1..].iter().all(|b| b.is_ascii_digit() || *b == b',');
            word || number || matches!(value.last(), Some(b'}' | b']')) || value[1] == b'{'
        }
        // `${NAME:?must be set}`.
        Some(b'?') => value.len() > 2 && value[1..].iter().all(u8::is_ascii_alphabetic),
        Some(b'$') => reference(&value[1..]),
        // `&pw`, a variable of SQL*Plus.
        Some(b'&') => {
            value.len() > 2
                && value[1..].iter().all(|b| b.is_ascii_lowercase() || *b == b'_' || b.is_ascii_digit())
        }
        Some(b'!') => value.len() > 3 && value[1..].iter().all(u8::is_ascii_alphabetic),
        Some(b'%') => value.len() > 2 && value.ends_with(b"%"),
        Some(b'*' | b'.' | b'_') => value.iter().all(|b| *b == value[0]),
        Some(_) => false,
        None => true,
    };
    let lower = value.to_ascii_lowercase();
    framed || value.starts_with(b"#{") || filtered(value) || pattern(value) || words.holds_placeholder(&lower)
}

/// What follows a dollar sign where that names a variable.
fn reference(rest: &[u8]) -> bool {
    match rest.first() {
        Some(b'{' | b'(') => true,
        Some(b) if b.is_ascii_alphabetic() || *b == b'_' => {
            let name = rest.iter().all(|b| b.is_ascii_alphanumeric() || b"_:->[]'\"".contains(b));
            name && (rest.len() <= 40)
        }
        Some(_) | None => false,
    }
}

/// An expression of a program: a call, an index, a chain of names.
pub(super) fn expression(value: &[u8]) -> bool {
    let call = value.iter().position(|b| matches!(b, b'(' | b'[')).is_some_and(|at| {
        let head = &value[..at];
        !head.is_empty() && head.iter().all(|b| b.is_ascii_alphanumeric() || b"_.:>-!?&*".contains(b))
    });
    let chain = value.contains(&b'.')
        && value.split(|b| *b == b'.').all(|part| {
            part.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
                && part.iter().all(|b| b.is_ascii_alphanumeric() || b"_?!".contains(b))
                && (wordy(part) || part.len() <= 3)
        });
    let scoped = value.windows(2).any(|pair| pair == b"::" || pair == b"->");
    call || chain || member(value) || scoped && wordy(value) || type_name(value)
}

/// `&windows_core::PCWSTR`, `Option<CFString>`, `LSA_UNICODE_STRING`: the type of a member.
fn type_name(value: &[u8]) -> bool {
    let named = |b: &u8| b.is_ascii_alphanumeric() || b"_:<>&[]".contains(b);
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let path = value.windows(2).any(|pair| pair == b"::");
    let scoped = path && digits * 4 <= value.len() && value.iter().all(named);
    let generic = value.ends_with(b">")
        && value.first().is_some_and(u8::is_ascii_uppercase)
        && value.iter().position(|b| *b == b'<').is_some_and(|at| at > 0 && value[..at].iter().all(named));
    let upper = value.contains(&b'_') && value.iter().all(|b| b.is_ascii_uppercase() || *b == b'_');
    scoped || generic || upper
}

/// `var.db_password_v2`, `module.db.password`: a member of what programs hold their settings in.
pub(super) fn member(value: &[u8]) -> bool {
    const ROOTS: [&[u8]; 12] = [
        b"var.",
        b"local.",
        b"data.",
        b"module.",
        b"self.",
        b"this.",
        b"config.",
        b"settings.",
        b"each.",
        b"secrets.",
        b"params.",
        b"props.",
    ];
    let named = |b: &u8| b.is_ascii_alphanumeric() || b"_.-?".contains(b);
    ROOTS.iter().any(|root| value.starts_with(root)) && value.iter().all(named)
}

/// A file path or an address without a password in it.
pub(super) fn path(value: &[u8]) -> bool {
    let rooted = [&b"/"[..], b"@/"].iter().any(|head| value.starts_with(head));
    let relative = [&b"./"[..], b"../", b"~/", b"\\\\"].iter().any(|head| value.starts_with(head));
    let drive = matches!(value, [a, b':', b'\\' | b'/', ..] if a.is_ascii_alphabetic());
    let address = value.windows(3).take(16).any(|w| w == b"://");
    let endings = [
        &b".pem"[..],
        b".key",
        b".json",
        b".txt",
        b".yaml",
        b".yml",
        b".crt",
        b".p12",
        b".env",
        b".pub",
        b".toml",
        b".conf",
        b".ini",
        b".cfg",
        b".jks",
        b".pfx",
        b".html",
        b".js",
        b".ts",
        b".py",
        b".go",
        b".rs",
        b".java",
        b".php",
        b".rb",
        b".md",
        b".xml",
        b".log",
        b".asc",
        b".gpg",
        b".cer",
        b".der",
    ];
    let lower = value.to_ascii_lowercase();
    let dot = lower.iter().rposition(|b| *b == b'.').map_or(0, |at| lower.len() - at - 1);
    let ending = (2..=5).contains(&dot)
        && lower.contains(&b'/')
        && lower[lower.len() - dot..].iter().all(u8::is_ascii_lowercase);
    let file = ending || endings.iter().any(|end| lower.ends_with(end));
    let parts = value.split(|b| matches!(b, b'/' | b'\\')).filter(|part| !part.is_empty());
    let named = parts.clone().count() >= 1 && parts.clone().all(|part| wordy(part) || part.len() <= 4);
    drive || relative || address || file && !value.contains(&b' ') || (rooted || parts.count() >= 3) && named
}

/// Made of words: pronounceable runs of letters, few digits.
pub(super) fn wordy(value: &[u8]) -> bool {
    let letters = value.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let rare = value.iter().filter(|b| b"jqxzJQXZ".contains(b)).count();
    if letters == 0 || digits * 5 > value.len() || rare > 1 + letters / 12 {
        return false;
    }
    let class = |b: u8| (b.is_ascii_alphabetic(), b.is_ascii_digit());
    let switches = value
        .windows(2)
        .filter(|p| class(p[0]) != class(p[1]) && (p[0].is_ascii_digit() || p[1].is_ascii_digit()))
        .count();
    let (mut start, mut good, mut turns) = (0, 0, 0);
    for at in 0..=value.len() {
        let turned = turns_at(value, at);
        turns += usize::from(turned);
        if turned || value.get(at).is_none_or(|b| !b.is_ascii_alphabetic()) {
            let piece = &value[start..at];
            good += if pronounceable(piece) { piece.len() } else { 0 };
            start = at + usize::from(value.get(at).is_some_and(|b| !b.is_ascii_alphabetic()));
        }
    }
    good * 10 >= letters * 8 && switches <= 2 + value.len() / 20 && turns * 4 <= letters
}

/// Does a word begin at `at` by its capital, as in `dbPassword` and `HTTPServer`?
fn turns_at(value: &[u8], at: usize) -> bool {
    let (Some(prev), Some(here)) = (at.checked_sub(1).and_then(|i| value.get(i)), value.get(at)) else {
        return false;
    };
    let next_small = value.get(at + 1).is_some_and(u8::is_ascii_lowercase);
    here.is_ascii_uppercase() && (prev.is_ascii_lowercase() || prev.is_ascii_uppercase() && next_small)
}

/// Three letters or more that a tongue can follow.
fn pronounceable(piece: &[u8]) -> bool {
    let (mut consonants, mut vowels, mut any) = (0, 0, 0);
    for byte in piece.iter().map(u8::to_ascii_lowercase) {
        if b"aeiouy".contains(&byte) {
            (consonants, vowels, any) = (0, vowels + 1, any + 1);
        } else {
            (consonants, vowels) = (consonants + 1, 0);
        }
        if consonants > 4 || vowels > 3 {
            return false;
        }
    }
    let acronym = piece.len() <= 4 && piece.len() >= 2 && piece.iter().all(u8::is_ascii_uppercase);
    acronym || piece.len() >= 3 && any * 6 >= piece.len()
}

/// `abcdefgh`, `0123456789`, `aaaa`, `abcabcabc`: nothing that was drawn.
pub(super) fn sequential(value: &[u8]) -> bool {
    let plain: Vec<u8> =
        value.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect();
    if plain.len() < 4 {
        return plain.len() * 2 < value.len();
    }
    let steps = plain.windows(2).filter(|p| p[0].abs_diff(p[1]) <= 1 || p == b"90" || p == b"9a").count();
    let periodic = (1..=plain.len() / 2).take(16).any(|p| plain[p..] == plain[..plain.len() - p]);
    // Runs in turns (`abc123def456`) are how people write a key that is to look drawn.
    let turns = plain.windows(2).filter(|p| p[0].is_ascii_digit() != p[1].is_ascii_digit()).count();
    steps * 10 >= (plain.len() - 1) * 6 && turns <= 2 || periodic
}

/// `qwertyuiop`, along a row of the keyboard.
fn typed(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    let rows = [&b"qwertyuiop"[..], b"asdfghjkl", b"zxcvbnm"];
    let row = |w: &[u8]| rows.iter().any(|row| row.windows(6).any(|r| r == w));
    value.len() < 20 && lower.windows(6).any(row)
}

/// `sha256:...`, `sha512-...`, `md5:...`, `4.18@sha256:...`.
pub(super) fn checksum(value: &[u8]) -> bool {
    if value.windows(8).any(|w| w == b"@sha256:") {
        return true;
    }
    let head = &value[..value.len().min(9)].to_ascii_lowercase();
    let named = head.starts_with(b"sha") || head.starts_with(b"md5");
    named && head.iter().position(|b| matches!(b, b':' | b'-' | b'=')).is_some_and(|at| at <= 7)
}

/// What a key elsewhere locked: values of sops, of sealed secrets, of a configuration server, of Ansible.
pub(crate) fn sealed(value: &[u8]) -> bool {
    const HEADS: [&[u8]; 5] = [b"ENC[", b"{cipher}", b"vault:v1:", b"$ANSIBLE_VAULT", b"age1"];
    let long = value.len() >= 160 && value.starts_with(b"Ag") && matches!(value[2], b'A'..=b'C');
    long || HEADS.iter().any(|head| value.starts_with(head))
}

/// `arn:aws:kms:...`, `urn:uuid:...`, `projects/x/secrets/y`: the name of a thing in a cloud, not the thing.
pub(super) fn resource(value: &[u8]) -> bool {
    const HEADS: [&[u8]; 7] =
        [b"arn:", b"aws:", b"urn:", b"projects/", b"/subscriptions/", b"organizations/", b"alias/"];
    HEADS.iter().any(|head| value.starts_with(head))
}

/// `client_secret_basic`, `private-key-jwt`, `TOKEN_EXCHANGE`: words of one case with a sign between them, as
/// programs name what may be chosen.
pub(super) fn enumerated(value: &[u8]) -> bool {
    let parts = value.split(|b| matches!(b, b'_' | b'-'));
    let plain = |case: fn(&u8) -> bool| parts.clone().all(|part| !part.is_empty() && part.iter().all(case));
    let spoken = parts.clone().filter(|part| pronounceable(part)).map(<[u8]>::len).sum::<usize>();
    parts.clone().count() >= 2
        && (plain(u8::is_ascii_lowercase) || plain(u8::is_ascii_uppercase))
        && parts.clone().all(|part| part.len() <= 14)
        && spoken * 2 >= value.len()
}

/// `rsselo17hzydsuf`: small letters on both sides of digits in one long run, as no word has them.
pub(super) fn interrupted(value: &[u8]) -> bool {
    let small = value.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let inner = value.windows(2).any(|p| p[0].is_ascii_lowercase() && p[1].is_ascii_digit())
        && value.windows(2).any(|p| p[0].is_ascii_digit() && p[1].is_ascii_lowercase());
    value.len() >= 12 && small && inner && entropy(value) >= 2.8 && !sequential(value)
}

/// Capitals, small letters and digits together.
pub(super) fn mixed(value: &[u8]) -> bool {
    [u8::is_ascii_uppercase, u8::is_ascii_lowercase, u8::is_ascii_digit]
        .iter()
        .all(|what| value.iter().any(what))
}

/// Words of a wallet or of a passphrase hold none of the small words of a sentence.
pub(super) fn sentence(value: &[u8]) -> bool {
    const SMALL: [&[u8]; 14] = [
        b"the", b"and", b"was", b"are", b"for", b"from", b"has", b"his", b"her", b"its", b"our", b"but",
        b"not", b"you",
    ];
    let words = value.split(|b| *b == b' ');
    words.clone().count() >= 5 && words.into_iter().any(|word| SMALL.contains(&word))
}

/// A value that nobody chose: no word, no sequence, enough different characters.
pub(super) fn drawn(value: &[u8]) -> bool {
    let hexish = value.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-');
    entropy(value) >= floor(value) && (hexish || !wordy(value)) && !sequential(value) && !typed(value)
}
