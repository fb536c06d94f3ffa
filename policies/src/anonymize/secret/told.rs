//! Passwords said in a sentence of any language: `use password zxcvBN12 to log in`, `mật khẩu là Hanoi2024`.
//!
//! **Invariant:** between the word and its value stand at most a few small words of one line.

use std::ops::Range;
use std::sync::LazyLock;

use super::rules::Engine;
use super::value::{checksum, column_type, expression, member, path, placeholder};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::quick::Set;
use crate::anonymize::sections::entries_of;
use crate::anonymize::token::{after, before};

/// How far behind the word its value may begin, and how long it may be.
const REACH: usize = 88;
const VALUE: usize = 80;
/// Words between a password's name and the password.
const MOST: usize = 10;

/// Small words between a password's name and the password.
struct Words {
    link: Set<&'static str>,
    verb: Set<&'static str>,
    user: Set<&'static str>,
    glued: Vec<&'static str>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    const SOURCE: &str = include_str!("../../../words/told.txt");
    Words {
        link: entries_of(SOURCE, "link"),
        verb: entries_of(SOURCE, "verb"),
        user: entries_of(SOURCE, "user"),
        glued: entries_of(SOURCE, "glued"),
    }
});

/// Signs that a value follows.
const ARROWS: [&[u8]; 2] = [b"->", b"=>"];
/// Passwords at the head of which one of these stands are the names of programs and methods.
const KINDS: [&[u8]; 30] = [
    b"sha",
    b"md5",
    b"base64",
    b"oauth",
    b"utf",
    b"argon2",
    b"pbkdf2",
    b"bcrypt",
    b"scrypt",
    b"1password",
    b"office",
    b"windows",
    b"hs256",
    b"hs384",
    b"hs512",
    b"rs256",
    b"rs512",
    b"es256",
    b"ps256",
    b"eddsa",
    b"hmac",
    b"aes",
    b"des-",
    b"chacha20",
    b"latin1",
    b"wpa",
    b"wep",
    b"802.",
    b"saml",
    b"totp",
];

/// Is the value in small letters the name of a program or of a method?
pub(super) fn is_method(lower: &[u8]) -> bool {
    KINDS.iter().any(|kind| lower.starts_with(kind))
}

/// Small words between a password's name and what it opens, where no verb need follow: `password del router X`.
const OF: [&str; 12] = ["del", "della", "dello", "di", "do", "da", "du", "de", "des", "vom", "fürs", "van"];

/// The password behind the word at `at`.
pub(super) fn find(engine: &Engine, text: &[u8], at: &Range<usize>, out: &mut Vec<Finding>) {
    // `$POSTGRES_PASSWORD postgres:16`, `$PGPASSWORD`: the name is one of a program.
    let run = text[..at.start].iter().rev().take(VALUE).take_while(|b| b.is_ascii_alphanumeric()).count();
    let named = b"_$-{.".contains(&before(text, at.start)) || b"${".contains(&before(text, at.start - run));
    // `PASSWORD :'pw'` names a variable of psql.
    let variable = [&b" :'"[..], b" :\"", b"::"].iter().any(|head| text[at.end..].starts_with(head));
    let Some(value) = value(text, at.end).filter(|_| !named && !variable) else { return };
    let bytes = &text[value.clone()];
    let lower = bytes.to_ascii_lowercase();
    let harmless = placeholder(bytes, &engine.assign)
        || engine.assign.is_word(lower.strip_suffix(b"!").unwrap_or(&lower))
        || is_method(&lower)
        || checksum(bytes)
        || path(bytes)
        || column_type(bytes)
        || member(bytes)
        || expression(bytes) && !bytes.last().is_some_and(u8::is_ascii_digit);
    if !harmless {
        out.push(Finding::new(value.start, value.end, Type::PASSWORD, Evidence::Secret));
    }
}

