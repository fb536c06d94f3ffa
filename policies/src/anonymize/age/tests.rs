//! Ages in many forms.

use super::*;

fn check(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    find(&Reading::of(text), &mut out);
    let mut found: Vec<&str> = out.iter().map(|f| &text[f.start..f.end]).collect();
    found.dedup();
    found
}

#[test]
fn ages_in_many_forms() {
    let mut wrong: Vec<String> = Vec::new();
    for (text, want) in [
        ("an 82 year old man", "82"),
        ("a 93-year-old woman", "93"),
        ("pt is 82yo", "82"),
        ("82 y/o female", "82"),
        ("Mrs. K, 82F, fell", "82"),
        ("seen F/82 today", "82"),
        ("aged 91", "91"),
        ("age: 44", "44"),
        ("umur 61 th, agama", "61 th"),
        ("usia: 34 tahun", "34 tahun"),
        ("ve věku 61 let", "61"),
        ("उम्र 67 वर्ष", "67 वर्ष"),
        ("die 82-jährige Frau", "82"),
        ("une femme de 82 ans", "82"),
        ("tiene 82 años", "82"),
        ("has 82 anni? ha 82 anni", "82"),
        ("a 6-month-old infant", "6"),
        ("3 weeks old", "3"),
        ("she is ninety-two years old", "ninety-two"),
        ("45 M with cough", "45"),
        ("turned 90 in May", "90"),
        ("he is 93 and lives alone", "93"),
        ("My dad is 96 and his cardiologist", "96"),
        ("born in 1931, making him 93, and never", "93"),
        ("his mother died at 101 of CHF", "101"),
        ("moved when I was 9.", "9"),
        ("last year she was 95.", "95"),
        ("er ist 71 Jahre alt", "71"),
        ("i care for earl, he's 92 and lives here", "92"),
        ("Her age is ninety-one.", "ninety-one"),
        ("he just turned ninety", "ninety"),
        ("a woman in her late nineties", "nineties"),
        ("she is six years old", "six"),
        ("a teacher, is ninety-two and was seen", "ninety-two"),
        ("Eulalia who's 104 wants to fly", "104"),
    ] {
        if check(text).first() != Some(&want) {
            wrong.push(format!("{text}: {:?}", check(text)));
        }
    }
    for text in [
        "hace 5 años",
        "10 years of experience",
        "page 82",
        "12 months of therapy",
        "follow up in 6 months",
        "5y survival",
        "120 M of sales",
        "1.5M users",
        "for 20 years",
        "level 5 M",
        "age is a factor",
        "a 20 mg dose",
        "her HR was 93 and BP",
        "he was 95% sure",
        "she is 20 minutes late",
        "died at 23:45",
        "music of the nineties",
        "her pulse is ninety and regular",
        "for the sixth time",
    ] {
        if !check(text).is_empty() {
            wrong.push(format!("{text}: {:?}", check(text)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
