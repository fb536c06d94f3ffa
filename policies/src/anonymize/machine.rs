//! What machines write of themselves: ids of requests, hashes of files, public hosts. Nobody is known by one.
//!
//! **Invariant:** only lowers a score, below what `default` masks and above what `hipaa` does: the Safe Harbor
//! list asks for any unique code and any address on the web, people's or not.

use super::kind::{Evidence, Finding};
use super::token::{in_token, is_uuid};

/// Below `mask_at` of `default`, above that of `hipaa`.
pub(crate) const SCORE: u8 = 35;

/// Words of the names of machines' ids.
const MACHINE: [&str; 61] = [
    "id",
    "uuid",
    "guid",
    "request",
    "req",
    "trace",
    "span",
    "correlation",
    "build",
    "job",
    "run",
    "task",
    "deployment",
    "deploy",
    "pod",
    "node",
    "cluster",
    "instance",
    "resource",
    "vpc",
    "subnet",
    "volume",
    "disk",
    "image",
    "snapshot",
    "commit",
    "etag",
    "revision",
    "rev",
    "md5",
    "sha",
    "sha1",
    "sha256",
    "sha512",
    "digest",
    "checksum",
    "hash",
    "message",
    "event",
    "operation",
    "batch",
    "pipeline",
    "stage",
    "artifact",
    "release",
    "object",
    "row",
    "record",
    "chunk",
    "activity",
    "invocation",
    "execution",
    "workflow",
    "partition",
    "index",
    "parent",
    "namespace",
    "component",
    "container",
    "partuuid",
    "product",
];

/// Words of the names of people's ids, and of what opens a door.
const PERSONAL: [&str; 49] = [
    "session",
    "sess",
    "sid",
    "token",
    "key",
    "secret",
    "cookie",
    "auth",
    "user",
    "customer",
    "client",
    "patient",
    "member",
    "account",
    "employee",
    "person",
    "contact",
    "device",
    "order",
    "invoice",
    "payment",
    "card",
    "subscriber",
    "subscription",
    "visitor",
    "guest",
    "student",
    "driver",
    "owner",
    "policy",
    "claim",
    "case",
    "ticket",
    "booking",
    "chart",
    "mrn",
    "imei",
    "vehicle",
    "caller",
    "applicant",
    "profile",
    "encounter",
    "specimen",
    "reservation",
    "participant",
    "study",
    "subject",
    "household",
    "login",
];

/// Hosts that serve everybody.
const PUBLIC: [&str; 60] = [
    "npmjs.org",
    "npmjs.com",
    "yarnpkg.com",
    "pypi.org",
    "pythonhosted.org",
    "crates.io",
    "docs.rs",
    "golang.org",
    "go.dev",
    "rubygems.org",
    "maven.org",
    "apache.org",
    "packagist.org",
    "nuget.org",
    "docker.io",
    "docker.com",
    "ghcr.io",
    "quay.io",
    "gcr.io",
    "k8s.io",
    "kubernetes.io",
    "w3.org",
    "json-schema.org",
    "schema.org",
    "opensource.org",
    "gnu.org",
    "ietf.org",
    "rfc-editor.org",
    "wikipedia.org",
    "mozilla.org",
    "python.org",
    "nodejs.org",
    "rust-lang.org",
    "openai.com",
    "anthropic.com",
    "jsdelivr.net",
    "unpkg.com",
    "cloudflare.com",
    "googleapis.com",
    "microsoftonline.com",
    "schemas.microsoft.com",
    "xmlsoap.org",
    "core.windows.net",
    "debian.org",
    "ubuntu.com",
    "alpinelinux.org",
    "gradle.org",
    "jenkins.io",
    "terraform.io",
    "hashicorp.com",
    "letsencrypt.org",
    "readthedocs.io",
    "stackoverflow.com",
    "localhost",
    "amazonaws.com",
    "gopkg.in",
    "k8s.gcr.io",
    "helm.sh",
    "nvidia.com",
    "pytorch.org",
];

/// First labels and paths of hosts that are called by programs.
const SERVICE: [&str; 12] =
    ["api", "docs", "cdn", "static", "registry", "auth", "oauth", "login", "token", "v1", "v2", "health"];