/// What follows the name: behind links and signs alone, or behind a verb at the end of other small words.
fn value(text: &[u8], from: usize) -> Option<Range<usize>> {
    let limit = text.len().min(from + REACH);
    let (mut at, mut led, mut strange, mut owned) = (from, true, false, false);
    let mut last = String::new();
    for _ in 0..=MOST {
        let open = signs(text, at, limit)?;
        // A comma makes a list of names more likely than a password.
        let listed = text[at..open].contains(&b',');
        let arrow = text[at..open].windows(2).any(|w| matches!(w, b"->" | b"=>"));
        led |= arrow;
        at = open;
        let whole = run(text, at);
        // Nobody chooses what goes on further.
        if whole.len() >= VALUE {
            return None;
        }
        let word = trimmed(text, whole.clone());
        let said = std::str::from_utf8(&text[word.clone()]).unwrap_or_default().to_lowercase();
        let linked = WORDS.link.contains(said.as_str());
        let value = &text[word.clone()];
        // `of user mjansen12 is now ...`.
        let user = WORDS.user.contains(last.as_str()) && value.is_ascii();
        // `mdp, login jordan.lpz93, mets ...`: the name of the user in a list.
        let named = user && text[word.end..whole.end].contains(&b',');
        // `parola mea pe https://... era ...`: what it opens.
        let address = said.contains("://") || said.starts_with("www.");
        let fits = || if listed { looks_drawn(value) } else { looks_chosen(value) };
        // `password, minLength: 12`: what a colon follows is a name too.
        let label = text[word.end..whole.end].starts_with(b":") && after(text, whole.end) == b' ';
        if !linked
            && !label
            && !named
            && !address
            && (led && fits() || strange && !user && looks_drawn(value) || owned && is_signed(value))
        {
            return Some(word);
        }
        let small = said.chars().all(|c| !c.is_uppercase() && c.is_alphabetic()) && !said.is_empty();
        let closed = text[word.end..whole.end].iter().any(|b| b".;?!".contains(b));
        // `wachtwoord van de backup-NAS is`: the thing that it opens.
        let thing = !led && value.iter().all(|b| b.is_ascii_alphabetic() || *b == b'-') && value.len() >= 2;
        // `password of all 140 terminals`.
        let count = value.len() <= 4 && value.iter().all(u8::is_ascii_digit);
        let thing = thing || count && !last.is_empty();
        if !(linked || small || user || thing || address) || closed {
            return None;
        }
        // `mot de passe provisoire : Lavande-8842`.
        let marked = text[word.end..text.len().min(whole.end + 2)].contains(&b':');
        led = linked && led || WORDS.verb.contains(said.as_str()) || marked;
        strange |= !said.is_ascii();
        owned |= OF.contains(&said.as_str());
        last = said;
        at = word.end;
    }
    None
}

/// Where the space, the signs and the glued words at `at` end; at least one of them must stand there.
fn signs(text: &[u8], from: usize, limit: usize) -> Option<usize> {
    let mut at = from;
    while at < limit {
        let fits = |word: &&&str| text[at..].starts_with(word.as_bytes());
        let glued = || WORDS.glued.iter().filter(fits).max_by_key(|word| word.len());
        if b" :=\"'`*(,".contains(&text[at]) || text[at..].starts_with(b"- ") {
            at += 1;
        } else if ARROWS.iter().any(|arrow| text[at..].starts_with(arrow)) {
            at += 2;
        } else if let Some(word) = glued() {
            at += word.len();
        } else {
            break;
        }
    }
    (at > from && at < limit).then_some(at)
}

/// A run without spaces and quotes; letters of another script end one of Latin ones.
fn run(text: &[u8], from: usize) -> Range<usize> {
    let ascii = text.get(from).is_some_and(u8::is_ascii);
    let stop = |b: &&u8| b.is_ascii_whitespace() || b"\"'`<>".contains(b) || ascii && **b >= 0xce;
    let len =
        text[from..].iter().take(VALUE).position(|b| stop(&b)).unwrap_or((text.len() - from).min(VALUE));
    from..from + len
}

/// Without what closes the sentence or the bracket.
fn trimmed(text: &[u8], word: Range<usize>) -> Range<usize> {
    let body = &text[word.clone()];
    let kept = body.iter().rposition(|b| !b".,;:)]}?".contains(b)).map_or(0, |last| last + 1);
    word.start..word.start + kept
}

/// Letters with digits or signs in one word of eight or more: no word of any sentence.
pub(super) fn looks_drawn(value: &[u8]) -> bool {
    let has = |what: fn(&u8) -> bool| value.iter().any(what);
    let sign = |b: &u8| b"!@#$%^&*?_.-".contains(b);
    is_numbered(value)
        || looks_chosen(value)
            && value.len() >= 6
            && has(u8::is_ascii_lowercase)
            && (has(u8::is_ascii_digit) || value.iter().any(|b| b"!@#$%^&*".contains(b)))
            && (has(u8::is_ascii_uppercase) || value.iter().any(sign) || value.len() >= 8)
}

