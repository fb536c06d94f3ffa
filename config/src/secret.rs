//! Where a secret is: in the environment or in a file of its own, never in the configuration.
//!
//! **Invariant:** no message repeats a secret.

use crate::Secret;
use crate::problem::{FORM, LITERAL, NO_SECRET};
use crate::shape::Kind;
use crate::table::{Checker, Node, Table, string};

/// What a secret's place says.
pub(crate) enum Found {
    /// The secret.
    Secret(Secret),
    /// The variable is not set.
    Unset(String),
}

/// `{ env = "NAME" }` or `{ file = "path" }`; anything else has been noted.
pub(crate) fn secret(check: &mut Checker<'_>, node: &Node<'_>) -> Option<Found> {
    node.means(Kind::Secret);
    if node.value.is_str() {
        node.refuse();
        let hint =
            "write { env = \"NAME\" } or { file = \"path\" }, and change the key: it may have been read";
        check.add_with_hint(LITERAL, &node.place, "a secret must not stand in the file", Some(hint));
        return None;
    }
    let mut table = Table::of(check, node);
    let env = table.optional(check, "env", string);
    let file = table.optional(check, "file", string);
    table.finish(check);
    let found = found(check, node, env, file).filter(|found| is_one_line(check, node, found));
    if let Some(Found::Secret(secret)) = &found {
        check.refers_to(&node.place, secret);
    }
    found
}

/// A secret goes into a header or a file name: a line break in it would end either.
fn is_one_line(check: &mut Checker<'_>, node: &Node<'_>, found: &Found) -> bool {
    let Found::Secret(secret) = found else { return true };
    let is_one = !secret.expose().chars().any(char::is_control);
    if !is_one {
        check.add(NO_SECRET, &node.place, "the secret holds a line break or another control character");
    }
    is_one
}

fn found(
    check: &mut Checker<'_>,
    node: &Node<'_>,
    env: Option<String>,
    file: Option<String>,
) -> Option<Found> {
    match (env, file) {
        (Some(name), None) => {
            let value = (check.outside.env)(&name).filter(|value| !value.trim().is_empty());
            Some(value.map_or(Found::Unset(name), |value| Found::Secret(Secret::new(&value))))
        }
        (None, Some(file)) => match check.read(&file) {
            Ok(text) if !text.trim().is_empty() => Some(Found::Secret(Secret::new(&text))),
            Ok(_) => {
                check.add(NO_SECRET, &node.place, format!("`{file}` is empty"));
                None
            }
            Err(error) => {
                check.add(NO_SECRET, &node.place, format!("`{file}` cannot be read: {error}"));
                None
            }
        },
        (Some(_), Some(_)) | (None, None) => {
            check.add(FORM, &node.place, "must be { env = \"NAME\" } or { file = \"path\" }");
            None
        }
    }
}
