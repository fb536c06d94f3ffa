//! Dates in many forms, and what is none.

use super::*;

fn check(text: &str) -> Vec<(&str, u8)> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    find(bytes, &tokens(bytes), &mut out);
    out.iter().map(|f| (&text[f.start..f.end], f.score)).filter(|(_, score)| *score > 20).collect()
}

#[test]
fn dates_in_many_forms() {
    for (text, want) in [
        ("Today is 5-20-2021", "5-20-2021"),
        ("Today is 21.5.21.", "21.5.21"),
        ("on 5-MAY-2021 ok", "5-MAY-2021"),
        ("born May 1st, 1977", "May 1st, 1977"),
        ("at 2024-06-05T09:15:30.500-07:00 or", "2024-06-05T09:15:30.500-07:00"),
        ("2024-03-15T14:30Z", "2024-03-15T14:30Z"),
        ("Friday, 5 March 2021", "Friday, 5 March 2021"),
        ("in march 2018", "march 2018"),
        ("is 05/2021", "05/2021"),
        ("the 4th of July", "4th of July"),
        ("on Friday, December 24: started", "Friday, December 24"),
        ("| Thursday 8/10 | Hgb", "Thursday 8/10"),
        ("d/c'd August of 2022 on", "August of 2022"),
        ("DOB: 01052025 SEX", "01052025"),
        ("tested 20231001", "20231001"),
        ("napsal 27. 10. 2018 z", "27. 10. 2018"),
        ("születtem: 1977. 12. 25.", "1977. 12. 25"),
        ("Sinh ngày 22 tháng 4 năm 1943, quê", "ngày 22 tháng 4 năm 1943"),
        ("заседание 26 ноября 2023 г.", "26 ноября 2023 г"),
        ("le jeudi 12 juin 2025 à", "jeudi 12 juin 2025"),
        ("no sábado, 11 de outubro de 2025", "sábado, 11 de outubro de 2025"),
        ("așteptăm joi, 15 mai 2025, ora", "joi, 15 mai 2025"),
        ("na středu 9. dubna 2025", "středu 9. dubna 2025"),
        ("until the 12th of May 2024.", "the 12th of May 2024"),
        ("народження 28 липня 1993 р., Юлія", "28 липня 1993 р"),
    ] {
        assert!(check(text).iter().any(|(f, s)| *f == want && *s >= 40), "{text}: {:?}", check(text));
    }
    for text in ["on march 4", "for may 5th", "pto from 2/24 to"] {
        assert!(
            check(text).iter().all(|(_, s)| *s == 35) && !check(text).is_empty(),
            "{text}: {:?}",
            check(text)
        );
    }
    for text in [
        "may i",
        "in 2019",
        "what is 3/4 of 18",
        "1.2.3",
        "gpt-4o-2024-08-06",
        "march 4 peace? no 500",
        "at 4, may i",
        "sepsis 2/2 UTI",
        "5/5 strength",
        "refills 3. April is back",
        "order 01052025",
    ] {
        assert!(check(text).iter().all(|(_, s)| *s <= 35), "{text}: {:?}", check(text));
    }
}

#[test]
fn a_value_that_is_one_date() {
    assert!(is_date(b"2021-05-21") && !is_date(b"2021-05-21 x") && !is_date(b"8847"));
}