/// Letters with digits or signs, capitals inside, or several words with dashes: no word of a sentence.
pub(super) fn looks_chosen(value: &[u8]) -> bool {
    let has = |what: fn(&u8) -> bool| value.iter().any(what);
    let letters = value.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let inner = value.windows(2).any(|p| p[0].is_ascii_lowercase() && p[1].is_ascii_uppercase());
    let mixed = has(u8::is_ascii_digit) || value.iter().any(|b| b"!@#$%^&*?_".contains(b)) || inner;
    let parts = value.split(|b| *b == b'-').filter(|part| part.len() >= 3).count();
    let unit = value.first().is_some_and(u8::is_ascii_digit) && letters < 3;
    // Letters of Latin alphabets beyond ASCII begin with these bytes: `Blåbär_55`.
    let latin = value.iter().all(|b| b.is_ascii() || matches!(b, 0x80..=0xbf | 0xc3..=0xc9));
    let begins = value.first().is_some_and(|b| !b"[)]}.>|;".contains(b));
    let signed = value.iter().any(|b| b"!@#$%^&*?_-".contains(b));
    // `Лето-Море-51`: letters of another script, signs and digits in one word that a letter begins.
    if !latin && signed && has(u8::is_ascii_digit) && !has(u8::is_ascii_alphabetic) {
        return value.first().is_some_and(|b| !b.is_ascii())
            && value.iter().filter(|b| !b.is_ascii()).count() >= 8;
    }
    latin && begins && value.len() >= 5 && letters >= 2 && (mixed && !unit || parts >= 4)
        || is_numbered(value)
}

/// `Gatto_Rosso99`: with a sign that no name of a thing has.
fn is_signed(value: &[u8]) -> bool {
    looks_drawn(value)
        && value.iter().any(|b| b"_!@#$%^&*".contains(b))
        && value.iter().any(u8::is_ascii_uppercase)
}

/// `щегол77`: a word of another alphabet with two digits at its end or more, which are no year.
fn is_numbered(value: &[u8]) -> bool {
    let text = std::str::from_utf8(value).unwrap_or_default();
    let word = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = text.len() - word.len();
    let letters = word.chars().filter(|c| c.is_alphabetic() && !c.is_ascii()).count();
    (2..=6).contains(&digits) && digits != 4 && letters >= 3 && letters == word.chars().count()
}

#[cfg(test)]
mod tests {
    use super::super::find;

