//! Names in Chinese, Japanese and Korean, where no space and no capital shows them: between a family name and a
//! title, or behind a label.
//!
//! **Invariant:** a family name of the list begins every name, but for Japanese names before a title.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::anonymize::cue::Reading;
use crate::anonymize::invent::Script;
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::ner::{self, lists};
use crate::anonymize::words::Caps;

mod korean;
use korean::{KOREAN, korean, spaced};

/// Family names of one sign, and of two.
const CHINESE: &str = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任姚卢傅钟\
    钱姜崔谭廖范汪陆金石戴贾韦夏邱方侯邹熊孟秦白江阎薛尹段雷龙黎史陶贺毛郝顾龚邵万覃武乔赖文庞樊兰殷施洪翟安颜倪严牛温\
    芦季俞章鲁葛伍申尤毕聂焦柴祝岳齐梅莫庄辛管左涂谷祁舒耿牟詹关苗凌费纪靳盛童欧甄项曲游裴席卫查屈鲍霍翁隋甘景包柏宁柯阮\
    桂闵陳張劉黃趙吳馬鄭謝許鄧馮葉蔣蘇呂盧鍾楊孫羅錢陸";
const CHINESE_TWO: [&str; 12] =
    ["欧阳", "司马", "诸葛", "上官", "司徒", "东方", "夏侯", "皇甫", "慕容", "令狐", "公孙", "歐陽"];

/// Titles behind a Chinese name.
const CHINESE_TITLES: [&str; 22] = [
    "先生", "女士", "小姐", "医生", "醫生", "大夫", "医师", "醫師", "护士", "主任", "教授", "老师", "老師",
    "经理", "同学", "阿姨", "叔叔", "奶奶", "爷爷", "护师", "院长", "律师",
];
/// Labels before a Chinese name.
const CHINESE_LABELS: [&str; 38] = [
    "姓名",
    "户名",
    "戶名",
    "患者",
    "病人",
    "病患",
    "收款人",
    "收件人",
    "联系人",
    "寄件人",
    "付款人",
    "持卡人",
    "我叫",
    "名叫",
    "叫做",
    "签名",
    "签字",
    "主治医师",
    "主治医生",
    "责任护士",
    "妈妈",
    "爸爸",
    "丈夫",
    "妻子",
    "儿子",
    "女儿",
    "老公",
    "老婆",
    "母亲",
    "父亲",
    "哥哥",
    "姐姐",
    "弟弟",
    "妹妹",
    "朋友",
    "同事",
    "客户",
    "您好，我是",
];
/// Titles behind a Japanese name.
const JAPANESE_TITLES: [&str; 9] = ["さん", "様", "氏", "くん", "君", "ちゃん", "先生", "殿", "看護師"];
/// Labels before a Japanese name.
const JAPANESE_LABELS: [&str; 12] = [
    "名義人は",
    "名義は",
    "名義",
    "氏名は",
    "氏名",
    "名前は",
    "私は",
    "担当は",
    "担当医は",
    "主治医は",
    "受取人",
    "差出人",
];
/// What is no name before a Japanese title.
const NOBODY: [&str; 16] = [
    "客", "皆", "患者", "奥", "神", "王", "者", "誰", "先生", "母", "父", "子供", "医", "担当", "家族",
    "本人",
];
/// Where the marks of the frames stand: the first are titles, which end a name, the others begin one.
static MARKS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let all = CHINESE_TITLES.iter().chain(&JAPANESE_TITLES).chain(&CHINESE_LABELS).chain(&JAPANESE_LABELS);
    AhoCorasick::builder().match_kind(aho_corasick::MatchKind::LeftmostLongest).build(all).ok()
});

/// Names of the text.
pub(super) fn find(r: &Reading<'_>, out: &mut Vec<Finding>) {
    let Some(marks) = MARKS.as_ref().filter(|_| !r.text.is_ascii()) else { return };
    for mark in marks.find_iter(r.text) {
        let kind = mark.pattern().as_usize();
        let (titles, labels) = (CHINESE_TITLES.len(), CHINESE_TITLES.len() + JAPANESE_TITLES.len());
        let found = if kind < titles {
            titled(r.text, mark.start())
        } else if kind < labels {
            honoured(r.text, mark.start())
        } else {
            labelled(r.text, mark.end())
        };
        if let Some((start, end)) = found.filter(|(start, end)| start < end) {
            out.push(Finding::new(start, end, Type::NAME, Evidence::Shape));
        }
    }
    for i in 0..r.words.len() {
        spaced(r, i, out);
        korean(r, i, out);
        known(r, i, out);
    }
}

/// `许丽梅什么时候来`, `大野健太`, `문지훈`: a family name and a given name that the lists know.
fn known(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let Some(word) = r.word(i).filter(|w| w.caps == Caps::None && w.chars >= 3 && w.chars > w.digits) else {
        return;
    };
    let text = r.str(i);
    let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let mut at = 0;
    while at + 3 < ends.len() {
        let part = |from: usize, to: usize| ends.get(to).map_or("", |end| &text[ends[from]..*end]);
        let east = |c: char| han(&c) || Script::of_char(c) == Script::Hangul;
        if !part(at, at + 1).chars().all(east) {
            at += 1;
            continue;
        }
        let given = |from: usize, len: usize| ner::lists_of(part(from, from + len)) & lists::GIVEN != 0;
        let family = |len: usize| match len {
            1 => part(at, at + 1).chars().all(|c| CHINESE.contains(c) || at == 0 && KOREAN.contains(c)),
            _ => ner::lists_of(part(at, at + len)) & lists::SURNAME != 0,
        };
        let both = |(first, second): &(usize, usize)| family(*first) && given(at + first, *second);
        match [(2, 2), (2, 3), (3, 2), (1, 2)].iter().find(|lens| both(lens)) {
            Some((first, second)) => {
                let end = ends[at + first + second];
                out.push(Finding::new(word.start + ends[at], word.start + end, Type::NAME, Evidence::Shape));
                at += first + second;
            }
            None => at += 1,
        }
    }
}