/// Is the URL the address of a service for all, or of the writer's own machine?
pub(crate) fn is_public(url: &[u8]) -> bool {
    let Ok(url) = std::str::from_utf8(url) else { return false };
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let cut = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(cut);
    let host =
        authority.rsplit_once('@').map_or(authority, |(_, host)| host).split(':').next().unwrap_or_default();
    let host = host.to_ascii_lowercase();
    let within =
        |name: &str| host.strip_suffix(name).is_some_and(|head| head.is_empty() || head.ends_with('.'));
    let local = !host.contains('.') || host.starts_with("127.") || host == "0.0.0.0";
    let shown = ["example.com", "example.org", "example.net"].into_iter().any(within);
    let service = || {
        let first = host.split('.').next().unwrap_or_default();
        let step = path.trim_start_matches('/').split(['/', '?']).next().unwrap_or_default();
        SERVICE.contains(&first) || SERVICE.contains(&step)
    };
    let personal =
        path.contains('~') || calls_somebody(path) || path.contains("user") || path.contains("profile");
    !personal && (local || PUBLIC.into_iter().any(within) || shown && service())
}

/// `/@maria`, and not the version of a package: `/htmx.org@1.9.12/`.
fn calls_somebody(path: &str) -> bool {
    path.match_indices('@')
        .any(|(at, _)| !path[at + 1..].starts_with(|c: char| c.is_ascii_digit() || c == 'v'))
}

/// Is the code at `start..end` named as a machine's: `request_id=...`, `uuid = "..."`, `trace_id ...`, `expected md5`?
/// A code of zeros is nobody's either.
pub(crate) fn is_named(text: &[u8], start: usize, end: usize, key: &str) -> bool {
    let whole = text[..start].trim_ascii().is_empty() && text[end..].trim_ascii().is_empty();
    let head = if whole { key.as_bytes() } else { &text[start.saturating_sub(48)..start] };
    let line = head.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let said = closed(&head[line..]);
    let name = last_name(said);
    if text[start..end].iter().filter(|b| b"123456789abcdefABCDEF".contains(b)).count() <= 1 {
        return true;
    }
    let has = |name: &[u8], list: &[&str]| words(name).iter().any(|word| list.contains(&word.as_str()));
    let beside = last_name(said.strip_suffix(name).unwrap_or_default().trim_ascii_end());
    let personal = has(name, &PERSONAL) || has(beside, &PERSONAL);
    let in_cloud = head.windows(4).any(|w| w == b"arn:");
    let digest = text[end..].iter().take(32).copied().collect::<Vec<u8>>().to_ascii_lowercase();
    let summed = [&b"md5"[..], b"sha", b"checksum", b"digest"]
        .iter()
        .any(|w| digest.windows(w.len()).any(|d| d == *w));
    in_cloud || !personal && (has(name, &MACHINE) || summed)
}

/// Without the signs and the verb between a name and its value.
fn closed(head: &[u8]) -> &[u8] {
    let end = head.iter().rposition(|b| in_token(*b)).map_or(0, |last| last + 1);
    let said = &head[..end];
    said.strip_suffix(b" is").or_else(|| said.strip_suffix(b" was")).unwrap_or(said).trim_ascii_end()
}

/// The last run of letters, digits and `_-.`.
fn last_name(said: &[u8]) -> &[u8] {
    let start = said.iter().rposition(|b| !(in_token(*b) || b"_-.".contains(b))).map_or(0, |at| at + 1);
    &said[start..]
}

/// Words of what opens a door or stands for a while; their codes are somebody's only right behind them.
const DOORS: [&str; 13] = [
    "session", "sess", "sid", "token", "key", "secret", "cookie", "auth", "profile", "policy", "case",
    "device", "study",
];

/// Is one of the words, in lower case, one of people and their affairs?
pub(crate) fn of_people(words: &[String]) -> bool {
    personal(words).any(|word| !DOORS.contains(&word))
}

/// Is one of the words, in lower case, one of what opens a door?
pub(crate) fn of_doors(words: &[String]) -> bool {
    personal(words).any(|word| DOORS.contains(&word))
}

/// Those of the words that name somebody's ids, one or many.
fn personal(words: &[String]) -> impl Iterator<Item = &str> {
    let one = |word: &str| {
        PERSONAL
            .iter()
            .copied()
            .find(|known| word.strip_prefix(*known).is_some_and(|end| end.is_empty() || end == "s"))
    };
    words.iter().filter_map(move |word| one(word))
}