    #[test]
    fn passwords_said_in_many_languages() {
        let mut wrong = Vec::new();
        for (text, want) in [
            ("use password zxcvBN12 to log in", "zxcvBN12"),
            ("username bob, password Sun#88x", "Sun#88x"),
            ("ssh bob@host (pw hunter2)", "hunter2"),
            ("the password for the auth account is i_DjZvLeKvXB", "i_DjZvLeKvXB"),
            ("password: correct-horse-battery-staple", "correct-horse-battery-staple"),
            ("Das Passwort für den Benutzer anna_b7 ist jetzt Sommer2024!", "Sommer2024!"),
            ("Het wachtwoord van gebruiker kdevries8 is gewijzigd naar Tulp#77x, mail", "Tulp#77x"),
            ("heslo k wifi je kocour77, pa", "kocour77"),
            ("lösenordet är Hjortron_55, hälsa", "Hjortron_55"),
            ("salasanani on Järvi_2291x", "Järvi_2291x"),
            ("parolam Kedi.Kopek7", "Kedi.Kopek7"),
            ("změnil heslo na Kocka.89x", "Kocka.89x"),
            ("Пароль от кабинета Zima_2024x не", "Zima_2024x"),
            ("şifresini Lale.Cay12 olarak", "Lale.Cay12"),
            ("Ο κωδικός μου Aigaio!27 δεν", "Aigaio!27"),
            ("密码改成了Mantou@123，有", "Mantou@123"),
            ("وكلمة المرور Nakhla#2290، والبريد", "Nakhla#2290"),
            ("parola mea pe https://catalog.example.ro era Zmeura#45 și", "Zmeura#45"),
            ("zappé mon mdp, login jordan.lpz93, mets Bateau!Rouge27 et", "Bateau!Rouge27"),
            ("sifrem Kartal_1903x, iptal et", "Kartal_1903x"),
            ("mein passwort für www.example.de lautet Tulpe#77x", "Tulpe#77x"),
            ("db root pw changed again -> kWq?t72Mzvn4 .", "kWq?t72Mzvn4"),
            ("mật khẩu là Hanoi2024!", "Hanoi2024!"),
            ("kata sandi: Jakarta99", "Jakarta99"),
            ("كلمة المرور: zxcvBN12", "zxcvBN12"),
            ("पासवर्ड: MyD0gSp0t", "MyD0gSp0t"),
            ("סיסמה: letMe1n9", "letMe1n9"),
            ("κωδικός: kR7-tree", "kR7-tree"),
            ("รหัสผ่าน: Siam2023x", "Siam2023x"),
            ("мой пароль qwe7rty!", "qwe7rty!"),
            ("密码是s3cr3t!", "s3cr3t!"),
            ("mot de passe provisoire : Lavande-8842, à modifier", "Lavande-8842"),
            ("senha temporária: Mengo@2025.", "Mengo@2025"),
            ("mi contra, creo q era chivas1906 y", "chivas1906"),
            ("midlertidig passord er Fjord2291x", "Fjord2291x"),
            ("tijdelijk wachtwoord: Fiets-2291", "Fiets-2291"),
            ("hasło tymczasowe: Wisla_2291", "Wisla_2291"),
            ("パスワードはxK9mPq2vLです", "xK9mPq2vL"),
            ("логин kassa, пароль Лето-Море-51, раскладка", "Лето-Море-51"),
            ("a senha do cofre da loja mudou outra vez, agora é bolodefuba@mesa4 e", "bolodefuba@mesa4"),
            ("비밀번호는 zxcvBN12 입니다", "zxcvBN12"),
            ("het wachtwoord van de backup-NAS is Knolselder-31 en", "Knolselder-31"),
            ("la clave del Synology es Retama_19, y", "Retama_19"),
            ("пароль от дома щегол77", "щегол77"),
            ("the admin password of all 140 tills is ulme3ulme4 and", "ulme3ulme4"),
            ("la contraseña de los 40 quioscos es Olmo_Gris7 y", "Olmo_Gris7"),
            ("password del router Olmo_Gris77 grazie", "Olmo_Gris77"),
            ("the sudo pw on that box is still ulmegin1", "ulmegin1"),
        ] {
            let mut out = Vec::new();
            find(text.as_bytes(), "", &mut out);
            if !out.iter().any(|f| &text[f.start..f.end] == want) {
                wrong.push(text);
            }
        }
        for text in [
            "the password must be at least 12 characters",
            "hash the password with bcrypt, not sha256",
            "is the password SHA256 or MD5?",
            "password manager v2 is out",
            "password reset at https://example.com/reset?id=4711 is slow",
            "mot de passe, login, mets à jour 2024",
            "password hashing is done with argon2id",
            "the password is checked against NIST_800_63",
            "a password of 12-16 characters",
            "forgot my password, please help",
            "password: see the vault",
            "CREATE USER x WITH PASSWORD :'report_pw1'",
            "could not read the password for [edge7]",
            "the password of 3 users is not set",
            "expect(validatePassword('')).toBe(false)",
            "kinds: ApiKey, Password, PrivateKey, SessionCookie",
            "permit(:email, :password, :password_confirmation)",
            "password: string, format: password, minLength: 12",
            "user=$PGUSER password=$PGPASSWORD dbname=$PGDATABASE",
            "the password field is empty",
            "-e DB_PASSWORD=$DB_PASSWORD postgres:16",
            "password CHAR(60) NOT NULL",
            "login(username: String!, password: String!): Payload!",
            "Contraseña: mínimo doce caracteres, con mayúsculas",
            "tokenizer(\"password\") -> [9220], special",
            "the password of Kubernetes is read by ServiceAccountReader",
        ] {
            let mut out = Vec::new();
            find(text.as_bytes(), "", &mut out);
            if !out.is_empty() {
                wrong.push(text);
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