fn han(c: &char) -> bool {
    Script::of_char(*c) == Script::Han
}

/// The signs before `end` that are of the kind, at most `most`, with where they begin; last first.
fn back(text: &str, end: usize, most: usize, kind: fn(&char) -> bool) -> Vec<(usize, char)> {
    let head = text.get(..end).unwrap_or_default();
    head.char_indices().rev().take(most).take_while(|(_, c)| kind(c)).collect()
}

/// `张丽华医生`: the longest name that ends at the title.
fn titled(text: &str, end: usize) -> Option<(usize, usize)> {
    let before = back(text, end, 4, han);
    let family =
        |at: usize, c: char| CHINESE.contains(c) || CHINESE_TWO.iter().any(|two| text[at..].starts_with(two));
    let found = before.iter().enumerate().rev().find(|(n, (at, c))| {
        family(*at, *c) && (*n < 3 || CHINESE_TWO.iter().any(|two| text[*at..].starts_with(two)))
    });
    found.map(|(_, (at, _))| (*at, end))
}

/// `渡辺健太様`: the run of signs before the title.
fn honoured(text: &str, end: usize) -> Option<(usize, usize)> {
    if let Some(foreign) = katakana(text, end) {
        return Some(foreign);
    }
    let before = back(text, end, 6, han);
    let (start, _) = *before.last()?;
    let said = &text[start..end];
    let nobody = NOBODY.iter().any(|word| said.ends_with(word));
    (!nobody && before.len() <= 5).then_some((start, end))
}

/// `ブラウン様`, `マリア・ロペスさん`: a name of another country.
fn katakana(text: &str, end: usize) -> Option<(usize, usize)> {
    const ROLES: [&str; 24] = [
        "ユーザー",
        "ユーザ",
        "オーナー",
        "メンバー",
        "パートナー",
        "ゲスト",
        "マスター",
        "ドクター",
        "リーダー",
        "スタッフ",
        "ドライバー",
        "モデル",
        "ファン",
        "ママ",
        "パパ",
        "サポーター",
        "プレイヤー",
        "ヘルパー",
        "マネージャー",
        "コーチ",
        "カスタマー",
        "クライアント",
        "アイドル",
        "タレント",
    ];
    let before = back(text, end, 16, |c| matches!(c, '\u{30a1}'..='\u{30fa}' | 'ー' | '・'));
    let (start, _) = *before.last()?;
    let said = text.get(start..end)?;
    let role = ROLES.iter().any(|role| said.ends_with(role));
    (before.len() >= 2 && !role).then_some((start, end))
}

/// `姓名：赵丽华`, `名義人は大野誠`: the name behind a label.
fn labelled(text: &str, from: usize) -> Option<(usize, usize)> {
    let rest = text.get(from..)?;
    let bare = rest.trim_start_matches([':', '：', ' ', '是', '为', '名', '叫']);
    let start = from + rest.len() - bare.len();
    let run: Vec<(usize, char)> = bare.char_indices().take_while(|(_, c)| han(c)).take(5).collect();
    let first = run.first()?.1;
    let two = CHINESE_TWO.iter().any(|two| bare.starts_with(two));
    let family = two || CHINESE.contains(first);
    let whole = run.len() <= 4 && run.len() >= 2;
    let chars = match () {
        () if !family && !whole => return None,
        () if whole && (family || run.len() >= 3) => run.len(),
        () if !family => return None,
        () => 3 + usize::from(two),
    };
    // `患者王伟主诉头痛`: what the sentence goes on with is no part of the name.
    const ON: &str = "的是在有说于已来去给为和与及主因今昨先女男称否曾未无从到被把向对";
    let chars = (2..chars).find(|n| run.get(*n).is_some_and(|(_, c)| ON.contains(*c))).unwrap_or(chars);
    let end = run.get(chars).map_or_else(|| run.last().map_or(0, |(at, c)| at + c.len_utf8()), |(at, _)| *at);
    Some((start, start + end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::spans;

    fn check(text: &str) -> Vec<&str> {
        spans(text, find)
    }

    #[test]
    fn names_between_family_name_and_title_or_behind_a_label() {
        for (text, want) in [
            ("请问周医生在吗", "周"),
            ("昨天赵丽梅女士来过", "赵丽梅"),
            ("姓名：诸葛明德，男", "诸葛明德"),
            ("患者吴伟主诉头痛", "吴伟"),
            ("收款人马东升。", "马东升"),
            ("大野誠様からお電話", "大野誠"),
            ("口座の名義人は中山恵です", "中山恵"),
            ("문성민 씨는 어디에", "문성민"),
            ("환자 황보라미가 왔다", "황보라미"),
            ("담당자 조현숙님께", "조현숙"),
            ("许志强什么时候来", "许志强"),
            ("山口健太に振り込む", "山口健太"),
            ("ブラウン様はカナダ", "ブラウン"),
            ("マリア・ロペスさんから", "マリア・ロペス"),
            ("예금주 서문 진", "서문 진"),
            ("받는 사람 황보 준, 서울", "황보 준"),
        ] {
            assert!(check(text).contains(&want), "{text}: {:?}", check(text));
        }
    }

    #[test]
    fn nobody_between_them() {
        for text in [
            "先生您好",
            "お客様各位",
            "皆様へ",
            "患者发热咳嗽三天",
            "고객 센터에 문의",
            "ユーザー様へ",
            "예금주 확인 부탁",
            "护士说要休息",
        ] {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }
}
