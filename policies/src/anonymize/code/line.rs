//! Which lines of a text are of a program, a log, a shell or a file of settings.
//!
//! **Invariant:** one pass over the bytes of a text; a line of prose that names a file or an address is none of code.

use memchr::memrchr;

use super::sign::signs;

/// Weight from which on a line is of code.
const CODE: u32 = 2;

/// The lines of a text, and which are of code.
pub(super) struct Lines {
    /// Where each begins, and whether it is of code.
    lines: Vec<(usize, bool)>,
    any: bool,
}

impl Lines {
    pub(super) fn of(text: &[u8]) -> Self {
        let mut weights = Vec::new();
        let mut at = 0;
        for line in text.split(|b| *b == b'\n') {
            weights.push((at, signs(line).weight()));
            at += line.len() + 1;
        }
        let lines: Vec<_> = (0..weights.len()).map(|i| (weights[i].0, is_code(&weights, i))).collect();
        Self { any: lines.iter().any(|(_, code)| *code), lines }
    }

    /// Is the byte `at` of a line of code?
    pub(super) fn code(&self, at: usize) -> bool {
        let next = self.lines.partition_point(|(start, _)| *start <= at);
        next.checked_sub(1).is_some_and(|i| self.lines[i].1)
    }

    /// Is any line of code?
    pub(super) fn any(&self) -> bool {
        self.any
    }
}

/// How far from a line of code one with a single sign is of it too.
const NEAR: usize = 3;
/// As many lines with one sign each in a row are of code.
const ROW: usize = 3;

/// Is line `i` of code, by its own signs or by those of the lines around it?
fn is_code(weights: &[(usize, u32)], i: usize) -> bool {
    if weights[i].1 != 1 {
        return weights[i].1 >= CODE;
    }
    let signed = |(_, weight): &&(usize, u32)| *weight > 0;
    let before = weights[..i].iter().rev().take_while(signed).take(ROW).count();
    let after = weights[i + 1..].iter().take_while(signed).take(ROW).count();
    let near = &weights[i.saturating_sub(NEAR)..weights.len().min(i + 1 + NEAR)];
    before + after + 1 >= ROW || near.iter().any(|(_, weight)| *weight >= CODE)
}

/// The part of the line before `at` that is within `reach`, and whether the line begins in it.
pub(super) fn head(text: &[u8], at: usize, reach: usize) -> (&[u8], bool) {
    let from = at.saturating_sub(reach);
    match memrchr(b'\n', &text[from..at]) {
        Some(end) => (&text[from + end + 1..at], true),
        None => (&text[from..at], from == 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_programs_logs_and_settings() {
        for line in [
            "const client = new Client({",
            "{\"level\":\"warn\",\"msg\":\"slow\"}",
            "2024-06-02T08:14:22 ERROR [main] upload failed",
            "git fetch origin --prune --tags",
            "payments.RetryPolicy retry = payments.RetryPolicy.of(client);",
            "name = \"walker\"",
            "AWS_REGION=us-west-2 ./run.sh",
            "  password_hash VARCHAR(255) NOT NULL,",
            "[package]",
        ] {
            assert!(Lines::of(line.as_bytes()).any(), "{line}");
        }
        assert!(Lines::of(b"provider:\n  name: lantern\n  runtime: x\n  region: y\n").code(12));
        assert!(Lines::of(b"containers:\n- name: sidecar\n  image: busybox_x\n").code(16));
    }

    #[test]
    fn lines_of_prose_and_of_notes() {
        for line in [
            "my login maria_31. help me understand. -Maria",
            "my login maria_31. help me understand. -maria",
            "Maria Lopez (47) came in with chest pain, BP 120/80, HR=80; see file.txt",
            "PID|1||6610294^^^MR||LOPEZ^MARIA||19770412|F",
            "Dear Dr. McDonald, thank you for seeing her -- she was well",
            "Patient: Maria Lopez, MRN: 118802",
            "Please write to john_doe71@example.com or see https://www.example.com/a_b/c?d=e",
            "Mann, 54 J., RR 140/90 -> 120/80 unter Ramipril 5 mg",
        ] {
            assert!(!Lines::of(line.as_bytes()).any(), "{line}");
        }
    }
}
