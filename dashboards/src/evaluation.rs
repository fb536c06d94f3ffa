//! An evaluation of an artifact as one page that stands alone: no script, no file beside it, nothing fetched.

use askama::Template;

/// What the page shows, in words.
#[derive(Debug, Clone, Default)]
pub struct Evaluation {
    /// The artifact's file.
    pub artifact: String,
    /// Tone of the verdict: a class of the style sheet.
    pub tone: &'static str,
    /// The verdict.
    pub sentence: String,
    /// Scores by name.
    pub scores: Vec<(&'static str, String)>,
    /// The axes of the gate.
    pub axes: Vec<Line>,
    /// The baseline beside it.
    pub difference: Option<Difference>,
    /// Right label, given label, how often.
    pub confusions: Vec<(String, String, String)>,
    /// Wrong answers, the surest first.
    pub misses: Vec<Miss>,
}

/// An axis.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Its bounds.
    pub range: String,
    /// What its lower bound must reach, empty for none.
    pub need: String,
    /// Whether it does.
    pub met: Option<bool>,
}

/// Student and baseline on the same cases.
#[derive(Debug, Clone, Default)]
pub struct Difference {
    /// The baseline.
    pub model: String,
    /// Cases that both, the student alone, the baseline alone, and neither got right.
    pub right: [String; 4],
    /// Accuracy of the student less that of the baseline.
    pub difference: String,
    /// Its 95 % interval.
    pub interval: String,
    /// McNemar's p.
    pub p: String,
    /// The baseline's K.
    pub k: String,
    /// How it came to its answers.
    pub asked: String,
    /// Axis, student, baseline, difference.
    pub axes: Vec<[String; 4]>,
}

/// A wrong answer.
#[derive(Debug, Clone, Default)]
pub struct Miss {
    /// The question, anonymized.
    pub text: String,
    /// The right answer.
    pub reference: String,
    /// The student's.
    pub student: String,
    /// The baseline's, if one was asked.
    pub baseline: Option<String>,
    /// How sure the student was.
    pub share: String,
}

#[derive(Template)]
#[template(path = "evaluation.html")]
struct Page<'a> {
    css: &'a str,
    of: &'a Evaluation,
}

/// The page.
pub fn render(evaluation: &Evaluation) -> String {
    let css = crate::assets::css();
    let page = Page { css, of: evaluation };
    // Writing into a string does not fail.
    page.render().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_stands_alone_and_escapes_what_it_shows() {
        let html = render(&Evaluation {
            artifact: "support.kolm".into(),
            tone: "good",
            sentence: "passes".into(),
            axes: vec![Line { name: "A".into(), need: "0.900".into(), met: Some(false), ..Line::default() }],
            difference: Some(Difference {
                model: "gpt-4o-mini".into(),
                axes: vec![["A", "0.951", "0.900", "+0.051"].map(str::to_owned)],
                ..Difference::default()
            }),
            misses: vec![Miss { text: "<script>alert(1)</script>".into(), ..Miss::default() }],
            ..Evaluation::default()
        });
        assert!(html.contains("passes") && html.contains("gpt-4o-mini") && html.contains("below"), "{html}");
        assert!(
            html.contains("<th scope=\"row\">A</th><td>0.951</td><td>0.900</td><td>+0.051</td>"),
            "{html}"
        );
        assert!(!html.contains("<script") && !html.contains("http"), "nothing runs, nothing is fetched");
    }
}
