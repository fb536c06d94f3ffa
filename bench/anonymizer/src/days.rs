//! Days and how people write them.
//!
//! **Invariant:** a day that is drawn exists, and its weekday is right.

use crate::grammar::Grammar;
use crate::rng::Rng;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Day {
    year: u64,
    month: u64,
    day: u64,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEK: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

impl Day {
    pub(crate) fn draw(year: u64, rng: &mut Rng) -> Self {
        let month = rng.within(1, 12);
        let most = match month {
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        Self { year, month, day: rng.within(1, most) }
    }

    /// `%d %e` day, `%m %n` month, `%B %b` its name, `%Y %y` year, `%A %a` weekday; capital letters pad.
    pub(crate) fn written(self, format: &str, grammar: &Grammar) -> String {
        let mut out = String::new();
        let mut chars = format.chars();
        let cut = |name: &str| name.chars().take(3).collect::<String>();
        while let Some(c) = chars.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            out.push_str(&match chars.next() {
                Some('d') => format!("{:02}", self.day),
                Some('e') => self.day.to_string(),
                Some('o') => format!("{}{}", self.day, self.ordinal()),
                Some('m') => format!("{:02}", self.month),
                Some('n') => self.month.to_string(),
                Some('Y') => self.year.to_string(),
                Some('y') => format!("{:02}", self.year % 100),
                Some('B') => self.month_name(grammar),
                Some('b') => cut(&self.month_name(grammar)),
                Some('A') => self.weekday().to_owned(),
                Some('a') => cut(self.weekday()),
                Some(_) | None => String::new(),
            });
        }
        out
    }

    fn month_name(self, grammar: &Grammar) -> String {
        let at = self.month as usize - 1;
        let own = grammar.word_at("months", at);
        if own.is_empty() { MONTHS[at].to_owned() } else { own }
    }

    fn ordinal(self) -> &'static str {
        match self.day {
            1 | 21 | 31 => "st",
            2 | 22 => "nd",
            3 | 23 => "rd",
            _ => "th",
        }
    }

    /// Sakamoto's rule.
    fn weekday(self) -> &'static str {
        const SHIFT: [u64; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
        let year = if self.month < 3 { self.year - 1 } else { self.year };
        let sum = year + year / 4 - year / 100 + year / 400 + SHIFT[self.month as usize - 1] + self.day;
        WEEK[(sum % 7) as usize]
    }
}
