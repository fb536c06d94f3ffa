//! What people are shown of the shadow, and what they say to it: diffs of teacher and student, verdicts.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ArtifactId, MicroUsd, Namespace, Ppm, RequestId, RouteName, Timestamp};

macro_rules! word {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$of])* $variant),+ }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name in rows, paths and JSON.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The one of this name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

word!(
    /// How a diff came to be.
    DiffKind {
        /// The teacher answered the client, the student was asked beside it.
        Shadow = "shadow",
        /// The student answered the client, the teacher was asked as a control.
        Reverse = "reverse",
        /// The teacher was asked twice: its second answer stands where the student's would.
        Double = "double",
    }
);

word!(
    /// What a person says of a diff. Scores that were bet on stay as they are, whatever it is.
    Verdict {
        /// Nobody has looked yet.
        Unread = "unread",
        /// The student's answer is as good as the teacher's.
        Accept = "accept",
        /// The student's answer is wrong.
        Reject = "reject",
        /// Neither is right: the corrected answer is, or nobody knows one where that is empty.
        Edit = "edit",
    }
);

word!(
    /// What a diff can be bad at.
    DiffAxis {
        /// The student does not agree with the teacher.
        Accuracy = "accuracy",
        /// The student was slower than the teacher.
        Latency = "latency",
        /// The student gave no answer.
        Coverage = "coverage",
    }
);

/// Which diffs of a route are looked at, worst first on the axis.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffFilter {
    /// With this verdict alone.
    pub verdict: Option<Verdict>,
    /// Bad at this alone.
    pub axis: Option<DiffAxis>,
    /// Of this kind alone.
    pub kind: Option<DiffKind>,
    /// Of this template alone.
    pub template: Option<String>,
    /// Of this student alone.
    pub artifact: Option<ArtifactId>,
}

/// A page of the diffs of a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffQuery {
    /// The route.
    pub route: RouteName,
    /// Its namespace, whose store they lie in.
    pub namespace: Namespace,
    /// Which of them.
    pub filter: DiffFilter,
    /// At most so many.
    pub limit: u32,
    /// Behind so many.
    pub offset: u32,
}

/// What the diffs of a route (and one student, where the filter names it) amount to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffCounts {
    /// The student agrees in full.
    pub same: u64,
    /// The student agrees with the teacher more than the teacher did with itself.
    pub better: u64,
    /// The student agrees in part or not at all.
    pub worse: u64,
    /// There is nothing to compare: it abstained, or the teacher alone was asked.
    pub unscored: u64,
    /// Nobody has looked yet.
    pub unread: u64,
}

/// Diffs, worst first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffPage {
    /// Of all diffs of the route, whatever else the filter says.
    pub counts: DiffCounts,
    /// How many pass the filter.
    pub total: u64,
    /// The templates that there are diffs of, most first, with how many.
    pub templates: Vec<(String, u64)>,
    /// The page.
    pub rows: Vec<DiffRow>,
}

/// A diff as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffRow {
    /// The request.
    pub id: RequestId,
    /// When it was scored.
    pub t: Timestamp,
    /// The route.
    pub route: RouteName,
    /// How it came to be.
    pub kind: DiffKind,
    /// Agreement of student and teacher, `None` if the student was not asked or abstained.
    pub a: Option<Ppm>,
    /// Agreement of the teacher with itself, `None` if it was asked once.
    pub b: Option<Ppm>,
    /// The student answered validly and in time.
    pub served: bool,
    /// The student's answer must not be given.
    pub critical: bool,
    /// The student's time in µs.
    pub student_us: u64,
    /// The teacher's time in µs.
    pub teacher_us: u64,
    /// What was said of it.
    pub verdict: Verdict,
    /// The beginning of the question, anonymized.
    pub text: String,
    /// The beginning of the teacher's answer, anonymized.
    pub teacher: String,
    /// The beginning of the student's answer, anonymized; empty where there is none.
    pub student: String,
}

/// One message of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Whose it is.
    pub role: String,
    /// What it says.
    pub text: String,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The tool.
    pub name: String,
    /// Its arguments as they were written, JSON as a rule.
    pub arguments: String,
}

/// An answer: text, calls of tools, or both.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The text, or the words of a refusal.
    pub text: String,
    /// The calls, in order.
    pub calls: Vec<ToolCall>,
}

/// A diff in full. All texts were anonymized before they were stored; they are empty once their retention is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffDetail {
    /// The diff as a list shows it.
    #[serde(flatten)]
    pub row: DiffRow,
    /// The namespace.
    pub namespace: Namespace,
    /// The student.
    pub artifact: ArtifactId,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The conversation.
    pub unit: String,
    /// Key of system prompt and tools.
    pub template_hash: String,
    /// The request's messages.
    pub turns: Vec<Turn>,
    /// What the teacher said.
    pub teacher_said: Answer,
    /// What the student said (the teacher's second answer where the kind is `double`), `None` if nothing.
    pub student_said: Option<Answer>,
    /// The student's time to the first byte in µs.
    pub student_ttft_us: u64,
    /// The teacher's time to the first byte in µs.
    pub teacher_ttft_us: u64,
    /// Tokens that the teacher read, -1 = unknown.
    pub tokens_in: i64,
    /// Tokens that the teacher wrote, -1 = unknown.
    pub teacher_tokens: i64,
    /// Tokens that the student wrote, -1 = unknown.
    pub student_tokens: i64,
    /// Measured cost of the student.
    pub student_cost: MicroUsd,
    /// List price of the teacher's answer.
    pub teacher_cost: MicroUsd,
    /// What the reviewer noted.
    pub note: String,
    /// The right answer, where the verdict is `edit`.
    pub corrected: String,
    /// Who said so, empty = nobody.
    pub reviewer: String,
    /// When, `None` = never.
    pub reviewed_at: Option<Timestamp>,
    /// Its place in the order of the filter, from 1; 0 where the filter leaves it out.
    pub place: u64,
    /// How many pass the filter; 0 with the place.
    pub total: u64,
    /// The one behind it in that order.
    pub next: Option<RequestId>,
    /// The one before it.
    pub previous: Option<RequestId>,
}

/// What a person says of one diff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// The request.
    pub id: RequestId,
    /// What it comes to.
    pub verdict: Verdict,
    /// Why, or empty.
    #[serde(default)]
    pub note: String,
    /// The right answer, kept where the verdict is `edit`.
    #[serde(default)]
    pub corrected: String,
    /// Who says so.
    pub reviewer: String,
}

/// What passed over a route, as far as it was captured: of one arm, since the store was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// The route.
    pub route: RouteName,
    /// Who answered.
    pub arm: crate::Arm,
    /// Captured answers.
    pub requests: u64,
    /// Tokens read, as far as they are known.
    pub tokens_in: u64,
    /// Tokens written, as far as they are known.
    pub tokens_out: u64,
    /// What the cloud asks for them at list price, as far as it is known.
    pub list_price: MicroUsd,
}
