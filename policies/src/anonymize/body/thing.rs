//! Members `name` of JSON objects that are things: functions, files, packages, products, steps, columns.
//!
//! **Invariant:** an object with a member that only people have is a person, whatever else it holds.

use std::collections::{HashMap, HashSet};

use kolm_wire::slots::{Role, Slot};

/// Members of things.
const THINGS: &[&str] = &[
    "version",
    "license",
    "dependencies",
    "devDependencies",
    "sku",
    "price",
    "currency",
    "brand",
    "quantity",
    "qty",
    "units",
    "stock",
    "dimensions",
    "size",
    "parameters",
    "properties",
    "arguments",
    "args",
    "returns",
    "required",
    "default",
    "nullable",
    "enum",
    "schema",
    "columns",
    "fields",
    "rows",
    "steps",
    "jobs",
    "uses",
    "runs-on",
    "needs",
    "image",
    "ports",
    "command",
    "namespace",
    "replicas",
    "apiVersion",
    "path",
    "mime",
    "mimeType",
    "encoding",
    "checksum",
    "sha256",
    "commit",
    "branch",
    "repository",
    "scripts",
    "tracks",
    "genre",
    "cuisine",
    "calories",
    "ingredients",
    "duration",
    "instanceType",
    "cpu",
    "memory",
    "endpoint",
    "port",
    "dtype",
    "primaryKey",
];
/// Members of people.
const PEOPLE: &[&str] = &[
    "email",
    "mail",
    "phone",
    "mobile",
    "tel",
    "age",
    "dob",
    "birth",
    "birthday",
    "gender",
    "sex",
    "address",
    "mrn",
    "ssn",
    "patient",
    "nationality",
    "passport",
    "title",
    "salutation",
    "surname",
    "username",
    "insurance",
    "diagnosis",
    "role",
    "employer",
    "salary",
    "job_title",
];
/// Members whose objects are things.
const HOLDERS: &[&str] = &[
    "function",
    "functions",
    "tool",
    "tools",
    "file",
    "files",
    "package",
    "packages",
    "product",
    "products",
    "service",
    "services",
    "step",
    "steps",
    "job",
    "jobs",
    "column",
    "columns",
    "field",
    "fields",
    "table",
    "tables",
    "module",
    "modules",
    "plugin",
    "plugins",
    "container",
    "containers",
    "playlist",
    "playlists",
    "repository",
    "repo",
    "branch",
    "dataset",
    "model",
    "models",
    "category",
    "categories",
    "brand",
    "parameter",
    "parameters",
    "argument",
    "properties",
    "workflow",
    "pipeline",
    "stage",
    "stages",
    "cluster",
    "volume",
    "volumes",
    "currency",
    "plan",
    "feature",
    "features",
    "event",
    "metric",
    "metrics",
    "recipe",
    "ingredient",
    "ingredients",
    "dish",
    "restaurant",
    "song",
    "album",
    "color",
    "template",
];

/// Which of the slots are names of things, by their place.
pub(super) fn names(found: &[Slot]) -> HashSet<usize> {
    let named = |slot: &Slot| slot.role == Role::Text && slot.key == "name";
    if !found.iter().any(named) {
        return HashSet::new();
    }
    // Members by the path of their object: whether things have one, whether people do.
    let mut members: HashMap<&str, (bool, bool)> = HashMap::new();
    for slot in found {
        let (object, member) = member(&slot.path);
        for (object, member) in [(object, member), self::member(object)] {
            let entry = members.entry(object).or_default();
            entry.0 |= THINGS.contains(&member);
            entry.1 |= PEOPLE.iter().any(|person| member.eq_ignore_ascii_case(person));
        }
    }
    let thing = |slot: &Slot| {
        let (object, _) = member(&slot.path);
        let (thing, person) = members.get(object).copied().unwrap_or_default();
        let holder = object.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '[' | ']'));
        let held = HOLDERS.contains(&member(holder).1);
        !person && (thing || held)
    };
    found.iter().enumerate().filter(|(_, slot)| named(slot) && thing(slot)).map(|(i, _)| i).collect()
}

/// A path as that of its object and the member: `a[0].name` is `a[0]` and `name`.
fn member(path: &str) -> (&str, &str) {
    let (object, member) = path.rsplit_once('.').unwrap_or(("", path));
    (object, member.split('[').next().unwrap_or(member))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolm_wire::slots::values;

    fn things(text: &str) -> usize {
        names(&values(text.as_bytes()).unwrap()).len()
    }

    #[test]
    fn things_are_told_from_people() {
        for (text, count) in [
            (r#"{"name": "Blue Kettle", "sku": "KT-17", "price": 29.9}"#, 1),
            (r#"{"name": "react-router", "version": "6.4.1"}"#, 1),
            (r#"{"jobs": {"build": {"name": "Build and test", "steps": [{"name": "Checkout"}]}}}"#, 2),
            (r#"{"services": [{"name": "Billing Gateway", "up": "yes"}]}"#, 1),
            (r#"{"type": "function", "function": {"name": "Send Email"}}"#, 1),
            (r#"{"product": {"name": "Trail Runner"}, "customer": {"name": "Odile Marchetti"}}"#, 1),
            (r#"{"name": "Odile Marchetti", "type": "customer", "email": "o@x.org"}"#, 0),
            (r#"{"name": "Odile Marchetti", "city": "Gdynia"}"#, 0),
            (r#"{"name": "Odile Marchetti", "status": "active", "type": "private"}"#, 0),
            (r#"{"patients": [{"name": "Odile Marchetti"}]}"#, 0),
        ] {
            assert_eq!(things(text), count, "{text}");
        }
    }
}
