//! Golden cases: what a student said when it was packed, asked again before it serves.
//!
//! **Invariant:** a machine on which a student answers otherwise than it was proven to does not serve it.

use kolm_model::Student;
use serde::Deserialize;

use crate::Error;

/// The member that holds them.
pub(crate) const CASES: &str = "eval/cases.jsonl";

/// A held-out case, as far as it is replayed.
#[derive(Deserialize)]
struct Golden {
    template: String,
    text: String,
    /// What the student said, where it was far from saying anything else.
    said: Option<String>,
}

/// Asks the golden ones among `cases` again; an artifact without any passes, as older ones do.
pub(crate) fn replay(id: &str, cases: &[u8], student: &Student) -> Result<(), Error> {
    let (mut of, mut wrong) = (0_usize, 0_usize);
    for line in cases.split(|byte| *byte == b'\n') {
        let Ok(Golden { template, text, said: Some(said) }) = serde_json::from_slice(line) else { continue };
        of += 1;
        wrong += usize::from(student.answer(&template, &text).label != said);
    }
    if wrong == 0 { Ok(()) } else { Err(Error::Golden { id: id.to_owned(), wrong, of }) }
}
