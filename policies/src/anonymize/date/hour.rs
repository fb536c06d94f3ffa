//! Clock times by the words and signs of languages that write no colon: `午後3時`, `晚上9点40分`, `3시 30분`, `2 giờ 15
//! chiều`, `14.00-kor`, `jam 7 malam`.
//!
//! **Invariant:** looks at a bounded stretch on either side of an hour.

use super::clock::{digits, is_minute, lead};
use crate::anonymize::token::{after, in_token};

/// Does the ending follow with which Hungarian says when: `14.00-kor`?
pub(super) fn at_hour(text: &[u8], end: usize) -> bool {
    let rest = &text[end.min(text.len())..];
    rest.starts_with(b"-kor") && !in_token(after(text, end + "-kor".len()))
}

/// The end of the part of the day behind an hour of Indonesian; alone it counts nights: `jam 7 malam`.
pub(super) fn day_part(text: &[u8], at: usize) -> usize {
    const PARTS: [&[u8]; 4] = [b" pagi", b" siang", b" sore", b" malam"];
    let fits = |part: &&&[u8]| text[at..].starts_with(part) && !in_token(after(text, at + part.len()));
    PARTS.iter().find(fits).map_or(at, |part| at + part.len())
}

/// Where the half of the day that stands before an hour begins: `午後3時`, `오후 2시`.
pub(super) fn half_day_before(text: &[u8], at: usize) -> usize {
    const HALVES: [&str; 50] = [
        "अगली सुबह",
        "सुबह",
        "शाम",
        "दोपहर",
        "रात",
        "रात्रि",
        "सकाळी",
        "సాయంత్రం",
        "ఉదయం",
        "రాత్రి",
        "সকাল",
        "বিকাল",
        "সন্ধ্যা",
        "রাত",
        "காலை",
        "மாலை",
        "இரவு",
        " akşam",
        " du.",
        " délután",
        "今晚",
        "明早",
        "晚间",
        "晚間",
        "清晨",
        "深夜",
        "半夜",
        "早朝",
        "夕方",
        "晚",
        "정오",
        "자정",
        "午前",
        "午後",
        "正午",
        "上午",
        "下午",
        "中午",
        "凌晨",
        "早上",
        "晚上",
        "傍晚",
        "夜",
        "朝",
        "오전",
        "오후",
        "새벽",
        "아침",
        "저녁",
        "밤",
    ];
    let head = &text[..at];
    let head = head.strip_suffix(b" ").unwrap_or(head);
    HALVES
        .iter()
        .find(|half| head.ends_with(half.as_bytes()))
        .map_or(at, |half| head.len() - half.trim_start().len())
}

/// The end of the signs behind the hour at `start`: `3時`, `10時30分`, `3시 30분`; `3時間` is how long, and `3点` may be
/// how many.
pub(super) fn glyphs(text: &[u8], start: usize, at: usize) -> Option<usize> {
    let is = |at: usize, signs: &[&'static str]| {
        signs.iter().copied().find(|sign| text[at.min(text.len())..].starts_with(sign.as_bytes()))
    };
    let point = is(at, &["点", "點"]);
    let mut end = at + point.or_else(|| is(at, &["時", "时", "시"]))?.len();
    let told = point.is_none() || half_day_before(text, start) < start;
    if is(end, &["間", "间", "간"]).is_some() {
        return None;
    }
    let minute = end + usize::from(after(text, end) == b' ');
    let run = digits(text, minute);
    if let Some(sign) = is(minute + run, &["分", "분"]).filter(|_| (1..=2).contains(&run)) {
        end = minute + run + sign.len();
    } else if let Some(half) = is(end, &["半", "반", "整", "一刻", "三刻", "钟", "鐘"]) {
        end += half.len();
    } else if !(told || run == 2 && is_minute(text, minute) && minute == end) {
        return None;
    } else if point.is_some() && run == 2 && minute == end && is_minute(text, minute) {
        end += 2;
    }
    Some(end)
}

/// The end of the Vietnamese words behind the hour at `start`: `14 giờ 30`, `2 giờ 15 chiều`, `8 giờ kém 10`, and behind
/// what leads to a time `lúc 8 giờ`; else it is how long.
pub(super) fn hour_word(text: &[u8], start: usize, at: usize) -> Option<usize> {
    const PARTS: [&str; 7] = [" sáng", " trưa", " chiều", " tối", " đêm", " khuya", " rưỡi"];
    let rest = |at: usize| &text[at.min(text.len())..];
    let mut end = at + " giờ".len();
    if !rest(at).starts_with(" giờ".as_bytes()) {
        return None;
    }
    let from = end;
    let short = if rest(end).starts_with(" kém".as_bytes()) { " kém".len() } else { 0 };
    let minutes = digits(text, end + short + 1);
    let behind = end + short + 1 + minutes;
    let unit =
        [" phút", ""].iter().find(|word| rest(behind).starts_with(word.as_bytes())).map_or(0, |w| w.len());
    if after(text, end + short) == b' '
        && (minutes == 2 && is_minute(text, end + short + 1) || minutes == 1 && unit > 0)
    {
        end = behind + unit;
    }
    if let Some(part) = PARTS.iter().find(|part| rest(end).starts_with(part.as_bytes())) {
        end += part.len();
    }
    let led = matches!(lead(text, start).as_str(), "lúc" | "từ" | "đến" | "trước" | "sau" | "khoảng" | "hồi");
    (end > from || led).then_some(end)
}

#[cfg(test)]
mod tests {
    use crate::anonymize::date::clock::times;

    fn check(text: &str) -> Vec<&str> {
        let mut out = Vec::new();
        times(text.as_bytes(), &mut out);
        out.iter().filter(|f| f.score >= 40).map(|f| &text[f.start..f.end]).collect()
    }

    #[test]
    fn hours_by_their_words_and_signs() {
        for (text, want) in [
            ("时间是晚上9点40分。", "晚上9点40分"),
            ("明天下午3点半到", "下午3点半"),
            ("约在10点30分见", "10点30分"),
            ("早上8点來", "早上8点"),
            ("上午9點整開會", "上午9點整"),
            ("lúc 2 giờ 15 chiều, mặc", "2 giờ 15 chiều"),
            ("họp 14 giờ 30 nhé", "14 giờ 30"),
            ("hẹn 8 giờ sáng mai", "8 giờ sáng"),
            ("đến lúc 9 giờ là", "9 giờ"),
            ("rendelése 14.00-kor kezdődik", "14.00"),
            ("holnap 9:30-kor várom", "9:30"),
            ("शाम 7:30 बजे टक्कर", "शाम 7:30 बजे"),
            ("सुबह 9 बजे आइए", "सुबह 9 बजे"),
        ] {
            assert_eq!(check(text), [want], "{text}");
        }
    }

    #[test]
    fn counts_that_are_no_hours() {
        for text in [
            "我有3点建议",
            "下跌2点5个百分点",
            "làm việc 8 giờ mỗi ngày",
            "trong 2 giờ 5 người",
            "ára 14.50 forint",
            "a 3.12-es verzió",
        ] {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }
}