/// The words of a name in lower case, digits apart.
pub(crate) fn words(name: &[u8]) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut small = false;
    for byte in name {
        if !in_token(*byte) || small && byte.is_ascii_uppercase() {
            out.push(String::new());
        }
        if let Some(word) = out.last_mut().filter(|_| in_token(*byte)) {
            word.push(char::from(byte.to_ascii_lowercase()));
        }
        small = byte.is_ascii_lowercase();
    }
    out.retain(|word| !word.is_empty());
    out
}

/// Takes away what was read inside a UUID, for its groups look like plates and numbers of identity cards, and the
/// numbers of accounts inside the names of resources: `arn:aws:iam::111122223333:role/deploy`.
pub(crate) fn whole(text: &[u8], out: &mut Vec<Finding>) {
    let mut wholes: Vec<(usize, usize)> =
        out.iter().filter(|f| is_uuid(&text[f.start..f.end])).map(|f| (f.start, f.end)).collect();
    let mut at = 0;
    while let Some(start) = text[at..].windows(8).position(|w| w == b"arn:aws:").map(|n| at + n) {
        let len = text[start..].iter().take_while(|b| in_token(**b) || b":/_-.*".contains(b)).count();
        at = start + len;
        wholes.push((start, at));
    }
    if wholes.is_empty() {
        return;
    }
    wholes.sort_unstable();
    let plain = |f: &Finding| is_uuid(&text[f.start..f.end]) || f.evidence == Evidence::Secret;
    let inside = |f: &Finding| {
        let next = wholes.partition_point(|(start, _)| *start <= f.start);
        next.checked_sub(1).is_some_and(|i| f.end <= wholes[i].1)
    };
    out.retain(|f| plain(f) || !inside(f));
}

/// Is the text of versions or files: `version: 2.28.18-rc.8+e884628`, `~/.ssh/id_ed25519.pub`, `index 43d6818..cb5194d`?
pub(crate) fn is_of_code(text: &[u8]) -> bool {
    let low = text.to_ascii_lowercase();
    [&b"version"[..], b"-rc.", b"-beta", b"-alpha", b"release", b"build", b"~/", b"./", b"..", b"index "]
        .iter()
        .any(|word| low.windows(word.len()).any(|w| w == *word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_for_all_and_hosts_of_somebody() {
        for url in [
            "https://registry.yarnpkg.com/a/-/a-1.2.3.tgz#52f7",
            "golang.org/x/text",
            "postgres://user:password@localhost:5432/mydb",
            "redis://cache:6379/1",
            "https://api.example.com/v1/x",
            "https://www.example.org/oauth/token",
            "core.windows.net",
            "https://cdn.jsdelivr.net/npm/htmx.org@1.9.12/dist/htmx.min.js",
        ] {
            assert!(is_public(url.as_bytes()), "{url}");
        }
        for url in [
            "https://halden-tools.com/about",
            "https://www.example.com/~maria",
            "https://example.com/maria",
            "https://api.example.com/users/17",
            "microsoft.com",
            "https://notpypi.org/x",
        ] {
            assert!(!is_public(url.as_bytes()), "{url}");
        }
    }

    #[test]
    fn ids_of_machines_and_ids_of_people() {
        let code = "df268624-13a6-45a9-a046-3791e3059545";
        for (head, tail) in [
            ("request_id=", ""),
            ("uuid = \"", "\""),
            ("\"traceId\": \"", "\""),
            ("trace_id ", " span_id 28ca"),
            ("got '", "' matches expected md5"),
            ("arn:aws:kms:eu-west-1:1:key/", ""),
            ("id: ", ""),
            ("build is ", ""),
        ] {
            let text = format!("{head}{code}{tail}");
            assert!(is_named(text.as_bytes(), head.len(), head.len() + code.len(), ""), "{text}");
        }
        for head in ["user_id=", "patient id ", "my number is ", "order ", "deviceId: ", "", "customer uuid "]
        {
            let text = format!("{head}{code}");
            assert!(!is_named(text.as_bytes(), head.len(), text.len(), ""), "{text}");
        }
        assert!(is_named(code.as_bytes(), 0, code.len(), "request_id"));
        assert!(!is_named(code.as_bytes(), 0, code.len(), "patient_id"));
    }
}
